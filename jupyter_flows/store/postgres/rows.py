"""Outputs and snapshots as rows, for servers on one database share no disk."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import sqlalchemy as sa

from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.model import Digest, RunId
from jupyter_flows.store import tables
from jupyter_flows.store.upserts import put
from jupyter_flows.store.writer import Writer


class RowBlobs:
    """Implements `Kept`: all that is kept goes into the transaction that names it."""

    def __init__(self) -> None:
        self._kept: dict[Digest, bytes] = {}

    @property
    def kept_bytes(self) -> int:
        return sum(map(len, self._kept.values()))

    def keep(self, data: bytes) -> Digest:
        digest = sha256(data)
        self._kept[digest] = data
        return digest

    def rows(self) -> list[tuple[Digest, bytes]]:
        """In one order for all: two that insert the same ones wait for one another, in no ring."""
        return sorted(self._kept.items())

    def committed(self, rows: Iterable[tuple[Digest, bytes]]) -> None:
        for digest, _ in rows:
            self._kept.pop(digest, None)

    def write(self) -> None:
        """There are no files."""

    def sync(self) -> None:
        """As `write`."""

    def kept(self, digest: Digest) -> bytes | None:
        return self._kept.get(digest)

    def read(self, digest: Digest) -> bytes:
        """No other place holds any. Raises KeyError."""
        raise KeyError(digest)


class RowParts:
    """Implements `Parts`."""

    def __init__(
        self, writer: Writer, connect: Callable[[], AbstractContextManager[sa.Connection]]
    ) -> None:
        self._writer = writer
        self._connect = connect

    def save(self, run: RunId, data: bytes | None) -> None:
        with self._writer.transaction(durable=False) as connection:
            if data is None:
                mine = tables.partials.c.run_id == run
                connection.execute(sa.delete(tables.partials).where(mine))
            else:
                put(connection, tables.partials, {"run_id": run, "data": data})

    def read(self, run: RunId) -> bytes | None:
        query = sa.select(tables.partials.c.data).where(tables.partials.c.run_id == run)
        with self._connect() as connection:
            return connection.execute(query).scalar()
