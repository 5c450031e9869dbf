"""Recorded answers in a kernel that no flow has."""

import json

import pytest
from jupyter_client.manager import start_new_kernel

LINKS = "import jupyter_flows as flows\nflows.get_resume_urls('bob')"
ANSWERS = "import jupyter_flows\njupyter_flows.answers('flow.ipynb')"


class Front:
    """A front end without a flow's server: it sends cells, and shows what is printed."""

    def __init__(self, folder, client):
        self.folder = folder
        self.client = client

    def keep(self, notebook, answers=None):
        (self.folder / "flow.ipynb").write_text(json.dumps(notebook))
        if answers:
            (self.folder / "flow.answers.yml").write_text(answers)
        return [cell["source"] for cell in notebook["cells"]]

    def run(self, source, **metadata):
        """What the cell shows: its texts, and its error as `Name: message`."""
        client = self.client
        content = {"code": source, "silent": False, "store_history": True}
        content |= {"user_expressions": {}, "allow_stdin": False, "stop_on_error": False}
        message = client.session.msg("execute_request", content, metadata=metadata)
        client.shell_channel.send(message)
        shown = []
        while True:
            heard = client.get_iopub_msg(timeout=30)
            if heard["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            said, kind = heard["content"], heard["msg_type"]
            if kind == "stream":
                shown.append(said["text"])
            elif kind == "execute_result":
                shown.append(said["data"]["text/plain"])
            elif kind == "error":
                shown.append(f"{said['ename']}: {said['evalue']}")
            elif kind == "status" and said["execution_state"] == "idle":
                return "".join(shown)


@pytest.fixture
def front(tmp_path):
    manager, client = start_new_kernel(cwd=str(tmp_path))
    yield Front(tmp_path, client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_gates_are_answered_by_the_cells_text_and_the_names_are_bound(front, make_notebook):
    notebook = make_notebook("greeting = 'hi'\n7", (LINKS, ["suspend"]), "resume")
    first, gate, then = front.keep(notebook, "c1: {resume: {n: 1}, approver: bob}")
    assert front.run(ANSWERS) == ""
    assert front.run(first) == "7"
    assert "https://flows.invalid/resume?flow_token=c1.bob" in front.run(gate)
    assert front.run(then) == "{'n': 1}"
    seen = "[approvers, resumes, flow_input, sorted(results), flows.gate('c1')['status']]"
    assert front.run(seen) == "[['bob'], [{'n': 1}], {}, ['c0', 'c1', 'c2'], 'approved']"


def test_a_lab_tells_the_cell_by_its_id_so_that_its_text_may_have_changed(front, make_notebook):
    front.keep(make_notebook(("1", ["suspend"])), "c0: {resume: {n: 1}}")
    front.run(ANSWERS)
    front.run("'changed'", cellId="c0")
    assert front.run("[resume, results]") == "[{'n': 1}, {'c0': 'changed'}]"


def test_a_gate_without_answer_does_not_run_and_says_what_to_add(front, make_notebook):
    gate, _ = front.keep(make_notebook(("print('ran')", ["suspend"]), "2"))
    front.run(ANSWERS)
    said = front.run(gate)
    assert said.startswith("NotReached: No answer is recorded for the gate of step 'c0'.")
    assert "c0: {resume: {}}" in said
    assert "flow.answers.yml" in said
    front.keep(make_notebook(("print('ran')", ["suspend"]), "2"), "c0: {resume: 1}")
    front.run(ANSWERS)
    assert front.run(gate) == "ran\n"
    assert front.run("resume") == "1"


def test_behind_a_rejection_the_notebooks_cells_do_not_run(front, make_notebook):
    before, gate, then = front.keep(
        make_notebook("1", ("2", ["suspend"]), "3"), "c1: {reject: {approver: bob}}"
    )
    front.run(ANSWERS)
    front.run(before)
    ended = "The flow ended at step 'c1': SuspendedDisapproved: Disapproved by bob"
    assert ended in front.run(gate)
    assert front.run(then) == f"NotReached: {ended}"
    assert front.run("'a cell of my own'") == "'a cell of my own'"
    assert front.run(before) == "1"


def test_an_answer_that_does_not_fit_is_said_at_the_gate(front, make_notebook):
    form = {"suspend": {"resume_form": {"schema": {"properties": {"n": {"type": "integer"}}}}}}
    gate, then = front.keep(make_notebook(("1", [], form), "2"), "c0: {resume: {n: x}}")
    front.run(ANSWERS)
    said = "flow.answers.yml, step 'c0', key 'resume.n': must be a whole number; it is \"x\""
    assert said in front.run(gate)
    assert front.run(then) == f"NotReached: {said}"


def test_without_answers_the_error_says_how_to_give_them(front):
    said = front.run(f"%load_ext jupyter_flows\n{LINKS}")
    assert said.startswith("FlowsClientError: This notebook is not running as a flow.")
    assert "jupyter_flows.answers('NOTEBOOK.ipynb')" in said
    assert front.run("[flow_input, results, resume, approvers]") == "[{}, {}, None, []]"


def test_mistakes_in_the_answers_are_raised_where_they_are_asked_for(front, make_notebook):
    front.keep(make_notebook(("1", ["suspend"])), "c1: {resume: 1}")
    said = front.run(ANSWERS)
    assert said == "AnswersInvalid: flow.answers.yml, step 'c1': there is none; gates: c0"
