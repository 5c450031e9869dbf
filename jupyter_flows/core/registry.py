"""Flows by the names under which programs start them."""

import re

from msgspec import Struct

from jupyter_flows.core.errors import BadInput

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


class RegisteredFlow(Struct, frozen=True, kw_only=True):
    """`path` is the notebook's, absolute. `registered_at` is in seconds since 1970, None for one
    that is found in the folder of flows; such a one is its server's, and `owner` is empty.
    """

    name: str
    path: str
    owner: str = ""
    registered_at: float | None = None


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def checked_name(name: str) -> str:
    """The name, if it may be one. Raises BadInput."""
    if not is_name(name):
        raise BadInput(
            f"{name[:200]!r} can't be a flow's name: at most 100 letters, digits, `.`, `_` and `-`,"
            " the first a letter or a digit"
        )
    return name
