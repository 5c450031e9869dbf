"""Recorded answers: what they may say, and that they close a gate as people would."""

import pytest

from jupyter_flows.core import answers
from jupyter_flows.core.answers import close, read_answer, read_answers, recorded
from jupyter_flows.core.bindings import bindings
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.errors import AnswersInvalid, FlowInvalid
from jupyter_flows.core.flow import Flow, read_flow
from jupyter_flows.core.model import GateOptions, GateStatus, StepId, StepSpec
from jupyter_flows.core.rehearsal import Rehearsal

FORM = {
    "properties": {"limit": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["limit"],
}
FILE = "report.answers.yml"
TWO = (
    "ask: {resumes: [{approver: approver1@example.org, payload: {n: 1}},"
    " {approver: approver2@example.org, payload: {n: 1}}]}"
)


def spec(name="ask", index=0, **options):
    return StepSpec(StepId(name), index, sha256(b""), gate=GateOptions(**options))


def closed(said, result=None, **options):
    """The run of a step whose gate got this answer."""
    return close(spec(**options), result, read_answer(said, "here"), FILE, 1000.0)


def bound(said, result=None, **options):
    return bindings(closed(said, result, **options))


def mistakes(call, *args, **options):
    with pytest.raises(AnswersInvalid) as caught:
        call(*args, **options)
    return str(caught.value).splitlines()


# ---------------------------------------------------------------- what may be said


@pytest.mark.parametrize(
    "said",
    [
        {"resume": None},
        {"resume": {"limit": 3}, "approver": "bob"},
        {"resume": "a text"},
        {"resumes": [{"approver": "a"}, {"payload": 1}]},
        {"reject": None},
        {"reject": {"reason": "no", "approver": "bob", "payload": {"n": 1}}},
        {"timeout": True},
    ],
)
def test_what_an_answer_may_say(said):
    assert read_answer(said, "here").where == "here"


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({}, "must have one, and only one"),
        ({"resume": 1, "timeout": True}, "must have one, and only one"),
        ({"reject": None, "approver": "bob"}, "must have one, and only one"),
        ({"timeout": False}, "'timeout': must be true"),
        ({"resumes": []}, "key 'resumes'"),
        ({"reject": {"because": "no"}}, "key 'reject.because': unknown"),
        ({"resume": 1, "approver": ""}, "key 'approver'"),
        ("yes", "must be an answer, as in `ask: {resume: {limit: 3}}`"),
    ],
)
def test_what_it_may_not_say(said, says):
    assert says in "\n".join(mistakes(read_answer, said, "here"))


def test_all_mistakes_of_a_file_are_told_at_once_and_a_near_name_is_given():
    flow = Flow((StepSpec(StepId("load"), 0, sha256(b"")), spec("ask", 1), spec("review", 2)))
    said = {"load": {"resume": 1}, "reviev": {"resume": 1}, "ask": {"resme": 1}}
    told = mistakes(read_answers, said, flow, FILE)
    assert "report.answers.yml, step 'load': has no gate; tag its cell `suspend`" in told
    near = "there is none (did you mean 'review'?); gates: ask, review"
    assert f"report.answers.yml, step 'reviev': {near}" in told
    assert any("step 'ask', key 'resme': unknown (did you mean 'resume'?)" in one for one in told)


def notebook_of(make_notebook, **test):
    return make_notebook("1", ("2", ["suspend"], {"test": test} if test else {}))


def test_the_cell_keeps_an_answer_and_the_file_wins(make_notebook):
    notebook = notebook_of(make_notebook, resume={"n": 1})
    flow = read_flow(notebook)
    assert recorded(notebook, flow, None, FILE)["c1"].votes[0].payload == {"n": 1}
    wins = recorded(notebook, flow, "c1: {resume: {n: 2}}", FILE)
    assert wins["c1"].votes[0].payload == {"n": 2}


