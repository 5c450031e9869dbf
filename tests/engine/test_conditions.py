"""What decides how a run goes on: conditions, retries, sleeps, early stops, failure cells, room."""

import asyncio

import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core.errors import FormInvalid, NothingToWithdraw, ValidatorUnavailable
from jupyter_flows.core.model import Voter

from .conftest import vote


def names(engine, run):
    return [step for who, step in engine.kernels.executed if who == run.id]


async def test_a_step_whose_condition_is_true_is_skipped_and_sees_the_gate_before_it(world):
    """G22, G83"""
    engine = world.server()
    run = await world.settled(
        engine,
        ("'go?'", ["suspend"]),
        ("'small'", [], {"skip_if": "resume['n'] > 3"}),
        ("'large'", [], {"skip_if": {"expr": "resume['n'] <= 3"}}),
    )
    await engine.vote(run.id, vote(run, payload={"n": 5}))
    ended = await engine.settled(run.id)
    assert [step.status for step in ended.steps.values()] == ["succeeded", "skipped", "succeeded"]
    assert ended.result == "large"
    assert names(engine, ended) == ["c0", "c2"]


async def test_a_condition_that_raises_fails_the_step_and_is_named_in_the_message(world):
    """G83"""
    engine = world.server()
    run = await world.settled(engine, "x = 1", ("'never'", [], {"skip_if": "x / 0"}))
    assert run.status == "failed"
    assert run.error.name == "ExpressionError"
    assert run.error.message == (
        "`skip_if`: the expression 'x / 0' failed: ZeroDivisionError: division by zero"
    )
    assert run.steps["c1"].status == "failed"


async def test_a_heading_skips_its_whole_section_and_is_asked_once(world):
    """G83"""
    engine = world.server()
    notebook = world.make_notebook("x = 1", "'a'", "'b'", "'c'")
    for place, text, flow in ((1, "## Big", {"skip_if": "x == 1"}), (4, "## End", {})):
        cell = {"cell_type": "markdown", "id": f"h{place}", "source": text}
        notebook["cells"].insert(place, {**cell, "metadata": {"flow": flow} if flow else {}})
    world.make_notebook = lambda *_: notebook
    run = await world.settled(engine)
    statuses = [step.status for step in run.steps.values()]
    assert statuses == ["succeeded", "skipped", "skipped", "succeeded"]
    assert [expr for _, expr in engine.kernels.asked] == ["x == 1"]


async def test_a_failed_step_is_tried_again_after_its_pause_and_the_run_costs_nothing_meanwhile(
    world,
):
    """G82"""
    engine = world.server()
    source = "tries = globals().get('tries', 0) + 1\nassert tries > 2, tries\ntries"
    retry = {"constant": {"attempts": 2, "seconds": 60}}
    run = await world.settled(engine, (source, [], {"retry": retry}), "'after'")
    assert (run.status, run.due_at) == ("sleeping", 1060.0)
    assert run.steps["c0"].error.message == "1"
    assert engine._dispatcher.driving() == []
    world.clock.now = 1059.9
    await engine._due.tick()
    assert (await engine.run(run.id)).status == "sleeping"
    for now in (1060.0, 1120.0):
        world.clock.now = now
        await engine._due.tick()
        run = await engine.settled(run.id)
    assert (run.status, run.result, run.steps["c0"].attempts) == ("succeeded", "after", 3)
    assert names(engine, run) == ["c0", "c0", "c0", "c1"]


async def test_only_what_its_condition_says_is_tried_again(world):
    """G82"""
    engine = world.server()
    retry = {"constant": {"attempts": 9}, "retry_if": {"expr": "error['name'] == 'OSError'"}}
    run = await world.settled(engine, ("raise ValueError('no')", [], {"retry": retry}))
    assert (run.status, run.steps["c0"].attempts) == ("failed", 1)
    retry = {"constant": {"attempts": 2}, "retry_if": "error['message'] == 'no'"}
    run = await world.settled(engine, ("raise ValueError('no')", [], {"retry": retry}))
    assert (run.status, run.steps["c0"].attempts) == ("failed", 3)


async def test_an_early_stop_ends_the_run_before_the_gate(world):
    """G80"""
    engine = world.server()
    stop = {"expr": "result['rows'] == 0", "skip_if_stopped": True}
    run = await world.settled(
        engine, ("{'rows': 0}", ["suspend"], {"stop_after_if": stop}), "'never'"
    )
    assert (run.status, run.stopped, run.result) == ("succeeded", "c0", {"rows": 0})
    assert run.steps["c1"].status == "skipped"
    assert run.gate("c0").status == "superseded"
    stop["error_message"] = "nothing to publish"
    run = await world.settled(engine, ("{'rows': 0}", ["suspend"], {"stop_after_if": stop}))
    assert (run.error.name, run.error.message) == ("EarlyStopError", "nothing to publish")


