"""A gate's description as blocks of a page, and what its frames and files are served as."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jupyter_flows.core.descriptions import (
    Attached,
    Drawing,
    Failure,
    Html,
    Map,
    Markdown,
    Part,
    Picture,
    Table,
    Unfit,
    Value,
    Words,
    marker_table,
    read_description,
)
from jupyter_flows.core.model import Json
from jupyter_flows.core.sentences import Sentence, sentence
from jupyter_flows.web.shown.blocks import Block
from jupyter_flows.web.shown.clean import markdown_html
from jupyter_flows.web.shown.frames import STILL, Frame, html_frame
from jupyter_flows.web.shown.maps import map_svg
from jupyter_flows.web.shown.markup import height_of
from jupyter_flows.web.shown.texts import MAX_TEXT, last_of, plain, text_block

MAX_PAGE = 12_000_000
"""Characters of all blocks of a description: pictures as base64, what has an address aside."""

_SERVED = (Html, Attached)
"""The parts with an address of their own."""


def description_blocks(description: Json, base: str) -> list[Block]:
    """Empty for None. `base` is what the addresses of frames begin with, as seen from the page
    that draws them; behind it stands "d." and the number of the part among those that have one.
    """
    blocks: list[Block] = []
    served = weight = 0
    for number, part in enumerate(read_description(description), 1):
        drawn = list(_DRAWN[type(part)](part, number, f"{base}d.{served}"))
        weight += sum(map(_weight, drawn))
        if weight > MAX_PAGE:
            text = sentence("There is more, but the whole description is too large to show here.")
            return [*blocks, _notice(text)]
        blocks += drawn
        served += isinstance(part, _SERVED)
    return blocks


def _weight(block: Block) -> int:
    cells = sum(len(cell) for row in block.rows for cell in row)
    return len(block.text) + len(block.source) + len(block.html) + len(block.stack) + cells


def description_frame(description: Json, number: int) -> Frame | None:
    """What the address of that number serves, from 0; None if there is none."""
    served = [part for part in read_description(description) if isinstance(part, _SERVED)]
    if not 0 <= number < len(served):
        return None
    part = served[number]
    if isinstance(part, Html):
        return html_frame(part.text)
    return Frame(part.data, part.media_type, STILL, part.filename)


# ---------------------------------------------------------------- text


def _notice(text: Sentence) -> Block:
    return Block(shape="notice", text=text)


def _cut(text: str) -> Iterator[Block]:
    if len(text) > MAX_TEXT:
        yield _notice(
            sentence(
                "The text is longer; the first {number} characters are shown.", number=MAX_TEXT
            )
        )


def _words(part: Words, *_: object) -> Iterator[Block]:
    yield Block(shape="said", text=part.text[:MAX_TEXT])
    yield from _cut(part.text)


def _markdown(part: Markdown, *_: object) -> Iterator[Block]:
    yield Block(shape="prose", html=markdown_html(part.text[:MAX_TEXT]))
    yield from _cut(part.text)


def _json(value: Json) -> Block:
    return text_block(json.dumps(value, indent=2, ensure_ascii=False))


def _value(part: Value, *_: object) -> Iterator[Block]:
    yield _json(part.value)


def _failure(part: Failure, *_: object) -> Iterator[Block]:
    name, text = (part.name, part.message) if part.name else (part.message, "")
    yield Block(
        shape="error",
        name=plain(name)[:MAX_TEXT],
        text=plain(text)[:MAX_TEXT],
        stack=last_of(part.stack),
    )


def _unfit(part: Unfit, *_: object) -> Iterator[Block]:
    """What was given, as it was."""
    yield _notice(part.why)
    if part.given is not None:
        yield _json(part.given)


# ---------------------------------------------------------------- pictures and files


def _data_uri(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def _picture(part: Picture, number: int, _: str) -> Iterator[Block]:
    yield _drawn(part.media_type, part.data, number)


def _drawing(part: Drawing, number: int, _: str) -> Iterator[Block]:
    yield _drawn("image/svg+xml", part.svg.encode(), number)


def _drawn(media_type: str, data: bytes, number: int) -> Block:
    label = sentence("Picture, part {number} of the description", number=number)
    return Block(shape="picture", source=_data_uri(media_type, data), label=label)


def _html(part: Html, number: int, address: str) -> Iterator[Block]:
    label = sentence("Part {number} of the description", number=number)
    yield Block(shape="frame", source=address, label=label, height=height_of(part.text))


def _attached(part: Attached, _: int, address: str) -> Iterator[Block]:
    yield Block(shape="file", source=address, name=part.filename, size=len(part.data))


# ---------------------------------------------------------------- tables and maps


def _table(part: Table, number: int, _: str) -> Iterator[Block]:
    yield from _grid(part, sentence("Table, part {number} of the description", number=number))


def _grid(table: Table, label: Sentence) -> Iterator[Block]:
    if table.header or table.rows:
        yield Block(
            shape="table", header=table.header, rows=table.rows, label=label, numeric=table.numeric
        )
    if not table.rows:
        yield _notice(sentence("The table has no rows."))
    if table.more_rows:
        n = table.more_rows
        yield _notice(sentence("{n} more row is not shown.", "{n} more rows are not shown.", n=n))
    if table.more_columns:
        n = table.more_columns
        yield _notice(
            sentence("{n} more column is not shown.", "{n} more columns are not shown.", n=n)
        )


def _map(part: Map, *_: object) -> Iterator[Block]:
    n = len(part.markers)
    label = sentence("A map with {n} marker", "A map with {n} markers", n=n)
    yield Block(
        shape="picture", source=_data_uri("image/svg+xml", map_svg(part).encode()), label=label
    )
    if n:
        yield from _grid(marker_table(part), sentence("The markers of the map"))
    if part.more:
        yield _notice(
            sentence(
                "{n} more marker is not shown.", "{n} more markers are not shown.", n=part.more
            )
        )


_DRAWN: Mapping[type[Part], Callable[[Any, int, str], Iterator[Block]]] = {
    Words: _words,
    Markdown: _markdown,
    Html: _html,
    Drawing: _drawing,
    Picture: _picture,
    Attached: _attached,
    Failure: _failure,
    Table: _table,
    Map: _map,
    Value: _value,
    Unfit: _unfit,
}
"""For each class of part: of itself, its number from 1, and its address if it has one."""
