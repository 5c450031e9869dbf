"""Flows imported from text, and notebooks played without a server."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.flow import read_flow
from jupyter_flows.openflow.notebook import imported

FLOWS = Path(__file__).parent / "flows"


def nothing_beside(name):
    raise BadInput(f"{name!r} is not there")


@pytest.fixture
def imports():
    def imports(text, beside=nothing_beside):
        made = imported(text, "flow.yaml", beside)
        nbformat.validate(nbformat.from_dict(made.notebook))
        read_flow(made.notebook)
        for cell in made.notebook["cells"]:
            if cell["cell_type"] == "code":
                compile(cell["source"], cell["id"], "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        return made

    return imports


@pytest.fixture
def imports_file(imports):
    def imports_file(name):
        file = FLOWS / name
        return imports(file.read_text(), lambda beside: (file.parent / beside).read_text())

    return imports_file


@pytest.fixture
def of_modules(imports):
    """A flow of these modules (YAML at the left margin)."""

    def of_modules(modules, before="", schema=""):
        indented = "".join(f"    {line}\n" for line in modules.splitlines())
        return imports(f"summary: s\nvalue:\n{before}  modules:\n{indented}{schema}")

    return of_modules


def cells(made):
    return {cell["id"]: cell for cell in made.notebook["cells"]}


def options(made, cell):
    return cells(made)[cell]["metadata"].get("flow", {})


def lines(made):
    return {line.step: line for line in made.lines}


def play(made, flow_input=None, resumes=None):
    """The results of all steps, as the rules of sections and `skip_if` have it. `resumes`: what
    people answer, by step.
    """
    names = {"flow_input": flow_input or {}, "results": {}, "resume": None}
    skipping = None
    for cell in made.notebook["cells"]:
        flow = cell["metadata"].get("flow", {})
        heading = re.match(r"(#+) ", cell["source"]) if cell["cell_type"] == "markdown" else None
        level = len(heading[1]) if heading else None
        if level is not None and skipping is not None and level <= skipping:
            skipping = None
        skipped = skipping is None and "skip_if" in flow and eval(flow["skip_if"]["expr"], names)
        if level is not None and skipped:
            skipping = level
        tags = cell["metadata"].get("tags", [])
        if level is not None or skipping is not None or skipped or "skip-execution" in tags:
            continue
        names["results"][cell["id"]] = _run(cell, names)
        if "parameters" in tags:
            names.update(flow_input or {})
        if "suspend" in flow:
            names["resume"] = (resumes or {}).get(cell["id"])
        stop = flow.get("stop_after_if")
        if stop and eval(stop["expr"], {**names, "result": names["results"][cell["id"]]}):
            break
    return names["results"]


def _run(cell, names):
    tree = ast.parse(cell["source"])
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, cell["id"], "exec"), names)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), cell["id"], "eval"), names)
