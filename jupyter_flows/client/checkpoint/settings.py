"""Settings of Python and of libraries that are no variables, but change what cells come to."""

from __future__ import annotations

import contextlib
import decimal
import sys
import warnings
from collections.abc import Callable
from typing import Any

_KEPT_BY_MATPLOTLIB = {"backend", "backend_fallback", "interactive", "toolbar", "webagg.port"}


def now() -> dict[str, Any]:
    """By name; only of libraries that are there."""
    told = {}
    for name, (library, get, _) in _SETTINGS.items():
        if library in sys.modules:
            with contextlib.suppress(Exception):
                told[name] = get(sys.modules[library])
    return told


def restore(told: dict[str, Any]) -> None:
    """What another version of a library doesn't know stays as it is."""
    for name, value in told.items():
        library, _, put = _SETTINGS.get(name, ("", None, None))
        if put is not None and library in sys.modules:
            with contextlib.suppress(Exception), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                put(sys.modules[library], value)


# ---------------------------------------------------------------- each


def _put_decimal(library: Any, value: Any) -> None:
    library.setcontext(value.copy())


def _put_numpy_print(library: Any, value: dict[str, Any]) -> None:
    library.set_printoptions(**{name: each for name, each in value.items() if name[0] != "_"})


def _pandas(library: Any) -> dict[str, Any]:
    config = library._config.config
    found = {}
    for name, option in config._registered_options.items():
        value = library.get_option(name)
        if name not in config._deprecated_options and value != option.defval:
            found[name] = value
    return found


def _put_pandas(library: Any, value: dict[str, Any]) -> None:
    for name, each in value.items():
        with contextlib.suppress(Exception):
            library.set_option(name, each)


def _matplotlib(library: Any) -> dict[str, Any]:
    usual = library.rcParamsDefault
    found = {}
    for name in library.rcParams:
        if name not in _KEPT_BY_MATPLOTLIB and library.rcParams[name] != usual[name]:
            found[name] = library.rcParams[name]
    return found


def _put_matplotlib(library: Any, value: dict[str, Any]) -> None:
    for name, each in value.items():
        with contextlib.suppress(Exception):
            library.rcParams[name] = each


def _put_torch(library: Any, value: tuple[Any, bool, bool]) -> None:
    library.set_default_dtype(value[0])
    library.set_grad_enabled(value[1])
    library.use_deterministic_algorithms(value[2])


_SETTINGS: dict[str, tuple[str, Callable[[Any], Any], Callable[[Any, Any], None]]] = {
    "decimal": ("decimal", lambda _: decimal.getcontext().copy(), _put_decimal),
    "recursion": (
        "sys",
        lambda _: sys.getrecursionlimit(),
        lambda _, value: sys.setrecursionlimit(value),
    ),
    "numpy errors": ("numpy", lambda it: it.geterr(), lambda it, value: it.seterr(**value)),
    "numpy print": ("numpy", lambda it: it.get_printoptions(), _put_numpy_print),
    "pandas": ("pandas", _pandas, _put_pandas),
    "matplotlib": ("matplotlib", _matplotlib, _put_matplotlib),
    "torch": (
        "torch",
        lambda it: (
            it.get_default_dtype(),
            it.is_grad_enabled(),
            it.are_deterministic_algorithms_enabled(),
        ),
        _put_torch,
    ),
}
