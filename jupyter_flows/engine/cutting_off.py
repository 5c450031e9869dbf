"""Ends cells that still execute though their step, or their run, is over."""

import asyncio

from jupyter_flows.core.model import Run, RunId, RunStatus, StepId
from jupyter_flows.engine.drive import Driver
from jupyter_flows.engine.tell import Teller
from jupyter_flows.ports import Dispatcher, Kernels

GRACE_SECONDS = 3.0
"""How long a cancelled cell may take to heed the interrupt before its kernel is killed."""


class CutOff:
    """The run was cancelled, or is too late, while its cell executed."""

    def __init__(
        self,
        teller: Teller,
        driver: Driver,
        dispatcher: Dispatcher,
        kernels: Kernels,
    ) -> None:
        self._teller = teller
        self._driver = driver
        self._dispatcher = dispatcher
        self._kernels = kernels

    async def cell_if_over(self, run: RunId) -> None:
        """A cell that executes though its step is over: the run was cancelled, or is too late."""
        found = self._driver.executing(run)
        if found is None:
            await self._restoring_if_over(run)
            return
        is_due = _is_due(await self._teller.state(run), found[0])  # while that cell executes
        if is_due or self._driver.executing(run) is not found:
            return
        await self._kernels.interrupt(run)
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await found[1].wait()
        except TimeoutError:
            await self._kernels.close(run)

    async def _restoring_if_over(self, run: RunId) -> None:
        """Cells that run again in the midst of a restore may hang; nobody needs their kernel."""
        if (await self._teller.state(run)).finished and run in self._dispatcher.driving():
            await self._kernels.close(run)


def _is_due(run: Run, step: StepId) -> bool:
    """Whether the run wants this step's cell to execute: as its step, or for a fresh kernel."""
    if run.rebuild and run.status is RunStatus.RUNNING:
        return True
    return run.running == step
