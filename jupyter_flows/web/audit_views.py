"""What the doors of audit show: the records of the public contract."""

from typing import Annotated

from msgspec import Meta, Struct

from jupyter_flows.core.audit import Verdict
from jupyter_flows.core.model import RunId
from jupyter_flows.core.trail import Line, Who, trail
from jupyter_flows.web.times import Time, time


class FindingView(Struct):
    """`row` null is the log as a whole."""

    row: int | None
    message: str


class WhoView(Struct):
    """`verified` null: a name that the log has by itself, as a run's owner."""

    name: str | None
    verified: bool | None
    route: str | None
    link: str | None
    claimed: str | None
    groups: list[str]


class LineView(Struct):
    seq: int
    at: Time
    kind: str
    who: WhoView | None
    what: str
    digest: str | None


class HeadView(Struct):
    seq: int
    hash: str


class AuditView(Struct):
    run: str
    good: Annotated[bool, Meta(description="Whether the log stands as it was written")]
    rows: int
    head: HeadView | None
    findings: list[FindingView]
    trail: list[LineView]


def audit_view(run: RunId, verdict: Verdict) -> AuditView:
    head = verdict.head
    return AuditView(
        run=run,
        good=verdict.good,
        rows=verdict.rows,
        head=None if head is None else HeadView(head.seq, head.hash),
        findings=[FindingView(found.seq, found.what) for found in verdict.findings],
        trail=[_line(line) for line in trail(verdict.events)],
    )


def _line(line: Line) -> LineView:
    return LineView(line.seq, time(line.at), line.kind, _who(line.who), line.what, line.digest)


def _who(who: Who | None) -> WhoView | None:
    if who is None:
        return None
    return WhoView(who.name, who.verified, who.route, who.link, who.claimed, list(who.groups))
