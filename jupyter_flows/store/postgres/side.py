"""What a store does in its own way on PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from jupyter_flows.core.model import Digest, RunId
from jupyter_flows.store import tables
from jupyter_flows.store.postgres.rows import RowBlobs, RowParts
from jupyter_flows.store.postgres.step import commit
from jupyter_flows.store.postgres.wire import CHANNEL
from jupyter_flows.store.postgres.writer import PostgresWriter
from jupyter_flows.store.upserts import insert
from jupyter_flows.store.writer import Kept, Parts


class PostgresSide:
    """Implements `Side`. A statement that only reads is no transaction's part: one trip less."""

    def __init__(self, engine: sa.Engine) -> None:
        self.reads = engine.execution_options(isolation_level="AUTOCOMMIT")
        self.writer = PostgresWriter(engine)
        self.blobs: Kept = RowBlobs()
        self.parts: Parts = RowParts(self.writer, self.reads.connect)
        self.insert_blob: sa.Executable = insert(
            engine.dialect, tables.blobs
        ).on_conflict_do_nothing()

    @contextmanager
    def impatient(self) -> Iterator[bool]:
        yield False  # a network is never at once

    def step(
        self,
        run: RunId,
        epoch: int,
        rows: Sequence[Mapping[str, object]],
        blobs: Sequence[tuple[Digest, bytes]],
        *,
        durable: bool,
    ) -> bool:
        return commit(self.writer, run, epoch, rows, blobs, durable=durable)

    def notify(self, connection: sa.Connection, what: str) -> None:
        connection.execute(sa.select(sa.func.pg_notify(CHANNEL, what)))

    def keep_others_out(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("set local idle_in_transaction_session_timeout = 0")
        connection.exec_driver_sql("lock table runs in exclusive mode")