async def test_a_sleep_survives_its_server_and_ends_in_time_on_the_next_one(world):
    """G81"""
    first = world.server()
    run = await world.settled(first, ("'a'", ["replay"], {"sleep": "10m"}), "'b'")
    assert (run.status, run.wake_at) == ("sleeping", 1600.0)
    world.kill(first)
    second = world.server("srv_2")
    world.clock.now = 1600.0
    await second._due.tick()
    await second.settled(run.id)
    await second._recovery.reconcile()
    ended = await second.settled(run.id)
    assert (ended.status, ended.result) == ("succeeded", "b")


async def test_a_cell_that_may_fail_lets_the_run_go_on_and_its_gate_opens(world):
    """G3, G83"""
    engine = world.server()
    options = {"continue_on_error": True}
    run = await world.settled(engine, ("1 / 0", ["suspend"], options), "resume")
    assert (run.status, run.open_gate.step) == ("suspended", "c0")
    assert run.steps["c0"].result == {
        "error": {"name": "ZeroDivisionError", "message": "division by zero"}
    }
    await engine.vote(run.id, vote(run, payload={"n": 1}))
    ended = await engine.settled(run.id)
    assert (ended.status, ended.result) == ("succeeded", {"n": 1})


async def test_failure_cells_run_when_the_run_fails_and_only_then(world):
    """G83"""
    engine = world.server()
    last = ("seen = error", ["failure"])
    run = await world.settled(engine, last, ("raise ValueError('no')", []), "'never'")
    assert (run.status, run.error.name) == ("failed", "ValueError")
    assert [step.status for step in run.steps.values()] == ["succeeded", "failed", "pending"]
    assert names(engine, run) == ["c1", "c0"]
    run = await world.settled(engine, last, "'fine'")
    assert (run.status, run.result, run.steps["c0"].status) == ("succeeded", "fine", "skipped")


async def test_a_rejected_run_has_its_failure_cells_run_and_they_see_why(world):
    """G13, G83"""
    engine = world.server()
    run = await world.settled(engine, ("'go?'", ["suspend"]), ("error", ["failure"]))
    await engine.vote(run.id, vote(run, approved=False, reason="too many"))
    ended = await engine.settled(run.id)
    assert (ended.status, ended.error.name) == ("failed", "SuspendedDisapproved")
    assert ended.steps["c1"].result == {
        "name": "SuspendedDisapproved",
        "message": "Disapproved by bob",
        "reason": "too many",
        "step": "c0",
    }


async def test_a_run_that_takes_too_long_is_cut_off_in_its_cell_and_fails(world):
    engine = world.server()
    notebook = world.make_notebook("# hold", "'never'", ("'cleaned'", ["failure"]))
    notebook["metadata"]["flow"] = {"timeout": "1h"}
    world.make_notebook = lambda *_: notebook
    run_id = await world.started(engine)
    await engine.kernels.begun(run_id)
    world.clock.now += 3600
    await engine._due.tick()
    run = await engine.settled(run_id)
    assert (run.status, run.error.name) == ("failed", "RunTimedOut")
    assert [s.status for s in run.steps.values()] == ["cancelled", "pending", "succeeded"]


async def test_a_cell_that_heeds_no_interrupt_does_not_hold_up_a_run_that_is_too_late(
    world, monkeypatch
):
    monkeypatch.setattr("jupyter_flows.engine.cutting_off.GRACE_SECONDS", 0.01)
    engine = world.server()
    engine.kernels.heeds = False
    notebook = world.make_notebook("# hold")
    notebook["metadata"]["flow"] = {"timeout": 60}
    world.make_notebook = lambda *_: notebook
    run_id = await world.started(engine)
    await engine.kernels.begun(run_id)
    world.clock.now += 60
    await engine._due.tick()
    assert (await engine.settled(run_id)).error.name == "RunTimedOut"
    assert run_id in engine.kernels.closed


