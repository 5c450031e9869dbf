"""SQL as the client package `wmill` sends it: which database, which placeholders, which rows.

A script begins with comments that say these things, as Windmill's own executors read them:
`-- $1 arg1 (BIGINT)`, `-- $name (TEXT)`, `-- result_collection=last_statement_first_row`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from jupyter_flows.core.errors import BadInput, NotOffered
from jupyter_flows.core.model import Json

LAKE = "dl"
"""The name that a ducklake has in a script."""

_ARGUMENT = re.compile(r"--\s*\$(\w{1,64})(?:\s+(\w{1,64}))?\s*\(([\w ,()\[\]]{1,100})\)\s*")
_COLLECTION = re.compile(r"--\s*result_collection\s*=\s*(\S*)\s*")
_ROLE = re.compile(r"--\s*role\s.*")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_ATTACH = re.compile(
    r"\s*ATTACH\s+'ducklake(?:://([^']*))?'\s+AS\s+(\w+)\s*;(?:\s*USE\s+(\w+)\s*;)?",
    re.IGNORECASE,
)


class Kind(StrEnum):
    DATATABLE = "datatable"
    DUCKLAKE = "ducklake"


class Database(NamedTuple):
    kind: Kind
    name: str


class Declared(NamedTuple):
    """A placeholder of the script: which argument it stands for, of which type of SQL."""

    argument: str
    type: str


class Collection(StrEnum):
    """Which rows are the result. A row is an object, with `_SCALAR` its first value alone."""

    LAST_ROWS = "last_statement_all_rows"
    LAST_ROW = "last_statement_first_row"
    LAST_SCALARS = "last_statement_all_rows_scalar"
    LAST_SCALAR = "last_statement_first_row_scalar"
    EACH_ROWS = "all_statements_all_rows"
    EACH_ROW = "all_statements_first_row"
    EACH_SCALARS = "all_statements_all_rows_scalar"
    EACH_SCALAR = "all_statements_first_row_scalar"

    @property
    def of_each(self) -> bool:
        """Of every statement, not of the last one only."""
        return self.value.startswith("all_statements")

    def of_rows(self, rows: Sequence[Mapping[str, Json]]) -> Json:
        """What is wanted of one statement's rows."""
        found: list[Json] = list(rows)
        if self.value.endswith("_scalar"):
            found = [next(iter(row.values()), None) for row in rows]
        if "first_row" in self.value:
            return found[0] if found else None
        return found


@dataclass(frozen=True, slots=True)
class Script:
    """`values` are bound to the placeholders of these names, and never put into the text."""

    database: Database
    text: str
    declared: Mapping[str, Declared]
    values: Mapping[str, Json]
    collection: Collection


def postgresql(content: str, args: Mapping[str, Json]) -> Script:
    """A script for a data table. Raises BadInput, NotOffered."""
    said = args.get("database")
    if not isinstance(said, str) or not said.startswith("datatable://"):
        raise NotOffered(
            "Only data tables (args.database = 'datatable://NAME') are offered in PostgreSQL's"
            " words; reach a database of your own with a Python package for it."
        )
    database = _database(Kind.DATATABLE, said.removeprefix("datatable://"))
    declared, collection = _said(content)
    return _script(database, content, declared, args, collection)


def duckdb(content: str, args: Mapping[str, Json]) -> Script:
    """A script for a ducklake. Raises BadInput."""
    declared, collection = _said(content)
    head, text = _split(content)
    found = _ATTACH.match(text)
    if found is None or found[2].lower() != LAKE or (found[3] or LAKE).lower() != LAKE:
        raise BadInput(f"The script must begin with: ATTACH 'ducklake://NAME' AS {LAKE};")
    database = _database(Kind.DUCKLAKE, found[1] or "main")
    return _script(database, head + text[found.end() :], declared, args, collection)


def _script(
    database: Database,
    text: str,
    declared: Mapping[str, Declared],
    args: Mapping[str, Json],
    collection: Collection,
) -> Script:
    values = {name: args.get(said.argument) for name, said in declared.items()}
    return Script(database, text, declared, {**args, **values}, collection)


def _database(kind: Kind, name: str) -> Database:
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"The name of a {kind} has letters, digits, '_' and '-', 64 at most: {name[:100]!r}"
        )
    return Database(kind, name)


def _split(content: str) -> tuple[str, str]:
    """The comments at the beginning, and the rest."""
    lines = content.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.strip() and not line.lstrip().startswith("--"):
            return "".join(lines[:number]), "".join(lines[number:])
    return content, ""


def _said(content: str) -> tuple[dict[str, Declared], Collection]:
    declared: dict[str, Declared] = {}
    collection = Collection.LAST_ROWS
    for line in map(str.strip, _split(content)[0].splitlines()):
        if found := _ARGUMENT.fullmatch(line):
            declared[found[1]] = Declared(found[2] or found[1], found[3])
        elif found := _COLLECTION.fullmatch(line):
            collection = _collection(found[1])
        elif _ROLE.fullmatch(line):
            raise NotOffered("Data tables have no roles here: leave `role` out.")
    return declared, collection


def _collection(said: str) -> Collection:
    try:
        return Collection(said)
    except ValueError:
        known = ", ".join(Collection)
        raise BadInput(f"result_collection {said[:60]!r} is unknown; allowed: {known}") from None
