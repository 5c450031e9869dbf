"""How tables of polars and arrow are saved; they never change, so only their bytes matter."""

from __future__ import annotations

import pickle
import sys
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import rebuilding_frames as again

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler


def plan(kind: type) -> Any:
    polars: Any = sys.modules.get("polars")
    if kind in (getattr(polars, "DataFrame", None), getattr(polars, "Series", None)):
        return reduce_polars
    if issubclass(kind, getattr(sys.modules.get("pyarrow"), "Buffer", ())):
        return reduce_buffer
    return None


def reduce_polars(pickler: Pickler, frame: Any) -> Any:
    """As the bytes that it gives itself, stored apart."""
    state = frame.__getstate__()
    if type(state) is not bytes:
        return NotImplemented
    pickler.packed.add(id(pickler.held(state)))
    return again.unpacked, (type(frame), pickle.PickleBuffer(state))


def reduce_buffer(pickler: Pickler, buffer: Any) -> Any:
    """One for each memory: arrow makes a new object each time it is asked for one."""
    known = pickler.buffers.setdefault((buffer.address, buffer.size), buffer)
    return NotImplemented if known is buffer else (again.same, (known,))