async def test_only_so_many_runs_of_a_flow_are_at_work_and_the_oldest_begins_next(world):
    engine = world.server()
    notebook = world.make_notebook(("'go?'", ["suspend"]))
    notebook["metadata"]["flow"] = {"name": "publish", "concurrency": 1}
    world.make_notebook = lambda *_: notebook
    runs = [await world.settled(engine) for _ in range(3)]
    assert [run.status for run in runs] == ["suspended", "queued", "queued"]
    begun = asyncio.Event()
    engine.listen(lambda run, _: begun.set() if run.id == runs[1].id else None)
    await engine.vote(runs[0].id, vote(runs[0]))
    await asyncio.wait_for(begun.wait(), 5)
    await engine.settled(runs[1].id)
    statuses = [(await engine.run(run.id)).status for run in runs]
    assert statuses == ["succeeded", "suspended", "queued"]


async def test_two_servers_do_not_give_one_place_to_two_runs(world):
    first, second = world.server(), world.server("srv_2")
    notebook = world.make_notebook(("'go?'", ["suspend"]))
    notebook["metadata"]["flow"] = {"concurrency": 1}
    world.make_notebook = lambda *_: notebook
    ids = [await world.started(engine) for engine in (first, second)]
    states = [await engine.settled(run) for engine, run in zip((first, second), ids, strict=True)]
    assert sorted(state.status for state in states) == ["queued", "suspended"]


# ---------------------------------------------------------------- votes


async def test_an_approval_can_be_withdrawn_and_given_again(world):
    """G18"""
    engine = world.server()
    run = await world.settled(engine, ("'go?'", ["suspend"], {"suspend": {"required_events": 2}}))
    bob = Voter("bob", verified=True, route="rest")
    with pytest.raises(NothingToWithdraw):
        await engine.votes.withdraw(run.id, "c0", 1, bob)
    await engine.vote(run.id, vote(run))
    state = await engine.votes.withdraw(run.id, "c0", 1, bob)
    assert state.open_gate.votes == ()
    for who in ("bob", "eve"):
        await engine.vote(run.id, vote(run, who))
    assert (await engine.settled(run.id)).status == "succeeded"


CHECK = "from jupyter_flows.client.flows import mistakes\ndef check(answer):\n    "


async def test_the_authors_check_is_made_before_the_vote_counts(world):
    """G62"""
    engine = world.server()
    source = f"{CHECK}return {{'n': 'too large'}} if answer['n'] > 3 else None\n1"
    run = await world.settled(engine, (source, [], {"suspend": {"validate": "check"}}))
    with pytest.raises(FormInvalid) as refusal:
        await engine.vote(run.id, vote(run, payload={"n": 4}))
    assert [(m.where, m.message) for m in refusal.value.mistakes] == [("n", "too large")]
    assert (await engine.run(run.id)).open_gate.votes == ()
    await engine.vote(run.id, vote(run, payload={"n": 3}))
    assert (await engine.settled(run.id)).status == "succeeded"


async def test_a_check_that_can_not_be_made_refuses_the_vote_and_changes_nothing(world):
    """G62"""
    engine = world.server()
    run = await world.settled(engine, ("1", [], {"suspend": {"validate": "nowhere"}}))
    with pytest.raises(ValidatorUnavailable, match="'nowhere' failed: NameError"):
        await engine.vote(run.id, vote(run))
    engine.kernels._spaces.clear()
    with pytest.raises(ValidatorUnavailable, match="needs the run's kernel"):
        await engine.vote(run.id, vote(run))
    assert (await engine.run(run.id)).open_gate.votes == ()
    await engine.vote(run.id, vote(run, approved=False))
    assert (await engine.settled(run.id)).error.name == "SuspendedDisapproved"


async def test_a_gate_that_opens_during_the_check_of_another_makes_its_own(world):
    """G36, G62: a flow-level vote is checked by the gate that counts it."""
    engine = world.server()
    first = f"{CHECK}return None\n1"
    then = f"{CHECK}return 'not here' if answer.get('n') == 1 else None\n2"
    options = [], {"suspend": {"validate": "check"}}
    run = await world.settled(engine, (first, *options), (then, *options))
    _, link = await engine.links.mint(run.id, None, "bob")
    ahead, moved = engine.votes.evaluate, []

    async def slow(run_id, expression):
        found = await ahead(run_id, expression)
        if not moved:
            moved.append(run_id)
            await engine.vote(run.id, vote(run))
            await engine.settled(run.id)
        return found

    object.__setattr__(engine.votes, "evaluate", slow)
    early = c.CastVote(
        gate=None,
        generation=0,
        voter=Voter("bob", verified=False, route="link", link=link.id),
        approved=True,
        payload={"n": 1},
    )
    with pytest.raises(FormInvalid, match="not here"):
        await engine.vote(run.id, early)
    assert (await engine.run(run.id)).open_gate.votes == ()
