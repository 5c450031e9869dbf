"""What a Python kernel is told so that it can save its variables, or bring them back.

Everything is one expression, so that no name is added to the user's namespace.
"""

import functools
import importlib.util
import json
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from jupyter_flows.core.model import Json
from jupyter_flows.core.sending import TEACH, source_of

PROTOCOL = 3
"""Must be the package's number, or its source text is sent instead of the installed one."""

PACKAGE = "jupyter_flows.client.checkpoint"
_CLOUDPICKLE = "cloudpickle_"

_THERE = f"getattr(__import__('sys').modules.get({PACKAGE!r}), 'PROTOCOL', None) == {PROTOCOL}"
"""Whether the kernel has the package already."""

_SHARED = "jupyter_flows.client.around"
"""The one module of the client which the package needs: the client's own, where it is there."""

_LOADER = TEACH + "found(PACKAGE, PROTOCOL) or teach(TEXTS, kept=[SHARED])"


@functools.cache
def sources() -> dict[str, str]:
    """The texts of the package's modules by name, that of cloudpickle under a name of its own, and
    that of the one module of the client which the package needs.

    These two come first, so that the package finds them in the kernel.
    """
    found = {f"{PACKAGE}.{_CLOUDPICKLE}": _cloudpickle()}
    found[_SHARED] = source_of("client/around.py")
    for file in sorted(_folder().iterdir(), key=lambda each: each.name):
        if file.name.endswith(".py"):
            inner = file.name.removesuffix(".py")
            name = PACKAGE if inner == "__init__" else f"{PACKAGE}.{inner}"
            found[name] = file.read_text("utf-8")
    return found


def _folder() -> Traversable:
    """Found without loading the package: the server needs its text alone."""
    return resources.files("jupyter_flows").joinpath("client/checkpoint")


def _cloudpickle() -> str:
    spec = importlib.util.find_spec("cloudpickle")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("cloudpickle is not installed")
    return (Path(spec.submodule_search_locations[0]) / "cloudpickle.py").read_text("utf-8")


def installed() -> str:
    """The expression that loads the kernel's own package; True where it is one that will do. To
    take in the texts costs a kernel ten times what this does.
    """
    module = f"__import__('importlib').import_module({PACKAGE!r})"
    return f"getattr({module}, 'PROTOCOL', None) == {PROTOCOL}"


def opening() -> str:
    """The expression that loads the package: the kernel's own, or else from the texts."""
    told = {"PACKAGE": PACKAGE, "PROTOCOL": PROTOCOL, "SHARED": _SHARED, "TEXTS": sources()}
    return f"{_THERE} or __import__('builtins').exec({_LOADER!r}, {told!r})"


def asking(what: str, asked: Mapping[str, Json]) -> str:
    """The expression that asks for `save`, `load`, `environment` or `prepare`."""
    return f"__import__('sys').modules[{PACKAGE!r}].{what}({json.dumps(asked)!r})"
