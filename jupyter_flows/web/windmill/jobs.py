"""Jobs in Windmill's words: a run, and each of its steps; what they came to, and their end."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from jupyter_flows.core import windmill
from jupyter_flows.core.errors import BadInput, UnknownJob
from jupyter_flows.core.model import (
    FINISHED,
    Failure,
    Json,
    Run,
    RunStatus,
    Step,
    StepId,
    StepStatus,
)
from jupyter_flows.core.moments import Time
from jupyter_flows.ports import RunFilter, RunRow
from jupyter_flows.web.doors import number
from jupyter_flows.web.times import time, time_or_none
from jupyter_flows.web.urls import link_urls
from jupyter_flows.web.windmill.door import WindmillDoor, windmill_door

LEAST_WAIT, MOST_WAIT = 5.0, 30.0
"""Seconds that an answer is held back for a job to end: as long as the run is old, within these."""

PER_PAGE, MOST_PER_PAGE, MOST_PAGE = 100, 1000, 1000

AT_WORK = (RunStatus.RUNNING, RunStatus.SLEEPING)
"""The statuses of runs that Windmill calls running; one that waits for people is not."""


class JobError(Struct, omit_defaults=True):
    name: str
    message: str
    reason: str | None = None


class JobView(Struct):
    """Of a run (`job_kind` is `flow`), or of one of its steps (`flowscript`)."""

    type: Annotated[str, Meta(extra_json_schema={"enum": ["QueuedJob", "CompletedJob"]})]
    id: str
    running: bool
    canceled: bool
    parent_job: str | None
    root_job: str
    workspace_id: str
    script_path: str
    job_kind: str
    created_by: str
    created_at: Time
    started_at: Time | None
    completed_at: Time | None
    args: dict[str, Json]
    flow_step_id: str | None = None
    is_flow_step: bool = False
    success: bool | UnsetType = UNSET
    result: Json | UnsetType = UNSET
    scheduled_for: Time | None = None


class JobState(Struct):
    """`result` of one that has failed is `{"error": {"name", "message"}}`."""

    started: bool
    success: bool
    completed: bool
    result: Json


class CancelJob(Struct):
    reason: str | None = None


# ---------------------------------------------------------------- what a job has come to

_OVER = (StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELLED)


def step_of(run: Run, step: StepId | None) -> Step | None:
    return None if step is None else run.steps[step]


def is_over(run: Run, step: StepId | None) -> bool:
    found = step_of(run, step)
    return run.finished or (found is not None and found.status in _OVER)


def succeeded(run: Run, step: StepId | None) -> bool:
    found = step_of(run, step)
    if found is None:
        return run.status is RunStatus.SUCCEEDED
    return found.status in (StepStatus.SUCCEEDED, StepStatus.SKIPPED)


def result_of(run: Run, step: StepId | None) -> Json:
    """What a job that is over came to; a failure as Windmill writes one."""
    found = step_of(run, step)
    if succeeded(run, step):
        return run.result if found is None else found.result
    error = run.error if found is None else found.error or run.error
    return {"error": (error or _ended(run)).as_json()}


def _ended(run: Run) -> Failure:
    if run.status is RunStatus.CANCELLED:
        return Failure("RunCancelled", "The run was cancelled.")
    return Failure("NotRun", "The run has ended without this step.")


def job_view(run: Run, step: StepId | None) -> JobView:
    found = step_of(run, step)
    over = is_over(run, step)
    return JobView(
        type="CompletedJob" if over else "QueuedJob",
        id=windmill.job_id(run.id, step),
        running=not over and _at_work(run, found),
        canceled=over and _cancelled(run, found),
        parent_job=run.parent_job if step is None else run.id,
        root_job=windmill.root_of(run),
        workspace_id=windmill.WORKSPACE,
        script_path=run.flow,
        job_kind="flow" if step is None else "flowscript",
        created_by=run.owner,
        created_at=time(run.created_at),
        started_at=time_or_none((found or run).started_at),
        completed_at=time_or_none((found or run).finished_at) if over else None,
        args=dict(run.parameters),
        flow_step_id=step,
        is_flow_step=step is not None,
        success=succeeded(run, step) if over else UNSET,
        result=result_of(run, step) if over else UNSET,
        scheduled_for=time_or_none(run.wake_at if run.status is RunStatus.QUEUED else None),
    )


def _at_work(run: Run, step: Step | None) -> bool:
    if step is None:
        return run.status in AT_WORK
    return step.status is StepStatus.RUNNING


def _cancelled(run: Run, step: Step | None) -> bool:
    if step is None:
        return run.status is RunStatus.CANCELLED
    return step.status is StepStatus.CANCELLED and run.status is RunStatus.CANCELLED


# ---------------------------------------------------------------- the doors


class JobDoor(WindmillDoor):
    @windmill_door
    async def get(self, job: str) -> None:
        self.answer(job_view(*await self.job(job)))


class RootJobDoor(WindmillDoor):
    @windmill_door
    async def get(self, job: str) -> None:
        run, _ = await self.job(job)
        self.answer(windmill.root_of(run))


class ResultDoor(WindmillDoor):
    @windmill_door
    async def get(self, job: str) -> None:
        run, step = await self.job(job)
        if not is_over(run, step):
            raise UnknownJob(f"The job {job!r} has not ended yet: it has no result.")
        self.answer(result_of(run, step))


class WaitDoor(WindmillDoor):
    """Answers when the job is over, or after a while as it is then; the client asks again."""

    _waiting: asyncio.Task[Run] | None = None

    def on_connection_close(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        super().on_connection_close()

    @windmill_door
    async def get(self, job: str) -> None:
        run, step = await self.job(job)
        if not is_over(run, step):
            age = self.engine.clock() - run.created_at
            seconds = min(MOST_WAIT, max(LEAST_WAIT, age))
            waited = self.doors.ends.waited(run.id, seconds, lambda now: is_over(now, step))
            self._waiting = asyncio.create_task(waited, name=f"jupyter-flows end of {job}")
            await asyncio.wait({self._waiting})
            if self._waiting.cancelled():
                return  # nobody is there any more
            run = self._waiting.result()
        over = is_over(run, step)
        self.answer(
            JobState(
                started=(step_of(run, step) or run).started_at is not None,
                success=over and succeeded(run, step),
                completed=over,
                result=result_of(run, step) if over else None,
            )
        )


class CancelDoor(WindmillDoor):
    """A kernel cancels the runs of its family, and others of the same flow and owner, which
    `cancel_running` is for.
    """

    @windmill_door
    async def post(self, job: str) -> None:
        asked = self.read_json(CancelJob)
        run = await self._run(job)
        if run.finished:
            self.text(f"The job {job} had ended before.")
            return
        await self.engine.cancel(run.id, self.caller.user, asked.reason)
        self.text(f"The job {job} is cancelled.")

    async def _run(self, text: str) -> Run:
        job = windmill.job_of(text)
        run = await self.run_of(job)
        if not self.caller.is_related(run) or run.owner != self.caller.user:
            raise UnknownJob(f"There is no job {text[:200]!r}.")
        return run


class JobsDoor(WindmillDoor):
    """The caller's own runs, the newest first. One whose cell runs goes by the job of that step. A
    kernel is told of its family's, and of those of its own flow.
    """

    @windmill_door
    async def get(self) -> None:
        wanted = RunFilter(
            status=frozenset(_statuses(self.flag_or_none("running"))),
            owner=self.caller.user,
            flow=self.query("script_path_exact"),
        )
        size = number("per_page", self.query("per_page") or str(PER_PAGE), 1, MOST_PER_PAGE)
        place = number("page", self.query("page") or "1", 1, MOST_PAGE)
        runs = [await self.engine.run(row.id) for row in await self._rows(wanted, size, place)]
        self.answer([job_view(run, run.running) for run in runs if self._may_know(run)])

    async def _rows(self, wanted: RunFilter, size: int, place: int) -> Sequence[RunRow]:
        cursor = None
        for _ in range(place - 1):
            cursor = (await self.engine.runs(wanted, cursor, size)).cursor
            if cursor is None:
                return ()
        return (await self.engine.runs(wanted, cursor, size)).rows

    def _may_know(self, run: Run) -> bool:
        return self.caller.is_related(run)


def _statuses(running: bool | None) -> Sequence[RunStatus]:
    if running is None:
        return ()
    return AT_WORK if running else tuple({*RunStatus} - FINISHED - {*AT_WORK})


class ResumeUrlsDoor(WindmillDoor):
    """New links for a gate, or for the whole run (G30). The nonce is Windmill's; a link of ours has
    an id of its own.
    """

    @windmill_door
    async def get(self, job: str, nonce: str) -> None:  # noqa: ARG002 (the address has it)
        flow_level = self.flag("flow_level")
        run, step = await self.own_job(job)
        gate = None if flow_level else step or _present_step(run)
        minted, link = await self.engine.links.mint(run.id, gate, self.query("approver"))
        self.answer(link_urls(self.engine, self.doors.public_url, minted, link))


def _present_step(run: Run) -> StepId:
    """The step that a run's own job means: whose gate is open, or whose cell runs."""
    gate = run.open_gate
    step = run.running if gate is None else gate.step
    if step is None:
        raise BadInput(
            f"No gate of {run.id} is open, and no cell of it runs: name the job of a step, or ask"
            " with flow_level=true."
        )
    return step
