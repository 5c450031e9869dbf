"""Webhooks on their way, on a database and in memory."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from jupyter_flows.core.completions import EventType
from jupyter_flows.core.errors import UnknownDelivery
from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.core.webhooks import Delivery, DeliveryId, Status
from jupyter_flows.store import tables
from jupyter_flows.store.schedules import Job, Writing
from jupyter_flows.store.writer import Reads

_C = tables.deliveries.c


def nothing(_run: Run, _events: Sequence[Recorded]) -> Sequence[Delivery]:
    """Of a store to which nobody has said what is to be sent."""
    return ()


def put_deliveries(connection: sa.Connection, deliveries: Sequence[Delivery]) -> None:
    """In the transaction of the events that they tell of."""
    if deliveries:
        connection.execute(sa.insert(tables.deliveries), list(map(_values, deliveries)))


class SqlDeliveries:
    """Implements `ports.DeliveryStore`."""

    def __init__(self, reads: Reads, job: Job, writing: Writing) -> None:
        self._reads = reads
        self._job = job
        self._writing = writing

    async def due(self, now: float, limit: int, but_to: Collection[str] = ()) -> list[Delivery]:
        query = sa.select(tables.deliveries).where(_C.due_at <= now, _C.url.not_in(list(but_to)))
        return await self._select(query.order_by(_C.due_at, _C.id).limit(limit))

    async def _select(self, query: sa.Select[Any]) -> list[Delivery]:
        def work() -> list[Delivery]:
            with self._reads.connect() as connection:
                return [_delivery(row) for row in connection.execute(query)]

        return await self._job(work)

    async def next_due(self) -> float | None:
        def work() -> float | None:
            with self._reads.connect() as connection:
                due: float | None = connection.execute(sa.select(sa.func.min(_C.due_at))).scalar()
                return due

        return await self._job(work)

    async def change(self, before: Delivery, after: Delivery) -> bool:
        as_before = (
            _C.id == before.id,
            _C.status == before.status.value,
            _C.tries == before.tries,
            _C.due_at == before.due_at,
        )
        changed = sa.update(tables.deliveries).where(*as_before).values(_values(after))
        return await self._write(changed) > 0

    async def _write(self, statement: sa.Update) -> int:
        """How many rows it changed."""

        def work() -> int:
            with self._writing(durable=True) as connection:
                return connection.execute(statement).rowcount

        return await self._job(work)

    async def delivery(self, delivery: DeliveryId) -> Delivery:
        found = await self._select(sa.select(tables.deliveries).where(_C.id == delivery))
        if not found:
            raise _unknown(delivery)
        return found[0]

    async def deliveries(
        self, limit: int, *, owner: str | None = None, run: RunId | None = None
    ) -> list[Delivery]:
        query = sa.select(tables.deliveries).order_by(_C.created_at.desc(), _C.id.desc())
        if owner is not None:
            query = query.where(_C.owner == owner)
        if run is not None:
            query = query.where(_C.run_id == run)
        return await self._select(query.limit(limit))

    async def is_gone(self, url: str) -> bool:
        gone = sa.select(tables.deliveries).where(_C.url == url, _C.status == Status.GONE.value)
        return bool(await self._select(gone.limit(1)))

    async def trust(self, url: str) -> None:
        gone = (_C.url == url, _C.status == Status.GONE.value)
        await self._write(
            sa.update(tables.deliveries).where(*gone).values(status=Status.FAILED.value)
        )


class MemoryDeliveries:
    """Implements `ports.DeliveryStore`."""

    def __init__(self) -> None:
        self._known: dict[DeliveryId, Delivery] = {}

    def put(self, deliveries: Sequence[Delivery]) -> None:
        self._known |= {each.id: each for each in deliveries}

    def _waiting(self) -> list[tuple[float, DeliveryId]]:
        known = self._known.values()
        return sorted((each.due_at, each.id) for each in known if each.due_at is not None)

    async def due(self, now: float, limit: int, but_to: Collection[str] = ()) -> list[Delivery]:
        found = [self._known[id_] for at, id_ in self._waiting() if at <= now]
        return [each for each in found if each.url not in but_to][:limit]

    async def next_due(self) -> float | None:
        return next((at for at, _ in self._waiting()), None)

    async def change(self, before: Delivery, after: Delivery) -> bool:
        found = self._known.get(before.id)
        if found is None or _place(found) != _place(before):
            return False
        self._known[before.id] = after
        return True

    async def delivery(self, delivery: DeliveryId) -> Delivery:
        if delivery not in self._known:
            raise _unknown(delivery)
        return self._known[delivery]

    async def deliveries(
        self, limit: int, *, owner: str | None = None, run: RunId | None = None
    ) -> list[Delivery]:
        found = [
            each
            for each in self._known.values()
            if owner in (None, each.owner) and run in (None, each.run)
        ]
        return sorted(found, key=lambda each: (each.created_at, each.id), reverse=True)[:limit]

    async def is_gone(self, url: str) -> bool:
        return any(each.url == url and each.status is Status.GONE for each in self._known.values())

    async def trust(self, url: str) -> None:
        for each in list(self._known.values()):
            if each.url == url and each.status is Status.GONE:
                self._known[each.id] = replace(each, status=Status.FAILED)


def _place(delivery: Delivery) -> tuple[Status, int, float | None]:
    return delivery.status, delivery.tries, delivery.due_at


def _unknown(delivery: DeliveryId) -> UnknownDelivery:
    return UnknownDelivery(f"There is no delivery {delivery!r}.")


def _values(delivery: Delivery) -> dict[str, object]:
    values = msgspec.structs.asdict(delivery)
    values["run_id"] = values.pop("run")
    values["type"] = delivery.type.value
    values["status"] = delivery.status.value
    return values


def _delivery(row: Any) -> Delivery:
    values = {name: getattr(row, name) for name in Delivery.__struct_fields__ if name != "run"}
    values["id"] = DeliveryId(row.id)
    values["run"] = RunId(row.run_id)
    values["type"] = EventType(row.type)
    values["status"] = Status(row.status)
    return Delivery(**values)
