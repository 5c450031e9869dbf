"""What is kept for flows beside their logs: variables, resources, and how far a step says it is.

They lie under paths. `u/NAME/…` belongs to that user alone; every other path is shared by all users
of the server.
"""

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Json, Run, StepId, StepStatus
from jupyter_flows.core.windmill import home_of

MOST_PATH = 1000
"""Characters of a path, and of a key of user state."""
MOST_PATH_BYTES = 2000
"""The same in UTF-8: an index of PostgreSQL holds no longer ones."""
MOST_VALUE = 1 << 20
"""Bytes of one value, as JSON."""
MOST_NESTED = 200
"""How deep a value may be nested."""
MOST_DESCRIPTION = 10_000
MOST_MESSAGE = 500
"""Characters."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_LEAST_PARTS = {"u": 3}


class Thing(Struct, frozen=True, kw_only=True):
    """What lies at a path. `updated_at` is in seconds since 1970."""

    path: str
    value: Json = None
    description: str = ""
    updated_at: float = 0.0


class Variable(Thing, frozen=True, kw_only=True):
    """A text. A secret one is shown only to who asks for its value."""

    value: str
    is_secret: bool = False


class Resource(Thing, frozen=True, kw_only=True):
    """Any JSON value, of a type that its users agree on; `state` is that of a flow's own."""

    resource_type: str = ""


class Progress(Struct, frozen=True):
    """How far a job says it is. `at` is in seconds since 1970."""

    percent: int
    message: str | None
    at: float


def checked_path(path: str) -> str:
    """The path, if it may be one. Raises BadInput."""
    parts = path.split("/")
    if len(path) > MOST_PATH:
        raise BadInput(f"A path has at most {MOST_PATH} characters; this one has {len(path)}.")
    _check_bytes(path)
    if _CONTROL.search(path) or not all(part.strip(" .") for part in parts):
        raise BadInput(
            f"{path[:200]!r} can't be a path: give parts with a slash between them, as in"
            " f/finance/limit; none of them empty or of dots alone, and no control characters"
        )
    if len(parts) < _LEAST_PARTS.get(parts[0], 2):
        raise BadInput(
            f"{path[:200]!r} is too short for a path: begin it with u/NAME/ for what is that"
            " user's alone, else with a folder, as in f/finance/limit"
        )
    return path


def is_readable(path: str, user: str) -> bool:
    """Whether this user may know of the path."""
    return not path.startswith("u/") or path.startswith(f"{home_of(user)}/")


def checked_key(key: str) -> str:
    """The key of user state, if it may be one. Raises BadInput."""
    if not key or len(key) > MOST_PATH:
        raise BadInput(f"A key has from 1 to {MOST_PATH} characters; this one has {len(key)}.")
    _check_bytes(key)
    return key


def _check_bytes(text: str) -> None:
    size = len(text.encode(errors="replace"))
    if size > MOST_PATH_BYTES:
        raise BadInput(f"It has at most {MOST_PATH_BYTES} bytes in UTF-8; this one has {size}.")


def is_too_deep(value: Json) -> bool:
    """Whether the value is nested deeper than may be kept."""
    level: list[Json] = [value]
    for _ in range(MOST_NESTED):
        level = [inner for each in level for inner in _inner(each)]
        if not level:
            return False
    return True


def _inner(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def shown_progress(run: Run, told: Mapping[StepId, Progress]) -> dict[StepId, Progress]:
    """Of the steps that run: what an earlier attempt said of itself does not count."""
    return {
        step: progress
        for step, progress in told.items()
        if (there := run.steps.get(step)) is not None
        and there.status is StepStatus.RUNNING
        and progress.at >= (there.started_at or 0.0)
    }
