"""Events as rows of the log: chained to one another, and large bodies kept beside them.

A vote may carry files, and a step a large result (G63). Such a body is a blob, and the row names
it. The chain is over the body itself, so that it holds for the blob too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jupyter_flows.core.canonical import chained
from jupyter_flows.core.codec import encode
from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import Digest, RunId

LARGE = 64 * 1024
"""Bytes above which a body does not stand in its row."""

MARK = "@"
"""Before the digest of a body that stands elsewhere. No JSON text begins so."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An event to be written: its body, and what stands in its row for it."""

    seq: int
    at: float
    kind: str
    body: str
    stored: str


def encoded(events: Sequence[Recorded], keep: Callable[[bytes], Digest]) -> list[Encoded]:
    """`keep` takes the bodies that are too large for a row."""
    found = []
    for row in events:
        kind, body = encode(row.event)
        stored = body
        if len(body) > LARGE // 4 and len(data := body.encode()) > LARGE:
            stored = MARK + keep(data)
        found.append(Encoded(row.seq, row.at, kind, body, stored))
    return found


def whole(stored: str, read: Callable[[Digest], bytes]) -> str:
    """The body that a row stands for. Raises KeyError when it is lost or damaged."""
    if not stored.startswith(MARK):
        return stored
    return read(Digest(stored.removeprefix(MARK))).decode()


def rows_of(
    run: RunId, events: Sequence[Encoded], previous: str
) -> tuple[list[dict[str, object]], tuple[int, str]]:
    """The rows of these events, chained to the hash before them, and the log's new head (G71)."""
    rows: list[dict[str, object]] = []
    for event in events:
        previous = chained(previous, event.seq, event.at, event.kind, event.body)
        rows.append(
            {
                "run_id": run,
                "seq": event.seq,
                "at": event.at,
                "kind": event.kind,
                "body": event.stored,
                "hash": previous,
            }
        )
    return rows, (events[-1].seq, previous)
