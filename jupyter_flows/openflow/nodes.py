"""The part of JavaScript's expressions that is understood, as a tree."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | float | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`of.key` and `of[key]`. `optional`: it stands in a chain behind `?.`."""

    of: "Node"
    key: "Node"
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    function: "Node"
    arguments: tuple["Node", ...]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class New:
    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    of: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Choice:
    """`test ? then : other`."""

    test: "Node"
    then: "Node"
    other: "Node"


@dataclass(frozen=True, slots=True)
class Spread:
    of: "Node"


@dataclass(frozen=True, slots=True)
class Array:
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Object:
    """Entries of key and value; the key of a spread is None."""

    entries: tuple["tuple[Node | None, Node]", ...]


@dataclass(frozen=True, slots=True)
class Template:
    parts: tuple["str | Node", ...]


@dataclass(frozen=True, slots=True)
class Arrow:
    parameters: tuple[str, ...]
    body: "Node"


Node: TypeAlias = (
    Literal
    | Name
    | Member
    | Call
    | New
    | Unary
    | Binary
    | Choice
    | Array
    | Object
    | Spread
    | Template
    | Arrow
)
