"""Checking a receipt with nothing but the receipt and a key that the reader trusts (G71)."""

import json
from collections.abc import Iterator, Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from jupyter_flows.core.audit import Finding, Head, Row, verify
from jupyter_flows.core.canonical import canonical_json
from jupyter_flows.core.errors import KeyUnusable
from jupyter_flows.core.model import RunId
from jupyter_flows.core.receipt import (
    FORMAT,
    GateReceipt,
    LogRow,
    Receipt,
    summary,
    votes_of,
    with_payload_digests,
)
from jupyter_flows.core.signature import fingerprint, has_signed, key_id, read_public


class Trusted(Struct, frozen=True):
    """Whom the reader trusts: public keys (PEM), or the beginning of a key's fingerprint."""

    keys: tuple[str, ...] = ()
    key_id: str | None = None

    def __bool__(self) -> bool:
        return bool(self.keys or self.key_id)


class Checked(Struct, frozen=True):
    """What came of it. `trusted` says that a key which the reader named has signed; a receipt that
    is only good by the key which it carries could have been made by anybody.

    `left_out` counts the rows whose hash stands on the signature alone.
    """

    findings: tuple[Finding, ...]
    trusted: bool
    key_id: str | None = None
    run: str | None = None
    path: str | None = None
    status: str | None = None
    signed_at: str | None = None
    head: Head | None = None
    left_out: int = 0
    gates: tuple[GateReceipt, ...] = ()

    @property
    def good(self) -> bool:
        return not self.findings


def check(content: bytes, trusted: Trusted) -> Checked:
    """Never raises for what the content is; raises KeyUnusable for a trusted key that is none."""
    named = [read_public(pem) for pem in trusted.keys]
    try:
        whole = json.loads(content)
        said = canonical_json(whole["receipt"])
        receipt = msgspec.convert(whole["receipt"], Receipt)
        signature = msgspec.convert(whole["signature"], str)
    except (ValueError, TypeError, LookupError, RecursionError, msgspec.MsgspecError) as error:
        return _nothing(f"it is no receipt: {str(error)[:200]}")
    if receipt.format != FORMAT:
        return _nothing(
            f"it has the format {receipt.format[:40]!r}, and this version knows {FORMAT!r}"
        )
    unsigned = [*_signature(receipt, signature, said, named, trusted.key_id)]
    return Checked(
        findings=(*unsigned, *_content(receipt)),
        trusted=bool(trusted) and not unsigned,
        key_id=receipt.signed.key_id,
        run=receipt.run.id,
        path=receipt.run.path,
        status=receipt.run.status,
        signed_at=receipt.signed.at,
        head=receipt.head,
        left_out=sum(bool(row.left_out) for row in receipt.log),
        gates=receipt.gates,
    )


def _nothing(what: str) -> Checked:
    return Checked(findings=(Finding(None, what),), trusted=False)


def _signature(
    receipt: Receipt,
    signature: str,
    said: bytes,
    named: Sequence[Ed25519PublicKey],
    named_id: str | None,
) -> Iterator[Finding]:
    """By a key that the reader named; where none was, by the one that the receipt carries."""
    try:
        own = read_public(receipt.signed.public_key)
    except KeyUnusable as error:
        yield Finding(None, f"the key that it carries can't be used: {error}")
        return
    if receipt.signed.key_id != key_id(own):
        yield Finding(None, "the key id that it names is not that of the key which it carries")
    if named_id is not None and not fingerprint(own).startswith(named_id.lower()):
        what = f"it carries the key {key_id(own)}, whose id does not begin with {named_id}"
        yield Finding(None, what)
    if not any(has_signed(key, signature, said) for key in named or [own]):
        whose = "the key that you named" if named else "the key that it carries"
        yield Finding(None, f"its signature is not one by {whose}: it is forged, or was changed")


# ------------------------------------------------------------ what it says


def _content(receipt: Receipt) -> Iterator[Finding]:
    """The chain, and that all else follows from it."""
    rows = [_row(row) for row in receipt.log]
    not_whole = {row.seq for row in receipt.log if row.left_out}
    verdict = verify(RunId(receipt.run.id), rows, left_out=not_whole)
    yield from verdict.findings
    if verdict.head != receipt.head:
        yield Finding(None, "its head is not the last row of its log")
    if verdict.good:
        yield from _summary(receipt, rows, not_whole)


def _row(row: LogRow) -> Row:
    """`at` must be the one way to write the number: else it is no time, and `verify` says so."""
    try:
        at = float(row.at)
    except ValueError:
        at = float("nan")
    return row.seq, at if repr(at) == row.at else float("nan"), row.kind, row.body, row.hash


def _summary(receipt: Receipt, rows: Sequence[Row], not_whole: set[int]) -> Iterator[Finding]:
    told = summary(RunId(receipt.run.id), [row[:4] for row in rows])
    unseen = {vote.seq: vote for vote in votes_of(receipt) if vote.seq in not_whole}
    told = with_payload_digests(told, unseen)
    for name in ("run", "gates", "early_votes"):
        if _canonical(getattr(told, name)) != _canonical(getattr(receipt, name)):
            what = f"what it says under {name!r} does not follow from its log"
            yield Finding(None, what)


def _canonical(value: object) -> bytes:
    return canonical_json(msgspec.to_builtins(value))
