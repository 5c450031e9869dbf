"""What variables need around them: packages, files, folder, paths, extensions, random states."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import site
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

_ALWAYS_LOADED = {"storemagic", "IPython.extensions.storemagic"}
_found: dict[str, str] = {}
"""Names of distributions by top-level module."""


def python() -> dict[str, Any]:
    return {
        "implementation": sys.implementation.name,
        "version": platform.python_version(),
        "machine": platform.machine(),
        "byteorder": sys.byteorder,
        "maxsize": sys.maxsize,
    }


# ---------------------------------------------------------------- packages and files


def version(name: str, path: Sequence[str] | None = None) -> str | None:
    """Of what would be imported; `path` in the place of `sys.path`."""
    where = list(sys.path if path is None else path)
    with contextlib.suppress(ValueError, KeyError):
        for found in metadata.distributions(name=name, path=where):
            return found.version
    return None


def distributions(modules: Iterable[str]) -> dict[str, str]:
    """The installed packages that these modules belong to, with their versions."""
    tops = {name.partition(".")[0] for name in modules} - {"__main__", "builtins", "jupyter_flows"}
    wanted = {top for top in tops if top in sys.modules and _installed(sys.modules[top])}
    unknown = wanted - set(_found)
    _found.update({top: top for top in unknown if version(top) is not None})
    if wanted - set(_found):
        _search()
    names = {_found[top] for top in wanted if top in _found}
    told = {name: version(name) for name in sorted(names)}
    return {name: found for name, found in told.items() if found is not None}


def _search() -> None:
    for each in metadata.distributions():
        name = each.metadata["Name"]
        listed = (each.read_text("top_level.txt") or "").split()
        if not listed:
            listed = sorted({str(path).partition("/")[0] for path in each.files or ()})
        for top in listed:
            _found.setdefault(top.removesuffix(".py") if top.endswith(".py") else top, name)


def _installed(module: Any) -> bool:
    try:
        path = getattr(module, "__file__", None) or next(iter(module.__path__), None)
    except Exception:  # noqa: BLE001 (anything may stand among the modules)
        return False
    return isinstance(path, str) and "-packages" in path


@functools.lru_cache(maxsize=1)
def _roots() -> list[str]:
    """Where Python and its packages are."""
    found = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    with contextlib.suppress(AttributeError):
        found += [*site.getsitepackages(), site.getusersitepackages()]
    found += [str(Path(path).parent) for path in found if path and path.endswith("-packages")]
    return [os.path.realpath(path) + os.sep for path in found if path]


def files() -> dict[str, str]:
    """The user's own modules: their files with their hashes."""
    roots = _roots()
    paths = [_own_file(name, roots) for name in list(sys.modules)]
    digests = {path: digest_of(path) for path in paths if path is not None}
    return {path: digest for path, digest in digests.items() if digest is not None}


def is_own(module: str) -> bool:
    """Whether the user has written a module: it is no part of Python, and of no package."""
    return _own_file(module, _roots()) is not None


def _own_file(name: str, roots: Sequence[str]) -> str | None:
    try:
        path = getattr(sys.modules.get(name), "__file__", None)
    except Exception:  # noqa: BLE001 (anything may stand among the modules)
        return None
    if not isinstance(path, str) or not path.endswith(".py") or _ours(name):
        return None
    real = _real(path)
    if "-packages" in real or any(real.startswith(root) for root in roots):
        return None
    return real


def _real(path: str) -> str:
    """Where a file really is. Most lie side by side: each folder is looked up once."""
    folder, name = os.path.split(path)
    if not os.path.isabs(folder) or os.path.islink(path):  # noqa: PTH114, PTH117
        return os.path.realpath(path)
    return os.path.join(_real_folder(folder), name)  # noqa: PTH118


@functools.lru_cache(maxsize=4096)
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)


def _ours(name: str) -> bool:
    return name == "__main__" or name.partition(".")[0] == "jupyter_flows"


def digest_of(path: str) -> str | None:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return None


# ---------------------------------------------------------------- paths and extensions


def sys_path() -> list[dict[str, Any]]:
    """Entries outside of Python's own, with their places."""
    roots = _roots()
    return [
        {"index": index, "path": path}
        for index, path in enumerate(sys.path)
        if isinstance(path, str)
        and path
        and not path.endswith(".zip")
        and not any((os.path.realpath(path) + os.sep).startswith(root) for root in roots)
    ]


def with_paths(told: Sequence[Any]) -> list[str]:
    """`sys.path` with these in their places."""
    path = list(sys.path)
    for entry in sorted(told, key=lambda each: int(each["index"])):
        if entry["path"] not in path:
            path.insert(min(entry["index"], len(path)), entry["path"])
    return path


def add_to_sys_path(told: Sequence[Any]) -> list[str]:
    """Returns those that are no longer there."""
    sys.path[:] = with_paths(told)
    return [entry["path"] for entry in told if not Path(entry["path"]).exists()]


def extensions(shell: Any) -> list[str]:
    loaded = getattr(getattr(shell, "extension_manager", None), "loaded", ())
    return sorted(set(loaded) - _ALWAYS_LOADED)
