"""The names of a notebook's cells, where its file has none or ones that don't serve."""

import hashlib
import re
from collections.abc import Collection, Mapping
from itertools import tee
from typing import Any

MAJOR, MINOR = 4, 5
"""The first format of notebooks whose cells have names."""

_VALID_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")

Cell = dict[str, Any]
Notebook = dict[str, Any]


def name_cells(notebook: Mapping[str, Any]) -> None:
    """An id for each cell, put into it. A missing one comes from the cell's text, so that it is the
    same whenever the file is read; of two equal ids the later one is replaced.
    """
    used: set[str] = set()
    made_up = _ids_are_made_up(notebook)
    for cell in notebook["cells"]:
        name = None if made_up else cell.get("id")
        if not isinstance(name, str) or not _VALID_ID.fullmatch(name) or name in used:
            name = _made_id(cell, used)
        used.add(name)
        cell["id"] = name


def unnamed(notebook: Mapping[str, Any]) -> Collection[int]:
    """The places of the cells that have no id that serves, or that of a cell before."""
    used: set[str] = set()
    places = set()
    for place, cell in enumerate(notebook["cells"]):
        name = cell.get("id")
        if not isinstance(name, str) or not _VALID_ID.fullmatch(name) or name in used:
            places.add(place)
        else:
            used.add(name)
    return places


def take_names(notebook: Notebook, given: Mapping[str, Any], places: Collection[int]) -> Notebook:
    """The notebook, with the ids of the other one's cells at those places: of cells of the same
    text, in the same order.
    """
    cells = list(notebook["cells"])
    used = {cell.get("id") for place, cell in enumerate(cells) if place not in places}
    left = iter([cell for cell in given["cells"] if cell["id"] not in used])
    for place in sorted(places):
        ahead, left = tee(left)
        for cell in ahead:
            if _text(cell) == _text(cells[place]):
                cells[place] = {**cells[place], "id": cell["id"]}
                left = ahead
                break
    return {**notebook, "cells": cells}


def _text(cell: Cell) -> str:
    source = cell.get("source")
    return f"{cell.get('cell_type')}\n{''.join(source) if isinstance(source, list) else source}"


def _ids_are_made_up(notebook: Mapping[str, Any]) -> bool:
    """A notebook of the format 3 or older, as it was read just now: the reader has given each cell
    an id by chance, another one each time.
    """
    was = notebook.get("metadata", {}).get("orig_nbformat")
    return isinstance(was, int) and was < MAJOR


def _made_id(cell: Cell, used: set[str]) -> str:
    base = hashlib.sha256(_text(cell).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    name, number = base, 1
    while name in used:
        number += 1
        name = f"{base}-{number}"
    return name
