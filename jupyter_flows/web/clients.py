"""Which kernel clients belong to browsers that are connected here."""

from collections import Counter


class Clients:
    """The session ids of their kernel connections; one may be named by several sockets."""

    def __init__(self) -> None:
        self._named: Counter[str] = Counter()

    def __contains__(self, session: object) -> bool:
        return session in self._named

    def __len__(self) -> int:
        return len(self._named)

    def enter(self, session: str) -> None:
        self._named[session] += 1

    def leave(self, session: str) -> None:
        self._named[session] -= 1
        if self._named[session] <= 0:
            del self._named[session]
