"""Cells that wait in their midst: what is kept of them, by what they ask, when they begin anew."""

import pytest
from msgspec.structs import replace

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core.bindings import answer_of
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.inner import ask_options
from jupyter_flows.core.model import Retry, Voter

ONE, TWO = sha256(b"1"), sha256(b"2")


def asking(play, **more):
    return play(a=play.cell(asks=True, **more), b=None).begin()


def ask(key="approval", **said):
    return c.Pause(key=key, ask=said)


def vote(p, gate, name="bob", approved=True, **more):
    voter = Voter(name, verified=True, route="test")
    return p.tell(
        c.CastVote(
            gate=gate.step, generation=gate.generation, voter=voter, approved=approved, **more
        )
    )


def test_a_cell_asks_and_runs_again_whatever_the_answer_is(play):
    for approved in (True, False):
        p = asking(play)
        kinds = ["StepPaused", "InnerGateExpected", "GateOpened", "LinkMinted"]
        assert p.finish("a", pause=ask(timeout=60)) == kinds
        gate = p.run.open_gate
        assert (gate.key, gate.generation, gate.deadline) == ("approval", 1, p.now + 60)
        assert p.run.steps["a"].status == "pending"
        closed = "GateApproved" if approved else "GateRejected"
        assert vote(p, gate, approved=approved, payload=7 if approved else None) == [
            "VoteCast", closed,
        ]  # fmt: skip
        answer = answer_of(p.run.gates["a", 1])
        assert (answer["approved"], answer["approver"]) == (approved, "bob")
        assert p.go_on() == ["StepStarted"]
        assert p.finish("a", result=1) == ["StepSucceeded"]
        assert p.run.next_step.id == "b"


def test_the_deadline_is_told_too(play):
    p = asking(play)
    p.finish("a", pause=ask(timeout=60))
    assert p.time_comes() == ["GateTimedOut"]
    answer = answer_of(p.run.gates["a", 1])
    assert (answer["approved"], answer["approver"]) == (False, None)
    assert answer["value"]["error"]["name"] == "SuspendedTimedOut"


def test_a_sleep_ends_at_its_time_and_is_not_slept_again(play):
    p = asking(play)
    assert p.finish("a", pause=c.Pause(key="sleep", seconds=60)) == ["StepPaused", "RunSlept"]
    assert p.run.inner["a"]["sleep"].until == p.now + 60
    assert p.time_comes() == ["RunWoken"]
    assert p.go_on() == ["StepStarted"]


def test_links_of_several_keys_are_for_the_call_of_their_key_in_whatever_order(play):
    p = asking(play)
    first, second = p.mint(gate="a", key="first"), p.mint(gate="a", key="second")
    p.finish("a", pause=ask("second"))
    gate = p.run.open_gate
    assert (gate.key, gate.generation) == ("second", p.run.links[second].generation)
    voter = Voter(None, verified=False, route="link", link=first)
    with pytest.raises(errors.UnknownGate):
        p.tell(c.CastVote(gate="a", generation=9, voter=voter, approved=True))
    kept = p.tell(c.CastVote(gate="a", generation=1, voter=voter, approved=True))
    assert kept == ["VoteCast"]  # it is there when its call comes (G4)
    vote(p, gate)
    p.go_on()
    assert p.finish("a", pause=ask("first")) == [
        "StepPaused", "GateOpened", "LinkMinted", "GateApproved",
    ]  # fmt: skip


def test_a_link_without_a_key_is_for_the_next_call(play):
    p = asking(play)
    link = p.mint(gate="a")
    assert p.run.gates["a", 1].key == ""
    assert p.mint(gate="a") != link
    assert p.finish("a", pause=ask("manager"))[1] == "InnerGateExpected"
    assert (p.run.open_gate.key, p.run.open_gate.generation) == ("manager", 1)


def test_a_cell_that_asks_nothing_has_no_links(play):
    p = play(a=None).begin()
    with pytest.raises(errors.NoGate, match="wait_for_approval"):
        p.mint(gate="a")
    with pytest.raises(errors.BadInput):
        p.mint(gate="a", key="\n")


