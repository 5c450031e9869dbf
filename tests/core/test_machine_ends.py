"""How a run ends, or pauses, otherwise than by a gate (approvals.md section 9)."""

import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core.bindings import bindings
from jupyter_flows.core.machine import (
    AskCondition,
    BeginRun,
    Done,
    RebuildKernel,
    StartStep,
    Wait,
    plan,
    replay,
)
from jupyter_flows.core.model import (
    EarlyStop,
    Failure,
    GateStatus,
    RunStatus,
    StepId,
    StepStatus,
)

STOP = EarlyStop("done")
STOP_BADLY = EarlyStop("done", error_message="No data.")


def statuses(p):
    return {step.id: str(step.status) for step in p.run.steps.values()}


# ---------------------------------------------------------------- G80: early stops


def test_a_run_stops_early_and_well(play):
    """G80."""
    p = play(a=play.cell(stop_after_if=STOP), b=None, ask={}).begin()
    assert p.finish("a", 7, stop=True) == ["StepSucceeded", "RunStopped", "RunSucceeded"]
    assert statuses(p) == {"a": "succeeded", "b": "skipped", "ask": "skipped"}
    assert (p.run.stopped, p.run.result) == ("a", 7)


def test_a_run_stops_early_with_an_error(play):
    """G80."""
    p = play(a=play.cell(stop_after_if=STOP_BADLY), b=None).begin()
    assert p.finish("a", stop=True) == ["StepSucceeded", "RunStopped", "RunFailed"]
    assert p.run.error == Failure("EarlyStopError", "No data.")


def test_a_run_that_stops_early_never_parks(play):
    """G3, G80: before the gate; nor do its early votes count."""
    p = play(ask=play.cell({}, stop_after_if=STOP), b=None).begin()
    p.vote("bob")
    assert "GateOpened" not in p.finish("ask", stop=True)
    assert p.gate().status is GateStatus.SUPERSEDED
    assert p.run.status is RunStatus.SUCCEEDED
    with pytest.raises(errors.GateSuperseded):
        p.vote("carol")


def test_a_run_that_stops_early_does_not_sleep_before(play):
    """G80, G81."""
    p = play(a=play.cell(stop_after_if=STOP, sleep=60.0), b=None).begin()
    assert p.finish("a", stop=True)[-1] == "RunSucceeded"


def test_a_step_without_the_condition_stops_nothing(play):
    """G80."""
    p = play(a=None, b=None).begin()
    assert p.finish("a", stop=True) == ["StepSucceeded"]


def test_a_failed_step_stops_nothing_early(play):
    """G80: evaluated after success."""
    p = play(a=play.cell(stop_after_if=STOP, continue_on_error=True), b=None).begin()
    assert p.fail("a", stop=True) == ["StepFailed"]


def test_whether_a_stopped_run_counts_as_skipped_stands_in_its_step(play):
    """G80: for whoever labels it."""
    rule = EarlyStop("done", skip_if_stopped=True)
    p = play(a=play.cell(stop_after_if=rule)).begin()
    p.finish("a", stop=True)
    assert p.run.steps[p.run.stopped].spec.stop_after_if.skip_if_stopped


def test_a_run_stopped_with_an_error_is_resumed_from_the_step_that_stopped_it(play):
    """G80."""
    p = play(ask=play.cell({}, stop_after_if=STOP_BADLY), b=None).begin()
    p.finish("ask", stop=True)
    p.resume()
    assert p.run.stopped is None
    assert statuses(p) == {"ask": "running", "b": "pending"}
    p.finish("ask")
    assert p.gate(generation=2).status is GateStatus.OPEN


# ---------------------------------------------------------------- G81: sleeps


def test_a_run_sleeps_behind_a_step(play):
    """G81."""
    p = play(a=play.cell(sleep=60.0), b=None).begin()
    assert p.finish("a") == ["StepSucceeded", "RunSlept"]
    assert p.run.status is RunStatus.SLEEPING
    assert plan(p.run) == Wait(p.now + 60)
    assert p.go_on() == []
    assert p.time_comes() == ["RunWoken"]
    assert (p.run.wake_at, plan(p.run)) == (None, StartStep())


