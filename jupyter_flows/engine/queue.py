"""Queued runs that wait for a place: of a flow that allows only so many at work, or among the runs
that one run has started. The next begins when one has ended.
"""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TypeAlias

from jupyter_flows.core import events as e
from jupyter_flows.core.errors import FlowBusy
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.ports import Dispatcher, Store

ENDS = (e.RunSucceeded, e.RunFailed, e.RunCancelled, e.RunInterrupted)
WAITS = (e.GateOpened, e.RunSlept)
"""With these a run leaves its place among those that the same run has started."""

Spawn: TypeAlias = Callable[[Coroutine[None, None, None], str], object]
"""Begin a task that is held until it ends, under this name."""


class Queue:
    def __init__(
        self,
        store: Store,
        dispatcher: Dispatcher,
        spawn: Spawn,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._spawn = spawn
        self._held: dict[RunId, set[RunId]] = defaultdict(set)  # by who has started them

    def committed(self, run: Run, events: Sequence[e.Recorded]) -> None:
        """A listener: the next queued run that waits for this one's place may begin now."""
        ended = any(isinstance(row.event, ENDS) for row in events)
        if ended and run.concurrency is not None:
            self._spawn(self._next_of_flow(run.flow), f"jupyter-flows next run of {run.flow}")
        if run.started_by is None or run.at_once is None:
            return
        if ended or any(isinstance(row.event, WAITS) for row in events):
            work = self._next_child(run, run.started_by, run.at_once)
            self._spawn(work, f"jupyter-flows next child of {run.started_by}")

    @contextlib.contextmanager
    def place(self, run: Run) -> Iterator[None]:
        """For a queued run that is about to begin. The store counts those that run; here also those
        count that have ended and whose kernels are still going: each has its memory. Raises
        FlowBusy.
        """
        starter = run.started_by
        if starter is None or run.at_once is None:
            yield
            return
        held = self._held[starter]
        if len(held - {run.id}) >= run.at_once:
            raise FlowBusy
        held.add(run.id)
        try:
            yield
        except BaseException:
            self._leave(run.id, starter)
            raise

    def _leave(self, run: RunId, starter: RunId) -> None:
        self._held[starter].discard(run)
        if not self._held[starter]:
            del self._held[starter]

    async def _next_of_flow(self, flow: str) -> None:
        await self._begin(await self._store.queued(flow))

    async def _next_child(self, run: Run, starter: RunId, at_once: int) -> None:
        """When the kernel of one that has ended is gone."""
        if run.finished:
            await self._dispatcher.settled(run.id)
        self._leave(run.id, starter)
        at_work = await self._store.at_work(starter)
        free = at_once - max(at_work, len(self._held.get(starter, ())))
        if free > 0:
            await self._begin(await self._store.queued_of(starter, free))

    async def _begin(self, queued: Sequence[RunId]) -> None:
        for run in queued:
            await self._dispatcher.enqueue(run)
