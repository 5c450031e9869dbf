"""Driving: each step once, from any state, through whatever the world does meanwhile."""

import asyncio

import pytest

from jupyter_flows.core.errors import BadInput, Unavailable
from jupyter_flows.engine import cutting_off
from jupyter_flows.engine import drive as driving

from .conftest import vote

GATED = ("x = 20", ("print('look'); 'go?'", ["suspend"]), "x + resume['n'], approvers")


async def test_a_run_goes_from_wait_to_wait_to_its_end(world):
    engine = world.server()
    run = await world.settled(engine, *GATED)
    assert run.status == "suspended"
    assert engine._dispatcher.driving() == [], "a run that waits has no task"
    await engine.vote(run.id, vote(run, payload={"n": 22}))
    ended = await engine.settled(run.id)
    assert ended.status == "succeeded"
    assert ended.result == [42, ["bob"]]
    assert run.id in engine.kernels.closed


async def test_of_twenty_calls_at_once_each_step_runs_once(world):
    engine = world.server()
    run = await world.started(engine, "x = 1", "x += 1", "x += 1", "x")
    await asyncio.gather(*(engine._dispatcher.enqueue(run) for _ in range(20)))
    await asyncio.gather(*(engine.poked(run) for _ in range(20)))
    ended = await engine.settled(run)
    assert ended.result == 3
    assert [step for _, step in engine.kernels.executed] == ["c0", "c1", "c2", "c3"]


async def test_of_several_servers_one_drives_a_run(world):
    servers = [world.server(f"srv_{n}") for n in range(4)]
    run = await world.started(servers[0], "x = 1", "x += 1", "x")
    await asyncio.gather(*(e._dispatcher.enqueue(run) for e in servers for _ in range(5)))
    for engine in servers:
        await engine.settled(run)
    assert (await servers[0].settled(run)).result == 2
    assert [len(e.kernels.executed) for e in servers] == [3, 0, 0, 0]


async def test_a_run_without_a_living_server_is_taken_by_one_of_those_who_try(world):
    first = world.server("srv_0")
    run = await world.settled(first, *GATED)
    world.kill(first)
    servers = [world.server(f"srv_{n}") for n in range(1, 4)]
    await servers[0].vote(run.id, vote(run, payload={"n": 1}))
    await asyncio.gather(*(e._dispatcher.enqueue(run.id) for e in servers))
    for engine in servers:
        await engine.settled(run.id)
    row = await world.store.row(run.id)
    assert row.status == "interrupted"
    assert row.epoch == 2


async def test_a_driver_that_is_fenced_stops_and_lets_its_kernel_go(world):
    engine = world.server()
    run = await world.started(engine, "# hold\nx = 1", "x")
    await engine.kernels.begun(run)
    await world.store.claim(run, "srv_2", 1)
    world.peers.living.add("srv_2")
    engine.kernels.go(run)
    await engine.settled(run)
    assert run in engine.kernels.closed
    assert [step for _, step in engine.kernels.executed] == ["c0"]
    assert (await world.store.load(run)).running_step.id == "c0"


async def test_a_cell_that_fails_ends_the_run_with_its_error(world):
    engine = world.server()
    run = await world.settled(engine, "1 / 0", "never")
    assert run.status == "failed"
    assert run.error.name == "ZeroDivisionError"
    assert [step.status for step in run.steps.values()] == ["failed", "pending"]


async def test_where_no_kernel_can_be_had_the_run_fails_and_says_why(world):
    engine = world.server()
    engine.kernels.unavailable = "There is no kernel named 'x'."
    run = await world.settled(engine, "1")
    assert run.status == "failed"
    assert (run.error.name, run.error.message) == (
        "KernelUnavailable",
        "There is no kernel named 'x'.",
    )


async def test_a_kernel_is_told_its_run_and_a_token_of_its_own(world):
    """G46"""
    engine = world.server()
    run = await world.settled(engine, *GATED)
    (request,) = engine.kernels.requests
    assert request.env["FLOWS_RUN_ID"] == run.id
    assert (await engine.links.run_of(request.env["FLOWS_TOKEN"])).id == run.id


