"""Whether a run's log stands as it was written, row by row (G71).

The chain finds damage, and changes by whoever doesn't know the chain. It has no secret: who can
write the whole log can chain it anew, and a log cut off at its end is a shorter good one. Against
both stands a receipt (`receipt`), signed and kept elsewhere. Nothing here trusts what it reads, and
nothing here raises for it.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct

from jupyter_flows.core import events as e
from jupyter_flows.core.canonical import chained
from jupyter_flows.core.codec import decode
from jupyter_flows.core.machine import created, evolve, gates
from jupyter_flows.core.model import GateStatus, Run, RunId
from jupyter_flows.core.moments import rfc3339

Row: TypeAlias = tuple[int, float, str, str, str]
"""A row as it stands: seq, at, kind, body, hash."""

_WAITING = (GateStatus.EXPECTED, GateStatus.OPEN)


class Finding(Struct, frozen=True):
    """What is wrong, and with which row; `seq` None is the log as a whole."""

    seq: int | None
    what: str

    def __str__(self) -> str:
        return self.what if self.seq is None else f"row {self.seq}: {self.what}"


class Head(Struct, frozen=True):
    """The last row: whoever knows it knows every row before it."""

    seq: int
    hash: str


class Verdict(Struct, frozen=True):
    """`events` are the rows that can be read; `run` is what they tell, if they tell one."""

    rows: int
    head: Head | None
    findings: tuple[Finding, ...]
    events: tuple[e.Recorded, ...]
    run: Run | None

    @property
    def good(self) -> bool:
        return not self.findings


def verify(
    run: RunId,
    rows: Sequence[Row],
    *,
    left_out: Collection[int] = (),
    holds: Head | None = None,
) -> Verdict:
    """Check the hashes, the numbers, that each row can be read, and that the machine can have told
    them so. `left_out` names rows that are not whole, whose hash is taken as it is; `holds` is a
    row that must be in the log, for a log that was cut off at its end is a good one else.
    """
    findings = list(_chain_findings(rows, left_out))
    events, unread = _read(rows)
    findings += unread
    all_read = bool(events) and len(events) == len(rows)
    state, illegal = _replayed(run, events) if all_read else (None, [])
    findings += illegal
    if not rows:
        findings.append(Finding(None, "the log is empty"))
    if holds is not None and not any((row[0], row[4]) == (holds.seq, holds.hash) for row in rows):
        what = f"it does not hold row {holds.seq} with the hash {holds.hash}: cut off or replaced"
        findings.append(Finding(None, what))
    return Verdict(
        rows=len(rows),
        head=_head(rows),
        findings=tuple(sorted(findings, key=lambda f: (f.seq is None, f.seq or 0))),
        events=tuple(events),
        run=state,
    )


def _head(rows: Sequence[Row]) -> Head | None:
    if not rows or not _is_number(rows[-1][0]) or not isinstance(rows[-1][4], str):
        return None
    return Head(rows[-1][0], rows[-1][4])


# ------------------------------------------------------------ the chain


def _chain_findings(rows: Sequence[Row], left_out: Collection[int]) -> Iterator[Finding]:
    """Each row against the stored hash of the one before, so that one change is one finding."""
    previous, expected = "", 1
    for row in rows:
        seq, found = row[0], row[4]
        number = seq if _is_number(seq) else expected
        if seq != expected or not _is_number(seq):
            yield Finding(number, _misplaced(seq, expected))
        unhashable = _unhashable(row)
        if unhashable is not None:
            yield Finding(number, unhashable)
        elif seq not in left_out and chained(previous, *row[:4]) != found:
            yield Finding(number, "it is not what was written: its hash is another")
        previous = found if _is_text(found) else ""
        expected = number + 1


def _is_number(value: object) -> bool:
    return type(value) is int


def _is_text(value: object) -> bool:
    """Whether it is a text that UTF-8 can write."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _misplaced(seq: object, expected: int) -> str:
    if isinstance(seq, int) and seq > expected:
        missing = f"{expected}" if seq == expected + 1 else f"{expected} to {seq - 1}"
        return f"before it {missing} is missing"
    return f"it stands where row {expected} should be, and is numbered {str(seq)[:40]!r}"


