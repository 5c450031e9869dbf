"""Webhooks at work: one task that wakes when the next delivery is due, and sends it.

Deliveries are written with the events that they tell of. Whoever sends one takes it first, which
moves its due time on by a lease: when a server dies meanwhile, it is due again.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence

from jupyter_flows.core import machine
from jupyter_flows.core import webhooks as core
from jupyter_flows.core.completions import Addresses
from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.core.webhooks import Delivery, DeliveryId, Status
from jupyter_flows.engine.waiting import Waiting
from jupyter_flows.ports import Clock, DeliveryStore, Store
from jupyter_flows.ports.notify import Poster

AT_ONCE = 20
"""So many receivers are waited for at a time."""

OF_ONE = 5
"""So many of them of one address: one that is slow must not hold up the others."""

LAST_SECONDS = 3.0
"""How long the last ones may take when the server ends; then another sends them, or this one when
it comes back."""


class Webhooks:
    """One a process. With `start`, in the running loop, it sends until `stop`, which comes before
    the engine's; asking needs neither. `secrets` gives what an address's webhooks are signed with.
    """

    def __init__(
        self,
        *,
        store: Store,
        deliveries: DeliveryStore,
        poster: Poster,
        secrets: Callable[[str, float], Sequence[str]],
        addresses: Addresses,
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._store = store
        self._deliveries = deliveries
        self._poster = poster
        self._secrets = secrets
        self._addresses = addresses
        self._clock = clock
        self._log = log
        self._doors = ""
        self._work: asyncio.Task[None] | None = None
        self._sending: dict[asyncio.Task[None], str] = {}
        self._news = asyncio.Event()
        self.waiting = Waiting("webhooks", store=deliveries, tick=self.tick, clock=clock, log=log)

    # ------------------------------------------------------------ asking and telling

    async def delivery(self, delivery: DeliveryId) -> Delivery:
        """Raises UnknownDelivery."""
        return await self._deliveries.delivery(delivery)

    async def deliveries(
        self, limit: int, *, owner: str | None = None, run: RunId | None = None
    ) -> list[Delivery]:
        """The newest first; those of one owner, of one run, or all."""
        return await self._deliveries.deliveries(limit, owner=owner, run=run)

    async def again(self, delivery: DeliveryId) -> Delivery:
        """Send it anew, whatever came of it, and to an address that had said that it takes no more.
        Raises UnknownDelivery.
        """
        before = await self._deliveries.delivery(delivery)
        while not await self._deliveries.change(before, core.again(before, self._clock())):
            before = await self._deliveries.delivery(delivery)
        await self._deliveries.trust(before.url)
        self._look()
        return await self._deliveries.delivery(delivery)

    def committed(self, run: Run, events: Sequence[Recorded]) -> None:
        """A listener: there may be something to send."""
        if self._store.outgoing(run, events):
            self._look()

    def _look(self) -> None:
        self._news.set()
        self.waiting.look()

    # ------------------------------------------------------------ at work

    def start(self, doors: str) -> None:
        """`doors` is the public address of this server's doors."""
        self._doors = doors.rstrip("/")
        self._work = asyncio.create_task(self.waiting.forever(), name="jupyter-flows webhooks")

    async def stop(self) -> None:
        """What is due is sent, as far as that takes 3 s; the rest stays in the store."""
        if self._work is None:
            return
        self._work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._work
        self._work = None
        with contextlib.suppress(TimeoutError, FlowsError):
            async with asyncio.timeout(LAST_SECONDS):
                await self.tick()
                await self.settled()
        for task in tuple(self._sending):
            task.cancel()
        await self.settled()

    async def settled(self) -> None:
        """Wait until nothing is being sent."""
        while self._sending:
            await asyncio.wait(tuple(self._sending))

    async def tick(self) -> bool:
        """Begin to send what is due, as far as there is room. If something is left for want of it,
        wait until there is some.
        """
        self._news.clear()
        while due := await self._due():
            for delivery in due:
                if len(self._sending) < AT_ONCE and delivery.url not in self._full():
                    await self._take(delivery)
        next_due = await self._deliveries.next_due()
        if self._sending and next_due is not None and next_due <= self._clock():
            await self._news.wait()
        return True

    async def _due(self) -> list[Delivery]:
        room = AT_ONCE - len(self._sending)
        return await self._deliveries.due(self._clock(), room, self._full()) if room else []

    def _full(self) -> set[str]:
        """The addresses that as many are sent to as may be."""
        return {url for url, count in Counter(self._sending.values()).items() if count >= OF_ONE}

    async def _take(self, delivery: Delivery) -> None:
        if await self._deliveries.is_gone(delivery.url):
            why = "The receiver has answered 410 before: nothing more is sent to it."
            await self._deliveries.change(delivery, core.gone(delivery, why, self._clock()))
            return
        taken = core.taken(delivery, self._clock())
        if not await self._deliveries.change(delivery, taken):
            return
        task = asyncio.create_task(self._send(taken), name=f"jupyter-flows webhook {delivery.id}")
        self._sending[task] = delivery.url
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        self._news.set()

    async def _send(self, delivery: Delivery) -> None:
        try:
            answer = await self._answer(delivery)
            after = core.after(delivery, answer, self._clock())
            await self._deliveries.change(delivery, after)
        except FlowsError as error:  # the store is away: it is due again when the lease is over
            self._log.warning("webhook %s: what came of it can't be kept: %s", delivery.id, error)
            return
        if after.status is not Status.DELIVERED:
            end = "" if after.due_at is not None else "; it is not sent again"
            self._log.warning(
                "webhook %s of run %s: %s%s", after.id, after.run, after.last_error, end
            )
        self.waiting.look()

    async def _answer(self, delivery: Delivery) -> core.Answer | str:
        """What the receiver answers, or why it was not asked."""
        try:
            content = await self._content(delivery)
            now = self._clock()
            secrets = self._secrets(delivery.url, now)
            if delivery.url not in self._addresses.trusted:
                self._addresses.check(delivery.url)
            return await self._poster.post(
                delivery.url,
                content,
                core.headers(delivery.id, content, secrets, now),
                public=self._addresses.must_be_public(delivery.url),
            )
        except FlowsError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 (one delivery's defect must not stop the others)
            self._log.exception("webhook %s: a defect", delivery.id)
            return f"{type(error).__name__}: {error}"

    async def _content(self, delivery: Delivery) -> bytes:
        """Of the log as it was at the event: the same at every try."""
        rows = (await self._store.events(delivery.run))[: delivery.seq]
        return core.body(delivery, machine.replay(delivery.run, rows), rows[-1], self._doors)
