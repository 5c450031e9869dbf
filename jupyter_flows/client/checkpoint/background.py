"""What the notebook's cells have started and goes on behind them, under a variable's name or none.

It changes variables while they are saved and afterwards, and ends with its process.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Collection, Iterator
from concurrent.futures import Executor
from threading import Thread
from typing import Any

from jupyter_flows.client.around import Running, running
from jupyter_flows.client.checkpoint import names
from jupyter_flows.client.checkpoint.trials import type_of

WHY = "it still runs; wait for its end, or stop it"
_SERVICES = {
    "ipykernel", "IPython", "zmq", "tornado", "jupyter_client", "jupyter_flows", "ipywidgets",
    "comm", "anyio", "debugpy", "pydevd", "tqdm", "joblib", "loky", "fsspec",
}  # fmt: skip
"""Packages whose own threads and tasks hold nothing of the notebook's."""

Entry = dict[str, Any]


def others() -> Running:
    """What was not there before the cells."""
    around = getattr(names.flow(), "around", None)
    now = running()
    return now if around is None else around.less(now)


def may_write(found: Running) -> bool:
    """Whether any of it may change variables while they are saved, as no task can."""
    return bool(found.children) or any(True for _ in _threads(found))


def entries(found: Running, named: Collection[Any], exclude: Collection[str]) -> list[Entry]:
    """As of variables that can't be saved; less those that `named` has, which are told by a name.

    `exclude` may have the names of threads, tasks and programs, too.
    """
    parts = [part for each in named for part in (each, *_workers(each))]
    known = {id(each) for each in parts}
    pids = {_pid(each) for each in parts}
    told = [
        *(_entry("thread", each.name, each) for each in _threads(found) if id(each) not in known),
        *(_entry("task", _told(each), each) for each in _tasks(found) if id(each) not in known),
        *(_child(pid, name) for (pid, _), name in found.children.items() if pid not in pids),
    ]
    return [each for each in told if each["name"] not in exclude]


def _pid(thing: Any) -> int | None:
    try:
        pid = thing.pid
    except Exception:  # noqa: BLE001 (a variable's own code may raise anything)
        return None
    return pid if type(pid) is int else None


def _workers(thing: Any) -> list[Any]:
    """Of an executor or a pool: its threads, and its processes."""
    pool = getattr(sys.modules.get("multiprocessing.pool"), "Pool", Executor)
    if not issubclass(type(thing), (Executor, pool)):
        return []
    own = vars(thing)
    processes = own.get("_processes")
    workers = [*(own.get("_threads") or ()), *(own.get("_pool") or ())]
    more = processes.values() if isinstance(processes, dict) else ()
    return [*workers, *more, *(each for each in own.values() if isinstance(each, Thread))]


def _entry(kind: str, name: str, thing: Any) -> Entry:
    return {"name": name, "type": type_of(thing), "path": f"{kind} {name!r}", "reason": WHY}


def _child(pid: int, name: str) -> Entry:
    path = f"process {pid} ({name})"
    return {"name": name, "type": "subprocess.Popen", "path": path, "reason": WHY}


def _told(task: Any) -> str:
    return f"{task.get_name()} ({getattr(task.get_coro(), '__name__', 'a task')})"


def _is_service(module: Any) -> bool:
    top = str(module or "").partition(".")[0]
    return top in _SERVICES or top.startswith("_pydev")


# ---------------------------------------------------------------- threads


def _threads(found: Running) -> Iterator[Any]:
    ours = (threading.main_thread(), threading.current_thread())
    for thread in sorted(found.threads, key=lambda each: each.name):
        if thread not in ours and thread.is_alive() and not _is_harmless(thread):
            yield thread


def _is_harmless(thread: Any) -> bool:
    """Those that were not started by Python, such as a debugger's, seem to live for ever."""
    if isinstance(thread, threading._DummyThread):
        return True
    work = getattr(thread, "_target", None)
    loop = getattr(work, "__self__", None)
    if isinstance(loop, asyncio.AbstractEventLoop):
        return not asyncio.all_tasks(loop)
    made = type(thread).__module__
    if _is_service(getattr(work, "__module__", None) if made == "threading" else made):
        return True
    return getattr(work, "__module__", None) == "concurrent.futures.thread" and _idles(thread)


def _idles(thread: Any) -> bool:
    """A worker of an executor that has nothing to do; what is at work is called by the worker."""
    frame = sys._current_frames().get(thread.ident)
    return frame is not None and frame.f_globals.get("__name__") == "concurrent.futures.thread"


# ---------------------------------------------------------------- tasks


def _tasks(found: Running) -> Iterator[Any]:
    for task in sorted(found.tasks, key=lambda each: each.get_name()):
        if not task.done() and not _is_service(_module(task.get_coro())):
            yield task


def _module(coroutine: Any) -> Any:
    frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
    return None if frame is None else frame.f_globals.get("__name__")
