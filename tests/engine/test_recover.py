"""What a server leaves behind that dies or stops, and what the next one makes of it."""

import asyncio

import msgspec
import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core.errors import Fenced, KernelUnavailable, NoGate, RunNotResumable
from jupyter_flows.core.model import Voter
from jupyter_flows.engine import drive as driving

from .conftest import vote

GATED = ("x = 20", ("'go?'", ["suspend"]), "x + resume['n']")


async def died_in_a_cell(world, *sources):
    """A run whose server was killed while a held cell ran that had put out "begun"."""
    engine = world.server()
    run = await world.started(engine, *sources)
    await engine.kernels.begun(run)
    await world.store.save_partial(run, msgspec.json.encode(engine.kernels.partial(run)))
    world.kill(engine)
    return run


async def test_a_run_whose_server_died_in_a_cell_is_interrupted_with_what_it_had_put_out(world):
    run_id = await died_in_a_cell(world, "print('one')", "# hold\n2", "3")
    engine = world.server("srv_2")
    await engine.start()
    run = await engine.run(run_id)
    assert run.status == "interrupted"
    assert [step.status for step in run.steps.values()] == ["succeeded", "pending", "pending"]
    notebook = await engine.notebook(run_id)
    assert "one" in str(notebook["cells"][0]["outputs"])
    assert "begun" in str(notebook["cells"][1]["outputs"])
    assert await world.store.partial(run_id) is None
    assert engine.kernels.executed == []


async def test_a_resumed_run_runs_the_earlier_cells_again_and_goes_on(world):
    run = await died_in_a_cell(world, "x = 1", "# hold\nx += 1", "x + 40")
    engine = world.server("srv_2")
    await engine.start()
    await engine.resume(run, "owner")
    await engine.kernels.begun(run)
    engine.kernels.go(run)
    ended = await engine.settled(run)
    assert (ended.status, ended.result) == ("succeeded", 42)
    assert [step for _, step in engine.kernels.executed] == ["c0+", "c1", "c2"]
    assert ended.steps["c1"].attempts == 2
    assert ended.steps["c0"].attempts == 1


async def test_a_resumed_run_shows_the_cells_before_a_gate_what_they_saw_the_first_time(world):
    """G20"""
    engine = world.server()
    sources = (*GATED[:2], "seen = resume['n']", "# hold\nseen")
    run = await world.settled(engine, *sources)
    await engine.vote(run.id, vote(run, payload={"n": 22}))
    await engine.kernels.begun(run.id)
    world.kill(engine)
    after = world.server("srv_2")
    await after.start()
    await after.resume(run.id, "owner")
    await after.kernels.begun(run.id)
    after.kernels.go(run.id)
    assert (await after.settled(run.id)).result == 22


async def test_a_rebuild_that_fails_interrupts_the_run_and_names_the_step(world):
    run = await died_in_a_cell(
        world,
        "import builtins; builtins.tries = getattr(builtins, 'tries', 0) + 1; 1 / (2 - tries)",
        "# hold\n2",
    )
    engine = world.server("srv_2")
    await engine.start()
    await engine.resume(run, "owner")
    ended = await engine.settled(run)
    assert ended.status == "interrupted"
    assert "'c0'" in ended.error.message
    assert "ZeroDivisionError" in ended.error.message


async def test_a_suspended_run_survives_its_server_and_needs_no_task(world):
    engine = world.server()
    run = await world.settled(engine, *GATED)
    world.kill(engine)
    after = world.server("srv_2")
    await after.start()
    assert await after.run(run.id) == run
    assert after._dispatcher.driving() == []


async def test_a_gate_approved_after_its_kernel_was_lost_interrupts_the_run(world):
    engine = world.server()
    run = await world.settled(engine, *GATED)
    world.kill(engine)
    after = world.server("srv_2")
    await after.start()
    await after.vote(run.id, vote(run, payload={"n": 22}))
    lost = await after.settled(run.id)
    assert lost.status == "interrupted"
    assert lost.gate("c1").status == "approved"
    await after.resume(run.id, "owner")
    assert (await after.settled(run.id)).result == 42


