"""The store on a database: every call is one job of one thread, and at most one transaction."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from jupyter_flows.core import errors
from jupyter_flows.core.events import Event, KernelReleased, Recorded
from jupyter_flows.core.machine import replay
from jupyter_flows.core.model import Digest, Run, RunId
from jupyter_flows.core.sentences import sentence
from jupyter_flows.ports import Outgoing
from jupyter_flows.store import projection, tables
from jupyter_flows.store.blobs import SMALL
from jupyter_flows.store.bodies import Encoded, encoded, rows_of
from jupyter_flows.store.deliveries import SqlDeliveries, nothing, put_deliveries
from jupyter_flows.store.engine import open_engine
from jupyter_flows.store.flows import SqlFlows
from jupyter_flows.store.fresh import Fresh
from jupyter_flows.store.reading import SqlReading
from jupyter_flows.store.room import check_room
from jupyter_flows.store.schedules import SqlSchedules
from jupyter_flows.store.sides import Append, side_of
from jupyter_flows.store.things import Cipher, SqlThings
from jupyter_flows.store.upserts import put
from jupyter_flows.store.variable_keys import VariableKeys
from jupyter_flows.store.writer import Expression, Outbox

T = TypeVar("T")

ANSWER_SECONDS = 20.0
"""How long a database on a network may take to answer, with all that was asked of it before."""
LEFT_SECONDS = 10.0
"""How long after it was done the news of something that nobody waits for may come."""

_TRIES = 5
"""How often a transaction is begun that others' writing ends."""

_CHECKPOINT_EVERY = 200
"""So many small writes in a row, then one in the thread, which may move the WAL into the file."""

# What every step needs is built once: SQLAlchemy takes longer to build a statement than to run it.
_DRIVEN = (
    sa.select(tables.runs.c.epoch, tables.runs.c.server)
    .where(tables.runs.c.id == sa.bindparam("run"))
    .with_for_update()
)
_INSERT = sa.insert(tables.events)


