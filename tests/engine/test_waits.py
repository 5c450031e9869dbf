"""A run that waits: its variables are saved, its kernel is let go, and it comes back with them."""

import asyncio

import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.errors import (
    CheckpointRefused,
    CheckpointUnusable,
    KernelUnavailable,
    RunNotResumable,
    StoreUnavailable,
)
from jupyter_flows.core.saved import told
from jupyter_flows.engine import saving
from jupyter_flows.engine.cells import Driving
from jupyter_flows.engine.releasing import Memory

from .conftest import vote

GATED = ("x = 20", ("'go?'", ["suspend"]), "x + resume['n']")


async def waiting(world, *sources, saves="auto", **options):
    """An engine, and a run of these cells that waits with its variables saved."""
    engine = world.server(saves=saves, **options)
    run = await world.settled(engine, *(sources or GATED))
    return engine, await saved(engine, run.id)


async def saved(engine, run_id):
    await engine._waits.under_way.ended(run_id)
    return await engine.run(run_id)


async def approved(engine, run, n=22):
    await engine.vote(run.id, vote(run, payload={"n": n}))
    return await engine.settled(run.id)


async def released(world, engine, run, seconds=901.0):
    """After its grace."""
    world.clock.now += seconds
    await engine._waits.releases.release(run.id)
    return await engine.run(run.id)


async def kinds(engine, run):
    return [type(row.event) for row in await engine._store.events(run.id)]


# ------------------------------------------------------------ saved


async def test_what_a_gate_waits_with_is_saved_and_said(world):
    engine, run = await waiting(world)
    assert [each.covers for each in run.checkpoints] == [("c0", "c1")]
    assert told(run) == "1 variable saved (1.16 GB, 0.5 s)."
    assert e.CheckpointSaved in await kinds(engine, run)


async def test_a_run_that_ends_leaves_nothing_saved(world):
    engine, run = await waiting(world)
    await approved(engine, run)
    await asyncio.gather(*engine._background, return_exceptions=False)
    assert world.checkpoints.kept == {}


@pytest.mark.parametrize("option", ["never", {"when": "never"}])
async def test_a_cell_can_say_that_nothing_is_saved_behind_it(world, option):
    engine, run = await waiting(world, "x = 1", ("'go?'", ["suspend"], {"checkpoint": option}), "x")
    assert (run.checkpoints, engine.kernels.saves) == ((), [])


async def test_names_that_the_author_excludes_are_not_saved(world):
    engine, run = await waiting(
        world, "x = 1\ny = 2", ("'go?'", ["suspend"], {"checkpoint": {"exclude": ["y"]}}), "x"
    )
    assert engine.kernels.saves[0][1].exclude == ("y",)
    assert run.checkpoints[0].variables == 1


async def test_a_kernel_that_could_not_be_saved_is_kept_and_the_reason_is_said(world):
    world.checkpoints.refuses = CheckpointRefused("The disk is full.")
    engine, run = await waiting(world)
    assert told(run) == "The variables are not saved: The disk is full."
    assert (await released(world, engine, run)).released_at is None
    assert (await approved(engine, run)).result == 42


async def test_what_was_written_of_a_failed_save_is_given_up(world):
    engine = world.server(saves="auto")
    engine.kernels.save_fails = CheckpointRefused("It is too large.")
    run = await world.settled(engine, *GATED)
    await saved(engine, run.id)
    assert world.checkpoints.abandoned == 1


async def test_what_somebody_else_has_had_a_hand_in_is_not_saved_as_the_runs_own(world):
    engine = world.server(saves="auto")
    run = await world.started(engine, *GATED)
    engine.kernels.visits[run] = 1
    await engine.settled(run)
    assert told(await saved(engine, run)).startswith("The variables are not saved: Somebody")
    assert world.checkpoints.kept == {}


