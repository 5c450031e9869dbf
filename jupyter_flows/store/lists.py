"""The lists of runs, gates and links on a database: what is asked of them, as queries."""

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from jupyter_flows.core import errors
from jupyter_flows.core.model import FINISHED, GateStatus, LinkId, RunId, RunStatus
from jupyter_flows.ports import GatePlace, GateRow, LinkRow, Page, RunFilter, RunRow
from jupyter_flows.store import tables
from jupyter_flows.store.projection import flow_key
from jupyter_flows.store.rows import cursor_of, gate_row, link_row, read_cursor, run_row
from jupyter_flows.store.texts import bytewise, whole_text
from jupyter_flows.store.writer import Reads

T = TypeVar("T")

_FINISHED = tuple(status.value for status in FINISHED)
_FLOW = sa.func.coalesce(sa.func.nullif(tables.runs.c.name, ""), tables.runs.c.path)
_READY = (RunStatus.QUEUED.value, RunStatus.RUNNING.value)


class SqlLists:
    """A part of `SqlStore`, which says how a query is done."""

    _reads: Reads

    async def _job(self, work: Callable[[], T]) -> T:
        raise NotImplementedError

    async def row(self, run: RunId) -> RunRow:
        found = await self._select(sa.select(tables.runs).where(tables.runs.c.id == run), run_row)
        if not found:
            raise errors.UnknownRun(f"There is no run {run!r}.")
        return found[0]

    async def _select(
        self, query: sa.Select[tuple[object, ...]], read: Callable[[object], T]
    ) -> list[T]:
        def work() -> list[T]:
            with self._reads.connect() as connection:
                return [read(row) for row in connection.execute(query)]

        return await self._job(work)

    async def runs(self, wanted: RunFilter, cursor: str | None, limit: int) -> Page:
        c = tables.runs.c
        place = (c.created_at, bytewise(c.id))
        newest = (column.desc() for column in place)
        query = sa.select(tables.runs).order_by(*newest).limit(limit + 1)
        if wanted.status:
            query = query.where(c.status.in_([status.value for status in wanted.status]))
        if wanted.path is not None:
            query = query.where(c.path == wanted.path)
        if wanted.owner is not None:
            query = query.where(c.owner == wanted.owner)
        if wanted.flow is not None:
            query = query.where(whole_text(_FLOW) == wanted.flow)
        if wanted.in_place:
            query = query.where(c.in_place.is_not(False))  # of older rows it is not known
        if wanted.started_by is not None:
            query = query.where(c.started_by == wanted.started_by)
        if cursor is not None:
            created_at, run = read_cursor(cursor)
            query = query.where(sa.tuple_(*place) < sa.tuple_(created_at, run))
        rows = await self._select(query, run_row)
        more = len(rows) > limit
        return Page(rows=tuple(rows[:limit]), cursor=cursor_of(rows[limit - 1]) if more else None)

    async def ready(self) -> list[RunRow]:
        c = tables.runs.c
        later = sa.and_(c.status == RunStatus.QUEUED.value, c.due_at.is_not(None))
        query = sa.select(tables.runs).where(c.status.in_(_READY), sa.not_(later))
        return await self._select(query, run_row)

    async def queued(self, flow: str) -> list[RunId]:
        c = tables.runs.c
        return await self._queued(c.flow == flow_key(flow))

    async def at_work(self, starter: RunId) -> int:
        c = tables.runs.c
        running = sa.and_(c.started_by == starter, c.status == RunStatus.RUNNING.value)

        def work() -> int:
            with self._reads.connect() as connection:
                query = sa.select(sa.func.count()).where(running)
                return int(connection.execute(query).scalar_one())

        return await self._job(work)

    async def queued_of(self, starter: RunId, limit: int) -> list[RunId]:
        c = tables.runs.c
        mine = c.started_by == starter
        unlimited = await self._queued(sa.and_(mine, c.flow.is_(None)), limit)
        return unlimited + await self._queued(sa.and_(mine, c.flow.is_not(None)))

    async def _queued(self, which: sa.ColumnElement[bool], limit: int | None = None) -> list[RunId]:
        """Those of them that may begin now but for a place, the oldest first."""
        c = tables.runs.c
        waits = (c.status == RunStatus.QUEUED.value, c.due_at.is_(None))
        oldest = (c.created_at, bytewise(c.id))
        query = sa.select(c.id).where(which, *waits).order_by(*oldest).limit(limit)
        return await self._select(query, lambda row: RunId(row.id))  # type: ignore[attr-defined]

    async def orphans(self) -> list[RunId]:
        child, parent = tables.runs.alias(), tables.runs.alias()
        query = (
            sa.select(child.c.id)
            .join(parent, child.c.started_by == parent.c.id)
            .where(parent.c.status == RunStatus.CANCELLED.value, child.c.status.not_in(_FINISHED))
        )
        return await self._select(query, lambda row: RunId(row.id))  # type: ignore[attr-defined]

    async def due(self, now: float) -> list[RunId]:
        query = sa.select(tables.runs.c.id).where(tables.runs.c.due_at <= now)
        return await self._select(query, lambda row: RunId(row.id))  # type: ignore[attr-defined]

    async def next_due(self) -> float | None:
        def work() -> float | None:
            with self._reads.connect() as connection:
                due: float | None = connection.execute(
                    sa.select(sa.func.min(tables.runs.c.due_at))
                ).scalar()
                return due

        return await self._job(work)

    async def open_gates(self, limit: int, after: GatePlace | None = None) -> list[GateRow]:
        c = tables.gates.c
        place = (c.opened_at, bytewise(c.run_id), bytewise(c.step), c.generation)
        query = sa.select(tables.gates).where(c.status == GateStatus.OPEN.value)
        if after is not None:
            query = query.where(sa.tuple_(*place) > sa.tuple_(*after))
        return await self._select(query.order_by(*place).limit(limit), gate_row)

    async def links(self, run: RunId | None, limit: int) -> list[LinkRow]:
        c = tables.links.c
        query = sa.select(tables.links).order_by(c.created_at.desc()).limit(limit)
        return await self._select(query if run is None else query.where(c.run_id == run), link_row)

    async def link(self, link: LinkId) -> LinkRow:
        found = await self._select(
            sa.select(tables.links).where(tables.links.c.id == link), link_row
        )
        if not found:
            raise errors.UnknownLink
        return found[0]
