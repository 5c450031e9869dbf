"""Who drives a run: this process, with one held and named task a run; the one that has it; or
whichever server takes the job from a queue.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.model import RunId
from jupyter_flows.ports import Deliver, Jobs, Peers, Store


class LocalDispatcher:
    """Implements `ports.Dispatcher`. A run that waits has no task. `reconcile` finds the runs that
    have something to do here.
    """

    def __init__(
        self,
        drive: Deliver,
        failed: Callable[[RunId, Exception], Awaitable[None]],
        log: logging.Logger,
        *,
        server: str | None = None,
        reconcile: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._drive = drive
        self._failed = failed
        self._log = log
        self._server = server
        self._reconcile = reconcile
        self._tasks: dict[RunId, asyncio.Task[None]] = {}
        self._again: set[RunId] = set()
        self._stopping = False

    async def start(self) -> None:
        """Nothing to begin."""

    def driving(self) -> list[RunId]:
        return list(self._tasks)

    def home(self, queue: str | None, *, pinned: bool) -> str | None:  # noqa: ARG002
        return self._server

    async def enqueue(self, run: RunId) -> None:
        if self._stopping:
            return
        if run in self._tasks:
            self._again.add(run)
            return
        self._tasks[run] = asyncio.create_task(self._work(run), name=f"jupyter-flows drive {run}")

    committed = here = enqueue

    async def _work(self, run: RunId) -> None:
        try:
            again = True
            while again:
                self._again.discard(run)
                await self._once(run)
                again = run in self._again
        except Exception as error:  # noqa: BLE001 (the last one who can: the run must not hang)
            self._log.exception("run %s: the driver failed", run)
            await self._failed(run, error)
        finally:
            self._tasks.pop(run, None)

    async def _once(self, run: RunId) -> None:
        try:
            await self._drive(run)
        except FlowsError as error:
            self._log.warning("run %s is not driven further now: %s", run, error)

    async def settled(self, run: RunId, timeout: float | None = None) -> bool:  # noqa: ASYNC109
        """Wait until this run is not being driven here; False if that took over `timeout` s."""
        task = self._tasks.get(run)
        if task is None:
            return True
        done, _ = await asyncio.wait({task}, timeout=timeout)
        return bool(done)

    async def reconcile(self) -> None:
        if self._reconcile is not None:
            await self._reconcile()

    async def stop(self) -> None:
        self._stopping = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=2.0)


class PokingDispatcher:
    """For a process that only asks and tells, such as a command: it drives nothing itself."""

    def __init__(self, store: Store, peers: Peers, server: str) -> None:
        self._store = store
        self._peers = peers
        self._server = server

    async def start(self) -> None:
        """Nothing to begin."""

    def driving(self) -> list[RunId]:
        return []

    def home(self, queue: str | None, *, pinned: bool) -> str | None:  # noqa: ARG002
        return self._server

    async def enqueue(self, run: RunId) -> None:
        """Ask the server that has the run; with none alive the run waits for the next server."""
        row = await self._store.row(run)
        if row.server and await self._peers.alive(row.server):
            await self._peers.poke(row.server, run)

    committed = here = enqueue

    async def settled(self, run: RunId, timeout: float | None = None) -> bool:  # noqa: ARG002, ASYNC109
        return True

    async def reconcile(self) -> None:
        """The servers do."""

    async def stop(self) -> None:
        """Nothing to end."""


class QueueDispatcher:
    """Implements `ports.Dispatcher` over a queue that several servers take from. `local` drives
    what is delivered here, and is None in a process that drives nothing. `holds` says whether a
    run's kernel is here: then its next cell need not wait for the job, which is its guarantee.
    `lasts` is false for a process that begins no runs but those made in it.
    """

    def __init__(
        self,
        jobs: Jobs,
        local: LocalDispatcher | None,
        *,
        server: str,
        lasts: bool,
        holds: Callable[[RunId], bool],
    ) -> None:
        self._jobs = jobs
        self._local = local
        self._server = server
        self._lasts = lasts
        self._holds = holds

    async def start(self) -> None:
        if self._local is not None:
            await self._jobs.start(self._delivered)

    def driving(self) -> list[RunId]:
        return [] if self._local is None else self._local.driving()

    def home(self, queue: str | None, *, pinned: bool) -> str | None:
        if self._local is None:
            return None
        if pinned or not self._lasts or self._jobs.has_place(queue):
            return self._server
        return None

    async def enqueue(self, run: RunId) -> None:
        await self._jobs.defer(run)

    async def committed(self, run: RunId) -> None:
        if self._holds(run):
            await self.here(run)

    async def here(self, run: RunId) -> None:
        if self._local is not None:
            await self._local.enqueue(run)

    async def _delivered(self, run: RunId) -> None:
        """Its job takes a place of this server's until the run waits or ends."""
        await self.here(run)
        await self.settled(run)

    async def settled(self, run: RunId, timeout: float | None = None) -> bool:  # noqa: ASYNC109
        return self._local is None or await self._local.settled(run, timeout)

    async def reconcile(self) -> None:
        if self._local is not None:
            await self._jobs.reconcile()

    async def stop(self) -> None:
        if self._local is not None:
            await self._local.stop()
        await self._jobs.stop()
