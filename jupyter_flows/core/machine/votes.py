"""What a vote leads to: the one place where votes of all routes are decided (G40)."""

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors, forms, policy
from jupyter_flows.core import events as e
from jupyter_flows.core.machine import gates
from jupyter_flows.core.machine.closing import closing
from jupyter_flows.core.machine.evolve import evolve
from jupyter_flows.core.machine.going_on import Events, after
from jupyter_flows.core.machine.steps import check_unfinished
from jupyter_flows.core.machine.tables import OPEN
from jupyter_flows.core.model import Gate, Run, StepId
from jupyter_flows.core.sentences import sentence


def cast_vote(run: Run, command: c.CastVote, now: float) -> Events:
    if command.gate is None:
        return _cast_pre_vote(run, command, now)
    gate = known_gate(run, command.gate, command.generation)
    policy.checked_link(run, command.voter.link, gate, now)
    policy.check_purpose(command)
    if gate.key is None and run.gate(gate.step) is not gate:
        raise errors.GateSuperseded
    if policy.is_repeated(gate, command):
        return ()
    policy.check_vote(run, gate, command, now)
    payload = command.payload
    if command.approved and gate.status is OPEN:
        payload = forms.completed(gate.options, payload)
        forms.check(gate.options, payload)
    cast = e.VoteCast(
        gate=gate.step,
        generation=gate.generation,
        voter=command.voter,
        approved=command.approved,
        payload=payload,
        reason=command.reason,
        digest=command.digest or None,
    )
    return (cast, *closing(evolve(run, cast, now), gate.step, gate.generation, now))


def _cast_pre_vote(run: Run, command: c.CastVote, now: float) -> Events:
    """G36: a flow-level link's vote is counted by the open gate, or kept for the next one."""
    link = policy.checked_link(run, command.voter.link, None, now)
    if link is None:
        raise errors.UnknownGate("A vote without a link must name its gate.")
    policy.check_purpose(command)
    earlier = gates.vote_by_link(run, link.id)
    if earlier and policy.says_the_same(earlier[0], command, earlier[1]):
        return ()
    if earlier or link.consumed_by:
        raise errors.LinkConsumed
    check_unfinished(run)
    cast = e.VoteCast(
        gate=None,
        generation=0,
        voter=command.voter,
        approved=command.approved,
        payload=command.payload,
        reason=command.reason,
        digest=command.digest or None,
    )
    gate = run.open_gate
    if gate is None or not gate.options.pre_approvals:
        if command.digest:
            raise errors.StaleDigest
        return (cast,)
    policy.check_vote(run, gate, command, now)
    if command.approved:
        forms.check(gate.options, forms.completed(gate.options, command.payload))
    counted = e.PreVoteCounted(gate=gate.step, generation=gate.generation, link=link.id)
    run = after(run, (cast, counted), now)
    return (cast, counted, *closing(run, gate.step, gate.generation, now))


def withdraw_vote(run: Run, command: c.WithdrawVote, now: float) -> Events:
    """G18: as long as the gate is not closed. What a logged-in user gave, only one takes back."""
    gate = known_gate(run, command.gate, command.generation)
    link = run.links.get(command.voter.link) if command.voter.link else None
    by_gates_link = link is None or link.gate is not None
    policy.checked_link(run, command.voter.link, gate if by_gates_link else None, now)
    if gate.key is None and run.gate(gate.step) is not gate:
        raise errors.GateSuperseded
    policy.check_open(gate, now)
    given = gate.vote_of(command.voter)
    if given is None or not given.approved:
        raise errors.NothingToWithdraw
    if given.voter.verified and not command.voter.verified:
        raise errors.LoginNeeded(
            sentence("This approval was given by a logged-in user; log in to withdraw.")
        )
    return (e.VoteWithdrawn(gate=gate.step, generation=gate.generation, voter=given.voter),)


def known_gate(run: Run, step: StepId, generation: int) -> Gate:
    try:
        return run.gates[step, generation]
    except KeyError:
        raise errors.UnknownGate(
            f"The run has no gate {step!r} of generation {generation}."
        ) from None
