"""Where in a variable the object is that can't be saved: `job.g`, `d['k'][3]`."""

from __future__ import annotations

import functools
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

from jupyter_flows.client.checkpoint import denied

Fails = Callable[[Any], "BaseException | None"]
_DEEPEST = 50
_MRO: Any = type.__dict__["__mro__"]
_OF_CLASSES = (types.GetSetDescriptorType, types.MemberDescriptorType)
"""What Python itself puts into each class."""


def culprit(
    name: str, value: Any, fails: Fails, until: float
) -> tuple[str, Any, BaseException | None]:
    """The innermost object that fails, with its path and why, as far as is found by `until`."""
    path, error = name, None
    met: dict[int, tuple[str, Any, BaseException | None]] = {}
    for _ in range(_DEEPEST):
        if id(value) in met:
            return met[id(value)]  # a way in a circle leads no further
        met[id(value)] = path, value, error
        if denied.reason(type(value)) is not None:
            break
        found = _first(list(_inside(value)), fails, until)
        if found is None:
            break
        if isinstance(found[1], RecursionError):
            return path, value, found[1]  # the whole is too deep, not one of its parts
        (step, value), error = found
        path += step
    return path, value, error


def _first(
    parts: list[tuple[str, Any]], fails: Fails, until: float
) -> tuple[tuple[str, Any], BaseException] | None:
    """The first part that fails, by halves."""
    if not parts or time.monotonic() > until:
        return None
    error = fails([value for _, value in parts])
    if error is None:
        return None
    while len(parts) > 1:
        if time.monotonic() > until:
            return None
        half = parts[: len(parts) // 2]
        failed = fails([value for _, value in half])
        parts, error = (half, failed) if failed else (parts[len(half) :], error)
    final = fails([parts[0][1]])
    return None if final is None else (parts[0], final)


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    """What an object is made of, as far as Python shows it."""
    kind = type(value)
    if issubclass(kind, dict):
        for key, item in value.items():
            yield f"[{_shown(key)}]", item
            yield f".keys()[{_shown(key)}]", key
    elif issubclass(kind, (list, tuple)):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))
    elif issubclass(kind, (set, frozenset)):
        yield from ((f"{{{_shown(item)}}}", item) for item in value)
    elif issubclass(kind, types.MethodType):
        yield ".__self__", value.__self__
        yield ".__func__", value.__func__
    elif issubclass(kind, functools.partial):
        yield ".func", value.func
        yield from ((f".args[{index}]", item) for index, item in enumerate(value.args))
        yield from ((f".keywords[{_shown(key)}]", item) for key, item in value.keywords.items())
    if issubclass(kind, types.FunctionType):
        yield from _of_function(value)
    yield from _attributes(value)


def _of_function(value: types.FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(value.__code__.co_freevars, value.__closure__ or ()):
        try:
            yield f".<locals>.{name}", cell.cell_contents
        except ValueError:
            continue
    yield from (
        (f".__defaults__[{index}]", it) for index, it in enumerate(value.__defaults__ or ())
    )


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    try:
        own = dict(vars(value))
    except Exception:  # noqa: BLE001 (`__dict__` may be whatever its class says)
        own = {}
    if issubclass(type(value), type):
        own = {name: item for name, item in own.items() if type(item) not in _OF_CLASSES}
    for kind in _MRO.__get__(type(value)):
        for name, slot in vars(kind).items():
            if isinstance(slot, types.MemberDescriptorType) and kind.__flags__ & 1 << 9:
                try:
                    own.setdefault(name, slot.__get__(value))
                except AttributeError:
                    continue
    for name, item in own.items():
        yield f".{name}", item


def _shown(key: Any) -> str:
    if isinstance(key, (str, int, float, bool, bytes, type(None))):
        text = repr(key)
        return text if len(text) <= 60 else text[:57] + "..."
    return type(key).__name__
