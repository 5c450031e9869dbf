"""Variables, resources and user states: whose they are, and what may be kept."""

from collections.abc import Mapping
from typing import Generic

import msgspec
from msgspec.structs import replace

from jupyter_flows.core.errors import BadInput, TooLarge, UnknownPath
from jupyter_flows.core.model import Json, Run
from jupyter_flows.core.things import (
    MOST_DESCRIPTION,
    MOST_NESTED,
    MOST_VALUE,
    Resource,
    Variable,
    checked_key,
    checked_path,
    is_readable,
    is_too_deep,
)
from jupyter_flows.core.windmill import home_of, root_of
from jupyter_flows.engine.interpolating import Interpolation
from jupyter_flows.ports import Clock, Shelf, ThingStore
from jupyter_flows.ports.things import T


class Kept(Generic[T]):
    """Variables, or resources, as one of its users has them. A path that is another user's is as if
    nothing was there.
    """

    def __init__(self, shelf: Shelf[T], clock: Clock, what: str) -> None:
        self._shelf = shelf
        self._clock = clock
        self._what = what

    async def at(self, user: str, path: str) -> T:
        """Raises UnknownPath."""
        found = await self._shelf.at(path) if is_readable(path, user) else None
        if found is None:
            raise self._unknown(path)
        return found

    async def exists(self, user: str, path: str) -> bool:
        return is_readable(path, user) and await self._shelf.at(path) is not None

    async def all(self, user: str) -> list[T]:
        """By path."""
        return await self._shelf.shared_and(home_of(user))

    async def create(self, user: str, thing: T, *, or_update: bool = False) -> None:
        """Raises BadInput for a path that can't be one or is taken, UnknownPath for another user's
        path, TooLarge.
        """
        new = self._checked(user, thing)
        if await self._shelf.add(new):
            return
        if not (or_update and await self._shelf.replace(new)):
            raise BadInput(f"There is a {self._what} {thing.path[:200]!r} already; update it.")

    async def update(self, user: str, path: str, **changes: Json) -> None:
        """Raises UnknownPath, TooLarge."""
        new = self._checked(user, replace(await self.at(user, path), **changes))
        if not await self._shelf.replace(new):
            raise self._unknown(path)

    async def remove(self, user: str, path: str) -> None:
        """Raises UnknownPath."""
        if not is_readable(path, user) or not await self._shelf.remove(path):
            raise self._unknown(path)

    def _checked(self, user: str, thing: T) -> T:
        if not is_readable(checked_path(thing.path), user):
            raise self._unknown(thing.path)
        check_size(f"The value of {thing.path[:200]!r}", thing.value)
        if len(thing.description) > MOST_DESCRIPTION:
            raise TooLarge(f"A description has at most {MOST_DESCRIPTION} characters.")
        return replace(thing, updated_at=self._clock())

    def _unknown(self, path: str) -> UnknownPath:
        return UnknownPath(f"There is no {self._what} {path[:200]!r}.")


class Things:
    """What the doors ask. Every method raises StoreUnavailable; those that touch variables, also
    VariablesLocked.
    """

    def __init__(self, *, store: ThingStore, clock: Clock) -> None:
        self._store = store
        self.variables: Kept[Variable] = Kept(store.variables, clock, "variable")
        self.resources: Kept[Resource] = Kept(store.resources, clock, "resource")

    async def value(self, user: str, path: str) -> Json:
        """Implements `ports.objects.ResourceReader`: as `interpolated`."""
        return await self.interpolated(user, path)

    async def interpolated(self, user: str, path: str) -> Json:
        """The resource's value, with what its texts `$var:PATH` and `$res:PATH` name in their
        places. Raises UnknownPath, BadInput for a circle of names, TooLarge.
        """
        return await Interpolation(self._variable_value, self._resource_value, user).resource(path)

    async def _variable_value(self, user: str, path: str) -> Json:
        return (await self.variables.at(user, path)).value

    async def _resource_value(self, user: str, path: str) -> Json:
        return (await self.resources.at(user, path)).value

    # ------------------------------------------------------------ user states

    async def states(self, run: Run) -> Mapping[str, Json]:
        """All that is kept with the run's family."""
        return await self._store.states(root_of(run))

    async def state(self, run: Run, key: str) -> Json:
        """None where nothing is kept."""
        return (await self.states(run)).get(key)

    async def set_state(self, run: Run, key: str, value: Json) -> None:
        """Raises BadInput, TooLarge."""
        check_size(f"The value of {key[:200]!r}", value)
        await self._store.set_state(root_of(run), checked_key(key), value)

    async def drop_state(self, run: Run, key: str) -> None:
        """Raises UnknownPath."""
        if not await self._store.drop_state(root_of(run), key):
            raise UnknownPath(f"Nothing is kept under {key[:200]!r} with this run.")


def check_size(what: str, value: Json) -> None:
    """Raises BadInput for what is nested too deep, TooLarge."""
    if is_too_deep(value):
        raise BadInput(f"{what} is nested more than {MOST_NESTED} deep.")
    size = len(msgspec.json.encode(value))
    if size > MOST_VALUE:
        raise TooLarge(f"{what} has {size} bytes as JSON; at most {MOST_VALUE} are kept.")
