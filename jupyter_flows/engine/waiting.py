"""One task that sleeps to the next due time of a store, and sees to what is due, for ever."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from jupyter_flows.core.errors import FlowsError
from jupyter_flows.ports import Clock

RECONCILE_SECONDS = 15.0
"""How often, at least, the store is looked at: for due times that another server wrote, and for
runs that have something to do and whose server is gone."""

RETRY_SECONDS = 1.0
"""The pause after something could not be done, so that it is not tried without end."""


async def _nothing() -> None:
    """Where nothing else is to be looked at."""


class HasDueTimes(Protocol):
    async def next_due(self) -> float | None:
        """The earliest due time of all."""


class Waiting:
    """`store` gives the earliest due time; `tick` sees to what is due, and says whether all of
    it could be; `reconcile` is called when nothing was due for `every` seconds. `what` is for the
    log.
    """

    def __init__(
        self,
        what: str,
        *,
        store: HasDueTimes,
        tick: Callable[[], Awaitable[bool]],
        reconcile: Callable[[], Awaitable[None]] = _nothing,
        every: float = RECONCILE_SECONDS,
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._what = what
        self._store = store
        self._tick = tick
        self._reconcile = reconcile
        self._every = every
        self._clock = clock
        self._log = log
        self._changed = asyncio.Event()

    def look(self) -> None:
        """Look now: something may be due before all others."""
        self._changed.set()

    async def forever(self) -> None:
        while True:
            try:
                await self._sleep()
                if not await self._tick():
                    await asyncio.sleep(RETRY_SECONDS)
            except FlowsError as error:
                self._log.warning("%s: %s", self._what, error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # noqa: BLE001 (the one task of them all goes on)
                self._log.exception("%s: a defect", self._what)
                await asyncio.sleep(RETRY_SECONDS)

    async def _sleep(self) -> None:
        self._changed.clear()
        due = await self._store.next_due()
        wait = self._every if due is None else due - self._clock()
        try:
            async with asyncio.timeout(min(max(wait, 0.0), self._every)):
                await self._changed.wait()
        except TimeoutError:
            await self._reconcile()
