"""Which variables hold a part of what replay cells make again: these parts would be two."""

from __future__ import annotations

import collections
import functools
import logging
import sys
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import names
from jupyter_flows.client.checkpoint.errors import Refused

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler
    from jupyter_flows.client.checkpoint.trials import Trials

_HEAP = 1 << 9
_CONTAINERS = (list, dict, set, bytearray, collections.deque)
_FIXED = (type, types.FunctionType, types.ModuleType, logging.Logger)
_FIXED_IN = {"enum", "datetime", "decimal", "fractions", "pathlib", "uuid", "zoneinfo", "ipaddress"}
_KEPT_BY = [("numpy", "ndarray"), ("torch", "Tensor"), ("torch", "UntypedStorage")]
_NEVER = [
    *(("pandas", "Index"), ("pandas.api.extensions", "ExtensionDtype"), ("numpy", "dtype")),
    *(("pyarrow", "Table"), ("polars", "DataFrame"), ("polars", "Series"), ("enum", "Enum")),
]


class Parts:
    def __init__(self, shell: Any, replayed: Mapping[str, Any], trials: Trials) -> None:
        self._shell = shell
        self._replayed = replayed
        self._trials = trials

    @functools.cached_property
    def _made(self) -> dict[str, dict[int, Any]]:
        """By name, and by id; the objects are kept so that no id is given again."""
        whole = names.with_identity(dict(self._replayed))
        known = {id(value) for value in whole.values()}
        return {
            name: {
                key: each
                for key, each in self._trials.made_again(value).items()
                if key not in known and _changes(each[1])
            }
            for name, value in whole.items()
        }

    def among(self, values: Mapping[str, Any], pickler: Pickler) -> dict[str, Exception]:
        """Why variables that the pickler has dumped can't be saved.

        What was there before the replay cell has run is not made by it, but given to it.
        """
        met = pickler.memo.copy()
        if not any(key in met for made in self._made.values() for key in made):
            return {}
        given: set[int] = set()
        owners: dict[int, str] = {}
        found: dict[str, Exception] = {}
        for name in self._shell.user_ns:
            if name in self._made:
                owners.update({key: name for key in self._made[name] if key not in given})
            elif name in values:
                held = self._trials.met(values[name])
                owner = next((owners[key] for key in held if key in owners), None)
                if owner is None:
                    given.update(held)
                else:
                    found[name] = _refusal(owner)
        return found


def _refusal(owner: str) -> Refused:
    return Refused(
        f"it holds a part of `{owner}`, which a replay cell makes again; make it in that cell too"
    )


def _changes(thing: Any) -> bool:
    """Whether it matters that there is one of it."""
    kind = type(thing)
    if issubclass(type(thing), (*_FIXED, *_found(_NEVER))) or kind.__module__ in _FIXED_IN:
        return False
    if issubclass(type(thing), (*_CONTAINERS, *_found(_KEPT_BY))):
        return True
    return bool(kind.__flags__ & _HEAP) and kind.__module__.partition(".")[0] != "jupyter_flows"


def _found(named: list[tuple[str, str]]) -> tuple[type, ...]:
    kinds = [getattr(sys.modules.get(module), name, None) for module, name in named]
    return tuple(each for each in kinds if isinstance(each, type))
