"""What `ports.Store` promises, shown of every store."""

import asyncio

import pytest

from jupyter_flows.core import errors
from jupyter_flows.core.canonical import chained, sha256
from jupyter_flows.core.commands import (
    Cancel,
    CastVote,
    CheckDeadline,
    MoveNotebook,
    RevokeLink,
)
from jupyter_flows.core.model import LinkId, RunId, RunStatus, StepId, Voter
from jupyter_flows.ports import RunFilter

from .story import Story, kept, put, suspended

ALL = RunFilter()

# ---------------------------------------------------------------- the log


async def test_a_created_run_is_loaded_as_it_was(store):
    story = Story()
    assert await kept(store, story) == "run_1"
    assert await store.load(story.run.id) == story.run
    row = await store.row(story.run.id)
    assert (row.epoch, row.server, row.status) == (1, "srv_1", "queued")


async def test_an_idempotency_key_gives_the_same_owner_the_same_run_again(store):
    await kept(store, Story("run_1"), key="again")
    assert await kept(store, Story("run_2"), key="again") == "run_1"
    assert await kept(store, Story("run_3", owner="else"), key="again") == "run_3"
    assert await kept(store, Story("run_4")) == "run_4"
    with pytest.raises(errors.UnknownRun):
        await store.load(RunId("run_2"))


async def test_creations_with_one_key_at_the_same_time_make_one_run(store):
    stories = [Story(f"run_{n}") for n in range(8)]
    made = await asyncio.gather(*(kept(store, story, key="once") for story in stories))
    assert len(set(made)) == 1
    assert [row.id for row in (await store.runs(ALL, None, 10)).rows] == [made[0]]


async def test_loading_is_replaying_the_log(store):
    story = await suspended(store)
    assert await store.load(story.run.id) == story.run
    await put(store, story.vote(payload={"limit": 2}), durable=True)
    assert await store.load(story.run.id) == story.run
    assert story.run.status == "succeeded"


async def test_events_come_in_order_and_from_any_place(store):
    story = await suspended(store)
    rows = await store.events(story.run.id)
    assert [row.seq for row in rows] == list(range(1, story.run.seq + 1))
    assert await store.events(story.run.id, 3) == rows[3:]
    assert await store.events(story.run.id, story.run.seq) == []
    assert await store.events(story.run.id, story.run.seq + 5) == []


@pytest.mark.parametrize("shift", [-1, 1])
async def test_events_that_do_not_follow_the_last_one_are_a_conflict(store, shift):
    story = Story()
    await kept(store, story)
    await put(store, story.start())
    before = await store.chain(story.run.id)
    run, events = story.finish("load")
    moved = [type(row)(row.seq + shift, row.at, row.event) for row in events]
    with pytest.raises(errors.Conflict):
        await put(store, (run, moved))
    assert await store.chain(story.run.id) == before
    await put(store, (run, events))


async def test_of_two_appends_at_one_place_one_wins(store):
    story = Story()
    await kept(store, story)
    told = story.start()
    done = await asyncio.gather(*(put(store, told) for _ in range(5)), return_exceptions=True)
    assert done.count(None) == 1
    assert sum(isinstance(each, errors.Conflict) for each in done) == 4


async def test_what_was_last_seen_of_a_run_is_as_it_was_written_or_read(store):
    story = await suspended(store)
    assert await store.recent(story.run.id) == story.run
    await put(store, story.vote(payload={"limit": 2}), durable=True)
    assert await store.recent(story.run.id) == story.run
    with pytest.raises(errors.UnknownRun):
        await store.recent(RunId("run_none"))


async def test_a_batch_is_written_whole_or_not_at_all(store):
    story = Story()
    await kept(store, story)
    run, events = story.start()
    await put(store, (run, events[:1]))
    with pytest.raises(errors.Conflict):
        await put(store, (run, events))
    assert len(await store.events(run.id)) == 2


async def test_a_run_that_is_not_there_is_unknown(store):
    unknown = RunId("run_none")
    for ask in (store.load, store.events, store.chain, store.row):
        with pytest.raises(errors.UnknownRun):
            await ask(unknown)
    with pytest.raises(errors.Unavailable):
        await put(store, Story("run_none").start())
    with pytest.raises(errors.UnknownLink):
        await store.link(LinkId("none"))


