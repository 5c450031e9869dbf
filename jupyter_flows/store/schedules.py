"""The schedules on a database, by the connections and in the thread of the store that has them."""

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import msgspec
import sqlalchemy as sa

from jupyter_flows.core.errors import UnknownSchedule
from jupyter_flows.core.model import RunId
from jupyter_flows.core.schedules import CatchUp, Schedule, ScheduleId
from jupyter_flows.store import tables
from jupyter_flows.store.texts import bytewise
from jupyter_flows.store.writer import Reads

T = TypeVar("T")

_C = tables.schedules.c


class Job(Protocol):
    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Do it in the store's thread. Raises StoreUnavailable."""


class Writing(Protocol):
    def __call__(self, *, durable: bool) -> AbstractContextManager[sa.Connection]:
        """A transaction."""


class SqlSchedules:
    """Implements `ports.ScheduleStore`."""

    def __init__(self, reads: Reads, job: Job, writing: Writing) -> None:
        self._reads = reads
        self._job = job
        self._writing = writing

    async def add(self, schedule: Schedule) -> None:
        await self._write(sa.insert(tables.schedules).values(_values(schedule)))

    async def _write(self, statement: sa.Insert | sa.Update | sa.Delete) -> bool:
        """Whether it changed a row."""

        def work() -> bool:
            with self._writing(durable=True) as connection:
                return connection.execute(statement).rowcount > 0

        return await self._job(work)

    async def schedule(self, schedule: ScheduleId) -> Schedule:
        found = await self._select(sa.select(tables.schedules).where(_C.id == schedule))
        if not found:
            raise _unknown(schedule)
        return found[0]

    async def _select(self, query: sa.Select[Any]) -> list[Schedule]:
        def work() -> list[Schedule]:
            with self._reads.connect() as connection:
                return [_schedule(row) for row in connection.execute(query)]

        return await self._job(work)

    async def schedules(self) -> list[Schedule]:
        return await self._select(
            sa.select(tables.schedules).order_by(_C.created_at, bytewise(_C.id))
        )

    async def due(self, now: float, owners: Collection[str] = ()) -> list[Schedule]:
        return await self._select(
            sa.select(tables.schedules).where(_C.due_at <= now, _owned(owners))
        )

    async def next_due(self, owners: Collection[str] = ()) -> float | None:
        query = sa.select(sa.func.min(_C.due_at)).where(_owned(owners))

        def work() -> float | None:
            with self._reads.connect() as connection:
                due: float | None = connection.execute(query).scalar()
                return due

        return await self._job(work)

    async def change(self, before: Schedule, after: Schedule) -> bool:
        as_before = (
            _C.id == before.id,
            _C.paused == before.paused,
            _C.due_at == before.due_at,
        )
        return await self._write(
            sa.update(tables.schedules).where(*as_before).values(_values(after))
        )

    async def remove(self, schedule: ScheduleId) -> None:
        if not await self._write(sa.delete(tables.schedules).where(_C.id == schedule)):
            raise _unknown(schedule)


def _owned(owners: Collection[str]) -> sa.ColumnElement[bool]:
    return _C.owner.in_(owners) if owners else sa.true()


def _unknown(schedule: ScheduleId) -> UnknownSchedule:
    return UnknownSchedule(f"There is no schedule {schedule!r}.")


def _values(schedule: Schedule) -> dict[str, object]:
    values = msgspec.structs.asdict(schedule)
    values["parameters"] = msgspec.json.encode(dict(schedule.parameters)).decode()
    values["catch_up"] = schedule.catch_up.value
    return values


def _schedule(row: Any) -> Schedule:
    values = {name: getattr(row, name) for name in Schedule.__struct_fields__}
    values["id"] = ScheduleId(row.id)
    values["parameters"] = msgspec.json.decode(row.parameters)
    values["catch_up"] = CatchUp(row.catch_up)
    values["last_run"] = None if row.last_run is None else RunId(row.last_run)
    return Schedule(**values)
