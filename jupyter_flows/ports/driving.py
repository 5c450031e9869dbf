"""Who drives a run, here and on other servers, and who is told of what has happened."""

from collections.abc import Sequence
from typing import Protocol

from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.ports.kernels import Evaluation, Expression


class Dispatcher(Protocol):
    """Sees to it that a run which has something to do is driven, here or on another server."""

    async def enqueue(self, run: RunId) -> None:
        """Deliver `drive(run)` at least once, soon."""

    async def settled(self, run: RunId) -> bool:
        """Wait until the run is not driven here any more."""

    async def stop(self) -> None:
        """End what is being driven here, and wait for it."""


class Peers(Protocol):
    """The other servers on this store."""

    def alive(self, server: str) -> bool:
        """Whether that server's process lives."""

    async def poke(self, server: str, run: RunId) -> bool:
        """Ask it to drive the run; whether it said yes."""

    async def evaluate(self, server: str, run: RunId, expression: Expression) -> Evaluation:
        """Ask it to evaluate in the run's kernel, which it has. Raises KernelUnavailable."""


class Listener(Protocol):
    """Called after events are on disk, in order, within one process."""

    def __call__(self, run: Run, events: Sequence[Recorded], /) -> None: ...
