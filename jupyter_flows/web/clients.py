"""Which kernel clients belong to browsers that are connected here, and whose browsers they are."""

from collections import Counter
from collections.abc import Collection

from jupyter_flows.core.model import Voter


class Clients:
    """The session ids of their kernel connections; one may be named by several sockets, and by
    users whose it is not: an id is no secret.
    """

    def __init__(self) -> None:
        self._named: dict[str, Counter[Voter]] = {}

    def __contains__(self, session: object) -> bool:
        return session in self._named

    def __len__(self) -> int:
        return len(self._named)

    def users(self, session: str) -> Collection[Voter]:
        """Who has named this session."""
        return tuple(self._named.get(session, ()))

    def enter(self, session: str, user: Voter) -> None:
        self._named.setdefault(session, Counter())[user] += 1

    def leave(self, session: str, user: Voter) -> None:
        named = self._named[session]
        named[user] -= 1
        if named[user] <= 0:
            del named[user]
        if not named:
            del self._named[session]
