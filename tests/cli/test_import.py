"""`import`: the command, its report, and the notebook that it writes run for real."""

import json
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import nbformat
import pytest

FLOWS = Path(__file__).parents[1] / "openflow" / "flows"
FIELD = "Customers to send to"


@pytest.fixture
def enum(flows):
    return shutil.copy(FLOWS / "dynamic_enum.yaml", flows.folder)


def test_the_dynamic_enum_example_runs_and_the_next_cell_has_the_choice(flows, enum):
    done = flows("import", enum)
    assert done.status == 0, done.errors
    assert done.lines == []
    assert "2 of 2 steps carried over: dynamic_enum.ipynb" in " ".join(done.errors.split())
    checked = flows("check", "dynamic_enum.ipynb")
    assert checked.status == 0, checked.errors
    assert "1 approval within 30 min, with a form" in "\n".join(checked.lines)

    run = flows.start("run", "dynamic_enum.ipynb", "--json")
    awaited = run.await_event("suspended")
    (gate,) = flows.show()["gates"]
    assert gate["enums"][FIELD][:2] == ["Chicago", "Dallas"]
    assert gate["default_args"] == gate["enums"]
    wrong = flows("approve", awaited["run"], "--data", json.dumps({FIELD: ["Atlantis"]}))
    assert (wrong.status, "Atlantis" in wrong.errors) == (2, True)
    vote = urllib.request.Request(
        awaited["links"]["resume"],
        data=json.dumps({FIELD: ["Houston", "Dallas"]}).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(vote, timeout=30) as answer:
        assert answer.status == 201
    assert run.end() == 0
    assert run.events[-1]["result"] == ["Houston", "Dallas"]


def test_inputs_have_their_defaults_in_a_real_run(flows):
    written = """
summary: Add
value:
  modules:
    - id: add
      value:
        type: rawscript
        language: python3
        content: "def main(a, b): return a + b"
        input_transforms:
          a: {type: javascript, expr: flow_input.a}
          b: {type: javascript, expr: flow_input.b * 2}
      suspend: {required_events: 1}
    - id: after
      value:
        type: rawscript
        language: python3
        content: "def main(x): return x"
        input_transforms:
          x: {type: javascript, expr: "`${flow_input.a}, ${results.add}, ${resume.ok}`"}
schema: {properties: {a: {type: integer, default: 1}, b: {type: integer}}}
"""
    (flows.folder / "add.yaml").write_text(written)
    assert flows("import", "add.yaml").status == 0
    run = flows.start("run", "add.ipynb", "-p", "b", "20", "--json")
    run.await_event("suspended")
    assert flows("approve", "last", "--data", '{"ok": "fine"}').status == 0
    assert run.end() == 0
    assert run.events[-1]["result"] == "1, 41, fine"


@pytest.mark.parametrize(("number", "asked"), [(20, True), (1, False)])
def test_branches_loops_and_a_gate_between_them_run_for_real(flows, number, asked):
    shutil.copytree(FLOWS / "order.flow", flows.folder / "order.flow")
    assert flows("import", "order.flow").status == 0
    checked = flows("check", "order.ipynb")
    assert checked.status == 0, checked.errors
    run = flows.start("run", "order.ipynb", "-p", "number", number, "--json")
    if asked:
        run.await_event("suspended")
        assert flows("approve", "last", "--data", '{"ok": true}').status == 0
    assert run.end() == 0, run.errors
    answer = {"asked": asked, "ok": True}
    assert run.events[-1]["result"] == {"all": [f"{number}-yes", answer], "note": "none"}
    steps = {step["id"]: step["status"] for step in flows.show()["steps"]}
    assert steps["answered"] == ("succeeded" if asked else "skipped")
    assert steps["small"] == ("skipped" if asked else "succeeded")


def test_a_failed_run_s_own_step_sees_the_error(flows):
    (flows.folder / "f.yaml").write_text(
        """
value:
  modules:
    - id: a
      value: {type: rawscript, language: python3, content: "def main(): return 1 / 0"}
      retry: {constant: {attempts: 1, seconds: 0}, retry_if: {expr: error.name === 'Other'}}
  failure_module:
    id: failure
    value:
      type: rawscript
      language: python3
      content: "def main(name, limit): print('told', name, limit)"
      input_transforms:
        name: {type: javascript, expr: error.name}
        limit: {type: javascript, expr: flow_input.limit}
schema: {properties: {limit: {type: integer, default: 7}}}
"""
    )
    assert flows("import", "f.yaml").status == 0
    assert flows("run", "f.ipynb").status == 1
    assert "told ZeroDivisionError 7" in "\n".join(flows("logs", "last").lines)


def test_a_folder_of_windmills_is_imported_and_reported_in_json(flows):
    shutil.copytree(FLOWS / "order.flow", flows.folder / "order.flow")
    done = flows("import", "order.flow", "--json")
    assert done.status == 0, done.errors
    (report,) = done.events
    assert (report["notebook"], report["carried"], report["total"]) == ("order.ipynb", 12, 12)
    assert report["steps"][0] == {
        "step": "fetch",
        "kind": "python3",
        "summary": "Read the order",
        "cell": "fetch",
        "carried": True,
        "why": [],
        "notes": [],
    }
    notebook = nbformat.read(flows.folder / "order.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[3].source.startswith("import jupyter_flows as wmill\n\n\ndef main(number")


def test_what_is_left_to_do_is_said_and_the_status_is_0(flows):
    value = "{type: rawscript, language: go, content: 'package [x]'}"
    (flows.folder / "f.yaml").write_text(f"value: {{modules: [{{id: a, value: {value}}}]}}")
    done = flows("import", "f.yaml")
    assert done.status == 0
    said = " ".join(done.errors.split())
    assert "by hand" in said
    assert "0 of 1 steps carried over: f.ipynb" in said
    failed = flows("run", "f.ipynb", "--json")
    assert failed.status == 1
    assert "it is written in go" in failed.events[-1]["error"]["message"]


def test_a_notebook_that_is_there_is_kept_unless_forced(flows, enum):
    kept = flows.folder / "dynamic_enum.ipynb"
    kept.write_text("mine")
    refused = flows("import", enum)
    assert (refused.status, "--force replaces it" in refused.errors) == (2, True)
    assert kept.read_text() == "mine"
    assert flows("import", enum, "--output", "other.ipynb").status == 0
    assert flows("import", enum, "--force").status == 0
    assert json.loads(kept.read_text())["nbformat"] == 4
    assert not list(flows.folder.glob(".*.ipynb.*"))


@pytest.mark.parametrize(
    "name", ["../secret.py", "/etc/hostname", "link.py", "none.py", "\\0", "."]
)
def test_nothing_outside_of_the_flows_folder_is_read(flows, name):
    folder = flows.folder / "f.flow"
    folder.mkdir()
    (flows.folder / "secret.py").write_text("def main(): return 'secret'")
    (folder / "link.py").symlink_to("../secret.py")
    value = f'{{type: rawscript, language: python3, content: "!inline {name}"}}'
    (folder / "flow.yaml").write_text(f"value: {{modules: [{{id: a, value: {value}}}]}}")
    refused = flows("import", "f.flow")
    assert refused.status == 2
    assert refused.errors.startswith("value.modules[0].value.content: ")
    assert "Traceback" not in refused.errors
    assert not (flows.folder / "f.ipynb").exists()


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"a: [", b"a: &x 1\nb: *x", b"", b"value: {modules: 1}"]
)
def test_a_file_that_is_no_flow_is_status_2_and_no_traceback(flows, content):
    (flows.folder / "bad.yaml").write_bytes(content)
    ended = flows("import", "bad.yaml")
    assert (ended.status, "Traceback" in ended.errors) == (2, False)
    assert ended.errors.strip()
    assert flows("import", "missing.yaml").status == 2


def test_the_command_loads_no_server():
    slow = ("jupyter_server", "papermill", "alembic", "zmq", "jupyter_client", "rich", "nbformat")
    code = (
        "import sys, json; import jupyter_flows.cli.main, jupyter_flows.cli.import_;"
        f"print(json.dumps([name for name in {slow!r} if name in sys.modules]))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(said.stdout) == []