def test_a_run_sleeps_on_until_its_time_has_come(play):
    """G81."""
    p = play(a=play.cell(sleep=60.0), b=None).begin()
    p.finish("a")
    p.now += 59.9
    assert p.tell(c.CheckDeadline()) == []


def test_a_run_sleeps_behind_the_gate_and_not_before(play):
    """G81."""
    p = play(ask=play.cell({}, sleep=60.0), b=None).opened()
    p.now += 1000
    assert p.vote("bob") == ["VoteCast", "GateApproved", "RunSlept"]
    assert p.run.due_at == p.now + 60
    with pytest.raises(errors.GateClosed):
        p.vote("carol")


def test_a_run_sleeps_behind_a_gate_whose_rejection_lets_it_go_on(play):
    """G14, G81."""
    gate = {"continue_on_disapprove_timeout": True, "timeout": 5.0}
    p = play(ask=play.cell(gate, sleep=60.0), b=None).opened()
    assert p.time_comes() == ["GateTimedOut", "RunSlept"]


@pytest.mark.parametrize("gate", [None, {}])
def test_nothing_sleeps_behind_the_last_step(play, gate):
    """G81."""
    p = play(ask=play.cell(gate, sleep=60.0), mend=play.cell(failure=True)).begin()
    p.finish("ask")
    if gate is not None:
        p.vote("bob")
    assert p.run.status is RunStatus.SUCCEEDED


def test_a_sleep_survives_a_restart(play):
    """G81: it is in the log, and no kernel is needed meanwhile."""
    p = play(a=play.cell(sleep=60.0), b=None).begin()
    p.finish("a")
    assert replay(p.run.id, p.log).due_at == p.now + 60
    assert p.tell(c.LoseKernel(why="restart")) == []


def test_a_sleeping_run_can_be_cancelled(play):
    """G17, G81."""
    p = play(a=play.cell(sleep=60.0), b=None).begin()
    p.finish("a")
    assert p.tell(c.Cancel(by="owner")) == ["RunCancelled"]
    assert (p.run.due_at, p.run.wake_at, plan(p.run)) == (None, None, Done())


# ---------------------------------------------------------------- G83: failure steps


def failing_play(play, _timeout=None, **steps):
    """Its `failure` steps stand first, in between and last: their place does not matter."""
    first, second = play.cell(failure=True), play.cell(failure=True)
    return play(None, _timeout, mend=first, **steps, tell=second, last=None).begin()


def by_cell_error(play):
    p = failing_play(play, a=None)
    p.fail("a")
    return p, "a", "ValueError"


def by_rejection(play):
    p = failing_play(play, ask={}).opened()
    p.vote("eve", approved=False)
    return p, "ask", "SuspendedDisapproved"


def by_timeout(play):
    p = failing_play(play, ask={"timeout": 60.0}).opened()
    p.time_comes()
    return p, "ask", "SuspendedTimedOut"


def by_the_runs_timeout_in_a_cell(play):
    p = failing_play(play, 60.0, a=None)
    p.time_comes()
    return p, "a", "RunTimedOut"


def by_the_runs_timeout_at_a_gate(play):
    p = failing_play(play, 60.0, ask={}).opened()
    p.time_comes()
    return p, "ask", "RunTimedOut"


def by_the_runs_timeout_in_its_sleep(play):
    p = failing_play(play, 60.0, a=play.cell(sleep=100.0))
    p.finish("a")
    p.time_comes()
    return p, None, "RunTimedOut"


def by_an_expression(play):
    p = failing_play(play, a=play.cell(skip_if="x"))
    p.fail_condition()
    return p, "a", "ExpressionError"


def by_a_wrong_gate(play):
    p = failing_play(play, ask={})
    p.finish("ask", {"schema": 5})
    return p, "ask", "GateConfigInvalid"


