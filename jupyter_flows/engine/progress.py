"""How far the steps at work say they are. It is shown, and no part of a run's log."""

from collections.abc import Callable, Mapping

from jupyter_flows.core.model import Run, RunId, StepId
from jupyter_flows.core.things import Progress, shown_progress
from jupyter_flows.core.windmill import job_id
from jupyter_flows.ports import Clock, ThingStore


class ProgressTold:
    """What jobs say of themselves, whichever process heard it. `tell` is called with what this one
    hears.
    """

    def __init__(
        self,
        *,
        store: ThingStore,
        clock: Clock,
        tell: Callable[[RunId, StepId, Progress], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._tell = tell

    async def set(
        self, run: Run, step: StepId | None, percent: int, message: str | None = None
    ) -> None:
        """`step` None is the run as a whole."""
        progress = Progress(percent, message, self._clock())
        await self._store.set_progress(job_id(run.id, step), progress)
        if step is not None:
            self._tell(run.id, step, progress)

    async def of(self, run: Run, step: StepId | None) -> Progress | None:
        """What the job said last."""
        return await self._store.progress(job_id(run.id, step))

    async def shown(self, run: Run) -> Mapping[StepId, Progress]:
        """Of the steps that run now."""
        step = run.running_step
        told = None if step is None else await self.of(run, step.id)
        return {} if step is None or told is None else shown_progress(run, {step.id: told})
