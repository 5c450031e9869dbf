"""`pytest --nbval` on notebooks with gates, with no server."""

import shutil
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager

ROOT = Path(__file__).parents[2]
LINKS = "import jupyter_flows as flows\nflows.get_resume_urls('bob@example.org')"
FORM = {
    "suspend": {
        "required_events": 2,
        "resume_form": {
            "schema": {
                "properties": {"to": {"type": "string"}, "limit": {"type": "integer"}},
                "required": ["limit"],
            }
        },
    }
}
SEES = """
assert resume == {"limit": 2, "note": "none"}, resume
assert resumes == [{"limit": 1, "note": "none"}, resume]
assert approvers == ["ann", "anonymous"]
assert flow_input == {}
assert previous_result["enums"] == {"to": ["a", "b"]}
assert sorted(results) == ["c0", "c1"]
import jupyter_flows as flows
assert flows.gate("c1")["votes"][0]["verified"]
assert previous_result["resume"] == "https://flows.invalid/resume?flow_token=c1.bob%40example.org"
"""
CONFIGURES = """
import jupyter_flows as flows
{**flows.get_resume_urls('bob@example.org'),
  "default_args": {"note": "none"}, "enums": {"to": ["a", "b"]}};
"""


def _outcome(notebook, *texts):
    """The notebook with these texts as the saved outputs of its cells."""
    for cell, text in zip(notebook["cells"], texts, strict=True):
        data = {"output_type": "execute_result", "metadata": {}, "execution_count": 1}
        cell["outputs"] = [{**data, "data": {"text/plain": text}}]
        cell["execution_count"] = 1
    return notebook


@pytest.fixture(scope="module")
def told(tmp_path_factory, run_pytest, keep):
    """One session for all: every notebook has a kernel of its own."""
    from tests.conftest import notebook  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("nbval")
    gate = ("'waits'", ["suspend"])
    keep(
        folder,
        "answered",
        notebook("1", (CONFIGURES, [], FORM), SEES, "resume = 'mine'", "assert resume == 'mine'"),
        "c1: {resumes: [{approver: ann, payload: {limit: 1}}, {payload: {limit: 2}}]}",
    )
    keep(folder, "unanswered", notebook("1", (LINKS, ["suspend"]), "resume", "2"))
    keep(
        folder,
        "unfit",
        notebook("1", (CONFIGURES, [], FORM), "resume"),
        "c1: {resumes: [{approver: ann, payload: {limit: x, to: c}}, {approver: bob}]}",
    )
    keep(
        folder,
        "rejected",
        notebook(gate, "resume"),
        "c0: {reject: {reason: too early, approver: bob}}",
    )
    keep(folder, "timed", notebook(gate, "resume"), "c0: {timeout: true}")
    on = {"suspend": {"continue_on_disapprove_timeout": True}, "test": {"reject": {"payload": 1}}}
    seen = "assert resume['error']['name'] == 'SuspendedDisapproved' and resume['payload'] == 1"
    keep(folder, "goes-on", notebook(("1", [], on), seen))
    keep(folder, "mistaken", notebook("1", gate), "c9: {resume: 1}\nc0: {resume: 1}")
    keep(folder, "wrong-options", notebook(("1", ["suspend"], {"sumary": "x"}), "2"))
    keep(folder, "failing", notebook(("1 / 0", ["suspend"]), "2"), "c0: {resume: 1}")
    keep(
        folder,
        "raising",
        notebook(("1 / 0", ["suspend", "raises-exception"]), "assert resume == 1"),
        "c0: {resume: 1}",
    )
    keep(folder, "plain", notebook("#| export\n1", "1 / 0", "assert 'results' not in globals()"))
    keep(
        folder,
        "compared",
        _outcome(notebook("1", gate, "resume"), "2", "'a link'", "5"),
        "c1: {resume: 5}",
    )
    large = {"skip_if": "resume['n'] < 3"}
    branches = notebook(
        gate,
        ("1 / 0", [], {"skip_if": "resume['n'] > 3"}),
        "1 / 0",
        "seen = 1",
        ("1 / 0", ["failure"]),
        ("{'rows': 0}", [], {"stop_after_if": {"expr": "result['rows'] == 0"}}),
        "1 / 0",
    )
    for place, text, flow in ((2, "# Small", {"skip_if": "resume['n'] > 3"}), (4, "# All", {})):
        heading = {"cell_type": "markdown", "id": f"h{place}", "source": text}
        branches["cells"].insert(place, {**heading, "metadata": {"flow": flow} if flow else {}})
    keep(folder, "branches", branches, "c0: {resume: {n: 5}}")
    keep(folder, "broken-condition", notebook(gate, ("1", [], large), "2"), "c0: {resume: 1}")
    keep(
        folder,
        "bash",
        notebook("x=1", ("echo $x", ["suspend"]), "test $x = 1", kernel="bash", language="bash"),
        "c1: {resume: 5}",
    )
    keep(
        folder,
        "skipping",
        notebook("1", ("1 / 0", ["suspend", "nbval-skip"]), "2"),
    )
    return run_pytest(folder, "--nbval", ".")


