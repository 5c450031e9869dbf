"""What becomes of the kernels of runs that wait: saved, tried, and let go."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

from jupyter_flows.core.model import RunId
from jupyter_flows.engine.asked import Limits
from jupyter_flows.engine.collecting import Collecting
from jupyter_flows.engine.drive import Driver
from jupyter_flows.engine.releasing import Memory, Releases
from jupyter_flows.engine.saving import Saving
from jupyter_flows.engine.tell import Teller
from jupyter_flows.engine.under_way import UnderWay
from jupyter_flows.ports import Checkpoints, Clock, Dispatcher, Kernels, Store

SAVING_SECONDS = 3.0
"""How long a server that stops waits for variables that are just being saved."""


class Waits:
    """Its parts, put together. `driver` and `dispatcher` come later, for they need this."""

    def __init__(
        self,
        *,
        store: Store,
        kernels: Kernels,
        checkpoints: Checkpoints,
        teller: Teller,
        driver: Callable[[], Driver],
        dispatcher: Callable[[], Dispatcher],
        spawn: Callable[[Coroutine[None, None, None], str], asyncio.Task[None]],
        memory: Callable[[], Memory],
        clock: Clock,
        limits: Limits,
        log: logging.Logger,
    ) -> None:
        self._driver = driver
        self._dispatcher = dispatcher
        self._spawn = spawn
        self.under_way = UnderWay()
        self.releases = Releases(
            kernels=kernels,
            checkpoints=checkpoints,
            teller=teller,
            under_way=self.under_way,
            clock=clock,
            memory=memory,
            is_driven=self._is_driven,
            let_go=self._let_go,
            epoch=lambda run: driver().epoch(run),
            request=lambda run: driver().request(run),
            log=log,
        )
        self.saving = Saving(
            kernels=kernels,
            checkpoints=checkpoints,
            teller=teller,
            under_way=self.under_way,
            spawn=spawn,
            saved=self.releases.wait,
            enqueue=lambda run: dispatcher().enqueue(run),
            clock=clock,
            seconds=limits.checkpoint_seconds,
            log=log,
        )
        self.collecting = Collecting(
            kernels=kernels,
            checkpoints=checkpoints,
            store=store,
            clock=clock,
            spawn=spawn,
            keep_failed=limits.failed_checkpoint_seconds,
            log=log,
        )

    def start(self, *, collects: bool) -> None:
        self._spawn(self.releases.forever(), "jupyter-flows kernels to let go")
        if collects:
            self._spawn(self.collecting.forever(), "jupyter-flows old checkpoints")

    async def settle(self) -> None:
        """Let what is being saved come to its end, if that is soon."""
        await self.under_way.all_ended(SAVING_SECONDS)

    def _is_driven(self, run: RunId) -> bool:
        return run in self._dispatcher().driving()

    async def _let_go(self, run: RunId) -> None:
        """The run waits without its kernel: it has no task, no thread and no memory here."""
        await self._driver().let_go(run)
