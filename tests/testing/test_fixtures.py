"""What people have to test their flows with: `run_flow` and `flow_clock`."""

import json
from pathlib import Path

import pytest

from jupyter_flows.core.errors import AnswersInvalid, FlowInvalid, NoGate
from jupyter_flows.testing.clock import MovedClock
from jupyter_flows.testing.runner import RunFlow

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LINKS = "import jupyter_flows as flows\nflows.get_resume_urls()"
MINE = """
from pathlib import Path

def test_it(run_flow, flow_clock, tmp_path):
    run = run_flow("flow.ipynb", {"n": 2}, answers={})
    assert run.status == "suspended"
    flow_clock.advance("2d")
    assert run.error["name"] == "SuspendedTimedOut"

def test_recorded(run_flow):
    run = run_flow("flow.ipynb", {"n": 2})
    assert run.status == "succeeded", run
    assert run.results["c2"] == [2, {"ok": True}]

def test_fails(run_flow):
    run = run_flow("flow.ipynb", answers={"c1": {"resume": 1}, "c7": {"resume": 1}})
"""


@pytest.fixture(scope="module")
def clock():
    return MovedClock()


@pytest.fixture(scope="module")
def run_flow(clock, tmp_path_factory):
    """As the plugin's, for all tests of this file together: each start takes half a second."""
    run = RunFlow(tmp_path_factory.mktemp("flows"), clock)
    yield run
    run.close()


def gate(**options):
    return {"suspend": options} if options else {"suspend": True}


def test_a_notebook_runs_with_parameters_and_the_answers_that_stand_beside_it(run_flow, tmp_path):
    target = tmp_path / "cars.csv"
    run = run_flow(NOTEBOOKS / "data_quality.ipynb", {"target": str(target)})
    assert run.status == "succeeded", run
    assert run.result == run.results["publish"]
    assert run.result["approved_by"] == ["reviewer@example.org"]
    assert len(target.read_text().splitlines()) == 393
    assert run.gates["review"]["resume"] == {"drop_incomplete": True, "note": "fine"}
    assert "image/png" in run.outputs["figure"][0]["data"]
    assert run.notebook["metadata"]["jupyter_flows"]["status"] == "succeeded"


def test_given_answers_take_the_place_of_those_beside_it(run_flow):
    rejected = {"ask": {"reject": {"reason": "no", "approver": "bob"}}}
    run = run_flow(NOTEBOOKS / "hello.ipynb", answers=rejected)
    assert run.error == {
        "name": "SuspendedDisapproved",
        "message": "Disapproved by bob",
        "reason": "no",
    }
    assert run.steps == {"greet": "succeeded", "ask": "succeeded", "thank": "pending"}


def test_a_parsed_notebook_runs_too_with_the_answers_of_its_cells(run_flow, make_notebook):
    asks = (LINKS, [], {**gate(), "test": {"resume": {"n": 1}}})
    assert run_flow(make_notebook(asks, "resume['n']")).result == 1


def test_without_an_answer_it_waits_and_says_what_to_add(run_flow, make_notebook):
    run = run_flow(make_notebook(("1", ["suspend"]), "resume"))
    assert run.status == "suspended"
    assert "at step 'c0'. No answer is recorded" in repr(run)
    assert "c0: {resume: {}}" in repr(run)
    assert run.answer({"resume": 5}).result == 5
    with pytest.raises(NoGate, match="succeeded"):
        run.answer({"resume": 5})


def test_approvals_can_come_one_after_the_other(run_flow, make_notebook):
    """G10."""
    notebook = make_notebook(("1", [], gate(required_events=2)), "approvers")
    run = run_flow(notebook, answers={"c0": {"resume": 1, "approver": "ann"}})
    assert run.status == "suspended"
    assert "1 of 2 approvals" in repr(run)
    assert run.answer({"resume": 2}).result == ["ann", "anonymous"]


def test_the_clock_stands_still_until_it_is_moved(run_flow, clock, make_notebook):
    """G12, G13: a deadline comes at once, to the second, and no sooner."""
    run = run_flow(make_notebook(("1", [], gate(timeout="3d")), "2"))
    clock.advance("71h")
    assert run.status == "suspended"
    clock.advance(3599)
    assert run.status == "suspended"
    clock.advance("1s")
    assert run.error["name"] == "SuspendedTimedOut"


def test_a_recorded_timeout_comes_at_once(run_flow):
    assert run_flow(NOTEBOOKS / "timeout.ipynb").result == "SuspendedTimedOut"


def test_what_the_gate_refuses_is_told_by_its_place_in_the_answers(run_flow):
    """G62."""
    answers = {"review": {"resume": {"note": 1, "drop_incomplete": True}}}
    with pytest.raises(AnswersInvalid, match=r"step 'review', key 'resume.note': must be a text"):
        run_flow(NOTEBOOKS / "data_quality.ipynb", answers=answers)


def test_mistakes_are_told_before_anything_runs(run_flow, make_notebook):
    with pytest.raises(FlowInvalid, match="sumary"):
        run_flow(make_notebook(("1", [], {"sumary": "x"})))
    with pytest.raises(AnswersInvalid, match="there is none; gates: none"):
        run_flow(make_notebook("1"), answers={"ask": {"resume": 1}})


def test_the_plugin_has_the_fixtures_for_plain_test_functions(
    tmp_path, run_pytest, keep, make_notebook
):
    notebook = make_notebook(
        ("n = 1", ["parameters"]), ("n", [], gate(timeout="2d")), "[n, resume]"
    )
    keep(tmp_path, "flow", notebook, "c1: {resume: {ok: true}}")
    (tmp_path / "test_mine.py").write_text(MINE)
    told = run_pytest(tmp_path, "test_mine.py")
    assert told.outcomes("test_mine") == "..F", told.text
    said = told.said("test_mine")
    assert "AnswersInvalid: answers, step 'c7': there is none; gates: c1" in said
    assert "answers.py" not in said


def test_two_tests_share_nothing(tmp_path):
    first, second = (RunFlow(tmp_path / name, MovedClock()) for name in ("a", "b"))
    notebook = json.loads((NOTEBOOKS / "hello.ipynb").read_text())
    try:
        one, other = first(notebook), second(notebook)
        assert one.id != other.id
        assert (one.status, other.status) == ("suspended", "suspended")
    finally:
        first.close()
        second.close()
    RunFlow(tmp_path, MovedClock()).close()
