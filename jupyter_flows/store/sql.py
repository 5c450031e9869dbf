"""The store on a database: every call is one job of one thread, and at most one transaction."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from jupyter_flows.core import errors
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.events import Event, Recorded
from jupyter_flows.core.machine import evolve, replay
from jupyter_flows.core.model import TIMED, Digest, Run, RunId, RunStatus
from jupyter_flows.core.sentences import sentence
from jupyter_flows.store import projection, tables
from jupyter_flows.store.blobs import SMALL, Blobs, replace_file
from jupyter_flows.store.bodies import Encoded, encoded, rows_of, whole
from jupyter_flows.store.engine import open_engine
from jupyter_flows.store.flows import SqlFlows
from jupyter_flows.store.fresh import Fresh
from jupyter_flows.store.lists import SqlLists
from jupyter_flows.store.quick import Quick, insert_blob
from jupyter_flows.store.raw import raw_rows, text
from jupyter_flows.store.rows import (
    recorded,
)
from jupyter_flows.store.schedules import SqlSchedules
from jupyter_flows.store.things import SqlThings
from jupyter_flows.store.variable_keys import VariableKeys

T = TypeVar("T")

_BEGUN = tuple(status.value for status in TIMED)
_HEADS = 4096
"""How many runs' newest hashes are remembered, to save a look-up at the next append."""
_STATES = 32
"""How many runs' states are remembered, the last read: a vote reads its run three times."""

_CHECKPOINT_EVERY = 200
"""So many small writes in a row, then one in the thread, which may move the WAL into the file."""

# What every step needs is built once: SQLAlchemy takes longer to build a statement than to run it.
_EPOCH = sa.select(tables.runs.c.epoch).where(tables.runs.c.id == sa.bindparam("run"))
_INSERT = sa.insert(tables.events)


