"""A step's commit on SQLite, through the driver: SQLAlchemy takes longer about it than SQLite."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from jupyter_flows.core import errors
from jupyter_flows.core.model import Digest, RunId
from jupyter_flows.store import tables

_EPOCH = sa.select(tables.runs.c.epoch).where(tables.runs.c.id == sa.bindparam("run"))


class Quick:
    """The same statements as the store's own, compiled once."""

    def __init__(self, dialect: sa.Dialect, insert_blob: sa.Executable) -> None:
        self._epoch = str(_EPOCH.compile(dialect=dialect))
        self._event = str(sa.insert(tables.events).compile(dialect=dialect))
        self._blob = str(insert_blob.compile(dialect=dialect))  # type: ignore[attr-defined]
        self._columns = tables.events.columns.keys()

    def commit(
        self,
        connection: sa.Connection,
        run: RunId,
        epoch: int,
        rows: Sequence[Mapping[str, object]],
        blobs: Sequence[tuple[Digest, bytes]],
    ) -> None:
        """One transaction. Raises Fenced, and what sqlite3 raises; then nothing is done."""
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN IMMEDIATE")
        try:
            self._check_epoch(driver, run, epoch)
            driver.executemany(self._event, [[row[c] for c in self._columns] for row in rows])
            if blobs:
                driver.executemany(self._blob, blobs)
            driver.execute("COMMIT")
        except BaseException:
            if driver.in_transaction:
                driver.execute("ROLLBACK")
            raise

    def _check_epoch(self, driver: Any, run: RunId, epoch: int) -> None:
        if driver.execute(self._epoch, (run,)).fetchone() != (epoch,):
            raise errors.Fenced
