"""Registered flows on a database, by the connections and in the thread of the store."""

from typing import Any

import msgspec
import sqlalchemy as sa

from jupyter_flows.core.registry import RegisteredFlow, Version
from jupyter_flows.store import tables
from jupyter_flows.store.schedules import Job, Writing
from jupyter_flows.store.texts import bytewise
from jupyter_flows.store.upserts import add, put
from jupyter_flows.store.writer import Reads

_C = tables.flows.c
_V = tables.versions.c


class SqlFlows:
    """Implements `ports.FlowStore`."""

    def __init__(self, reads: Reads, job: Job, writing: Writing) -> None:
        self._reads = reads
        self._job = job
        self._writing = writing

    async def put(self, flow: RegisteredFlow) -> None:
        def work() -> None:
            with self._writing(durable=True) as connection:
                put(connection, tables.flows, msgspec.structs.asdict(flow))

        await self._job(work)

    async def flow(self, name: str) -> RegisteredFlow | None:
        found = await self._select(sa.select(tables.flows).where(_C.name == name))
        return found[0] if found else None

    async def flows(self) -> list[RegisteredFlow]:
        return await self._select(sa.select(tables.flows).order_by(bytewise(_C.name)))

    async def _select(self, query: sa.Select[Any]) -> list[RegisteredFlow]:
        def work() -> list[RegisteredFlow]:
            with self._reads.connect() as connection:
                return [RegisteredFlow(**row) for row in connection.execute(query).mappings()]

        return await self._job(work)

    async def remove(self, name: str) -> bool:
        def work() -> bool:
            with self._writing(durable=True) as connection:
                gone = connection.execute(sa.delete(tables.flows).where(_C.name == name))
                return gone.rowcount > 0

        return await self._job(work)

    async def note(self, version: Version) -> None:
        if await self.version(version.hash) is not None:
            return

        def work() -> None:
            with self._writing(durable=True) as connection:
                add(connection, tables.versions, msgspec.structs.asdict(version))

        await self._job(work)

    async def version(self, hash_: str) -> Version | None:
        def work() -> Version | None:
            query = sa.select(tables.versions).where(_V.hash == hash_)
            with self._reads.connect() as connection:
                found = connection.execute(query).mappings().first()
            return None if found is None else Version(**found)

        return await self._job(work)
