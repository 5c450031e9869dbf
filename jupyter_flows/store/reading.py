"""What is read of the log and of blobs, on a database."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from jupyter_flows.core import errors
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.events import Recorded
from jupyter_flows.core.machine import evolve, replay
from jupyter_flows.core.model import Digest, Run, RunId
from jupyter_flows.store import tables
from jupyter_flows.store.bodies import whole
from jupyter_flows.store.fresh import Fresh
from jupyter_flows.store.lists import SqlLists
from jupyter_flows.store.raw import raw_rows, text
from jupyter_flows.store.rows import recorded
from jupyter_flows.store.writer import Kept, Parts

_STATES = 32
"""How many runs' states are remembered, those last read or written."""

_HEADS = 4096
"""How many runs' newest hashes are remembered, to save a look-up at the next append."""


class SqlReading(SqlLists):
    """A part of `SqlStore`."""

    _blobs: Kept
    _parts: Parts
    _fresh: Fresh
    _states: dict[RunId, Run]
    _heads: dict[RunId, tuple[int, str]]
    _is_sqlite: bool

    async def load(self, run: RunId) -> Run:
        known = self._states.get(run)
        if known is not None and self._fresh.holds(run, known.seq):
            return known
        return await self._job(lambda: self._replayed(run))

    async def recent(self, run: RunId) -> Run:
        known = self._states.get(run)
        return await self.load(run) if known is None else known

    def _replayed(self, run: RunId) -> Run:
        """From the state that was last read, if it is remembered, and the events since then."""
        state = self._states.get(run)
        if state is None:
            state = replay(run, self._recorded(run, 0))
        else:
            for row in self._recorded(run, state.seq, is_known=True):
                state = evolve(state, row.event, row.at)
        self._remember_state(state)
        return state

    def _remember_state(self, run: Run) -> None:
        self._states.pop(run.id, None)
        self._states[run.id] = run
        if len(self._states) > _STATES:
            del self._states[next(iter(self._states))]

    def _remember_head(self, run: RunId, head: tuple[int, str]) -> None:
        """The number and the hash of the newest row of its log."""
        if len(self._heads) >= _HEADS:
            self._heads.clear()
        self._heads[run] = head

    def _recorded(self, run: RunId, after_seq: int, *, is_known: bool = False) -> list[Recorded]:
        rows = self._rows(run, after_seq, is_known=is_known)
        try:
            return [recorded(row, whole(row.body, self._blob)) for row in rows]
        except KeyError as error:
            raise errors.LogUnreadable(
                f"The log of run {run} can't be read: {error} is lost from the store"
            ) from None
        except (ValueError, msgspec.MsgspecError) as error:
            raise errors.LogUnreadable(f"The log of run {run} can't be read: {error}") from None

    def _rows(
        self, run: RunId, after_seq: int, *, is_known: bool
    ) -> Sequence[sa.Row[tuple[object, ...]]]:
        query = (
            sa.select(tables.events)
            .where(tables.events.c.run_id == run, tables.events.c.seq > after_seq)
            .order_by(tables.events.c.seq)
        )
        with self._reads.connect() as connection:
            rows = connection.execute(query).all()
            if not rows and not is_known and not self._exists(connection, run):
                raise errors.UnknownRun(f"There is no run {run!r}.")
        if rows:
            self._remember_head(run, (rows[-1].seq, str(rows[-1].hash)))
        return rows

    def _exists(self, connection: sa.Connection, run: RunId) -> bool:
        query = sa.select(tables.runs.c.id).where(tables.runs.c.id == run)
        return connection.execute(query).first() is not None

    async def events(self, run: RunId, after: int = 0) -> list[Recorded]:
        return await self._job(lambda: self._recorded(run, after))

    async def chain(self, run: RunId) -> list[tuple[int, float, str, str, str]]:
        def work() -> list[tuple[int, float, str, str, str]]:
            query = raw_rows(run, is_sqlite=self._is_sqlite)
            with self._reads.connect() as connection:
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

    async def get(self, digest: Digest) -> bytes:
        return await self._job(lambda: self._blob(digest))

    def _blob(self, digest: Digest) -> bytes:
        """Raises KeyError for one that is not there, or not what its name says."""
        data = self._blobs.kept(digest)
        if data is not None:
            return data
        with self._reads.connect() as connection:
            query = sa.select(tables.blobs.c.data).where(tables.blobs.c.digest == digest)
            found = connection.execute(query).scalar()
        data = self._blobs.read(digest) if found is None else bytes(found)
        if sha256(data) != digest:
            raise KeyError(digest)
        return data

    async def partial(self, run: RunId) -> bytes | None:
        return await self._job(lambda: self._parts.read(run))
