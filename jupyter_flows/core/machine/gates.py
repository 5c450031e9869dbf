"""How a gate counts its votes, and what its closing means for the run (approvals.md section 2)."""

from collections.abc import Iterator

from jupyter_flows.core import errors, forms, policy
from jupyter_flows.core import events as e
from jupyter_flows.core.model import (
    Failure,
    Gate,
    GateOptions,
    GateStatus,
    LinkId,
    Run,
    Vote,
    Voter,
)

TIMEOUT_VOTER = Voter("timeout", verified=False, route="timeout")
"""Who votes where the author wrote `on_timeout` (G13)."""


def vote_by_link(run: Run, link: LinkId) -> tuple[Vote, GateOptions] | None:
    """The vote that this link gave, with the options of the gate that counted it (plain ones
    while it is still kept for a gate).
    """
    kept = ((vote, GateOptions()) for vote in run.pre_votes)
    counted = ((vote, gate.options) for gate in run.gates.values() for vote in gate.votes)
    return next((found for found in (*kept, *counted) if found[0].voter.link == link), None)


def counted_at_opening(run: Run, gate: Gate) -> Iterator[e.Event]:
    """What becomes of the votes from before the opening: those that don't fit the form are
    dismissed (G4, G62), and those by flow-level links are consumed where they are needed (G36).
    """
    kept = []
    for vote in gate.votes:
        why = _misfit(run, gate, vote)
        if why is None:
            kept.append(vote)
            continue
        yield e.VoteDismissed(
            gate=gate.step,
            generation=gate.generation,
            voter=vote.voter,
            why=why,
            approved=vote.approved,
        )
    for link in _consumed(run, gate, kept):
        yield e.PreVoteCounted(gate=gate.step, generation=gate.generation, link=link)


def _consumed(run: Run, gate: Gate, kept: list[Vote]) -> Iterator[LinkId]:
    """The flow-level links that this opening consumes: one rejection, for it decides whatever else
    has arrived (G11), or approvals as long as they are needed.
    """
    if not gate.options.pre_approvals or any(not vote.approved for vote in kept):
        return
    fitting = [v for v in run.pre_votes if v.voter.link and _misfit(run, gate, v) is None]
    veto = next((vote for vote in fitting if not vote.approved), None)
    approvers = {vote.voter.key: vote.voter for vote in kept}
    for vote in fitting if veto is None else [veto]:
        enough = len(approvers) >= gate.options.required_events
        if vote is not veto and (enough or vote.voter.key in approvers):
            continue
        approvers[vote.voter.key] = vote.voter
        if vote.voter.link:
            yield vote.voter.link


def _misfit(run: Run, gate: Gate, vote: Vote) -> str | None:
    """Why a vote from before the opening can't count, if it can't."""
    if vote.digest is not None and vote.digest != gate.digest:
        return "it was given to what another gate showed"
    refusal = policy.why_never(run.owner, gate.options, vote.voter)
    if refusal is not None:
        return str(refusal)
    if gate.options.validate:
        return "the gate checks each answer, and was not open"
    return _unfit_approval(gate, vote) if vote.approved else _unfit_rejection(gate, vote)


def _unfit_rejection(gate: Gate, vote: Vote) -> str | None:
    if gate.options.hide_cancel:
        return "the gate takes no rejection"
    unreasoned = gate.options.require_reason and not (vote.reason or "").strip()
    return "the gate takes a rejection only with a reason" if unreasoned else None


def _unfit_approval(gate: Gate, vote: Vote) -> str | None:
    try:
        forms.check(gate.options, forms.completed(gate.options, vote.payload))
    except errors.FormInvalid as error:
        return str(error)
    return None


def decision(gate: Gate) -> type[e.GateApproved] | type[e.GateRejected] | None:
    """G10, G11: one rejection decides, and so do approvals of enough distinct approvers, in every
    group that the gate names (G44).
    """
    if any(not vote.approved for vote in gate.votes):
        return e.GateRejected
    approvers = {vote.voter.key for vote in gate.approvals}
    enough = len(approvers) >= gate.options.required_events
    return e.GateApproved if enough and not policy.missing(gate) else None


def gate_error(gate: Gate) -> Failure | None:
    """The error that a closed gate stands for (G13); None for one that let the run go on."""
    if gate.status is GateStatus.REJECTED:
        veto = next(vote for vote in gate.votes if not vote.approved)
        return Failure("SuspendedDisapproved", f"Disapproved by {veto.voter.shown}", veto.reason)
    if gate.status is GateStatus.TIMED_OUT and gate.options.on_timeout is None:
        return Failure(
            "SuspendedTimedOut",
            f"The gate {gate.step!r} was not approved in time: {len(gate.approvals)} of"
            f" {gate.options.required_events} approvals had come",
        )
    return None