def test_an_answer_can_stand_in_the_comment_lines(make_notebook):
    notebook = make_notebook("#| suspend: true\n#| test: {timeout: true}\n1")
    assert recorded(notebook, read_flow(notebook), None, FILE)["c0"].timeout


def test_an_answer_of_a_cell_is_checked_with_its_flow_options(make_notebook):
    with pytest.raises(FlowInvalid, match=r"key 'test.resme': unknown"):
        read_flow(notebook_of(make_notebook, resme=1))


def test_an_answer_in_a_cell_without_gate_is_a_mistake(make_notebook):
    notebook = make_notebook(("1", [], {"test": {"resume": 1}}))
    told = mistakes(recorded, notebook, read_flow(notebook), "- no mapping", FILE)
    assert told == [
        "report.answers.yml: must be `key: value`, as in `ask: {resume: {limit: 3}}`",
        "cell 1 (id 'c0'), key 'test': the cell has no gate; tag it `suspend`",
    ]


# ---------------------------------------------------------------- at the gate


def test_an_approval_is_bound_as_in_a_run():
    """G20, G60: the form's defaults are put in."""
    result = {"default_args": {"note": "none"}}
    seen = bound({"resume": {"limit": 3}, "approver": "bob"}, result, form=FORM)
    assert seen["resume"] == {"note": "none", "limit": 3}
    assert seen["resumes"] == [{"note": "none", "limit": 3}]
    assert seen["approvers"] == ["bob"]
    assert seen["gates"]["ask"]["status"] == "approved"


def test_anonymous_approvals_are_distinct():
    """G10."""
    said = {"resumes": [{"payload": {"n": 1}}, {"payload": {"n": 2}}]}
    seen = bound(said, required_events=2)
    assert seen["approvers"] == ["anonymous", "anonymous"]
    assert seen["resume"] == {"n": 2}


def test_approvals_that_are_missing_are_counted():
    """G10: one approver counts once."""
    said = {"resumes": [{"approver": "Bob"}, {"approver": "bob "}]}
    told = mistakes(closed, said, required_events=3)
    assert told[0].startswith("here: 1 of 3 approvals by different approvers; 2 missing")


def test_an_approval_too_many_is_a_mistake():
    told = mistakes(closed, {"resumes": [{"approver": "a"}, {"approver": "b"}]})
    assert told == ["here, key 'resumes.1': This gate is closed: it was approved."]


def test_every_field_that_the_form_refuses_is_named():
    """G62."""
    enums = {"enums": {"note": ["a", "b"]}}
    told = mistakes(closed, {"resume": {"limit": "many", "note": "c"}}, enums, form=FORM)
    assert told == [
        "here, key 'resume.limit': must be a whole number; it is \"many\"",
        'here, key \'resume.note\': must be one of: "a", "b"; it is "c"',
    ]
    told = mistakes(closed, {"resumes": [{"payload": {}}]}, form=FORM)
    assert told == ["here, key 'resumes.0.payload.limit': is required"]


def test_a_rejection_ends_the_flow():
    """G13."""
    run = closed({"reject": {"reason": "too much", "approver": "bob"}})
    assert run.error.as_json() == {
        "name": "SuspendedDisapproved",
        "message": "Disapproved by bob",
        "reason": "too much",
    }


def test_a_rejection_that_lets_the_flow_go_on_is_bound_with_its_payload():
    """G14."""
    said = {"reject": {"approver": "bob", "payload": {"n": 1}}}
    seen = bound(said, continue_on_disapprove_timeout=True)
    assert seen["resume"]["error"]["name"] == "SuspendedDisapproved"
    assert seen["resume"]["payload"] == {"n": 1}
    assert (seen["resumes"], seen["approvers"]) == ([], [])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"require_reason": True}, "A rejection needs a reason here"),
        ({"hide_cancel": True}, "takes no rejection"),
    ],
)
def test_a_rejection_that_the_gate_refuses_is_a_mistake(options, says):
    """G15, G16."""
    assert says in mistakes(closed, {"reject": {}}, **options)[0]


