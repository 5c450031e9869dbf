"""Tells what a kernel puts out while it does: the first of it at once, what follows in batches."""

import asyncio
from collections.abc import Callable, Sequence

from jupyter_flows.kernels.outputs import RunOutputs
from jupyter_flows.ports import OutputOp

EVERY = 0.02
"""Seconds between two batches."""


class Telling:
    """`on_ops` is told. A message costs nothing here while a batch is waited for."""

    def __init__(self, outputs: RunOutputs) -> None:
        self._outputs = outputs
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0.0
        self.on_ops: Callable[[Sequence[OutputOp]], None] = lambda _: None

    def came(self) -> None:
        """Something may have come."""
        if self._timer is None and self._outputs.has_news:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(self._next, loop.time()), self.now)

    def now(self) -> None:
        """Tell what was not told yet."""
        self.stop()
        ops = self._outputs.news()
        if ops:
            self._next = asyncio.get_running_loop().time() + EVERY
            self.on_ops(ops)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
