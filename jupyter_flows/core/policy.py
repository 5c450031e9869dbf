"""Who may vote on a gate, and how: one function decides it for every route (G40)."""

from collections.abc import Iterable

from jupyter_flows.core import errors, forms
from jupyter_flows.core.commands import CastVote
from jupyter_flows.core.gating import takes_rejection
from jupyter_flows.core.model import (
    Gate,
    GateOptions,
    GateStatus,
    GroupNeed,
    Link,
    LinkId,
    Purpose,
    Run,
    Vote,
    Voter,
    plain_name,
)
from jupyter_flows.core.sentences import either, sentence

_ALLOWS = {
    Purpose.APPROVE: frozenset({True, False}),
    Purpose.RESUME: frozenset({True}),
    Purpose.CANCEL: frozenset({False}),
}
"""Which votes the URL of each purpose can give."""


def checked_link(run: Run, link: LinkId | None, gate: Gate | None, now: float) -> Link | None:
    """The link that a vote came by; None where it came by none.

    `gate` None is a flow-level vote. Raises UnknownLink, also for a link of another gate (G31);
    LinkRevoked, LinkExpired (G35); GateSuperseded for a link of an older generation (G6).
    """
    if link is None:
        return None
    found = run.links.get(link)
    if found is None or found.gate != (gate.step if gate else None):
        raise errors.UnknownLink
    if found.revoked_at is not None:
        raise errors.LinkRevoked
    if gate and found.generation != gate.generation:
        raise errors.GateSuperseded
    expires = found.expires_at
    if expires is None and gate:
        expires = gate.deadline
    if expires is not None and now >= expires:
        raise errors.LinkExpired
    return found


def is_repeated(gate: Gate, vote: CastVote) -> bool:
    """Whether the same approver has already given this very vote here (G35)."""
    before = gate.vote_of(vote.voter)
    if before is None or gate.status is GateStatus.SUPERSEDED:
        return False
    return says_the_same(before, vote, gate.options)


def says_the_same(before: Vote, vote: CastVote, options: GateOptions) -> bool:
    """Whether a vote repeats an earlier one. What is recorded has the form's defaults put in."""
    if before.approved != vote.approved:
        return False
    return not vote.payload or before.payload in (
        vote.payload,
        forms.completed(options, vote.payload),
    )


def check_purpose(vote: CastVote) -> None:
    """Raises NotAllowed when the signed URL that was used can't give this vote."""
    if vote.purpose and vote.approved not in _ALLOWS[vote.purpose]:
        raise errors.NotAllowed(
            sentence("A {purpose} link can't give this vote.", purpose=vote.purpose)
        )


def check_vote(run: Run, gate: Gate, vote: CastVote, now: float) -> None:
    """Raises the refusal of a vote that may not count, and returns nothing for one that may."""
    check_open(gate, now)
    before = gate.vote_of(vote.voter)
    if before is not None and (vote.approved or not before.approved):
        raise errors.AlreadyVoted
    refusal = refusal_of(run, gate, vote.voter)
    if refusal is not None:
        raise refusal
    if gate.options.validate and gate.status is GateStatus.EXPECTED:
        raise errors.NoGate(
            sentence("This gate takes votes only once it is open: it checks each answer.")
        )
    if not vote.approved and (gate.options.hide_cancel or _hides_rejection(run, gate, vote.voter)):
        raise errors.CancelHidden
    if not vote.approved and gate.options.require_reason and not (vote.reason or "").strip():
        raise errors.ReasonRequired
    if vote.digest is not None and gate.digest is not None and vote.digest != gate.digest:
        raise errors.StaleDigest
    checks = vote.approved and gate.options.validate and gate.status is GateStatus.OPEN
    if checks and vote.checked != (gate.step, gate.generation):
        raise errors.Unchecked


_CLOSED = {
    GateStatus.APPROVED: sentence("This gate is closed: it was approved."),
    GateStatus.REJECTED: sentence("This gate is closed: it was rejected."),
    GateStatus.TIMED_OUT: sentence("This gate is closed: it was timed out."),
}


def check_open(gate: Gate, now: float) -> None:
    """Raises GateSuperseded, or GateClosed for a gate that is closed or past its deadline."""
    if gate.status is GateStatus.SUPERSEDED:
        raise errors.GateSuperseded
    if gate.status not in (GateStatus.EXPECTED, GateStatus.OPEN):
        raise errors.GateClosed(_CLOSED[gate.status])
    if gate.deadline is not None and now >= gate.deadline:
        raise errors.GateClosed(sentence("This gate's deadline has passed."))


# ---------------------------------------------------------------- who


def why_not(owner: str, gate: Gate, voter: Voter) -> errors.NotAllowed | None:
    """Why this voter can't vote on the gate now, whatever the vote (G42 to G44); None if nothing
    is against it.
    """
    refusal = why_never(owner, gate.options, voter)
    return refusal or why_not_by_kernel(gate, voter) or out_of_turn(gate, voter)


def why_never(owner: str, options: GateOptions, voter: Voter) -> errors.NotAllowed | None:
    """As `why_not`, but for whose turn it is. Who passes here may also read (G45)."""
    if needs_login(options) and not voter.verified:
        return errors.LoginNeeded()
    name = plain_name(voter.name)
    if options.self_approval_disabled and name in ("", plain_name(owner)):
        unnamed = sentence("A link that names nobody could be the owner's own.")
        return errors.SelfApproval(None if name else unnamed)
    if options.approvers and (not name or name not in map(plain_name, options.approvers)):
        return errors.NotAnApprover()
    wanted = {*options.user_groups_required, *(need.group for need in options.groups)}
    if wanted and not wanted & set(voter.groups):
        return errors.NotAnApprover(
            sentence(
                "Only members of {groups} can vote here.",
                groups=either([repr(group) for group in sorted(wanted)]),
            )
        )
    return None


