"""What the doors show of runs, steps, gates and links: the records of the public contract."""

from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from jupyter_flows.core import forms, machine, policy
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.model import (
    Failure,
    Gate,
    GateStatus,
    Json,
    Run,
    Step,
    StepId,
    Vote,
    Voter,
)
from jupyter_flows.core.saved import told
from jupyter_flows.core.schedules import schedule_of
from jupyter_flows.core.things import Progress
from jupyter_flows.engine.engine import Engine
from jupyter_flows.ports import LinkRow, RunRow
from jupyter_flows.web.awaiting import OpenGate, may_read, may_vote
from jupyter_flows.web.checkpoint_views import CheckpointView, checkpoint_view
from jupyter_flows.web.times import Time, time, time_or_none
from jupyter_flows.web.urls import gate_key, link_urls

_NOTHING_TOLD: Mapping[StepId, Progress] = {}


class ErrorView(Struct, omit_defaults=True):
    name: str
    message: str
    reason: str | None = None


class ProgressView(Struct):
    """What a step that runs says of itself: from 0 to 100, and in words."""

    percent: int
    message: str | None


class StepView(Struct):
    id: str
    index: Annotated[int, Meta(description="The cell's place in the notebook, from 0")]
    cell: Annotated[str, Meta(description="The cell's id")]
    summary: str
    status: str
    attempts: int
    started_at: Time | None
    finished_at: Time | None
    result: Json
    notice: str | None
    error: ErrorView | None
    progress: ProgressView | None


class VoteView(Struct):
    """`claimed` is whom the link names that a logged-in user came by (G41)."""

    approver: str | None
    verified: bool
    claimed: str | None
    approved: bool
    reason: str | None
    at: Time


class LinkUrls(Struct, rename={"approval_page": "approvalPage"}):
    approval_page: str
    resume: str
    cancel: str


class GroupView(Struct):
    """What a gate needs of one group, and what it still lacks (G44)."""

    group: str
    required: int
    missing: int


class GateView(Struct, omit_defaults=False):
    id: Annotated[str, Meta(description="Names the gate in addresses: run.step.generation")]
    step: str
    generation: int
    status: str
    required_events: int
    votes: list[VoteView]
    opened_at: Time | None
    closed_at: Time | None
    deadline: Time | None
    form: Json
    default_args: Json
    enums: Json
    description: Json
    hide_cancel: bool
    require_reason: bool
    self_approval_disabled: bool
    user_auth_required: bool
    user_groups_required: list[str]
    approvers: list[str]
    groups: list[GroupView]
    order: str
    digest: str | None
    readable: Annotated[
        bool, Meta(description="False: form, choices and description are not yours to read (G45)")
    ]
    may_vote: bool
    links: LinkUrls | None


class StoppedView(Struct):
    """Where a condition ended the run early, and whether it asked to be labelled skipped (G80)."""

    step: str
    skipped: bool


class RunView(Struct):
    id: str
    status: str
    path: str
    name: str | None
    owner: str
    mine: Annotated[bool, Meta(description="Whether the reader owns it: may cancel and resume it")]
    parameters: Mapping[str, Json]
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    deadline: Annotated[str | None, Meta(description="When the whole run's time is up")]
    wake_at: Annotated[str | None, Meta(description="When a sleeping run goes on")]
    result: Json
    error: ErrorView | None
    failing: Annotated[bool, Meta(description="Only the failure steps are still to run")]
    stopped: StoppedView | None
    steps: list[StepView]
    gates: list[GateView]
    links_base: str
    checkpoint: Annotated[
        CheckpointView | None, Meta(description="What was saved last; for the owner alone")
    ]
    saved: Annotated[
        str | None, Meta(description="What the owner is told of it while the run waits")
    ]
    released_at: Annotated[str | None, Meta(description="Since when it waits without its kernel")]
    choices: Annotated[
        list[Choice], Meta(description="For the owner: what `resume` takes as `choice`")
    ]


