"""What the doors of workflow runs show (api.md, section 5)."""

from msgspec import UNSET

from jupyter_flows.core import policy, workflow
from jupyter_flows.core.model import Run, Voter
from jupyter_flows.core.registry import RegisteredFlow
from jupyter_flows.core.workflow import Status
from jupyter_flows.core.workflow_records import (
    FlowView,
    PendingAction,
    WorkflowError,
    WorkflowOutput,
    WorkflowRun,
    WorkflowStep,
)
from jupyter_flows.web.times import time, time_or_none

NOT_YOURS = "This gate is not yours to read."


def flow_view(flow: RegisteredFlow, hash_: str | None = None) -> FlowView:
    return FlowView(
        name=flow.name,
        path=flow.path,
        owner=flow.owner or None,
        registered_at=time_or_none(flow.registered_at),
        source="folder" if flow.registered_at is None else "registered",
        hash=hash_,
    )


def workflow_view(run: Run, reader: Voter) -> WorkflowRun:
    """The run as `reader` may see it: who may not read all of its gates sees that it is there, and
    how it stands (G45).
    """
    reads, status = policy.may_read_run(run, reader), workflow.status_of(run)
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
            error=_error(run) if reads else None,
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
        message=found.message,
        options=list(found.options) or UNSET,
        schema=UNSET if found.schema is None else found.schema,
    )


def _error(run: Run) -> WorkflowError | None:
    found = run.error
    if found is None or workflow.status_of(run) is not Status.FAILED:
        return None
    return WorkflowError(found.name, found.message, found.reason)