def by_an_early_stop(play):
    p = failing_play(play, a=play.cell(stop_after_if=STOP_BADLY))
    p.finish("a", stop=True)
    return p, "a", "EarlyStopError"


WAYS = [
    by_cell_error,
    by_rejection,
    by_timeout,
    by_the_runs_timeout_in_a_cell,
    by_the_runs_timeout_at_a_gate,
    by_the_runs_timeout_in_its_sleep,
    by_an_expression,
    by_a_wrong_gate,
    by_an_early_stop,
]
each_way = pytest.mark.parametrize("fails", WAYS, ids=lambda fails: fails.__name__)


@each_way
def test_the_failure_steps_run_once_whichever_way_the_run_fails(play, fails):
    """G83: in their order, and the run fails only then."""
    p, step, error = fails(play)
    assert (p.run.failing, p.run.failed_step, p.run.error.name) == (True, step, error)
    assert p.run.status is RunStatus.RUNNING
    assert p.run.open_gate is None
    for name in ("mend", "tell"):
        assert plan(p.run) == StartStep()
        assert p.go_on() == ["StepStarted"]
        assert p.run.running_step.id == name
        bound = bindings(p.run, before=StepId(name))["error"]
        assert (bound["name"], bound["step"]) == (error, step)
        p.finish(name)
    assert p.run.status is RunStatus.FAILED
    assert p.run.error.name == error
    assert p.run.steps["last"].attempts == 0


@each_way
def test_the_clock_and_a_late_cell_change_nothing_of_a_run_that_fails(play, fails):
    """G83: its deadlines are over; what ran has been cut off."""
    p, step, _ = fails(play)
    assert p.run.due_at is None
    p.now += 1e9
    assert p.tell(c.CheckDeadline()) == []
    if step is not None:
        with pytest.raises(errors.Refused):
            p.finish(step)


@each_way
def test_the_owner_may_cancel_a_run_that_fails(play, fails):
    """G17, G83."""
    p, _, _ = fails(play)
    p.go_on()
    assert p.tell(c.Cancel(by="owner")) == ["RunCancelled"]
    assert p.run.steps["mend"].status is StepStatus.CANCELLED
    assert plan(p.run) == Done()


@each_way
def test_a_failed_run_is_resumed_from_where_it_failed_and_its_failure_steps_are_reset(play, fails):
    """G83: a gate that nobody approved is never passed (G13)."""
    p, step, _ = fails(play)
    for name in ("mend", "tell"):
        p.go_on()
        p.finish(name)
    p.resume()
    assert not p.run.failing
    assert (p.run.error, p.run.failed_step) == (None, None)
    assert statuses(p)["mend"] == statuses(p)["tell"] == "pending"
    expected = step or "last"
    asked = plan(p.run)
    begun = asked.step if isinstance(asked, AskCondition) else p.run.running_step.id
    assert begun == expected


def test_a_failing_failure_step_lets_the_next_one_run_and_keeps_the_first_error(play):
    """G83."""
    p, _, _ = by_cell_error(play)
    p.go_on()
    error = Failure("OSError", "mail is down")
    assert p.finish("mend", error=error) == ["StepFailed"]
    assert p.go_on() == ["StepStarted"]
    assert p.fail("tell") == ["StepFailed", "RunFailed"]
    assert p.run.error == Failure("ValueError", "no")
    assert p.run.steps["mend"].error == error


def test_a_failure_step_may_be_retried_and_have_a_condition(play, retry):
    """G82, G83."""
    p = play(
        a=None,
        mend=play.cell(failure=True, retry=retry),
        tell=play.cell(failure=True, skip_if="x"),
        more=play.cell(failure=True, skip_if="y"),
    ).begin()
    p.fail("a")
    p.go_on()
    assert p.fail("mend") == ["StepRetried"]
    p.go_on()
    p.finish("mend")
    assert p.answer(skip=True) == ["StepSkipped"]
    assert p.fail_condition() == ["StepFailed", "RunFailed"]
    assert p.run.error.name == "ValueError"


