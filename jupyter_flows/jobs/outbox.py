"""The jobs that a run's events make necessary, put into the queue in the events' transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import procrastinate
import sqlalchemy as sa
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector

from jupyter_flows.core import events as e
from jupyter_flows.core import machine
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.ports import Clock

TASK = "drive"
DEFAULT = "default"

LATER_SECONDS = 2.0
"""After which the job of a run is due at the server that has it, which finds it when it looks next:
most find nothing left to do.
"""

_LIVES = sa.text(
    "select 1 from servers where id = :server"
    " and lease_until > extract(epoch from clock_timestamp())"
)


_PUT = """
procrastinate_defer_jobs_v1(array[(
  case when {lives} then 'srv:' || server else %s end, '{task}', 0, null, null, %s::jsonb,
  case when {lives} then %s::timestamptz end
)::procrastinate_job_to_defer_v1])
"""
# Procrastinate's own function, which its `defer` calls.
_HAS_TO_DO = _PUT.format(
    task=TASK,
    lives="(server = %s or exists (select from servers as s where s.id = server"
    " and s.lease_until > extract(epoch from clock_timestamp())))",
)
_HAS_ENDED = f"case when server is not null then {_PUT.format(task=TASK, lives='true')} end"


class JobOutbox:
    """Called as `store.writer.Outbox` says. `server` is this one."""

    def __init__(self, server: str, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._app = procrastinate.App(connector=SyncPsycopgConnector())  # never opened

    def _wants(self, run: Run, events: Sequence[e.Recorded], *, by_driver: bool) -> bool:
        """A driver goes on by itself, but for a run that it resumes in the place of a server that
        died. Of a run that ended the kernel is to go.
        """
        goes_on = by_driver and not any(isinstance(row.event, e.RunResumed) for row in events)
        return not goes_on and (run.finished or _has_to_do(run))

    def statement(
        self, run: Run, events: Sequence[e.Recorded], *, by_driver: bool
    ) -> tuple[str, list[object]] | None:
        """As `store.writer.Outbox` says."""
        if not self._wants(run, events, by_driver=by_driver):
            return None
        args = msgspec.json.encode({"run": run.id}).decode()
        if run.finished:
            return _HAS_ENDED, [None, args, self._later()]
        queue = run.queue or DEFAULT
        return _HAS_TO_DO, [self._server, queue, args, self._server, self._later()]

    def __call__(
        self,
        connection: sa.Connection,
        run: Run,
        events: Sequence[e.Recorded],
        *,
        server: str | None,
        by_driver: bool,
    ) -> None:
        if not self._wants(run, events, by_driver=by_driver):
            return
        if not run.finished:
            self.put(connection, run.id, run.queue, server)
        elif server is not None:
            self._put_for(connection, run.id, server)

    def put(
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
        self._put_into(connection, run, f"srv:{server}", schedule_at=self._later())

    def _later(self) -> datetime:
        return datetime.fromtimestamp(self._clock() + LATER_SECONDS, UTC)

    def _put_into(
        self,
        connection: sa.Connection,
        run: RunId,
        queue: str,
        schedule_at: datetime | None = None,
    ) -> None:
        driver = connection.connection.driver_connection
        task = self._app.configure_task(
            TASK, queue=queue, connection=driver, schedule_at=schedule_at
        )
        task.defer(run=run)


def _has_to_do(run: Run) -> bool:
    return not isinstance(machine.plan(run), machine.Wait | machine.Done)
