"""Queued runs that wait for a place: of a flow that allows only so many at work, or among the runs
that one run has started. The next begins when one has ended.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import TypeAlias
from weakref import WeakValueDictionary

from jupyter_flows.core import events as e
from jupyter_flows.core.errors import FlowBusy
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.ports import Dispatcher, Peers, RunRow, Store

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
        peers: Peers,
        is_ours: Callable[[RunRow], bool],
        spawn: Spawn,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._peers = peers
        self._is_ours = is_ours
        self._spawn = spawn
        self._leaving: dict[RunId, set[RunId]] = defaultdict(set)  # by who has started them
        self._locks: WeakValueDictionary[RunId, asyncio.Lock] = WeakValueDictionary()

    def committed(self, run: Run, events: Sequence[e.Recorded]) -> None:
        """A listener: the next queued run that waits for this one's place may begin now."""
        ended = any(isinstance(row.event, ENDS) for row in events)
        if ended and run.concurrency is not None:
            self._spawn(self._next_of_flow(run.flow), f"jupyter-flows next run of {run.flow}")
        if run.started_by is None or run.at_once is None:
            return
        if ended or any(isinstance(row.event, WAITS) for row in events):
            if run.finished:
                self._leaving[run.started_by].add(run.id)
            work = self._next_child(run, run.started_by, run.at_once)
            self._spawn(work, f"jupyter-flows next child of {run.started_by}")

    @contextlib.asynccontextmanager
    async def place(self, run: Run) -> AsyncIterator[None]:
        """For a queued run that is about to begin. Kernels of runs that have ended, and are still
        going, count as well as those that run: each has its memory. Raises FlowBusy.
        """
        starter = run.started_by
        if starter is None or run.at_once is None:
            yield
            return
        lock = self._locks.get(starter)
        if lock is None:
            self._locks[starter] = lock = asyncio.Lock()
        async with lock:
            if starter in self._leaving and await self._free(starter, run.at_once) <= 0:
                raise FlowBusy
            yield

    async def _free(self, starter: RunId, at_once: int) -> int:
        """The store first: what it counts no more is known to be leaving when it has answered."""
        at_work = await self._store.at_work(starter)
        return at_once - at_work - len(self._leaving.get(starter, ()))

    async def _next_of_flow(self, flow: str) -> None:
        await self._begin(await self._store.queued(flow))

    async def _next_child(self, run: Run, starter: RunId, at_once: int) -> None:
        """When the kernel of one that has ended is gone."""
        if run.finished:
            await self._dispatcher.settled(run.id)
            self._leaving[starter].discard(run.id)
            if not self._leaving[starter]:
                del self._leaving[starter]
        free = await self._free(starter, at_once)
        if free > 0:
            await self._begin(await self._store.queued_of(starter, free))

    async def _begin(self, queued: Sequence[RunId]) -> None:
        for run in queued:
            row = await self._store.row(run)
            if self._is_ours(row):
                await self._dispatcher.enqueue(run)
            elif row.server and self._peers.alive(row.server):
                await self._peers.poke(row.server, run)
