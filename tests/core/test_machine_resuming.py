"""Going on with a notebook that was edited since: what may change in it, and what may not."""

import pytest
from msgspec.structs import replace

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.machine import ExecuteStep, choices, plan, replay
from jupyter_flows.core.model import Digest, GateOptions, RunStatus, StepId, StepSpec, StepStatus

NEW = Digest("sha256:" + "b" * 64)


def spec(index, name, source=None, **more):
    text = (source or name).encode()
    return StepSpec(StepId(name), index, sha256(text), cell=f"cell-{name}", **more)


def edited(*specs):
    return c.Resume(by="owner", edited=c.Edited(snapshot=NEW, steps=specs))


@pytest.fixture
def failed(play):
    """`load` and the gate `ask` are behind it, `work` has failed."""
    p = play(load=None, ask={}, work=None, publish=None).begin()
    p.finish("load", 1)
    p.tell(c.Advance())
    p.finish("ask", "go?")
    p.vote("bob")
    p.tell(c.Advance())
    assert p.fail("work") == ["StepFailed", "RunFailed"]
    return p


BEFORE = (spec(0, "load"), spec(1, "ask"))


def test_it_goes_on_from_the_failed_step_with_the_steps_as_they_are_now(failed):
    p = failed
    moved = (spec(1, "load"), spec(3, "ask"))
    assert p.tell(edited(*moved, spec(4, "work", "mended"), spec(5, "more"))) == ["RunResumed"]
    run = p.run
    assert (run.status, run.snapshot) == (RunStatus.RUNNING, NEW)
    assert list(run.steps) == ["load", "ask", "work", "more"]
    assert [step.spec.index for step in run.steps.values()] == [1, 3, 4, 5]
    assert run.steps["load"].result == 1
    assert run.steps["ask"].spec.gate == GateOptions()
    assert run.steps["work"].status is StepStatus.PENDING
    p.tell(c.FinishRebuild())
    p.tell(c.Advance())
    assert plan(p.run) == ExecuteStep(StepId("work"))
    assert p.run.steps["work"].spec.source_hash == sha256(b"mended")


def test_the_log_tells_the_same_when_it_is_read_again(failed):
    failed.tell(edited(*BEFORE, spec(2, "work", "mended")))
    assert replay(failed.run.id, failed.log) == failed.run


@pytest.mark.parametrize(
    "now",
    [
        (spec(0, "load", "other"), BEFORE[1]),
        (BEFORE[1], BEFORE[0]),
        (BEFORE[0],),
        (spec(0, "new"), *BEFORE),
        (BEFORE[0], spec(1, "new"), BEFORE[1]),
    ],
    ids=["changed", "moved", "removed", "one before", "one between"],
)
def test_what_has_run_must_stand_as_it_was(failed, now):
    before = failed.run
    with pytest.raises(errors.RunNotResumable, match="has run already"):
        failed.tell(edited(*now, spec(9, "work", "mended"), spec(10, "last")))
    assert failed.run == before


def test_with_no_step_left_it_is_refused(failed):
    with pytest.raises(errors.RunNotResumable, match="no step left"):
        failed.tell(edited(*BEFORE))


def test_a_failure_step_may_be_added_anywhere(failed):
    failed.tell(edited(spec(0, "tidy", failure=True), *BEFORE, spec(3, "work")))
    assert failed.run.steps["tidy"].status is StepStatus.PENDING


def test_a_gate_that_was_put_before_people_keeps_its_cell(play):
    p = play(ask={}, publish=None).begin()
    p.finish("ask", "go?")
    p.vote("bob", approved=False)
    assert p.run.status is RunStatus.FAILED
    with pytest.raises(errors.RunNotResumable, match="gate 'ask' is gone"):
        p.tell(edited(spec(0, "publish")))


def test_a_changed_gate_opens_with_a_generation_of_its_own(play):
    """G6"""
    p = play(ask={}, publish=None).begin()
    p.finish("ask", "go?")
    p.vote("bob", approved=False)
    gate = GateOptions(required_events=2)
    p.tell(edited(spec(0, "ask", "better", gate=gate), spec(1, "publish")))
    p.tell(c.FinishRebuild())
    p.tell(c.Advance())
    p.finish("ask", "go?")
    assert p.run.open_gate.generation == 2
    assert p.run.open_gate.options.required_events == 2
    assert p.gate("ask", 1).status == "rejected"


def test_a_step_before_keeps_the_rules_it_ran_with(failed):
    strict = replace(BEFORE[1], gate=GateOptions(required_events=5))
    failed.tell(edited(BEFORE[0], strict, spec(2, "work", "mended")))
    assert failed.run.steps["ask"].spec.gate == GateOptions()
    assert failed.run.next_step.id == "work"


def test_what_may_be_chosen_is_of_a_run_that_can_be_resumed(failed):
    failed.tell(edited(*BEFORE, spec(2, "work", "mended")))
    assert choices(failed.run) == ()
    asked = (Choice.KERNEL, Choice.RERUN)
    failed.tell(c.LoseKernel(why="somebody was there", choices=asked))
    assert choices(failed.run) == asked
    failed.tell(c.Cancel(by="owner"))
    assert failed.run.status is RunStatus.CANCELLED
    assert choices(failed.run) == ()
