"""The one connection that writes, kept open: to fetch one costs a third of a commit. And what a
store asks of it, whichever database it is of.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa

from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import Digest, Run, RunId


class Writer(Protocol):
    """Used from one thread at a time."""

    def transaction(self, *, durable: bool) -> AbstractContextManager[sa.Connection]:
        """A transaction of the kept connection; `durable` ones wait for the disk."""

    def passes(self, error: sa.exc.DBAPIError) -> bool:
        """Whether it may be tried again at once: the transaction failed for others that wrote, or
        the connection was lost before it.
        """

    def close(self) -> None: ...


class Parts(Protocol):
    """What the cells at work have put out so far."""

    def save(self, run: RunId, data: bytes | None) -> None:
        """Keep it in the place of what was; None drops it."""

    def read(self, run: RunId) -> bytes | None: ...


class Reads(Protocol):
    """Used from the store's thread."""

    def connect(self) -> AbstractContextManager[sa.Connection]:
        """To read by, to the context's end. What reads may be done twice: nobody writes before it
        in one job of the store's thread, but in a transaction that is open still.
        """


Expression: TypeAlias = tuple[str, Sequence[object]]
"""In SQL, with its values. `server` in it is whose the run is, before what is written now."""


class Outbox(Protocol):
    """What else is written with a run's events, in their transaction: jobs for a queue."""

    def statement(
        self, run: Run, events: Sequence[Recorded], *, by_driver: bool
    ) -> Expression | None:
        """What a call does, as an expression of PostgreSQL's; None where there is nothing to do."""

    def __call__(
        self,
        connection: sa.Connection,
        run: Run,
        events: Sequence[Recorded],
        *,
        server: str | None,
        by_driver: bool,
    ) -> None:
        """Called behind everything else in the transaction that writes these events. `run` is the
        state after them, and `server` whose it was before them; `by_driver` says that who drives
        it has told them.
        """


class SqliteWriter:
    """Implements `Writer` on SQLite."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self.kept: sa.Connection | None = None
        self.patient = True

    @contextmanager
    def transaction(self, *, durable: bool) -> Iterator[sa.Connection]:
        if self.kept is None:
            self.kept = self._engine.connect().execution_options(writes=True)
        self.prepare(self.kept, durable=durable)
        with self.kept.begin():
            yield self.kept

    def prepare(self, writer: sa.Connection, *, durable: bool) -> None:
        _set(writer, "synchronous", "FULL" if durable else "NORMAL")
        _set(writer, "busy_timeout", "10000" if self.patient else "0")
        _set(writer, "wal_autocheckpoint", "1000" if self.patient else "0")

    def passes(self, error: sa.exc.DBAPIError) -> bool:  # noqa: ARG002 (it waits for its turn)
        return False

    def close(self) -> None:
        if self.kept is not None:
            self.kept.close()


def _set(connection: sa.Connection, pragma: str, value: str) -> None:
    """Set how SQLite works, where it doesn't work so already."""
    if connection.info.get(pragma) != value:
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PRAGMA {pragma}={value}")
        connection.info[pragma] = value


class Kept(Protocol):
    """Outputs and snapshots by the hash of their content. `keep` remembers one; `write` and `sync`
    bring to the disk what is no row, before the transaction that takes the `rows`; `committed`
    says that it has.
    """

    @property
    def kept_bytes(self) -> int: ...

    def keep(self, data: bytes) -> Digest: ...

    def rows(self) -> list[tuple[Digest, bytes]]: ...

    def committed(self, rows: Sequence[tuple[Digest, bytes]]) -> None: ...

    def write(self) -> None: ...

    def sync(self) -> None: ...

    def kept(self, digest: Digest) -> bytes | None: ...

    def read(self, digest: Digest) -> bytes: ...
