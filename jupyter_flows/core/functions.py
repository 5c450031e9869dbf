"""A function of a notebook's cells, or of a script, as a notebook of one cell that calls it."""

import ast
from collections.abc import Iterable, Iterator, Sequence

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Json

CELL = "call"
OVERRIDE = "MAIN_OVERRIDE"
"""Names the function whose body is this job's (`wmill`): it is not sent away once more."""

_MAGIC = ("%", "!", "?")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def script_notebook(content: str) -> dict[str, Json]:
    """The script, then a call of its `main` with the run's parameters. Raises BadInput."""
    try:
        body = ast.parse(content).body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise BadInput(f"The script is no Python: {error}") from None
    found = [each for each in body if isinstance(each, _FUNCTIONS) and each.name == "main"]
    if not found:
        raise BadInput("The script must define a function `main`.")
    return _notebook(f"{content}\n\n{_call(found[-1])}")


def function_notebook(sources: Sequence[str], name: str) -> dict[str, Json]:
    """The definitions of these cells, then a call of this function with the run's parameters.

    Definitions are imports, functions, classes, and names given to constants; all that does
    something else is left out. Raises BadInput for a function that they don't define.
    """
    kept = [node for source in sources for node in _body(source) if _is_definition(node)]
    found = [each for each in kept if isinstance(each, _FUNCTIONS) and each.name == name]
    if not found:
        raise BadInput(
            f"The cells so far define no function {name[:200]!r}; a task is defined by `def` at the"
            " beginning of a line."
        )
    first = [node for node in kept if _is_future(node)]
    rest = [node for node in kept if not _is_future(node)]
    mark = ast.parse(f'import os\nos.environ["{OVERRIDE}"] = {name!r}').body
    texts = [ast.unparse(node) for node in (*first, *mark, *rest)]
    return _notebook("\n".join((*texts, _call(found[-1]))))


def _notebook(source: str) -> dict[str, Json]:
    cell: dict[str, Json] = {
        "cell_type": "code",
        "id": CELL,
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": [cell],
        "metadata": {"kernelspec": spec},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _call(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    awaited = "await " if isinstance(function, ast.AsyncFunctionDef) else ""
    return f"{awaited}{function.name}(**flow_input)"


def _body(source: str) -> Sequence[ast.stmt]:
    """Its statements; lines that are IPython's are left out, and so is what is no Python then."""
    for text in (source, "\n".join(_plain_lines(source))):
        try:
            return ast.parse(text).body
        except (SyntaxError, ValueError, RecursionError):
            continue
    return ()


def _plain_lines(source: str) -> Iterator[str]:
    for line in source.splitlines():
        yield "" if line.lstrip().startswith(_MAGIC) else line


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _is_definition(node: ast.stmt) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.ClassDef():
            return True
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return True
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return _is_constant(value) and all(
                isinstance(target, ast.Name) for target in _targets(node)
            )
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            inner = [*body, *(s for h in handlers for s in h.body), *orelse, *finalbody]
            return _all_definitions(inner)
        case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body):
            return _all_definitions(body)
    return False


def _all_definitions(nodes: Iterable[ast.stmt]) -> bool:
    return all(isinstance(node, ast.Pass) or _is_definition(node) for node in nodes)


def _targets(node: ast.stmt) -> Sequence[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


def _is_constant(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