def needs_login(options: GateOptions) -> bool:
    """Whether only logged-in users can vote (G43); a group's members are known by no other way
    (G44).
    """
    return bool(options.user_auth_required or options.user_groups_required or options.groups)


def may_read(owner: str, gate: Gate, reader: Voter) -> bool:
    """Whether they may see the gate's description, form and outputs (G45): the owner, and whoever
    may vote.
    """
    is_owner = reader.verified and plain_name(reader.name) == plain_name(owner)
    return is_owner or why_never(owner, gate.options, reader) is None


def may_read_run(run: Run, reader: Voter) -> bool:
    """Whether they may see what the run's cells gave and put out (G45): its owner, and whoever may
    read all of its gates.
    """
    opened = (gate for gate in run.gates.values() if gate.opened_at is not None)
    return all(may_read(run.owner, gate, reader) for gate in opened)


def keeps_links(options: GateOptions) -> bool:
    """Whether this gate's links are the server's to send, and its author never sees one (G46)."""
    return bool(options.approvers)


def why_not_by_link(run: Run, gate: Gate, voter: Voter) -> errors.LoginNeeded | None:
    """G46: where approvers are named, a link that the author may have seen is nobody's vote. Those
    are the flow-level ones, and the ones from before the cell named the approvers.
    """
    link = run.links.get(voter.link) if voter.link else None
    if link is None or voter.verified or not keeps_links(gate.options):
        return None
    said = run.steps[gate.step].spec.gate
    early = gate.opened_at is not None and link.created_at <= gate.opened_at
    if link.gate is None or (early and not (said and keeps_links(said))):
        return errors.LoginNeeded(
            sentence("Others may know this link, and the gate names its approvers.")
        )
    return None


KERNEL = "kernel"
"""The route of what the run's own kernel says its user has answered: any cell could say so."""


def why_not_by_kernel(gate: Gate, voter: Voter) -> errors.NotAllowed | None:
    """G46, G50: the kernel's word counts at prompts alone, and where nobody is named."""
    if voter.verified or voter.route != KERNEL:
        return None
    if not gate.prompt:
        return errors.NotAllowed(sentence("This gate is not one that the notebook answers."))
    if gate.options.approvers:
        return errors.LoginNeeded(
            sentence("The gate names its approvers, and the notebook's kernel is none of them.")
        )
    return None


def _hides_rejection(run: Run, gate: Gate, voter: Voter) -> bool:
    """Whether the form in the notebook has no reject button."""
    by_kernel = voter.route == KERNEL and not voter.verified
    return by_kernel and not takes_rejection(gate, run.steps[gate.step].result)


def refusal_of(run: Run, gate: Gate, voter: Voter) -> errors.NotAllowed | None:
    """All that is against this voter's vote on the gate now, whatever the vote."""
    return why_not(run.owner, gate, voter) or why_not_by_link(run, gate, voter)


def out_of_turn(gate: Gate, voter: Voter) -> errors.NotYourTurn | None:
    """G44: the groups, or else the approvers, vote in the order in which they are named."""
    options = gate.options
    if not options.sequential:
        return None
    if options.groups:
        first = next(iter(missing(gate)), None)
        if first is None or first.group in voter.groups:
            return None
        return errors.NotYourTurn(
            sentence("The members of {group} vote first.", group=repr(first.group))
        )
    given = {plain_name(vote.voter.name) for vote in gate.approvals}
    waiting = [name for name in options.approvers if plain_name(name) not in given]
    if not waiting or plain_name(waiting[0]) == plain_name(voter.name):
        return None
    return errors.NotYourTurn(sentence("{who} votes first.", who=waiting[0]))


def lacking(gate: Gate) -> int:
    """How many approvals the gate needs yet (G10), at the least, with those of its groups (G44)."""
    approvers = {vote.voter.key for vote in gate.approvals}
    of_groups = sum(need.required for need in missing(gate))
    return max(gate.options.required_events - len(approvers), of_groups, 0)


def missing(gate: Gate) -> tuple[GroupNeed, ...]:
    """What each group still owes the gate (G44); empty where no groups are named."""
    return missing_of(gate.options, [vote.voter for vote in gate.approvals])


def missing_of(options: GateOptions, voters: Iterable[Voter]) -> tuple[GroupNeed, ...]:
    """What the groups owe if these have approved. Each approver counts for one group only, and
    for the one where that helps most.
    """
    if not options.groups:
        return ()
    approvers = {voter.key: frozenset(voter.groups) for voter in voters}
    places = [need.group for need in options.groups for _ in range(need.required)]
    taken: dict[int, str] = {}
    for key in approvers:
        _seat(key, approvers, places, taken, set())
    left = [places[at] for at in range(len(places)) if at not in taken]
    owed = (GroupNeed(need.group, left.count(need.group)) for need in options.groups)
    return tuple(need for need in owed if need.required)


def _seat(
    key: str,
    approvers: dict[str, frozenset[str]],
    places: list[str],
    taken: dict[int, str],
    tried: set[int],
) -> bool:
    """Give the approver a place, moving others to another of theirs where that makes room."""
    for at, group in enumerate(places):
        if group not in approvers[key] or at in tried:
            continue
        tried.add(at)
        if at not in taken or _seat(taken[at], approvers, places, taken, tried):
            taken[at] = key
            return True
    return False
