"""How functions are saved: on the namespace they had, with closure cells that stay shared."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import origin, rebuilding

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler

_KEPT = ("__defaults__", "__kwdefaults__", "__qualname__", "__module__", "__doc__")


def reduce(pickler: Pickler, func: Any) -> Any:
    if origin.by_reference(func):
        pickler.occurs(func.__module__)
        return NotImplemented
    names, more = _globals(pickler, func)
    attributes = {name: getattr(func, name) for name in _KEPT}
    attributes["__annotations__"] = _annotations(func)
    if getattr(func, "__type_params__", ()):
        attributes["__type_params__"] = func.__type_params__
    return (
        rebuilding.function,
        (func.__code__, names, func.__name__, func.__closure__),
        (attributes, more, func.__dict__),
        None,
        None,
        rebuilding.set_function,
    )


def _annotations(func: Any) -> Any:
    try:
        return func.__annotations__
    except Exception:  # noqa: BLE001 (evaluated when asked for, from Python 3.14 on)
        return {}


def _globals(pickler: Pickler, func: Any) -> tuple[Any, dict[str, Any]]:
    """The dict itself where it is somebody's; by name where it is a module's that can be imported.

    Of a module that the user wants by value, only what the function refers to.
    """
    names = func.__globals__
    home = sys.modules.get(names.get("__name__", ""))
    if home is None or vars(home) is not names:
        return pickler.namespace(names), {}
    if home.__name__ == "__main__":
        return names, {}
    if origin.by_reference(home):
        pickler.occurs(home.__name__)
        return pickler.live("globals", home.__name__), {}
    shared = pickler.partial_globals(names)
    used = origin.cloudpickle._extract_code_globals(func.__code__)
    return shared, {name: names[name] for name in used if name in names}


def reduce_cell(pickler: Pickler, cell: types.CellType) -> Any:
    del pickler
    try:
        state = (cell.cell_contents,)
    except ValueError:
        return rebuilding.cell, ()
    return rebuilding.cell, (), state, None, None, rebuilding.set_cell
