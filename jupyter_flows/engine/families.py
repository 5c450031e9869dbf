"""Runs that other runs have started: they end with those that are cancelled, and take turns."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from jupyter_flows.core import events as e
from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.model import FINISHED, Run, RunId, RunStatus
from jupyter_flows.engine.queue import Spawn
from jupyter_flows.ports import RunFilter, Store

UNFINISHED = frozenset(RunStatus) - FINISHED
_PAGE = 100

Cancel = Callable[[RunId, str, str | None], Awaitable[Run]]


class Families:
    def __init__(self, store: Store, cancel: Cancel, spawn: Spawn, log: logging.Logger) -> None:
        self._store = store
        self._cancel = cancel
        self._spawn = spawn
        self._log = log

    def committed(self, run: Run, events: Sequence[e.Recorded]) -> None:
        """A listener: what a cancelled run has started is cancelled too. One that merely ends
        leaves them to go on.
        """
        if any(isinstance(row.event, e.RunCancelled) for row in events):
            self._spawn(self.cancel_children(run), f"jupyter-flows children of {run.id}")

    async def cancel_children(self, run: Run) -> None:
        """Nothing happens while the run is not cancelled."""
        if run.status is not RunStatus.CANCELLED:
            return
        wanted, cursor = RunFilter(status=UNFINISHED, started_by=run.id), None
        while True:
            page = await self._store.runs(wanted, cursor, _PAGE)
            for row in page.rows:
                await self._end(row.id, run.owner)
            cursor = page.cursor
            if cursor is None:
                return

    async def cancel_orphans(self) -> None:
        """Those whose parent was cancelled while nobody here heard of it."""
        for child in await self._store.orphans():
            await self._end(child, (await self._store.row(child)).owner)

    async def _end(self, child: RunId, by: str) -> None:
        try:
            await self._cancel(child, by, "The run that started it was cancelled.")
        except FlowsError as error:
            self._log.info("run %s is not cancelled with its parent: %s", child, error)
