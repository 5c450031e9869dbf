"""The log told to a reader (G71)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.model import StepId, Voter
from jupyter_flows.core.trail import _SAY, Who, trail

from .test_codec import events

TOKEN = "A" * 80 + "." + "B" * 43


@pytest.mark.parametrize("kind", e.KINDS.values(), ids=lambda kind: kind.__name__)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_kind_of_event_has_its_line(kind, data):
    """G71"""
    event = data.draw(events(kind))
    (line,) = trail([e.Recorded(1, 1000.0, event)])
    assert line.kind == kind.__name__
    assert line.what.strip()
    assert (line.seq, line.at) == (1, 1000.0)


def test_every_kind_of_event_has_words_of_its_own():
    assert set(_SAY) == set(e.KINDS.values())


def test_the_trail_says_who_did_what_and_in_which_way(play):
    """G41, G71"""
    run = play(ask={"required_events": 2}).opened()
    link = run.mint("bob")
    voter = Voter("bob", verified=False, route="link", link=link)
    gate = run.gate()
    run.tell(c.ShowGate(gate=StepId("ask"), generation=1, voter=voter, digest=gate.digest))
    run.vote("bob", link=link, digest=gate.digest)
    run.vote("ann", reason="looks right")
    said = {line.kind: line for line in trail(run.log)}
    assert said["RunCreated"].who == Who("owner")
    assert said["GateShown"].who == Who("bob", verified=False, route="link", link=link)
    assert said["GateShown"].what == "gate ask: its page was shown"
    assert said["GateShown"].digest == gate.digest
    assert said["VoteCast"].who == Who("ann", verified=True, route="test")
    assert said["VoteCast"].what == "approved gate ask: looks right"
    assert said["GateApproved"].what == "gate ask approved"
    shown = [str(line.who) for line in trail(run.log) if line.who]
    assert shown == [
        "owner",
        f"bob (claimed, by link {link})",
        f"bob (claimed, by test {link})",
        "ann (logged in, by test)",
    ]


def test_what_was_seen_and_approved_in_the_inbox_says_so_with_its_digest(play):
    """G70, G71"""
    run = play(ask={}).opened()
    voter, digest = Voter("bob", verified=True, route="inbox"), run.gate().digest
    run.tell(c.ShowGate(gate=StepId("ask"), generation=1, voter=voter, digest=digest))
    run.tell(
        c.CastVote(gate=StepId("ask"), generation=1, voter=voter, approved=True, digest=digest)
    )
    said = {line.kind: line for line in trail(run.log)}
    assert said["GateShown"].what == "gate ask: its card in the inbox was shown"
    assert said["VoteCast"].what == "approved gate ask"
    for kind in ("GateShown", "VoteCast"):
        assert str(said[kind].who) == "bob (logged in, by inbox)"
        assert said[kind].digest == digest


def test_no_token_is_in_the_trail(play):
    """G34, G71"""
    run = play(load=None, ask={}).begin()
    run.finish("load", {"resume": f"http://h/resume?flow_token={TOKEN}"})
    run.tell(c.Advance())
    run.finish("ask")
    run.vote(f"bob {TOKEN}", False, reason=f"see http://h/resume?flow_token={TOKEN}")
    run.tell(c.Resume(by=TOKEN))
    said = repr(trail(run.log))
    assert "B" * 10 not in said
    assert "flow_token=[hidden]" in said


def test_what_was_saved_and_restored_is_told_without_names_of_variables(play):
    run = play(load=None, ask={}, end=None).opened()
    made = run.save("con", drops=True)
    run.tell(c.ReleaseKernel(checkpoint=made.digest))
    run.vote("bob")
    run.tell(c.Advance())
    run.tell(
        c.FinishRestore(checkpoint=made.digest, replayed=("load",), changes=("pandas 1 is 2",))
    )
    said = {line.kind: line.what for line in trail(run.log)}
    assert said["CheckpointSaved"] == "variables saved: 14 (1.16 GB), and 1 that cannot be"
    assert said["KernelReleased"] == "kernel released: all that was in it is saved"
    assert said["KernelRestored"] == (
        "saved variables restored into the kernel; run again for it: load;"
        " changed since, and accepted: pandas 1 is 2"
    )


def test_variables_that_are_not_saved_or_do_not_load_say_why(play):
    run = play(load=None, ask={}).opened()
    run.tell(c.MissCheckpoint(why="The disk is full."))
    made = run.save()
    run.tell(c.DoubtCheckpoint(checkpoint=made.digest, why="df is of another type."))
    said = {line.kind: line.what for line in trail(run.log)}
    assert said["CheckpointFailed"] == "variables not saved: The disk is full."
    assert said["CheckpointDoubted"] == (
        "kernel kept: loading the saved variables was tried, and failed: df is of another type."
    )


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (Choice.CHECKPOINT, "run resumed from step end, with the variables that were saved"),
        (Choice.KERNEL, "run resumed from step end, in its kernel as that is now"),
        (Choice.RERUN, "run resumed from step end"),
    ],
)
def test_what_a_person_chose_for_an_interrupted_run_is_told(play, choice, said):
    run = play(load=None, ask={}, end=None).opened()
    run.save()
    run.vote("bob")
    run.tell(c.Advance())
    asked = (Choice.KERNEL, Choice.CHECKPOINT, Choice.RERUN)
    run.tell(c.LoseKernel(why="somebody ran 2 cells.", choices=asked))
    run.tell(c.Resume(by="ann", choice=choice))
    lines = {line.kind: line for line in trail(run.log)}
    assert lines["RunInterrupted"].what == (
        "run interrupted: somebody ran 2 cells. (to choose: kernel, checkpoint, rerun)"
    )
    assert (lines["RunResumed"].what, lines["RunResumed"].who) == (said, Who("ann"))
