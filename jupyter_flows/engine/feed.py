"""Following a run's events as they are committed, here or by another server on the store."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence

from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.ports import Listener, Store

FOREIGN_POLL_SECONDS = 1.0
"""How often the log is looked at for events that another server wrote."""


REMEMBERED = 4096
"""Of how many runs it is known what this process committed last."""


class Feed:
    """Calls listeners after each commit of this process, and wakes those who follow a run."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listeners: list[Listener] = []
        self._followers: dict[RunId, set[asyncio.Event]] = defaultdict(set)
        self._committed: dict[RunId, int] = {}  # up to which event, by this process

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call it from now on; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def committed(self, run: Run, events: Sequence[Recorded]) -> None:
        self._committed[run.id] = run.seq
        if len(self._committed) > REMEMBERED:
            del self._committed[next(iter(self._committed))]
        for listener in tuple(self._listeners):
            listener(run, events)
        self._wake(run.id)

    def _wake(self, run: RunId) -> None:
        for wake in self._followers.get(run, ()):
            wake.set()

    def heard(self, run: RunId, seq: int) -> bool:
        """Somebody has committed the run's events up to this one; whether it was another process.
        Those who follow the run look for them.
        """
        if self._committed.get(run, 0) >= seq:
            return False
        self._wake(run)
        return True

    def look(self) -> None:
        """All who follow a run look for new events: nobody knows what was committed meanwhile."""
        for run in tuple(self._followers):
            self._wake(run)

    async def follow(self, run: RunId, after: int = 0) -> AsyncIterator[Sequence[Recorded]]:
        """The run's events behind `after`, in batches, for ever; an empty batch says that nothing
        came for a second. Raises UnknownRun.
        """
        wake = asyncio.Event()
        self._followers[run].add(wake)
        try:
            while True:
                wake.clear()
                rows = await self._store.events(run, after)
                if rows:
                    after = rows[-1].seq
                    yield rows
                    continue
                try:
                    async with asyncio.timeout(FOREIGN_POLL_SECONDS):
                        await wake.wait()
                except TimeoutError:
                    yield ()
        finally:
            self._followers[run].discard(wake)
            if not self._followers[run]:
                self._followers.pop(run, None)
