"""What is to be told to those who have a notebook open: its file was written, or is elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from jupyter_flows.ports import FileState


@dataclass(frozen=True, slots=True)
class Saved:
    """The server has written the file at this path."""

    path: str
    file: FileState


@dataclass(frozen=True, slots=True)
class Moved:
    """The notebook at `path` is at `to` now."""

    path: str
    to: str


@dataclass(frozen=True, slots=True)
class Shared:
    """Whether the server writes what the notebook shows into a shared document, has changed."""

    path: str


DocumentEvent: TypeAlias = Saved | Moved | Shared

REMEMBERED = 1000
"""Of so many files it is known how they were written last."""


class DocumentsTold:
    """Whoever writes notebooks says so here; whoever has browsers connected listens."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[DocumentEvent], None]] = []
        self._shared: set[str] = set()
        self._saved: dict[str, Saved] = {}

    def listen(self, listener: Callable[[DocumentEvent], None]) -> Callable[[], None]:
        """Call it from now on; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def saved(self, path: str, file: FileState) -> None:
        self._saved.pop(path, None)
        self._saved[path] = written = Saved(path, file)
        if len(self._saved) > REMEMBERED:
            del self._saved[next(iter(self._saved))]
        self._tell(written)

    def last_saved(self, path: str) -> Saved | None:
        """The last word of `saved` for this path: for who was away when it was said."""
        return self._saved.get(path)

    def moved(self, path: str, to: str) -> None:
        if path in self._shared:
            self._shared.discard(path)
            self._shared.add(to)
        self._tell(Moved(path, to))

    def shared(self, path: str, *, is_shared: bool) -> None:
        """Say whether the notebook's outputs are written into a shared document by the server."""
        if is_shared is (path in self._shared):
            return
        if is_shared:
            self._shared.add(path)
        else:
            self._shared.discard(path)
        self._tell(Shared(path))

    def is_shared(self, path: str) -> bool:
        return path in self._shared

    def _tell(self, event: DocumentEvent) -> None:
        for listener in tuple(self._listeners):
            listener(event)
