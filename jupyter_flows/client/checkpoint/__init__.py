"""Saves the variables of the kernel it runs in, and brings them back in another one.

It runs in the user's kernel, as part of the installed package or from its source text alone, where
the package is missing. Everything is asked for and answered as JSON.
"""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

from jupyter_flows.client.checkpoint import loading, saving, surroundings
from jupyter_flows.client.checkpoint.errors import CheckpointError

PROTOCOL = 3
"""The version of what the server and this package say to each other."""


class _Told:
    """Something told to the server in the reply to its request."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        del include, exclude
        return {"application/json": self.told, "text/plain": ""}


def save(text: str, shell: Any = None) -> _Told:
    """Write the variables into a folder of blobs; nothing in the namespace changes."""
    return _answered(lambda: saving.save(json.loads(text), shell or _shell()))


def load(text: str, shell: Any = None) -> _Told:
    """Bring the variables back. On an error the namespace is as it was."""
    return _answered(lambda: loading.load(json.loads(text), shell or _shell()))


def environment(text: str) -> _Told:
    """Versions and files of this kernel, for those that a checkpoint names; packages are looked for
    in the folders, too, that `prepare` adds to the path.
    """
    return _answered(lambda: _environment(json.loads(text)))


def _environment(asked: dict[str, Any]) -> dict[str, Any]:
    path = surroundings.with_paths(asked.get("sys_path", ()))
    versions = {name: surroundings.version(name, path) for name in asked.get("distributions", ())}
    return {
        "python": surroundings.python(),
        "distributions": versions,
        "files": {path: surroundings.digest_of(path) for path in asked.get("files", ())},
    }


def prepare(text: str, shell: Any = None) -> _Told:
    """Make folder, paths and extensions as they were."""
    return _answered(lambda: _prepared(json.loads(text)["kernel"], shell or _shell()))


def _prepared(kernel: dict[str, Any], shell: Any) -> dict[str, Any]:
    cwd = kernel.get("cwd")
    if cwd:
        if not Path(cwd).is_dir():
            raise CheckpointError(f"The folder {cwd} is gone.")
        os.chdir(cwd)
    gone = surroundings.add_to_sys_path(kernel.get("sys_path", ()))
    for name in kernel.get("extensions", ()):
        try:
            shell.extension_manager.load_extension(name)
        except Exception as error:
            raise CheckpointError(f"The extension {name} can't be loaded: {error}") from error
    return {"notices": [f"{path}, where modules were looked for, is gone." for path in gone]}


def _shell() -> Any:
    return importlib.import_module("IPython").get_ipython()


def _answered(ask: Any) -> _Told:
    try:
        return _Told(ask())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 (whatever it is, the server shall hear of it)
        told = {
            "name": type(error).__name__,
            "message": _message(error),
            "variable": getattr(error, "variable", None),
        }
        return _Told({"error": told})


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 (an error of the user's may not want to be told)
        return ""
