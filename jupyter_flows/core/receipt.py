"""What a receipt says: the log of a run, what follows from it about its gates, and who signs (G71).

A receipt is `{"receipt": {…}, "signature": "…"}`; the signature is over the canonical form of the
first member (`canonical.canonical_json`). The file is written in that form too, so that the signed
bytes can be cut out of it without reading JSON. `docs/receipts.md` describes it for those who check
it without this package.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from jupyter_flows.core import events as e
from jupyter_flows.core import moments
from jupyter_flows.core.audit import Head, Row
from jupyter_flows.core.canonical import canonical_json, sha256
from jupyter_flows.core.codec import decode
from jupyter_flows.core.hiding import without_tokens
from jupyter_flows.core.machine import created, evolve
from jupyter_flows.core.model import (
    Digest,
    Gate,
    GateStatus,
    Json,
    LinkId,
    Run,
    RunId,
    StepId,
    Voter,
)

FORMAT = "jupyter-flows-receipt-1"

_VALUES = {"VoteCast": "payload", "StepSucceeded": "result", "RunSucceeded": "result"}
"""Where a log holds payloads; the results of later steps may repeat them."""

_WAITING = (GateStatus.EXPECTED, GateStatus.OPEN)


class LogRow(Struct, frozen=True, omit_defaults=True):
    """A row as it was hashed; `at` is the text that was. Of one with `left_out` the body is not
    whole, and its hash stands on the receipt's signature alone.
    """

    seq: int
    at: str
    kind: str
    body: str
    hash: str
    left_out: tuple[str, ...] = ()


class By(Struct, frozen=True):
    """Who: `verified` is a logged-in user, else the name is what the `link` claims. `claimed` is
    the name in the link of somebody who was logged in; `groups` are those of a verified user.
    """

    name: str | None
    verified: bool
    route: str
    link: str | None
    claimed: str | None
    groups: tuple[str, ...]


class Shown(Struct, frozen=True):
    """Somebody was shown the page; `seq` is the row that says so."""

    seq: int
    at: str
    by: By
    digest: str | None


class SaidVote(Struct, frozen=True):
    """`digest` is that of what the voter saw. `counts` is false for a vote that was dismissed or
    taken back. `payload_digest` is over the canonical form of the payload, if there is one.
    """

    seq: int
    at: str
    by: By
    approved: bool
    counts: bool
    reason: str | None
    payload: Json
    payload_digest: str | None
    digest: str | None


class Asked(Struct, frozen=True):
    digest: str | None
    options: Json
    opened_at: str
    deadline: str | None


class Outcome(Struct, frozen=True):
    """`seq` and `at` are None while the gate is open."""

    status: str
    seq: int | None
    at: str | None


class GateReceipt(Struct, frozen=True):
    step: str
    generation: int
    asked: Asked
    shown: tuple[Shown, ...]
    votes: tuple[SaidVote, ...]
    outcome: Outcome


class RunReceipt(Struct, frozen=True):
    id: str
    path: str
    name: str | None
    owner: str
    snapshot: str
    status: str
    created_at: str
    finished_at: str | None


class Signer(Struct, frozen=True):
    """`public_key` is PEM; it says whose signature to look for, not that they can be trusted."""

    at: str
    key_id: str
    public_key: str


class Receipt(Struct, frozen=True):
    """`early_votes` are those by links for the whole run that no gate has counted."""

    format: str
    run: RunReceipt
    gates: tuple[GateReceipt, ...]
    early_votes: tuple[SaidVote, ...]
    log: tuple[LogRow, ...]
    head: Head
    signed: Signer


class SignedReceipt(Struct, frozen=True):
    """The whole file. `signature` is Ed25519 in base64, over the canonical form of `receipt`."""

    receipt: Receipt
    signature: str


def written(run: RunId, rows: Sequence[Row], signer: Signer, *, payloads: bool = True) -> Receipt:
    """The receipt of a log that was found good (`audit.verify`). Tokens of links are never in it;
    without `payloads` neither are those of votes, nor results.
    """
    told = summary(run, [(seq, at, kind, body) for seq, at, kind, body, _ in rows])
    log = tuple(_log_row(row, payloads=payloads) for row in rows)
    shown = summary(run, [(row.seq, float(row.at), row.kind, row.body) for row in log])
    shown = with_payload_digests(shown, {vote.seq: vote for vote in votes_of(told)})
    seq, _, _, _, hashed = rows[-1]
    return Receipt(
        format=FORMAT,
        run=shown.run,
        gates=shown.gates,
        early_votes=shown.early_votes,
        log=log,
        head=Head(seq, hashed),
        signed=signer,
    )


def signed_bytes(receipt: Receipt) -> bytes:
    return canonical_json(msgspec.to_builtins(receipt))


def document(receipt: Receipt, signature: str) -> bytes:
    """The file's content: one line."""
    return canonical_json(msgspec.to_builtins(SignedReceipt(receipt, signature))) + b"\n"


