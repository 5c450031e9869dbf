"""How an lru_cache is saved: with what it holds, the oldest entry first."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import origin
from jupyter_flows.client.checkpoint import rebuilding_library as again
from jupyter_flows.client.checkpoint.errors import Refused

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler


def reduce(pickler: Pickler, wrapper: Any) -> Any:
    wrapped = wrapper.__wrapped__
    if origin.by_reference_of(wrapper):
        pickler.occurs(wrapper.__module__)
        return NotImplemented
    told = wrapper.cache_parameters()
    own = {name: value for name, value in wrapper.__dict__.items() if name != "cache_parameters"}
    entries = _entries(wrapper, told["typed"])
    made = (wrapped, told["maxsize"], told["typed"], bool(entries))
    return again.cached, made, (own, entries), None, None, again.set_cached


def _entries(wrapper: Any, typed: bool) -> list[tuple[Any, ...]]:
    """Arguments and results. The cache is written in C, but the garbage collector sees into it."""
    size = wrapper.cache_info().currsize
    if not size:
        return []
    seen = gc.get_referents(wrapper)
    seen = seen[1:] if seen[0] is type(wrapper) else seen
    if wrapper.cache_parameters()["maxsize"] is None:
        pairs, rest = list(seen[0].items()) if isinstance(seen[0], dict) else [], seen[1:]
    else:
        pairs, rest = _linked(seen, size)
    if len(pairs) != size:
        raise Refused("what this lru_cache holds can't be read; cache_clear() empties it")
    marks = [each for each in rest if type(each) is object]
    return [(*_arguments(key, marks, typed), result) for key, result in pairs]


def _linked(seen: list[Any], size: int) -> tuple[list[tuple[Any, Any]], list[Any]]:
    """The entries come one by one, before the dict that finds them by their keys."""
    for width in (3, 2):
        rest = seen[size * width :]
        pairs = list(zip(seen[: size * width : width], seen[1 : size * width : width]))
        if rest and isinstance(rest[0], dict) and _same(rest[0], [key for key, _ in pairs]):
            return pairs, rest
    return [], seen


def _same(found: dict[Any, Any], keys: list[Any]) -> bool:
    return {id(key) for key in found} == {id(key) for key in keys}


def _arguments(key: Any, marks: list[Any], typed: bool) -> tuple[list[Any], dict[str, Any]]:
    """What functools made the key of: arguments, a mark, names with values, types."""
    if type(key) is not tuple:
        return [key], {}
    at = next((n for n, each in enumerate(key) if any(each is mark for mark in marks)), None)
    if at is None:
        return list(key[: len(key) // 2] if typed else key), {}
    names = key[at + 1 :]
    if typed:
        names = names[: (len(names) - at) // 3 * 2]
    return list(key[:at]), dict(zip(names[::2], names[1::2]))
