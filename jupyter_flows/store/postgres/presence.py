"""This server among those on a PostgreSQL database: its lease, what it hears, whom it asks.

No server's clock matters: all times are the database's (scale.md, Rules learnt).
"""

import asyncio
import functools
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from jupyter_flows.core.errors import StoreUnavailable
from jupyter_flows.core.model import RunId
from jupyter_flows.ports import Evaluation, Expression
from jupyter_flows.store.postgres.questions import Evaluate, Questions
from jupyter_flows.store.postgres.servers import LEASE_SECONDS, ServerCard, ServerRow, SqlServers
from jupyter_flows.store.postgres.wire import CHANNEL, Wire

BEAT_SECONDS = 4.0
"""How often a lease is renewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Who is told of what: of events that somebody has committed; of a run to look at; of the
    schedules, the keys; that this server is to be drained; and that anything may have happened, for
    the database was away, or this server slept. `evaluate` answers questions. `is_own` knows the
    store's own connection by its process in the database: what that says is no news.
    """

    events: Callable[[RunId, int], None]
    look: Callable[[RunId], None]
    schedules: Callable[[], None]
    keys: Callable[[], None]
    drained: Callable[[], None]
    lost_touch: Callable[[], None]
    evaluate: Evaluate
    is_own: Callable[[int], bool]


