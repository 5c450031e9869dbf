"""A run from its start to its end: steps, a lost kernel, resuming, and what the tables refuse."""

import pytest
from msgspec.structs import replace

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core import events as e
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.checkpoint import Checkpoint
from jupyter_flows.core.machine import (
    BeginRun,
    Done,
    ExecuteStep,
    IllegalEventError,
    RebuildKernel,
    StartStep,
    Wait,
    after,
    evolve,
    may_rebuild_unasked,
    plan,
    replay,
    steps_to_rebuild,
)
from jupyter_flows.core.machine.tables import RUN_TRANSITIONS, RUN_UNMOVED
from jupyter_flows.core.model import (
    FINISHED,
    Failure,
    GateStatus,
    RunStatus,
    StepId,
    StepSpec,
    StepStatus,
    Voter,
)


def test_a_run_without_gates_goes_from_queued_to_succeeded(play):
    p = play(load=None, publish=None)
    assert plan(p.run) == BeginRun()
    p.tell(c.Start())
    assert plan(p.run) == StartStep()
    p.tell(c.Advance())
    assert plan(p.run) == ExecuteStep(StepId("load"))
    p.finish("load", 1)
    p.tell(c.Advance())
    assert p.finish("publish", 2) == ["StepSucceeded", "RunSucceeded"]
    assert plan(p.run) == Done()
    assert p.run.result == 2


def test_a_run_of_an_empty_notebook_succeeds(play):
    p = play().begin()
    assert p.run.status is RunStatus.SUCCEEDED
    assert p.run.result is None


def test_steps_to_skip_are_skipped_also_at_the_end(play):
    skip = StepSpec(StepId("b"), 1, sha256(b""), skipped=True)
    p = play(a=None, b=skip).begin()
    p.finish("a", 7)
    assert p.tell(c.Advance()) == ["StepSkipped", "RunSucceeded"]
    assert p.run.result == 7


def test_a_failing_cell_fails_the_run(play):
    p = play(a=None, b=None).begin()
    assert p.fail("a") == ["StepFailed", "RunFailed"]
    assert p.run.steps["a"].error == p.run.error == Failure("ValueError", "no")
    assert p.run.steps["b"].status is StepStatus.PENDING


def test_commands_that_come_again_or_too_late_do_nothing(play):
    p = play(a=None).begin()
    again = [
        c.Start(),
        c.Advance(),
        c.CheckDeadline(),
        c.FinishRebuild(),
        c.AmendOutputs(outputs={}),
    ]
    for command in again:
        assert p.tell(command) == []
    p.finish("a")
    for command in (*again, c.LoseKernel(why="x"), c.FailRun(error=Failure("X", "x"))):
        assert p.tell(command) == []
    with pytest.raises(errors.RunFinished):
        p.finish("a")


def test_a_step_that_does_not_run_is_not_finished(play):
    p = play(a=None, b=None).begin()
    with pytest.raises(errors.Refused, match="it is pending"):
        p.finish("b")
    with pytest.raises(errors.UnknownStep):
        p.finish("nope")


@pytest.mark.parametrize(
    "command",
    [
        c.AmendOutputs(outputs={StepId("nope"): sha256(b"")}),
        c.LoseKernel(why="gone", outputs={StepId("nope"): sha256(b"")}),
        c.FinishStep(step=StepId("a"), link="l", amended={StepId("nope"): sha256(b"")}),
    ],
)
def test_outputs_of_a_step_that_is_not_there_are_refused(play, command):
    with pytest.raises(errors.UnknownStep):
        play(a=None).begin().tell(command)


def test_outputs_are_not_amended_before_the_start(play):
    p = play(a=None)
    assert p.tell(c.AmendOutputs(outputs={StepId("a"): sha256(b"")})) == []


