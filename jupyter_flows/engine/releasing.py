"""Lets the kernels of waiting runs go, when all that is in them is saved and has been tried."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from jupyter_flows.core import commands as c
from jupyter_flows.core import machine
from jupyter_flows.core.checkpoint import Checkpoint, CheckpointOptions, When
from jupyter_flows.core.errors import CheckpointUnusable, FlowsError, KernelUnavailable
from jupyter_flows.core.model import Digest, Run, RunId
from jupyter_flows.engine.tell import Teller
from jupyter_flows.engine.under_way import UnderWay
from jupyter_flows.ports import Checkpoints, Clock, KernelRequest, Kernels

LOOK_SECONDS = 15.0
"""Between two looks at the memory, and at kernels that somebody had open."""

AGAIN_SECONDS = 60.0
"""Before what could not be tried is tried again."""


@dataclass(frozen=True, slots=True)
class Held:
    """A kernel that may go at `at` (POSIX seconds), or before that when memory is short."""

    at: float
    checkpoint: Digest


class Releases:
    """One task for all runs. `is_driven` says whether a run is at work, `let_go` ends the driver's
    hold on it, and `short_of_memory` whether the machine is.
    """

    def __init__(
        self,
        *,
        kernels: Kernels,
        checkpoints: Checkpoints,
        teller: Teller,
        under_way: UnderWay,
        clock: Clock,
        short_of_memory: Callable[[], bool],
        is_driven: Callable[[RunId], bool],
        let_go: Callable[[RunId], Awaitable[None]],
        request: Callable[[Run], KernelRequest],
        log: logging.Logger,
    ) -> None:
        self._kernels = kernels
        self._checkpoints = checkpoints
        self._teller = teller
        self._under_way = under_way
        self._clock = clock
        self._short_of_memory = short_of_memory
        self._is_driven = is_driven
        self._let_go = let_go
        self._request = request
        self._log = log
        self._held: dict[RunId, Held] = {}
        self._changed = asyncio.Event()

    def wait(self, run: Run, checkpoint: Checkpoint, said: CheckpointOptions) -> None:
        """The run waits, and its variables are saved in this."""
        grace = 0.0 if said.when is When.ALWAYS else said.grace or 0.0
        self._held[run.id] = Held(self._clock() + grace, checkpoint.digest)
        self._changed.set()

    async def forever(self) -> None:
        while True:
            self._changed.clear()
            for run in self._due():
                await self._try(run)
            soonest = min((held.at for held in self._held.values()), default=None)
            pause = None if soonest is None else soonest - self._clock()
            await self._sleep(pause)

    async def _sleep(self, pause: float | None) -> None:
        if pause is None:
            await self._changed.wait()
            return
        try:
            async with asyncio.timeout(min(max(pause, 0.0), LOOK_SECONDS)):
                await self._changed.wait()
        except TimeoutError:
            return

    def _due(self) -> list[RunId]:
        """Those whose time has come; the one that was saved first, if memory is short."""
        now = self._clock()
        due = [run for run, held in self._held.items() if held.at <= now]
        if not due and self._held and self._short_of_memory():
            due = [run for run in self._held if self._kernels.is_free(run)][:1]
        return due

    async def _try(self, run: RunId) -> None:
        try:
            await self.release(run)
        except FlowsError as error:
            self._log.warning("run %s: its kernel is kept: %s", run, error)
            self._put_off(run)
        except Exception:  # noqa: BLE001 (one run's defect must not keep the others' kernels)
            self._log.exception("run %s: its kernel is kept", run)
            self._held.pop(run, None)

    def _put_off(self, run: RunId) -> None:
        held = self._held.get(run)
        if held is not None:
            self._held[run] = Held(self._clock() + AGAIN_SECONDS, held.checkpoint)

    async def release(self, run_id: RunId) -> None:
        """Let its kernel go, unless something speaks against it: the run is at work, somebody has
        the notebook open on the kernel, or a trial of loading the variables failed.
        """
        held = self._held.get(run_id)
        run = await self._teller.state(run_id)
        if held is None or run.status not in machine.WAITS or not self._kernels.holds(run_id):
            self._held.pop(run_id, None)
            return
        if not self._kernels.is_free(run_id) or self._is_driven(run_id):
            self._put_off(run_id)
            return
        if not await self._loads(run, held.checkpoint):
            self._held.pop(run_id, None)
            return
        await self._release(run, held.checkpoint)

    async def _loads(self, run: Run, digest: Digest) -> bool:
        """A trial in a kernel of its own (durability.md, Dry-run restore)."""
        try:
            manifest = await self._checkpoints.manifest(run.id, digest)
            await self._kernels.rehearse(
                self._request(run), self._checkpoints.folder, manifest["kernel"]
            )
        except CheckpointUnusable as error:
            await self._teller.tell(run.id, c.DoubtCheckpoint(checkpoint=digest, why=str(error)))
            return False
        return True

    async def _release(self, run: Run, digest: Digest) -> None:
        """The driver is kept off meanwhile: what it finds then is a run without a kernel."""
        if self._is_driven(run.id) or run.id in self._under_way:
            self._put_off(run.id)
            return
        ended = self._under_way.begin(run.id)
        try:
            if not self._kernels.is_free(run.id) or await self._visited(run.id):
                self._put_off(run.id)
                return
            self._held.pop(run.id, None)
            state = await self._teller.tell(run.id, c.ReleaseKernel(checkpoint=digest))
            if state.released_at is not None:
                await self._let_go(run.id)
        finally:
            ended()

    async def _visited(self, run: RunId) -> bool:
        """Whether somebody has run cells in it: what is saved is then not what it holds."""
        try:
            return await self._kernels.visitors(run) > 0
        except KernelUnavailable:
            return False