async def test_the_next_cell_waits_for_what_is_being_saved(world, monkeypatch):
    engine = world.server(saves="auto")
    goes = asyncio.Event()
    save = engine.kernels.save

    async def slowly(run, asked):
        await goes.wait()
        return await save(run, asked)

    monkeypatch.setattr(engine.kernels, "save", slowly)
    run = await world.settled(engine, *GATED)
    await engine.vote(run.id, vote(run, payload={"n": 22}))
    assert [step for _, step in engine.kernels.executed] == ["c0", "c1"]
    goes.set()
    ended = await engine.settled(run.id)
    assert (ended.result, [each.covers for each in ended.checkpoints]) == (42, [("c0", "c1")])


# ------------------------------------------------------------ what can't be saved


async def test_unsaved_names_keep_the_kernel_and_are_named_with_their_cell(world):
    engine = world.server(saves="auto")
    engine.kernels.unsaved = {"con": "a connection"}
    run = await world.settled(engine, "x = 20", "con = 1", *GATED[1:])
    run = await saved(engine, run.id)
    assert told(run) == (
        "1 variable saved (1.16 GB, 0.5 s). 1 cannot be: con (generator, cell 2)."
        " The kernel is kept alive for them. To free it: tag cell 2 `replay`, or del con."
    )
    assert (await released(world, engine, run)).released_at is None
    assert engine.kernels.rehearsed == []


async def test_a_flow_can_fail_rather_than_wait_with_unsaved_names(world):
    engine = world.server(saves="auto")
    engine.kernels.unsaved = {"con": "a connection"}
    gate = ("con = 1", ["suspend"], {"checkpoint": {"on_unsaved": "fail"}})
    run = await world.settled(engine, gate, "2")
    run = await saved(engine, run.id)
    assert (run.status, run.error.name) == ("failed", "UnsavedVariables")
    assert "con (generator, cell 1)" in run.error.message


async def test_a_flow_can_let_unsaved_names_go_with_the_kernel(world):
    engine = world.server(saves="auto")
    engine.kernels.unsaved = {"con": "a connection"}
    gate = ("x = 20\ncon = 1", ["suspend"], {"checkpoint": {"on_unsaved": "drop"}})
    run = await world.settled(engine, gate, "x + resume['n']")
    run = await released(world, engine, await saved(engine, run.id))
    assert run.released_at is not None
    assert (await approved(engine, run)).result == 42


async def test_after_a_crash_with_unsaved_names_the_run_needs_a_person(world):
    first = world.server(saves="auto")
    first.kernels.unsaved = {"con": "a connection"}
    run = await world.settled(first, "con = 1", *GATED[1:])
    await saved(first, run.id)
    world.kill(first)
    second = world.server("srv_2", saves="auto")
    run = await approved(second, await second.run(run.id))
    assert run.status == "interrupted"
    assert "what could not be saved: con" in run.error.message
    assert second.kernels.executed == []


# ------------------------------------------------------------ released


async def test_a_kernel_is_let_go_after_its_grace_and_the_run_goes_on_with_its_variables(world):
    engine, run = await waiting(world)
    run = await released(world, engine, run)
    assert run.released_at is not None
    assert (engine.kernels.holds(run.id), engine._driver.held()) == (False, [])
    assert told(run).endswith("The kernel is released; it comes back when the run goes on.")
    ended = await approved(engine, run)
    assert (ended.status, ended.result, ended.released_at) == ("succeeded", 42, None)
    assert [step for _, step in engine.kernels.executed] == ["c0", "c1", "c2"]


async def test_always_lets_it_go_at_once(world):
    engine, run = await waiting(world, saves="always")
    assert (await released(world, engine, run, seconds=0)).released_at is not None


async def test_one_whose_loading_was_tried_and_failed_is_kept(world):
    engine, run = await waiting(world)
    engine.kernels.rehearse_fails = CheckpointUnusable("m has no __setstate__", "m")
    run = await released(world, engine, run)
    assert run.released_at is None
    assert run.checkpoints[-1].doubt == "m has no __setstate__"
    assert "a trial" in told(run) or "was tried" in told(run)
    assert (await approved(engine, run)).result == 42


