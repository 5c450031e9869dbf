"""How instances are saved whose own pickling would run the code of their class, or lose by it.

They are made by the built-in type below them, not by the `__new__` and `__init__` of their class;
their items are put in by the built-in type, not by an `append` or `__setitem__` of their class; and
attributes are set where they lie, past `__getattr__` and `__setattr__`.
"""

from __future__ import annotations

import collections
import copyreg
import functools
import types
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import rebuilding_instances as again

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler

_HEAP = 1 << 9
_ATOMS = frozenset({str, int, float, complex, bool, bytes, type(None)})
_CONTENT: dict[type, Any] = {
    tuple: lambda thing: tuple(tuple.__iter__(thing)),
    frozenset: lambda thing: tuple(frozenset.__iter__(thing)),
    str: str.__str__,
    int: int.__pos__,
    float: float.__pos__,
    complex: complex.__pos__,
    bytes: lambda thing: bytes.__add__(thing, b""),
}
"""What instances of these are made of, when they are made."""
_ITEMS: dict[type, Any] = {
    list: lambda thing: list(list.__iter__(thing)),
    set: lambda thing: list(set.__iter__(thing)),
    dict: lambda thing: list(dict.items(thing)),
    collections.deque: lambda thing: list(collections.deque.__iter__(thing)),
    collections.defaultdict: lambda thing: list(dict.items(thing)),
    collections.OrderedDict: lambda thing: list(collections.OrderedDict.items(thing)),
}
"""What is put into instances of these, afterwards."""
_HOOKS = ("__getattr__", "__getattribute__", "__setattr__")


def plan(kind: type) -> Any:
    """None, where the usual way is right and runs nothing of the class."""
    base = _base(kind)
    if base is None or kind in copyreg.dispatch_table:
        return None
    if _has_own_way(kind, base):
        plain = _plain_plan(kind, base)
        return functools.partial(_by_value, plain) if _reduces(kind) else None
    if base in _ITEMS or _made_by_python(kind, base) or (base is object and _minded(kind)):
        return _plain_plan(kind, base)
    return None


def state_of(thing: Any) -> Any:
    """All that an instance holds, to be put into one that is there; None where that is unknown."""
    kind = type(thing)
    base = _base(kind)
    if base is None:
        return None
    told = _reduce(kind, base, slots(kind, base), False, None, thing)
    return told[2] if len(told) > 2 else (None, None, None, None)


def _plain_plan(kind: type, base: type) -> Any:
    return functools.partial(_reduce, kind, base, slots(kind, base), _hashed(kind))


def _base(kind: type) -> Any:
    """The built-in type that instances are made by, if all below it is written in Python."""
    if not kind.__flags__ & _HEAP:
        return None
    for each in kind.__mro__:
        if each is object or each in _CONTENT or each in _ITEMS:
            return each
        if not each.__flags__ & _HEAP or not isinstance(
            vars(each).get("__new__", _nothing), (staticmethod, types.FunctionType)
        ):
            return None
    return None


def _nothing() -> None:
    pass


def _has_own_way(kind: type, base: type) -> bool:
    """Whether the class says itself how its instances are pickled."""
    usual: list[Any] = [base, object]
    if base is dict:
        usual.append(collections.Counter)
    names = ("__reduce_ex__", "__reduce__", "__getstate__", "__setstate__")
    own = ("__getnewargs__", "__getnewargs_ex__")
    return any(
        getattr(kind, name, None) not in [getattr(each, name, None) for each in usual]
        for name in (*names, *own)
    )


def _reduces(kind: type) -> bool:
    """Whether a class of the notebook says so in Python."""
    own = (kind.__reduce_ex__, kind.__reduce__)
    return kind.__module__ == "__main__" and any(
        isinstance(each, types.FunctionType) for each in own
    )


def _by_value(plain: Any, pickler: Pickler, thing: Any) -> Any:
    """Where a class says that its instance is found by a name of the notebook: that is not there
    yet when it is loaded.
    """
    told = thing.__reduce_ex__(4)
    return plain(pickler, thing) if isinstance(told, str) else told


def _made_by_python(kind: type, base: type) -> bool:
    return any("__new__" in vars(each) for each in kind.__mro__[: kind.__mro__.index(base)])


def _minded(kind: type) -> bool:
    """Whether a class wants to know of what is done to its instances, or has a hash of its own."""
    return _hashed(kind) or any(
        isinstance(getattr(kind, name, None), types.FunctionType) for name in _HOOKS
    )


def _hashed(kind: type) -> bool:
    return isinstance(kind.__hash__, types.FunctionType)


def is_plain(told: Any) -> bool:
    """Whether a plan is one of those here that carry all that an instance has."""
    return getattr(told, "func", None) is _reduce


def slots(kind: type, base: type) -> list[tuple[type, str, Any]]:
    """Of the classes below a base."""
    return [
        (each, name, slot)
        for each in kind.__mro__[: kind.__mro__.index(base)]
        for name, slot in vars(each).items()
        if isinstance(slot, types.MemberDescriptorType) and slot.__objclass__ is each
    ]


def _reduce(
    kind: type,
    base: type,
    slots: list[tuple[type, str, Any]],
    hashed: bool,
    pickler: Pickler | None,
    thing: Any,
) -> Any:
    del pickler
    own = object.__getattribute__(thing, "__dict__") if kind.__dictoffset__ else None
    told = filled(slots, thing)
    content = _CONTENT[base](thing) if base in _CONTENT else None
    if base is collections.deque:
        content = collections.deque.maxlen.__get__(thing)
    early = _early(own, told) if hashed else None
    items = _ITEMS[base](thing) if base in _ITEMS else None
    factory = thing.default_factory if base is collections.defaultdict else None
    state = (own or None, told or None, items or None, factory)
    made = (again.instance, (kind, base, content, early))
    if state == (None, None, None, None):
        return made
    return (*made, state, None, None, again.set_instance)


def filled(slots: list[tuple[type, str, Any]], thing: Any) -> list[tuple[type, str, Any]]:
    """What the slots of an instance hold."""
    return [(each, name, value) for each, name, slot in slots for value in _value(slot, thing)]


def _value(slot: Any, thing: Any) -> tuple[Any, ...]:
    try:
        return (slot.__get__(thing),)
    except AttributeError:
        return ()


def _early(own: dict[str, Any] | None, told: list[tuple[type, str, Any]]) -> Any:
    """What a hash may be made of: it is asked for while the rest is still being loaded."""
    attributes = {name: value if _is_atom(value) else None for name, value in (own or {}).items()}
    return attributes, [each for each in told if _is_atom(each[2])]


def _is_atom(value: Any) -> bool:
    kind = type(value)
    return kind in _ATOMS or (kind is tuple and all(type(each) in _ATOMS for each in value))