# ---------------------------------------------------------------- cancelling


async def test_cancelling_interrupts_the_running_cell(world):
    """G17"""
    engine = world.server()
    run = await world.started(engine, "# hold\n1", "2")
    await engine.kernels.begun(run)
    assert (await engine.cancel(run, "owner", "enough")).status == "cancelled"
    ended = await engine.settled(run)
    assert ended.status == "cancelled"
    assert ended.error.reason == "enough"
    assert [step.status for step in ended.steps.values()] == ["cancelled", "pending"]
    assert engine.kernels.closed == [run]


async def test_a_cell_that_does_not_heed_the_interrupt_loses_its_kernel(world, monkeypatch):
    monkeypatch.setattr(cutting_off, "GRACE_SECONDS", 0.01)
    engine = world.server()
    engine.kernels.heeds = False
    run = await world.started(engine, "# hold\n1")
    await engine.kernels.begun(run)
    await engine.cancel(run, "owner")
    assert (await engine.settled(run)).status == "cancelled"
    assert run in engine.kernels.closed


async def test_cancelling_a_parked_run_lets_its_kernel_go(world):
    """G17"""
    engine = world.server()
    run = await world.settled(engine, *GATED)
    await engine.cancel(run.id, "owner")
    assert (await engine.settled(run.id)).gate("c1").status == "superseded"
    assert engine.kernels.closed == [run.id]


async def test_cancelling_on_another_server_interrupts_the_cell_where_it_runs(world):
    engine, other = world.server("srv_1"), world.server("srv_2")
    run = await world.started(engine, "# hold\n1", "2")
    await engine.kernels.begun(run)
    await other.cancel(run, "owner")
    await other.settled(run)
    assert (await engine.settled(run)).status == "cancelled"
    assert world.peers.pokes == [("srv_1", run)]


async def test_a_process_that_drives_nothing_asks_the_one_that_does(world):
    engine, command = world.server("srv_1"), world.server("srv_2", drives=False)
    run = await world.settled(engine, *GATED)
    await command.vote(run.id, vote(run, payload={"n": 2}))
    ended = await engine.settled(run.id)
    assert ended.status == "succeeded"
    assert command.kernels.executed == []


# ---------------------------------------------------------------- a store that is away


@pytest.mark.parametrize("call", ["append", "put", "save_partial"])
async def test_a_finished_cell_waits_for_a_store_that_is_away_and_never_runs_again(
    world, monkeypatch, call
):
    monkeypatch.setattr(driving, "PARTIAL_SECONDS", 0.01)
    engine = world.server()
    run = await world.started(engine, "# hold\nprint('made'); 1", "2")
    await engine.kernels.begun(run)
    world.store.away = lambda asked: asked == call
    if call == "save_partial":
        await world.store.tried.wait()
    engine.kernels.go(run)
    await world.store.tried.wait()
    world.store.away = lambda _: False
    ended = await engine.settled(run)
    assert ended.status == "succeeded"
    assert [step for _, step in engine.kernels.executed] == ["c0", "c1"]


async def test_a_finished_cell_outlasts_more_conflicts_than_a_teller_tries(world):
    engine = world.server()
    run = await world.started(engine, "# hold\n1", "2")
    await engine.kernels.begun(run)
    world.store.late = 7
    engine.kernels.go(run)
    assert (await engine.settled(run)).status == "succeeded"
    assert [step for _, step in engine.kernels.executed] == ["c0", "c1"]


async def test_a_defect_of_the_driver_interrupts_the_run_and_does_not_hang_it(world, monkeypatch):
    engine = world.server()

    async def broken(*_):
        raise RuntimeError("a defect of ours")

    monkeypatch.setattr(engine.kernels, "execute", broken)
    run = await world.settled(engine, "1")
    assert run.status == "interrupted"
    assert "a defect of ours" in run.error.message
    monkeypatch.undo()
    await engine.resume(run.id, "owner")
    assert (await engine.settled(run.id)).status == "succeeded"


# ---------------------------------------------------------------- the document


