"""What can be read from a cell's source: whether its code asks, and which function it ends with.

A script of Windmill's ends with a function `main` that it does not call. As a cell it stands as it
is, and is called by us: in a cell that is a gate, in one whose `main` is a workflow, and in every
cell of a `.py` file.
"""

import ast
import re
from collections.abc import Mapping

from jupyter_flows.core.model import Entry, Json, StepSpec

MAIN = "main"
WORKFLOW = "workflow"
_ASKS = re.compile(r"\bwait_for_approval\b")

_CALL = f"__import__('sys').modules['jupyter_flows.client.flows'].entry({MAIN})"
_ENTRY = {Entry.CALL: f"\n{_CALL}", Entry.AWAIT: f"\nawait {_CALL}"}


def with_entry(source: str, spec: StepSpec) -> str:
    """What the kernel is sent: with the call of the function that the cell ends with."""
    return source if spec.entry is None else source + _ENTRY[spec.entry]


def is_script(notebook: Mapping[str, Json]) -> bool:
    """Whether the notebook was read from a `.py` file."""
    ours = notebook.get("metadata", {}).get("jupyter_flows")
    return isinstance(ours, dict) and ours.get("script") is True


def asks(source: str) -> bool:
    """Whether the code has a call by which it may wait for an approval in its midst."""
    return _ASKS.search(source) is not None


def entry(source: str, *, unasked: bool) -> Entry | None:
    """How `main` is to be called behind the cell; None where it isn't. `unasked`: also if it is no
    workflow.
    """
    if MAIN not in source:
        return None
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found = [each for each in body if _is_main(each)]
    if not found or not isinstance(body[-1], ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    main = found[-1]
    if _calls(body) or not (unasked or _is_workflow(main)):
        return None
    return Entry.AWAIT if isinstance(main, ast.AsyncFunctionDef) else Entry.CALL


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == MAIN


def _is_workflow(node: ast.stmt) -> bool:
    """Whether a decorator says so: `@workflow`, `@wmill.workflow`, with or without a call."""
    decorators = getattr(node, "decorator_list", [])
    bare = [each.func if isinstance(each, ast.Call) else each for each in decorators]
    return any(getattr(each, "id", getattr(each, "attr", "")) == WORKFLOW for each in bare)


def _calls(body: list[ast.stmt]) -> bool:
    """Whether the cell itself calls it, and so is not to be helped."""
    own = (each for each in body if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    return any(
        isinstance(node, ast.Call) and getattr(node.func, "id", "") == MAIN
        for statement in own
        for node in ast.walk(statement)
    )
