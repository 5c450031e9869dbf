"""Says that this server is in use, for as long as runs of its own are not finished."""

import asyncio
import logging
from collections.abc import Callable

from jupyter_flows.core.errors import StoreUnavailable
from jupyter_flows.core.model import RunStatus
from jupyter_flows.ports import RunFilter, Store

EVERY = 30.0
"""Seconds between two looks."""

PAGE = 100

UNFINISHED = frozenset(
    {RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.SUSPENDED, RunStatus.SLEEPING}
)
"""Those with something to come by itself, or by an answer."""


class Staying:
    """`active` is called again and again while there is such a run."""

    def __init__(
        self, store: Store, server: str, active: Callable[[], None], log: logging.Logger
    ) -> None:
        self._store = store
        self._server = server
        self._active = active
        self._log = log
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._stay(), name="jupyter-flows keeps the server")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _stay(self) -> None:
        while True:
            try:
                if await self._has_unfinished():
                    self._active()
            except StoreUnavailable as error:
                self._log.warning("Whether runs are unfinished can't be seen: %s", error)
            await asyncio.sleep(EVERY)

    async def _has_unfinished(self) -> bool:
        cursor: str | None = None
        while True:
            page = await self._store.runs(RunFilter(status=UNFINISHED), cursor, PAGE)
            if any(row.server == self._server for row in page.rows):
                return True
            cursor = page.cursor
            if cursor is None:
                return False
