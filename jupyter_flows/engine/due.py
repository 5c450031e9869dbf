"""The clock's part: one task that wakes when the next due time has come, for all runs together."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.engine.tell import Teller
from jupyter_flows.engine.waiting import Waiting
from jupyter_flows.ports import Clock, Store

BEGINNINGS = (e.RunCreated, e.GateOpened, e.RunSlept, e.RunStarted, e.RunResumed)
"""The events behind which a run may have a due time that it had not before."""


class DueTimes:
    def __init__(
        self,
        *,
        store: Store,
        teller: Teller,
        after_telling: Callable[[RunId], Awaitable[None]],
        clock: Clock,
        reconcile: Callable[[], Awaitable[None]],
        every: float,
        log: logging.Logger,
    ) -> None:
        self._store = store
        self._teller = teller
        self._after_telling = after_telling
        self._clock = clock
        self._log = log
        self.waiting = Waiting(
            "due times",
            store=store,
            tick=self.tick,
            reconcile=reconcile,
            every=every,
            clock=clock,
            log=log,
        )

    def committed(self, run: Run, events: Sequence[Recorded]) -> None:
        """A listener: what has just begun to wait may be due before all others."""
        if run.due_at is not None and any(isinstance(row.event, BEGINNINGS) for row in events):
            self.waiting.look()

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