async def test_a_kernel_that_somebody_has_open_is_not_let_go_under_their_hands(world):
    engine, run = await waiting(world)
    engine.kernels.taken.add(run.id)
    assert (await released(world, engine, run)).released_at is None
    engine.kernels.taken.clear()
    assert (await released(world, engine, run)).released_at is not None


async def test_a_kernel_in_which_somebody_ran_cells_is_not_let_go(world):
    engine, run = await waiting(world)
    engine.kernels.visits[run.id] = 1
    assert (await released(world, engine, run)).released_at is None


async def test_short_memory_lets_the_first_saved_go_before_its_time(world):
    available = 50
    engine, run = await waiting(world, memory=lambda: Memory(available, 100))
    assert await engine._waits.releases._due() == []
    available = 5
    assert await engine._waits.releases._due() == [run.id]
    await engine._waits.releases.release(run.id)
    assert engine.kernels.rehearsed == []  # a second one of it would not find room
    assert await engine._waits.releases._due() == []


async def test_a_sleeping_run_lets_its_kernel_go_too(world):
    engine, run = await waiting(world, ("x = 1", [], {"sleep": "2h"}), "x + 1")
    assert run.status == "sleeping"
    assert (await released(world, engine, run)).released_at is not None
    world.clock.now = 1000.0 + 7200.0
    await engine._due.tick()
    ended = await engine.settled(run.id)
    assert (ended.status, ended.result) == ("succeeded", 2)


async def test_a_vote_in_the_middle_of_the_trial_finds_the_kernel(world, monkeypatch):
    engine, run = await waiting(world)
    rehearse = engine.kernels.rehearse

    async def voted(request, folder, kernel):
        await approved(engine, run)
        await rehearse(request, folder, kernel)

    monkeypatch.setattr(engine.kernels, "rehearse", voted)
    ended = await released(world, engine, run)
    assert (ended.status, ended.result, ended.released_at) == ("succeeded", 42, None)


# ------------------------------------------------------------ after a crash


async def test_a_run_whose_server_died_while_it_waited_goes_on_unasked(world):
    first, run = await waiting(world)
    world.kill(first)
    second = world.server("srv_2", saves="auto")
    ended = await approved(second, run)
    assert (ended.status, ended.result) == ("succeeded", 42)
    assert [step for _, step in second.kernels.executed] == ["c2"]
    assert e.KernelRestored in await kinds(second, ended)


async def test_cells_tagged_replay_run_again_for_it(world):
    first, run = await waiting(world, ("con = 5", ["replay"]), *GATED)
    world.kill(first)
    second = world.server("srv_2", saves="auto")
    ended = await approved(second, run)
    assert ended.result == 42
    assert [step for _, step in second.kernels.executed] == ["c0+", "c3"]


async def test_a_checkpoint_that_is_gone_interrupts_the_run_and_offers_to_run_again(world):
    first, run = await waiting(world)
    world.kill(first)
    world.checkpoints.kept.clear()
    second = world.server("srv_2", saves="auto")
    run = await approved(second, run)
    assert (run.status, second.kernels.executed) == ("interrupted", [])
    assert run.error.message == "The saved variables are not restored: It is gone."
    await second.resume(run.id, "owner")
    ended = await second.settled(run.id)
    assert (ended.status, ended.result) == ("succeeded", 42)
    assert [step for _, step in second.kernels.executed] == ["c0+", "c1+", "c2"]


async def test_another_python_is_refused(world):
    first, run = await waiting(world)
    world.kill(first)
    next(iter(world.checkpoints.kept.values()))["kernel"]["python"]["version"] = "3.10.2"
    second = world.server("srv_2", saves="auto")
    run = await approved(second, run)
    assert (run.status, run.choices) == ("interrupted", (Choice.RERUN,))
    assert "Python 3.10.2" in run.error.message
    assert second.kernels.restored == []


