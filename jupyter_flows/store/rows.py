"""Rows of the database to records and back; cursors of pages."""

from typing import Any

from jupyter_flows.core import cursors
from jupyter_flows.core.codec import decode
from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import GateStatus, LinkId, RunId, RunStatus, StepId
from jupyter_flows.ports import GateRow, LinkRow, RunRow


def recorded(row: Any, body: str) -> Recorded:
    return Recorded(row.seq, row.at, decode(row.kind, body))


def run_row(row: Any) -> RunRow:
    return RunRow(
        id=RunId(row.id),
        status=RunStatus(row.status),
        path=row.path,
        name=row.name,
        owner=row.owner,
        created_at=row.created_at,
        finished_at=row.finished_at,
        due_at=row.due_at,
        epoch=row.epoch,
        server=row.server,
        key=row.idempotency_key,
        queue=row.queue,
    )


def gate_row(row: Any) -> GateRow:
    return GateRow(
        run=RunId(row.run_id),
        step=StepId(row.step),
        generation=row.generation,
        status=GateStatus(row.status),
        opened_at=row.opened_at,
        deadline=row.deadline,
        path=row.path,
    )


def link_row(row: Any) -> LinkRow:
    return LinkRow(
        id=LinkId(row.id),
        run=RunId(row.run_id),
        gate=None if row.gate is None else StepId(row.gate),
        generation=row.generation,
        approver=row.approver,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def cursor_of(row: RunRow) -> str:
    """Names the last row of a page, for the page behind it."""
    return cursors.written(row.created_at, row.id)


def read_cursor(cursor: str) -> tuple[float, str]:
    """Raises BadInput for a cursor that was not given out."""
    created_at, (run,) = cursors.read(cursor, 1)
    return created_at, run
