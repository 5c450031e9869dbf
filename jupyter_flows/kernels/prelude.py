"""What a Python kernel is told once, silently, so that its cells see their flow.

Everything is one expression, so that no name is added to the user's namespace.
"""

import json
from collections.abc import Mapping, Sequence

from jupyter_flows.core.model import Json
from jupyter_flows.kernels.sending import MAKE, source_of

PROTOCOL = 3
"""Must be the client's number, or the client's source text is sent instead of the installed one."""

_CLIENT = "__import__('sys').modules['jupyter_flows.client.flows']"
REPORT = f"{_CLIENT}.REPORTER"
"""The expression that gives the reply to a cell its result."""

IDENTITY = f"{_CLIENT}.identity()"
"""The expression that says which kernel this is."""

_SHELL = "__import__('IPython').get_ipython()"

PARTS = ("encoding", "links", "names", "around", "state", "recall", "comms", "hook")
"""What the client imports, in an order in which each finds those before it."""

LOADER = (
    MAKE
    + """
import importlib

def installed():
    try:
        module = importlib.import_module("jupyter_flows.client.flows")
    except Exception:
        return None
    return module if getattr(module, "PROTOCOL", None) == PROTOCOL else None

def sent():
    module = types.ModuleType("jupyter_flows", "The flow that this notebook runs as.")
    module.__path__ = []
    module.client = module.flows = module
    for alias in ("jupyter_flows", "jupyter_flows.client", "jupyter_flows.client.flows"):
        sys.modules[alias] = module
    for name, text in PARTS.items():
        make(name, text)
    return make("jupyter_flows", SOURCE, module)

(installed() or sent()).install(SHELL, ENV, FOLDER)
"""
)


def texts() -> dict[str, Json]:
    """What the loader is given: the client's own text, and its parts' by their names."""
    parts = {f"jupyter_flows.client.{part}": source_of(f"client/{part}.py") for part in PARTS}
    return {"SOURCE": source_of("client/flows.py"), "PARTS": parts}


def opening(env: Mapping[str, str], folder: str | None = None) -> str:
    """Load the client and hook it into IPython; set `env` and, unless None, the folder."""
    told = {"PROTOCOL": PROTOCOL, "ENV": dict(env), "FOLDER": folder, **texts()}
    return f"__import__('builtins').exec({LOADER!r}, {{'SHELL': {_SHELL}, **{told!r}}})"


def entering(env: Mapping[str, str], folder: str | None) -> str:
    """A kernel that was opened for nobody in particular is given to a run."""
    return f"{_CLIENT}.enter({dict(env)!r}, {folder!r})"


def leaving(names: Sequence[str]) -> str:
    """Take the hook and these environment variables out of a kernel that lives on."""
    return f"{_CLIENT}.uninstall({_SHELL}, {tuple(names)!r})"


def evaluating(
    expr: str,
    bindings: Mapping[str, Json],
    names: Mapping[str, Json],
    limit: int,
    digests: Mapping[str, str] | None = None,
) -> str:
    """The expression by which the client evaluates another one, and says what it came to."""
    asked = {"expr": expr, "bindings": bindings, "names": names, "limit": limit}
    asked["digests"] = digests or {}
    return f"{_CLIENT}.evaluated({json.dumps(asked)!r})"


def remembering(limit: int) -> str:
    """The expression that says what the flow knows besides the notebook's names."""
    return f"{_CLIENT}.remembered({limit})"


def recalling(flow: Mapping[str, Json], *, aside: bool = False) -> str:
    """The expression that ends a restore, or with `aside` its first part, with what the one above
    said.
    """
    return f"{_CLIENT}.recalled({json.dumps(flow)!r}, {aside})"
