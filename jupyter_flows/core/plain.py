"""What may come in from outside: plain JSON, nested no deeper than every reader can follow."""

from collections.abc import Collection

from jupyter_flows.core.canonical import canonical_json
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Json
from jupyter_flows.core.sentences import sentence

MAX_DEPTH = 64
"""Lists and objects within each other; a kernel's own JSON reader gives up at some hundreds."""


def plain_json(value: Json, what: str, depth: int | None = MAX_DEPTH) -> bytes:
    """The value in its canonical form. `depth` None is as deep as it goes.

    Raises BadInput, naming `what`, for NaN, half characters, what is no JSON, and too deep nesting.
    """
    if depth is not None and not _is_flat(value, depth):
        raise BadInput(
            sentence(
                "The {what} is nested too deeply; at most {depth} levels.", what=what, depth=depth
            )
        )
    try:
        return canonical_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadInput(
            sentence("The {what} is not plain JSON: {error}", what=what, error=str(error))
        ) from None


def _is_flat(value: Json, depth: int) -> bool:
    level: list[Json] = [value]
    for _ in range(depth + 1):
        level = [inner for outer in level for inner in _members(outer)]
        if not level:
            return True
    return False


def _members(value: Json) -> Collection[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