class RunSummary(Struct):
    id: str
    status: str
    path: str
    name: str | None
    owner: str
    created_at: Time
    finished_at: Time | None
    deadline: Time | None
    schedule: Annotated[str | None, Meta(description="The schedule that started it")]


class RunPage(Struct):
    runs: list[RunSummary]
    cursor: str | None


class GateSummary(Struct):
    id: str
    run: str
    step: str
    generation: int
    path: str
    name: Annotated[str | None, Meta(description="The flow's")]
    owner: Annotated[str, Meta(description="Of the run")]
    summary: Annotated[str, Meta(description="The step's one-line title, perhaps empty")]
    cell: Annotated[str, Meta(description="The id of the step's cell")]
    required_events: int
    approvals: int
    status: str
    opened_at: Time
    deadline: Time


class GatePage(Struct):
    """`cursor` asks for the gates behind these; null is the end."""

    gates: list[GateSummary]
    cursor: str | None


class LinkView(Struct):
    id: str
    run: str
    gate: str | None
    generation: int
    approver: str | None
    created_at: Time
    expires_at: Annotated[str | None, Meta(description="RFC 3339; null is the gate's deadline")]
    revoked_at: Time | None


class LinkPage(Struct):
    links: list[LinkView]


class MintedLink(Struct, rename={"approval_page": "approvalPage"}):
    id: str
    approval_page: str
    resume: str
    cancel: str


class RunState(Struct):
    id: str
    status: str


class Voted(Struct):
    """The answer to a vote. `gate` is null for a flow-level vote that no gate has counted yet."""

    gate: GateView | None
    run: RunState


def _error(error: Failure | None) -> ErrorView | None:
    return None if error is None else ErrorView(error.name, error.message, error.reason)


def _progress(told: Progress | None) -> ProgressView | None:
    return None if told is None else ProgressView(told.percent, told.message)


def step_view(step: Step, progress: Progress | None = None) -> StepView:
    return StepView(
        id=step.id,
        index=step.spec.index,
        cell=step.spec.cell_id,
        summary=step.spec.summary,
        status=step.status,
        attempts=step.attempts,
        started_at=time_or_none(step.started_at),
        finished_at=time_or_none(step.finished_at),
        result=step.result,
        notice=step.notice,
        error=_error(step.error),
        progress=_progress(progress),
    )


def vote_view(vote: Vote) -> VoteView:
    voter = vote.voter
    return VoteView(
        voter.name, voter.verified, voter.claimed, vote.approved, vote.reason, time(vote.at)
    )


def gate_view(run: Run, gate: Gate, reader: Voter | None, links: LinkUrls | None) -> GateView:
    """The gate as `reader` may see it; None is who has just voted on it."""
    options = gate.options
    readable = reader is None or may_read(run, gate, reader)
    return GateView(
        id=gate_key(run.id, gate.step, gate.generation),
        step=gate.step,
        generation=gate.generation,
        status=gate.status,
        required_events=options.required_events,
        votes=[vote_view(vote) for vote in gate.votes],
        opened_at=time_or_none(gate.opened_at),
        closed_at=time_or_none(gate.closed_at),
        deadline=time_or_none(gate.deadline),
        form=forms.effective(options) if readable else None,
        default_args=dict(options.default_args) if readable else {},
        enums=dict(options.enums) if readable else {},
        description=options.description if readable else None,
        hide_cancel=options.hide_cancel,
        require_reason=options.require_reason,
        self_approval_disabled=options.self_approval_disabled,
        user_auth_required=options.user_auth_required,
        user_groups_required=list(options.user_groups_required),
        approvers=list(options.approvers),
        groups=_groups(gate),
        order="sequential" if options.sequential else "any",
        digest=gate.digest,
        readable=readable,
        may_vote=reader is not None and may_vote(run, gate, reader),
        links=links,
    )


def _groups(gate: Gate) -> list[GroupView]:
    missing = {need.group: need.required for need in policy.missing(gate)}
    return [
        GroupView(need.group, need.required, missing.get(need.group, 0))
        for need in gate.options.groups
    ]


