"""Keeps a server that culls idle kernels from those of runs that wait."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from jupyter_flows.kernels.kernel import Kernel

EVERY = 20.0
"""Seconds between two rounds, or a third of the time after which the server culls, if less."""


class Keeping:
    """One task for all `kernels`, and none where nobody culls. That we are connected to a kernel is
    not enough: a server may be told to cull those too.
    """

    def __init__(self, manager: Any, kernels: Callable[[], Iterable[Kernel]]) -> None:
        self._timeout = float(getattr(manager, "cull_idle_timeout", 0))
        self._kernels = kernels
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._timeout > 0 and self._task is None:
            self._task = asyncio.create_task(self._keep(), name="jupyter-flows keeps kernels")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _keep(self) -> None:
        while True:
            kernels = list(self._kernels())
            for kernel in kernels:
                kernel.touch()
            patience = min([self._timeout, *(k.cull_timeout(self._timeout) for k in kernels)])
            await asyncio.sleep(max(0.01, min(EVERY, patience / 3)))
