"""Values of resources that name others: a text `$var:PATH` or `$res:PATH` stands for one."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec

from jupyter_flows.core.errors import BadInput, TooLarge
from jupyter_flows.core.model import Json

MOST_DEEP = 20
"""How many resources may name one another in a row."""
MOST_NESTED = 500
"""How deep the whole value may be nested, with what takes the names' places."""
MOST_IN_ALL = 16 << 20
"""Bytes of what takes the names' places, as JSON."""

_VARIABLE, _RESOURCE = "$var:", "$res:"

Look: TypeAlias = Callable[[str, str], Awaitable[Json]]
"""The value at a path, as this user may know of it: (user, path). Raises UnknownPath."""


class Interpolation:
    """Of one request."""

    def __init__(self, variable: Look, resource: Look, user: str) -> None:
        self._variable = variable
        self._resource = resource
        self._user = user
        self._bytes = 0

    async def resource(self, path: str, above: tuple[str, ...] = (), depth: int = 0) -> Json:
        """Raises UnknownPath, BadInput for a circle and for too many in a row, TooLarge."""
        row = (*above, path)
        if path in above:
            raise BadInput(f"These resources name each other in a circle: {_said(row)}")
        if len(row) > MOST_DEEP:
            raise BadInput(f"More than {MOST_DEEP} resources name one another: {_said(row)}")
        value = self._counted(await self._resource(self._user, path))
        return await self._value(value, row, depth)

    def _counted(self, value: Json) -> Json:
        self._bytes += len(msgspec.json.encode(value))
        if self._bytes > MOST_IN_ALL:
            raise TooLarge(f"With what it names, the value has more than {MOST_IN_ALL} bytes.")
        return value

    async def _value(self, value: Json, row: tuple[str, ...], depth: int) -> Json:
        if depth > MOST_NESTED:
            raise BadInput(f"With what it names, the value is nested more than {MOST_NESTED} deep.")
        if isinstance(value, dict):
            return {key: await self._value(each, row, depth + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [await self._value(each, row, depth + 1) for each in value]
        if isinstance(value, str):
            return await self._named(value, row, depth)
        return value

    async def _named(self, text: str, row: tuple[str, ...], depth: int) -> Json:
        if text.startswith(_VARIABLE):
            path = text.removeprefix(_VARIABLE)
            return self._counted(await self._variable(self._user, path))
        if text.startswith(_RESOURCE):
            return await self.resource(text.removeprefix(_RESOURCE), row, depth)
        return text


def _said(row: tuple[str, ...]) -> str:
    return " → ".join(path[:100] for path in row)
