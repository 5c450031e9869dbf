"""Which of the namespace's names are the user's, and so belong into a checkpoint."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterable
from typing import Any

from jupyter_flows.client.checkpoint import origin

_HISTORY = re.compile(r"_i{0,3}|_{1,3}|_i?\d+|_[iod]h")
_OWN = {"__builtins__", "__builtin__", "__loader__", "__spec__", "__session__"}
_ONCE = {"In", "Out", "exit", "quit", "get_ipython", "open"}
_MODULE: dict[str, Any] = {
    "__name__": "__main__",
    "__doc__": "Automatically created module for IPython interactive environment",
    "__package__": None,
}
_ATOMS = (type(None), bool, int, float, complex, str, bytes, type(sys))
_UNSET: Any = object()


def flow() -> Any:
    """What the client knows of the run, if there is a client in this kernel."""
    return getattr(sys.modules.get("jupyter_flows.client.flows"), "_flow", None)


def chosen(shell: Any, exclude: Iterable[str] = ()) -> dict[str, Any]:
    """The user's variables in their order, without what replay cells bind."""
    left_out = set(exclude) | set(replayed(shell))
    hidden = getattr(shell, "user_ns_hidden", {})
    displays = getattr(shell, "displayhook", None)
    bound = getattr(flow(), "bound", {})
    return {
        name: value
        for name, value in list(shell.user_ns.items())
        if isinstance(name, str)
        and name not in left_out
        and not _of_ipython(name, value, hidden, displays)
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


def given(shell: Any) -> set[str]:
    """What was there before the first cell: a fresh kernel has it too, and may have to do."""
    hidden = shell.user_ns_hidden if hasattr(shell, "user_ns_hidden") else {}
    names = list(shell.user_ns)
    first = names.index("_i") if "_i" in names else len(names)
    return {
        name
        for name in names[:first]
        if name in hidden and hidden[name] is shell.user_ns.get(name, _UNSET)
    }


def _of_ipython(name: str, value: Any, hidden: dict[str, Any], displays: Any) -> bool:
    """Whether it still is what IPython has bound, and binds anew in each kernel."""
    if name in _OWN:
        return True
    if name in _MODULE:
        return hidden.get(name, _UNSET) is value or _same_text(value, _MODULE[name])
    if name in {"_", "__", "___"} and getattr(displays, name, _UNSET) is value:
        return True
    if name in _ONCE or _HISTORY.fullmatch(name):
        return hidden.get(name, _UNSET) is value
    return False


def _same_text(value: Any, usual: str | None) -> bool:
    return value is None if usual is None else type(value) is str and value == usual
