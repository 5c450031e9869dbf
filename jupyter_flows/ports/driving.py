"""Who drives a run, here and on other servers, and who is told of what has happened."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.ports.kernels import Evaluation, Expression

Deliver: TypeAlias = Callable[[RunId], Awaitable[None]]
"""Drive this run to its next wait, if it is for this server to do; it returns then."""


class Dispatcher(Protocol):
    """Sees to it that a run which has something to do is driven, here or on another server."""

    async def start(self) -> None:
        """Drive what is to be driven, from now on. Needs a running loop."""

    def driving(self) -> list[RunId]:
        """The runs that are driven in this process just now."""

    def home(self, queue: str | None, *, pinned: bool) -> str | None:
        """The server that a new run of this class begins with; None leaves it to any of them. A
        `pinned` one needs what only this server has: its kernels, its notebooks.
        """

    async def enqueue(self, run: RunId) -> None:
        """Deliver `drive(run)` at least once, soon."""

    async def committed(self, run: RunId) -> None:
        """Something of the run's was committed here that its driver may have to act upon."""

    async def here(self, run: RunId) -> None:
        """Drive it in this process, if it is for this server to do."""

    async def settled(self, run: RunId) -> bool:
        """Wait until the run is not driven here any more."""

    async def reconcile(self) -> None:
        """Find what has something to do, and nobody to do it."""

    async def stop(self) -> None:
        """End what is being driven here, and wait for it."""


class Jobs(Protocol):
    """A queue of jobs, one for each `drive(run)`, that several servers take from. What is committed
    to the store puts its job there in the same transaction.
    """

    async def start(self, deliver: Deliver) -> None:
        """Take jobs from now on, as many at a time as this server has places."""

    async def defer(self, run: RunId) -> None:
        """Put one there, for the server that has the run's kernel, else for one of its class."""

    def has_place(self, queue: str | None) -> bool:
        """Whether this server would take a job of this class at once."""

    async def reconcile(self) -> None:
        """Put one there for each run that has something to do and has none."""

    async def stop(self) -> None:
        """Take no more. Those that are under way have ended before."""


class Peers(Protocol):
    """The other servers on this store."""

    async def alive(self, server: str) -> bool:
        """Whether that server's process lives."""

    async def poke(self, server: str, run: RunId) -> bool:
        """Ask it to drive the run; whether it said yes."""

    async def evaluate(self, server: str, run: RunId, expression: Expression) -> Evaluation:
        """Ask it to evaluate in the run's kernel, which it has. Raises KernelUnavailable."""


class Listener(Protocol):
    """Called after events are on disk, in order, within one process."""

    def __call__(self, run: Run, events: Sequence[Recorded], /) -> None: ...
