"""The rows of the log as they stand in the database, damaged ones too (G71)."""

from typing import Any

import sqlalchemy as sa

from jupyter_flows.core.model import RunId
from jupyter_flows.store import tables


def raw_rows(run: RunId, *, is_sqlite: bool) -> sa.Select[Any]:
    """The columns of a run's rows, in order. SQLite keeps in a column whatever was put there, and
    refuses a whole query for one text that is not UTF-8; so texts are asked for as bytes.
    """
    c = tables.events.c
    texts = [c.kind, c.body, c.hash]
    if is_sqlite:
        texts = [sa.cast(t, sa.LargeBinary).label(t.name) for t in texts]  # type: ignore[misc]
    return sa.select(c.seq, c.at, *texts).where(c.run_id == run).order_by(c.seq)


def text(value: Any) -> Any:
    """Bytes that are no UTF-8 come as lone surrogates, which no text that was hashed has."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
