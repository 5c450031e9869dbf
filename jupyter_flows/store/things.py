"""What is kept for flows beside their logs, on a database, by the connections and in the thread of
the store.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol

import msgspec
import sqlalchemy as sa

from jupyter_flows.core.model import Json, RunId
from jupyter_flows.core.things import Progress, Resource, Variable
from jupyter_flows.ports.things import T
from jupyter_flows.store import tables
from jupyter_flows.store.schedules import Job, Writing
from jupyter_flows.store.texts import bytewise
from jupyter_flows.store.upserts import add, put
from jupyter_flows.store.writer import Reads

_S = tables.user_states.c
_P = tables.progress.c


class Cipher(Protocol):
    """The keys of variables, wherever they lie. Every method raises VariablesLocked."""

    def make(self) -> None:
        """Make the first key, if there is none."""

    def encrypt(self, text: str) -> bytes: ...

    def decrypt(self, data: bytes) -> str: ...


class SqlShelf(Generic[T]):
    """Implements `ports.Shelf`. `kind` and the table have the same fields, but that `write` and
    `read` stand between a value and its column; `ready` is called in each transaction that writes.
    """

    def __init__(
        self,
        reads: Reads,
        job: Job,
        writing: Writing,
        table: sa.Table,
        kind: type[T],
        *,
        write: Callable[[Any], object],
        read: Callable[[Any], Any],
        ready: Callable[[sa.Connection], None] = lambda _: None,
    ) -> None:
        self._reads = reads
        self._job = job
        self._writing = writing
        self._table = table
        self._kind = kind
        self._write = write
        self._read = read
        self._ready = ready

    async def add(self, thing: T) -> bool:
        def work() -> bool:
            with self._writing(durable=True) as connection:
                self._ready(connection)
                return add(connection, self._table, self._values(thing))

        return await self._job(work)

    async def replace(self, thing: T) -> bool:
        def work() -> bool:
            with self._writing(durable=True) as connection:
                self._ready(connection)
                there = sa.update(self._table).where(self._at(thing.path))
                return connection.execute(there.values(self._values(thing))).rowcount > 0

        return await self._job(work)

    async def at(self, path: str) -> T | None:
        found = await self._select(sa.select(self._table).where(self._at(path)))
        return found[0] if found else None

    async def shared_and(self, home: str) -> list[T]:
        path = self._table.c.path
        wanted = sa.or_(
            ~path.startswith("u/", autoescape=True), path.startswith(f"{home}/", autoescape=True)
        )
        found = await self._select(sa.select(self._table).where(wanted).order_by(bytewise(path)))
        return [each for each in found if _is_shared_or_below(each.path, home)]

    async def remove(self, path: str) -> bool:
        def work() -> bool:
            with self._writing(durable=True) as connection:
                gone = sa.delete(self._table).where(self._at(path))
                return connection.execute(gone).rowcount > 0

        return await self._job(work)

    def _at(self, path: str) -> sa.ColumnElement[bool]:
        return self._table.c.path == path

    async def _select(self, query: sa.Select[Any]) -> list[T]:
        def work() -> list[T]:
            with self._reads.connect() as connection:
                return [self._thing(dict(row)) for row in connection.execute(query).mappings()]

        return await self._job(work)

    def _values(self, thing: T) -> dict[str, object]:
        values = msgspec.structs.asdict(thing)
        return {**values, "value": self._write(values["value"])}

    def _thing(self, row: dict[str, Any]) -> T:
        return self._kind(**{**row, "value": self._read(row["value"])})


def _is_shared_or_below(path: str, home: str) -> bool:
    """The database may take large letters for small ones."""
    return not path.startswith("u/") or path.startswith(f"{home}/")


class SqlThings:
    """Implements `ports.ThingStore`."""

    def __init__(self, reads: Reads, job: Job, writing: Writing, keys: Cipher) -> None:
        self._reads = reads
        self._job = job
        self._writing = writing
        self._keys = keys
        self.variables: SqlShelf[Variable] = SqlShelf(
            reads,
            job,
            writing,
            tables.variables,
            Variable,
            write=keys.encrypt,
            read=keys.decrypt,
            ready=self._has_key,
        )
        self.resources: SqlShelf[Resource] = SqlShelf(
            reads, job, writing, tables.resources, Resource, write=_json, read=msgspec.json.decode
        )

    def _has_key(self, connection: sa.Connection) -> None:
        """A key is made for the first variable only; those that are there must be this key's.
        Raises VariablesLocked.
        """
        one = connection.execute(sa.select(tables.variables.c.value).limit(1)).scalar()
        if one is None:
            self._keys.make()
        else:
            self._keys.decrypt(one)

    async def set_state(self, root: RunId, key: str, value: Json) -> None:
        row = {"root": root, "key": key, "value": _json(value)}
        await self._put(tables.user_states, row, durable=True)

    async def _put(self, table: sa.Table, row: dict[str, Any], *, durable: bool) -> None:
        def work() -> None:
            with self._writing(durable=durable) as connection:
                put(connection, table, row)

        await self._job(work)

    async def states(self, root: RunId) -> Mapping[str, Json]:
        query = sa.select(_S.key, _S.value).where(_S.root == root)

        def work() -> Mapping[str, Json]:
            with self._reads.connect() as connection:
                rows = sorted((row.key, row.value) for row in connection.execute(query))
                return {key: msgspec.json.decode(value) for key, value in rows}

        return await self._job(work)

    async def drop_state(self, root: RunId, key: str) -> bool:
        def work() -> bool:
            with self._writing(durable=True) as connection:
                gone = sa.delete(tables.user_states).where(_S.root == root, _S.key == key)
                return connection.execute(gone).rowcount > 0

        return await self._job(work)

    async def set_progress(self, job: str, progress: Progress) -> None:
        row = {"job": job, **msgspec.structs.asdict(progress)}
        await self._put(tables.progress, row, durable=False)

    async def progress(self, job: str) -> Progress | None:
        query = sa.select(_P.percent, _P.message, _P.at).where(_P.job == job)

        def work() -> Progress | None:
            with self._reads.connect() as connection:
                row = connection.execute(query).first()
                return None if row is None else Progress(row.percent, row.message, row.at)

        return await self._job(work)


def _json(value: Json) -> str:
    return msgspec.json.encode(value).decode()