def test_the_answer_is_bound_as_in_a_run_and_the_cells_value_configures_the_gate(told):
    """G2, G20, G60."""
    assert told.outcomes("answered") == ".....", told.said("answered")


def test_a_gate_without_an_answer_fails_with_the_line_to_add(told):
    assert told.outcomes("unanswered") == ".Fss"
    said = told.said("unanswered")
    assert "No answer is recorded for the gate of step 'c1'. Add this line to" in said
    assert "unanswered.answers.yml:" in said
    assert "    c1: {resume: {}}" in said
    assert "The flow waits at step 'c1'" in said


def test_an_answer_is_checked_by_the_gates_form_as_the_cell_has_completed_it(told):
    """G62: defaults and choices come from the cell."""
    assert told.outcomes("unfit") == ".Fs"
    said = told.said("unfit")
    assert "step 'c1', key 'resumes.0.payload.limit': must be a whole number; it is \"x\"" in said
    assert "step 'c1', key 'resumes.0.payload.to': must be one of: \"a\", \"b\"" in said
    assert "step 'c1', key 'resumes.1.payload.limit': is required" in said


def test_a_recorded_rejection_passes_and_the_notebook_ends_there(told):
    """G13."""
    assert told.outcomes("rejected") == ".s"
    ended = "The flow ended at step 'c0': SuspendedDisapproved: Disapproved by bob (too early)"
    assert ended in told.said("rejected")


def test_a_recorded_timeout_passes_and_the_notebook_ends_there(told):
    """G13."""
    assert told.outcomes("timed") == ".s"
    assert "SuspendedTimedOut" in told.said("timed")


def test_after_a_rejection_that_lets_it_go_on_the_next_cell_sees_why(told):
    """G14; and the answer stands in the cell's own metadata."""
    assert told.outcomes("goes-on") == "..", told.said("goes-on")


def test_mistakes_in_the_answers_are_told_once_all_together(told):
    assert told.outcomes("mistaken") == "Fs"
    said = told.said("mistaken")
    assert "mistaken.answers.yml, step 'c9': there is none; gates: c1" in said
    assert "mistaken.answers.yml, step 'c0': has no gate; tag its cell `suspend`" in said


def test_mistakes_in_the_flow_options_are_told(told):
    assert told.outcomes("wrong-options") == "Fs"
    assert "key 'sumary': unknown (did you mean 'summary'?)" in told.said("wrong-options")


def test_behind_a_gate_whose_cell_failed_nothing_runs(told):
    assert told.outcomes("failing") == "Fs"
    assert "ZeroDivisionError" in told.said("failing")


def test_a_gate_whose_cell_may_raise_is_answered(told):
    """G3."""
    assert told.outcomes("raising") == "..", told.said("raising")


def test_a_notebook_that_is_no_flow_is_left_to_nbval(told):
    assert told.outcomes("plain") == ".F."


def test_a_gates_outputs_are_not_compared_and_the_others_are(told):
    assert told.outcomes("compared") == "F.."
    assert "Cell outputs differ" in told.said("compared")


def test_in_another_language_the_answer_is_checked(told):
    if "bash" not in KernelSpecManager().find_kernel_specs():
        pytest.skip("no bash kernel: python -m bash_kernel.install --sys-prefix")
    assert told.outcomes("bash") == "...", told.said("bash")


def test_a_cell_that_nbval_skips_needs_no_answer(told):
    assert told.outcomes("skipping") == ".s."


def test_the_examples_pass(tmp_path, run_pytest):
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    told = run_pytest(tmp_path, "--nbval", "notebooks/")
    assert told.status == 0, told.text
    found = {name: told.outcomes(name) for name in told.cells}
    assert found.pop("branches") == ".....s..s"
    assert set(found.values()) <= {"......", "...", ".."}
    assert len(told.cells) == len(list((ROOT / "notebooks").glob("*.ipynb")))


def test_without_nbval_the_plugin_loads_nothing(tmp_path, run_pytest):
    (tmp_path / "test_it.py").write_text(
        "import sys\n\ndef test_it():\n"
        "    ours = {n for n in sys.modules if n.startswith('jupyter_flows')}\n"
        "    assert ours == {'jupyter_flows', 'jupyter_flows.pytest_plugin'}\n"
    )
    for options in ([], ["-p", "no:nbval"]):
        told = run_pytest(tmp_path, *options, "-p", "no:jupyter_server")
        assert told.status == 0, told.text


def test_cells_have_their_turn_as_their_conditions_say(told):
    """G80, G83."""
    assert told.outcomes("branches") == ".ss.s.s"
    said = told.said("branches")
    assert "It is skipped: resume['n'] > 3" in said
    assert "The section of 'h2' is skipped" in said
    assert "the flow has not failed" in said
    assert "The flow stopped early behind step 'c5'." in said


def test_a_condition_that_raises_fails_its_cell_and_is_named(told):
    """G83."""
    assert told.outcomes("broken-condition") == ".Fs"
    said = told.said("broken-condition")
    assert "`skip_if`: the expression \"resume['n'] < 3\" failed: TypeError" in said