class Presence:
    """Implements `ports.Peers`."""

    def __init__(self, url: str, servers: SqlServers, log: logging.Logger) -> None:
        self._servers = servers
        self._log = log
        self._questions = Questions(servers)
        self._wire = Wire(url, self._told, self._connected, log)
        self._card: ServerCard | None = None
        self._heard: Heard | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._answering: set[str] = set()
        self._in_touch_since: float | None = None
        self._renewed_at = 0.0
        self.draining = False
        self._ahead = 0.0
        self._set_clock()

    # ------------------------------------------------------------ time

    def _set_clock(self) -> None:
        before = _wall()
        now = self._servers.now()
        self._ahead = now - (before + _wall()) / 2

    def clock(self) -> float:
        """Now, in POSIX seconds, by the database's clock."""
        return _wall() + self._ahead

    # ------------------------------------------------------------ this server

    @property
    def id(self) -> str:
        return "" if self._card is None else self._card.id

    def announce(self, card: ServerCard) -> None:
        """Be alive under this name from now on. Raises StoreUnavailable."""
        self._card = card
        self._renew()
        self._in_touch_since = self._renewed_at = _steady()

    def start(self, heard: Heard) -> None:
        """Needs a running loop: listen, and renew the lease."""
        self._heard = heard
        self._spawn(self._wire.forever(), "jupyter-flows news of other servers")
        self._spawn(self._renew_forever(), "jupyter-flows lease")

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("%s: %s", task.get_name(), error, exc_info=error)

    def _renew(self) -> None:
        if self._card is not None:
            self.draining = self._servers.renew(self._card) or self.draining
            self._set_clock()

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            begun, was_draining = _steady(), self.draining
            try:
                await asyncio.to_thread(self._renew)
            except StoreUnavailable as error:
                self._in_touch_since = None
                self._log.warning("the lease of this server is not renewed: %s", error)
                continue
            self._renewed(begun)
            if self.draining and not was_draining and self._heard is not None:
                self._heard.drained()

    def _renewed(self, begun: float) -> None:
        was_away = begun - self._renewed_at >= LEASE_SECONDS
        self._renewed_at = begun
        if self._in_touch_since is None or was_away:
            self._in_touch_since = _steady()
            if self._heard is not None:
                self._heard.lost_touch()

    @property
    def is_sure(self) -> bool:
        """Whether the lease runs: no other server can have taken what this one holds."""
        return self._card is None or _steady() - self._renewed_at < LEASE_SECONDS

    async def leave(self) -> None:
        """Be alive no more: others take at once what is left."""
        tasks = tuple(self._background)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._card is None:
            return
        try:
            await asyncio.to_thread(self._servers.remove, self._card.id)
        except StoreUnavailable as error:
            self._log.warning("others will wait for this server's lease to end: %s", error)
        self._card = None

    # ------------------------------------------------------------ the others

    async def alive(self, server: str) -> bool:
        """By its lease. A server that was out of touch itself gives the others as long to renew
        theirs. Raises StoreUnavailable.
        """
        if server == self.id:
            return True
        row = await self.card(server)
        return row is not None and (row.lives or not self._may_judge)

    @property
    def _may_judge(self) -> bool:
        """Whether a lease that ran out means that its server is dead: for a process without a lease
        of its own, which looks but once, it does.
        """
        if self._card is None:
            return True
        since = self._in_touch_since
        return since is not None and _steady() - since >= LEASE_SECONDS

    async def card(self, server: str) -> ServerRow | None:
        """What is known of it."""
        return await asyncio.to_thread(self._servers.server, server)

    async def all(self) -> list[ServerRow]:
        """Those that live, the oldest first."""
        return [row for row in await self.known() if row.lives]

    async def known(self) -> list[ServerRow]:
        """Those that live, and those that died within the hour."""
        return await asyncio.to_thread(self._servers.servers)

    async def drain(self, server: str) -> bool:
        """Have it take no new runs, and leave those that it can to others; whether it is known."""
        there = await asyncio.to_thread(self._servers.drain, server)
        await self._say(f"d:{server}")
        return there

    async def poke(self, server: str, run: RunId) -> bool:
        await self._say(f"p:{server}:{run}")
        return True

    async def poke_schedules(self) -> bool:
        """Ask the servers that last to look at the schedules; whether there is one."""
        await self._say("s:")
        return any(row.lasting for row in await self.all())

    async def say_keys_changed(self) -> None:
        await self._say("k:")

    async def _say(self, said: str) -> None:
        await asyncio.to_thread(self._servers.notify, CHANNEL, said)

    async def evaluate(self, server: str, run: RunId, expression: Expression) -> Evaluation:
        return await self._questions.ask(server, run, expression)

    # ------------------------------------------------------------ what is heard

    def _connected(self) -> None:
        """What was said before is lost."""
        if self._heard is not None:
            self._heard.keys()
            self._heard.schedules()
            self._heard.lost_touch()
            self._spawn(self._answer_all(), "jupyter-flows questions")

    def _told(self, said: str, pid: int) -> None:
        if self._heard is None or self._heard.is_own(pid):
            return
        kind, _, rest = said.partition(":")
        first, _, second = rest.partition(":")
        act = self._acts(self._heard, first, second).get(kind)
        if act is not None:
            act()

    def _acts(self, heard: Heard, first: str, second: str) -> dict[str, Callable[[], None]]:
        acts: dict[str, Callable[[], None]] = {
            "c": functools.partial(heard.look, RunId(first)),
            "a": functools.partial(self._questions.heard, first),
            "s": heard.schedules,
            "k": heard.keys,
        }
        if second.isdigit():
            acts["e"] = functools.partial(heard.events, RunId(first), int(second))
        if first == self.id:
            acts["p"] = functools.partial(heard.look, RunId(second))
            acts["q"] = lambda: self._spawn(self._answer_all(), "jupyter-flows questions")
            acts["d"] = self._drain
        return acts

    def _drain(self) -> None:
        if not self.draining and self._heard is not None:
            self.draining = True
            self._heard.drained()

    async def _answer_all(self) -> None:
        if self._heard is None:
            return
        for question, run, expression in await self._questions.waiting(self.id):
            if question not in self._answering:
                answering = self._answer(question, run, expression, self._heard.evaluate)
                self._spawn(answering, f"jupyter-flows question {question}")

    async def _answer(
        self, question: str, run: RunId, expression: Expression, evaluate: Evaluate
    ) -> None:
        self._answering.add(question)
        try:
            await self._questions.answer(question, run, expression, evaluate)
        finally:
            self._answering.discard(question)


def _wall() -> float:
    return time.time()  # noqa: TID251 (compared with the database's)


def _steady() -> float:
    """Seconds that no change of a clock moves; they go on while this process is stopped."""
    return time.monotonic()
