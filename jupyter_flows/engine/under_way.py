"""Work on a run's kernel that its driver must wait for: saving its variables, letting it go."""

import asyncio
from collections.abc import Callable

from jupyter_flows.core.model import RunId


class UnderWay:
    """One piece of work a run at a time; whoever has begun it ends it."""

    def __init__(self) -> None:
        self._ends: dict[RunId, asyncio.Event] = {}

    def __contains__(self, run: RunId) -> bool:
        return run in self._ends

    def begin(self, run: RunId) -> Callable[[], None]:
        """It is under way from now on; call what comes back at its end."""
        self._ends[run] = end = asyncio.Event()

        def ended() -> None:
            if self._ends.get(run) is end:
                del self._ends[run]
            end.set()

        return ended

    async def ended(self, run: RunId, seconds: float | None = None) -> bool:
        """Wait until nothing is under way with the run; False if that took longer."""
        try:
            async with asyncio.timeout(seconds):
                while (end := self._ends.get(run)) is not None:
                    await end.wait()
        except TimeoutError:
            return False
        return True

    async def all_ended(self, seconds: float) -> None:
        """Wait for all of it, but not for longer."""
        ends = [asyncio.ensure_future(end.wait()) for end in self._ends.values()]
        if ends:
            _, late = await asyncio.wait(ends, timeout=seconds)
            for each in late:
                each.cancel()
