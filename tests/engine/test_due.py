"""Deadlines: the clock closes gates, and nobody else's vote comes after it."""

import asyncio

import pytest

from jupyter_flows.core.errors import GateClosed

from .conftest import vote


def gate(**options):
    return ("'go?'", ["suspend"], {"suspend": {"timeout": 60, **options}})


async def test_a_gate_whose_deadline_has_come_closes_as_timed_out_and_the_run_fails(world):
    """G12, G13"""
    engine = world.server()
    run = await world.settled(engine, gate(), "never")
    world.clock.now = run.open_gate.deadline - 0.001
    await engine._due.tick()
    assert (await engine.settled(run.id)).status == "suspended"
    world.clock.now = run.open_gate.deadline
    await engine._due.tick()
    ended = await engine.settled(run.id)
    assert ended.status == "failed"
    assert ended.error.name == "SuspendedTimedOut"
    assert ended.gate("c0").status == "timed_out"
    assert ended.steps["c1"].status == "pending"


async def test_the_deadline_is_fixed_when_the_gate_opens_whatever_votes_come(world):
    """G12"""
    engine = world.server()
    run = await world.settled(engine, gate(required_events=2))
    world.clock.now += 59
    voted, _ = await engine.vote(run.id, vote(run, "bob"))
    assert voted.open_gate.deadline == run.open_gate.deadline == 1060.0
    world.clock.now += 1
    with pytest.raises(GateClosed):
        await engine.vote(run.id, vote(run, "eve"))
    await engine._due.tick()
    assert (await engine.settled(run.id)).error.name == "SuspendedTimedOut"


async def test_a_vote_after_the_deadline_is_refused_before_the_clock_has_ticked(world):
    """G12"""
    engine = world.server()
    run = await world.settled(engine, gate())
    world.clock.now = run.open_gate.deadline
    with pytest.raises(GateClosed):
        await engine.vote(run.id, vote(run))


async def test_an_author_may_let_a_timeout_count_as_an_approval(world):
    """G13"""
    engine = world.server()
    options = gate(on_timeout={"resume": {"n": 1}})
    run = await world.settled(engine, options, "resume, approvers")
    world.clock.now += 61
    await engine._due.tick()
    ended = await engine.settled(run.id)
    assert ended.result == [{"n": 1}, ["timeout"]]


async def test_an_author_may_let_the_run_go_on_after_a_timeout(world):
    """G14"""
    engine = world.server()
    options = gate(continue_on_disapprove_timeout=True)
    run = await world.settled(engine, options, "resume['error']['name']")
    world.clock.now += 61
    await engine._due.tick()
    assert (await engine.settled(run.id)).result == "SuspendedTimedOut"


async def test_a_gate_without_a_timeout_gets_the_servers_default(world):
    """G12"""
    run = await world.settled(world.server(), ("1", ["suspend"]))
    assert run.open_gate.deadline == 1000.0 + 3600.0


async def ended(engine, run):
    async for _ in engine.follow(run):
        state = await engine.run(run)
        if state.finished:
            return state
    return None


async def test_a_started_server_wakes_for_a_gate_that_opened_later(world):
    """G12: the task sleeps to the next due time, and a new gate may come before it."""
    engine = world.server()
    await engine.start()
    run = await world.started(engine, "# hold\n1", gate())
    await engine.kernels.begun(run)
    world.clock.now = 2000.0
    engine.kernels.go(run)
    opened = await engine.settled(run)
    world.clock.now = opened.open_gate.deadline
    engine._due.waiting.look()  # time is the test's; what is shown is that the task is awake
    state = await asyncio.wait_for(ended(engine, run), 30)
    assert state.error.name == "SuspendedTimedOut"


async def test_a_deadline_that_passed_while_no_server_lived_is_seen_to_at_start(world):
    """G13"""
    engine = world.server()
    run = await world.settled(engine, gate())
    world.kill(engine)
    world.clock.now += 3600
    after = world.server("srv_2")
    await after.start()
    state = await asyncio.wait_for(ended(after, run.id), 30)
    assert state.error.name == "SuspendedTimedOut"


async def test_several_servers_close_a_gate_in_time_once(world):
    servers = [world.server(f"srv_{n}") for n in range(3)]
    run = await world.settled(servers[0], gate())
    world.clock.now += 60
    await asyncio.gather(*(engine._due.tick() for engine in servers))
    for engine in servers:
        await engine.settled(run.id)
    kinds = [type(row.event).__name__ for row in await world.store.events(run.id)]
    assert kinds.count("GateTimedOut") == 1


async def test_a_store_that_is_away_does_not_end_the_watch_over_deadlines(world):
    engine = world.server()
    run = await world.settled(engine, gate())
    world.clock.now += 60
    world.store.away = lambda call: call == "append"
    await engine.start()
    await world.store.tried.wait()
    world.store.away = lambda _: False
    state = await asyncio.wait_for(ended(engine, run.id), 30)
    assert state.error.name == "SuspendedTimedOut"


async def test_a_server_that_drives_nothing_sees_to_deadlines(world):
    """While the server of the run is stopped, as that of a hub's user."""
    engine = world.server()
    run = await world.settled(engine, gate())
    world.kill(engine)
    pages = world.server("srv_2", drives=False, adopts=False)
    world.clock.now += 61
    await pages.see_to_due()
    assert (await pages.run(run.id)).gate("c0").status == "timed_out"
    assert (await world.store.row(run.id)).server == "srv_1"
