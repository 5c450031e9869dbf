"""Who may vote on a gate, and how: one function decides it for every route (G40)."""

from jupyter_flows.core import errors, forms
from jupyter_flows.core.commands import CastVote
from jupyter_flows.core.model import (
    Gate,
    GateOptions,
    GateStatus,
    Link,
    LinkId,
    Purpose,
    Run,
    Vote,
)

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
        raise errors.NotAllowed(f"A {vote.purpose} link can't give this vote.")


def check_vote(gate: Gate, vote: CastVote, now: float) -> None:
    """Raises the refusal of a vote that may not count, and returns nothing for one that may."""
    if gate.status is GateStatus.SUPERSEDED:
        raise errors.GateSuperseded
    if gate.status not in (GateStatus.EXPECTED, GateStatus.OPEN):
        raise errors.GateClosed(f"This gate is closed: it was {gate.status.replace('_', ' ')}.")
    if gate.deadline is not None and now >= gate.deadline:
        raise errors.GateClosed("This gate's deadline has passed.")
    before = gate.vote_of(vote.voter)
    if before is not None and (vote.approved or not before.approved):
        raise errors.AlreadyVoted
    if not vote.approved and gate.options.hide_cancel:
        raise errors.CancelHidden
    if not vote.approved and gate.options.require_reason and not (vote.reason or "").strip():
        raise errors.ReasonRequired
    if vote.digest is not None and gate.digest is not None and vote.digest != gate.digest:
        raise errors.StaleDigest