def test_a_gates_cell_does_not_ask_in_its_midst(play):
    p = play(a={}).begin()
    assert p.finish("a", pause=ask()) == ["StepFailed", "RunFailed"]
    assert "has its gate behind it" in p.run.error.message


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"timeout": "soon"}, "is not a duration"),
        ({"timeout": 0}, "more than 0 s"),
        ({"form": []}, "must be a JSON Schema"),
        ({"form": {"properties": {"x": {"type": "nope"}}}}, "nope"),
        ({"required_events": 0}, "from 1 to 1000"),
        ({"required_events": True}, "from 1 to 1000"),
        ({"nope": 1}, "unknown: nope"),
        ({"description": float("nan")}, "plain JSON"),
    ],
)
def test_what_can_not_be_asked_fails_the_step(play, said, message):
    with pytest.raises(errors.BadInput, match=message):
        ask_options(said)
    p = asking(play)
    assert p.finish("a", pause=ask(**said)) == ["StepFailed", "RunFailed"]


def test_forms_may_be_written_in_three_ways():
    fields = {"n": {"type": "integer"}}
    for form in (
        fields,
        {"properties": fields},
        {"schema": {"type": "object", "properties": fields}},
    ):
        assert ask_options({"form": form}).form == {"type": "object", "properties": fields}


# ---------------------------------------------------------------- what is kept


def keep(p, key, result=ONE, **more):
    return p.tell(c.KeepInner(step="a", key=key, result=result, **more))


def test_what_is_kept_stays(play):
    p = asking(play)
    assert keep(p, "x") == ["InnerStepKept"]
    assert keep(p, "x", TWO) == []
    assert p.run.inner["a"]["x"].result == ONE
    p.finish("a", result=1)
    with pytest.raises(errors.Refused, match="not running"):
        keep(p, "y")


def test_another_try_keeps_what_was_done_and_does_again_what_failed(play):
    p = asking(play, retry=Retry(1))
    keep(p, "done")
    keep(p, "bad", failed=True)
    link = p.mint(gate="a", key="k")
    assert p.fail("a") == ["StepRetried"]
    assert set(p.run.inner["a"]) == {"done", "k"}
    p.go_on()
    p.finish("a", pause=ask("k"))
    assert p.run.open_gate.generation == p.run.links[link].generation


def test_a_wait_is_no_try_of_the_step(play):
    p = asking(play, retry=Retry(1))
    for number in range(3):
        p.finish("a", pause=c.Pause(key=f"sleep{number}", seconds=1))
        p.time_comes()
        p.go_on()
    assert p.fail("a") == ["StepRetried"]
    p.go_on()
    assert p.fail("a") == ["StepFailed", "RunFailed"]


def test_a_run_that_is_resumed_goes_on_with_what_its_cell_had_done(play):
    p = asking(play)
    keep(p, "done")
    keep(p, "bad", failed=True)
    link = p.mint(gate="a", key="k")
    p.tell(c.LoseKernel(why="killed"))
    p.resume()
    assert set(p.run.inner["a"]) == {"done", "k"}
    p.finish("a", pause=ask("k"))
    assert p.run.open_gate.generation == p.run.links[link].generation


def test_an_edited_cell_begins_anew_and_so_do_those_behind(play):
    p = asking(play)
    keep(p, "done")
    link = p.mint(gate="a", key="k")
    p.tell(c.LoseKernel(why="killed"))
    steps = [step.spec for step in p.run.steps.values()]
    edited = c.Edited(
        snapshot=TWO, steps=(replace(steps[0], source_hash=sha256(b"other")), steps[1])
    )
    p.tell(c.Resume(by="owner", edited=edited))
    assert p.run.inner == {}
    assert p.run.gates["a", p.run.links[link].generation].status == "superseded"


def test_what_a_finished_cell_has_kept_is_there_when_it_runs_again_for_another_kernel(play):
    p = asking(play)
    keep(p, "done")
    p.finish("a", result=1)
    p.go_on()
    p.fail("b")
    p.resume()
    assert set(p.run.inner["a"]) == {"done"}


def test_a_failure_cell_asks_nobody(play):
    p = play(a=None, mend=play.cell(failure=True, asks=True)).begin()
    p.fail("a")
    p.go_on()
    assert p.finish("mend", pause=ask()) == ["StepFailed", "RunFailed"]


def test_a_link_for_a_call_that_never_came_ends_with_its_cell(play):
    for goes_on in (False, True):
        p = asking(play, continue_on_error=goes_on)
        link = p.mint(gate="a", key="k")
        voter = Voter(None, verified=False, route="link", link=link)
        if goes_on:
            assert p.fail("a") == ["StepFailed"]
        else:
            p.finish("a", result=1)
        assert p.run.gates["a", 1].status == "superseded"
        with pytest.raises(errors.GateSuperseded):
            p.tell(c.CastVote(gate="a", generation=1, voter=voter, approved=True))
