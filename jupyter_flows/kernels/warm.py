"""Kernels started before anybody asks, so that a run need not wait for one.

Each is given to one run and never comes back.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.kernels.session import KernelSession

RETRY = 30.0


@dataclass(frozen=True, slots=True)
class WarmKernels:
    """How many to hold of a Python kernelspec; older ones (seconds) are replaced."""

    kernel_name: str = "python3"
    count: int = 1
    max_age: float = 3600.0


class WarmPool:
    """Holds one sort of warm kernels; `launch` gives one that is opened, for nobody yet."""

    def __init__(
        self,
        kind: WarmKernels,
        launch: Callable[[str], Awaitable[KernelSession]],
        log: logging.Logger,
    ) -> None:
        self.kind = kind
        self._launch = launch
        self._log = log
        self._stock: deque[tuple[float, KernelSession]] = deque()
        self._changed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Fill up in the background; nothing happens for a count of 0."""
        if self.kind.count > 0 and self._keeper is None:
            name = f"warm kernels {self.kind.kernel_name}"
            self._keeper = asyncio.create_task(self._keep(), name=name)

    @property
    def ready(self) -> int:
        return sum(not session.lost for _, session in self._stock)

    def take(self) -> KernelSession | None:
        """One for good, if any is ready; it is replaced in the background."""
        while self._stock:
            _, session = self._stock.popleft()
            self._changed.set()
            if not session.lost:
                session.on_lost = lambda: None
                return session
        return None

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        stock, self._stock = self._stock, deque()
        await asyncio.gather(*(session.close(now=True) for _, session in stock))

    async def _keep(self) -> None:
        while True:
            self._changed.clear()
            await self._drop_old()
            wait = await self._fill()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _drop_old(self) -> None:
        now = asyncio.get_running_loop().time()
        fresh = [e for e in self._stock if not e[1].lost and now - e[0] < self.kind.max_age]
        stale = [e for e in self._stock if e not in fresh]
        self._stock = deque(fresh)
        for _, session in stale:
            session.on_lost = lambda: None
            await session.close(now=True)

    async def _fill(self) -> float:
        """Start what is missing; the seconds until the next is too old."""
        loop = asyncio.get_running_loop()
        while len(self._stock) < self.kind.count:
            try:
                session = await self._launch(self.kind.kernel_name)
            except KernelUnavailable as error:
                self._log.warning("No warm kernel: %s", error)
                return RETRY
            session.on_lost = self._changed.set
            self._stock.append((loop.time(), session))
        return max(0.0, self._stock[0][0] + self.kind.max_age - loop.time())