class SqlStore(SqlReading):
    """Implements `ports.Store`, on SQLite or PostgreSQL. `folder` is for what lies in files: on
    SQLite large blobs and partial outputs.

    `engine` is one that is open at that address already. `outbox` writes along in the transactions
    of `create` and `append`. With `unowns` a run whose kernel was released is nobody's from then
    on. `variable_keys` are those of a file in the folder, if not others. Raises StoreUnavailable.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        engine: sa.Engine | None = None,
        outbox: Outbox | None = None,
        unowns: bool = False,
        variable_keys: Cipher | None = None,
    ) -> None:
        self._engine = engine or open_engine(url)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="jupyter-flows-store")
        self._outbox = outbox
        self._unowns = unowns
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        self._side = side_of(self._engine, folder)
        self._reads = self._side.reads
        self._blobs = self._side.blobs
        self._parts = self._side.parts
        self._heads: dict[RunId, tuple[int, str]] = {}
        self._states: dict[RunId, Run] = {}
        self._doubtful: set[RunId] = set()
        self._fresh = Fresh(self._engine)
        self._jobs: set[Future[Any]] = set()  # under way in the thread, also if nobody waits
        self._left: set[Future[Any]] = set()
        self._left_at = -LEFT_SECONDS
        self._since_thread = 0
        self.outgoing: Outgoing = nothing
        self.deliveries = SqlDeliveries(self._reads, self._job, self._transaction)
        self.schedules = SqlSchedules(self._reads, self._job, self._transaction)
        self.flows = SqlFlows(self._reads, self._job, self._transaction)
        keys = variable_keys or VariableKeys(folder / "variable-keys")
        self.things = SqlThings(self._reads, self._job, self._transaction, keys)

    async def _job(self, work: Callable[[], T], *, patient: bool = False) -> T:
        """In the thread. What a network is asked that does not answer may be done all the same: who
        asks again finds it so. `patient` waits for as long as it takes.
        """
        job = self._thread.submit(self._tried, work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        seconds = None if self._is_sqlite or patient else ANSWER_SECONDS
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            self._leave(job)
            raise
        except TimeoutError:
            self._leave(job)
            raise errors.StoreUnavailable(
                sentence("The store has not answered for {seconds} s.", seconds=int(ANSWER_SECONDS))
            ) from None
        except (sa.exc.DBAPIError, sa.exc.TimeoutError, OSError) as error:
            raise errors.StoreUnavailable(
                sentence("The store can't be used: {error}", error=_said(error))
            ) from error

    def _leave(self, job: Future[Any]) -> None:
        """Nobody waits for it any more: what it does all the same is news to this server, too."""
        self._left.add(job)
        job.add_done_callback(self._over)

    def _over(self, job: Future[Any]) -> None:
        self._left_at = time.monotonic()
        self._left.discard(job)

    def _tried(self, work: Callable[[], T]) -> T:
        """Once more where others' writing ended it; nothing is done then."""
        for _ in range(_TRIES - 1):
            try:
                return work()
            except sa.exc.DBAPIError as error:
                if not self._side.writer.passes(error):
                    raise
        return work()

    def _at_once(self, work: Callable[[], None]) -> bool:
        """Do a small write that waits for no disk here and now: the trips to the thread and back
        cost more than it does. False, and nothing is done, when it would have to wait: for the
        thread, for another process, for much to write; or when a checkpoint is due.
        """
        self._since_thread += 1
        busy = self._jobs or self._blobs.kept_bytes > SMALL
        if busy or self._since_thread >= _CHECKPOINT_EVERY:
            self._since_thread = 0
            return False
        with self._side.impatient() as may:
            if not may:
                self._since_thread = 0
                return False
            try:
                work()
            except (sqlite3.Error, sa.exc.DBAPIError, OSError):
                return False  # the thread tries again, waits if that helps, and says what is wrong
        return True

    def _transaction(self, *, durable: bool = False) -> AbstractContextManager[sa.Connection]:
        return self._side.writer.transaction(durable=durable)

    # ------------------------------------------------------------ writing

    async def create(
        self, run: Run, events: Sequence[Recorded], key: str | None, server: str | None
    ) -> RunId:
        told = encoded(events, self._blobs.keep)
        rows, head = rows_of(run.id, told, "")
        row = {
            "id": run.id,
            "epoch": 1,
            "server": server,
            "idempotency_key": key,
            **projection.run_values(run),
        }

        def work() -> RunId:
            self._blobs.write()
            self._blobs.sync()
            with self._transaction(durable=True) as connection:
                earlier = _with_key(connection, run.owner, key)
                if earlier is not None:
                    return earlier
                connection.execute(sa.insert(tables.runs), row)
                connection.execute(_INSERT, rows)
                blobs = self._put_blobs(connection)
                self._tell(connection, run, events, server=server, by_driver=False)
            self._blobs.committed(blobs)
            self._remember(run, head)
            return run.id

        def once() -> RunId:
            try:
                return work()
            except sa.exc.IntegrityError:  # another server has just made it, or this one has
                with self._reads.connect() as connection:
                    is_this = _holds(connection, run.id, head)
                return run.id if is_this else work()

        return await self._job(lambda: self._through(run.id, once))

    async def append(
        self, run: Run, events: Sequence[Recorded], *, epoch: int | None, durable: bool
    ) -> None:
        told = encoded(events, self._blobs.keep)

        def work() -> None:
            self._blobs.write()
            if durable:
                self._blobs.sync()
            head = self._appended(run, events, told, epoch, durable=durable)
            self._remember(run, head)

        def quickly() -> None:
            if not self._quickly(run, events, told, epoch, durable=durable):
                work()

        if not self._is_sqlite:
            await self._job(lambda: self._through(run.id, quickly))
        elif durable or not self._at_once(quickly):
            await self._job(work)

    def _appended(
        self,
        run: Run,
        events: Sequence[Recorded],
        told: Sequence[Encoded],
        epoch: int | None,
        *,
        durable: bool,
    ) -> tuple[int, str]:
        """One transaction; the log's new head. Raises Conflict, Fenced and FlowBusy."""
        news = [row.event for row in events]
        try:
            with self._transaction(durable=durable) as connection:
                server = self._driven(connection, run.id, epoch)
                previous = self._head(connection, run.id, events[0].seq - 1)
                rows, head = rows_of(run.id, told, previous)
                if run.id in self._doubtful and _holds(connection, run.id, head):
                    return head
                if projection.begins(run, news):
                    check_room(connection, run)
                connection.execute(_INSERT, rows)
                blobs = self._put_blobs(connection)
                self._project(connection, run, projection.changes(run, news), news)
                put_deliveries(connection, self.outgoing(run, events))
                self._tell(connection, run, events, server=server, by_driver=epoch is not None)
        except sa.exc.IntegrityError as error:
            self._heads.pop(run.id, None)
            raise errors.Conflict from error
        self._blobs.committed(blobs)
        return head

    def _quickly(
        self,
        run: Run,
        events: Sequence[Recorded],
        told: Sequence[Encoded],
        epoch: int | None,
        *,
        durable: bool,
    ) -> bool:
        """Through the driver. False, and nothing is done, if it needs more."""
        head = self._heads.get(run.id)
        if head is None or head[0] != events[0].seq - 1 or run.id in self._doubtful:
            return False
        news = [row.event for row in events]
        if projection.begins(run, news) or self._leaves(news) or self.outgoing(run, events):
            return False
        rows, head = rows_of(run.id, told, head[1])
        append = Append(
            run=run.id,
            epoch=epoch,
            rows=rows,
            blobs=self._blobs.rows(),
            changes=projection.changes(run, news),
            also=self._also(run, events, epoch),
            durable=durable,
        )
        if not self._side.takes(append):
            return False
        if not self._side.commit(append):
            self._doubtful.add(run.id)
            return False
        self._blobs.committed(append.blobs)
        self._remember(run, head)
        return True

    def _also(self, run: Run, events: Sequence[Recorded], epoch: int | None) -> Expression | None:
        """What the outbox has to write along, if anything."""
        if self._outbox is None:
            return None
        return self._outbox.statement(run, events, by_driver=epoch is not None)

    def _through(self, run: RunId, work: Callable[[], T]) -> T:
        """Once more where the connection was lost meanwhile. What was written then and what was
        not is seen by its hash.
        """
        try:
            found = work()
        except sa.exc.DBAPIError as error:
            if not error.connection_invalidated:
                raise
            self._doubtful.add(run)
            found = work()
        self._doubtful.discard(run)
        return found

    def _put_blobs(self, connection: sa.Connection) -> list[tuple[Digest, bytes]]:
        blobs = self._blobs.rows()
        if blobs:
            rows = [{"digest": digest, "data": data} for digest, data in blobs]
            connection.execute(self._side.insert_blob, rows)
        return blobs

    def _driven(self, connection: sa.Connection, run: RunId, epoch: int | None) -> str | None:
        """Who drives the run; until the transaction's end nobody else takes it, or writes to it."""
        found = connection.execute(_DRIVEN, {"run": run}).first()
        if epoch is not None and (found is None or found.epoch != epoch):
            raise errors.Fenced
        return None if found is None else found.server

    def _head(self, connection: sa.Connection, run: RunId, seq: int) -> str:
        known = self._heads.get(run)
        if known is not None and known[0] == seq:
            return known[1]
        found = connection.execute(
            sa.select(tables.events.c.hash).where(
                tables.events.c.run_id == run, tables.events.c.seq == seq
            )
        ).scalar()
        if found is None:
            raise errors.Conflict
        return str(found)

    def _remember(self, run: Run, head: tuple[int, str]) -> None:
        """It is as it was just committed."""
        self._remember_head(run.id, head)
        self._remember_state(run)

    def _project(
        self,
        connection: sa.Connection,
        run: Run,
        changes: projection.Changes,
        events: Sequence[Event],
    ) -> None:
        values = {**changes.run, **({"server": None} if self._leaves(events) else {})}
        if values:
            mine = tables.runs.c.id == run.id
            connection.execute(sa.update(tables.runs).where(mine), values)
        for row in changes.gates:
            put(connection, tables.gates, row)
        for row in changes.links:
            put(connection, tables.links, row)

    def _leaves(self, events: Sequence[Event]) -> bool:
        """Whether the run is nobody's from then on."""
        return self._unowns and any(isinstance(event, KernelReleased) for event in events)

    def _tell(
        self,
        connection: sa.Connection,
        run: Run,
        events: Sequence[Recorded],
        *,
        server: str | None,
        by_driver: bool,
    ) -> None:
        if self._outbox is not None:
            self._outbox(connection, run, events, server=server, by_driver=by_driver)
        self._side.notify(connection, f"e:{run.id}:{events[-1].seq}")

    def is_own(self, pid: int) -> bool:
        """Whether what this process of the database has said was said by this store, for one who
        waits for it and knows of it so.
        """
        is_left = bool(self._left) or time.monotonic() < self._left_at + LEFT_SECONDS
        return not is_left and self._side.is_own(pid)

    async def claim(self, run: RunId, server: str, expected: int) -> int:
        def work() -> int:
            with self._transaction() as connection:
                changed = connection.execute(
                    sa.update(tables.runs)
                    .where(tables.runs.c.id == run, tables.runs.c.epoch == expected)
                    .values(epoch=expected + 1, server=server)
                ).rowcount
                if not changed:
                    raise errors.Fenced
                self._side.notify(connection, f"c:{run}")
            return expected + 1

        return await self._job(work)

    async def put(self, data: bytes) -> Digest:
        return self._blobs.keep(data)

    async def save_partial(self, run: RunId, data: bytes | None) -> None:
        await self._job(lambda: self._parts.save(run, data))

    # ------------------------------------------------------------ upkeep

    async def rebuild(self) -> int:
        def work() -> int:
            with self._transaction(durable=True) as connection:
                self._side.keep_others_out(connection)
                ids = connection.execute(sa.select(tables.events.c.run_id).distinct()).scalars()
                runs = [replay(RunId(run), self._recorded(RunId(run), 0)) for run in ids.all()]
                connection.execute(sa.delete(tables.gates))
                connection.execute(sa.delete(tables.links))
                for run in runs:
                    self._reproject(connection, run)
            return len(runs)

        return await self._job(work, patient=True)

    def _reproject(self, connection: sa.Connection, run: Run) -> None:
        put(connection, tables.runs, {"id": run.id, **projection.run_values(run)})
        for gate in run.gates.values():
            if gate.opened_at is not None:
                put(connection, tables.gates, projection.gate_values(run, gate))
        for link in run.links.values():
            put(connection, tables.links, projection.link_values(run, link))

    async def close(self) -> None:
        self._fresh.close()
        await self._job(self._dispose)
        self._thread.shutdown()

    def _dispose(self) -> None:
        self._side.writer.close()
        self._engine.dispose()


def _with_key(connection: sa.Connection, owner: str, key: str | None) -> RunId | None:
    """The run that was made with this idempotency key, if one was."""
    c = tables.runs.c
    query = sa.select(c.id).where(c.owner == owner, c.idempotency_key == key)
    found = None if key is None else connection.execute(query).scalar()
    return None if found is None else RunId(found)


def _holds(connection: sa.Connection, run: RunId, head: tuple[int, str]) -> bool:
    """Whether the log has this very row: it, and all before it, are what is to be written."""
    c = tables.events.c
    query = sa.select(c.hash).where(c.run_id == run, c.seq == head[0])
    return connection.execute(query).scalar() == head[1]


def _said(error: Exception) -> str:
    """What the database says, in one line, without the statement and what was in it."""
    said = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    return " ".join(str(said).split())
