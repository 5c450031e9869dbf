"""Telling a run: conflicts are tried again, races close a gate once."""

import asyncio
import random

import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core.errors import (
    Conflict,
    Fenced,
    FlowsError,
    Refused,
    StoreUnavailable,
    TooLarge,
)
from jupyter_flows.engine.tell import TRIES

from .conftest import vote

GATED_BY_TWO = ("x = 1", ("'go?'", [], {"suspend": {"required_events": 2}}), "'done'")
GATED = ("x = 1", ("'go?'", ["suspend"]), "print('once'); resume")


async def test_a_conflict_is_tried_again_up_to_five_times(world):
    engine = world.server()
    run = await world.settled(engine, *GATED)
    world.store.late = TRIES - 1
    voted, new = await engine.vote(run.id, vote(run))
    assert new
    assert voted.open_gate is None


async def test_after_five_conflicts_the_asker_is_told_to_try_again(world):
    engine = world.server()
    run = await world.settled(engine, *GATED)
    world.store.late = TRIES
    with pytest.raises(Conflict, match="try again"):
        await engine.vote(run.id, vote(run))
    assert world.store.late == 0
    assert (await engine.run(run.id)).open_gate.votes == ()
    assert (await engine.vote(run.id, vote(run)))[1]


async def test_what_is_decided_by_an_old_state_is_decided_anew(world):
    """Another server has written since this one saw the run."""
    engine = world.server()
    run = await world.settled(engine, *GATED_BY_TWO)
    world.store.old[run.id] = run
    await world.server("srv_2").vote(run.id, vote(run, "alice"))
    voted, new = await engine.vote(run.id, vote(run, "bob"))
    assert new
    assert [each.voter.name for each in voted.gate("c1").votes] == ["alice", "bob"]
    assert voted.open_gate is None


async def test_a_refusal_and_a_vote_that_counts_already_are_not_of_an_old_state(world):
    """G19, G20"""
    engine, other = world.server(), world.server("srv_2")
    before = await world.settled(engine, *GATED)
    await other.vote(before.id, vote(before, "alice"))
    world.store.old[before.id] = before
    with pytest.raises(Refused):
        await engine.vote(before.id, vote(before, "bob", approved=False))
    voted, new = await engine.vote(before.id, vote(before, "alice"))
    assert not new
    assert [each.voter.name for each in voted.gate("c1").votes] == ["alice"]


async def test_a_driver_that_knows_an_old_state_begins_no_step_by_it(world):
    """The run was cancelled by another server."""
    engine, other = world.server(), world.server("srv_2")
    before = await world.settled(engine, *GATED)
    approved, _ = await other.vote(before.id, vote(before))
    await other.cancel(before.id, "owner")
    world.store.old[before.id] = approved
    await engine.poked(before.id)
    assert (await engine.settled(before.id)).status == "cancelled"
    assert "c2" not in [step for _, step in engine.kernels.executed]


async def test_what_a_store_that_is_away_was_told_did_not_happen(world):
    engine = world.server()
    run = await world.settled(engine, *GATED)
    world.store.away = lambda call: call == "append"
    with pytest.raises(StoreUnavailable):
        await engine.vote(run.id, vote(run))
    world.store.away = lambda _: False
    assert await engine.run(run.id) == run


async def test_of_two_racing_votes_one_closes_the_gate_and_the_other_is_told_so(world):
    """G19"""
    servers = [world.server("srv_1"), world.server("srv_2")]
    run = await world.settled(servers[0], *GATED)
    done = await asyncio.gather(
        *(e.vote(run.id, vote(run, name)) for e, name in zip(servers, "ab", strict=True)),
        return_exceptions=True,
    )
    assert sorted(isinstance(each, Refused) for each in done) == [False, True]
    ended = await servers[0].settled(run.id)
    assert ended.status == "succeeded"
    assert len(ended.gate("c1").votes) == 1
    assert [step for _, step in servers[0].kernels.executed] == ["c0", "c1", "c2"]
    assert servers[1].kernels.executed == []


