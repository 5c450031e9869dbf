"""Waiting for the ends of runs: a thousand who wait cost nothing until one of them ends."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeAlias

from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.engine.engine import Engine
from jupyter_flows.engine.feed import FOREIGN_POLL_SECONDS

Over: TypeAlias = Callable[[Run], bool]


class Ends:
    """One a process. What another server on the store writes is seen within a second."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: dict[RunId, set[tuple[Over, asyncio.Event]]] = defaultdict(set)
        engine.listen(self._committed)

    def _committed(self, run: Run, _: Sequence[Recorded]) -> None:
        for over, ended in self._waiting.get(run.id, ()):
            if over(run):
                ended.set()

    async def waited(self, run_id: RunId, seconds: float, over: Over) -> Run:
        """The run when it is over, or as it is after so many seconds. Raises UnknownRun."""
        run = await self._engine.run(run_id)
        if over(run):
            return run
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        until, waiter = loop.time() + seconds, (over, ended)
        self._waiting[run_id].add(waiter)
        try:
            while not over(run := await self._engine.run(run_id)) and loop.time() < until:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(FOREIGN_POLL_SECONDS, until - loop.time())):
                        await ended.wait()
                ended.clear()
            return run
        finally:
            self._waiting[run_id].discard(waiter)
            if not self._waiting[run_id]:
                del self._waiting[run_id]

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return sum(map(len, self._waiting.values()))