async def test_changed_packages_are_named_and_to_be_accepted_by_a_person(world):
    first, run = await waiting(world)
    world.kill(first)
    second = world.server("srv_2", saves="auto")
    second.kernels.distributions = {"pandas": "3.1.1"}
    run = await approved(second, run)
    assert (run.status, run.choices) == ("interrupted", (Choice.CHANGED, Choice.RERUN))
    assert "pandas 2.2.3 is 3.1.1 now" in run.error.message
    with pytest.raises(RunNotResumable, match="`changed`, `rerun`"):
        await second.resume(run.id, "owner")
    await second.resume(run.id, "owner", choice=Choice.CHANGED)
    ended = await second.settled(run.id)
    assert (ended.status, ended.result) == ("succeeded", 42)
    restored = [
        row.event
        for row in await world.store.events(run.id)
        if isinstance(row.event, e.KernelRestored)
    ]
    assert restored[0].changes == ("pandas 2.2.3 is 3.1.1 now",)


async def test_one_that_can_not_be_loaded_leaves_the_run_interrupted_and_names_why(world):
    first, run = await waiting(world)
    world.kill(first)
    second = world.server("srv_2", saves="auto")
    second.kernels.restore_fails = CheckpointUnusable("The variable x can't be loaded.", "x")
    run = await approved(second, run)
    assert run.status == "interrupted"
    assert "The variable x can't be loaded." in run.error.message
    assert not second.kernels.holds(run.id)


async def test_a_kernel_that_dies_while_it_is_restored_may_be_tried_again(world):
    first, run = await waiting(world)
    world.kill(first)
    second = world.server("srv_2", saves="auto")
    second.kernels.restore_fails = KernelUnavailable("The kernel died.")
    run = await approved(second, run)
    assert run.status == "interrupted"
    second.kernels.restore_fails = None
    await second.resume(run.id, "owner")
    ended = await second.settled(run.id)
    assert ended.result == 42
    assert [step for _, step in second.kernels.executed] == ["c2"]


async def test_resuming_after_a_crash_restores_and_runs_what_came_behind_it_again(world):
    first, run = await waiting(world, *GATED[:2], "y = x + resume['n']", "# hold\ny * 2")
    await first.vote(run.id, vote(run, payload={"n": 1}))
    await first.kernels.begun(run.id)
    world.kill(first)
    second = world.server("srv_2", saves="auto")
    await second.start()
    assert (await second.run(run.id)).status == "interrupted"
    await second.resume(run.id, "owner")
    await second.kernels.begun(run.id)
    second.kernels.go(run.id)
    ended = await second.settled(run.id)
    assert (ended.status, ended.result) == ("succeeded", 42)
    assert [step for _, step in second.kernels.executed] == ["c2+", "c3"]


async def test_a_resumed_gate_runs_its_cell_again_on_what_was_before_it(world):
    """The checkpoint that holds what the gate's cell has done is of no use for running it again."""
    first, run = await waiting(
        world, "x = 1", ("'one?'", ["suspend"]), ("x += 1", ["suspend"]), "x"
    )
    await first.vote(run.id, vote(run))
    run = await first.settled(run.id)
    run = await saved(first, run.id)
    assert [each.covers for each in run.checkpoints] == [("c0", "c1"), ("c0", "c1", "c2")]
    await first.vote(run.id, vote(run, approved=False))
    assert (await first.settled(run.id)).status == "failed"
    second = world.server("srv_2", saves="auto")
    world.kill(first)
    await second.resume(run.id, "owner")
    run = await second.settled(run.id)
    assert [step for _, step in second.kernels.executed] == ["c2"]
    assert second.kernels.space(run.id)["x"] == 2


async def test_rerun_uses_nothing_of_what_was_saved(world):
    first, run = await waiting(world, *GATED[:2], "1 / 0")
    await first.vote(run.id, vote(run))
    assert (await first.settled(run.id)).status == "failed"
    world.kill(first)
    second = world.server("srv_2", saves="auto")
    await second.resume(run.id, "owner", choice=Choice.RERUN)
    await second.settled(run.id)
    assert [step for _, step in second.kernels.executed] == ["c0+", "c1+", "c2"]


# ------------------------------------------------------------ visitors, and kernels that return


async def visited(world):
    engine, run = await waiting(world)
    engine.kernels.visits[run.id] = 2
    return engine, await approved(engine, run)


