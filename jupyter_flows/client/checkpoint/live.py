"""Objects that every kernel has: they are not saved, but looked up by name where it is loaded."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_flows.client.checkpoint import names

Entry = tuple[str, str, Any]
"""What kind of thing it is, its name, and the object."""

OF_FLOW = "FLOWS_TOKEN"
"""The environment variable by which cells ask the server for links; none of a checkpoint's."""

_MODULES, _PATH = sys.modules, sys.path
_STREAMS = ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__")


def of_kernel(shell: Any) -> list[Entry]:
    """The namespace, the shell, and what Python and its libraries have but once."""
    modules = sys.modules
    numpy: Any = getattr(modules.get("numpy.random"), "mtrand", None)
    return _each_once(
        [
            ("namespace", "", shell.user_ns),
            ("shell", "", shell),
            ("module", "__main__", modules.get("__main__")),
            ("module", "builtins", modules["builtins"]),
            ("globals", "builtins", vars(modules["builtins"])),
            *(("sys", name, stream) for name, stream in _streams().items()),
            ("sys", "modules", sys.modules if sys.modules is _MODULES else None),
            ("sys", "path", sys.path if sys.path is _PATH else None),
            ("random", "", random._inst),
            ("numpy", "", getattr(numpy, "_rand", None)),
            ("torch", "", getattr(modules.get("torch"), "default_generator", None)),
        ]
    )


def _streams() -> dict[str, Any]:
    """The kernel's own: what the user has put in their place is a variable like others."""
    found = {name: getattr(sys, name, None) for name in _STREAMS}
    own = {id(found[name]) for name in _STREAMS if name.startswith("__")}
    return {
        name: stream
        for name, stream in found.items()
        if id(stream) in own or type(stream).__module__ == "ipykernel.iostream"
    }


def of_replay(values: Mapping[str, Any]) -> list[Entry]:
    """What replay cells have bound, as far as others can refer to it."""
    told = names.with_identity(dict(values)).items()
    return _each_once([(_kind(value), name, value) for name, value in told])


def of_environment(values: Mapping[str, Any]) -> list[Entry]:
    """The flow's token, where a variable is it, or is a copy of the environment."""
    token = os.environ.get(OF_FLOW)
    copies = [each[OF_FLOW] for each in values.values() if type(each) is dict and OF_FLOW in each]
    texts = [each for each in (*values.values(), *copies) if type(each) is str]
    return _each_once([("environment", OF_FLOW, each) for each in texts if token and each == token])


def _kind(value: Any) -> str:
    return "replayed class" if issubclass(type(value), type) else "replayed"


def _each_once(entries: Iterable[Entry]) -> list[Entry]:
    seen: dict[int, Entry] = {}
    for entry in entries:
        if entry[2] is not None:
            seen.setdefault(id(entry[2]), entry)
    return list(seen.values())
