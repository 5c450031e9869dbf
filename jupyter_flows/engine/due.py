"""The clock's part: one task that wakes when the next due time has come, for all runs together."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.engine.tell import Teller
from jupyter_flows.ports import Clock, Store

RECONCILE_SECONDS = 15.0
"""How often, at least, the store is looked at: for due times that another server wrote, and for
runs that have something to do and whose server is gone."""

BEGINNINGS = (e.GateOpened, e.RunSlept, e.RunStarted, e.RunResumed)
"""The events behind which a run may have a due time that it had not before."""

RETRY_SECONDS = 1.0
"""The pause after something could not be done, so that it is not tried without end."""


class DueTimes:
    def __init__(
        self,
        *,
        store: Store,
        teller: Teller,
        after_telling: Callable[[RunId], Awaitable[None]],
        clock: Clock,
        reconcile: Callable[[], Awaitable[None]],
        log: logging.Logger,
    ) -> None:
        self._store = store
        self._teller = teller
        self._after_telling = after_telling
        self._clock = clock
        self._reconcile = reconcile
        self._log = log
        self._changed = asyncio.Event()

    def committed(self, run: Run, events: Sequence[Recorded]) -> None:
        """A listener: what has just begun to wait may be due before all others."""
        if run.due_at is not None and any(isinstance(row.event, BEGINNINGS) for row in events):
            self._changed.set()

    async def work(self) -> None:
        """For ever: sleep to the next due time, then see to what is due."""
        while True:
            try:
                await self._sleep()
                if not await self.tick():
                    await asyncio.sleep(RETRY_SECONDS)
            except FlowsError as error:
                self._log.warning("due times: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # noqa: BLE001 (the one task of all runs goes on)
                self._log.exception("due times: a defect")
                await asyncio.sleep(RETRY_SECONDS)

    async def _sleep(self) -> None:
        self._changed.clear()
        due = await self._store.next_due()
        wait = RECONCILE_SECONDS if due is None else due - self._clock()
        try:
            await asyncio.wait_for(self._changed.wait(), min(max(wait, 0.0), RECONCILE_SECONDS))
        except TimeoutError:
            await self._reconcile()

    async def tick(self) -> bool:
        """Tell every due run that its time has come, and have it driven; whether all could be."""
        due = await self._store.due(self._clock())
        return all([await self._tell(run) for run in due])

    async def _tell(self, run: RunId) -> bool:
        try:
            await self._teller.tell(run, c.CheckDeadline())
        except FlowsError as error:
            self._log.warning("run %s: its deadline could not be seen to: %s", run, error)
            return False
        except Exception:  # noqa: BLE001 (one run's defect must not keep the others waiting)
            self._log.exception("run %s: its deadline could not be seen to", run)
            return False
        await self._after_telling(run)
        return True
