"""How frames of pandas are saved, so that what shares memory goes on being copied when written."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import rebuilding_frames as again

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler


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
    pandas: Any = sys.modules.get("pandas")
    if issubclass(kind, getattr(pandas, "Index", ())) and not issubclass(kind, pandas.RangeIndex):
        return reduce_index
    return None


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
