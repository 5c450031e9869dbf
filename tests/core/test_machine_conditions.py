"""Conditions before a step: `skip_if` on cells and on sections (G83)."""

import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core.machine import AskCondition, ExecuteStep, StartStep, plan
from jupyter_flows.core.model import Failure, RunStatus, Section, StepId, StepStatus

OUTER, INNER = Section("outer", "o"), Section("inner", "i")


def statuses(p):
    return {step.id: str(step.status) for step in p.run.steps.values()}


def test_the_kernel_is_asked_before_the_step_begins(play):
    p = play(a=play.cell(skip_if="x > 1")).begin()
    assert plan(p.run) == AskCondition(StepId("a"), None, "x > 1")
    assert p.run.steps["a"].status is StepStatus.PENDING
    assert p.answer(skip=False) == ["StepStarted"]
    assert plan(p.run) == ExecuteStep(StepId("a"))


def test_a_step_whose_condition_is_true_is_skipped_and_the_run_goes_on(play):
    p = play(a=play.cell(skip_if="x"), b=None).begin()
    assert p.answer(skip=True) == ["StepSkipped"]
    assert plan(p.run) == StartStep()
    p.go_on()
    assert p.run.running_step.id == "b"


def test_a_run_whose_last_step_is_skipped_has_the_result_of_the_one_before(play):
    p = play(a=None, b=play.cell(skip_if="x")).begin()
    p.finish("a", 7)
    p.go_on()
    assert p.answer(skip=True) == ["StepSkipped", "RunSucceeded"]
    assert p.run.result == 7


def test_no_gate_opens_behind_a_skipped_step(play):
    """G3."""
    p = play(ask=play.cell({}, skip_if="x"), b=None).begin()
    p.answer(skip=True)
    p.go_on()
    assert p.run.gates == {}
    assert p.run.running_step.id == "b"


def test_a_tag_skips_without_asking(play):
    p = play(a=play.cell(skip_if="x", skipped=True), b=None).begin()
    assert statuses(p) == {"a": "skipped", "b": "running"}


def test_advancing_does_not_start_what_has_to_be_asked(play):
    p = play(a=play.cell(skip_if="x")).begin()
    assert p.go_on() == []


def test_a_section_is_decided_once_for_all_its_steps(play):
    p = play(a=play.cell(sections=(OUTER,)), b=play.cell(sections=(OUTER,))).begin()
    assert plan(p.run) == AskCondition(StepId("a"), "outer", "o")
    assert p.answer(skip=False) == ["SectionEntered"]
    p.go_on()
    p.finish("a")
    p.go_on()
    assert p.run.running_step.id == "b"


def test_a_skipped_section_is_skipped_whole(play):
    p = play(
        a=play.cell({}, sections=(OUTER,), skip_if="x"),
        b=play.cell(sections=(OUTER, INNER)),
        d=None,
    ).begin()
    assert p.answer(skip=True) == ["SectionEntered"]
    assert statuses(p) == {"a": "skipped", "b": "skipped", "d": "pending"}
    p.go_on()
    assert p.run.running_step.id == "d"


def test_a_run_that_ends_with_a_skipped_section_succeeds(play):
    p = play(a=play.cell(sections=(OUTER,))).begin()
    assert p.answer(skip=True) == ["SectionEntered", "RunSucceeded"]


def test_nested_sections_are_asked_from_the_outermost_and_then_the_step(play):
    p = play(
        a=play.cell(sections=(OUTER, INNER), skip_if="own"), b=play.cell(sections=(OUTER,))
    ).begin()
    asked = []
    while isinstance(plan(p.run), AskCondition):
        asked.append(plan(p.run).expr)
        p.answer(skip=False)
    assert asked == ["o", "i", "own"]
    assert p.run.running_step.id == "a"


def test_a_skipped_inner_section_leaves_the_rest_of_the_outer_one(play):
    p = play(a=play.cell(sections=(OUTER, INNER)), b=play.cell(sections=(OUTER,))).begin()
    p.answer(skip=False)
    p.answer(skip=True)
    p.go_on()
    assert statuses(p) == {"a": "skipped", "b": "running"}


@pytest.mark.parametrize(
    "command",
    [
        c.DecideSkip(step=StepId("a"), skip=True),
        c.DecideSkip(step=StepId("a"), skip=True, section="inner"),
        c.DecideSkip(step=StepId("b"), skip=True, section="outer"),
        c.FailStep(step=StepId("b"), error=Failure("X", "x")),
    ],
    ids=repr,
)
def test_an_answer_to_what_was_not_asked_changes_nothing(play, command):
    p = play(
        a=play.cell(sections=(OUTER, INNER), skip_if="own"), b=play.cell(sections=(OUTER,))
    ).begin()
    assert p.tell(command) == []


