"""Parameters as source text in the notebook's language, with papermill's translators; and those
that a notebook in Python sets itself, read from its source.
"""

import ast
import io
import json
import keyword
import tokenize
from collections.abc import Callable, Iterator, Mapping

from jupyter_flows.core.errors import BadInput, ParametersInvalid
from jupyter_flows.core.model import Json
from jupyter_flows.core.plain import plain_json
from jupyter_flows.ports import Parameter

CELL_ID = "injected-parameters"
TAG = "injected-parameters"


def source_of(parameters: Mapping[str, Json], kernel_name: str, language: str) -> str:
    """Assignments, one a line. Raises ParametersInvalid."""
    for name in parameters:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ParametersInvalid(f"{name!r} can't be a parameter: it is no identifier.")
    # papermill takes long to import, and only runs with parameters need it
    from papermill.exceptions import PapermillException  # noqa: PLC0415
    from papermill.translators import translate_parameters  # noqa: PLC0415

    translate: Callable[..., str] = translate_parameters
    try:
        text = translate(kernel_name, language, dict(parameters), "Parameters")
    except PapermillException:
        raise ParametersInvalid(
            f"Parameters can't be written in {language or 'the language of ' + kernel_name}."
        ) from None
    except NotImplementedError as error:
        raise ParametersInvalid(f"These parameters can't be written: {error}") from None
    return text.rstrip("\n")


def declared(source: str) -> tuple[Parameter, ...]:
    """What this Python source sets at its top level; nothing where it can't be read."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    helps = _comments(source)
    found = {one.name: one for node in body for one in _parameter(source, node, helps)}
    return tuple(found.values())


def _parameter(source: str, node: ast.stmt, helps: Mapping[int, str]) -> Iterator[Parameter]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            annotation = None
        case ast.AnnAssign(
            target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value
        ):
            pass
        case _:
            return
    yield Parameter(
        name=name,
        default=ast.get_source_segment(source, value) or "",
        value=_literal(value),
        type=None if annotation is None else ast.unparse(annotation),
        help=helps.get(node.end_lineno or 0, ""),
    )


def _literal(value: ast.expr) -> Json:
    """None where it is no literal, or none that JSON has."""
    try:
        return json.loads(plain_json(ast.literal_eval(value), "default"))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, BadInput):
        return None


def _comments(source: str) -> dict[int, str]:
    """The comment in each line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    try:
        return {
            token.start[0]: token.string.lstrip("# ").strip()
            for token in tokens
            if token.type == tokenize.COMMENT
        }
    except (tokenize.TokenError, SyntaxError):
        return {}
