"""What a store does in its own way on PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from jupyter_flows.store import tables
from jupyter_flows.store.postgres.committing import commit, takes
from jupyter_flows.store.postgres.rows import RowBlobs, RowParts
from jupyter_flows.store.postgres.wire import CHANNEL
from jupyter_flows.store.postgres.writer import PostgresWriter
from jupyter_flows.store.sides import Append
from jupyter_flows.store.upserts import insert
from jupyter_flows.store.writer import Kept, Parts, Reads


class PostgresSide:
    """Implements `Side`, by one connection."""

    def __init__(self, engine: sa.Engine) -> None:
        self.writer = PostgresWriter(engine)
        self.reads: Reads = self.writer
        self.blobs: Kept = RowBlobs()
        self.parts: Parts = RowParts(self.writer, self.writer.connect)
        self.insert_blob: sa.Executable = insert(
            engine.dialect, tables.blobs
        ).on_conflict_do_nothing()

    @contextmanager
    def impatient(self) -> Iterator[bool]:
        yield False  # a network is never at once

    def takes(self, append: Append) -> bool:
        return takes(append)

    def commit(self, append: Append) -> bool:
        return commit(self.writer, append)

    def notify(self, connection: sa.Connection, what: str) -> None:
        connection.execute(sa.select(sa.func.pg_notify(CHANNEL, what)))

    def is_own(self, pid: int) -> bool:
        return pid == self.writer.pid

    def keep_others_out(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("set local idle_in_transaction_session_timeout = 0")
        connection.exec_driver_sql("lock table runs in exclusive mode")
