"""Functions of cells, and scripts, as notebooks of one cell."""

import asyncio
import inspect
import os

import pytest

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.flow import read_flow
from jupyter_flows.core.functions import function_notebook, script_notebook


def called(notebook, monkeypatch, **args):
    """What the one cell's last value is."""
    monkeypatch.setenv("MAIN_OVERRIDE", "nobody")
    (cell,) = notebook["cells"]
    *lines, last = cell["source"].splitlines()
    space = {"flow_input": args}
    exec("\n".join(lines), space)
    value = eval(last.removeprefix("await "), space)
    return asyncio.run(value) if inspect.iscoroutine(value) else value


def test_definitions_come_along_and_what_does_something_stays_behind(monkeypatch):
    cells = [
        "from __future__ import annotations\nimport math as m\nRATE: int = 3\nopen('/no/such')",
        "%matplotlib inline\n!ls\nclass A:\n    x = 1\n",
        "def plus(a):\n    return a + A.x\nunknown = plus(1)",
        "this is no python",
        "try:\n    import fast\nexcept ImportError:\n    fast = None",
        "def rated(n):\n    return m.floor(plus(n)) * RATE, fast",
    ]
    found = function_notebook(cells, "rated")
    assert called(found, monkeypatch, n=1.5) == (6, None)
    assert os.environ["MAIN_OVERRIDE"] == "rated"
    assert "unknown" not in found["cells"][0]["source"]
    assert [step.id for step in read_flow(found).steps] == ["call"]


def test_the_last_definition_of_a_name_counts(monkeypatch):
    cells = ["def f():\n    return 1", "async def f(n):\n    return n"]
    found = function_notebook(cells, "f")
    assert found["cells"][0]["source"].endswith("await f(**flow_input)")
    assert called(found, monkeypatch, n=2) == 2


@pytest.mark.parametrize("source", ["", "x = 1", "if True:\n    def f(): pass", "class f: pass"])
def test_a_function_that_is_not_defined_is_refused(source):
    with pytest.raises(BadInput, match="define no function 'f'"):
        function_notebook([source], "f")


def test_a_scripts_main_is_called(monkeypatch):
    found = script_notebook("import math\n\ndef main(n: int):\n    return math.sqrt(n)\n")
    assert called(found, monkeypatch, n=9) == 3.0


@pytest.mark.parametrize("content", ["", "x = 1", "def main(:", "main = 1", "\0"])
def test_a_script_without_a_main_is_refused(content):
    with pytest.raises(BadInput):
        script_notebook(content)