def file_name(run: RunId) -> str:
    return f"{run}.receipt.json"


def _log_row(row: Row, *, payloads: bool) -> LogRow:
    seq, at, kind, body, hashed = row
    value = json.loads(body)
    kept = without_tokens(value)
    left_out = () if kept == value else ("tokens",)
    name = _VALUES.get(kind)
    if not payloads and name is not None and kept.get(name) is not None:
        kept = {**kept, name: None}
        left_out = (*left_out, name)
    if left_out:
        body = canonical_json(kept).decode()
    return LogRow(seq, repr(at), kind, body, hashed, left_out)


# ------------------------------------------------------------ what follows from the log


class Summary(Struct, frozen=True):
    run: RunReceipt
    gates: tuple[GateReceipt, ...]
    early_votes: tuple[SaidVote, ...]


def summary(run: RunId, rows: Sequence[tuple[int, float, str, str]]) -> Summary:
    """What the log (seq, at, kind, body) says of the run and its gates. Raises what a log that is
    not good makes it raise. Options are as recorded, not as this version would write them.
    """
    recorded = [e.Recorded(seq, at, decode(kind, body)) for seq, at, kind, body in rows]
    state, closings = _followed(run, recorded)
    options = {
        row.seq: json.loads(body)["options"]
        for row, (_, _, _, body) in zip(recorded, rows, strict=True)
        if isinstance(row.event, e.GateOpened)
    }
    openings = {
        (row.event.gate, row.event.generation): options[row.seq]
        for row in recorded
        if isinstance(row.event, e.GateOpened)
    }
    return Summary(
        run=_run_receipt(state),
        gates=tuple(
            _gate_receipt(state.gates[key], said, closings.get(key), recorded)
            for key, said in openings.items()
        ),
        early_votes=tuple(
            _said(row, row.event, counts=False)
            for row in recorded
            if isinstance(row.event, e.VoteCast)
            and row.event.gate is None
            and not _counted_by(row.event.voter.link, recorded)
        ),
    )


_Key = tuple[StepId, int]


def _followed(run: RunId, recorded: Sequence[e.Recorded]) -> tuple[Run, Mapping[_Key, e.Recorded]]:
    """The run, and the row that closed each gate (or superseded it)."""
    first = recorded[0]
    if not isinstance(first.event, e.RunCreated):
        raise ValueError("the log does not begin with RunCreated")  # noqa: TRY004 (its content)
    state = created(run, first.event, first.at)
    closings: dict[_Key, e.Recorded] = {}
    for row in recorded[1:]:
        state = evolve(state, row.event, row.at)
        for key, gate in state.gates.items():
            if gate.status not in _WAITING:
                closings.setdefault(key, row)
    return state, closings


def _run_receipt(run: Run) -> RunReceipt:
    return RunReceipt(
        id=run.id,
        path=run.path,
        name=run.name,
        owner=run.owner,
        snapshot=run.snapshot,
        status=run.status.value,
        created_at=moments.said(run.created_at),
        finished_at=None if run.finished_at is None else moments.said(run.finished_at),
    )


