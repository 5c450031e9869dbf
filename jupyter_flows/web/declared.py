"""What a route declares beside its records: values of the address and of headers, and bodies that
are no JSON.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from jupyter_flows.core.model import Json


class MistakeBody(Struct):
    where: str
    message: str


class Problem(Struct, omit_defaults=True):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[MistakeBody] = []


def _text() -> Mapping[str, Json]:
    return {"type": "string"}


@dataclass(frozen=True, slots=True, eq=False)
class Media:
    """A body of a type of its own."""

    type: str
    schema: Mapping[str, Json] = field(default_factory=_text)


TEXT = Media("text/plain")
HTML = Media("text/html")
SCRIPT = Media("text/javascript")
EVENTS = Media("text/event-stream", {})
PEM = Media("application/x-pem-file")
FORM = Media("application/x-www-form-urlencoded", {"type": "object"})
BYTES = Media("application/octet-stream", {})
OF_ITS_OWN = Media("*/*", {})
"""What somebody has stored, in the type that they gave it."""

Content = type | Media | None
"""A record in JSON, a body of another type, or none."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the address, or a header; `schema` is JSON Schema."""

    name: str
    schema: Mapping[str, Json] = field(default_factory=_text)
    required: bool = False


def needed(name: str, most: int | None = None) -> Value:
    """A text of 1 to `most` characters that has to be there."""
    limit = {} if most is None else {"maxLength": most}
    return Value(name, {"type": "string", "minLength": 1, **limit}, required=True)


def whole(name: str, least: int, most: int, default: int | None = None) -> Value:
    """A whole number."""
    limits = {"type": "integer", "minimum": least, "maximum": most}
    return Value(name, limits if default is None else {**limits, "default": default})


def flag(name: str, *, default: bool | None = False) -> Value:
    return Value(name, {"type": "boolean", **({} if default is None else {"default": default})})


def one_of(name: str, allowed: Iterable[str]) -> Value:
    return Value(name, {"type": "string", "enum": [str(each) for each in allowed]})


def some_of(name: str, allowed: Iterable[str]) -> Value:
    """It may stand in the address several times."""
    items = {"type": "string", "enum": [str(each) for each in allowed]}
    return Value(name, {"type": "array", "items": items})


def once(name: str, most: int) -> Value:
    """The header that makes a request once; it has at most `most` characters."""
    return Value(name, {"type": "string", "maxLength": most})
