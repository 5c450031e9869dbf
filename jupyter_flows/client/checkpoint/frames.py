"""How frames of pandas are saved, so that what shares memory goes on being copied when written."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import added, instances
from jupyter_flows.client.checkpoint import rebuilding_frames as again

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler

_ACCESSORS = {"CachedAccessor", "Accessor"}
"""What makes `series.str` and its like, and keeps it on the object."""
_INTERNAL = {
    *("_mgr", "_data", "_item_cache", "_cacher", "_attrs", "_flags", "_metadata", "_is_copy"),
    *("_typ", "attrs", "_name", "_cache", "_id", "_references", "_range", "_freq", "_dtype"),
    *("_levels", "_codes", "_names", "sortorder", "_hashable", "_engine", "_tz"),
    "design_info",  # of patsy, which can't be saved; statsmodels makes it again
}


def plan(kind: type) -> Any:
    internals: Any = sys.modules.get("pandas._libs.internals")
    refs = getattr(internals, "BlockValuesRefs", None)
    if refs is None:
        return None
    if kind is refs:
        return reduce_refs
    block = getattr(internals, "Block", None) or getattr(internals, "SharedBlock", None)
    if block is not None and issubclass(kind, block):
        return reduce_block
    managers: Any = sys.modules.get("pandas.core.internals.managers")
    if kind in (managers.BlockManager, managers.SingleBlockManager):
        return reduce_manager
    return _of_objects(kind)


def _of_objects(kind: type) -> Any:
    pandas: Any = sys.modules.get("pandas")
    if issubclass(kind, getattr(pandas, "Index", ())):
        return _with_attributes(None if issubclass(kind, pandas.RangeIndex) else reduce_index)
    whole: Any = getattr(sys.modules.get("pandas.core.generic"), "NDFrame", ())
    return _with_attributes(None) if issubclass(kind, whole) else None


def _with_attributes(usual: Any) -> Any:
    """With what the notebook has set on the object itself, as in `frame.note = 1`."""

    def reduce(pickler: Pickler, thing: Any) -> Any:
        told = NotImplemented if usual is None else usual(pickler, thing)
        kind = type(thing)
        slots = instances.filled(instances.slots(kind, object), thing)
        known = {*_INTERNAL, *getattr(kind, "_metadata", ())}
        own = {
            name: value
            for name, value in vars(thing).items()
            if name not in known and type(_of_class(kind, name)).__name__ not in _ACCESSORS
        }
        if not own and not slots:
            return told
        return added.to(thing.__reduce_ex__(4) if told is NotImplemented else told, own, slots)

    return reduce


def _of_class(kind: type, name: str) -> Any:
    return next((vars(each)[name] for each in kind.__mro__ if name in vars(each)), None)


def reduce_refs(pickler: Pickler, refs: Any) -> Any:
    """What notes who shares a block's memory; those who do are noted again one by one."""
    del pickler
    return type(refs), ()


def reduce_block(pickler: Pickler, block: Any) -> Any:
    del pickler
    told = block.__reduce__()
    return told[0], told[1], (block.refs,), None, None, again.set_block


def reduce_manager(pickler: Pickler, manager: Any) -> Any:
    """Its own state would make blocks of its own."""
    del pickler
    return again.manager, (type(manager), tuple(manager.blocks), list(manager.axes))


def reduce_index(pickler: Pickler, index: Any) -> Any:
    del pickler
    told = index.__reduce__()
    refs = getattr(index, "_references", None)
    if refs is None:
        return told
    state = told[2] if len(told) > 2 else None
    return told[0], told[1], (refs, state), None, None, again.set_index