async def test_earlier_steps_that_are_all_tagged_replay_are_rebuilt_unasked(world):
    replayed = [
        (source, ["replay", *tags]) for source, tags in (("x = 20", []), ("1", ["suspend"]))
    ]
    engine = world.server()
    run = await world.settled(engine, *replayed, "x + resume['n']")
    world.kill(engine)
    after = world.server("srv_2")
    await after.start()
    await after.vote(run.id, vote(run, payload={"n": 22}))
    ended = await after.settled(run.id)
    assert (ended.status, ended.result) == ("succeeded", 42)
    assert [step for _, step in after.kernels.executed] == ["c0+", "c1+", "c2"]


async def test_a_cell_that_runs_again_for_a_fresh_kernel_is_given_its_links_of_the_first_time(
    world,
):
    """Its gate is closed by then, and gives out no new ones."""
    engine = world.server()
    run = await world.settled(engine, *GATED, "# hold\n1")
    _, minted = await engine.links.mint(run.id, "c1", "eve")
    await engine.links.mint(run.id, "c1", "bob")
    _, flow_level = await engine.links.mint(run.id, None, "eve")
    await engine.vote(run.id, vote(run, payload={"n": 1}))
    await engine.kernels.begun(run.id)
    with pytest.raises(NoGate):
        await engine.links.mint(run.id, "c1", "eve")
    again = (c.LoseKernel(why="gone"), c.Resume(by="owner"))
    state = await engine._teller.tell(run.id, *again)
    assert await engine.links.mint(run.id, "c1", "eve") == (state, minted)
    assert await engine.links.mint(run.id, None, "eve") == (state, flow_level)
    assert (await engine.run(run.id)).seq == state.seq
    with pytest.raises(NoGate):
        await engine.links.mint(run.id, "c1", "somebody new")


async def test_a_queued_run_of_a_dead_server_is_driven_by_the_next_one(world):
    asking = world.server("srv_1", drives=False)
    world.peers.engines.clear()
    run = await world.started(asking, "41 + 1")
    world.kill(asking)
    engine = world.server("srv_2")
    await engine.start()
    assert (await engine.settled(run)).result == 42


async def test_a_run_of_a_living_server_is_left_to_it(world):
    first, second = world.server("srv_1"), world.server("srv_2")
    run = await world.started(first, "# hold\n1")
    await first.kernels.begun(run)
    await second.start()
    assert (await second.run(run)).status == "running"
    first.kernels.go(run)
    assert (await first.settled(run)).status == "succeeded"


async def test_a_server_that_adopts_nothing_leaves_the_runs_of_the_dead(world):
    run = await died_in_a_cell(world, "# hold\n1")
    engine = world.server("srv_2", adopts=False)
    await engine.start()
    assert (await engine.run(run)).status == "running"
    adopted = await engine.adopt(run)
    assert adopted.status == "interrupted"
    assert (await world.store.row(run)).server == "srv_2"


async def test_only_the_runs_of_the_named_owners_are_taken_over(world):
    run = await died_in_a_cell(world, "# hold\n1")
    other = world.server("srv_2", owners=["alice"])
    await other.start()
    assert (await other.run(run)).status == "running"
    assert not await other.is_served(run)
    theirs = world.server("srv_3", owners=["alice", "owner"])
    await theirs.start()
    assert (await theirs.run(run)).status == "interrupted"
    assert (await world.store.row(run)).server == "srv_3"


async def test_whoever_is_named_drives_what_is_started_here(world):
    engine = world.server(owners=["alice"])
    assert (await world.settled(engine, "41 + 1")).result == 42


async def test_the_run_of_a_living_server_cannot_be_adopted(world):
    first, second = world.server("srv_1"), world.server("srv_2")
    run = await world.settled(first, *GATED)
    with pytest.raises(Fenced):
        await second.adopt(run.id)


async def test_a_run_that_ended_or_waits_cannot_be_resumed(world):
    engine = world.server()
    run = await world.settled(engine, *GATED)
    with pytest.raises(RunNotResumable):
        await engine.resume(run.id, "owner")


async def test_a_failed_run_is_resumed_from_the_step_that_failed(world):
    engine = world.server()
    run = await world.settled(
        engine, "tries = []", "import builtins as b\nb.n = getattr(b, 'n', 0) + 1\n1 / (b.n - 1)"
    )
    assert run.status == "failed"
    await engine.resume(run.id, "owner")
    assert (await engine.settled(run.id)).result == 1


