"""What is kept for flows beside their logs, in memory, for tests."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Generic

from jupyter_flows.core.model import Json, RunId
from jupyter_flows.core.things import Progress, Resource, Variable
from jupyter_flows.ports.things import T


class MemoryShelf(Generic[T]):
    """Implements `ports.Shelf`."""

    def __init__(self) -> None:
        self._things: dict[str, T] = {}

    async def add(self, thing: T) -> bool:
        is_taken = thing.path in self._things
        if not is_taken:
            self._things[thing.path] = thing
        return not is_taken

    async def replace(self, thing: T) -> bool:
        there = thing.path in self._things
        if there:
            self._things[thing.path] = thing
        return there

    async def at(self, path: str) -> T | None:
        return self._things.get(path)

    async def shared_and(self, home: str) -> list[T]:
        return [
            self._things[path]
            for path in sorted(self._things)
            if not path.startswith("u/") or path.startswith(f"{home}/")
        ]

    async def remove(self, path: str) -> bool:
        return self._things.pop(path, None) is not None


class MemoryThings:
    """Implements `ports.ThingStore`."""

    def __init__(self) -> None:
        self.variables: MemoryShelf[Variable] = MemoryShelf()
        self.resources: MemoryShelf[Resource] = MemoryShelf()
        self._states: dict[RunId, dict[str, Json]] = defaultdict(dict)
        self._progress: dict[str, Progress] = {}

    async def set_state(self, root: RunId, key: str, value: Json) -> None:
        self._states[root][key] = value

    async def states(self, root: RunId) -> Mapping[str, Json]:
        return dict(sorted(self._states[root].items()))

    async def drop_state(self, root: RunId, key: str) -> bool:
        there = key in self._states[root]
        self._states[root].pop(key, None)
        return there

    async def set_progress(self, job: str, progress: Progress) -> None:
        self._progress[job] = progress

    async def progress(self, job: str) -> Progress | None:
        return self._progress.get(job)