def test_failure_steps_are_skipped_when_the_run_succeeds(play):
    """G83."""
    p = play(mend=play.cell(failure=True), a=None).begin()
    assert p.run.running_step.id == "a"
    assert p.finish("a", 1) == ["StepSucceeded", "RunSucceeded"]
    assert p.run.steps["mend"].status is StepStatus.SKIPPED
    assert p.run.result == 1


def test_a_notebook_of_failure_steps_alone_succeeds(play):
    """G83."""
    p = play(mend=play.cell(failure=True)).begin()
    assert p.run.status is RunStatus.SUCCEEDED


def test_failure_steps_do_not_run_when_the_run_is_cancelled(play):
    """G17, G83."""
    p = failing_play(play, a=None)
    p.tell(c.Cancel(by="owner"))
    assert plan(p.run) == Done()
    assert statuses(p)["mend"] == "pending"


def test_without_a_kernel_a_failing_run_ends_with_its_first_error(play):
    """G83."""
    for command in (
        c.LoseKernel(why="killed"),
        c.FailRun(error=Failure("KernelUnavailable", "none")),
    ):
        p, _, _ = by_cell_error(play)
        p.go_on()
        assert p.tell(command) == ["RunFailed"]
        assert p.run.error.name == "ValueError"
        assert p.run.steps["mend"].status is StepStatus.CANCELLED


def test_a_failure_step_needs_nothing_that_the_earlier_steps_made(play):
    """G83: it may run in a fresh kernel, and sees what is known."""
    p = failing_play(play, a=None, b=None)
    p.finish("a", 7)
    p.go_on()
    p.fail("b")
    bound = bindings(p.run, before=StepId("mend"))
    assert bound["results"] == {"a": 7}
    assert bound["error"] == {"name": "ValueError", "message": "no", "step": "b"}


def test_a_failure_step_sees_the_gates_wherever_it_stands(play):
    """G20, G83."""
    p = failing_play(play, ask={}, b=None).opened()
    p.vote("bob", payload={"n": 1})
    p.go_on()
    p.fail("b")
    assert bindings(p.run, before=StepId("mend"))["resume"] == {"n": 1}


def test_a_run_that_fails_while_it_is_rebuilt_runs_its_failure_steps(play):
    """G83."""
    p = failing_play(play, 60.0, a=None, b=None)
    p.finish("a")
    p.tell(c.LoseKernel(why="killed"))
    p.tell(c.Resume(by="owner"))
    assert p.time_comes() == ["RunFailing"]
    assert plan(p.run) == RebuildKernel(())
    p.tell(c.FinishRebuild())
    assert p.go_on() == ["StepStarted"]
    assert p.run.running_step.id == "mend"


# ---------------------------------------------------------------- G3: gates after an allowed error


def test_a_gate_opens_behind_a_cell_that_may_fail(play):
    """G3."""
    p = play(ask=play.cell({}, continue_on_error=True), b=None).begin()
    assert p.fail("ask") == ["StepFailed", "GateOpened", "LinkMinted"]
    assert p.gate().status is GateStatus.OPEN
    p.vote("bob")
    p.go_on()
    assert p.run.running_step.id == "b"


def test_a_gate_opens_behind_a_last_cell_that_may_fail(play):
    """G3."""
    p = play(ask=play.cell({}, continue_on_error=True)).begin()
    p.fail("ask")
    assert p.vote("bob")[-2:] == ["GateApproved", "RunSucceeded"]
    assert p.run.result == {"error": {"name": "ValueError", "message": "no"}}


def test_early_votes_count_for_a_gate_behind_an_allowed_error(play):
    """G3, G4."""
    p = play(ask=play.cell({}, continue_on_error=True), b=None).begin()
    p.vote("bob")
    assert p.fail("ask")[-1] == "GateApproved"


def test_a_rejection_behind_an_allowed_error_fails_the_run(play):
    """G3, G13."""
    p = play(ask=play.cell({}, continue_on_error=True), b=None).begin()
    p.fail("ask")
    assert p.vote("eve", approved=False)[-1] == "RunFailed"


