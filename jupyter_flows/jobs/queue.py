"""Runs to be driven, as jobs of Procrastinate that several servers take: one for `drive(run)`.

The queue only delivers. Who has a run is decided by its row in the store (its server, its epoch),
so a job may come twice, late, or to the wrong server, and none is needed that the store does not
show.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import procrastinate
import psycopg
import sqlalchemy as sa
from procrastinate.connector import Notify

from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.model import RunId
from jupyter_flows.jobs.finding import LOST, LOST_AT_ONCE, STRANDED
from jupyter_flows.jobs.outbox import DEFAULT, TASK, JobOutbox
from jupyter_flows.ports import Clock, Deliver

Connect: TypeAlias = Callable[[], AbstractContextManager[sa.Connection]]
"""A transaction on the store's database. Raises StoreUnavailable."""

AGAIN_SECONDS = 0.5
"""Before it is tried again to reach the database."""

POLL_SECONDS = 2.0
"""How often the queue is looked at: for jobs whose time has come, and for those whose notice was
lost with a connection.
"""

NEVER_SECONDS = 86_400.0
"""How often it is looked for jobs that are to be aborted."""

STALLED_SECONDS = 60.0
"""After so long without a sign of its worker a job under way is taken for lost."""

ALL_EVERY = 8
"""Which look for lost runs looks at those, too, that wait for a place."""


class _Connector(procrastinate.PsycopgConnector):
    """Hears nothing of a server's own jobs, which are put for later: they are found when the queue
    is looked at, and nobody is woken in vain.
    """

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        of_classes = [channel for channel in channels if "#srv:" not in channel]
        await super().listen_notify(on_notification, of_classes)


class JobQueue:
    """Implements `ports.Jobs`. `queues` are the classes that this server drives, and `capacity` is
    how many runs it drives at a time; `reach` says how libpq connects.
    """

    def __init__(
        self,
        url: str,
        connect: Connect,
        *,
        server: str,
        queues: Collection[str],
        capacity: int,
        reach: dict[str, Any],
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        logging.getLogger("procrastinate").setLevel(logging.WARNING)
        self._url = url
        self._connect = connect
        self._server = server
        self._queues = tuple(queues)
        self._capacity = capacity
        self._reach = reach
        self._log = log
        self.outbox = JobOutbox(server, clock)
        self._delivered = 0
        self._looks = 0
        self._is_draining = False
        self._task: asyncio.Task[None] | None = None
        self._working: asyncio.Task[None] | None = None

    async def defer(self, run: RunId) -> None:
        def work() -> None:
            query = sa.text("select queue, server from runs where id = :run")
            with self._connect() as connection:
                row = connection.execute(query, {"run": run}).first()
                if row is not None:
                    self.outbox.put(connection, run, row.queue, row.server)

        await asyncio.to_thread(work)

    # ------------------------------------------------------------ taking

    def has_place(self, queue: str | None) -> bool:
        takes = (queue or DEFAULT) in self._queues and not self._is_draining
        return takes and self._delivered < self._capacity

    async def start(self, deliver: Deliver) -> None:
        self._task = asyncio.create_task(self._forever(deliver), name="jupyter-flows jobs")

    async def _forever(self, deliver: Deliver) -> None:
        """A worker ends when it has had no database for a while: then there is a new one, as soon
        as the database is back.
        """
        while True:
            try:
                await self._reached()
                self._working = asyncio.create_task(
                    self._work(deliver), name="jupyter-flows worker"
                )
                await asyncio.wait({self._working})
                error = None if self._working.cancelled() else self._working.exception()
                if error is not None:
                    self._log.warning("the worker of jobs ended: %s; there will be another", error)
            finally:
                if self._working is not None:
                    self._working.cancel()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _reached(self) -> None:
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(self._url, **self._reach)
            except psycopg.Error:
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                await connection.close()
                return

    async def _work(self, deliver: Deliver) -> None:
        app = self._app(deliver)
        own = f"srv:{self._server}"
        queues = [own] if self._is_draining else [own, *self._queues]
        async with app.open_async():
            await self._forget_stalled(app)
            await app.run_worker_async(
                queues=queues,
                name=self._server,
                concurrency=self._capacity,
                fetch_job_polling_interval=POLL_SECONDS,
                abort_job_polling_interval=NEVER_SECONDS,
                # What is cut off so is only that somebody waits for the run to be driven.
                shutdown_graceful_timeout=0.1,
                delete_jobs="always",
                install_signal_handlers=False,
            )

    def _app(self, deliver: Deliver) -> procrastinate.App:
        connector = _Connector(
            conninfo=self._url, kwargs=self._reach, min_size=1, max_size=4, timeout=5.0
        )
        app = procrastinate.App(connector=connector)

        @app.task(name=TASK)
        async def drive(run: str) -> None:
            self._delivered += 1
            try:
                await deliver(RunId(run))
            except FlowsError as error:
                self._log.warning("run %s is not driven further now: %s", run, error)
            finally:
                self._delivered -= 1

        return app

    async def _forget_stalled(self, app: procrastinate.App) -> None:
        """Jobs whose worker is gone. Their runs are found without them."""
        stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS)
        for job in stalled:
            if job.id is not None:
                await app.job_manager.finish_job_by_id_async(
                    job.id, status=procrastinate.jobs.Status.FAILED, delete_job=True
                )

    def drain(self) -> None:
        """Take no more jobs but those for what this server has."""
        self._is_draining = True
        if self._working is not None:
            self._working.cancel()

    async def reconcile(self) -> None:
        """Those that wait for a place are looked at every eighth time."""
        query = LOST if self._looks % ALL_EVERY == 0 else LOST_AT_ONCE
        self._looks += 1

        def work() -> int:
            with self._connect() as connection:
                connection.execute(STRANDED)
                lost = connection.execute(query).all()
                for row in lost:
                    self.outbox.put(connection, RunId(row.id), row.queue, row.server)
                return len(lost)

        found = await asyncio.to_thread(work)
        if found:
            self._log.info("%d runs had something to do and no job", found)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            if self._working is not None:
                await asyncio.wait({self._working}, timeout=2.0)
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
