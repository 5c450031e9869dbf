"""What the doors of workflow runs show (api.md, section 5)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from jupyter_flows.core import policy, workflow
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import Json, Run, Voter
from jupyter_flows.core.registry import RegisteredFlow
from jupyter_flows.core.workflow import Kind, Status
from jupyter_flows.web.times import Time, time, time_or_none
from jupyter_flows.web.views import ErrorView, error_view

NOT_YOURS = "This gate is not yours to read."


class WorkflowStep(Struct):
    """A step that something has become of."""

    name: str
    status: Status
    output: Json


class PendingAction(Struct):
    """What the run waits for. An input must be one of the `options` where there are any; else it is
    an object that the `schema` describes.
    """

    step: str
    type: Kind
    message: str
    options: list[str] | UnsetType = UNSET
    schema: Mapping[str, Json] | UnsetType = UNSET


class WorkflowOutput(Struct, rename={"pending_action": "pendingAction"}):
    """`status` is running, paused, completed or failed; `error` says why it has failed."""

    status: Status
    steps: list[WorkflowStep]
    result: Json
    pending_action: PendingAction | None
    error: ErrorView | None


class WorkflowRun(Struct):
    output: WorkflowOutput
    run_id: str
    flow: Annotated[str, Meta(description="The notebook's path")]
    created_at: Time
    finished_at: Time | None


class WorkflowRunPage(Struct):
    """`cursor` asks for the runs behind these; null is the end."""

    data: list[WorkflowRun]
    cursor: str | None


class FlowView(Struct):
    """A flow that can be started by its name."""

    name: str
    path: str
    owner: Annotated[str | None, Meta(description="Who has registered it")]
    registered_at: Time | None
    source: Literal["registered", "folder"]


class FlowList(Struct):
    flows: list[FlowView]


def flow_view(flow: RegisteredFlow) -> FlowView:
    return FlowView(
        name=flow.name,
        path=flow.path,
        owner=flow.owner or None,
        registered_at=time_or_none(flow.registered_at),
        source="folder" if flow.registered_at is None else "registered",
    )


def workflow_view(run: Run, reader: Voter) -> WorkflowRun:
    """The run as `reader` may see it: who may not read all of its gates sees that it is there, and
    how it stands (G45).
    """
    reads, status = policy.may_read_run(run, reader), workflow.status_of(run)
    failed = run.error if reads and status is Status.FAILED else None
    return WorkflowRun(
        output=WorkflowOutput(
            status=status,
            steps=[
                WorkflowStep(
                    step.id, workflow.step_status(run, step), step.result if reads else None
                )
                for step in workflow.begun(run)
            ],
            result=run.result if reads and status is Status.COMPLETED else None,
            pending_action=_action(run, reader),
            error=error_view(failed),
        ),
        run_id=workflow.name_of(run.id),
        flow=run.path,
        created_at=time(run.created_at),
        finished_at=time_or_none(run.finished_at),
    )


def _action(run: Run, reader: Voter) -> PendingAction | None:
    gate, found = run.open_gate, workflow.pending(run)
    if gate is None or found is None:
        return None
    if not policy.may_read(run.owner, gate, reader):
        return PendingAction(found.step, found.kind, NOT_YOURS)
    return PendingAction(
        step=found.step,
        type=found.kind,
        message=hide_tokens(found.message),
        options=list(found.options) or UNSET,
        schema=UNSET if found.schema is None else found.schema,
    )
