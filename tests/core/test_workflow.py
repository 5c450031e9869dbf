"""A run as the workflow-run API tells it, and what is put in for it (api.md, section 5)."""

import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core import workflow
from jupyter_flows.core.errors import BadInput, FormInvalid, GateClosed, UnknownRun
from jupyter_flows.core.model import RunId
from jupyter_flows.core.workflow import Kind, PutIn, Status

from .conftest import Play

CHOICE = {"properties": {"team": {"type": "string", "enum": ["sales", "reject"]}}}
FORM = {"properties": {"limit": {"type": "integer"}, "note": {"type": "string"}}}


def waiting(**gate):
    return Play(load=None, ask=gate, then=None).opened("ask", {"cancel": "…"}).run


def test_the_names_of_runs_are_the_apis_own_and_lead_back():
    assert workflow.name_of(RunId("run_ab12")) == "wfr_ab12"
    assert workflow.run_of("wfr_ab12") == "run_ab12"


@pytest.mark.parametrize("name", ["run_ab12", "wfr_", "", "ab12", "WFR_ab12"])
def test_other_names_are_no_runs(name):
    with pytest.raises(UnknownRun, match="wfr_"):
        workflow.run_of(name)


def test_a_run_goes_from_running_over_paused_to_completed():
    play = Play(load=None, ask={}, then=None)
    assert (workflow.status_of(play.run), workflow.begun(play.run)) == (Status.RUNNING, [])
    play.opened("ask")
    shown = [(s.id, workflow.step_status(play.run, s)) for s in workflow.begun(play.run)]
    assert workflow.status_of(play.run) is Status.PAUSED
    assert shown == [("load", Status.COMPLETED), ("ask", Status.PAUSED)]
    play.vote("bob")
    play.go_on()
    assert workflow.status_of(play.run) is Status.RUNNING
    play.finish("then", 5)
    play.go_on()
    assert workflow.status_of(play.run) is Status.COMPLETED
    assert {workflow.step_status(play.run, s) for s in workflow.begun(play.run)} == {
        Status.COMPLETED
    }
    assert workflow.pending(play.run) is None


@pytest.mark.parametrize(
    "end",
    [
        lambda play: play.tell(c.Cancel(by="owner")),
        lambda play: play.vote("bob", approved=False, reason="no") and play.go_on(),
        lambda play: play.time_comes() and play.go_on(),
    ],
    ids=["cancelled", "rejected", "not resumed in time"],
)
def test_what_ends_otherwise_has_failed(end):
    play = Play(load=None, ask={}, then=None).opened("ask")
    end(play)
    assert workflow.status_of(play.run) is Status.FAILED


def test_an_interrupted_run_has_failed_until_it_is_resumed():
    play = Play(load=None, ask={}).begin()
    play.tell(c.LoseKernel(why="killed"))
    assert workflow.status_of(play.run) is Status.FAILED
    assert workflow.begun(play.run) == []
    play.resume()
    assert workflow.status_of(play.run) is Status.RUNNING


# ---------------------------------------------------------------- what is pending


def test_a_gate_without_a_form_is_to_be_confirmed():
    found = workflow.pending(waiting(description="Send **it**?"))
    assert (found.step, found.kind, found.options) == (
        "ask",
        Kind.CONFIRMATION,
        ("approve", "reject"),
    )
    assert found.message == "Send **it**?"
    assert found.schema is None


def test_a_gate_that_takes_no_rejection_offers_none():
    assert workflow.pending(waiting(hide_cancel=True)).options == ("approve",)


def test_without_a_description_the_message_names_the_step():
    assert workflow.pending(waiting()).message == "Approve ask?"


def test_a_form_that_is_one_choice_has_its_choices_as_options():
    found = workflow.pending(waiting(form=CHOICE, enums={"team": ["a", "b"]}))
    assert (found.kind, found.options, found.schema) == (Kind.CONFIRMATION, ("a", "b"), None)


def test_any_other_form_is_an_input_with_its_schema():
    found = workflow.pending(waiting(form=FORM, default_args={"limit": 3}))
    assert (found.kind, found.options) == (Kind.INPUT, ())
    assert found.schema["properties"]["limit"] == {"type": "integer", "default": 3}


# ---------------------------------------------------------------- what is put in


@pytest.mark.parametrize(
    ("gate", "said", "vote"),
    [
        ({}, "approve", PutIn(approved=True)),
        ({}, "reject", PutIn(approved=False)),
        ({"form": CHOICE}, "sales", PutIn(approved=True, payload={"team": "sales"})),
        ({"form": CHOICE}, "reject", PutIn(approved=True, payload={"team": "reject"})),
        ({"form": CHOICE}, {"team": "x"}, PutIn(approved=True, payload={"team": "x"})),
        ({"form": CHOICE, "enums": {"team": ["a"]}}, "reject", PutIn(approved=False)),
        ({"form": FORM}, {"limit": 3}, PutIn(approved=True, payload={"limit": 3})),
        ({"form": FORM}, "approve", PutIn(approved=True)),
        ({"form": FORM}, "reject", PutIn(approved=False)),
    ],
)
def test_an_input_is_a_vote(gate, said, vote):
    run = waiting(**gate)
    assert workflow.put_in(run, "ask", said) == (run.open_gate, vote)


@pytest.mark.parametrize(
    ("gate", "said", "allowed"),
    [
        ({}, "escalate", "'escalate' is none of: 'approve', 'reject'"),
        ({}, {"a": 1}, "is none of: 'approve', 'reject'"),
        ({}, None, "None is none of"),
        ({"hide_cancel": True}, "reject", "'reject' is none of: 'approve'"),
        ({"form": CHOICE}, "approve", "'approve' is none of: 'sales', 'reject'"),
        ({"form": FORM}, 3, "3 is none of: an object that the schema describes, 'approve'"),
        ({"form": FORM, "hide_cancel": True}, "reject", "an object that the schema describes"),
        ({}, "x" * 5000, "… is none of"),
    ],
)
def test_another_input_is_refused_with_what_is_allowed(gate, said, allowed):
    with pytest.raises(FormInvalid) as caught:
        workflow.put_in(waiting(**gate), "ask", said)
    (mistake,) = caught.value.mistakes
    assert allowed in mistake.message
    assert mistake.where == "input"
    assert len(mistake.message) < 400


def test_another_step_than_the_paused_one_is_refused():
    with pytest.raises(GateClosed, match="waits at 'ask', and not at 'load'"):
        workflow.put_in(waiting(), "load", "approve")


def test_a_run_that_waits_for_nothing_takes_no_input():
    with pytest.raises(GateClosed, match="The run is running"):
        workflow.put_in(Play(load=None).begin().run, "load", "approve")


# ---------------------------------------------------------------- how it is started


def test_task_and_state_are_what_the_flow_is_given():
    assert workflow.parameters("Route", {"id": 1}) == {"task": "Route", "state": {"id": 1}}


@pytest.mark.parametrize("task", ["", " \n"])
def test_a_task_says_something(task):
    with pytest.raises(BadInput, match=r"input\.task"):
        workflow.parameters(task, {})
