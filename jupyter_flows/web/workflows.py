"""The workflow-run API: flows started by name, and what their runs wait for (api.md, section 5)."""

import asyncio
import contextlib
from http import HTTPStatus
from typing import Annotated

from jupyter_server.auth.decorator import authorized
from msgspec import Meta, Struct
from tornado import web

from jupyter_flows.core import commands as c
from jupyter_flows.core import workflow
from jupyter_flows.core.errors import BadInput, LogUnreadable
from jupyter_flows.core.model import Json, Run, RunId, RunStatus
from jupyter_flows.core.workflow import Status
from jupyter_flows.core.workflow_records import WorkflowRun, WorkflowRunPage
from jupyter_flows.ports import RunFilter
from jupyter_flows.web.doors import ApiDoor, number
from jupyter_flows.web.workflow_views import workflow_view

WAIT_SECONDS = 30
MOST_SECONDS = 600
"""How long an answer waits for the run to pause or end: by default, and at most."""

_STATUSES = {
    Status.RUNNING: (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.SLEEPING),
    Status.PAUSED: (RunStatus.SUSPENDED,),
    Status.COMPLETED: (RunStatus.SUCCEEDED,),
    Status.FAILED: (RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.INTERRUPTED),
}


class TaskInput(Struct):
    """`task` says what is to be done; `state` is what the flow begins with."""

    task: str
    state: dict[str, Json] = {}


class StartWorkflow(Struct):
    input: TaskInput


class ResumeStep(Struct):
    """`input` is one of the pending action's options, or an object that its schema describes;
    `reason` goes with a rejection.
    """

    step: str
    input: Json
    reason: Annotated[str, Meta(max_length=10_000)] | None = None


class ResumeInput(Struct):
    resume: ResumeStep


class ResumeWorkflow(Struct):
    input: ResumeInput


class _RunDoor(ApiDoor):
    def _wait(self) -> int:
        said = self.get_query_argument("wait", str(WAIT_SECONDS))
        return number("wait", said, 0, MOST_SECONDS)

    async def _settled(self, run: Run, seconds: float) -> Run:
        """The run when it has paused or ended, or when the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                events = self.engine.follow(run.id, run.seq)
                while workflow.status_of(run) is Status.RUNNING:
                    await anext(events)
                    run = await self.engine.run(run.id)
        return run

    def _tell(self, run: Run, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.answer(workflow_view(run, self.voter), status)


class WorkflowDoor(_RunDoor):
    @web.authenticated
    @authorized
    async def post(self, name: str) -> None:
        seconds = self._wait()
        asked = self.read_json(StartWorkflow).input
        run = await self.doors.registry.start(
            name,
            workflow.parameters(asked.task, asked.state),
            self.user,
            self.idempotency_key(f"v1:{self.user}:{name}"),
            self.doors.workflow_lifetime,
        )
        self.set_header("Location", f"../../workflow-runs/{workflow.name_of(run.id)}")
        self._tell(await self._settled(run, seconds), HTTPStatus.CREATED)


class WorkflowRunsDoor(_RunDoor):
    @web.authenticated
    @authorized
    async def get(self) -> None:
        said = self.get_query_arguments("status")
        wanted = RunFilter(
            status=frozenset(status for each in said for status in _statuses(each)),
            owner=self.get_query_argument("owner", None),
        )
        page = await self.engine.runs(wanted, self.get_query_argument("cursor", None), self.limit())
        shown = [view for row in page.rows if (view := await self._shown(row.id)) is not None]
        self.answer(WorkflowRunPage(shown, page.cursor))

    async def _shown(self, run: RunId) -> WorkflowRun | None:
        """A run that can't be read hides no other."""
        try:
            return workflow_view(await self.engine.run(run), self.voter)
        except LogUnreadable as error:
            self.log.warning("run %s is passed over: %s", run, error)
            return None


def _statuses(said: str) -> tuple[RunStatus, ...]:
    found = next((runs for status, runs in _STATUSES.items() if status == said), None)
    if found is None:
        raise BadInput(f"status {said[:200]!r} is unknown; allowed: {', '.join(_STATUSES)}")
    return found


class WorkflowRunDoor(_RunDoor):
    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        self._tell(await self.engine.run(workflow.run_of(run)))

    @web.authenticated
    @authorized
    async def delete(self, run: str) -> None:
        name = workflow.run_of(run)
        self.check_owner(await self.engine.run(name))
        self._tell(await self.engine.cancel(name, self.user))


class ResumeWorkflowDoor(_RunDoor):
    """The vote of a logged-in user (G41)."""

    @web.authenticated
    @authorized
    async def post(self, run: str) -> None:
        seconds = self._wait()
        name = workflow.run_of(run)
        asked = self.read_json(ResumeWorkflow).input.resume
        self._tell(await self._settled(await self._voted(name, asked), seconds))

    async def _voted(self, name: RunId, asked: ResumeStep) -> Run:
        gate, put_in = workflow.put_in(await self.engine.run(name), asked.step, asked.input)
        run, _ = await self.engine.vote(
            name,
            c.CastVote(
                gate=gate.step,
                generation=gate.generation,
                voter=self.voter,
                approved=put_in.approved,
                payload=put_in.payload,
                reason=asked.reason,
                digest=None,
            ),
        )
        return run
