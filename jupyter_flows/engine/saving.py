"""Saves the variables of a run's kernel: when the run begins to wait, and in between where that
costs little.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine

from jupyter_flows.core import commands as c
from jupyter_flows.core import machine
from jupyter_flows.core.checkpoint import Checkpoint, CheckpointOptions, When
from jupyter_flows.core.errors import CheckpointRefused, Fenced, FlowsError, KernelUnavailable
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.core.saving import may_spend, policy
from jupyter_flows.engine.cells import Driving, sources
from jupyter_flows.engine.manifests import checkpoint_of, manifest
from jupyter_flows.engine.tell import Teller
from jupyter_flows.engine.under_way import UnderWay
from jupyter_flows.ports import Checkpoints, Clock, Kernels, SaveRequest

Spawn = Callable[[Coroutine[None, None, None], str], asyncio.Task[None]]

BLIND_GUESS = 0.2
"""Seconds that saving is taken to need where it was not tried yet."""

OVERHEAD = 0.1
"""Seconds that a save takes besides those of its kernel: asking that one, and the manifest."""

VISITED = "Somebody has run cells on the run's kernel: what it holds is not the run's alone."


class Saving:
    """`saved` is told of each run that waits with its variables saved, and how it is to be kept;
    `enqueue` has one driven that failed over what could not be saved.
    """

    def __init__(
        self,
        *,
        kernels: Kernels,
        checkpoints: Checkpoints,
        teller: Teller,
        under_way: UnderWay,
        spawn: Spawn,
        saved: Callable[[Run, Checkpoint, CheckpointOptions], None],
        enqueue: Callable[[RunId], Awaitable[None]],
        seconds: float,
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._kernels = kernels
        self._checkpoints = checkpoints
        self._teller = teller
        self._under_way = under_way
        self._spawn = spawn
        self._saved = saved
        self._enqueue = enqueue
        self._seconds = seconds
        self._clock = clock
        self._log = log

    def begin(self, run: Run, driving: Driving) -> None:
        """The run waits. The driver waits for the end of this before it goes on."""
        said = policy(run, machine.waits_behind(run))
        if said.when is When.NEVER or run.id in self._under_way:
            return
        known = machine.here(run)
        if known is not None and known.complete:
            self._saved(run, known, said)
        elif known is None and not driving.saved and machine.steps_behind(run):
            budget = self._until_woken(run)
            if budget is not None and budget < self._guess(run):
                return
            driving.saved = True
            ended = self._under_way.begin(run.id)
            work = self._save_waiting(run, driving, said, budget)
            task = self._spawn(work, f"jupyter-flows save {run.id}")
            task.add_done_callback(lambda _: ended())

    def _until_woken(self, run: Run) -> float | None:
        """Seconds; None for a wait whose end nobody knows."""
        return None if run.wake_at is None else run.wake_at - self._clock()

    async def _save_waiting(
        self, run: Run, driving: Driving, said: CheckpointOptions, budget: float | None
    ) -> None:
        try:
            await self._save_and_tell(run, driving, said, budget)
        except FlowsError as error:
            self._log.warning("run %s: its variables are not saved: %s", run.id, error)

    async def _save_and_tell(
        self, run: Run, driving: Driving, said: CheckpointOptions, budget: float | None
    ) -> None:
        try:
            checkpoint = await self._save(run, driving, said, budget)
        except (CheckpointRefused, KernelUnavailable) as error:
            why = c.MissCheckpoint(why=str(error))
            await self._teller.tell(run.id, why, epoch=driving.epoch)
            return
        state = await self._tell(run.id, checkpoint, driving)
        if state.status not in machine.WAITS:
            await self._enqueue(run.id)
        elif machine.stand_in(state) is not None:
            self._saved(state, checkpoint, said)

    async def between(self, run: Run, driving: Driving) -> None:
        """The run goes on. Where that costs a twentieth of its cells' time at most, it is saved so
        far, should all that runs here die in the next cell (durability.md, When). Raises Fenced.
        """
        said = policy(run, None)
        budget = may_spend(driving.busy, driving.saving)
        least = max(self._guess(run) + OVERHEAD, driving.least)
        if said.when is When.NEVER or run.failing or budget < least:
            return
        begun = _now()
        try:
            checkpoint = await self._save(run, driving, said, budget - OVERHEAD)
            if checkpoint.complete:
                await self._tell(run.id, checkpoint, driving)
        except Fenced:
            raise
        except FlowsError as error:
            self._log.info("run %s: its variables are not saved so far: %s", run.id, error)
            driving.least = 2 * budget
        else:
            driving.least = _now() - begun
        finally:
            driving.saving += _now() - begun

    def _guess(self, run: Run) -> float:
        return run.checkpoints[-1].seconds if run.checkpoints else BLIND_GUESS

    async def _save(
        self, run: Run, driving: Driving, said: CheckpointOptions, budget: float | None
    ) -> Checkpoint:
        """Raises CheckpointRefused, KernelUnavailable."""
        covers = machine.steps_behind(run)
        await self._check_alone(run.id)
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
        return checkpoint_of(run, digest, saved, texts, said.on_unsaved)

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
