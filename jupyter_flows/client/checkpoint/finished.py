"""How files, futures and executors are saved that have come to their end: as ended ones."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import rebuilding_library as again
from jupyter_flows.client.checkpoint.errors import Refused

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler

_FILES = (io.TextIOWrapper, io.BufferedReader, io.BufferedWriter, io.BufferedRandom, io.FileIO)
_EXECUTORS = ("ThreadPoolExecutor", "ProcessPoolExecutor")


def plan(kind: type) -> Any:
    if kind in _FILES:
        return reduce_file
    futures: Any = sys.modules.get("concurrent.futures._base")
    if futures is None:
        return None
    if kind is futures.Future:
        return reduce_future
    if issubclass(kind, futures.Executor) and kind.__name__ in _EXECUTORS:
        return reduce_executor
    return None


def reduce_file(pickler: Pickler, file: Any) -> Any:
    """One that a `with` block has closed is still there to be asked for its name."""
    del pickler
    if not file.closed:
        raise Refused("an open file can't be saved")
    encoding, errors = getattr(file, "encoding", None), getattr(file, "errors", None)
    made = (type(file).__name__, getattr(file, "name", ""), getattr(file, "mode", "r"))
    return again.closed_file, (*made, encoding, errors)


def reduce_future(pickler: Pickler, future: Any) -> Any:
    del pickler
    if not future.done():
        raise Refused("a future whose work is not done can't be saved")
    return NotImplemented


def reduce_executor(pickler: Pickler, executor: Any) -> Any:
    del pickler
    kind = type(executor)
    down = getattr(executor, "_shutdown", False) or getattr(executor, "_shutdown_thread", False)
    if not down or kind.__module__.partition(".")[0] != "concurrent":
        raise Refused("an executor and its workers can't be saved; shutdown() ends it")
    return again.shut_down, (kind, executor._max_workers)
