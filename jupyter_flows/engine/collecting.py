"""Removes the checkpoints that no run can go on with any more."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence

from jupyter_flows.core import events as e
from jupyter_flows.core.errors import FlowsError, UnknownRun
from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import FINISHED, Run, RunId, RunStatus
from jupyter_flows.ports import Checkpoints, Clock, Collected, Kernels, RunRow, Store

ENDS = (e.RunSucceeded, e.RunCancelled)
"""Behind these a run can't be resumed."""

EVERY_SECONDS = 3600.0


class Collecting:
    """`keep_failed` is how long (seconds) a failed run's are kept, for it may be resumed."""

    def __init__(
        self,
        *,
        kernels: Kernels,
        checkpoints: Checkpoints,
        store: Store,
        clock: Clock,
        spawn: Callable[[Coroutine[None, None, None], str], asyncio.Task[None]],
        keep_failed: float,
        log: logging.Logger,
    ) -> None:
        self._kernels = kernels
        self._checkpoints = checkpoints
        self._store = store
        self._clock = clock
        self._spawn = spawn
        self._keep_failed = keep_failed
        self._log = log

    def committed(self, run: Run, events: Sequence[Recorded]) -> None:
        """A listener: a run that has ended needs them no more."""
        if run.checkpoints and any(isinstance(row.event, ENDS) for row in events):
            self._spawn(self._drop(run.id), f"jupyter-flows drop checkpoints of {run.id}")

    async def _drop(self, run: RunId) -> None:
        try:
            await self._checkpoints.drop(run)
        except (FlowsError, OSError) as error:
            self._log.warning("run %s: its checkpoints are not removed: %s", run, error)

    async def forever(self) -> None:
        while True:
            try:
                await self.collect()
                await self.end_kernels()
                await self._checkpoints.tidy()
            except (FlowsError, OSError) as error:
                self._log.warning("Old checkpoints are not removed: %s", error)
            except Exception:  # noqa: BLE001 (the one task of them all goes on)
                self._log.exception("Old checkpoints are not removed")
            await asyncio.sleep(EVERY_SECONDS)

    async def end_kernels(self) -> None:
        """End those that have outlived their servers, of runs that are over."""
        left = self._kernels.left()
        if left:
            await self._kernels.collect([run for run in left if not await self._is_over(run)])

    async def _is_over(self, run: RunId) -> bool:
        try:
            return (await self._store.row(run)).status in FINISHED
        except UnknownRun:
            return False  # it may be of another store

    async def collect(self) -> Collected:
        """Remove those of runs that are over, or unknown here."""
        live, unknown = [], []
        for run in await self._checkpoints.runs():
            try:
                if self._is_live(await self._store.row(run)):
                    live.append(run)
            except UnknownRun:
                unknown.append(run)
        found = await self._checkpoints.collect(live, unknown)
        if found.manifests or found.blobs:
            self._log.info(
                "%d checkpoints removed, with %d files of %d bytes",
                found.manifests,
                found.blobs,
                found.bytes,
            )
        return found

    def _is_live(self, row: RunRow) -> bool:
        if row.status is RunStatus.FAILED:
            return self._clock() - (row.finished_at or 0.0) < self._keep_failed
        return row.status not in FINISHED
