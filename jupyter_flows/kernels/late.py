"""Outputs that come while no cell runs: a thread still prints, a display was updated."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeAlias

from jupyter_flows.core.model import StepId
from jupyter_flows.kernels.outputs import RunOutputs
from jupyter_flows.ports import Outputs

LATE = 0.5
"""Seconds in which they are gathered, at first."""
LATE_MOST = 600.0
"""They are gathered twice as long each time until the next cell runs: what prints for ever would
fill the log, and no answer would ever be about what the gate shows.
"""

Told: TypeAlias = Callable[[Mapping[StepId, Outputs]], None]


class Late:
    """Gathers for a while, then tells. While a cell runs, they wait for its outcome instead."""

    def __init__(self, outputs: RunOutputs) -> None:
        self._outputs = outputs
        self._timer: asyncio.TimerHandle | None = None
        self._after = LATE
        self.on_late: Told = lambda _: None

    def came(self) -> None:
        """Something came while no cell runs."""
        if self._timer is None and self._outputs.has_amended():
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._after, self._tell_late)

    def _tell_late(self) -> None:
        self._timer = None
        self._after = min(2 * self._after, LATE_MOST)
        self.on_late(self._outputs.amended())

    def cell_begins(self) -> None:
        self.stop()
        self._after = LATE

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
