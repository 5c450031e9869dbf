"""What is said on the database's channel, heard as it is said: LISTEN, and again after a loss."""

import asyncio
import logging
from collections.abc import Callable

import psycopg

from jupyter_flows.store.postgres.opening import REACH

CHANNEL = "jupyter_flows"
"""Of NOTIFY: `e:RUN:SEQ` events were committed; `c:RUN` a run was claimed; `p:SERVER:RUN` look at
the run; `s:` at the schedules; `q:SERVER:ID` a question; `a:ID` its answer; `k:` at the keys;
`d:SERVER` be drained.
"""

QUIET_SECONDS = 10.0
"""After so long without a word it is asked whether the connection still is one."""

AGAIN_SECONDS = 0.5
"""Before it is tried to connect again."""


class Wire:
    """`heard` gets each payload, and the process of the database by which it was said; `connected`
    is called whenever listening begins (again): what was said before is lost.
    """

    def __init__(
        self,
        url: str,
        heard: Callable[[str, int], None],
        connected: Callable[[], None],
        log: logging.Logger,
    ) -> None:
        self._url = url
        self._heard = heard
        self._connected = connected
        self._log = log

    async def forever(self) -> None:
        is_lost = False
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                if not is_lost:
                    self._log.warning("the database can't be listened to: %s", error)
                is_lost = True
            except TimeoutError:
                self._log.warning("the database has not answered; connecting again")
            else:
                is_lost = False
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, **REACH)  # type: ignore[arg-type]
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            self._connected()
            while True:
                async for notice in connection.notifies(timeout=QUIET_SECONDS):
                    self._hear(notice)
                async with asyncio.timeout(QUIET_SECONDS):
                    await connection.execute("SELECT 1")

    def _hear(self, notice: psycopg.Notify) -> None:
        try:
            self._heard(notice.payload, notice.pid)
        except Exception:  # noqa: BLE001 (a defect in what one piece of news leads to: the next comes)
            self._log.exception("news of other servers: %s", notice.payload)