async def test_a_failed_run_goes_on_with_the_cell_that_was_mended(world):
    """The first snapshot is no more: the driver, which may have kept it, reads the new one."""
    engine = world.server()
    run = await world.settled(engine, "x = 40", "1 / 0", "x + 1")
    assert run.status == "failed"
    mended = world.make_notebook("x = 40", "y = 2", "x + y")
    await engine.resume(run.id, "owner", mended)
    assert (await engine.settled(run.id)).result == 42
    notebook = await engine.notebook(run.id)
    assert [cell["source"] for cell in notebook["cells"]] == ["x = 40", "y = 2", "x + y"]


async def test_a_run_whose_own_kernel_is_there_no_more_goes_on_in_a_new_one(world):
    """The kernel of a notebook's session goes with its server."""
    engine = world.server()
    run_id = await world.started(engine, "x = 40", "# hold\nx += 1", "x + 1", kernel_id="theirs")
    await engine.kernels.begun(run_id)
    world.kill(engine)
    after = world.server("srv_2")
    await after.start()
    asked, opening = [], after.kernels.open

    async def open_one(request):
        asked.append(request.kernel_id)
        if request.kernel_id == "theirs":
            raise KernelUnavailable("There is no running kernel 'theirs'.")
        await opening(request)

    after.kernels.open = open_one
    await after.resume(run_id, "owner")
    await after.kernels.begun(run_id)
    after.kernels.go(run_id)
    run = await after.settled(run_id)
    assert (run.status, run.result) == ("succeeded", 42)
    assert asked == ["theirs", None]


async def test_a_run_is_resumed_on_the_kernel_that_is_named(world):
    engine = world.server()
    run = await world.settled(engine, "x = 40", "1 / 0", kernel_id="old")
    asked, opening = [], engine.kernels.open

    async def open_one(request):
        asked.append(request.kernel_id)
        await opening(request)

    engine.kernels.open = open_one
    await engine.resume(run.id, "owner", kernel_id="new")
    assert (await engine.settled(run.id)).kernel_id == "new"
    assert asked == ["new"]


async def test_a_cell_that_has_run_can_not_be_another_one_on_resuming(world):
    engine = world.server()
    run = await world.settled(engine, "x = 40", "1 / 0")
    with pytest.raises(RunNotResumable, match="has run already"):
        await engine.resume(run.id, "owner", world.make_notebook("x = 41", "2"))
    assert (await engine.run(run.id)).status == "failed"


class Held:
    """Holds the first cell that runs again for a fresh kernel, and notes what each one executed."""

    def __init__(self, kernels):
        self.go, self.begun, self.sources = asyncio.Event(), asyncio.Event(), []
        self._execute, kernels.execute = kernels.execute, self.execute

    async def execute(self, run, cell):
        self.sources.append(cell.source)
        if cell.rebuilding and not self.go.is_set():
            self.begun.set()
            await self.go.wait()
        return await self._execute(run, cell)


async def test_a_run_that_is_resumed_anew_while_cells_run_again_executes_what_it_shows(world):
    """The whole run's time is over while a cell runs again; it is resumed with other cells."""
    engine = world.server()
    notebook = world.make_notebook("a = 1", ("1 / 0", ["suspend"]))
    notebook["metadata"]["flow"] = {"timeout": 100}
    run = await world.created(engine, notebook)
    assert (await engine.settled(run.id)).status == "failed"
    held = Held(engine.kernels)
    await engine.resume(run.id, "owner")
    await held.begun.wait()
    world.clock.now += 200
    await engine.see_to_due()
    assert (await engine.run(run.id)).status == "failed"
    edited = world.make_notebook("a = 1", ("'harmless'", ["suspend"]))
    edited["metadata"]["flow"] = {"timeout": 100}
    await engine.resume(run.id, "owner", edited)
    held.go.set()
    run = await engine.settled(run.id)
    assert run.status == "suspended"
    assert held.sources == ["a = 1", "a = 1", "'harmless'"]


