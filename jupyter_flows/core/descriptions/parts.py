"""The parts that a description is made of, one class for each way to show it."""

from dataclasses import dataclass
from typing import TypeAlias

from jupyter_flows.core.descriptions.maps import Map
from jupyter_flows.core.descriptions.tables import Table
from jupyter_flows.core.model import Json
from jupyter_flows.core.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Words:
    text: str


@dataclass(frozen=True, slots=True)
class Markdown:
    text: str


@dataclass(frozen=True, slots=True)
class Html:
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """SVG: one well-formed element of that name, without entities of its own."""

    svg: str


@dataclass(frozen=True, slots=True)
class Picture:
    """`data` begins as pictures of that type do."""

    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Attached:
    """A file to be saved; `filename` is safe to save it under."""

    filename: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, and where; any but one of `name` and `message` may be empty."""

    name: str
    message: str
    stack: str


@dataclass(frozen=True, slots=True)
class Value:
    """Any JSON."""

    value: Json


@dataclass(frozen=True, slots=True)
class Unfit:
    """What was given can't be shown as it was meant; `why` says what is wrong, and what is
    allowed.
    """

    given: Json
    why: Sentence


Part: TypeAlias = (
    Words | Markdown | Html | Drawing | Picture | Attached | Failure | Table | Map | Value | Unfit
)
