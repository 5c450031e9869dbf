"""Tables in a description: rows of values, rows by name, or columns, as texts in a grid."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from jupyter_flows.core.model import Json
from jupyter_flows.core.sentences import Sentence, sentence

MAX_ROWS = 500
MAX_COLUMNS = 50
MAX_CELL = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`header` is empty where the columns have no names. `numeric` says of each column whether
    it holds nothing but numbers. `more_rows` and `more_columns` count what was left out.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    more_rows: int = 0
    more_columns: int = 0


_Grid = tuple[Sequence[str], Sequence[Sequence[Json]]]
"""The columns' names, none of them or all, and rows of one length."""


def table_of(header: Sequence[str], rows: Sequence[Sequence[Json]]) -> Table:
    """The table as it is shown, within its bounds. The rows are as long as the header, if there is
    one, and as each other.
    """
    width = len(header) or max(map(len, rows), default=0)
    shown = [row[:MAX_COLUMNS] for row in rows[:MAX_ROWS]]
    columns = [[row[place] for row in shown] for place in range(min(width, MAX_COLUMNS))]
    return Table(
        header=tuple(map(cell_text, header[:MAX_COLUMNS])),
        rows=tuple(tuple(map(cell_text, row)) for row in shown),
        numeric=tuple(map(_is_numeric, columns)),
        more_rows=max(0, len(rows) - MAX_ROWS),
        more_columns=max(0, width - MAX_COLUMNS),
    )


def cell_text(value: Json) -> str:
    """Empty for None; a text as it is; anything else as compact JSON."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL - 1]}…"


def _is_numeric(column: Sequence[Json]) -> bool:
    held = [value for value in column if value is not None]
    return bool(held) and all(type(value) in (int, float) for value in held)


# ---------------------------------------------------------------- shapes


def read_table(kind: str, value: Json) -> Table | Sentence:
    """What was given under one of Windmill's names for tables; a sentence says what is wrong."""
    if value in ([], {}):
        return table_of((), ())
    reader, wrong = SHAPES[kind]
    grid = reader(value)
    return wrong() if grid is None else table_of(*grid)


def recognised_table(value: Json) -> Table | None:
    """The table that a value without such a name is, if it is one."""
    for reader, _ in SHAPES.values():
        grid = reader(value)
        if grid is not None and grid[1]:
            return table_of(*grid)
    return None


def _by_rows(value: Json) -> _Grid | None:
    """A first row of nothing but texts is the header, if there are others."""
    if not _holds(value, list) or {len(row) for row in value} != {len(value[0])} or not value[0]:
        return None
    if len(value) > 1 and _are_texts(value[0]):
        return value[0], value[1:]
    return (), value


def _by_objects(value: Json) -> _Grid | None:
    """A first row that is a list of texts chooses the columns; else they come as they appear."""
    if not isinstance(value, list) or not value:
        return None
    chosen = value[0] if _are_texts(value[0]) else None
    objects = value if chosen is None else value[1:]
    if not _holds(objects, dict):
        return None
    header = chosen or list(dict.fromkeys(key for row in objects for key in row))
    return (header, [[row.get(key) for key in header] for row in objects]) if header else None


def _by_columns(value: Json) -> _Grid | None:
    if not isinstance(value, dict) or not value or not _holds(list(value.values()), list):
        return None
    columns = list(value.values())
    if len({len(column) for column in columns}) > 1:
        return None
    return list(value), list(zip(*columns, strict=True))


def _holds(value: Json, kind: type) -> bool:
    """Whether it is a list of such values, and not empty."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, kind) for one in value)


def _are_texts(row: Json) -> bool:
    return _holds(row, str)


def _wrong_rows() -> Sentence:
    return sentence("A table of rows must be a list of lists, all of one length.")


def _wrong_objects() -> Sentence:
    return sentence(
        "A table of objects must be a list of objects; before them there may be a list of the"
        " columns' names."
    )


def _wrong_columns() -> Sentence:
    return sentence("A table of columns must be an object of lists, all of one length.")


SHAPES: Mapping[str, tuple[Callable[[Json], _Grid | None], Callable[[], Sentence]]] = {
    "table-row": (_by_rows, _wrong_rows),
    "table-row-object": (_by_objects, _wrong_objects),
    "table-col": (_by_columns, _wrong_columns),
}
"""In the order in which a value without a name is tried."""
