"""A store's connection to PostgreSQL: kept, for to fetch one costs a trip, and made anew when it
was lost.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.errors import DeadlockDetected, SerializationFailure


class PostgresWriter:
    """Implements `Writer` and `Reads`. A transaction begins by a statement of ours, which also says
    how it stands to the disk: one trip, and the one by which a lost connection is known before
    anything was written. Without such a statement before it, a statement is a transaction of its
    own: to read takes one trip.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._kept: sa.Connection | None = None
        self._is_writing = False
        self._lost_reading: sa.exc.DBAPIError | None = None
        self.pid: int | None = None
        """The connection's process in the database. May be read in any thread."""

    @contextmanager
    def transaction(self, *, durable: bool) -> Iterator[sa.Connection]:
        begin = "BEGIN" if durable else "BEGIN; SET LOCAL synchronous_commit TO off"
        try:
            writer = self._begun(begin)
            self._is_writing = True
            with writer.begin():
                yield writer
        finally:
            self._is_writing = False
            self._drop_if_lost()

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """To read by. Within a transaction it is a part of that."""
        if self._is_writing:
            yield self.connection()
            return
        reader = self.connection()
        try:
            yield reader
        except sa.exc.DBAPIError as error:
            if error.connection_invalidated:
                self._lost_reading = error
            raise
        finally:
            try:
                reader.rollback()  # SQLAlchemy's own; the database knows of nothing
            finally:
                self._drop_if_lost()

    def _begun(self, begin: str) -> sa.Connection:
        try:
            return self._told(begin)
        except psycopg.OperationalError:
            self.close()  # it was lost since it was used last
        try:
            return self._told(begin)
        except psycopg.Error as error:
            raise sa.exc.OperationalError(begin, None, error) from error

    def _told(self, statement: str) -> sa.Connection:
        connection = self.connection()
        driver: Any = connection.connection.driver_connection
        driver.execute(statement, prepare=False)
        return connection

    def connection(self) -> sa.Connection:
        """Outside of a transaction."""
        if self._kept is not None and (self._kept.invalidated or self._kept.closed):
            self.close()
        if self._kept is None:
            self._kept = self._engine.connect()
            driver: Any = self._kept.connection.driver_connection
            self.pid = int(driver.info.backend_pid)
        return self._kept

    def driver(self) -> Any:
        """Psycopg's connection, on which each statement is a transaction."""
        return self.connection().connection.driver_connection

    def _drop_if_lost(self) -> None:
        if self._kept is not None and (self._kept.invalidated or self.driver().closed):
            self.close()

    def passes(self, error: sa.exc.DBAPIError) -> bool:
        is_others = isinstance(error.orig, DeadlockDetected | SerializationFailure)
        lost, self._lost_reading = self._lost_reading, None
        return is_others or error is lost

    def close(self) -> None:
        kept, self._kept, self.pid = self._kept, None, None
        if kept is not None:
            if not kept.invalidated:
                kept.invalidate()
            kept.close()
