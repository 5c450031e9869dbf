"""Attributes of instances that the own pickling of their base knows nothing of."""

from __future__ import annotations

import enum
import functools
import types
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import instances, surroundings
from jupyter_flows.client.checkpoint import rebuilding_instances as again

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler

_HEAP = 1 << 9


def over(kind: type, usual: Any) -> Any:
    """A plan that adds them to what `usual` tells, or `usual` where it tells all."""
    if not kind.__flags__ & _HEAP or issubclass(kind, enum.Enum) or instances.is_plain(usual):
        return usual
    teller = _teller(kind)
    if teller is object or teller is kind:
        return usual
    dicts = bool(kind.__dictoffset__) and (not teller.__dictoffset__ or _is_own(kind, teller))
    slots = instances.slots(kind, teller) if _of_user(kind) else []
    return functools.partial(_reduce, dicts, slots, usual) if dicts or slots else usual


def _teller(kind: type) -> type:
    """The class that says how the instances are pickled."""
    for each in kind.__mro__:
        told = vars(each)
        if each is object or "__reduce_ex__" in told or "__reduce__" in told:
            return each
        if isinstance(told.get("__getstate__"), types.FunctionType):
            return kind  # somebody has thought of what is kept
        if "__getstate__" in told:
            return each
    return object


def _is_own(kind: type, teller: type) -> bool:
    """Whether the notebook, or a module beside it, has made the class, and not its pickling."""
    return _of_user(kind) and not _of_user(teller)


def _of_user(kind: type) -> bool:
    return kind.__module__ == "__main__" or surroundings.is_own(kind.__module__)


def _reduce(
    dicts: bool, slots: list[tuple[type, str, Any]], usual: Any, pickler: Pickler, thing: Any
) -> Any:
    own = object.__getattribute__(thing, "__dict__") if dicts else None
    told = instances.filled(slots, thing)
    reduced = NotImplemented if usual is None else usual(pickler, thing)
    if not own and not told:
        return reduced
    return to(thing.__reduce_ex__(4) if reduced is NotImplemented else reduced, own, told)


def to(reduced: Any, own: Any, slots: Any) -> Any:
    """What a reducer has told, and these attributes, given as a dict and in slots."""
    if isinstance(reduced, str):
        return reduced
    told: tuple[Any, ...] = tuple(reduced)
    make, args, state, items, pairs, put = told + (None,) * (6 - len(told))
    return make, args, (state, put, own or None, slots or None), items, pairs, again.set_added
