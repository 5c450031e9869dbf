"""What a house stands on that shares a PostgreSQL database with others. Slow to load."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from jupyter_flows.composition.grounds import Card
from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.model import RunId
from jupyter_flows.engine.engine import Engine
from jupyter_flows.engine.schedules import Schedules
from jupyter_flows.jobs import schema
from jupyter_flows.jobs.queue import JobQueue
from jupyter_flows.ports import Clock, ReceiptKeys, WebhookSecrets
from jupyter_flows.settings import FlowsSettings
from jupyter_flows.store.engine import libpq_url, open_engine
from jupyter_flows.store.postgres.keys import (
    KeyTable,
    LinkKeys,
    TableReceiptKeys,
    TableVariableKeys,
    TableWebhookSecrets,
)
from jupyter_flows.store.postgres.opening import REACH
from jupyter_flows.store.postgres.presence import Heard, Presence
from jupyter_flows.store.postgres.servers import ServerCard, SqlServers
from jupyter_flows.store.sql import SqlStore

LOOK_SECONDS = 1.0
"""How often a server that is drained looks whether it holds a run still."""


class SharedGrounds:
    """Implements `Grounds`. `drives` is false for a process that drives no runs, and then takes no
    jobs. Raises StoreUnavailable, KeyUnusable, and BadInput for a deployment key that is none.
    """

    def __init__(
        self,
        settings: FlowsSettings,
        folder: Path,
        server: str,
        *,
        drives: bool,
        adopts: bool,
        log: logging.Logger,
    ) -> None:
        self._server = server
        self._settings = settings
        self._log = log
        self._queues = tuple(settings.queues) if drives and adopts else ()
        self._capacity = settings.capacity if drives else 0
        self._engine: Engine | None = None
        self.drained = asyncio.Event()
        engine = open_engine(settings.database_url)
        url = libpq_url(settings.database_url)
        servers = SqlServers(engine)
        with servers.reached() as connection:
            schema.ensure(connection)
        self.peers = Presence(url, servers, log)
        self._table = KeyTable(servers, settings.deployment_key, self.peers.clock)
        self.jobs = JobQueue(
            url,
            servers.reached,
            server=server,
            queues=self._queues,
            capacity=max(self._capacity, 1),
            reach=dict(REACH),
            clock=self.peers.clock,
            log=log,
        )
        self.store = SqlStore(
            settings.database_url,
            folder,
            engine=engine,
            outbox=self.jobs.outbox,
            unowns=bool(settings.checkpoint_dir),
            variable_keys=TableVariableKeys(self._table),
        )
        self.keys = LinkKeys(self._table)
        self.receipt_keys: Callable[[], ReceiptKeys] = lambda: TableReceiptKeys(self._table)
        self.webhook_secrets: WebhookSecrets = TableWebhookSecrets(self._table)
        self.clock: Clock = self.peers.clock

    def is_sure(self) -> bool:
        return self.peers.is_sure

    def hold(self) -> None:
        """It is alive when it says how it can be reached."""

    def begin(self, card: Card, engine: Engine, schedules: Schedules) -> None:
        self._engine = engine
        self.peers.announce(
            ServerCard(
                id=self._server,
                url=card.url,
                public_url=card.public_url,
                host=socket.gethostname(),
                pid=os.getpid(),
                lasting=card.lasting,
                queues=self._queues,
                capacity=self._capacity,
            )
        )
        self.peers.start(
            Heard(
                events=engine.heard,
                look=lambda run: self._spawn(self._look(engine, run), f"look at {run}"),
                schedules=schedules.look,
                keys=lambda: self._spawn(self._refresh_keys(), "keys"),
                drained=self._drain,
                lost_touch=lambda: self._spawn(self._look_at_all(engine), "look at all"),
                evaluate=engine.evaluate,
                is_own=self.store.is_own,
            )
        )

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        if self._engine is not None:
            self._engine.spawn(self._safely(work), f"jupyter-flows {name}")

    async def _safely(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except FlowsError as error:
            self._log.warning("what another server said is not seen to now: %s", error)

    async def _look(self, engine: Engine, run: RunId) -> None:
        """Somebody has taken it, or wants it looked at."""
        if engine.holds(run):
            await engine.check_held()
            await engine.poked(run)

    async def _refresh_keys(self) -> None:
        await asyncio.to_thread(self._table.refresh)

    async def _look_at_all(self, engine: Engine) -> None:
        """Anything may have happened while this server was out of touch."""
        engine.feed.look()
        await engine.check_held()

    def _drain(self) -> None:
        self.jobs.drain()
        if self._engine is not None:
            self._engine.drain()
            self._spawn(self._until_empty(self._engine), "drained")

    async def _until_empty(self, engine: Engine) -> None:
        while engine.held():  # noqa: ASYNC110 (kernels end in many ways)
            await asyncio.sleep(LOOK_SECONDS)
        self.drained.set()

    async def end(self) -> None:
        await self.peers.leave()
