"""A run's kernel, made ready for its next cell: held, come back, restored, rebuilt, or new."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core import machine
from jupyter_flows.core.checkpoint import Checkpoint, Choice
from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.machine.kept import named
from jupyter_flows.core.model import Failure, Run, RunId, Step, StepId
from jupyter_flows.engine.cells import Driving, cell_of
from jupyter_flows.engine.restoring import NotRestored, Restoring
from jupyter_flows.engine.tell import Teller
from jupyter_flows.ports import KernelRequest, Kernels, Store

KERNEL_GONE = (
    "The kernel that had run the earlier cells is gone (the server or the kernel was stopped)."
    " Resume runs the earlier cells again in a fresh kernel and goes on from here."
)

_ANEW = (e.RunFailed, e.RunFailing, e.RunCancelled, e.RunInterrupted, e.RunResumed)


class Tell(Protocol):
    """Tell as the driver."""

    def __call__(self, run: Run, *commands: c.Command) -> Awaitable[Run]: ...


Executes = Callable[[RunId, StepId], contextlib.AbstractContextManager[None]]
"""Says that a cell is executed that may have to be ended from outside."""


class Ready:
    def __init__(
        self,
        *,
        kernels: Kernels,
        restoring: Restoring,
        teller: Teller,
        store: Store,
        tell: Tell,
        executes: Executes,
        env: Callable[[Run], Mapping[str, str]],
    ) -> None:
        self._kernels = kernels
        self._restoring = restoring
        self._teller = teller
        self._store = store
        self._tell = tell
        self._executes = executes
        self._env = env

    def request(self, run: Run, kernel_id: str | None) -> KernelRequest:
        return KernelRequest(
            run=run.id,
            kernel_name=run.kernel_name,
            kernel_id=kernel_id,
            path=run.path,
            folder=run.folder,
            env=self._env(run),
            in_place=run.in_place,
        )

    async def with_kernel(self, run: Run, driving: Driving) -> tuple[Run, bool]:
        """The run, and whether it has a kernel that holds what the earlier cells made."""
        if self._kernels.holds(run.id):
            return await self._as_it_was(run, driving)
        if not machine.steps_behind(run):
            run = await self.open(run)
            return run, not run.finished
        if await self._kernels.returns(run.id):
            with contextlib.suppress(KernelUnavailable):
                await self._kernels.open(self.request(run, run.kernel_id))
                return await self._as_it_was(run, driving)
        found = machine.stand_in(run)
        if found is not None:
            return await self._restored(run, found, driving)
        if machine.may_rebuild_unasked(run):
            again = c.Resume(by="the tag replay", choice=Choice.RERUN)
            return await self._tell(run, c.LoseKernel(why=KERNEL_GONE), again), False
        return await self._tell(run, c.LoseKernel(why=_gone(run))), False

    async def _as_it_was(self, run: Run, driving: Driving) -> tuple[Run, bool]:
        """A kernel in which somebody has run cells while the run waited may hold other data than
        what was approved: a person has to say (durability.md, When).
        """
        waited, driving.waited = driving.waited, False
        if not waited:
            return run, True
        try:
            visitors = await self._kernels.visitors(run.id)
        except KernelUnavailable as error:
            if not self._kernels.holds(run.id):
                return run, True  # the next cell will find it so
            return await self._ask(run, str(error)), False
        if visitors:
            return await self._ask(run, _visited(visitors)), False
        return run, True

    async def _ask(self, run: Run, why: str) -> Run:
        """What the kernel holds is not known: a person chooses, and is told of what there is."""
        saved = [Choice.CHECKPOINT] if machine.usable(run, machine.steps_behind(run)) else []
        choices = (Choice.KERNEL, *saved, Choice.RERUN)
        told = f"{why} {_ways(choices)}"
        return await self._tell(run, c.LoseKernel(why=told, choices=choices))

    async def _restored(
        self, run: Run, checkpoint: Checkpoint, driving: Driving
    ) -> tuple[Run, bool]:
        """Unasked, for it holds all that the kernel should hold."""
        run = await self.open(run, again=True)
        if not self._kernels.holds(run.id):
            return run, False
        run = await self._load(run, checkpoint, driving, unasked=True)
        return run, self._kernels.holds(run.id)

    async def revived(self, run: Run, checkpoint: Checkpoint, driving: Driving) -> bool:
        """Whether a kernel holds the variables of a run that waits."""
        _, ready = await self._restored(run, checkpoint, driving)
        driving.waited = True
        return ready

    async def _load(
        self, run: Run, checkpoint: Checkpoint, driving: Driving, *, unasked: bool
    ) -> Run:
        """Without success the run is interrupted, and its kernel let go."""
        found = None
        try:
            found = await self._restoring.load(run, checkpoint, driving.snapshot, unasked=unasked)
        except NotRestored as why:
            doubt = [c.DoubtCheckpoint(checkpoint=why.doubt, why=str(why))] if why.doubt else []
            said = f"The saved variables are not restored: {why}"
            return await self._tell(run, *doubt, c.LoseKernel(why=said, choices=why.choices))
        finally:
            if found is None:  # nobody may take it for the run's own
                await self._kernels.close(run.id)
        driving.waited = False
        told = c.FinishRestore(
            checkpoint=checkpoint.digest, replayed=found.replayed, changes=found.changes
        )
        return await self._tell(run, told)

    async def open(self, run: Run, *, again: bool = False) -> Run:
        """The kernel that the run names, or one of its kind. Where cells run again anyway, one that
        is there no more (its server died) is no loss: a new one does.
        """
        try:
            try:
                await self._kernels.open(self.request(run, run.kernel_id))
            except KernelUnavailable:
                if not again or run.kernel_id is None:
                    raise
                await self._kernels.open(self.request(run, None))
        except KernelUnavailable as error:
            if again:
                return await self._tell(run, c.LoseKernel(why=f"No kernel can be had: {error}"))
            return await self._tell(run, c.FailRun(error=Failure("KernelUnavailable", str(error))))
        return run

    async def rebuild(self, run: Run, effect: machine.RebuildKernel, driving: Driving) -> Run:
        """A fresh kernel in which the earlier cells run again, or those behind the checkpoint that
        is restored; their first outputs stand.
        """
        if run.kernel_id is None:
            await self._kernels.close(run.id)
        if not self._kernels.holds(run.id):
            run = await self.open(run, again=True)
            if not self._kernels.holds(run.id):
                return run
        begun = run.seq
        if effect.checkpoint is not None:
            checkpoint = named(run, effect.checkpoint)
            if checkpoint is None:
                return await self._tell(run, c.LoseKernel(why=KERNEL_GONE))
            run = await self._load(run, checkpoint, driving, unasked=False)
            if not self._kernels.holds(run.id):
                return run
            begun = run.seq
        return await self._run_again(run, effect.steps, driving, begun)

    async def _run_again(
        self, run: Run, steps: Sequence[StepId], driving: Driving, begun: int
    ) -> Run:
        for step_id in steps:
            step = run.steps[step_id]
            with self._executes(run.id, step_id):
                outcome = await self._kernels.execute(
                    run.id, cell_of(run, step, driving.snapshot, rebuilding=True)
                )
            if await self._is_another(run.id, begun):
                return await self._teller.state(run.id)
            if outcome.error is not None and not step.spec.continue_on_error:
                await self._kernels.close(run.id)
                return await self._tell(run, c.LoseKernel(why=_rebuild_failed(step, outcome.error)))
            run = await self._teller.state(run.id)
        driving.waited = False
        return await self._tell(run, c.FinishRebuild(), c.Advance())

    async def _is_another(self, run: RunId, since: int) -> bool:
        """Whether the run ended meanwhile, or was resumed anew, perhaps with other cells: what was
        rebuilt so far is then of no use.
        """
        told = await self._store.events(run, since)
        return any(isinstance(row.event, _ANEW) for row in told)


_WAYS = {
    Choice.KERNEL: "with `kernel` to go on in it all the same",
    Choice.CHECKPOINT: "with `checkpoint` to go on with what was saved",
    Choice.RERUN: "with `rerun` to run the earlier cells again",
}


def _ways(choices: Sequence[Choice]) -> str:
    *others, last = (_WAYS[choice] for choice in choices)
    return f"Resume {', '.join(others)}, or {last}."


def _gone(run: Run) -> str:
    """What is lost with the kernel, and what resuming would do."""
    newest = run.checkpoints[-1] if run.checkpoints else None
    if newest is None or newest.complete:
        return KERNEL_GONE
    lost = ", ".join(each.path for each in newest.unsaved)
    if newest.doubt is not None:
        return f"The kernel is gone, and what was saved of it can't be loaded: {newest.doubt}"
    return (
        f"The kernel is gone, and with it what could not be saved: {lost}. Resume runs the earlier"
        " cells again, from the last checkpoint that holds all, or from the first cell."
    )


def _visited(count: int) -> str:
    cells = f"{count} cell{'s' if count != 1 else ''}"
    return (
        f"While the run waited, somebody ran {cells} on its kernel, whose variables may be others"
        " now."
    )


def _rebuild_failed(step: Step, error: Failure) -> str:
    return (
        f"Running the earlier cells again failed in step {step.id!r}: {error.name}: {error.message}"
    )
