"""Flows by the names under which programs start them."""

import re
from hashlib import sha256

from msgspec import Struct

from jupyter_flows.core.errors import BadInput

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*", re.ASCII)
MOST_NAME = 200

VERSION_DIGITS = 16
"""How many hex digits of a notebook's SHA-256 name it as a version."""


class RegisteredFlow(Struct, frozen=True, kw_only=True):
    """`path` is the notebook's, absolute. `registered_at` is in seconds since 1970, None for one
    that is found in the folder of flows; such a one is its server's, and `owner` is empty.
    """

    name: str
    path: str
    owner: str = ""
    registered_at: float | None = None


class Version(Struct, frozen=True, kw_only=True):
    """A flow's notebook as it was at some time: `hash` names it, `notebook` is its JSON."""

    hash: str
    name: str
    path: str
    notebook: bytes


def version_hash(notebook: bytes) -> str:
    return sha256(notebook).hexdigest()[:VERSION_DIGITS]


def is_name(text: str) -> bool:
    return len(text) <= MOST_NAME and _NAME.fullmatch(text) is not None


def names_for(path: str) -> tuple[str, ...]:
    """The names that a path of Windmill's may mean, the nearest first: as it is, and without the
    folder `f` or `u/OWNER`; a script's also without `.py`.
    """
    found = [path]
    if path.startswith("f/"):
        found.append(path.removeprefix("f/"))
    elif path.startswith("u/"):
        found += [path.removeprefix("u/"), path.split("/", 2)[-1]]
    else:
        found.append(f"f/{path}")
    plain = [each.removesuffix(".py") for each in found if each.endswith(".py")]
    return tuple(dict.fromkeys(each for each in (*found, *plain) if is_name(each)))


def checked_name(name: str) -> str:
    """The name, if it may be one. Raises BadInput."""
    if not is_name(name):
        raise BadInput(
            f"{name[:200]!r} can't be a flow's name: at most {MOST_NAME} characters, between"
            " slashes at most 100 letters, digits, `.`, `_` and `-`, the first a letter or a digit"
        )
    return name
