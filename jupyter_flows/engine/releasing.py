"""Lets the kernels of waiting runs go, when all that is in them is saved and has been tried."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from jupyter_flows.core import commands as c
from jupyter_flows.core import machine
from jupyter_flows.core.checkpoint import Checkpoint, CheckpointOptions, When
from jupyter_flows.core.errors import CheckpointUnusable, FlowsError, StorageUnavailable
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.engine.tell import Teller
from jupyter_flows.engine.under_way import UnderWay
from jupyter_flows.ports import Checkpoints, Clock, KernelRequest, Kernels

LOOK_SECONDS = 15.0
"""Between two looks at the memory, and at kernels that somebody had open."""

AGAIN_SECONDS = 60.0
"""Before what could not be tried is tried again."""

SOON_SECONDS = 1.0
"""Before one is looked at again whose run is only just coming to rest."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Of the machine, or of what this process may have of it, in bytes."""

    available: int
    total: int

    @property
    def short(self) -> bool:
        return self.available < SHORT * self.total

    def has_room_for(self, size: int) -> bool:
        """For a kernel with so much in it, besides what is there."""
        return self.available > size * 1.25 + KERNEL_BYTES


PLENTY = Memory(2**60, 2**60)
SHORT = 0.1
KERNEL_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Held:
    """A kernel that may go at `at` (POSIX seconds), or before that when memory is short, but not
    before `again`. `loads` says that loading the checkpoint was tried, and went well.
    """

    at: float
    checkpoint: Checkpoint
    again: float = 0.0
    loads: bool = False


class Releases:
    """One task for all runs. `is_driven` says whether a run is at work, `let_go` ends the driver's
    hold on it, and `epoch` is that of the hold.
    """

    def __init__(
        self,
        *,
        kernels: Kernels,
        checkpoints: Checkpoints,
        teller: Teller,
        under_way: UnderWay,
        clock: Clock,
        memory: Callable[[], Memory],
        is_driven: Callable[[RunId], bool],
        let_go: Callable[[RunId], Awaitable[None]],
        epoch: Callable[[RunId], int | None],
        request: Callable[[Run], KernelRequest],
        log: logging.Logger,
    ) -> None:
        self._kernels = kernels
        self._checkpoints = checkpoints
        self._teller = teller
        self._under_way = under_way
        self._clock = clock
        self._memory = memory
        self._is_driven = is_driven
        self._let_go = let_go
        self._epoch = epoch
        self._request = request
        self._log = log
        self._held: dict[RunId, Held] = {}
        self._grace = math.inf
        self._changed = asyncio.Event()

    def wait(self, run: Run, checkpoint: Checkpoint, said: CheckpointOptions) -> None:
        """The run waits, and its variables are saved in this. A gate whose own check has to be
        asked of the kernel (G62) keeps it.
        """
        held = self._held.get(run.id)
        if held is not None and held.checkpoint.digest == checkpoint.digest:
            return
        if run.open_gate is not None and run.open_gate.options.validate:
            return
        grace = 0.0 if said.when is When.ALWAYS else min(said.grace or 0.0, self._grace)
        self._held[run.id] = Held(self._clock() + grace, checkpoint)
        self._changed.set()

    def hurry(self) -> None:
        """No grace from now on."""
        self._grace = 0.0
        now = self._clock()
        self._held = {run: replace(held, at=now) for run, held in self._held.items()}
        self._changed.set()

    async def forever(self) -> None:
        while True:
            self._changed.clear()
            for run in await self._found_due():
                await self._try(run)
            soonest = min((max(x.at, x.again) for x in self._held.values()), default=None)
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

    async def _found_due(self) -> list[RunId]:
        try:
            return await self._due()
        except Exception:  # noqa: BLE001 (the one task of them all goes on)
            self._log.exception("which kernels can be let go is not known")
            return []

    async def _due(self) -> list[RunId]:
        """Those whose time has come; the one that was saved first, if memory is short."""
        now = self._clock()
        ready = [run for run, held in self._held.items() if held.again <= now]
        due = [run for run in ready if self._held[run].at <= now]
        if not due and ready and self._memory().short:
            for run in ready:
                if await self._kernels.is_free(run):
                    return [run]
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

    def _put_off(self, run: RunId, seconds: float = AGAIN_SECONDS) -> None:
        held = self._held.get(run)
        if held is not None:
            self._held[run] = replace(held, again=self._clock() + seconds)

    async def release(self, run_id: RunId) -> None:
        """Let its kernel go, unless something speaks against it: the run is at work, somebody has
        the notebook open on the kernel or has run cells in it, or a trial of loading the variables
        failed.
        """
        held = self._held.get(run_id)
        run = await self._teller.state(run_id)
        if held is None or run.status not in machine.WAITS or not self._kernels.holds(run_id):
            self._held.pop(run_id, None)
        elif self._is_driven(run_id) or run_id in self._under_way:
            self._put_off(run_id, SOON_SECONDS)
        elif not await self._kernels.is_free(run_id):
            self._put_off(run_id)
        elif await self._kernels.visitors(run_id):
            self._held.pop(run_id, None)  # what is saved is not what it holds
        elif await self._loads(run, held):
            await self._release(run_id)

    async def _loads(self, run: Run, held: Held) -> bool:
        """A trial in a kernel of its own (durability.md, Dry-run restore), once."""
        if held.loads:
            return True
        if not self._memory().has_room_for(held.checkpoint.size):
            self._put_off(run.id)
            return False
        digest = held.checkpoint.digest
        try:
            manifest = await self._checkpoints.manifest(run.id, digest)
            await self._kernels.rehearse(
                self._request(run), self._checkpoints.folder, manifest["kernel"]
            )
        except StorageUnavailable as error:
            self._log.warning("run %s: its kernel is kept: %s", run.id, error)
            self._put_off(run.id)
            return False
        except CheckpointUnusable as error:
            self._held.pop(run.id, None)
            doubt = c.DoubtCheckpoint(checkpoint=digest, why=str(error))
            await self._teller.tell(run.id, doubt, epoch=self._epoch(run.id))
            return False
        if self._held.get(run.id) is held:
            self._held[run.id] = replace(held, loads=True)
        return True

    async def _release(self, run_id: RunId) -> None:
        """The driver is kept off meanwhile: what it finds then is a run without a kernel."""
        epoch = self._epoch(run_id)
        if self._is_driven(run_id) or run_id in self._under_way or epoch is None:
            self._put_off(run_id)
            return
        ended = self._under_way.begin(run_id)
        try:
            if not await self._kernels.is_free(run_id) or await self._kernels.visitors(run_id):
                self._put_off(run_id)
                return
            held = self._held.pop(run_id)
            told = c.ReleaseKernel(checkpoint=held.checkpoint.digest)
            state = await self._teller.tell(run_id, told, epoch=epoch)
            if state.released_at is not None:
                await self._let_go(run_id)
        finally:
            ended()