async def test_each_row_of_the_log_is_chained_to_the_one_before_by_hash(store):
    """G71"""
    story = await suspended(store)
    before = ""
    for seq, at, kind, body, found in await store.chain(story.run.id):
        before = chained(before, seq, at, kind, body)
        assert found == before


# ---------------------------------------------------------------- who drives


async def test_a_claim_raises_the_epoch_and_fences_the_driver_before(store):
    story = Story()
    await kept(store, story)
    assert await store.claim(story.run.id, "srv_2", 1) == 2
    row = await store.row(story.run.id)
    assert (row.epoch, row.server) == (2, "srv_2")
    told = story.start()
    with pytest.raises(errors.Fenced):
        await put(store, told, epoch=1)
    await put(store, told, epoch=2)
    await put(store, story.finish("load"))  # people's commands name no epoch


async def test_a_claim_on_an_epoch_that_has_passed_is_fenced(store):
    story = Story()
    await kept(store, story)
    done = await asyncio.gather(
        *(store.claim(story.run.id, f"srv_{n}", 1) for n in range(5)), return_exceptions=True
    )
    assert done.count(2) == 1
    assert sum(isinstance(each, errors.Fenced) for each in done) == 4


async def test_an_unknown_run_cannot_be_claimed(store):
    with pytest.raises((errors.Fenced, errors.UnknownRun)):
        await store.claim(RunId("run_none"), "srv_1", 1)


# ---------------------------------------------------------------- lists