def test_a_timeout_ends_the_flow_or_lets_it_go_on():
    """G13, G14."""
    assert closed({"timeout": True}, timeout=60.0).error.name == "SuspendedTimedOut"
    seen = bound({"timeout": True}, continue_on_disapprove_timeout=True)
    assert seen["resume"]["error"]["name"] == "SuspendedTimedOut"
    run = closed({"timeout": True}, timeout=60.0, on_timeout={"resume": {"n": 0}})
    assert run.gate(StepId("ask")).status is GateStatus.TIMED_OUT
    assert (bindings(run)["resume"], bindings(run)["approvers"]) == ({"n": 0}, ["timeout"])


def test_a_result_that_misconfigures_the_gate_is_a_mistake():
    """G2."""
    told = mistakes(closed, {"resume": {}}, {"default_args": 5})
    assert told == ["step 'ask': the cell's `default_args` must be an object; it is 5"]


# ---------------------------------------------------------------- what to add


@pytest.mark.parametrize(
    ("options", "result", "line"),
    [
        ({}, None, "ask: {resume: {}}"),
        ({"form": FORM}, None, "ask: {resume: {limit: 0}}"),
        ({"form": FORM}, {"default_args": {"limit": 5}}, "ask: {resume: {limit: 5}}"),
        (
            {"form": {"properties": {"to": {"type": "string"}}, "required": ["to"]}},
            {"enums": {"to": ["Köln", "Bonn"]}},
            "ask: {resume: {to: Köln}}",
        ),
        (
            {"required_events": 2, "default_args": {"n": 1}},
            None,
            TWO,
        ),
    ],
)
def test_without_an_answer_the_line_to_add_is_told_and_is_one_that_fits(options, result, line):
    told = mistakes(close, spec(**options), result, None, FILE, 0.0)
    assert told[0] == (
        "No answer is recorded for the gate of step 'ask'. Add this line to report.answers.yml:"
    )
    assert told[2].strip() == line
    flow = Flow((spec(**options),))
    notebook = {"cells": [{"id": "ask", "source": "", "metadata": {}}]}
    answer = recorded(notebook, flow, line, FILE)["ask"]
    assert close(spec(**options), result, answer, FILE, 0.0).error is None


def test_a_step_whose_name_yaml_would_read_as_a_number_is_quoted(make_notebook):
    numbered = spec("0123")
    told = mistakes(close, numbered, None, None, FILE, 0.0)
    notebook = {"cells": [{"id": "0123", "source": "", "metadata": {}}]}
    assert recorded(notebook, Flow((numbered,)), told[2], FILE)["0123"].votes


# ---------------------------------------------------------------- from gate to gate


def test_a_rehearsal_binds_the_newest_gate_and_keeps_the_earlier_ones():
    """G20."""
    said = {"a": {"resume": 1, "approver": "ann"}, "b": {"resume": 2, "approver": "bob"}}
    first, plain, second = spec("a", 0), StepSpec(StepId("p"), 1, sha256(b"")), spec("b", 2)
    given = read_answers(said, Flow((first, plain, second)), FILE)
    rehearsal = Rehearsal(given, FILE)
    assert rehearsal.bindings() == {"flow_input": {}}
    for step in (first, plain, second):
        rehearsal = rehearsal.after(step, None, 1000.0)
    seen = rehearsal.bindings()
    assert (seen["resume"], seen["approvers"]) == (2, ["bob"])
    assert [gate["resume"] for gate in seen["gates"].values()] == [1, 2]
    again = rehearsal.after(first, None, 2000.0).bindings()
    assert (again["resume"], again["gates"]["a"]["closed_at"]) == (1, 2000.0)


def test_the_file_of_answers_is_named_after_the_notebook():
    assert answers.SUFFIX == ".answers.yml"