@pytest.mark.parametrize("seed", range(25))
async def test_twenty_votes_at_once_close_a_gate_once_and_the_next_step_runs_once(world, seed):
    """G10, G11, G19"""
    chance = random.Random(seed)
    servers = [world.server(f"srv_{n}") for n in range(3)]
    needed = chance.randint(1, 4)
    gate = ("'go?'", ["suspend"], {"suspend": {"required_events": needed}})
    run = await world.settled(servers[0], "x = 1", gate, "print('once'); resume")
    world.store.late = chance.randint(0, 4)
    votes = [
        vote(run, f"voter {chance.randrange(12)}", approved=chance.random() > 0.1, payload={"n": n})
        for n in range(20)
    ]

    async def cast(each):
        for _ in range(chance.randint(0, 5)):
            await asyncio.sleep(0)
        return await chance.choice(servers).vote(run.id, each)

    done = await asyncio.gather(*map(cast, votes), return_exceptions=True)
    assert all(isinstance(each, FlowsError | tuple) for each in done), done
    for engine in servers:
        await engine.settled(run.id)
    ended = await servers[0].settled(run.id)
    closed = ended.gate("c1")
    kinds = [type(row.event).__name__ for row in await world.store.events(run.id)]
    assert sum(kind in ("GateApproved", "GateRejected") for kind in kinds) == 1
    assert len({v.voter.key for v in closed.approvals}) == len(closed.approvals)
    if closed.status == "approved":
        assert ended.status == "succeeded"
        assert len(closed.votes) == needed
        assert kinds.count("StepStarted") == 3
    else:
        assert ended.status == "failed"
        assert kinds.count("StepStarted") == 2
    assert len([None for e in servers for _ in e.kernels.executed]) == kinds.count("StepStarted")


async def test_a_driver_of_an_epoch_that_has_passed_can_tell_nothing(world):
    engine = world.server()
    run = await world.settled(engine, *GATED)
    with pytest.raises(Fenced):
        await engine._teller.tell(run.id, c.Cancel(by="owner"), epoch=7)
    assert await engine.run(run.id) == run


async def test_a_vote_larger_than_the_limit_is_refused(world):
    """G63"""
    engine = world.server()
    run = await world.settled(engine, *GATED)
    with pytest.raises(TooLarge):
        await engine.vote(run.id, vote(run, payload="x" * (1 << 20)))
    with pytest.raises(TooLarge):
        await engine.vote(run.id, vote(run, approved=False, reason="x" * (1 << 20)))
    assert await engine.run(run.id) == run


async def test_listeners_hear_of_events_after_they_are_stored_and_in_order(world):
    engine = world.server()
    heard = []
    end = engine.listen(lambda run, rows: heard.extend((run.id, row.seq) for row in rows))
    run = await world.settled(engine, *GATED)
    assert heard == [(run.id, seq) for seq in range(1, run.seq + 1)]
    end()
    await engine.vote(run.id, vote(run))
    assert len(heard) == run.seq


async def test_who_follows_a_run_gets_every_event_once_also_of_another_server(world):
    one, other = world.server("srv_1"), world.server("srv_2")
    run = await world.settled(one, *GATED)
    seen = []

    async def follow():
        async for rows in one.follow(run.id, 2):
            seen.extend(row.seq for row in rows)
            if (await world.store.row(run.id)).status == "succeeded" and not rows:
                return

    following = asyncio.create_task(follow())
    await other.vote(run.id, vote(run))
    await asyncio.wait_for(following, 30)
    assert seen == list(range(3, len(await world.store.events(run.id)) + 1))


async def test_what_was_told_at_another_server_is_known_where_the_run_is_driven(world):
    """Before any news of it has come there."""
    here, there = world.server("srv_1"), world.server("srv_2")
    run = await world.started(here, "# hold\n1", ("2", ["suspend"]), "3")
    await here.kernels.begun(run)
    _, link = await there.links.mint(run, None, "ann")
    assert link in (await here.run(run)).links.values()
    await there.cancel(run, "owner")
    with pytest.raises(Refused):
        await here.links.mint(run, None, "bob")
