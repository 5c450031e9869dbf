"""What differs by the database below a store."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from jupyter_flows.core.model import Digest, RunId
from jupyter_flows.store import tables
from jupyter_flows.store.blobs import Blobs, FileParts
from jupyter_flows.store.quick import Quick
from jupyter_flows.store.upserts import insert
from jupyter_flows.store.writer import Kept, Parts, SqliteWriter, Writer

Rows = Sequence[Mapping[str, object]]
BlobRows = Sequence[tuple[Digest, bytes]]


class Side(Protocol):
    @property
    def reads(self) -> sa.Engine:
        """For connections that only read."""

    @property
    def writer(self) -> Writer: ...

    @property
    def blobs(self) -> Kept: ...

    @property
    def parts(self) -> Parts: ...

    @property
    def insert_blob(self) -> sa.Executable: ...

    def impatient(self) -> AbstractContextManager[bool]:
        """While it is open no write waits for others; whether that is offered now."""

    def step(self, run: RunId, epoch: int, rows: Rows, blobs: BlobRows, *, durable: bool) -> bool:
        """A step's commit by the driver. False where it is not known to be done. Raises Fenced and
        Conflict, and what sqlite3 raises; then nothing is done.
        """

    def notify(self, connection: sa.Connection, what: str) -> None:
        """Tell the other servers, when the transaction is committed."""

    def keep_others_out(self, connection: sa.Connection) -> None:
        """Nobody else writes of runs until the transaction's end."""


def side_of(engine: sa.Engine, folder: Path) -> Side:
    if engine.dialect.name == "sqlite":
        return SqliteSide(engine, folder)
    from jupyter_flows.store.postgres.side import PostgresSide  # noqa: PLC0415 (an extra's driver)

    return PostgresSide(engine)


def insert_blob(dialect: sa.Dialect) -> sa.Executable:
    """Insert a blob, or nothing if it is there: what has one digest has the same bytes."""
    statement: sa.Executable = insert(dialect, tables.blobs).on_conflict_do_nothing()
    return statement


class SqliteSide:
    """Implements `Side`. Nobody is told of what is written: other processes look for themselves."""

    def __init__(self, engine: sa.Engine, folder: Path) -> None:
        self.reads = engine
        self.writer = SqliteWriter(engine)
        self.blobs: Kept = Blobs(folder / "blobs")
        self.parts: Parts = FileParts(folder / "partial")
        self.insert_blob = insert_blob(engine.dialect)
        self._quick = Quick(engine.dialect, self.insert_blob)

    @contextmanager
    def impatient(self) -> Iterator[bool]:
        self.writer.patient = False
        try:
            yield self.writer.kept is not None
        finally:
            self.writer.patient = True

    def step(
        self,
        run: RunId,
        epoch: int,
        rows: Rows,
        blobs: BlobRows,
        *,
        durable: bool,
    ) -> bool:
        if self.writer.kept is None or durable:
            return False
        self.writer.prepare(self.writer.kept, durable=False)
        self._quick.commit(self.writer.kept, run, epoch, rows, blobs)
        return True

    def notify(self, connection: sa.Connection, what: str) -> None:
        """As above."""

    def keep_others_out(self, connection: sa.Connection) -> None:
        """Whoever writes to SQLite is alone."""
