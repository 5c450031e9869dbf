"""Saves the variables of a run's kernel: when the run begins to wait, and in between where that
costs little.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine

from jupyter_flows.core import commands as c
from jupyter_flows.core import machine
from jupyter_flows.core.checkpoint import Checkpoint, CheckpointOptions, When
from jupyter_flows.core.errors import CheckpointRefused, FlowsError, KernelUnavailable
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.core.saved import may_spend, policy
from jupyter_flows.engine.cells import Driving, sources
from jupyter_flows.engine.manifests import checkpoint_of, manifest
from jupyter_flows.engine.tell import Teller
from jupyter_flows.engine.under_way import UnderWay
from jupyter_flows.ports import Checkpoints, Kernels, SaveRequest

Spawn = Callable[[Coroutine[None, None, None], str], asyncio.Task[None]]

BLIND_GUESS = 0.2
"""Seconds that saving is taken to need where it was not tried yet."""

VISITED = "Somebody has run cells on the run's kernel: what it holds is not the run's alone."


class Saving:
    """`saved` is told of each run that waits with its variables saved, and how it is to be kept."""

    def __init__(
        self,
        *,
        kernels: Kernels,
        checkpoints: Checkpoints,
        teller: Teller,
        under_way: UnderWay,
        spawn: Spawn,
        saved: Callable[[Run, Checkpoint, CheckpointOptions], None],
        seconds: float,
        log: logging.Logger,
    ) -> None:
        self._kernels = kernels
        self._checkpoints = checkpoints
        self._teller = teller
        self._under_way = under_way
        self._spawn = spawn
        self._saved = saved
        self._seconds = seconds
        self._log = log

    def begin(self, run: Run, driving: Driving) -> None:
        """The run waits. The driver waits for the end of this before it goes on."""
        said = policy(run, machine.waits_behind(run))
        if said.when is When.NEVER or run.id in self._under_way:
            return
        known = machine.stand_in(run)
        if known is not None:
            self._saved(run, known, said)
        elif machine.steps_behind(run):
            ended = self._under_way.begin(run.id)
            work = self._save_waiting(run, driving, said)
            task = self._spawn(work, f"jupyter-flows save {run.id}")
            task.add_done_callback(lambda _: ended())

    async def _save_waiting(self, run: Run, driving: Driving, said: CheckpointOptions) -> None:
        try:
            await self._save_and_tell(run, driving, said)
        except FlowsError as error:
            self._log.warning("run %s: its variables are not saved: %s", run.id, error)

    async def _save_and_tell(self, run: Run, driving: Driving, said: CheckpointOptions) -> None:
        try:
            checkpoint = await self._save(run, driving, said)
        except (CheckpointRefused, KernelUnavailable) as error:
            why = c.MissCheckpoint(why=str(error))
            await self._teller.tell(run.id, why, epoch=driving.epoch)
            return
        state = await self._tell(run.id, checkpoint, driving)
        if machine.stand_in(state) is not None:
            self._saved(state, checkpoint, said)

    async def between(self, run: Run, driving: Driving) -> None:
        """The run goes on. Where that costs a twentieth of its cells' time at most, it is saved so
        far, should all that runs here die in the next cell (durability.md, When).
        """
        said = policy(run, None)
        budget = may_spend(driving.busy, driving.saving)
        if said.when is When.NEVER or budget < max(self._guess(run), driving.least):
            return
        begun = _now()
        try:
            checkpoint = await self._save(run, driving, said, budget)
            if checkpoint.complete:
                await self._tell(run.id, checkpoint, driving)
        except (CheckpointRefused, KernelUnavailable) as error:
            self._log.info("run %s: its variables are not saved so far: %s", run.id, error)
            driving.least = 2 * budget
        finally:
            driving.saving += _now() - begun

    def _guess(self, run: Run) -> float:
        return run.checkpoints[-1].seconds if run.checkpoints else BLIND_GUESS

    async def _save(
        self, run: Run, driving: Driving, said: CheckpointOptions, budget: float | None = None
    ) -> Checkpoint:
        """Raises CheckpointRefused, KernelUnavailable."""
        covers = machine.steps_behind(run)
        place = await self._checkpoints.place(run.id)
        try:
            asked = SaveRequest(
                folder=place.folder,
                limit_bytes=place.limit_bytes,
                budget=budget,
                exclude=said.exclude,
                timeout=self._seconds,
            )
            saved = await self._kernels.save(run.id, asked)
            await self._check_alone(run.id)
            digest = await self._checkpoints.commit(run.id, place, manifest(run, covers, saved))
        except BaseException:
            await asyncio.shield(self._checkpoints.abandon(place))
            raise
        texts = sources(run, covers, driving.snapshot)
        return checkpoint_of(digest, saved, covers, texts, said.on_unsaved)

    async def _check_alone(self, run: RunId) -> None:
        """Raises CheckpointRefused."""
        if await self._kernels.visitors(run):
            raise CheckpointRefused(VISITED)

    async def _tell(self, run: RunId, checkpoint: Checkpoint, driving: Driving) -> Run:
        told = c.SaveCheckpoint(checkpoint=checkpoint)
        state = await self._teller.tell(run, told, epoch=driving.epoch)
        await self._checkpoints.drop(run, [each.digest for each in state.checkpoints])
        return state


def _now() -> float:
    return asyncio.get_running_loop().time()
