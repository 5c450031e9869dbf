"""Finds the runs that a server left behind, and has them driven on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from jupyter_flows.core import machine
from jupyter_flows.core.errors import Fenced, FlowsError
from jupyter_flows.core.model import FINISHED, Run, RunId, RunStatus, StepId
from jupyter_flows.engine.drive import Driver
from jupyter_flows.engine.waiting import RECONCILE_SECONDS
from jupyter_flows.ports import Dispatcher, Kernels, Outputs, Peers, RunRow, Store

DIED = "The server died while this cell ran."


class Recovery:
    """`server` is this one; `adopts` says whether it takes over the runs of others that died, if
    they are of a class that it `takes`. With `goes_on` a run whose cell was cut short goes on by
    itself where that is harmless (scale.md, Rules learnt), for no person may be at hand.
    """

    def __init__(
        self,
        *,
        server: str,
        adopts: bool,
        takes: Callable[[RunRow], bool],
        goes_on: bool,
        store: Store,
        kernels: Kernels,
        peers: Peers,
        driver: Callable[[], Driver],
        dispatcher: Callable[[], Dispatcher],
        cancel_orphans: Callable[[], Awaitable[None]],
        log: logging.Logger,
    ) -> None:
        self._server = server
        self._adopts = adopts
        self._takes = takes
        self._goes_on = goes_on
        self._store = store
        self._kernels = kernels
        self._peers = peers
        self._driver = driver
        self._dispatcher = dispatcher
        self._cancel_orphans = cancel_orphans
        self._log = log
        self._look_at = 0.0

    async def reconcile(self) -> None:
        """Have the runs driven that have something to do and that nobody drives; every 15 s also
        look at those that are held here, and at those whose starters were cancelled.
        """
        await self._dispatcher().reconcile()
        now = asyncio.get_running_loop().time()
        if now < self._look_at:
            return
        self._look_at = now + RECONCILE_SECONDS - 1.0
        await self.check_held()
        if self._adopts:
            await self._cancel_orphans()

    async def enqueue_ready(self) -> None:
        """For one store, one dispatcher: enqueue what has something to do here."""
        for row in await self._store.ready():
            if not await self.is_ours(row):
                continue
            try:
                await self._recover(row.id)
            except FlowsError as error:
                self._log.warning("run %s could not be recovered: %s", row.id, error)
            except Exception:  # noqa: BLE001 (one run's defect must not keep the others down)
                self._log.exception("run %s could not be recovered", row.id)

    async def check_held(self) -> None:
        """A run that ended elsewhere, or was taken by another server while this one slept, must not
        hold its kernel here, and a cell of its that still executes is ended at once. One that could
        not be driven further, for the store was away, goes on.
        """
        for run in self._driver().held():
            row = await self._store.row(run)
            is_taken = row.server != self._server or row.epoch != self._driver().epoch(run)
            is_driven = run in self._dispatcher().driving()
            if is_taken and is_driven:
                await self._kernels.close(run)
            is_left = row.status is RunStatus.RUNNING and not is_driven
            if is_taken or row.status in FINISHED or is_left:
                await self._dispatcher().here(run)

    async def is_ours(self, row: RunRow) -> bool:
        if row.server == self._server:
            return True
        if not self._adopts or not self._takes(row):
            return False
        return not (row.server and await self._peers.alive(row.server))

    async def _recover(self, run_id: RunId) -> None:
        row = await self._store.row(run_id)
        if run_id in self._dispatcher().driving() or not await self.is_ours(row):
            return
        epoch = row.epoch
        if row.server != self._server:
            epoch = await self._store.claim(run_id, self._server, row.epoch)
        run = await self._store.load(run_id)
        if run_id in self._dispatcher().driving():
            return
        if run.running_step:
            await self._cut_short(run, epoch)
            return
        await self._dispatcher().enqueue(run_id)

    async def drive(self, run_id: RunId) -> None:
        """As `Driver.drive`, of a run that another server may have left in the midst of a cell."""
        if not self._driver().holds(run_id):
            row = await self._store.row(run_id)
            if await self.is_ours(row):
                await self._take(row)
        await self._driver().drive(run_id)

    async def _take(self, row: RunRow) -> None:
        run = await self._store.load(row.id)
        if isinstance(machine.plan(run), machine.Wait | machine.Done):
            return
        epoch = row.epoch
        if row.server != self._server:
            epoch = await self._store.claim(row.id, self._server, row.epoch)
            run = await self._store.load(row.id)
        if run.running_step:
            await self._cut_short(run, epoch)

    async def _cut_short(self, run: Run, epoch: int) -> None:
        """The server that ran this cell died; what it had put out is kept."""
        kept = await self._store.partial(run.id)
        partial = msgspec.json.decode(kept) if kept else {}
        step = run.running_step.id if run.running_step else None
        outputs = {step: partial[step]} if step is not None and step in partial else {}
        await self.interrupt(run.id, DIED, outputs, epoch=epoch)

    async def interrupt(
        self, run: RunId, why: str, outputs: Mapping[StepId, Outputs], epoch: int | None = None
    ) -> None:
        """As `Driver.interrupted`; the run goes on by itself where it may."""
        choice = machine.unasked(await self._store.load(run)) if self._goes_on else None
        await self._driver().interrupted(run, why, outputs, epoch=epoch, choice=choice)

    async def is_served(self, run: RunId) -> bool:
        """Whether a living server carries the run on when its wait is over. Raises UnknownRun."""
        if self._driver().holds(run):
            return True
        row = await self._store.row(run)
        return await self.is_ours(row) or bool(row.server and await self._peers.alive(row.server))

    async def adopt(self, run_id: RunId) -> None:
        """Take a run whose server is gone: it is driven here from now on, whatever it waits for. A
        cell that was running is marked interrupted. Raises Fenced when its server is alive.
        """
        row = await self._store.row(run_id)
        if row.server not in (None, self._server) and await self._peers.alive(row.server or ""):
            raise Fenced(f"The run {run_id} is at work on another server.")
        await self._store.claim(run_id, self._server, row.epoch)
        await self._recover(run_id)
