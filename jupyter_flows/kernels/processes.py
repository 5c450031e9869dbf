"""Processes that an earlier server has started: found by what they were started as, never by their
number alone, which may be another process's by now.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

TERM_WITHIN = 2.0
"""Seconds that a process has to end by itself."""

LOOK = 0.05


def command_of(pid: int) -> tuple[str, ...]:
    """Its command line; empty where it can't be had."""
    import psutil  # noqa: PLC0415 (slow to load)

    try:
        return tuple(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ()


def found(pid: int, command: Sequence[str]) -> "psutil.Process | None":
    """The process of that number, if it lives and was started so, by us."""
    import psutil  # noqa: PLC0415

    try:
        process = psutil.Process(pid)
        same = bool(command) and process.cmdline() == list(command)
        ours = process.uids().real == os.getuid()
        return process if same and ours and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


async def end(pid: int, command: Sequence[str]) -> None:
    """End it with all in its group, if it is found."""
    for number, seconds in ((signal.SIGTERM, TERM_WITHIN), (signal.SIGKILL, TERM_WITHIN)):
        if found(pid, command) is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(os.getpgid(pid), number) if _leads(pid) else os.kill(pid, number)
        left = seconds
        while left > 0 and found(pid, command) is not None:
            await asyncio.sleep(LOOK)
            left -= LOOK


def _leads(pid: int) -> bool:
    return os.getpgid(pid) == pid


class Adopted:
    """Such a process, as `subprocess.Popen` shows one of its own."""

    stdin = stdout = stderr = None

    def __init__(self, process: "psutil.Process") -> None:
        self._process = process
        self.pid = process.pid

    def poll(self) -> int | None:
        """None while it lives; how it ended is told to its parent only."""
        import psutil  # noqa: PLC0415

        try:
            alive = self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return 0
        return None if alive else 0

    def wait(self, timeout: float | None = None) -> int:
        import psutil  # noqa: PLC0415

        with contextlib.suppress(psutil.Error):
            self._process.wait(timeout)
        return 0

    def send_signal(self, number: int) -> None:
        """Raises ProcessLookupError."""
        import psutil  # noqa: PLC0415

        try:
            self._process.send_signal(number)
        except psutil.NoSuchProcess:
            raise ProcessLookupError from None

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
