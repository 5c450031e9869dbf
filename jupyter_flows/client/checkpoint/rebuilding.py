"""What pickles call when they are loaded; its names are part of the format and stay as they are."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import sys
import threading
import types
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any


class _Here:
    """The kernel that is being loaded into."""

    def __init__(self) -> None:
        self.shell: Any = None
        self.replayed: Callable[[str, bool], Any] | None = None
        """What a replay cell has bound to a name, and whether it shall be a class."""


here = _Here()


# ---------------------------------------------------------------- live objects, by name


def _of_numpy(name: str) -> Any:
    del name
    return importlib.import_module("numpy.random.mtrand")._rand


def _of_torch(name: str) -> Any:
    del name
    return importlib.import_module("torch").default_generator


def _of_random(name: str) -> Any:
    del name
    return importlib.import_module("random")._inst


def _of_replay(name: str, is_class: bool = False) -> Any:
    if here.replayed is None:
        raise LookupError(f"{name} is bound by a replay cell that has not run")
    return here.replayed(name, is_class)


_LIVE: dict[str, Callable[[str], Any]] = {
    "namespace": lambda _: here.shell.user_ns,
    "shell": lambda _: here.shell,
    "module": importlib.import_module,
    "globals": lambda name: importlib.import_module(name).__dict__,
    "environment": lambda name: os.environ.get(name, ""),
    "sys": lambda name: getattr(sys, name),
    "random": _of_random,
    "numpy": _of_numpy,
    "torch": _of_torch,
    "replayed": _of_replay,
    "replayed class": functools.partial(_of_replay, is_class=True),
}


def live(kind: str, name: str) -> Any:
    return _LIVE[kind](name)


def attribute(module: str, name: str) -> Any:
    """An object that a module keeps under a name of its own."""
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def set_all_attributes(made: Any, state: Mapping[str, Any]) -> None:
    made.__dict__.clear()
    made.__dict__.update(state)


def module(name: str, inner: Sequence[str] = ()) -> types.ModuleType:
    """Import a module, and what had been imported of its inside."""
    found = importlib.import_module(name)
    for each in inner:
        if each not in sys.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(each)
    return found


def new_module(name: str, doc: str | None) -> types.ModuleType:
    return types.ModuleType(name, doc)


def set_module(made: types.ModuleType, state: Mapping[str, Any]) -> None:
    made.__dict__.update(state)


# ---------------------------------------------------------------- functions


def cell() -> types.CellType:
    return types.CellType()


def set_cell(made: types.CellType, state: tuple[Any]) -> None:
    made.cell_contents = state[0]


def function(
    code: types.CodeType, names: dict[str, Any], name: str, cells: tuple[types.CellType, ...] | None
) -> types.FunctionType:
    return types.FunctionType(code, names, name, None, cells)


def set_function(made: types.FunctionType, state: tuple[Any, ...]) -> None:
    attributes, names, own = state
    made.__globals__.update(names)
    for name, value in attributes.items():
        setattr(made, name, value)
    made.__dict__.update(own)


def set_attributes(made: Any, state: Mapping[str, Any]) -> None:
    made.__dict__.update(state)


# ---------------------------------------------------------------- what the language has


def exception(cls: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    """Its `__init__` is not run again."""
    made = cls.__new__(cls, *args)
    made.args = args
    return made


def again(make: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    return make(*args)


def set_exception(made: BaseException, state: tuple[Any, ...]) -> None:
    own, cause, context, quiet = state
    if own:
        setstate = getattr(made, "__setstate__", None)
        setstate(own) if setstate else made.__dict__.update(own)
    made.__cause__, made.__context__ = cause, context
    made.__suppress_context__ = quiet


def lock() -> Any:
    return threading.Lock()


def rlock() -> Any:
    return threading.RLock()


def proxy(mapping: Mapping[Any, Any]) -> Any:
    return types.MappingProxyType(mapping)


def view(of: Any, kind: str) -> Any:
    """The keys, values or items of a dict, following it."""
    return getattr(of, kind)()


def prop(cls: type, fget: Any, fset: Any, fdel: Any, doc: Any) -> Any:
    return cls(fget, fset, fdel, doc)


def type_variable(
    kind: Any, name: str, args: Sequence[Any], options: Mapping[str, Any], home: str
) -> Any:
    made = kind(name, *args, **options)
    with contextlib.suppress(AttributeError, TypeError):
        made.__module__ = home
    return made


class _Gone:
    """Nobody holds its instances."""


def dead() -> Any:
    """A weak reference to what is gone."""
    return weakref.ref(_Gone())


def weak(cls: type) -> Any:
    return cls()


def set_weak_set(made: Any, items: Sequence[Any]) -> None:
    made.update(items)


def set_weak_dict(made: Any, items: Sequence[tuple[Any, Any]]) -> None:
    made.update(items)
