"""Approving several gates from the inbox: each one as it was on the voter's screen (G70)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from jupyter_flows.core import errors, policy
from jupyter_flows.core.commands import CastVote
from jupyter_flows.core.model import Digest, Run, Voter
from jupyter_flows.core.sentences import sentence
from jupyter_flows.engine.engine import Engine
from jupyter_flows.web.awaiting import gate_by_key, may_read
from jupyter_flows.web.cards import Card, card_of
from jupyter_flows.web.posted import Posted

AT_MOST = 100
"""Gates in one form; a page of the inbox has fewer."""
UNTYPED = {"message": ""}
"""What the approval page sends for a gate without a form where nothing was typed (G21)."""


@dataclass(frozen=True, slots=True)
class Selected:
    """`digest` is what was on the screen; empty where the gate had none."""

    key: str
    digest: str


class Result(StrEnum):
    APPROVED = "approved"
    CLOSED = "closed"
    CHANGED = "changed"
    NOT_ALLOWED = "not allowed"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one gate; `title` is empty for one that the voter may not know."""

    key: str
    title: str
    result: Result
    says: str


_RESULTS: Mapping[type[errors.FlowsError], Result] = {
    errors.StaleDigest: Result.CHANGED,
    errors.Refused: Result.CLOSED,
    errors.NotAllowed: Result.NOT_ALLOWED,
    errors.NotFound: Result.UNKNOWN,
    errors.FlowsError: Result.FAILED,
}
"""The nearest class counts."""


def selected(posted: Posted) -> tuple[Selected, ...]:
    """What was selected, each once. Raises BadInput for more than a page can hold."""
    keys = dict.fromkeys(posted.fields.get("gate", ()))
    if len(keys) > AT_MOST:
        raise errors.BadInput(sentence("At most {most} requests at once.", most=AT_MOST))
    return tuple(Selected(key, posted.one(f"digest.{key}")) for key in keys)


async def looked_at(engine: Engine, voter: Voter, one: Selected) -> Card | Outcome:
    """The gate's card where an approval as it was selected would count now, else why it would not.
    Nothing is voted.
    """
    title = ""
    try:
        run, card = await _card(engine, voter, one)
        title = card.title
        policy.check_vote(run, card.gate, _vote(card, voter, one), engine.clock())
        _check_bulk(card, one)
    except errors.FlowsError as error:
        return _refused(one, title, error)
    return card


async def approved(engine: Engine, voter: Voter, one: Selected) -> Outcome:
    """Approve one. A repeated approval is counted as the first was (G35)."""
    title = ""
    try:
        run, card = await _card(engine, voter, one)
        title = card.title
        vote = _vote(card, voter, one)
        if not policy.is_repeated(card.gate, vote):
            policy.check_vote(run, card.gate, vote, engine.clock())
            _check_bulk(card, one)
        after, _ = await engine.vote(run.id, vote)
    except errors.FlowsError as error:
        return _refused(one, title, error)
    return Outcome(one.key, title, Result.APPROVED, _counted(after, card))


async def _card(engine: Engine, voter: Voter, one: Selected) -> tuple[Run, Card]:
    """Raises UnknownGate also for a gate that the voter may not read (G45)."""
    found = await gate_by_key(engine, one.key)
    if found is None or not may_read(*found, voter):
        raise errors.UnknownGate
    run, gate = found
    return run, await card_of(engine, run, gate)


def _vote(card: Card, voter: Voter, one: Selected) -> CastVote:
    return CastVote(
        gate=card.gate.step,
        generation=card.gate.generation,
        voter=voter,
        approved=True,
        payload=UNTYPED,
        digest=Digest(one.digest) if one.digest else None,
    )


def _check_bulk(card: Card, one: Selected) -> None:
    """What only the inbox asks. Raises StaleDigest where no digest, or another, was sent; BadInput
    for a gate that has more to it than its card shows.
    """
    if one.digest != card.digest:
        raise errors.StaleDigest
    if card.page_only:
        raise errors.BadInput(card.page_only)


def _refused(one: Selected, title: str, error: errors.FlowsError) -> Outcome:
    result = next(_RESULTS[kind] for kind in type(error).__mro__ if kind in _RESULTS)
    return Outcome(one.key, title, result, error.message)


def _counted(run: Run, card: Card) -> str:
    gate = run.gates[card.gate.step, card.gate.generation]
    lacking = policy.lacking(gate)
    if not lacking:
        return sentence("Approved.")
    return sentence(
        "Approved; {n} more approval is awaited.",
        "Approved; {n} more approvals are awaited.",
        n=lacking,
    )
