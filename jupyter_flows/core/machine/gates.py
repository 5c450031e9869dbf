"""How a gate counts its votes, and what its closing means for the run (approvals.md section 2)."""

from collections.abc import Iterator

from msgspec.structs import replace

from jupyter_flows.core import errors, forms, policy
from jupyter_flows.core import events as e
from jupyter_flows.core.model import (
    Failure,
    Gate,
    GateOptions,
    GateStatus,
    LinkId,
    Run,
    Step,
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
    """What becomes of the votes from before the opening: those that don't fit the form, or who may
    vote and when, are dismissed (G4, G44, G62), and those by flow-level links are consumed where
    they are needed (G36).
    """
    kept = replace(gate, votes=())
    for vote in gate.votes:
        why = _misfit(run, gate, vote) or _out_of_turn(kept, vote)
        if why is None:
            kept = replace(kept, votes=(*kept.votes, vote))
            continue
        yield e.VoteDismissed(
            gate=gate.step,
            generation=gate.generation,
            voter=vote.voter,
            why=why,
            approved=vote.approved,
        )
    yield from _counted(run, kept)


def counted_in_turn(run: Run, gate: Gate) -> Iterator[e.PreVoteCounted]:
    """The votes by flow-level links whose turn has come while the gate is open (G36, G44)."""
    return _counted(run, gate) if gate.options.sequential else iter(())


def _counted(run: Run, gate: Gate) -> Iterator[e.PreVoteCounted]:
    """The flow-level links that the gate consumes: one rejection, for it decides whatever else has
    arrived (G11), or approvals as long as they are needed.
    """
    if not gate.options.pre_approvals:
        return
    waiting = [vote for vote in run.pre_votes if _misfit(run, gate, vote) is None]
    while (vote := _wanted(gate, waiting)) is not None and vote.voter.link is not None:
        yield e.PreVoteCounted(gate=gate.step, generation=gate.generation, link=vote.voter.link)
        gate = replace(gate, votes=(*gate.votes, vote))
        waiting.remove(vote)


def _wanted(gate: Gate, waiting: list[Vote]) -> Vote | None:
    """The kept vote that the gate counts next, if any: nothing more behind a rejection."""
    if any(not vote.approved for vote in gate.votes):
        return None
    in_turn = [vote for vote in waiting if _out_of_turn(gate, vote) is None]
    vetoes = (vote for vote in in_turn if not vote.approved)
    return next(vetoes, None) or next((vote for vote in in_turn if _helps(gate, vote)), None)


def _helps(gate: Gate, vote: Vote) -> bool:
    with_it = replace(gate, votes=(*gate.votes, vote))
    return policy.lacking(with_it) < policy.lacking(gate)


def _out_of_turn(gate: Gate, vote: Vote) -> str | None:
    refusal = policy.out_of_turn(gate, vote.voter)
    return None if refusal is None else str(refusal)


def _misfit(run: Run, gate: Gate, vote: Vote) -> str | None:
    """Why a vote from before the opening can't count, if it can't."""
    if vote.digest is not None and vote.digest != gate.digest:
        return "it was given to what another gate showed"
    refusal = policy.why_never(run.owner, gate.options, vote.voter)
    refusal = refusal or policy.why_not_by_link(run, gate, vote.voter)
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
    return None if policy.lacking(gate) else e.GateApproved


def let_on(run: Run, step: Step) -> bool:
    """Whether the step's gate, if it has one, was closed so that the run goes on behind it, since
    the step was last begun or resumed from.
    """
    gate = run.gate(step.id) if step.tries else None
    if step.spec.gate is None or gate is None:
        return step.spec.gate is None
    closed = gate.status in (GateStatus.APPROVED, GateStatus.REJECTED, GateStatus.TIMED_OUT)
    return closed and (gate_error(gate) is None or gate.options.continue_on_disapprove_timeout)


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
