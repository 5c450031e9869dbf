"""Objects that can't be carried to another process, whatever their own pickling says."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from typing import Any

_DENIED = {
    "a running program can't be saved": ["subprocess.Popen", "asyncio.subprocess.Process"],
    "a thread can't be saved": ["threading.Thread"],
    "an executor and its workers can't be saved": [
        "concurrent.futures._base.Executor",
        "multiprocessing.pool.Pool",
        "distributed.client.Client",
    ],
    "an open connection can't be saved": [
        "socket.socket",
        "ssl.SSLSocket",
        "ssl.SSLContext",
        "http.client.HTTPConnection",
        "multiprocessing.connection._ConnectionBase",
        "multiprocessing.connection.Listener",
        "multiprocessing.managers.BaseProxy",
        "multiprocessing.managers.BaseManager",
        "sqlite3.Connection",
        "sqlite3.Cursor",
        "sqlalchemy.engine.base.Engine",
        "sqlalchemy.engine.base.Connection",
        "sqlalchemy.orm.session.Session",
        "zmq.Socket",
        "zmq.Context",
    ],
    "an open file can't be saved": ["io.IOBase", "_io._IOBase"],
    "an object of the multiprocessing module can't be saved": [
        "multiprocessing.process.BaseProcess",
        "multiprocessing.queues.Queue",
        "multiprocessing.queues.SimpleQueue",
        "multiprocessing.synchronize.SemLock",
        "multiprocessing.synchronize.Condition",
        "multiprocessing.synchronize.Event",
        "multiprocessing.synchronize.Barrier",
        "multiprocessing.shared_memory.SharedMemory",
        "multiprocessing.shared_memory.ShareableList",
        "multiprocessing.heap.BufferWrapper",
        "multiprocessing.sharedctypes.SynchronizedBase",
    ],
    "a temporary file or folder goes with its process": [
        "tempfile.TemporaryDirectory",
        "tempfile._TemporaryFileWrapper",
        "tempfile.SpooledTemporaryFile",
        "tempfile._TemporaryFileCloser",
    ],
    "a memoryview can't be saved; save what it shows": ["builtins.memoryview"],
    "a file mapped into memory can't be saved": ["mmap.mmap"],
    "an array mapped from a file can't be saved; numpy.array(...) makes a copy": ["numpy.memmap"],
    "an event loop, its tasks and futures can't be saved": [
        "asyncio.AbstractEventLoop",
        "asyncio.Future",
        "_asyncio.Future",
        "asyncio.Handle",
        "asyncio.Server",
        "asyncio.StreamReader",
        "asyncio.StreamWriter",
    ],
    "a generator can't be saved": ["types.GeneratorType"],
    "an asynchronous generator can't be saved": ["types.AsyncGeneratorType"],
    "a coroutine can't be saved": ["types.CoroutineType"],
    "a frame of running code can't be saved": ["types.FrameType", "types.TracebackType"],
    "a weak reference to an object can't be saved by itself": [
        "weakref.ProxyType",
        "weakref.CallableProxyType",
        "weakref.finalize",
    ],
    "`super()` can't be saved": ["builtins.super"],
    "a widget lives in the browser too and can't be saved": [
        "ipywidgets.widgets.widget.Widget",
        "comm.base_comm.BaseComm",
    ],
    "a context of variables can't be saved": ["contextvars.Context", "contextvars.Token"],
    "a selector can't be saved": ["selectors.BaseSelector"],
    "data of this thread alone can't be saved": ["_thread._local"],
}

_TABLE: dict[str, int] = {}
_NOTHING: set[int] = set()
_MRO: Any = type.__dict__["__mro__"]
_ITERATORS: set[type] = {
    type(iter(each)) for each in (_TABLE, _TABLE.keys(), _TABLE.values(), _TABLE.items(), _NOTHING)
} | {type(reversed(each)) for each in (_TABLE, _TABLE.values(), _TABLE.items())}


def reason(kind: type) -> str | None:
    """Why objects of a type are refused, or None."""
    bases = _MRO.__get__(kind)
    if _among(io.StringIO, bases) or _among(io.BytesIO, bases):
        return None
    if _among(kind, _ITERATORS):
        return "an iterator over a dict or a set can't be saved"
    for why, names in _DENIED.items():
        if any(_is(bases, name) for name in names):
            return why
    return None


def _among(kind: Any, kinds: Iterable[type]) -> bool:
    """By identity: a metaclass may answer to `==` and `issubclass` as it likes."""
    return any(each is kind for each in kinds)


def _is(bases: Iterable[type], dotted: str) -> bool:
    module, _, name = dotted.rpartition(".")
    found: Any = getattr(sys.modules.get(module), name, None)
    return found is not None and _among(found, bases)