def test_a_cell_brings_outputs_of_earlier_cells_and_the_widgets_up_to_date(play):
    p = play(a=None, b=None).begin()
    p.finish("a", outputs=sha256(b"1"), execution_count=1)
    p.tell(c.Advance())
    kinds = p.finish("b", amended={"a": sha256(b"2")}, widgets=sha256(b"w"), outputs=sha256(b"3"))
    assert kinds[:3] == ["OutputsAmended", "WidgetsSaved", "StepSucceeded"]
    assert p.run.steps["a"].outputs == sha256(b"2")
    assert p.run.widgets == sha256(b"w")


def test_a_lost_kernel_interrupts_the_run_and_its_cell_is_to_do_again(play):
    p = play(a=None, b=None).begin()
    p.finish("a")
    p.tell(c.Advance())
    assert p.tell(c.LoseKernel(why="killed", outputs={"b": sha256(b"part")})) == ["RunInterrupted"]
    assert p.run.status is RunStatus.INTERRUPTED
    assert p.run.error == Failure("RunInterrupted", "killed")
    assert p.run.steps["b"].status is StepStatus.PENDING
    assert p.run.steps["b"].outputs == sha256(b"part")
    assert plan(p.run) == Wait(None)


def test_a_kernel_lost_behind_an_open_gate_changes_nothing(play):
    p = play(ask={}).opened()
    assert p.tell(c.LoseKernel(why="restart")) == []


def test_a_resumed_run_rebuilds_the_earlier_cells_and_goes_on_with_the_lost_one(play):
    p = play(a=None, b=None, d=None).begin()
    p.finish("a")
    p.tell(c.Advance())
    p.tell(c.LoseKernel(why="killed"))
    assert p.tell(c.Resume(by="owner")) == ["RunResumed"]
    assert plan(p.run) == RebuildKernel((StepId("a"),))
    assert p.tell(c.Advance()) == []
    p.tell(c.FinishRebuild())
    p.tell(c.Advance())
    assert p.run.steps["b"].attempts == 2
    assert p.run.error is None


def test_a_run_may_lose_its_kernel_again_while_it_is_rebuilt(play):
    p = play(a=None, b=None).begin()
    p.finish("a")
    for _ in range(3):
        p.tell(c.LoseKernel(why="killed"))
        p.tell(c.Resume(by="owner"))
    assert plan(p.run) == RebuildKernel((StepId("a"),))


def test_a_failed_run_is_resumed_from_the_cell_that_failed(play):
    p = play(a=None, b=None).begin()
    p.finish("a")
    p.tell(c.Advance())
    p.fail("b")
    p.tell(c.Resume(by="owner"))
    assert p.run.finished_at is None
    assert p.run.steps["a"].status is StepStatus.SUCCEEDED
    assert p.run.steps["b"].status is StepStatus.PENDING


def test_a_run_that_failed_as_a_whole_while_a_cell_ran_is_resumed_from_that_cell(play):
    p = play(ask={}, b=None).begin()
    assert p.tell(c.FailRun(error=Failure("KernelUnavailable", "none"))) == ["RunFailed"]
    assert p.run.steps["ask"].status is StepStatus.CANCELLED
    assert p.gate().status is GateStatus.SUPERSEDED
    p.tell(c.Resume(by="owner"))
    p.tell(c.FinishRebuild())
    p.tell(c.Advance())
    assert p.run.steps["ask"].attempts == 2


def test_a_run_that_failed_before_its_start_can_be_resumed(play):
    p = play(a=None)
    p.tell(c.FailRun(error=Failure("KernelUnavailable", "none")))
    p.tell(c.Resume(by="owner"))
    assert p.run.started_at == p.now
    assert plan(p.run) == RebuildKernel(())


