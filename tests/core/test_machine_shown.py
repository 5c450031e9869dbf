"""The page of a gate was shown: recorded once for each link and digest, and moving nothing."""

import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.machine import IllegalEventError, evolve
from jupyter_flows.core.model import RunStatus, StepId, Voter


def shown(play, link=None, name="bob", *, verified=None, digest=None, generation=1):
    verified = link is None if verified is None else verified
    voter = Voter(name, verified=verified, route="link", link=link)
    gate = play.gate(generation=generation)
    return play.tell(
        c.ShowGate(
            gate=StepId("ask"),
            generation=generation,
            voter=voter,
            digest=digest or gate.digest,
        )
    )


def test_a_page_that_was_shown_is_recorded_with_its_reader_and_digest(play):
    """G71"""
    run = play(ask={}).opened()
    link = run.mint("bob")
    assert shown(run, link) == ["GateShown"]
    event = run.log[-1].event
    assert (event.gate, event.generation, event.digest) == ("ask", 1, run.gate().digest)
    assert event.voter == Voter("bob", verified=False, route="link", link=link)


def test_a_reload_is_not_recorded_again(play):
    """G71"""
    run = play(ask={}).opened()
    link = run.mint("bob")
    assert shown(run, link) == ["GateShown"]
    assert shown(run, link) == []
    assert shown(run, link, name="somebody else with bob's link") == []


def test_a_link_is_one_reader_and_each_login_by_it_is_another(play):
    """G41, G71"""
    run = play(ask={}).opened()
    link = run.mint("bob")
    assert shown(run, link) == ["GateShown"]
    for name in ("ann", "eve"):
        assert shown(run, link, name=name, verified=True) == ["GateShown"]
        assert shown(run, link, name=name, verified=True) == []


def test_each_link_each_login_and_each_digest_is_recorded(play):
    """G71"""
    run = play(ask={}).opened()
    one, two = run.mint("bob"), run.mint("bob")
    assert shown(run, one) == ["GateShown"]
    assert shown(run, two) == ["GateShown"]
    assert shown(run) == ["GateShown"]
    run.tell(c.AmendOutputs(outputs={StepId("ask"): sha256(b"changed")}))
    assert shown(run, one) == ["GateShown"]
    assert shown(run, one) == []


def test_looking_moves_nothing(play):
    """G32"""
    run = play(ask={"required_events": 2}).opened()
    run.vote("alice")
    before = run.run
    shown(run, run.mint("bob"))
    assert run.run.status is before.status is RunStatus.SUSPENDED
    assert (run.gate().status, run.gate().votes) == (before.open_gate.status, run.gate().votes)
    assert run.gate().deadline == before.due_at


@pytest.mark.parametrize("end", ["vote", "cancel"])
def test_a_page_of_a_gate_that_is_not_open_is_not_recorded(play, end):
    run = play(ask={}).opened()
    link = run.mint("bob")
    run.vote("alice") if end == "vote" else run.tell(c.Cancel(by="owner"))
    assert shown(run, link) == []


def test_a_gate_that_the_run_does_not_have_is_no_matter(play):
    run = play(ask={}).opened()
    assert shown(run, generation=1) == ["GateShown"]
    voter = Voter("bob", verified=True, route="rest")
    assert run.tell(c.ShowGate(gate=StepId("nope"), generation=7, voter=voter)) == []


def test_a_log_in_which_a_closed_gate_is_shown_is_none_of_ours(play):
    run = play(ask={}, b={}).opened()
    run.vote("bob")
    run.tell(c.Advance())
    run.finish("b")
    assert run.run.status is RunStatus.SUSPENDED
    voter = Voter("bob", verified=True, route="rest")
    with pytest.raises(IllegalEventError, match="GateShown while the gate is approved"):
        evolve(run.run, e.GateShown(gate=StepId("ask"), generation=1, voter=voter), run.now)