def _unhashable(row: Row) -> str | None:
    """Why there is nothing to compare a hash with."""
    if not _is_moment(row[1]):
        return "its time is no time"
    for name, value in zip(("kind", "body", "hash"), row[2:], strict=True):
        if not _is_text(value):
            return f"its {name} is no text"
    return None


def _is_moment(at: object) -> bool:
    try:
        return type(at) is float and bool(rfc3339(at))
    except (ValueError, OverflowError, OSError):
        return False


# ------------------------------------------------------------ what it tells


def _read(rows: Sequence[Row]) -> tuple[list[e.Recorded], list[Finding]]:
    """The rows that can be read, and what keeps the others from it, but for those that are not even
    of the right types: of them the chain's part has said so.
    """
    events, findings = list[e.Recorded](), list[Finding]()
    for seq, at, kind, body, _ in rows:
        if not (_is_number(seq) and _is_moment(at) and _is_text(kind) and _is_text(body)):
            continue
        try:
            events.append(e.Recorded(seq, at, decode(kind, body)))
        except (ValueError, RecursionError, msgspec.MsgspecError) as error:
            findings.append(Finding(seq, f"it can't be read: {error}"))
    return events, findings


def _replayed(run: RunId, events: Sequence[e.Recorded]) -> tuple[Run | None, list[Finding]]:
    """The run that the log tells, up to the first row that the machine can't have told."""
    first = events[0]
    if not isinstance(first.event, e.RunCreated):
        kind = type(first.event).__name__
        return None, [Finding(first.seq, f"the log begins with {kind}, not with RunCreated")]
    try:
        state = created(run, first.event, first.at)
    except Exception as error:  # noqa: BLE001 (a forged row may break anything: that is a finding)
        return None, [Finding(first.seq, _untold(error))]
    for row in events[1:]:
        try:
            unearned = _unearned(state, row)
            after = evolve(state, row.event, row.at)
        except Exception as error:  # noqa: BLE001 (as above)
            return state, [Finding(row.seq, _untold(error))]
        if unearned is not None:
            return state, [Finding(row.seq, f"the machine can't have told it: {unearned}")]
        state = after
    return state, []


def _untold(error: Exception) -> str:
    """IllegalEventError says which event came when; others are of parts that the run lacks."""
    said = str(error) if isinstance(error, AssertionError) else repr(error)[:200]
    return f"the machine can't have told it: {said}"


def _unearned(run: Run, row: e.Recorded) -> str | None:
    """What `decide` would have refused, in the events that say who decided what. The tables know
    statuses; they would let a gate be approved that nobody has voted on.
    """
    match row.event:
        case e.VoteCast() as vote:
            return _uncast(run, vote, row.at)
        case e.GateApproved() | e.GateRejected() as closed:
            gate = run.gates[closed.gate, closed.generation]
            decided = gates.decision(gate) is type(closed)
            return None if decided else "the votes before it do not decide so"
        case e.GateTimedOut() as closed:
            gate = run.gates[closed.gate, closed.generation]
            early = gate.deadline is None or row.at < gate.deadline
            return "the deadline had not come" if early else None
        case e.StepStarted() | e.GateOpened() | e.RunSucceeded():
            step = run.running_step
            return None if step is None else f"the step {step.id!r} was still running"
        case _:
            return None


def _uncast(run: Run, vote: e.VoteCast, at: float) -> str | None:
    link = vote.voter.link
    if link is not None and link not in run.links:
        return f"the vote came by a link {link!r} that was never made"
    if link is not None and run.links[link].revoked_at is not None:
        return f"the vote came by the link {link!r}, which was revoked"
    if vote.gate is None:
        return None
    gate = run.gates[vote.gate, vote.generation]
    if gate.status not in _WAITING:
        return f"a vote came when the gate was {gate.status}"
    late = gate.deadline is not None and at >= gate.deadline
    if late and vote.voter != gates.TIMEOUT_VOTER:
        return "a vote came after the deadline"
    return None
