"""Whether a run may begin: how many of its flow, or of those one run has started, may be at work.

Of a flow all runs that have begun count. Of those that one run has started only those that run: one
that waits has no cell at work, and its kernel may be gone; when it goes on, it does so at once, for
a person or the clock has said so.
"""

import sqlalchemy as sa

from jupyter_flows.core import errors
from jupyter_flows.core.model import TIMED, Run, RunStatus
from jupyter_flows.store import tables
from jupyter_flows.store.projection import flow_key

_BEGUN = tuple(status.value for status in TIMED)


def check_room(connection: sa.Connection, run: Run) -> None:
    """Raises FlowBusy. No two runs take one place: SQLite has one writer at a time, and PostgreSQL
    one at a time for each flow, and for each run that starts others.
    """
    c = tables.runs.c
    count = sa.select(sa.func.count())
    if run.concurrency is not None:
        _alone(connection, f"flow {run.flow}")
        query = count.where(c.flow == flow_key(run.flow), c.status.in_(_BEGUN))
        if connection.execute(query).scalar_one() >= run.concurrency:
            raise errors.FlowBusy
    if run.at_once is not None:
        _alone(connection, f"started by {run.started_by}")
        query = count.where(c.started_by == run.started_by, c.status == RunStatus.RUNNING.value)
        if connection.execute(query).scalar_one() >= run.at_once:
            raise errors.FlowBusy


def _alone(connection: sa.Connection, what: str) -> None:
    """Until the transaction's end."""
    if connection.dialect.name == "postgresql":
        number = sa.func.hashtextextended(what.replace("\0", "\1"), 0)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
