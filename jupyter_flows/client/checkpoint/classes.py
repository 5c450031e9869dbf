"""How the notebook's own classes are saved: as they are, without running their making again."""

from __future__ import annotations

import abc
import enum
import types
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import origin, rebuilding, rebuilding_classes
from jupyter_flows.client.checkpoint import rebuilding_library as again
from jupyter_flows.client.checkpoint.errors import Refused

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler

_DERIVED = {
    "__dict__",
    "__weakref__",
    "__slotnames__",  # pickling itself puts it there
    "_abc_impl",
    "__annotate_func__",
    "__annotations_cache__",
}
_PLAIN = (int, str, float, bytes)


def reduce(pickler: Pickler, cls: Any) -> Any:
    named = _builtin(cls)
    if named is not None:
        return named
    if origin.by_reference(cls):
        pickler.occurs(cls.__module__)
        return NotImplemented
    generic = vars(cls).get("__pydantic_generic_metadata__")
    if generic and generic["origin"] is not None and generic["origin"][generic["args"]] is cls:
        return again.parametrized, (generic["origin"], generic["args"])
    if any(vars(each).get("_sa_registry") is not None for each in cls.__mro__):
        raise Refused("a class that SQLAlchemy maps can't be saved; tag its cell `replay`")
    if not cls.__flags__ & 1 << 9:
        raise Refused(f"the built-in type {cls.__qualname__} has no name to be found by")
    safe = _safe(type(cls))
    first: dict[str, Any] = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    if "__orig_bases__" in vars(cls):
        first["__orig_bases__"] = cls.__orig_bases__  # typing asks for them, in C
    if "__class__" in vars(cls):
        first["__class__"] = vars(cls)["__class__"]  # to be set on a class it is something else
    if "__slots__" in vars(cls):
        first["__slots__"] = _slots(cls)
    return (
        rebuilding_classes.skeleton,
        (type(cls), cls.__name__, cls.__bases__, first, safe),
        (_attributes(cls, first), _registered(cls), safe),
        None,
        None,
        rebuilding_classes.set_class,
    )


def _builtin(cls: type) -> Any:
    if cls in (type(None), type(Ellipsis), type(NotImplemented)):
        return origin.cloudpickle._class_reduce(cls)
    if cls in origin.cloudpickle._BUILTIN_TYPE_NAMES:
        return origin.cloudpickle._class_reduce(cls)
    if cls.__module__ == "builtins" and again.TYPES.get(cls.__name__) is cls:
        return again.type_of, (cls.__name__,)
    return None


def _safe(meta: type) -> bool:
    """Whether `type.__new__` makes such classes: not where the metaclass is written in C."""
    return all(
        each is type or each.__flags__ & 1 << 9 for each in meta.__mro__ if each is not object
    )


def _slots(cls: type) -> tuple[str, ...]:
    slots: Any = cls.__dict__["__slots__"]
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _attributes(cls: type, first: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, value in vars(cls).items():
        if name in first or name in _DERIVED:
            continue
        if isinstance(value, types.MemberDescriptorType) and value.__objclass__ is cls:
            continue
        kept[name] = value
    if "__annotate_func__" in vars(cls):
        kept["__annotations__"] = dict(cls.__annotations__)
    return kept


def _registered(cls: type) -> list[type]:
    if not isinstance(cls, abc.ABCMeta):
        return []
    registry = abc._get_dump(cls)[0]  # type: ignore[attr-defined]
    return [each() for each in registry if each() is not None]


def is_own_enum(kind: type) -> bool:
    return issubclass(kind, enum.Enum) and not origin.by_reference(kind)


def reduce_member(pickler: Pickler, member: Any) -> Any:
    """A member of the notebook's own enum: found among its class's attributes."""
    del pickler
    cls = type(member)
    kind: Any = getattr(cls, "_member_type_", object)
    if kind is object:
        made: tuple[Any, ...] = (cls, None, None)
    elif kind in _PLAIN:
        made = (cls, kind, kind.__getnewargs__(member)[0] if kind is not bytes else bytes(member))
    else:
        made = (cls, kind, member._value_)
    return rebuilding_classes.enum_member, made, vars(member), None, None, rebuilding.set_attributes