def _gate_receipt(
    gate: Gate, options: Json, closing: e.Recorded | None, recorded: Sequence[e.Recorded]
) -> GateReceipt:
    return GateReceipt(
        step=gate.step,
        generation=gate.generation,
        asked=Asked(
            digest=gate.digest,
            options=options,
            opened_at=moments.said(gate.opened_at or 0.0),
            deadline=None if gate.deadline is None else moments.said(gate.deadline),
        ),
        shown=tuple(_shown(gate, recorded)),
        votes=tuple(_votes(gate, recorded)),
        outcome=Outcome(
            status=gate.status.value,
            seq=closing.seq if closing else None,
            at=moments.said(closing.at) if closing else None,
        ),
    )


def _shown(gate: Gate, recorded: Sequence[e.Recorded]) -> Iterator[Shown]:
    for row in recorded:
        event = row.event
        if not isinstance(event, e.GateShown) or _key(event) != _key(gate):
            continue
        yield Shown(row.seq, moments.said(row.at), _by(event.voter), event.digest)


def _by(voter: Voter) -> By:
    return By(voter.name, voter.verified, voter.route, voter.link, voter.claimed, voter.groups)


def _key(of: e.GateShown | e.VoteCast | e.PreVoteCounted | Gate) -> tuple[str | None, int]:
    return (of.step if isinstance(of, Gate) else of.gate), of.generation


def _counted_by(link: LinkId | None, recorded: Sequence[e.Recorded]) -> _Key | None:
    """The gate that has counted the vote of this link for the whole run (G36)."""
    for row in recorded:
        if isinstance(row.event, e.PreVoteCounted) and row.event.link == link:
            return row.event.gate, row.event.generation
    return None


def _votes(gate: Gate, recorded: Sequence[e.Recorded]) -> list[SaidVote]:
    """Those that the gate has now count. Of equal ones it is the last: the first was taken back."""
    standing = Counter((vote.voter, vote.approved, vote.at) for vote in gate.votes)
    found: list[SaidVote] = []
    for row in reversed(recorded):
        vote = row.event
        if not isinstance(vote, e.VoteCast):
            continue
        key = _counted_by(vote.voter.link, recorded) if vote.gate is None else _key(vote)
        if key == _key(gate):
            same = (vote.voter, vote.approved, row.at)
            found.append(_said(row, vote, counts=standing[same] > 0))
            standing[same] -= 1
    return found[::-1]


def _said(row: e.Recorded, vote: e.VoteCast, *, counts: bool) -> SaidVote:
    return SaidVote(
        seq=row.seq,
        at=moments.said(row.at),
        by=_by(vote.voter),
        approved=vote.approved,
        counts=counts,
        reason=vote.reason,
        payload=vote.payload,
        payload_digest=_digest_of(vote.payload),
        digest=vote.digest,
    )


def _digest_of(payload: Json) -> Digest | None:
    return None if payload is None else sha256(canonical_json(payload))


def votes_of(told: Summary | Receipt) -> Iterator[SaidVote]:
    for gate in told.gates:
        yield from gate.votes
    yield from told.early_votes


def with_payload_digests(told: Summary, votes: Mapping[int, SaidVote]) -> Summary:
    """With the digests of payloads that these votes, by their row, have: they stay when a payload
    is left out.
    """

    def with_digest(vote: SaidVote) -> SaidVote:
        digest = votes[vote.seq].payload_digest if vote.seq in votes else vote.payload_digest
        return msgspec.structs.replace(vote, payload_digest=digest)

    return msgspec.structs.replace(
        told,
        gates=tuple(
            msgspec.structs.replace(gate, votes=tuple(map(with_digest, gate.votes)))
            for gate in told.gates
        ),
        early_votes=tuple(map(with_digest, told.early_votes)),
    )
