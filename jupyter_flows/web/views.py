"""What the doors show of runs, steps, gates and links: the records of the public contract."""

from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from jupyter_flows.core import forms
from jupyter_flows.core.model import (
    Failure,
    Gate,
    GateStatus,
    Json,
    Run,
    Step,
    Vote,
    Voter,
)
from jupyter_flows.core.moments import rfc3339
from jupyter_flows.engine.engine import Engine
from jupyter_flows.ports import GateRow, LinkRow, RunRow
from jupyter_flows.web.urls import link_urls

Time = Annotated[
    str, Meta(description="RFC 3339 in UTC", extra_json_schema={"format": "date-time"})
]


class ErrorView(Struct, omit_defaults=True):
    name: str
    message: str
    reason: str | None = None


class StepView(Struct):
    id: str
    index: Annotated[int, Meta(description="The cell's place in the notebook, from 0")]
    summary: str
    status: str
    attempts: int
    started_at: Time | None
    finished_at: Time | None
    result: Json
    notice: str | None
    error: ErrorView | None


class VoteView(Struct):
    approver: str | None
    verified: bool
    approved: bool
    reason: str | None
    at: Time


class LinkUrls(Struct, rename={"approval_page": "approvalPage"}):
    approval_page: str
    resume: str
    cancel: str


class GateView(Struct, omit_defaults=False):
    id: Annotated[str, Meta(description="Names the gate in addresses: run.step.generation")]
    step: str
    generation: int
    status: str
    required_events: int
    votes: list[VoteView]
    deadline: Time | None
    form: Json
    default_args: Json
    enums: Json
    description: Json
    hide_cancel: bool
    require_reason: bool
    digest: str | None
    may_vote: bool
    links: LinkUrls | None


class RunView(Struct):
    id: str
    status: str
    path: str
    name: str | None
    owner: str
    parameters: Mapping[str, Json]
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    result: Json
    error: ErrorView | None
    steps: list[StepView]
    gates: list[GateView]
    links_base: str


class RunSummary(Struct):
    id: str
    status: str
    path: str
    name: str | None
    owner: str
    created_at: Time
    finished_at: Time | None
    deadline: Time | None


class RunPage(Struct):
    runs: list[RunSummary]
    cursor: str | None


class GateSummary(Struct):
    id: str
    run: str
    step: str
    generation: int
    path: str
    status: str
    opened_at: Time
    deadline: Time


class GatePage(Struct):
    gates: list[GateSummary]


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


def time(at: float) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return rfc3339(at)


def time_or_none(at: float | None) -> str | None:
    return None if at is None else time(at)


def gate_key(run: str, step: str, generation: int) -> str:
    return f"{run}.{step}.{generation}"


def _error(error: Failure | None) -> ErrorView | None:
    return None if error is None else ErrorView(error.name, error.message, error.reason)


def step_view(step: Step) -> StepView:
    return StepView(
        id=step.id,
        index=step.spec.index,
        summary=step.spec.summary,
        status=step.status,
        attempts=step.attempts,
        started_at=time_or_none(step.started_at),
        finished_at=time_or_none(step.finished_at),
        result=step.result,
        notice=step.notice,
        error=_error(step.error),
    )


def vote_view(vote: Vote) -> VoteView:
    return VoteView(vote.voter.name, vote.voter.verified, vote.approved, vote.reason, time(vote.at))


def gate_view(run: Run, gate: Gate, *, may_vote: bool, links: LinkUrls | None) -> GateView:
    return GateView(
        id=gate_key(run.id, gate.step, gate.generation),
        step=gate.step,
        generation=gate.generation,
        status=gate.status,
        required_events=gate.options.required_events,
        votes=[vote_view(vote) for vote in gate.votes],
        deadline=time_or_none(gate.deadline),
        form=forms.effective(gate.options),
        default_args=dict(gate.options.default_args),
        enums=dict(gate.options.enums),
        description=gate.options.description,
        hide_cancel=gate.options.hide_cancel,
        require_reason=gate.options.require_reason,
        digest=gate.digest,
        may_vote=may_vote,
        links=links,
    )


def run_view(engine: Engine, public_url: Callable[[], str], run: Run, reader: str) -> RunView:
    """The run as `reader` (a verified name) may see it; only the owner sees links."""
    return RunView(
        id=run.id,
        status=run.status,
        path=run.path,
        name=run.name,
        owner=run.owner,
        parameters=run.parameters,
        created_at=time(run.created_at),
        started_at=time_or_none(run.started_at),
        finished_at=time_or_none(run.finished_at),
        result=run.result,
        error=_error(run.error),
        steps=[step_view(step) for step in run.steps.values()],
        gates=[
            gate_view(
                run,
                gate,
                may_vote=gate.status is GateStatus.OPEN and not gate.vote_of(_as_voter(reader)),
                links=_owner_links(engine, public_url, run, gate, reader),
            )
            for gate in run.gates.values()
            if gate.opened_at is not None
        ],
        links_base=public_url(),
    )


def _as_voter(reader: str) -> Voter:
    return Voter(reader, verified=True, route="rest")


def _owner_links(
    engine: Engine, public_url: Callable[[], str], run: Run, gate: Gate, reader: str
) -> LinkUrls | None:
    if reader != run.owner or gate.status is not GateStatus.OPEN or gate.link is None:
        return None
    urls = link_urls(engine, public_url, run, run.links[gate.link])
    return msgspec.convert(urls, LinkUrls)


def voted(run: Run, step: str | None, generation: int) -> Voted:
    gate = next(
        (g for g in run.gates.values() if g.step == step and g.generation == generation), None
    )
    if gate is None or gate.opened_at is None:
        shown = None
    else:
        shown = gate_view(run, gate, may_vote=False, links=None)
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
    )


def gate_summary(row: GateRow) -> GateSummary:
    return GateSummary(
        id=gate_key(row.run, row.step, row.generation),
        run=row.run,
        step=row.step,
        generation=row.generation,
        path=row.path,
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
