"""Ctrl-C and SIGTERM: the work is left in order, and nobody has to be asked."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """A signal ended the work."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


async def unless_stopped(work: Coroutine[Any, Any, T]) -> T:
    """The work's result. Raises Stopped when a signal comes first, after the work has ended.

    Later signals change nothing, so that what must be tidied up is.
    """
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[int] = loop.create_future()

    def stopped(number: int) -> None:
        if not stop.done():
            stop.set_result(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped, int(number))
    task = asyncio.ensure_future(work)
    stop.add_done_callback(lambda _: task.cancel())
    await asyncio.wait({task})
    if not task.cancelled() or not stop.done():
        return task.result()
    raise Stopped(stop.result())