class SqlStore(SqlLists):
    """Implements `ports.Store`. Blobs and partial outputs are files in `folder`."""

    def __init__(self, url: str, folder: Path) -> None:
        self._folder = folder
        self._engine = open_engine(url)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="jupyter-flows-store")
        self._blobs = Blobs(folder / "blobs")
        self._heads: dict[RunId, tuple[int, str]] = {}
        self._states: dict[RunId, Run] = {}
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        self._insert_blob = insert_blob(self._engine.dialect)
        self._quick = Quick(self._engine.dialect, _EPOCH)
        self._fresh = Fresh(self._engine)
        self._jobs: set[Future[Any]] = set()  # under way in the thread, also if nobody waits
        self._since_thread = 0
        self._patient = True
        self._writer: sa.Connection | None = None  # kept: to fetch one costs a third of a commit
        self.schedules = SqlSchedules(self._engine, self._job, self._transaction)
        self.flows = SqlFlows(self._engine, self._job, self._transaction)
        keys = VariableKeys(folder / "variable-keys")
        self.things = SqlThings(self._engine, self._job, self._transaction, keys)

    async def _job(self, work: Callable[[], T]) -> T:
        job = self._thread.submit(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        try:
            return await asyncio.wrap_future(job)
        except (sa.exc.DatabaseError, OSError) as error:
            raise errors.StoreUnavailable(
                sentence("The store can't be used: {error}", error=str(error))
            ) from error

    def _at_once(self, work: Callable[[], None]) -> bool:
        """Do a small write that waits for no disk here and now: the trips to the thread and back
        cost more than it does. False, and nothing is done, when it would have to wait: for the
        thread, for another process, for much to write; or when a checkpoint is due.
        """
        self._since_thread += 1
        busy = self._jobs or self._writer is None or self._blobs.kept_bytes > SMALL
        if busy or not self._is_sqlite or self._since_thread >= _CHECKPOINT_EVERY:
            self._since_thread = 0
            return False
        self._patient = False
        try:
            work()
        except (sqlite3.Error, sa.exc.DatabaseError, OSError):
            return False  # the thread tries again, waits if that helps, and says what is wrong
        finally:
            self._patient = True
        return True

    @contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[sa.Connection]:
        if self._writer is None:
            self._writer = self._engine.connect().execution_options(writes=True)
        if self._is_sqlite:
            self._set_pragmas(self._writer, durable=durable)
        with self._writer.begin():
            yield self._writer

    def _set_pragmas(self, writer: sa.Connection, *, durable: bool) -> None:
        _set(writer, "synchronous", "FULL" if durable else "NORMAL")
        _set(writer, "busy_timeout", "10000" if self._patient else "0")
        _set(writer, "wal_autocheckpoint", "1000" if self._patient else "0")

    # ------------------------------------------------------------ writing

    async def create(
        self, run: Run, events: Sequence[Recorded], key: str | None, server: str | None
    ) -> RunId:
        told = encoded(events, self._blobs.keep)

        def work() -> RunId:
            self._blobs.write()
            self._blobs.sync()
            with self._transaction(durable=True) as connection:
                if key is not None:
                    earlier = connection.execute(
                        sa.select(tables.runs.c.id).where(
                            tables.runs.c.owner == run.owner, tables.runs.c.idempotency_key == key
                        )
                    ).scalar()
                    if earlier is not None:
                        return RunId(earlier)
                connection.execute(
                    sa.insert(tables.runs),
                    {
                        "id": run.id,
                        "epoch": 1,
                        "server": server,
                        "idempotency_key": key,
                        **projection.run_values(run),
                    },
                )
                rows, head = rows_of(run.id, told, "")
                connection.execute(_INSERT, rows)
                blobs = self._put_blobs(connection)
            self._blobs.committed(blobs)
            self._remember(run.id, head)
            return run.id

        return await self._job(work)

    async def append(
        self, run: Run, events: Sequence[Recorded], *, epoch: int | None, durable: bool
    ) -> None:
        told = encoded(events, self._blobs.keep)

        def work() -> None:
            self._blobs.write()
            if durable:
                self._blobs.sync()
            try:
                with self._transaction(durable=durable) as connection:
                    self._check_epoch(connection, run.id, epoch)
                    if projection.begins(run, [row.event for row in events]):
                        _check_room(connection, run)
                    rows, head = self._chained(connection, run.id, told)
                    connection.execute(_INSERT, rows)
                    blobs = self._put_blobs(connection)
                    self._project(connection, run, [row.event for row in events])
            except sa.exc.IntegrityError as error:
                self._heads.pop(run.id, None)
                raise errors.Conflict from error
            self._blobs.committed(blobs)
            self._remember(run.id, head)

        def step() -> None:
            if not self._step(run, events, told, epoch):
                work()

        if durable or not self._at_once(step):
            await self._job(work)

    def _step(
        self, run: Run, events: Sequence[Recorded], told: Sequence[Encoded], epoch: int | None
    ) -> bool:
        """A step's commit through the driver. False, and nothing is done, if it needs more."""
        head = self._heads.get(run.id)
        if self._writer is None or head is None or head[0] != events[0].seq - 1 or epoch is None:
            return False
        if projection.changes_lists(row.event for row in events):
            return False
        rows, head = rows_of(run.id, told, head[1])
        blobs = self._blobs.rows()
        self._set_pragmas(self._writer, durable=False)
        self._quick.commit(self._writer, run.id, epoch, rows, blobs)
        self._blobs.committed(blobs)
        self._remember(run.id, head)
        return True

    def _put_blobs(self, connection: sa.Connection) -> list[tuple[Digest, bytes]]:
        blobs = self._blobs.rows()
        if blobs:
            rows = [{"digest": digest, "data": data} for digest, data in blobs]
            connection.execute(self._insert_blob, rows)
        return blobs

    def _check_epoch(self, connection: sa.Connection, run: RunId, epoch: int | None) -> None:
        if epoch is None:
            return
        if connection.execute(_EPOCH, {"run": run}).scalar() != epoch:
            raise errors.Fenced

    def _chained(
        self, connection: sa.Connection, run: RunId, events: Sequence[Encoded]
    ) -> tuple[list[dict[str, object]], tuple[int, str]]:
        previous = self._head(connection, run, events[0].seq - 1)
        return rows_of(run, events, previous)

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

    def _remember(self, run: RunId, head: tuple[int, str]) -> None:
        if len(self._heads) >= _HEADS:
            self._heads.clear()
        self._heads[run] = head

    def _project(self, connection: sa.Connection, run: Run, events: Sequence[Event]) -> None:
        if projection.moves_run(events):
            connection.execute(
                sa.update(tables.runs).where(tables.runs.c.id == run.id),
                projection.run_values(run),
            )
        for gate in projection.touched_gates(run, events):
            _put(connection, tables.gates, projection.gate_values(run, gate))
        for link in projection.touched_links(run, events):
            _put(connection, tables.links, projection.link_values(run, link))

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
            return expected + 1

        return await self._job(work)

    # ------------------------------------------------------------ reading

    async def load(self, run: RunId) -> Run:
        known = self._states.get(run)
        if known is not None and self._fresh.holds(run, known.seq):
            return known
        return await self._job(lambda: self._replayed(run))

    def _replayed(self, run: RunId) -> Run:
        """From the state that was last read, if it is remembered, and the events since then."""
        state = self._states.pop(run, None)
        if state is None:
            state = replay(run, self._recorded(run, 0))
        else:
            for row in self._recorded(run, state.seq):
                state = evolve(state, row.event, row.at)
        self._states[run] = state
        if len(self._states) > _STATES:
            del self._states[next(iter(self._states))]
        return state

    def _recorded(self, run: RunId, after_seq: int) -> list[Recorded]:
        rows = self._rows(run, after_seq)
        try:
            return [recorded(row, whole(row.body, self._blob)) for row in rows]
        except KeyError as error:
            raise errors.LogUnreadable(
                f"The log of run {run} can't be read: {error} is lost from the store"
            ) from None
        except (ValueError, msgspec.MsgspecError) as error:
            raise errors.LogUnreadable(f"The log of run {run} can't be read: {error}") from None

    def _rows(self, run: RunId, after_seq: int) -> Sequence[sa.Row[tuple[object, ...]]]:
        query = (
            sa.select(tables.events)
            .where(tables.events.c.run_id == run, tables.events.c.seq > after_seq)
            .order_by(tables.events.c.seq)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
            if not rows and not self._exists(connection, run):
                raise errors.UnknownRun(f"There is no run {run!r}.")
        return rows

    def _exists(self, connection: sa.Connection, run: RunId) -> bool:
        query = sa.select(tables.runs.c.id).where(tables.runs.c.id == run)
        return connection.execute(query).first() is not None

    async def events(self, run: RunId, after: int = 0) -> list[Recorded]:
        return await self._job(lambda: self._recorded(run, after))

    async def chain(self, run: RunId) -> list[tuple[int, float, str, str, str]]:
        def work() -> list[tuple[int, float, str, str, str]]:
            query = raw_rows(run, is_sqlite=self._is_sqlite)
            with self._engine.connect() as connection:
                rows = connection.execute(query).all()
                if not rows and not self._exists(connection, run):
                    raise errors.UnknownRun(f"There is no run {run!r}.")
            return [(r.seq, r.at, text(r.kind), self._body(r.body), text(r.hash)) for r in rows]

        return await self._job(work)

    def _body(self, stored: object) -> str:
        """The row's body; as it stands there, where what it names is lost or damaged."""
        found: str = text(stored)
        try:
            return whole(found, self._blob)
        except (KeyError, UnicodeDecodeError, AttributeError):
            return found

    # ------------------------------------------------------------ blobs

    async def put(self, data: bytes) -> Digest:
        return self._blobs.keep(data)

    async def get(self, digest: Digest) -> bytes:
        return await self._job(lambda: self._blob(digest))

    def _blob(self, digest: Digest) -> bytes:
        """Raises KeyError for one that is not there, or not what its name says."""
        data = self._blobs.kept(digest)
        if data is not None:
            return data
        with self._engine.connect() as connection:
            query = sa.select(tables.blobs.c.data).where(tables.blobs.c.digest == digest)
            found = connection.execute(query).scalar()
        data = self._blobs.read(digest) if found is None else bytes(found)
        if sha256(data) != digest:
            raise KeyError(digest)
        return data

    def _partial(self, run: RunId) -> Path:
        return self._folder / "partial" / f"{run}.json"

    async def save_partial(self, run: RunId, data: bytes | None) -> None:
        def work() -> None:
            path = self._partial(run)
            if data is None:
                path.unlink(missing_ok=True)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, data)

        await self._job(work)

    async def partial(self, run: RunId) -> bytes | None:
        def work() -> bytes | None:
            try:
                return self._partial(run).read_bytes()
            except FileNotFoundError:
                return None

        return await self._job(work)

    # ------------------------------------------------------------ upkeep

    async def rebuild(self) -> int:
        def work() -> int:
            with self._transaction(durable=True) as connection:
                ids = connection.execute(sa.select(tables.events.c.run_id).distinct()).scalars()
                runs = [replay(RunId(run), self._recorded(RunId(run), 0)) for run in ids.all()]
                connection.execute(sa.delete(tables.gates))
                connection.execute(sa.delete(tables.links))
                for run in runs:
                    self._reproject(connection, run)
            return len(runs)

        return await self._job(work)

    def _reproject(self, connection: sa.Connection, run: Run) -> None:
        values = projection.run_values(run)
        updated = sa.update(tables.runs).where(tables.runs.c.id == run.id).values(values)
        if not connection.execute(updated).rowcount:
            connection.execute(sa.insert(tables.runs).values(id=run.id, **values))
        for gate in run.gates.values():
            if gate.opened_at is not None:
                _put(connection, tables.gates, projection.gate_values(run, gate))
        for link in run.links.values():
            _put(connection, tables.links, projection.link_values(run, link))

    async def close(self) -> None:
        self._fresh.close()
        await self._job(self._dispose)
        self._thread.shutdown()

    def _dispose(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._engine.dispose()


def _check_room(connection: sa.Connection, run: Run) -> None:
    """Raises FlowBusy. SQLite has one writer at a time, so no two runs take one place.

    Of a flow all runs that have begun count. Of those that one run has started only those that run:
    one that waits has no cell at work, and its kernel may be gone; when it goes on, it does so at
    once, for a person or the clock has said so.
    """
    c = tables.runs.c
    count = sa.select(sa.func.count())
    if run.concurrency is not None:
        query = count.where(c.flow == run.flow, c.status.in_(_BEGUN))
        if connection.execute(query).scalar_one() >= run.concurrency:
            raise errors.FlowBusy
    if run.at_once is not None:
        query = count.where(c.started_by == run.started_by, c.status == RunStatus.RUNNING.value)
        if connection.execute(query).scalar_one() >= run.at_once:
            raise errors.FlowBusy


def _set(connection: sa.Connection, pragma: str, value: str) -> None:
    """Set how SQLite works, where it doesn't work so already."""
    if connection.info.get(pragma) != value:
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PRAGMA {pragma}={value}")
        connection.info[pragma] = value


def _put(connection: sa.Connection, table: sa.Table, values: dict[str, object]) -> None:
    """Insert the row, or update the one with the same key."""
    key = [column == values[column.name] for column in table.primary_key]
    if not connection.execute(sa.update(table).where(*key).values(values)).rowcount:
        connection.execute(sa.insert(table).values(values))
