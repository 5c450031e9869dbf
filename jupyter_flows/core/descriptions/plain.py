"""A description as plain text, for a reader who has a terminal."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_flows.core.descriptions.maps import Map
from jupyter_flows.core.descriptions.parts import (
    Attached,
    Drawing,
    Failure,
    Html,
    Markdown,
    Picture,
    Unfit,
    Value,
    Words,
)
from jupyter_flows.core.descriptions.read import read_description
from jupyter_flows.core.descriptions.tables import Table, table_of
from jupyter_flows.core.model import Json
from jupyter_flows.core.sentences import sentence

MAX_TEXT = 5_000
MAX_ROWS = 20
MAX_WIDTH = 40


def plain_description(description: Json) -> str:
    """A blank line between the parts; what no terminal shows is named in brackets. Empty for
    None.
    """
    said = [_SAID[type(part)](part) for part in read_description(description)]
    return "\n\n".join(_cut(text.strip("\n"), MAX_TEXT) for text in said if text.strip())


def marker_table(of: Map) -> Table:
    """The markers with their numbers."""
    header = [sentence("No."), sentence("Title"), sentence("Latitude"), sentence("Longitude")]
    return table_of(
        header,
        [(n, m.title, m.latitude, m.longitude) for n, m in enumerate(of.markers, 1)],
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _table(table: Table) -> str:
    """Numbers to the right, a line under the header."""
    rows = [[_cell(text) for text in row] for row in table.rows[:MAX_ROWS]]
    header = [[_cell(text) for text in table.header]] if table.header else []
    widths = [max(map(len, column)) for column in zip(*header, *rows, strict=True)]
    rule = [["-" * width for width in widths]] if header else []
    lines = [_line(row, widths, table.numeric) for row in (*header, *rule, *rows)]
    left = len(table.rows) - len(rows) + table.more_rows
    if left:
        lines.append(sentence("({n} row more)", "({n} rows more)", n=left))
    return "\n".join(lines)


def _cell(text: str) -> str:
    return _cut(" ".join(text.split()), MAX_WIDTH)


def _line(row: list[str], widths: list[int], numeric: tuple[bool, ...]) -> str:
    cells = zip(row, widths, numeric, strict=True)
    return "  ".join(text.rjust(w) if right else text.ljust(w) for text, w, right in cells).rstrip()


def _map(shown: Map) -> str:
    return _table(marker_table(shown)) if shown.markers else sentence("[a map]")


def _failure(part: Failure) -> str:
    return ": ".join(filter(None, (part.name, part.message))) + f"\n{part.stack}"


def _json(value: Json) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _unfit(part: Unfit) -> str:
    return part.why if part.given is None else f"{_json(part.given)}\n({part.why})"


_SAID: Mapping[type, Callable[[Any], str]] = {
    Words: lambda part: part.text,
    Markdown: lambda part: part.text,
    Html: lambda _: sentence("[HTML, to be seen on the page]"),
    Drawing: lambda _: sentence("[a drawing]"),
    Picture: lambda _: sentence("[a picture]"),
    Attached: lambda part: sentence("[the file {filename}]", filename=part.filename),
    Failure: _failure,
    Table: _table,
    Map: _map,
    Value: lambda part: _json(part.value),
    Unfit: _unfit,
}