def test_a_step_that_may_fail_lets_the_run_go_on_with_its_error_as_result(play):
    """G83."""
    p = play(a=play.cell(continue_on_error=True), b=None).begin()
    assert p.fail("a") == ["StepFailed"]
    assert p.run.steps["a"].result == {"error": {"name": "ValueError", "message": "no"}}
    p.go_on()
    assert p.finish("b")[-1] == "RunSucceeded"


def test_a_run_whose_last_step_may_fail_succeeds(play):
    """G83."""
    p = play(a=play.cell(continue_on_error=True)).begin()
    assert p.fail("a") == ["StepFailed", "RunSucceeded"]


# ---------------------------------------------------------------- the whole run's time


@pytest.mark.parametrize("where", ["in a cell", "at a gate", "in its sleep", "between cells"])
def test_a_run_that_takes_too_long_fails(play, where):
    p = play(None, 60.0, a=None, ask=play.cell({}, sleep=100.0), b=None).begin()
    if where != "in a cell":
        p.finish("a")
    if where in ("at a gate", "in its sleep"):
        p.go_on()
        p.finish("ask")
    if where == "in its sleep":
        p.vote("bob")
    p.now += 59.9
    assert p.tell(c.CheckDeadline()) == []
    assert p.time_comes() == ["RunFailed"]
    assert p.run.error == Failure("RunTimedOut", "The run took longer than 60 s.")
    assert p.run.running_step is p.run.open_gate is p.run.due_at is None
    assert p.tell(c.CheckDeadline()) == []


def test_a_run_that_waits_for_its_owner_takes_no_time(play):
    p = play(None, 60.0, a=None).begin()
    p.tell(c.LoseKernel(why="killed"))
    assert p.run.due_at is None
    p.now += 1000
    assert p.tell(c.CheckDeadline()) == []
    p.resume()
    assert p.run.due_at == p.now + 60


def test_a_queued_run_takes_no_time(play):
    p = play(None, 60.0, a=None)
    p.now += 1000
    p.begin()
    assert p.run.due_at == p.now + 60


def test_the_earliest_time_is_due(play):
    p = play(None, 60.0, ask=play.cell({"timeout": 30.0}, sleep=10.0), b=None).opened()
    assert p.run.due_at == p.now + 30
    p.vote("bob")
    assert p.run.due_at == p.now + 10


def test_a_gate_whose_run_took_too_long_is_asked_again_when_it_is_resumed(play):
    """G6, G13: nobody had approved it."""
    p = play(None, 60.0, ask={}, publish=None).opened()
    p.time_comes()
    assert p.gate().status is GateStatus.SUPERSEDED
    p.resume()
    assert statuses(p) == {"ask": "running", "publish": "pending"}
    p.finish("ask")
    assert p.gate(generation=2).status is GateStatus.OPEN


# ---------------------------------------------------------------- a run that begins later


def test_a_run_that_begins_later_waits_queued_until_then(play):
    p = play(a=None, _wake_at=5000.0)
    assert (p.run.status, p.run.due_at, plan(p.run)) == (RunStatus.QUEUED, 5000.0, Wait(5000.0))
    assert p.tell(c.Start()) == []
    p.now = 4999.0
    assert p.tell(c.CheckDeadline()) == []
    p.now = 5000.0
    assert p.tell(c.CheckDeadline()) == ["RunWoken"]
    assert (p.run.status, p.run.due_at, plan(p.run)) == (RunStatus.QUEUED, None, BeginRun())
    assert p.tell(c.CheckDeadline()) == []
    assert p.begin().finish("a", 1) == ["StepSucceeded", "RunSucceeded"]
    assert replay(p.run.id, p.log) == p.run


def test_a_run_that_has_not_begun_yet_is_cancelled_for_good(play):
    p = play(a=None, _wake_at=5000.0)
    p.tell(c.Cancel(by="owner"))
    p.now = 6000.0
    assert p.tell(c.CheckDeadline()) == []
    assert (p.run.due_at, plan(p.run)) == (None, Done())
