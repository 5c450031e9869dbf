"""What is kept for flows beside their logs: variables, resources, user states and progress."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from jupyter_flows.core.model import Json, RunId
from jupyter_flows.core.things import Progress, Resource, Thing, Variable

T = TypeVar("T", bound=Thing)


class Shelf(Protocol[T]):
    """Things by their paths. Every method raises StoreUnavailable, as `Store`'s; with variables,
    also VariablesLocked when their key is missing or not theirs.
    """

    async def add(self, thing: T) -> bool:
        """Durably; False, and nothing is written, if its path is taken."""

    async def replace(self, thing: T) -> bool:
        """Durably, in the place of what is at its path; False if nothing is."""

    async def at(self, path: str) -> T | None:
        """None if nothing is at the path."""

    async def shared_and(self, home: str) -> list[T]:
        """All that is no user's own, and what is below `home`, by path."""

    async def remove(self, path: str) -> bool:
        """Whether there was something."""


class ThingStore(Protocol):
    """Every method raises StoreUnavailable, as `Store`'s."""

    @property
    def variables(self) -> Shelf[Variable]:
        """Encrypted wherever they are at rest, all of them."""

    @property
    def resources(self) -> Shelf[Resource]: ...

    async def set_state(self, root: RunId, key: str, value: Json) -> None:
        """Durably keep a value with a family of runs, named by its first."""

    async def states(self, root: RunId) -> Mapping[str, Json]:
        """All that is kept with the family, in the order of the keys."""

    async def drop_state(self, root: RunId, key: str) -> bool:
        """Whether there was one of this key."""

    async def set_progress(self, job: str, progress: Progress) -> None:
        """In the place of what the job said before; the disk is not waited for."""

    async def progress(self, job: str) -> Progress | None:
        """What the job said last."""
