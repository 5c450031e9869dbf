"""What differs by the database below a store."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from jupyter_flows.core.model import Digest, RunId
from jupyter_flows.store import tables
from jupyter_flows.store.blobs import Blobs, FileParts
from jupyter_flows.store.projection import Changes
from jupyter_flows.store.quick import Quick
from jupyter_flows.store.upserts import insert
from jupyter_flows.store.writer import Expression, Kept, Parts, Reads, SqliteWriter, Writer

Rows = Sequence[Mapping[str, object]]
BlobRows = Sequence[tuple[Digest, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """What is written to the log of a run, and what with it, in one transaction. With an epoch it
    is refused when the run has another one.
    """

    run: RunId
    epoch: int | None
    rows: Rows
    blobs: BlobRows
    changes: Changes
    also: Expression | None
    durable: bool


class Side(Protocol):
    @property
    def reads(self) -> Reads: ...

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

    def takes(self, append: Append) -> bool:
        """Whether it is for `commit`."""

    def commit(self, append: Append) -> bool:
        """In as few statements as can be, through the driver. False where it is not known to be
        done. Raises Fenced and Conflict, and what sqlite3 raises; then nothing is done.
        """

    def notify(self, connection: sa.Connection, what: str) -> None:
        """Tell the other servers, when the transaction is committed."""

    def is_own(self, pid: int) -> bool:
        """Whether this process of the database is that of the store's connection."""

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
        self.reads: Reads = engine
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

    def takes(self, append: Append) -> bool:
        """A step's: what more there is to write comes rarely, and waits for the disk."""
        is_more = append.durable or append.changes or append.also is not None
        return self.writer.kept is not None and append.epoch is not None and not is_more

    def commit(self, append: Append) -> bool:
        writer, epoch = self.writer.kept, append.epoch
        if writer is None or epoch is None:
            return False
        self.writer.prepare(writer, durable=False)
        self._quick.commit(writer, append.run, epoch, append.rows, append.blobs)
        return True

    def notify(self, connection: sa.Connection, what: str) -> None:
        """As above."""

    def is_own(self, pid: int) -> bool:  # noqa: ARG002 (it has no processes)
        """As above."""
        return False

    def keep_others_out(self, connection: sa.Connection) -> None:
        """Whoever writes to SQLite is alone."""