async def test_cells_that_somebody_ran_meanwhile_are_a_persons_to_judge(world):
    _, run = await visited(world)
    assert run.status == "interrupted"
    assert run.error.message.startswith("While the run waited, somebody ran 2 cells on its kernel")
    assert run.choices == (Choice.KERNEL, Choice.CHECKPOINT, Choice.RERUN)
    assert all(f"`{choice}`" in run.error.message for choice in run.choices)


async def test_a_choice_that_there_is_not_is_not_told_of(world):
    engine = world.server(saves="auto")
    engine.kernels.unsaved = {"x": "it can't be saved"}
    run = await saved(engine, (await world.settled(engine, *GATED)).id)
    engine.kernels.visits[run.id] = 2
    run = await approved(engine, run)
    assert run.choices == (Choice.KERNEL, Choice.RERUN)
    assert "`checkpoint`" not in run.error.message


@pytest.mark.parametrize(("choice", "result"), [(Choice.KERNEL, 122), (Choice.CHECKPOINT, 42)])
async def test_the_run_goes_on_with_the_kernel_as_it_is_or_with_what_was_saved(
    world, choice, result
):
    engine, run = await visited(world)
    engine.kernels.space(run.id)["x"] = 100
    await engine.resume(run.id, "owner", choice=choice)
    ended = await engine.settled(run.id)
    assert (ended.status, ended.result) == ("succeeded", result)


async def test_a_kernel_that_outlived_its_server_is_preferred(world):
    first, run = await waiting(world)
    world.kill(first)
    second = world.server("srv_2", saves="auto")
    second.kernels.detached[run.id] = True
    opened = second.kernels.open

    async def come_back(request):
        await opened(request)
        second.kernels.space(request.run)["x"] = 20

    second.kernels.open = come_back
    ended = await approved(second, run)
    assert (ended.result, second.kernels.restored) == (42, [])


# ------------------------------------------------------------ between waits


async def test_between_waits_variables_are_saved_where_that_costs_a_twentieth(world, monkeypatch):
    engine = world.server(saves="auto")
    monkeypatch.setattr(saving, "BLIND_GUESS", 0.0)
    monkeypatch.setattr(saving, "OVERHEAD", 0.0)
    await world.settled(engine, "x = 1", "x += 1", "x")
    assert [asked.budget > 0 for _, asked in engine.kernels.saves] == [True]


async def test_what_failed_between_waits_is_tried_again_when_twice_the_time_may_go_into_it(world):
    engine, run = await waiting(world)
    engine.kernels.save_fails = CheckpointRefused("Saving took longer than is allowed.")
    driving = Driving(epoch=1, digest=run.snapshot, snapshot={})
    tried = []
    for busy in (20.0, 30.0, 50.0, 60.0):
        before, driving.busy = len(engine.kernels.saves), busy
        await engine._waits.saving.between(run, driving)
        tried.append(len(engine.kernels.saves) - before)
    assert tried == [1, 0, 1, 0]


async def test_quick_cells_are_not_held_up(world):
    engine = world.server(saves="auto")
    await world.settled(engine, "x = 1", "x += 1", "x")
    assert engine.kernels.saves == []


# ------------------------------------------------------------ collected


async def test_what_no_run_can_use_is_collected(world):
    engine, run = await waiting(world)
    ended = await world.settled(engine, "1")
    world.checkpoints.kept[ended.id, "sha256:0"] = {}
    await engine._waits.collecting.collect()
    assert {key[0] for key in world.checkpoints.kept} == {run.id}


async def test_kernels_that_outlived_their_servers_end_with_their_runs(world):
    engine, run = await waiting(world)
    ended = await world.settled(engine, "1")
    engine.kernels.detached = {run.id: True, ended.id: True, "run_of_another_store": True}
    await engine._waits.collecting.end_kernels()
    assert engine.kernels.ended == [ended.id]


