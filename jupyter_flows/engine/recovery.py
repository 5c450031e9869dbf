"""Finds the runs that a server left behind, and has them driven on."""

import logging
from collections.abc import Awaitable, Callable

import msgspec

from jupyter_flows.core.errors import Fenced, FlowsError
from jupyter_flows.core.model import FINISHED, RunId
from jupyter_flows.engine.dispatch import LocalDispatcher, PokingDispatcher
from jupyter_flows.engine.drive import Driver
from jupyter_flows.ports import Peers, RunRow, Store

DIED = "The server died while this cell ran."


class Recovery:
    """`server` is this one; `adopts` says whether it takes over the runs of others that died."""

    def __init__(
        self,
        *,
        server: str,
        adopts: bool,
        store: Store,
        peers: Peers,
        driver: Callable[[], Driver],
        dispatcher: Callable[[], LocalDispatcher | PokingDispatcher],
        cancel_orphans: Callable[[], Awaitable[None]],
        log: logging.Logger,
    ) -> None:
        self._server = server
        self._adopts = adopts
        self._store = store
        self._peers = peers
        self._driver = driver
        self._dispatcher = dispatcher
        self._cancel_orphans = cancel_orphans
        self._log = log

    async def reconcile(self) -> None:
        """Enqueue the runs that have something to do here and that nobody drives."""
        for row in await self._store.ready():
            if not self.is_ours(row):
                continue
            try:
                await self._recover(row.id)
            except FlowsError as error:
                self._log.warning("run %s could not be recovered: %s", row.id, error)
            except Exception:  # noqa: BLE001 (one run's defect must not keep the others down)
                self._log.exception("run %s could not be recovered", row.id)
        for run in self._driver().held():
            await self._let_go_if_over(run)
        if self._adopts:
            await self._cancel_orphans()

    async def _let_go_if_over(self, run: RunId) -> None:
        """A run that ended elsewhere, whose poke was lost, must not hold its kernel for ever."""
        row = await self._store.row(run)
        if row.status in FINISHED or row.server != self._server:
            await self._dispatcher().enqueue(run)

    def is_ours(self, row: RunRow) -> bool:
        if row.server == self._server:
            return True
        return self._adopts and not (row.server and self._peers.alive(row.server))

    async def _recover(self, run_id: RunId) -> None:
        row = await self._store.row(run_id)
        if run_id in self._dispatcher().driving() or not self.is_ours(row):
            return
        epoch = row.epoch
        if row.server != self._server:
            epoch = await self._store.claim(run_id, self._server, row.epoch)
        run = await self._store.load(run_id)
        if run_id in self._dispatcher().driving():
            return
        if run.running_step:
            kept = await self._store.partial(run_id)
            partial = msgspec.json.decode(kept) if kept else {}
            step = run.running_step.id
            outputs = {step: partial[step]} if step in partial else {}
            await self._driver().interrupted(run_id, DIED, outputs, epoch=epoch)
            return
        await self._dispatcher().enqueue(run_id)

    async def is_served(self, run: RunId) -> bool:
        """Whether a living server carries the run on when its wait is over. Raises UnknownRun."""
        if self._driver().holds(run):
            return True
        row = await self._store.row(run)
        return self.is_ours(row) or bool(row.server and self._peers.alive(row.server))

    async def adopt(self, run_id: RunId) -> None:
        """Take a run whose server is gone: it is driven here from now on, whatever it waits for. A
        cell that was running is marked interrupted. Raises Fenced when its server is alive.
        """
        row = await self._store.row(run_id)
        if row.server not in (None, self._server) and self._peers.alive(row.server or ""):
            raise Fenced(f"The run {run_id} is at work on another server.")
        await self._store.claim(run_id, self._server, row.epoch)
        await self._recover(run_id)
