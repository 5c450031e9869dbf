"""Tries after a failed one (G82)."""

import math

import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core import events as e
from jupyter_flows.core.machine import ExecuteStep, StartStep, Wait, plan
from jupyter_flows.core.machine.going_on import MAX_PAUSE, pause
from jupyter_flows.core.model import GateStatus, Retry, RunStatus, StepId, StepStatus

HOUR = 3600.0


def exponential(**said):
    return Retry(exponential_attempts=9, **{"exponential_seconds": 3.0, **said})


@pytest.mark.parametrize(
    ("retry", "pauses"),
    [
        (None, [None]),
        (Retry(constant_attempts=2, constant_seconds=5.0), [5, 5, None]),
        (Retry(constant_attempts=2), [0, 0, None]),
        (Retry(exponential_attempts=3, exponential_seconds=2.0), [2, 4, 8, None]),
        (
            Retry(exponential_attempts=2, exponential_seconds=2.0, multiplier=3.0),
            [6, 12, None],
        ),
        (
            Retry(1, 7.0, exponential_attempts=2, exponential_seconds=10.0),
            [7, 10, 100, None],
        ),
        (Retry(exponential_attempts=1, exponential_seconds=0.0), [0, None]),
        (Retry(constant_attempts=1, constant_seconds=7 * HOUR), [6 * HOUR, None]),
        (Retry(exponential_attempts=2, exponential_seconds=HOUR), [HOUR, 6 * HOUR, None]),
        (Retry(retry_if="x"), [None]),
    ],
    ids=str,
)
def test_constant_pauses_come_first_and_then_growing_ones_up_to_six_hours(retry, pauses):
    assert [pause(retry, tries, 0.5) for tries in range(1, len(pauses) + 1)] == pauses


@pytest.mark.parametrize(("chance", "wait"), [(0.0, 7.5), (0.25, 8.75), (0.5, 10), (1.0, 12.5)])
def test_chance_adds_or_takes_away_its_part(chance, wait):
    assert pause(exponential(exponential_seconds=10.0, random_factor=25.0), 1, chance) == wait


def test_chance_has_no_part_in_constant_pauses():
    assert pause(Retry(1, 10.0, random_factor=100.0), 1, 0.0) == 10


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("seconds", [1e300, 1e5, 3e9])
@pytest.mark.parametrize("multiplier", [1e-300, 1.0, 1e308])
def test_a_pause_is_always_a_time_from_none_to_six_hours(chance, seconds, multiplier):
    retry = Retry(0, 0.0, 1000, seconds, multiplier, random_factor=100.0)
    for tries in (1, 2, 500, 1000):
        wait = pause(retry, tries, chance)
        assert wait is not None
        assert not math.isnan(wait)
        assert 0 <= wait <= MAX_PAUSE


def test_each_attempt_is_recorded_with_its_error_and_outputs(play):
    p = play(a=play.cell(retry=Retry(2, 5.0))).begin()
    for attempt in (1, 2):
        kinds = p.fail("a")
        assert kinds == ["StepRetried", "RunSlept"]
        assert p.run.status is RunStatus.SLEEPING
        assert plan(p.run) == Wait(p.now + 5)
        assert p.time_comes() == ["RunWoken"]
        assert plan(p.run) == StartStep()
        p.go_on()
        assert p.run.steps["a"].attempts == attempt + 1
    assert p.finish("a", 1) == ["StepSucceeded", "RunSucceeded"]
    tried = [row.event.error.message for row in p.log if isinstance(row.event, e.StepRetried)]
    assert tried == ["no", "no"]
    assert p.run.steps["a"].error is None


def test_the_last_failed_try_fails_the_run(play):
    p = play(a=play.cell(retry=Retry(1))).begin()
    assert p.fail("a") == ["StepRetried"]
    p.go_on()
    assert p.fail("a") == ["StepFailed", "RunFailed"]


def test_without_a_pause_there_is_no_sleep(play):
    p = play(a=play.cell(retry=Retry(1)), b=None).begin()
    assert p.fail("a") == ["StepRetried"]
    assert p.run.status is RunStatus.RUNNING
    assert p.go_on() == ["StepStarted"]
    assert plan(p.run) == ExecuteStep(StepId("a"))


def test_where_retry_if_is_false_the_step_fails_at_once(play):
    p = play(a=play.cell(retry=Retry(3, retry_if="x"))).begin()
    assert p.fail("a", retry=False) == ["StepFailed", "RunFailed"]


def test_a_step_that_may_fail_is_retried_first(play):
    p = play(a=play.cell(retry=Retry(1), continue_on_error=True), b=None).begin()
    assert p.fail("a") == ["StepRetried"]
    p.go_on()
    assert p.fail("a") == ["StepFailed"]
    p.go_on()
    assert p.run.running_step.id == "b"


def test_a_retried_gate_cell_has_a_new_generation_and_its_older_links_are_refused(play):
    """G6."""
    p = play(ask=play.cell({}, retry=Retry(1, 5.0)), publish=None).begin()
    link = p.mint("bob")
    p.vote("carol")
    assert p.fail("ask") == ["StepRetried", "RunSlept"]
    assert p.gate().status is GateStatus.SUPERSEDED
    p.time_comes()
    p.go_on()
    for now_open in (False, True):
        if now_open:
            p.finish("ask")
        for name, by in (("bob", link), ("carol", None), ("dave", None)):
            for approved in (True, False):
                with pytest.raises(errors.GateSuperseded):
                    p.vote(name, approved, by, generation=1)
        with pytest.raises(errors.GateSuperseded):
            p.vote("bob", link=link, generation=2)
    assert p.gate(generation=2).votes == ()
    assert "GateApproved" in p.vote("dave", generation=2)


def test_no_links_are_given_out_while_a_gate_cell_waits_for_its_next_try(play):
    """G30."""
    p = play(ask=play.cell({}, retry=Retry(1, 5.0))).begin()
    p.fail("ask")
    with pytest.raises(errors.NoGate, match="superseded"):
        p.mint("bob")


def test_a_resumed_run_has_all_its_tries_again(play):
    p = play(a=play.cell(retry=Retry(1))).begin()
    for attempts in (2, 4):
        p.fail("a")
        p.go_on()
        assert p.fail("a")[-1] == "RunFailed"
        assert p.run.steps["a"].attempts == attempts
        p.resume()


def test_a_run_cancelled_between_two_tries_stays_so(play):
    p = play(a=play.cell(retry=Retry(1, 5.0))).begin()
    p.fail("a")
    until = p.run.due_at
    assert p.tell(c.Cancel(by="owner")) == ["RunCancelled"]
    assert p.run.due_at is None
    p.now = until
    assert p.tell(c.CheckDeadline()) == []
    assert p.run.steps["a"].status is StepStatus.PENDING


def test_a_gate_configured_wrongly_is_not_tried_again_nor_gone_past(play):
    """G2: the mistake is the author's, and who may vote is not known."""
    p = play(ask=play.cell({}, retry=Retry(3), continue_on_error=True), publish=None).begin()
    assert p.finish("ask", {"approvers": []}) == ["StepFailed", "RunFailed"]
    assert p.run.error.name == "GateConfigInvalid"
    p.resume()
    assert p.run.running_step.id == "ask"
