"""How a gate counts its votes, and what its closing means for the run (approvals.md section 2)."""

from collections.abc import Iterator

from jupyter_flows.core import errors, forms
from jupyter_flows.core import events as e
from jupyter_flows.core.model import Failure, Gate, GateStatus, LinkId, Run, Vote, Voter

TIMEOUT_VOTER = Voter("timeout", verified=False, route="timeout")
"""Who votes where the author wrote `on_timeout` (G13)."""


def vote_by_link(run: Run, link: LinkId) -> Vote | None:
    """The vote that this link gave, counted by a gate or still kept for one."""
    counted = (vote for gate in run.gates.values() for vote in gate.votes)
    return next((v for v in (*run.pre_votes, *counted) if v.voter.link == link), None)


def counted_at_opening(run: Run, gate: Gate) -> Iterator[e.Event]:
    """What becomes of the votes from before the opening: those that don't fit the form are
    dismissed (G4, G62), and pre-approvals are consumed as long as they are needed (G36).
    """
    approvers = set()
    for vote in gate.votes:
        why = _misfit(gate, vote)
        if why:
            yield e.VoteDismissed(
                gate=gate.step, generation=gate.generation, voter=vote.voter, why=why
            )
        elif vote.approved:
            approvers.add(vote.voter.key)
    if not gate.options.pre_approvals:
        return
    for vote in run.pre_votes:
        enough = len(approvers) >= gate.options.required_events
        if vote.voter.link is None or enough or vote.voter.key in approvers or _misfit(gate, vote):
            continue
        approvers.add(vote.voter.key)
        yield e.PreVoteCounted(gate=gate.step, generation=gate.generation, link=vote.voter.link)
        if not vote.approved:
            return


def _misfit(gate: Gate, vote: Vote) -> str | None:
    """Why a vote from before the opening can't count, if it can't."""
    if not vote.approved:
        return "the gate takes no rejection" if gate.options.hide_cancel else None
    try:
        forms.check(gate.options, forms.completed(gate.options, vote.payload))
    except errors.FormInvalid as error:
        return str(error)
    return None


def decision(gate: Gate) -> type[e.GateApproved] | type[e.GateRejected] | None:
    """G10, G11: one rejection decides, and so do approvals of enough distinct approvers."""
    if any(not vote.approved for vote in gate.votes):
        return e.GateRejected
    approvers = {vote.voter.key for vote in gate.approvals}
    return e.GateApproved if len(approvers) >= gate.options.required_events else None


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