def run_view(
    engine: Engine,
    public_url: Callable[[], str],
    run: Run,
    reader: Voter,
    progress: Mapping[StepId, Progress] = _NOTHING_TOLD,
) -> RunView:
    """The run as `reader` may see it: only the owner sees links, and what the cells gave only who
    may read all gates (G45). `progress` is of the steps that run.
    """
    reads, mine = policy.may_read_run(run, reader), reader.name == run.owner
    return RunView(
        id=run.id,
        status=run.status,
        path=run.path,
        name=run.name,
        owner=run.owner,
        mine=mine,
        parameters=run.parameters if reads else {},
        created_at=time(run.created_at),
        started_at=time_or_none(run.started_at),
        finished_at=time_or_none(run.finished_at),
        deadline=time_or_none(run.deadline),
        wake_at=time_or_none(run.wake_at),
        result=run.result if reads else None,
        error=_error(run.error) if reads else None,
        failing=run.failing,
        stopped=_stopped(run),
        steps=[
            _readable(step_view(step, progress.get(step.id)), reads=reads)
            for step in run.steps.values()
        ],
        gates=[
            gate_view(run, gate, reader, _owner_links(engine, public_url, run, gate, reader))
            for gate in run.gates.values()
            if gate.opened_at is not None
        ],
        links_base=public_url(),
        checkpoint=checkpoint_view(run) if mine else None,
        saved=(told(run) or None) if mine and run.status in machine.WAITS else None,
        released_at=time_or_none(run.released_at),
        choices=list(machine.choices(run)) if mine else [],
    )


def _readable(step: StepView, *, reads: bool) -> StepView:
    return step if reads else replace(step, result=None, notice=None, error=None, progress=None)


def _stopped(run: Run) -> StoppedView | None:
    if run.stopped is None:
        return None
    rule = run.steps[run.stopped].spec.stop_after_if
    return StoppedView(run.stopped, skipped=rule is not None and rule.skip_if_stopped)


def _owner_links(
    engine: Engine, public_url: Callable[[], str], run: Run, gate: Gate, reader: Voter
) -> LinkUrls | None:
    if reader.name != run.owner or gate.status is not GateStatus.OPEN or gate.link is None:
        return None
    urls = link_urls(engine, public_url, run, run.links[gate.link])
    return msgspec.convert(urls, LinkUrls)


def voted(run: Run, step: str | None, generation: int) -> Voted:
    gate = next(
        (g for g in run.gates.values() if g.step == step and g.generation == generation), None
    )
    is_there = gate is not None and gate.opened_at is not None
    shown = gate_view(run, gate, None, None) if gate is not None and is_there else None
    return Voted(shown, RunState(run.id, run.status))


def run_summary(row: RunRow) -> RunSummary:
    return RunSummary(
        id=row.id,
        status=row.status,
        path=row.path,
        name=row.name,
        owner=row.owner,
        created_at=time(row.created_at),
        finished_at=time_or_none(row.finished_at),
        deadline=time_or_none(row.due_at),
        schedule=schedule_of(row.key),
    )


def gate_summary(opened: OpenGate) -> GateSummary:
    row, run, gate = opened.row, opened.run, opened.gate
    return GateSummary(
        id=gate_key(row.run, row.step, row.generation),
        run=row.run,
        step=row.step,
        generation=row.generation,
        path=row.path,
        name=run.name,
        owner=run.owner,
        summary=run.steps[gate.step].spec.summary,
        cell=run.steps[gate.step].spec.cell_id,
        required_events=gate.options.required_events,
        approvals=len(gate.approvals),
        status=row.status,
        opened_at=time(row.opened_at),
        deadline=time(row.deadline),
    )


def link_row_view(row: LinkRow) -> LinkView:
    return LinkView(
        id=row.id,
        run=row.run,
        gate=row.gate,
        generation=row.generation,
        approver=row.approver,
        created_at=time(row.created_at),
        expires_at=time_or_none(row.expires_at),
        revoked_at=time_or_none(row.revoked_at),
    )