async def test_the_output_file_is_written_at_a_suspension_and_at_the_end(world):
    engine = world.server()
    run = await world.settled(engine, *GATED, output="/out.ipynb")
    suspended = world.documents.written["/out.ipynb"]
    assert suspended["status"] == "suspended"
    assert "look" in str(suspended["cells"][1]["outputs"])
    await engine.vote(run.id, vote(run, payload={"n": 1}))
    await engine.settled(run.id)
    assert world.documents.written["/out.ipynb"]["status"] == "succeeded"


async def test_a_run_without_an_output_file_writes_none(world):
    await world.settled(world.server(), *GATED)
    assert world.documents.written == {}


@pytest.mark.parametrize("error", [OSError("full"), Unavailable("full"), BadInput("no folder")])
async def test_an_output_file_that_cannot_be_written_does_not_stop_the_run(world, error):
    world.documents.refuses = error
    run = await world.settled(world.server(), "1", "2", output="/out.ipynb")
    assert run.status == "succeeded"


async def test_a_cell_that_begins_while_the_runs_state_is_read_is_left_alone(world, monkeypatch):
    """What was read before it began says that no such step runs; that is no reason to end it."""
    engine = world.server()
    run = await world.settled(engine, ("1", ["suspend"]), "# hold\n2")
    read, began = engine._teller.state, []

    async def slowly(run_id):
        state = await read(run_id)
        monkeypatch.setattr(engine._teller, "state", read)
        await engine.vote(run_id, vote(run))
        await engine.kernels.begun(run_id)
        began.append(run_id)
        return state

    monkeypatch.setattr(engine._teller, "state", slowly)
    await engine._cut_off.cell_if_over(run.id)
    if not began:
        await slowly(run.id)
    assert run.id in engine.kernels._held, "it was interrupted"
    engine.kernels.go(run.id)
    assert (await engine.settled(run.id)).status == "succeeded"


# ---------------------------------------------------------------- who is asked before


async def test_who_is_asked_before_a_run_goes_on_sees_each_closed_gate_before_the_next_cell(world):
    engine = world.server()
    seen = []

    async def look(run):
        gates = [gate.status.value for gate in run.gates.values()]
        seen.append((gates, [step for _, step in engine.kernels.executed], run.status.value))

    engine.before_going_on(look)
    run = await world.settled(engine, *GATED)
    await engine.vote(run.id, vote(run, payload={"n": 22}))
    await engine.settled(run.id)
    assert (["approved"], ["c0", "c1"], "running") in seen


async def test_who_is_asked_before_a_run_ends_is_asked_before_its_kernel_goes(world):
    engine = world.server()
    seen = []

    async def look(run):
        seen.append((run.status.value, run.id in engine.kernels.closed))

    engine.before_going_on(look)
    run = await world.settled(engine, *GATED)
    await engine.vote(run.id, vote(run, approved=False))
    await engine.settled(run.id)
    assert ("failed", False) in seen
    assert run.id in engine.kernels.closed


@pytest.mark.parametrize("fault", ["fails", "hangs"])
async def test_what_goes_wrong_there_does_not_stop_the_run(world, monkeypatch, fault):
    monkeypatch.setattr(driving, "LOOK_SECONDS", 0.01)
    engine = world.server()

    async def look(_):
        if fault == "fails":
            raise RuntimeError("a defect")
        await asyncio.get_running_loop().create_future()

    engine.before_going_on(look)
    run = await world.settled(engine, *GATED)
    await engine.vote(run.id, vote(run, payload={"n": 22}))
    assert (await engine.settled(run.id)).status == "succeeded"


async def test_a_vote_elsewhere_that_leaves_the_gate_open_is_seen_by_who_has_the_run(world):
    first, other = world.server("srv_1"), world.server("srv_2", drives=False)
    seen = []

    async def look(run):
        seen.append([vote.voter.name for gate in run.gates.values() for vote in gate.votes])

    first.before_going_on(look)
    flow = {"suspend": {"required_events": 2}}
    run = await world.settled(first, ("'go?'", [], flow), "1")
    await other.vote(run.id, vote(run))
    await first.settled(run.id)
    assert seen[-1] == ["bob"]
