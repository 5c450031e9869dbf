"""A clock that stands still until a test moves it."""

from collections.abc import Callable

from jupyter_flows import composition
from jupyter_flows.core import durations


class MovedClock:
    """Implements `ports.Clock`. It begins at the present time; kernels keep the real one."""

    def __init__(self) -> None:
        self.now = composition.clock()
        self._moved: list[Callable[[], None]] = []

    def __call__(self) -> float:
        return self.now

    def advance(self, by: float | str) -> None:
        """Move on by seconds, or as in "90s", "30m", "12h", "3d". What then is due has happened
        when this returns. Raises ValueError for what is not a duration.
        """
        self.now += durations.seconds(by)
        for tell in self._moved:
            tell()

    def on_move(self, tell: Callable[[], None]) -> None:
        """`tell` is called after every move, in the mover's thread."""
        self._moved.append(tell)
