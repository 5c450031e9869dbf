"""What drives runs in a process, put together: driver, dispatcher, recovery, waits, due times."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping

from jupyter_flows.core.model import Run, RunId
from jupyter_flows.engine.asked import Limits
from jupyter_flows.engine.cutting_off import CutOff
from jupyter_flows.engine.dispatching import dispatcher
from jupyter_flows.engine.drive import Driver
from jupyter_flows.engine.due import DueTimes
from jupyter_flows.engine.feed import Feed
from jupyter_flows.engine.keep import Keeper
from jupyter_flows.engine.queue import Queue
from jupyter_flows.engine.recovery import Recovery
from jupyter_flows.engine.releasing import Memory
from jupyter_flows.engine.tell import Teller
from jupyter_flows.engine.waiting import RECONCILE_SECONDS
from jupyter_flows.engine.waits import Waits
from jupyter_flows.ports import Checkpoints, Clock, Jobs, Kernels, Peers, RunRow, Store

DEFAULT_QUEUE = "default"
"""The class of runs that name none."""

SOON_SECONDS = 2.0
"""How often it is looked for runs that a dead server left behind, where others may take them."""


class Works:
    """The parts know one another through it. What they are told stands with `Engine`."""

    def __init__(
        self,
        *,
        server: str,
        store: Store,
        kernels: Kernels,
        checkpoints: Checkpoints,
        peers: Peers,
        teller: Teller,
        keeper: Keeper,
        feed: Feed,
        cancel_orphans: Callable[[], Awaitable[None]],
        failed: Callable[[RunId, Exception], Awaitable[None]],
        after_telling: Callable[[RunId], Awaitable[None]],
        spawn: Callable[[Coroutine[None, None, None], str], asyncio.Task[None]],
        env: Callable[[Run], Mapping[str, str]],
        clock: Clock,
        limits: Limits,
        memory: Callable[[], Memory],
        adopts: bool,
        owners: Collection[str],
        drives: bool,
        jobs: Jobs | None,
        queues: Collection[str],
        is_sure: Callable[[], bool],
        log: logging.Logger,
    ) -> None:
        self._owners = owners
        self._queues = None if jobs is None else queues
        self.recovery = Recovery(
            server=server,
            adopts=adopts,
            takes=self._takes,
            goes_on=jobs is not None,
            store=store,
            kernels=kernels,
            peers=peers,
            driver=lambda: self.driver,
            dispatcher=lambda: self.dispatcher,
            cancel_orphans=cancel_orphans,
            log=log,
        )
        self.waits = Waits(
            store=store,
            kernels=kernels,
            checkpoints=checkpoints,
            teller=teller,
            driver=lambda: self.driver,
            dispatcher=lambda: self.dispatcher,
            spawn=spawn,
            memory=memory,
            clock=clock,
            limits=limits,
            log=log,
        )
        self.driver = Driver(
            server=server,
            store=store,
            kernels=kernels,
            peers=peers,
            teller=teller,
            keeper=keeper,
            checkpoints=checkpoints,
            saving=self.waits.saving,
            under_way=self.waits.under_way,
            is_ours=self.recovery.is_ours,
            env=env,
            is_sure=is_sure,
            log=log,
        )
        self.dispatcher = dispatcher(
            server=server,
            store=store,
            peers=peers,
            driver=self.driver,
            recovery=self.recovery,
            failed=failed,
            drives=drives,
            adopts=adopts,
            jobs=jobs,
            log=log,
        )
        self.due = DueTimes(
            store=store,
            teller=teller,
            after_telling=after_telling,
            clock=clock,
            reconcile=self.recovery.reconcile,
            every=RECONCILE_SECONDS if jobs is None else SOON_SECONDS,
            log=log,
        )
        self.cut_off = CutOff(teller, self.driver, self.dispatcher, kernels)
        queue = Queue(store, self.dispatcher, spawn)
        self.driver.place = queue.place
        for listener in (self.due.committed, self.waits.collecting.committed, queue.committed):
            feed.listen(listener)

    def _takes(self, row: RunRow) -> bool:
        """Whether a run of this class, and of this owner, is for this server to take over."""
        of_class = self._queues is None or (row.queue or DEFAULT_QUEUE) in self._queues
        return of_class and (not self._owners or row.owner in self._owners)
