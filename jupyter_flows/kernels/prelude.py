"""What a Python kernel is told once, silently, so that its cells see their flow.

Everything is one expression, so that no name is added to the user's namespace.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from importlib import resources

from jupyter_flows.core.model import Json

PROTOCOL = 2
"""Must be the client's number, or the client's source text is sent instead of the installed one."""

_CLIENT = "__import__('sys').modules['jupyter_flows.client.flows']"
REPORT = f"{_CLIENT}.REPORTER"
"""The expression that gives the reply to a cell its result."""

_SHELL = "__import__('IPython').get_ipython()"

_LOADER = """
import importlib, linecache, sys, types

def installed():
    try:
        module = importlib.import_module("jupyter_flows.client.flows")
    except Exception:
        return None
    return module if getattr(module, "PROTOCOL", None) == PROTOCOL else None

def sent():
    name = "<jupyter_flows>"
    module = types.ModuleType("jupyter_flows", "The flow that this notebook runs as.")
    module.__path__, module.__file__ = [], name
    module.client = module.flows = module
    for alias in ("jupyter_flows", "jupyter_flows.client", "jupyter_flows.client.flows"):
        sys.modules[alias] = module
    linecache.cache[name] = (len(SOURCE), None, SOURCE.splitlines(True), name)
    exec(compile(SOURCE, name, "exec"), module.__dict__)
    return module

(installed() or sent()).install(SHELL, ENV, FOLDER)
"""


@functools.cache
def client_source() -> str:
    return resources.files("jupyter_flows").joinpath("client/flows.py").read_text("utf-8")


def opening(env: Mapping[str, str], folder: str | None = None) -> str:
    """Load the client and hook it into IPython; set `env` and, unless None, the folder."""
    names = (
        f"{{'PROTOCOL': {PROTOCOL}, 'SOURCE': {client_source()!r}, 'SHELL': {_SHELL},"
        f" 'ENV': {dict(env)!r}, 'FOLDER': {folder!r}}}"
    )
    return f"__import__('builtins').exec({_LOADER!r}, {names})"


def entering(env: Mapping[str, str], folder: str | None) -> str:
    """A kernel that was opened for nobody in particular is given to a run."""
    return f"{_CLIENT}.enter({dict(env)!r}, {folder!r})"


def leaving(names: Sequence[str]) -> str:
    """Take the hook and these environment variables out of a kernel that lives on."""
    return f"{_CLIENT}.uninstall({_SHELL}, {tuple(names)!r})"


def evaluating(
    expr: str, bindings: Mapping[str, Json], names: Mapping[str, Json], limit: int
) -> str:
    """The expression by which the client evaluates another one, and says what it came to."""
    asked = {"expr": expr, "bindings": bindings, "names": names, "limit": limit}
    return f"{_CLIENT}.evaluated({json.dumps(asked)!r})"
