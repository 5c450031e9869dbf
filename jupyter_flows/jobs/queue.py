"""Runs to be driven, as jobs of Procrastinate that several servers take: one for `drive(run)`.

The queue only delivers. Who has a run is decided by its row in the store (its server, its epoch),
so a job may come twice, late, or to the wrong server, and none is needed that the store does not
show.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, TypeAlias

import procrastinate
import psycopg
import sqlalchemy as sa
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector

from jupyter_flows.core import events as e
from jupyter_flows.core import machine
from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.jobs.finding import LOST, LOST_AT_ONCE, STRANDED
from jupyter_flows.ports import Clock, Deliver

Connect: TypeAlias = Callable[[], AbstractContextManager[sa.Connection]]
"""A transaction on the store's database. Raises StoreUnavailable."""

TASK = "drive"
DEFAULT = "default"

AGAIN_SECONDS = 0.5
"""Before it is tried again to reach the database."""

POLL_SECONDS = 2.0
"""How often the queue is looked at: for jobs whose time has come, and for those whose notice was
lost with a connection.
"""

LATER_SECONDS = 2.0
"""After which a server gets the job of a run that it has: most find nothing left to do."""

STALLED_SECONDS = 60.0
"""After so long without a sign of its worker a job under way is taken for lost."""

ALL_EVERY = 8
"""Which look for lost runs looks at those, too, that wait for a place."""

_LIVES = sa.text(
    "select 1 from servers where id = :server"
    " and lease_until > extract(epoch from clock_timestamp())"
)


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
        self._clock = clock
        self._log = log
        self._putting = procrastinate.App(connector=SyncPsycopgConnector())  # never opened
        self._delivered = 0
        self._looks = 0
        self._is_draining = False
        self._task: asyncio.Task[None] | None = None
        self._working: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ putting

    def outbox(
        self,
        connection: sa.Connection,
        run: Run,
        events: Sequence[e.Recorded],
        *,
        server: str | None,
        by_driver: bool,
    ) -> None:
        """Within the transaction that commits these events: what they make necessary. A driver goes
        on by itself, but for a run that it resumes in the place of a server that died.
        """
        goes_on = by_driver and not any(isinstance(row.event, e.RunResumed) for row in events)
        if goes_on:
            return
        if not isinstance(machine.plan(run), machine.Wait | machine.Done):
            self._put(connection, run.id, run.queue, server)
        elif run.finished and server is not None:
            self._put_for(connection, run.id, server)  # its kernel is to go

    def _put(
        self, connection: sa.Connection, run: RunId, queue: str | None, server: str | None
    ) -> None:
        """For the server that has the run, if that lives; else for all of its class."""
        alive = server is not None and (
            server == self._server or connection.execute(_LIVES, {"server": server}).first()
        )
        if alive and server is not None:
            self._put_for(connection, run, server)
        else:
            self._put_into(connection, run, queue or DEFAULT)

    def _put_for(self, connection: sa.Connection, run: RunId, server: str) -> None:
        """It hears of what was committed, and goes on at once: its job is for when it did not."""
        at = datetime.fromtimestamp(self._clock() + LATER_SECONDS, UTC)
        self._put_into(connection, run, f"srv:{server}", schedule_at=at)

    def _put_into(
        self,
        connection: sa.Connection,
        run: RunId,
        queue: str,
        schedule_at: datetime | None = None,
    ) -> None:
        driver = connection.connection.driver_connection
        task = self._putting.configure_task(
            TASK, queue=queue, connection=driver, schedule_at=schedule_at
        )
        task.defer(run=run)

    async def defer(self, run: RunId) -> None:
        def work() -> None:
            query = sa.text("select queue, server from runs where id = :run")
            with self._connect() as connection:
                row = connection.execute(query, {"run": run}).first()
                if row is not None:
                    self._put(connection, run, row.queue, row.server)

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
                # What is cut off so is only that somebody waits for the run to be driven.
                shutdown_graceful_timeout=0.1,
                delete_jobs="always",
                install_signal_handlers=False,
            )

    def _app(self, deliver: Deliver) -> procrastinate.App:
        connector = procrastinate.PsycopgConnector(
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
                    self._put(connection, RunId(row.id), row.queue, row.server)
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
