"""Queued runs of flows that allow only so many at work: the next begins when one has ended."""

from collections.abc import Callable, Coroutine, Sequence
from typing import TypeAlias

from jupyter_flows.core import events as e
from jupyter_flows.core.model import Run
from jupyter_flows.ports import Dispatcher, Peers, RunRow, Store

ENDS = (e.RunSucceeded, e.RunFailed, e.RunCancelled, e.RunInterrupted)

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

    def committed(self, run: Run, events: Sequence[e.Recorded]) -> None:
        """A listener: the next queued run of a flow that allows only so many may begin now."""
        ended = any(isinstance(row.event, ENDS) for row in events)
        if ended and run.concurrency is not None:
            self._spawn(self._begin_queued(run.flow), f"jupyter-flows next run of {run.flow}")

    async def _begin_queued(self, flow: str) -> None:
        for run in await self._store.queued(flow):
            row = await self._store.row(run)
            if self._is_ours(row):
                await self._dispatcher.enqueue(run)
            elif row.server and self._peers.alive(row.server):
                await self._peers.poke(row.server, run)