async def test_what_may_be_of_another_store_is_left_alone(world):
    engine, run = await waiting(world)
    world.checkpoints.kept["run_unknown", "sha256:0"] = {}
    await engine._waits.collecting.collect()
    assert {key[0] for key in world.checkpoints.kept} == {run.id, "run_unknown"}


async def test_a_failed_runs_are_kept_for_a_week(world):
    engine, run = await waiting(world)
    await engine.vote(run.id, vote(run, approved=False))
    await engine.settled(run.id)
    await engine._waits.collecting.collect()
    assert world.checkpoints.kept
    world.clock.now += 8 * 86400
    await engine._waits.collecting.collect()
    assert not world.checkpoints.kept


# ------------------------------------------------------------ what must not happen


def between_takes(monkeypatch, engine, then):
    """Saving between two cells begins at once, and something happens meanwhile."""
    monkeypatch.setattr(saving, "BLIND_GUESS", 0.0)
    monkeypatch.setattr(saving, "OVERHEAD", 0.0)
    save = engine.kernels.save

    async def saved_and_then(run, asked):
        found = await save(run, asked)
        await then(run)
        return found

    monkeypatch.setattr(engine.kernels, "save", saved_and_then)


async def test_a_run_cancelled_while_it_is_saved_between_cells_runs_no_further_one(
    world, monkeypatch
):
    engine = world.server(saves="auto")
    between_takes(monkeypatch, engine, lambda run: engine.cancel(run, "owner"))
    run = await world.settled(engine, "1", "2", "3")
    assert run.status == "cancelled"
    assert [step for _, step in engine.kernels.executed] == ["c0"]


async def test_a_store_that_is_away_while_cells_are_saved_between_harms_nothing(world, monkeypatch):
    engine = world.server(saves="auto")

    async def away(run):
        raise StoreUnavailable("The database is away.")

    between_takes(monkeypatch, engine, away)
    run = await world.settled(engine, "x = 40", "x + 2")
    assert (run.status, run.result) == ("succeeded", 42)


async def test_a_failing_run_saves_nothing_that_it_could_be_resumed_with(world, monkeypatch):
    monkeypatch.setattr(saving, "BLIND_GUESS", 0.0)
    monkeypatch.setattr(saving, "OVERHEAD", 0.0)
    engine = world.server(saves="auto")
    run = await world.settled(
        engine, "x = 1", "x = 2\n1 / 0", ("'failed'", ["failure"]), ("'too'", ["failure"])
    )
    assert run.status == "failed"
    assert [each.covers for each in run.checkpoints] == [("c0",)]


async def test_a_save_of_an_earlier_pass_is_not_that_of_a_later_one(world, monkeypatch):
    engine = world.server(saves="auto")
    goes = asyncio.Event()
    save = engine.kernels.save

    async def slowly(run, asked):
        found = await save(run, asked)
        await goes.wait()
        return found

    monkeypatch.setattr(engine.kernels, "save", slowly)
    run = await world.settled(engine, "x = 1", ("x += 1", ["suspend"]), "x")
    before = await engine._teller.state(run.id)
    await engine._teller.tell(run.id, vote(run, approved=False))
    await engine._teller.tell(run.id, c.Resume(by="owner"))
    goes.set()
    await engine._waits.under_way.ended(run.id)
    await engine._dispatcher.enqueue(run.id)
    again = await engine.settled(run.id)
    assert before.steps["c1"].attempts == 1
    assert all(each.attempts == (1, 2) for each in again.checkpoints if "c1" in each.covers)


async def test_what_a_failed_try_has_done_stays_in_the_kernel_for_the_next(world):
    engine = world.server(saves="auto")
    retry = {"retry": {"constant": {"attempts": 3, "seconds": "2h"}}}
    source = "tries = tries + 1\nassert tries > 2"
    run = await world.settled(engine, ("tries = 0", [], {"sleep": "2h"}), (source, [], retry), "9")
    for _ in range(4):
        run = await saved(engine, run.id)
        if run.status != "sleeping":
            break
        await released(world, engine, run)
        world.clock.now = run.wake_at
        await engine._due.tick()
        run = await engine.settled(run.id)
    assert (run.status, run.result) == ("succeeded", 9)