@pytest.mark.parametrize("timed_out", [True, False])
def test_after_a_rejection_or_timeout_the_gates_cell_runs_again(play, timed_out):
    """G6, G13."""
    p = play(a=None, ask={"timeout": 60.0}, b=None).opened()
    if timed_out:
        p.now += 60
        p.tell(c.CheckDeadline())
    else:
        p.vote("eve", approved=False)
    p.tell(c.Resume(by="owner"))
    assert plan(p.run) == RebuildKernel((StepId("a"),))
    p.tell(c.FinishRebuild())
    p.tell(c.Advance())
    p.finish("ask")
    assert p.gate(generation=2).deadline == p.now + 60
    p.vote("bob", generation=2)
    p.tell(c.Advance())
    assert p.finish("b")[-1] == "RunSucceeded"


def test_a_gate_that_let_the_run_go_on_is_not_asked_again(play):
    """G14."""
    p = play(ask={"continue_on_disapprove_timeout": True}, b=None).opened()
    p.vote("eve", approved=False)
    p.tell(c.Advance())
    p.fail("b")
    p.tell(c.Resume(by="owner"))
    assert steps_to_rebuild(p.run) == ("ask",)


def test_only_an_interrupted_or_failed_run_is_resumed(play):
    p = play(a=None)
    for ready in (lambda: None, p.begin, lambda: p.finish("a")):
        ready()
        with pytest.raises(errors.RunNotResumable):
            p.tell(c.Resume(by="owner"))


def test_skipped_cells_are_not_rebuilt_and_replay_cells_may_be_unasked(play):
    skipped = StepSpec(StepId("a"), 0, sha256(b""), skipped=True)
    tagged = StepSpec(StepId("b"), 1, sha256(b""), replay=True)
    p = play(a=skipped, b=tagged, d=None, f=None).begin()
    p.finish("b")
    assert steps_to_rebuild(p.run) == ("b",)
    assert may_rebuild_unasked(p.run)
    p.tell(c.Advance())
    p.finish("d")
    assert not may_rebuild_unasked(p.run)


def test_a_log_replays_to_the_same_run(play):
    p = play(a=None, ask={}).opened()
    p.vote("bob", payload={"n": 1})
    assert replay(p.run.id, p.log) == p.run


@pytest.mark.parametrize("rows", [[], [e.Recorded(1, 0.0, e.RunStarted())]])
def test_a_log_without_its_head_is_refused(rows):
    with pytest.raises(ValueError, match="RunCreated"):
        replay("r", rows)


AT = {"gate": StepId("ask"), "generation": 1}
SAVED = Checkpoint(sha256(b"1"), 1000.0, (), (), 0, 1, 8, 8, 0.1)
SAMPLES = {
    e.CheckpointSaved: e.CheckpointSaved(checkpoint=SAVED),
    e.CheckpointFailed: e.CheckpointFailed(why="full"),
    e.CheckpointDoubted: e.CheckpointDoubted(checkpoint=SAVED.digest, why="no"),
    e.KernelReleased: e.KernelReleased(checkpoint=SAVED.digest),
    e.KernelRestored: e.KernelRestored(checkpoint=SAVED.digest),
    e.RunCreated: None,
    e.RunStarted: e.RunStarted(),
    e.NotebookMoved: e.NotebookMoved(path="elsewhere.ipynb"),
    e.StepStarted: e.StepStarted(step=StepId("ask"), attempt=1),
    e.StepSkipped: e.StepSkipped(step=StepId("ask")),
    e.SectionEntered: e.SectionEntered(section="s", skipped=False),
    e.StepSucceeded: e.StepSucceeded(step=StepId("ask")),
    e.StepFailed: e.StepFailed(step=StepId("ask"), error=Failure("X", "x")),
    e.StepRetried: e.StepRetried(step=StepId("ask"), error=Failure("X", "x")),
    e.StepPaused: e.StepPaused(step=StepId("ask"), key="k"),
    e.InnerStepKept: e.InnerStepKept(step=StepId("ask"), key="k", outcome=sha256(b"")),
    e.InnerGateExpected: e.InnerGateExpected(step=StepId("ask"), key="k", generation=7),
    e.RunSlept: e.RunSlept(step=StepId("ask"), until=9.0),
    e.RunWoken: e.RunWoken(),
    e.RunStopped: e.RunStopped(step=StepId("ask")),
    e.RunFailing: e.RunFailing(error=Failure("X", "x")),
    e.OutputsAmended: e.OutputsAmended(outputs={}),
    e.WidgetsSaved: e.WidgetsSaved(widgets=sha256(b"")),
    e.GateOpened: None,
    e.GateShown: e.GateShown(**AT, voter=Voter("bob", True, "test")),
    e.VoteCast: e.VoteCast(**AT, voter=Voter("bob", True, "test"), approved=True),
    e.PreVoteCounted: e.PreVoteCounted(**AT, link="l"),
    e.VoteDismissed: e.VoteDismissed(**AT, voter=Voter("bob", True, "test"), why=""),
    e.VoteWithdrawn: e.VoteWithdrawn(**AT, voter=Voter("bob", True, "test")),
    e.GateApproved: e.GateApproved(**AT),
    e.GateRejected: e.GateRejected(**AT),
    e.GateTimedOut: e.GateTimedOut(**AT),
    e.LinkMinted: e.LinkMinted(link="l", gate=None, generation=0),
    e.LinkRevoked: e.LinkRevoked(link="l", by="owner"),
    e.RunInterrupted: e.RunInterrupted(why=""),
    e.RunResumed: e.RunResumed(by="owner", step=StepId("ask")),
    e.KernelRebuilt: e.KernelRebuilt(),
    e.RunSucceeded: e.RunSucceeded(),
    e.RunFailed: e.RunFailed(error=Failure("X", "x")),
    e.RunCancelled: e.RunCancelled(by="owner"),
}