async def test_what_was_approved_ahead_was_for_the_cells_as_they_were(world):
    """G36"""
    engine = world.server()
    notebook = world.make_notebook("# hold\n1 / 0", ("'pay 10'", ["suspend"]), "'paid'")
    run = await world.created(engine, notebook)
    await engine.kernels.begun(run.id)
    _, link = await engine.links.mint(run.id, None, "boss")
    ahead = c.CastVote(
        gate=None,
        generation=0,
        voter=Voter("boss", verified=False, route="link", link=link.id),
        approved=True,
    )
    await engine.vote(run.id, ahead)
    engine.kernels.go(run.id)
    run = await engine.settled(run.id)
    assert run.status == "failed"
    assert len(run.pre_votes) == 1
    edited = world.make_notebook("pass", ("'pay 1000'", ["suspend"]), "'paid'")
    await engine.resume(run.id, "owner", edited)
    assert (await engine.settled(run.id)).status == "suspended"
    again, _ = await engine.vote(run.id, ahead)
    assert again.gate("c1").status == "approved"


# ---------------------------------------------------------------- stopping in order


async def test_a_server_that_stops_marks_its_running_cell_interrupted(world):
    engine = world.server()
    run_id = await world.started(engine, "# hold\n1", "2")
    await engine.kernels.begun(run_id)
    await engine.stop()
    run = await world.store.load(run_id)
    assert run.status == "interrupted"
    assert "stopped" in run.error.message
    outputs = await world.server("srv_2").outputs(run)
    assert "begun" in str(outputs["c0"])


async def test_a_server_that_stops_leaves_suspended_runs_as_they_are(world):
    engine = world.server()
    run = await world.settled(engine, *GATED)
    await engine.stop()
    assert await world.store.load(run.id) == run
    assert engine.kernels.closed == [run.id]


async def test_a_server_that_has_stopped_drives_nothing_any_more(world):
    engine = world.server()
    await engine.stop()
    run = await world.started(engine, "1")
    assert (await engine.settled(run)).status == "queued"


async def test_what_a_running_cell_has_put_out_is_kept_from_time_to_time(world, monkeypatch):
    monkeypatch.setattr(driving, "PARTIAL_SECONDS", 0.01)
    engine = world.server()
    run = await world.started(engine, "# hold\n1")
    await engine.kernels.begun(run)

    async def kept():
        while (data := await world.store.partial(run)) is None:
            await asyncio.sleep(0)
        return data

    assert b"begun" in await asyncio.wait_for(kept(), 30)
    engine.kernels.go(run)
    await engine.settled(run)
    assert await world.store.partial(run) is None


async def test_a_run_that_another_server_has_taken_meanwhile_is_left_alone(world):
    """The list of ready runs may be old when its last row is reached."""
    run_id = await died_in_a_cell(world, "1", "# hold\n2")
    late, quick = world.server("srv_late"), world.server("srv_quick")
    rows = world.store.ready
    taken = []

    async def ready():
        listed = await rows()
        if not taken:
            taken.append(await quick.adopt(run_id))
            await quick.resume(run_id, "owner")
            await quick.kernels.begun(run_id)
        return listed

    world.store.ready = ready
    await late.start()
    run = await late.run(run_id)
    assert run.status == "running"
    assert (await world.store.row(run_id)).server == "srv_quick"
    quick.kernels.go(run_id)
    assert (await quick.settled(run_id)).status == "succeeded"


async def test_a_run_whose_log_cannot_be_read_keeps_no_other_from_its_deadline(world):
    """G12"""
    engine = world.server()
    broken = await world.settled(engine, *GATED)
    waiting = await world.settled(engine, *GATED)
    load = world.store.load

    async def fails(run):
        if run == broken.id:
            raise ValueError("a row that nobody can read")
        return await load(run)

    world.store.load = fails
    world.clock.now += 4000
    await engine.start()
    ended = await engine.settled(waiting.id)
    async for _ in engine.follow(waiting.id):
        ended = await engine.run(waiting.id)
        if ended.finished:
            break
    assert ended.error.name == "SuspendedTimedOut"


async def test_a_run_that_was_held_up_by_a_store_that_was_away_goes_on(world):
    """Its job, if it had one, is over."""
    engine = world.server()
    run = await world.settled(engine, *GATED)
    come = iter(["the vote"])
    world.store.away = lambda call: call == "append" and next(come, None) is None
    await engine.vote(run.id, vote(run, payload={"n": 22}))
    assert (await engine.settled(run.id)).status == "running"
    assert world.store.refused == 1
    world.store.away = lambda _: False
    await engine.check_held()
    assert (await engine.settled(run.id)).result == 42
