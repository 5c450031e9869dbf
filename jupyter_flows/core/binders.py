"""Which names a cell's source binds, as far as the text tells."""

import ast
from collections.abc import Iterable, Mapping

from jupyter_flows.core.model import StepId


def bound_in(source: str) -> frozenset[str]:
    """The names that are bound at the top of the text (assignments, loops, imports, functions,
    classes, `with`); none for a text that is no plain Python.
    """
    plain = "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(_MAGIC))
    try:
        tree = ast.parse(plain)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    found: set[str] = set()
    for statement in tree.body:
        found |= set(_names(statement))
    return frozenset(found)


_MAGIC = ("%", "!", "?")


def _names(node: ast.AST) -> Iterable[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield (alias.asname or alias.name).partition(".")[0]
    if isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name
    if isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp):
            yield from _names(child)


def last_binders(sources: Mapping[StepId, str], names: Iterable[str]) -> dict[str, StepId]:
    """For each name the last of these steps, in their order, that binds it."""
    wanted, found = set(names), dict[str, StepId]()
    for step in reversed(list(sources)):
        for name in bound_in(sources[step]) & wanted:
            found.setdefault(name, step)
    return found
