"""What the events of a gate, its votes and its links make of a run."""

from msgspec.structs import replace

from jupyter_flows.core import events as e
from jupyter_flows.core import forms
from jupyter_flows.core.machine import parts
from jupyter_flows.core.machine.tables import (
    GATE_TRANSITIONS,
    moved,
)
from jupyter_flows.core.model import (
    GateOptions,
    GateStatus,
    Link,
    Run,
    Vote,
)


def outputs_amended(run: Run, event: e.OutputsAmended) -> Run:
    run = parts.with_outputs(run, event.outputs)
    gate = run.open_gate
    if gate is None or event.digest is None:
        return run
    return parts.with_gate(run, replace(gate, digest=event.digest))


def gate_opened(run: Run, event: e.GateOpened, at: float) -> Run:
    """The votes from before are completed by the form that they did not know yet (G4)."""
    gate = run.gates[event.gate, event.generation]
    opened = replace(
        gate,
        status=moved(GATE_TRANSITIONS, gate.status, event),
        options=event.options,
        opened_at=at,
        deadline=event.deadline,
        prompt=event.prompt,
        digest=event.digest,
        votes=tuple(_completed(vote, event.options) for vote in gate.votes),
    )
    return parts.with_gate(run, opened)


def _completed(vote: Vote, options: GateOptions) -> Vote:
    return replace(vote, payload=forms.completed(options, vote.payload)) if vote.approved else vote


def vote_cast(run: Run, event: e.VoteCast, at: float) -> Run:
    vote = Vote(event.voter, event.approved, at, event.payload, event.reason, event.digest)
    if event.gate is None:
        return replace(run, pre_votes=(*run.pre_votes, vote))
    gate = run.gates[event.gate, event.generation]
    return parts.with_gate(run, replace(gate, votes=(*gate.votes, vote)))


def pre_vote_counted(run: Run, event: e.PreVoteCounted) -> Run:
    vote = next(v for v in run.pre_votes if v.voter.link == event.link)
    gate = run.gates[event.gate, event.generation]
    run = parts.with_gate(run, replace(gate, votes=(*gate.votes, _completed(vote, gate.options))))
    link = replace(run.links[event.link], consumed_by=event.gate)
    return replace(
        run,
        pre_votes=tuple(v for v in run.pre_votes if v is not vote),
        links={**run.links, link.id: link},
    )


def without_vote(run: Run, event: e.VoteDismissed | e.VoteWithdrawn, *, approved: bool) -> Run:
    gate = run.gates[event.gate, event.generation]
    gone = (event.voter, approved)
    kept = tuple(vote for vote in gate.votes if (vote.voter, vote.approved) != gone)
    return parts.with_gate(run, replace(gate, votes=kept))


def link_minted(run: Run, event: e.LinkMinted, at: float) -> Run:
    link = Link(
        id=event.link,
        gate=event.gate,
        generation=event.generation,
        approver=event.approver,
        created_at=at,
        expires_at=event.expires_at,
    )
    run = replace(run, links={**run.links, link.id: link})
    gate = run.gates[event.gate, event.generation] if event.gate else None
    if gate is None or gate.status is not GateStatus.OPEN or gate.link or event.approver:
        return run
    return parts.with_gate(run, replace(gate, link=link.id))
