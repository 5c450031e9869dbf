"""What pickles call to make objects of the standard library again; part of the format."""

from __future__ import annotations

import functools
import io
import logging
import os
from typing import Any


def bare(kind: type) -> Any:
    return object.__new__(kind)


def logger(name: str | None) -> Any:
    return logging.getLogger(name)


def set_logger(made: Any, state: tuple[Any, ...]) -> None:
    level, made.propagate, made.disabled, handlers, filters = state
    made.setLevel(level)
    made.handlers[:] = handlers
    made.filters[:] = filters


def cached(wrapped: Any, maxsize: int | None, typed: bool, warm: bool) -> Any:
    """An lru_cache's wrapper, still empty. What it will hold is put in past the function."""
    if not warm:
        return functools.lru_cache(maxsize, typed)(wrapped)
    known: list[Any] = []

    def known_or_new(*args: Any, **options: Any) -> Any:
        return known[-1] if known else wrapped(*args, **options)

    made: Any = functools.lru_cache(maxsize, typed)(known_or_new)
    made.__wrapped__ = known
    return made


def set_cached(made: Any, state: tuple[Any, ...]) -> None:
    own, entries = state
    known = made.__wrapped__
    for args, options, result in entries:
        known.append(result)
        made(*args, **options)
        known.clear()
    made.__dict__.update(own)


def closed_file(kind: str, name: Any, mode: str, encoding: str | None, errors: str | None) -> Any:
    plain = mode.replace("t", "").replace("b", "").replace("x", "w")
    raw: Any = io.FileIO(os.devnull, plain)
    raw.name = name
    made = raw
    if kind in _BUFFERED:
        made = getattr(io, kind)(raw)
    elif kind == "TextIOWrapper":
        buffered = "BufferedRandom" if "+" in mode else _BUFFER_OF.get(plain[0], "BufferedWriter")
        made = io.TextIOWrapper(getattr(io, buffered)(raw), encoding, errors)
        made.mode = mode  # type: ignore[misc]
    made.close()
    return made


_BUFFERED = {"BufferedReader", "BufferedWriter", "BufferedRandom"}
_BUFFER_OF = {"r": "BufferedReader"}


def shut_down(kind: Any, workers: int) -> Any:
    made = kind(workers)
    made.shutdown()
    return made


def namespace(of: Any) -> dict[str, Any]:
    """Of a module."""
    names: dict[str, Any] = vars(of)
    return names


def type_of(kind: str) -> Any:
    return TYPES[kind]


TYPES: dict[str, Any] = {
    "dict_keys": type({}.keys()),
    "dict_values": type({}.values()),
    "dict_items": type({}.items()),
}


def part(whole: Any, steps: list[Any]) -> Any:
    """What names and positions lead to."""
    for step in steps:
        whole = whole[step]
    return whole


def parametrized(origin: Any, args: Any) -> Any:
    return origin[args]


def view_of(of: Any, kind: str) -> Any:
    """Of a dict whose class has another idea of its keys, values or items."""
    return getattr(dict, kind)(of)
