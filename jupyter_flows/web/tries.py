"""Counting what may happen only so often a minute: guesses at links, answers by one (G35, 429)."""

from collections import deque

from jupyter_flows.core.errors import TooMany
from jupyter_flows.ports import Clock

WINDOW_SECONDS = 60.0
MAX_ADDRESSES = 10_000
"""When more than this many have tried lately, the oldest are forgotten."""


class Tries:
    """`limit` tries a minute for each address, or for whatever else names who tries."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._failed: dict[str, deque[float]] = {}

    def check(self, address: str) -> None:
        """Raises TooMany."""
        times = self._failed.get(address)
        if times is None:
            return
        now = self._clock()
        while times and now - times[0] >= WINDOW_SECONDS:
            times.popleft()
        if not times:
            del self._failed[address]
        elif len(times) >= self._limit:
            raise TooMany

    def count(self, name: str) -> None:
        """One try more. Raises TooMany, and does not count it then."""
        self.check(name)
        self.failed(name)

    def failed(self, address: str) -> None:
        if address not in self._failed and len(self._failed) >= MAX_ADDRESSES:
            self._failed.pop(next(iter(self._failed)))
        times = self._failed.setdefault(address, deque(maxlen=self._limit))
        times.append(self._clock())
