"""The servers on a PostgreSQL database: a row with a lease for each, by the database's clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from jupyter_flows.core.errors import StoreUnavailable
from jupyter_flows.core.sentences import sentence
from jupyter_flows.store import tables

T = TypeVar("T")

LEASE_SECONDS = 15.0
"""How long a server counts as alive after it last said so."""

FORGET_SECONDS = 3600.0
"""How long the row of a dead server is kept, for people to see."""

NOW = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Float)
"""The database's clock, in POSIX seconds."""

_C = tables.servers.c


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCard:
    """What a server says of itself. `lasting` is false for one that goes when its one run does."""

    id: str
    url: str
    public_url: str
    host: str
    pid: int
    lasting: bool
    queues: tuple[str, ...]
    capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRow(ServerCard):
    """As the others see it. `lives` is by its lease; `holds` is how many unfinished runs are its
    own. Times are POSIX seconds of the database's clock.
    """

    draining: bool
    started_at: float
    lease_until: float
    lives: bool
    holds: int


class SqlServers:
    """Blocking; every method raises StoreUnavailable."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @contextmanager
    def reached(self) -> Iterator[sa.Connection]:
        """A transaction."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.DBAPIError as error:
            raise StoreUnavailable(
                sentence("The store can't be used: {error}", error=str(error.orig))
            ) from error

    def now(self) -> float:
        with self.reached() as connection:
            return float(connection.execute(sa.select(NOW)).scalar_one())

    def renew(self, card: ServerCard) -> bool:
        """Renew the lease, for LEASE_SECONDS from now; whether the server is to be drained. A row
        that is not there is written.
        """
        renewed = (
            sa.update(tables.servers)
            .where(_C.id == card.id)
            .values(lease_until=NOW + LEASE_SECONDS)
            .returning(_C.is_draining)
        )
        with self.reached() as connection:
            row = connection.execute(renewed).first()
            if row is None:
                connection.execute(sa.insert(tables.servers).values(_values(card)))
                long_dead = _C.lease_until < NOW - FORGET_SECONDS
                connection.execute(sa.delete(tables.servers).where(long_dead))
        return row is not None and bool(row.is_draining)

    def remove(self, server: str) -> None:
        self.execute(sa.delete(tables.servers).where(_C.id == server))

    def drain(self, server: str) -> bool:
        """Whether there is such a server."""
        drained = sa.update(tables.servers).where(_C.id == server).values(is_draining=True)
        return self.execute(drained) > 0

    def server(self, server: str) -> ServerRow | None:
        found = self._select(_C.id == server)
        return found[0] if found else None

    def servers(self) -> list[ServerRow]:
        """Those that live, and those that died within the hour, the oldest first."""
        return self._select(sa.true())

    def _select(self, where: sa.ColumnElement[bool]) -> list[ServerRow]:
        r = tables.runs.c
        holds = (
            sa.select(sa.func.count())
            .where(r.server == _C.id, r.finished_at.is_(None))
            .scalar_subquery()
        )
        lives = _C.lease_until > NOW
        query = sa.select(tables.servers, lives.label("lives"), holds.label("holds"))
        ordered = query.where(where).order_by(_C.started_at, _C.id)
        return self.select(ordered, _server)

    def select(self, query: sa.Select[Any], read: Callable[[Any], T]) -> list[T]:
        with self.reached() as connection:
            return [read(row) for row in connection.execute(query)]

    def execute(self, statement: sa.Insert | sa.Update | sa.Delete) -> int:
        """How many rows it changed."""
        with self.reached() as connection:
            return connection.execute(statement).rowcount

    def notify(self, channel: str, said: str) -> None:
        with self.reached() as connection:
            connection.execute(sa.select(sa.func.pg_notify(channel, said)))


def _values(card: ServerCard) -> dict[str, object]:
    return {
        "id": card.id,
        "url": card.url,
        "public_url": card.public_url,
        "host": card.host,
        "pid": card.pid,
        "is_lasting": card.lasting,
        "queues": msgspec.json.encode(card.queues).decode(),
        "capacity": card.capacity,
        "is_draining": False,
        "started_at": NOW,
        "lease_until": NOW + LEASE_SECONDS,
    }


def _server(row: Any) -> ServerRow:
    return ServerRow(
        id=row.id,
        url=row.url,
        public_url=row.public_url,
        host=row.host,
        pid=row.pid,
        lasting=row.is_lasting,
        queues=tuple(msgspec.json.decode(row.queues)),
        capacity=row.capacity,
        draining=row.is_draining,
        started_at=row.started_at,
        lease_until=row.lease_until,
        lives=row.lives,
        holds=row.holds,
    )
