"""Names of a form's entries: each is the way to its field, and no two ways have one name.

`f` is the form itself; `f/KEY` a property, its key percent-encoded, so that it holds no sign with
a meaning here; `f/KEY/0` a row of a list; `f@1` a variant. Beside a field's own entry stand `NAME?`
(its mark), `NAME#` (its rows, one entry each), `NAME@` (the variant that was chosen) and `NAME!`
(leave the file out).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote, unquote

Entries: TypeAlias = Mapping[str, Sequence[str]]
"""What was typed, by name, as a browser sends it."""

ROOT = "f"

ABSENT = "absent"
NULL = "null"
GIVEN = "given"
JSON = "json"
"""The marks. The first three say what a field that was left blank stands for, where that is not
what its schema leads to; `json` says that the entry is JSON text.
"""

MAX_ROWS = 200
"""A longer list is written as JSON."""


def child(name: str, key: str) -> str:
    return f"{name}/{quote(key, safe='', errors='surrogatepass')}"


def row(name: str, number: str) -> str:
    return f"{name}/{number}"


def variant(name: str, index: int) -> str:
    return f"{name}@{index}"


def mark(name: str) -> str:
    return f"{name}?"


def rows(name: str) -> str:
    return f"{name}#"


def chosen(name: str) -> str:
    return f"{name}@"


def dropped(name: str) -> str:
    return f"{name}!"


def first(entries: Entries, name: str) -> str:
    """The one entry of a name; an empty text where there is none."""
    found = entries.get(name)
    return found[0] if found else ""


def row_numbers(entries: Entries, name: str) -> list[str]:
    """Which rows a list has, in order. They are names, not places: a row keeps its own."""
    said = entries.get(rows(name), ())
    numbers = (n for n in dict.fromkeys(said) if n.isascii() and n.isdigit() and len(n) < 10)
    return list(numbers)[:MAX_ROWS]


def steps(name: str) -> Iterator[str | int]:
    """The way that a name writes: keys and row numbers as text, variants as numbers.

    Raises ValueError for what is no name of a field.
    """
    head, *parts = name.split("/")
    yield from _variants(head, ROOT)
    for part in parts:
        key = part.partition("@")[0]
        yield unquote(key, errors="surrogatepass")
        yield from _variants(part, key)


def _variants(part: str, key: str) -> Iterator[int]:
    said = part.split("@")
    if said[0] != key:
        raise ValueError(part)
    yield from map(int, said[1:])
