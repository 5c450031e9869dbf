"""Which of the namespace's names are the user's, and so belong into a checkpoint."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterable
from typing import Any

from jupyter_flows.client.checkpoint import origin

_HISTORY = re.compile(r"_i{0,3}|_{1,3}|_i?\d+|_[iod]h")
_OWN = {"In", "Out", "__builtins__", "__builtin__", "__loader__"}
_MODULE = {"__name__", "__doc__", "__package__", "__spec__", "__file__", "__session__"}
_ATOMS = (type(None), bool, int, float, complex, str, bytes, type(sys))
_UNSET: Any = object()


def flow() -> Any:
    """What the client knows of the run, if there is a client in this kernel."""
    return getattr(sys.modules.get("jupyter_flows.client.flows"), "_flow", None)


def chosen(shell: Any, exclude: Iterable[str] = ()) -> dict[str, Any]:
    """The user's variables in their order, without what replay cells bind."""
    left_out = set(exclude) | set(replayed(shell))
    hidden = getattr(shell, "user_ns_hidden", {})
    bound = getattr(flow(), "bound", {})
    return {
        name: value
        for name, value in list(shell.user_ns.items())
        if isinstance(name, str)
        and name not in left_out
        and not _of_ipython(name, value, hidden)
        and bound.get(name, _UNSET) is not value
    }


def replayed(shell: Any) -> dict[str, Any]:
    """What replay cells bound, and still is there."""
    told: dict[str, list[str]] = getattr(flow(), "replayed", None) or {}
    names = [name for step in told.values() for name in step]
    return {name: shell.user_ns[name] for name in names if name in shell.user_ns}


def with_identity(values: dict[str, Any]) -> dict[str, Any]:
    """Those that others can refer to; numbers, texts and what is imported is whoever asks."""
    return {
        name: value
        for name, value in values.items()
        if not issubclass(type(value), _ATOMS) and not _imported(value)
    }


def _imported(value: Any) -> bool:
    return issubclass(type(value), (type, types.FunctionType)) and origin.by_reference(value)


def _of_ipython(name: str, value: Any, hidden: dict[str, Any]) -> bool:
    if name in _OWN or name in _MODULE or _HISTORY.fullmatch(name):
        return True
    return name in hidden and hidden[name] is value
