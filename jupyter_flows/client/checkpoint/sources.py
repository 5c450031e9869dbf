"""The source texts of cells whose functions are saved, for `inspect` and for tracebacks."""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import origin

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler


def reduce_code(pickler: Pickler, code: Any) -> Any:
    pickler.files.add(code.co_filename)
    return origin.cloudpickle._code_reduce(code)


def texts(files: set[str]) -> dict[str, str]:
    """Of those that are no files, but cells."""
    found = {}
    for name in sorted(files):
        entry = linecache.cache.get(name)
        if entry is not None and len(entry) == 4 and entry[1] is None:
            found[name] = "".join(entry[2])
    return found


def remember(told: dict[str, str]) -> None:
    for name, text in told.items():
        entry = (len(text), None, text.splitlines(True), name)
        linecache.cache.setdefault(name, entry)
