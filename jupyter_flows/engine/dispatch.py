"""Who drives a run: this process, with one held and named task a run, or the one that has it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.model import RunId
from jupyter_flows.ports import Peers, Store


class LocalDispatcher:
    """Implements `ports.Dispatcher`. A run that waits has no task."""

    def __init__(
        self,
        drive: Callable[[RunId], Awaitable[None]],
        failed: Callable[[RunId, Exception], Awaitable[None]],
        log: logging.Logger,
    ) -> None:
        self._drive = drive
        self._failed = failed
        self._log = log
        self._tasks: dict[RunId, asyncio.Task[None]] = {}
        self._again: set[RunId] = set()
        self._stopping = False

    def driving(self) -> list[RunId]:
        return list(self._tasks)

    async def enqueue(self, run: RunId) -> None:
        if self._stopping:
            return
        if run in self._tasks:
            self._again.add(run)
            return
        self._tasks[run] = asyncio.create_task(self._work(run), name=f"jupyter-flows drive {run}")

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

    async def stop(self) -> None:
        self._stopping = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=2.0)


class PokingDispatcher:
    """For a process that only asks and tells, such as a command: it drives nothing itself."""

    def __init__(self, store: Store, peers: Peers) -> None:
        self._store = store
        self._peers = peers

    def driving(self) -> list[RunId]:
        return []

    async def enqueue(self, run: RunId) -> None:
        """Ask the server that has the run; with none alive the run waits for the next server."""
        row = await self._store.row(run)
        if row.server and self._peers.alive(row.server):
            await self._peers.poke(row.server, run)

    async def settled(self, run: RunId, timeout: float | None = None) -> bool:  # noqa: ARG002, ASYNC109
        return True

    async def stop(self) -> None:
        """Nothing to end."""