@pytest.mark.parametrize(
    "command",
    [
        c.DecideSkip(step=StepId("a"), skip=True),
        c.FailStep(step=StepId("a"), error=Failure("X", "x")),
    ],
    ids=repr,
)
def test_an_answer_that_comes_too_late_changes_nothing(play, command):
    """The step has begun, the run is interrupted, it is rebuilt, it has ended."""
    p = play(a=play.cell(skip_if="x")).begin()
    p.answer(skip=False)
    assert p.tell(command) == []
    p.tell(c.LoseKernel(why="killed"))
    assert p.tell(command) == []
    p.tell(c.Resume(by="owner"))
    assert p.tell(command) == []
    p.tell(c.Cancel(by="owner"))
    assert p.tell(command) == []


def test_a_retry_does_not_ask_again(play, retry):
    p = play(a=play.cell(skip_if="x", sections=(OUTER,), retry=retry)).begin()
    p.answer(skip=False)
    p.answer(skip=False)
    p.fail("a")
    assert plan(p.run) == StartStep()
    p.go_on()
    assert p.run.steps["a"].attempts == 2


def test_a_resumed_run_asks_again_for_what_it_begins_again(play):
    p = play(
        a=play.cell(sections=(OUTER,)), b=play.cell(sections=(OUTER, INNER), skip_if="own")
    ).begin()
    p.answer(skip=False)
    p.go_on()
    p.finish("a")
    p.answer(skip=False)
    p.answer(skip=False)
    p.fail("b")
    p.resume()
    assert p.run.skips == {"outer": False}
    assert plan(p.run) == AskCondition(StepId("b"), "inner", "i")
    p.answer(skip=False)
    assert plan(p.run) == AskCondition(StepId("b"), None, "own")


def test_a_resumed_run_does_not_ask_for_sections_that_it_skipped(play):
    p = play(a=play.cell(sections=(OUTER,)), b=None).begin()
    p.answer(skip=True)
    p.go_on()
    p.fail("b")
    p.resume()
    assert statuses(p) == {"a": "skipped", "b": "running"}


def test_a_condition_that_raises_fails_its_step_before_it_began(play):
    p = play(a=play.cell(skip_if="nope"), b=None).begin()
    assert p.fail_condition() == ["StepFailed", "RunFailed"]
    assert p.run.error.name == "ExpressionError"
    assert p.run.steps["a"].attempts == 0
    p.resume()
    assert plan(p.run) == AskCondition(StepId("a"), None, "nope")


@pytest.mark.parametrize("section", [True, False])
def test_the_run_goes_on_behind_a_condition_that_raised_where_the_step_may_fail(play, section):
    said = {"sections": (OUTER,)} if section else {"skip_if": "o"}
    p = play(a=play.cell(continue_on_error=True, sleep=5.0, **said), b=None).begin()
    assert p.fail_condition() == ["StepFailed", "RunSlept"]
    p.time_comes()
    p.go_on()
    assert p.run.running_step.id == "b"
    assert p.run.steps["a"].result == {"error": {"name": "ExpressionError", "message": "o"}}


def test_a_section_whose_condition_raised_is_asked_again_for_its_next_step(play):
    p = play(
        a=play.cell(continue_on_error=True, sections=(OUTER,)), b=play.cell(sections=(OUTER,))
    ).begin()
    p.fail_condition()
    assert plan(p.run) == AskCondition(StepId("b"), "outer", "o")


def test_the_last_steps_condition_may_raise_and_the_run_still_succeed(play):
    p = play(a=play.cell(continue_on_error=True, skip_if="x")).begin()
    assert p.fail_condition() == ["StepFailed", "RunSucceeded"]


def test_nothing_runs_behind_a_gate_whose_condition_raised(play):
    """G3: it could not open, and so it was not passed, whatever the step may do after errors."""
    p = play(ask=play.cell({}, continue_on_error=True, skip_if="x"), publish=None).begin()
    assert p.fail_condition() == ["StepFailed", "RunFailed"]
    p.resume()
    assert plan(p.run) == AskCondition(StepId("ask"), None, "x")


def test_a_gate_of_an_earlier_passage_says_nothing_of_this_one(play):
    """G6, G20: a step that is skipped when the run is resumed has no gate any more."""
    p = play(ask=play.cell({}, skip_if="x"), b=None).begin()
    p.answer(skip=False)
    p.finish("ask")
    p.vote("eve", approved=False)
    p.resume()
    p.answer(skip=True)
    p.go_on()
    p.fail("b")
    p.resume()
    assert p.run.running_step.id == "b"
    assert p.run.status is RunStatus.RUNNING
