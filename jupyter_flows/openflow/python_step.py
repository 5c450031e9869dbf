"""A Python step of Windmill, looked at but not run: its main, its names, its use of `wmill`."""

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_flows.openflow.refusal import Untranslatable

OFFERED = frozenset({"get_resume_urls"})
"""What of Windmill's client jupyter_flows has under the same name."""

_CONVERTED = ("bytes", "datetime", "date")


@dataclass(frozen=True, slots=True)
class PythonStep:
    """`defined`: the names that its cell sets in the namespace which all cells share."""

    source: str
    parameters: tuple[str, ...]
    optional: frozenset[str]
    takes_any: bool
    waits: bool
    defined: frozenset[str]
    notes: tuple[str, ...]


def python_step(content: str) -> PythonStep:
    """Raises Untranslatable for what is not Python, or has no main."""
    tree = _tree(content)
    main = next((node for node in reversed(tree.body) if _is_main(node)), None)
    if not isinstance(main, ast.FunctionDef | ast.AsyncFunctionDef):
        raise Untranslatable("it has no function `main`")
    if main.args.posonlyargs:
        raise Untranslatable("its `main` has parameters that can't be named")
    source, client = _own_client(content, tree)
    named = [*main.args.args, *main.args.kwonlyargs]
    behind = main.args.args[len(main.args.args) - len(main.args.defaults) :]
    keywords = zip(main.args.kwonlyargs, main.args.kw_defaults, strict=True)
    optional = {arg.arg for arg in behind} | {arg.arg for arg, value in keywords if value}
    return PythonStep(
        source=_without_options(source),
        parameters=tuple(arg.arg for arg in named),
        optional=frozenset(optional),
        takes_any=main.args.kwarg is not None,
        waits=isinstance(main, ast.AsyncFunctionDef),
        defined=frozenset(_defined(tree)) - {"main"},
        notes=(*client, *_notes(tree, named)),
    )


def _tree(content: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(content)
    except SyntaxError as error:
        raise Untranslatable(f"it is not Python: {error.msg}, line {error.lineno}") from None
    except (ValueError, RecursionError, MemoryError):
        raise Untranslatable("it is not Python") from None


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == "main"


def _without_options(source: str) -> str:
    """A first line like `#| suspend: false` would be read as a flow option."""
    text = source.strip("\n")
    return f"# Python\n{text}" if text.startswith("#|") else text


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    for inner in ast.walk(target):
                        if isinstance(inner, ast.Name):
                            yield inner.id


def _notes(tree: ast.Module, parameters: list[ast.arg]) -> Iterator[str]:
    if any(
        isinstance(node, ast.If)
        and any(isinstance(i, ast.Name) and i.id == "__name__" for i in ast.walk(node.test))
        for node in tree.body
    ):
        yield "what stands under `if __name__ == …` runs in a notebook"
    for parameter in parameters:
        kind = parameter.annotation
        if kind is not None and any(name in _CONVERTED for name in map(_last_name, ast.walk(kind))):
            yield f"the parameter {parameter.arg!r} is not converted from its text"


def _last_name(node: ast.AST) -> str:
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
    return ""


# ---------------------------------------------------------------- Windmill's client


def _own_client(content: str, tree: ast.Module) -> tuple[str, list[str]]:
    """The source with jupyter_flows in the place of `wmill`, where it offers all that is used."""
    imports = [node for node in ast.walk(tree) if _imports_client(node)]
    if not imports:
        return content, []
    beyond = sorted(_used(tree) - OFFERED)
    if beyond:
        return content, [f"it needs Windmill's client `wmill`, for {', '.join(beyond)}"]
    lines = content.split("\n")
    for node in imports:
        if not _replaced(lines, node):
            return content, ["it needs Windmill's client `wmill`"]
    return "\n".join(lines), []


def _imports_client(node: ast.AST) -> bool:
    match node:
        case ast.Import():
            return any(alias.name.partition(".")[0] == "wmill" for alias in node.names)
        case ast.ImportFrom():
            return (node.module or "").partition(".")[0] == "wmill"
    return False


def _used(tree: ast.Module) -> set[str]:
    """What the source names of the client; all of it where that can't be told."""
    used: set[str] = set()
    locals_: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                for alias in node.names:
                    if alias.name == "wmill":
                        locals_.add(alias.asname or "wmill")
                    elif alias.name.startswith("wmill."):
                        used.add(alias.name)
            case ast.ImportFrom(module="wmill"):
                used |= {alias.name for alias in node.names}
            case ast.ImportFrom() if _imports_client(node):
                used.add(str(node.module))
    members = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute)]
    of_client = [m for m in members if isinstance(m.value, ast.Name) and m.value.id in locals_]
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in locals_]
    if len(names) != len(of_client):
        used.add("the module itself")
    return used | {member.attr for member in of_client}


def _replaced(lines: list[str], node: ast.AST) -> bool:
    """Whether the import, alone on its one line, could be written anew there."""
    if not isinstance(node, ast.Import | ast.ImportFrom) or node.lineno != node.end_lineno:
        return False
    line = lines[node.lineno - 1]
    before, rest = line[: node.col_offset], line[node.end_col_offset :]
    if before.strip() or ";" in rest or not line.isascii():
        return False
    if isinstance(node, ast.ImportFrom):
        named = ", ".join(a.name + (f" as {a.asname}" if a.asname else "") for a in node.names)
        lines[node.lineno - 1] = f"{before}from jupyter_flows import {named}{rest}"
        return True
    if len(node.names) != 1:
        return False
    name = node.names[0].asname or "wmill"
    lines[node.lineno - 1] = f"{before}import jupyter_flows as {name}{rest}"
    return True
