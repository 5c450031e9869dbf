"""What a Python kernel is told once, silently, so that its cells see their flow.

Everything is one expression, so that no name is added to the user's namespace.
"""

import json
from collections.abc import Mapping, Sequence

from jupyter_flows.core.model import Json
from jupyter_flows.core.sending import TEACH, source_of

PROTOCOL = 3
"""Must be the client's number, or the client's source text is sent instead of the installed one."""

CLIENT = "jupyter_flows.client.flows"
_CLIENT = f"__import__('sys').modules[{CLIENT!r}]"
REPORT = f"{_CLIENT}.REPORTER"
"""The expression that gives the reply to a cell its result."""

IDENTITY = f"{_CLIENT}.identity()"
"""The expression that says which kernel this is."""

_SHELL = "__import__('IPython').get_ipython()"

PARTS = (
    *("encoding", "links", "names", "around", "state", "recall", "comms"),
    *("inner", "workflow", "hook", "kept", "flows"),
)
"""The client's modules, the client itself last."""

LOADER = (
    TEACH
    + """
def sent():
    teach(TEXTS)
    module = sys.modules[CLIENT]
    module.__path__ = []
    module.client = module.flows = module
    for alias in ("jupyter_flows", "jupyter_flows.client"):
        sys.modules[alias] = module
    return module

(found(CLIENT, PROTOCOL) or sent()).install(SHELL, ENV, FOLDER)
"""
)


def texts() -> dict[str, Json]:
    """What the loader is given of the client: its modules' texts by their names."""
    parts = {f"jupyter_flows.client.{part}": source_of(f"client/{part}.py") for part in PARTS}
    return {"CLIENT": CLIENT, "TEXTS": parts}


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