async def test_runs_are_listed_newest_first_in_pages_that_leave_none_out(store):
    for n in range(7):
        await kept(store, Story(f"run_{n}", at=1000.0 + n // 2))
    seen, cursor = [], None
    while True:
        page = await store.runs(ALL, cursor, 3)
        seen += [row.id for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            break
        assert len(page.rows) == 3
    assert seen == [f"run_{n}" for n in reversed(range(7))]


async def test_a_page_that_just_holds_all_has_no_next_one(store):
    for n in range(3):
        await kept(store, Story(f"run_{n}", at=1000.0 + n))
    assert (await store.runs(ALL, None, 3)).cursor is None


async def test_runs_are_filtered_by_status_path_and_owner(store):
    await kept(store, Story("run_1", path="a.ipynb"))
    await kept(store, Story("run_2", owner="else"))
    await suspended(store, "run_3", path="a.ipynb")

    async def found(**wanted):
        return {row.id for row in (await store.runs(RunFilter(**wanted), None, 10)).rows}

    assert await found(path="a.ipynb") == {"run_1", "run_3"}
    assert await found(owner="else") == {"run_2"}
    assert await found(status=frozenset({RunStatus.QUEUED})) == {"run_1", "run_2"}
    two = frozenset({RunStatus.QUEUED, RunStatus.SUSPENDED})
    assert await found(status=two, path="a.ipynb") == {"run_1", "run_3"}
    assert await found(path="b.ipynb") == set()


@pytest.mark.parametrize("cursor", ["x", "!!!", "YWJj", "é", "MS4wIA", "bm8gbm8="])
async def test_a_cursor_that_was_not_given_out_is_bad_input(store, cursor):
    with pytest.raises(errors.BadInput):
        await store.runs(ALL, cursor, 10)


async def test_ready_are_the_runs_that_have_something_to_do(store):
    await kept(store, Story("run_queued"))
    running = Story("run_running")
    await kept(store, running)
    await put(store, running.start())
    await suspended(store, "run_suspended")
    ended = Story("run_ended")
    await kept(store, ended)
    await put(store, ended.tell(Cancel(by="owner")))
    assert {row.id for row in await store.ready()} == {"run_queued", "run_running"}


async def test_due_are_the_runs_whose_deadline_has_come(store):
    """G12"""
    assert await store.next_due() is None
    soon = await suspended(store, "run_soon", timeout=60.0)
    late = await suspended(store, "run_late", timeout=600.0)
    assert await store.next_due() == soon.run.due_at
    assert await store.due(soon.run.due_at - 1) == []
    assert await store.due(soon.run.due_at) == ["run_soon"]
    assert set(await store.due(late.run.due_at)) == {"run_soon", "run_late"}
    await put(store, soon.vote())
    assert await store.next_due() == late.run.due_at
    late.at = late.run.due_at
    await put(store, late.tell(CheckDeadline()))
    assert await store.next_due() is None


async def test_open_gates_are_listed_oldest_first_until_they_close(store):
    stories = [await suspended(store, f"run_{n}", at=1000.0 - n) for n in range(3)]
    assert [row.run for row in await store.open_gates(10)] == ["run_2", "run_1", "run_0"]
    assert len(await store.open_gates(2)) == 2
    await put(store, stories[2].vote())
    await put(store, stories[1].tell(Cancel(by="owner")))
    (left,) = await store.open_gates(10)
    assert (left.run, left.step, left.generation, left.status) == ("run_0", "ask", 1, "open")
    assert left.deadline == stories[0].run.due_at


async def test_a_moved_notebooks_run_and_gate_are_listed_at_its_new_path(store):
    story = await suspended(store, in_place=True)
    await put(store, story.tell(MoveNotebook(path="sub/new.ipynb")))
    assert (await store.row(story.run.id)).path == "sub/new.ipynb"
    found = await store.runs(RunFilter(path="sub/new.ipynb"), None, 10)
    assert [row.id for row in found.rows] == [story.run.id]
    assert (await store.runs(RunFilter(path="report.ipynb"), None, 10)).rows == ()
    assert (await store.open_gates(10))[0].path == "sub/new.ipynb"
    assert await store.load(story.run.id) == story.run


async def test_open_gates_are_read_on_from_any_place_though_its_gate_has_closed(store):
    stories = [await suspended(store, f"run_{n}", at=1000.0 + n // 3) for n in range(8)]
    whole = await store.open_gates(100)
    assert [row.run for row in whole] == [story.run.id for story in stories]
    seen, place = [], None
    while rows := await store.open_gates(3, place):
        seen += rows
        place = rows[-1].place
    assert seen == whole
    await put(store, stories[4].vote())
    behind = await store.open_gates(100, whole[4].place)
    assert [row.run for row in behind] == ["run_5", "run_6", "run_7"]
    assert await store.open_gates(100, whole[7].place) == []


async def test_links_are_listed_newest_first_and_found_by_id(store):
    """G33"""
    one = await suspended(store, "run_1")
    other = await suspended(store, "run_2", at=2000.0)
    await put(store, one.mint("l_bob", "bob"))
    rows = await store.links(one.run.id, 10)
    assert rows[0].id == "l_bob"
    assert len(rows) == 2
    assert {row.run for row in await store.links(None, 10)} == {"run_1", "run_2"}
    assert [row.run for row in await store.links(None, 1)] == [other.run.id]
    await put(store, one.tell(RevokeLink(link=LinkId("l_bob"), by="owner")))
    found = await store.link(LinkId("l_bob"))
    assert (found.approver, found.gate, found.generation) == ("bob", "ask", 1)
    assert found.revoked_at == one.at


async def test_a_flow_level_link_is_a_row_without_a_gate(store):
    """G36"""
    story = Story()
    await kept(store, story)
    await put(store, story.mint("l_flow"))
    found = await store.link(LinkId("l_flow"))
    assert found.gate is None
    assert found.expires_at is not None


async def test_projections_made_anew_from_the_events_are_the_same(store):
    story = await suspended(store, "run_1")
    await put(store, story.mint("l_bob", "bob"))
    voted = await suspended(store, "run_2", at=2000.0, continue_on_disapprove_timeout=True)
    voter = Voter("eve", verified=False, route="link")
    vote = CastVote(gate=StepId("ask"), generation=1, voter=voter, approved=False)
    await put(store, voted.tell(vote))
    await store.claim(voted.run.id, "srv_9", 1)

    async def lists():
        page = await store.runs(ALL, None, 10)
        return (
            page.rows,
            await store.open_gates(10),
            await store.links(None, 10),
            await store.ready(),
            await store.next_due(),
        )

    before = await lists()
    assert await store.rebuild() == 2
    assert await lists() == before


# ---------------------------------------------------------------- blobs


async def test_a_blob_is_found_by_its_content(store):
    digest = await store.put(b"outputs")
    assert digest == sha256(b"outputs")
    assert await store.put(b"outputs") == digest
    assert await store.get(digest) == b"outputs"


async def test_a_blob_of_nothing_is_one_too(store):
    digest = await store.put(b"")
    assert await store.get(digest) == b""
    await kept(store, Story())
    assert await store.get(digest) == b""


async def test_a_blob_that_was_never_put_is_a_key_error(store):
    with pytest.raises(KeyError):
        await store.get(sha256(b"nothing"))


async def test_partial_outputs_are_kept_replaced_and_dropped(store):
    run = RunId("run_1")
    assert await store.partial(run) is None
    await store.save_partial(run, b"1")
    await store.save_partial(run, b"12")
    assert await store.partial(run) == b"12"
    assert await store.partial(RunId("run_2")) is None
    await store.save_partial(run, None)
    await store.save_partial(run, None)
    assert await store.partial(run) is None


# ---------------------------------------------------------------- runs that runs have started


def child(name, parent="run_parent", at_once=2, **first):
    return Story(name, at=1000.0, first={"started_by": RunId(parent), "at_once": at_once, **first})


async def test_so_many_children_of_one_run_are_at_work_and_no_more(store):
    stories = [child(f"run_{n}") for n in range(4)]
    for story in stories:
        await kept(store, story)
    one, two, three, _ = stories
    await put(store, one.start())
    await put(store, two.start())
    assert await store.at_work(RunId("run_parent")) == 2
    with pytest.raises(errors.FlowBusy):
        await put(store, three.start())
    assert await store.queued_of(RunId("run_parent"), 1) == ["run_2"]
    assert await store.queued_of(RunId("run_else"), 1) == []


async def test_a_child_that_waits_for_people_has_no_place(store):
    waiting, next_one = child("run_1", at_once=1), child("run_2", at_once=1)
    await kept(store, waiting)
    await kept(store, next_one)
    await put(store, waiting.start())
    await put(store, waiting.finish("load"))
    await put(store, waiting.finish("ask"))
    assert waiting.run.status is RunStatus.SUSPENDED
    await put(store, next_one.start())
    assert await store.at_work(RunId("run_parent")) == 1


async def test_children_of_other_runs_take_no_place(store):
    one, other = child("run_1", at_once=1), child("run_2", "run_else", at_once=1)
    for story in (one, other):
        await kept(store, story)
        await put(store, story.start())
    assert await store.at_work(RunId("run_else")) == 1


async def test_a_run_that_begins_later_is_due_then_and_not_ready_before(store):
    story = child("run_later", wake_at=2000.0)
    await kept(store, story)
    assert await store.ready() == []
    assert await store.queued_of(RunId("run_parent"), 9) == []
    assert (await store.due(1999.0), await store.due(2000.0)) == ([], ["run_later"])
    story.at = 2000.0
    await put(store, story.tell(CheckDeadline()))
    assert [row.id for row in await store.ready()] == ["run_later"]
    assert await store.queued_of(RunId("run_parent"), 9) == ["run_later"]
    assert await store.next_due() is None


async def test_orphans_are_the_unfinished_children_of_cancelled_runs(store):
    parent, living = Story("run_parent"), Story("run_living")
    stories = [child("run_1"), child("run_2"), child("run_3", "run_living")]
    for story in (parent, living, *stories):
        await kept(store, story)
    assert await store.orphans() == []
    await put(store, parent.tell(Cancel(by="owner")))
    await put(store, stories[0].tell(Cancel(by="owner")))
    assert await store.orphans() == ["run_2"]


async def test_runs_are_found_by_their_flow_and_by_who_started_them(store):
    await kept(store, Story("run_1", path="a.ipynb"))
    await kept(store, Story("run_2", path="a.ipynb", first={"name": "named"}))
    await kept(store, child("run_3"))

    async def found(**wanted):
        return {row.id for row in (await store.runs(RunFilter(**wanted), None, 10)).rows}

    assert await found(flow="a.ipynb") == {"run_1"}
    assert await found(flow="named") == {"run_2"}
    assert await found(started_by=RunId("run_parent")) == {"run_3"}


async def test_a_run_has_a_class_and_those_that_show_in_a_notebook_are_found(store):
    await kept(store, Story("run_1", first={"queue": "gpu"}))
    await kept(store, Story("run_2", in_place=True))
    page = await store.runs(RunFilter(), None, 10)
    assert {row.id: row.queue for row in page.rows} == {"run_1": "gpu", "run_2": None}
    page = await store.runs(RunFilter(in_place=True), None, 10)
    assert [row.id for row in page.rows] == ["run_2"]


async def test_what_is_known_of_children_is_made_anew_from_the_log(store):
    await kept(store, child("run_1", wake_at=2000.0))
    await store.rebuild()
    wanted = RunFilter(started_by=RunId("run_parent"))
    assert [row.due_at for row in (await store.runs(wanted, None, 10)).rows] == [2000.0]
