"""What runs in the kernel besides its cell: threads, asyncio's tasks, other processes."""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import subprocess
import threading
import weakref
from typing import Any, NamedTuple

Child = tuple[int, float]
"""The id of a process, which the system gives again, and when it began, if that can be told."""


class Running(NamedTuple):
    """`children`: the processes' names by what identifies them."""

    threads: set[Any]
    tasks: set[Any]
    children: dict[Child, str]


def running() -> Running:
    """All that runs now. Processes that were started without Python are seen with psutil only."""
    return Running(set(threading.enumerate()), _tasks(), _children())


def _tasks() -> set[Any]:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return set()
    return asyncio.all_tasks(loop) - {asyncio.current_task(loop)}


def _children() -> dict[Child, str]:
    try:
        psutil: Any = importlib.import_module("psutil")
    except ImportError:
        return _known_to_python()
    found: dict[Child, str] = {}
    for each in psutil.Process().children():
        try:
            if each.status() != psutil.STATUS_ZOMBIE and not _is_service(each.cmdline()):
                found[each.pid, each.create_time()] = each.name()
        except psutil.Error:  # it has just ended
            continue
    return found


def _known_to_python() -> dict[Child, str]:
    made = [(each.pid, each.name, type(each)) for each in multiprocessing.active_children()]
    found = {(pid or 0, 0.0): name for pid, name, kind in made if not _is_service([str(kind)])}
    dropped = getattr(subprocess, "_active", None) or []
    return {**found, **{(each.pid, 0.0): "a program" for each in dropped if each.poll() is None}}


_SERVICES = (
    "loky",
    "resource_tracker",
    "semaphore_tracker",
    "multiprocessing.forkserver",
    "debugpy",
    "kaleido",
    "compile_worker",
)
"""Words in the command lines of processes that libraries keep, and start again when they need."""


def _is_service(command: list[str]) -> bool:
    return any(word in part for part in command for word in _SERVICES)


class Around:
    """What is none of the cells' doing, or comes again: it was there when a run took the kernel, or
    was started by a cell tagged `replay`.
    """

    def __init__(self) -> None:
        self._threads: weakref.WeakSet[Any] = weakref.WeakSet()
        self._tasks: weakref.WeakSet[Any] = weakref.WeakSet()
        self._children: set[Child] = set()

    def add(self, now: Running, but: Running | None = None) -> None:
        """All that runs now, less what ran before."""
        threads, tasks, children = but or (set(), set(), {})
        self._threads.update(now.threads - threads)
        self._tasks.update(now.tasks - tasks)
        self._children.update(set(now.children) - set(children))

    def less(self, now: Running) -> Running:
        """The others of these."""
        return Running(
            now.threads - set(self._threads),
            now.tasks - set(self._tasks),
            {key: name for key, name in now.children.items() if key not in self._children},
        )