def test_every_kind_of_event_has_its_place_in_the_tables():
    moving = {event for _, event in RUN_TRANSITIONS}
    assert moving | set(RUN_UNMOVED) | {e.RunCreated} == set(e.KINDS.values()) == set(SAMPLES)
    unmoved = {(status, event) for event, where in RUN_UNMOVED.items() for status in where}
    assert not set(RUN_TRANSITIONS) & unmoved


def test_a_run_that_has_ended_is_moved_by_nothing_but_its_resuming():
    from_the_end = {event for status, event in RUN_TRANSITIONS if status in FINISHED}
    assert from_the_end == {e.RunResumed}


def test_a_lost_kernel_does_not_interrupt_a_run_with_nothing_left_to_run(play):
    p = play()
    p.tell(c.Start())
    assert p.tell(c.LoseKernel(why="killed")) == ["RunSucceeded"]


@pytest.mark.parametrize("status", RunStatus)
@pytest.mark.parametrize("event", [event for event in SAMPLES.values() if event], ids=repr)
def test_an_event_that_the_tables_do_not_allow_is_an_error_and_no_silent_change(
    play, status, event
):
    allowed = (status, type(event)) in RUN_TRANSITIONS or status in RUN_UNMOVED.get(type(event), ())
    run = replace(play(ask={}).opened().run, status=status)
    if not allowed:
        with pytest.raises(IllegalEventError, match=f"{type(event).__name__} while {status}"):
            evolve(run, event, 0.0)


@pytest.mark.parametrize(
    "event",
    [e.GateOpened(**AT, options=None, deadline=0.0, prompt=False, digest=sha256(b"")),
     e.StepStarted(step=StepId("ask"), attempt=2), e.StepSkipped(step=StepId("ask")),
     e.StepSucceeded(step=StepId("ask"))],
    ids=repr,
)  # fmt: skip
def test_neither_a_gate_nor_a_step_moves_out_of_turn(play, event):
    p = play(ask={}, b=None).opened()
    p.vote("bob")
    with pytest.raises(IllegalEventError):
        evolve(p.run, event, 0.0)


def test_a_run_is_created_once(play):
    p = play(a=None)
    with pytest.raises(IllegalEventError):
        after(p.run, [p.log[0].event], 0.0)