async def test_a_kernel_that_was_opened_and_not_filled_is_nobodys(world):
    first, run = await waiting(world)
    world.kill(first)
    second = world.server("srv_2", saves="auto")
    second.kernels.restore_fails = asyncio.CancelledError()
    await second.vote(run.id, vote(run, payload={"n": 1}))
    await asyncio.wait(second._dispatcher._tasks.values())
    assert not second.kernels.holds(run.id)


async def test_going_on_with_a_kernel_as_it_is_leaves_nothing_of_before_to_go_back_to(world):
    engine, run = await visited(world)
    await engine.resume(run.id, "owner", choice=Choice.KERNEL)
    assert (await engine.settled(run.id)).checkpoints == ()


async def test_a_visited_kernel_is_tried_no_more(world):
    engine, run = await waiting(world)
    engine.kernels.visits[run.id] = 1
    await released(world, engine, run)
    assert (engine.kernels.rehearsed, engine._waits.releases._held) == ([], {})


async def test_a_trial_that_went_well_is_not_made_again(world, monkeypatch):
    engine, run = await waiting(world)
    monkeypatch.setattr(engine._waits.releases, "_is_driven", lambda _: bool(driven))
    driven = []
    rehearse = engine.kernels.rehearse

    async def at_work_then(request, folder, kernel):
        await rehearse(request, folder, kernel)
        driven.append(1)

    monkeypatch.setattr(engine.kernels, "rehearse", at_work_then)
    assert (await released(world, engine, run)).released_at is None
    driven.clear()
    assert (await released(world, engine, run)).released_at is not None
    assert len(engine.kernels.rehearsed) == 1


async def test_a_gates_own_check_is_asked_of_a_kernel_that_came_back_for_it(world):
    """G62"""
    check = "def check(payload):\n    return payload['n'] < 50"
    first = world.server(saves="auto")
    gate = ("'go?'", ["suspend"], {"suspend": {"validate": "check"}})
    run = await world.settled(first, check, "x = 20", gate, "x + resume['n']")
    run = await saved(first, run.id)
    assert (await released(world, first, run)).released_at is None
    world.kill(first)
    second = world.server("srv_2", saves="auto")
    assert await second._driver.revive(run.id)
    assert second.kernels.space(run.id)["x"] == 20
    assert (await second.run(run.id)).status == "suspended"


async def test_a_vote_that_changes_nothing_saves_nothing_again(world):
    engine = world.server(saves="auto")
    engine.kernels.unsaved = {"con": "a connection"}
    gate = ("con = 1", ["suspend"], {"suspend": {"required_events": 3}})
    run = await saved(engine, (await world.settled(engine, gate, "2")).id)
    for name in ("bob", "eve"):
        await engine.vote(run.id, vote(run, name))
        await saved(engine, (await engine.settled(run.id)).id)
    assert len(engine.kernels.saves) == 1


async def test_a_flow_that_fails_over_unsaved_names_is_driven_to_its_end(world):
    engine = world.server(saves="auto")
    engine.kernels.unsaved = {"con": "a connection"}
    gate = ("con = 1", ["suspend"], {"checkpoint": {"on_unsaved": "fail"}})
    run = await world.settled(engine, gate, "2", ("'mend'", ["failure"]))
    run = await saved(engine, run.id)
    run = await engine.settled(run.id)
    assert (run.status, engine.kernels.executed[-1][1]) == ("failed", "c2")
    assert not engine.kernels.holds(run.id)


async def test_without_any_kernel_the_run_can_be_resumed_later(world):
    first, run = await waiting(world)
    world.kill(first)
    second = world.server("srv_2", saves="auto")
    second.kernels.unavailable = "no memory"
    run = await approved(second, run)
    assert (run.status, run.error.message) == ("interrupted", "No kernel can be had: no memory")


async def test_a_short_sleep_is_not_saved(world):
    engine = world.server(saves="auto")
    await world.settled(engine, ("x = 1", [], {"sleep": 0.1}), "x")
    assert engine.kernels.saves == []
