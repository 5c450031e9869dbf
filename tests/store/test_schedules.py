"""What `ports.ScheduleStore` promises, shown of both (G84)."""

import asyncio

import pytest
from msgspec.structs import replace

from jupyter_flows.core.errors import StoreUnavailable, UnknownSchedule
from jupyter_flows.core.model import RunId
from jupyter_flows.core.schedules import CatchUp, Schedule, ScheduleId
from jupyter_flows.ports import RunFilter

from .story import Story, kept


def schedule(name="sch_1", **said):
    said = {
        "cron": "0 7 * * *",
        "zone": "Europe/Berlin",
        "path": "/home/bob/daily.ipynb",
        "folder": "/home/bob",
        "owner": "bob",
        "created_at": 1000.0,
        "due_at": 2000.0,
        **said,
    }
    return Schedule(id=ScheduleId(name), **said)


WHOLE = schedule(
    name="sch_whole",
    created_at=999.5,
    parameters={"n": 3, "text": "Zoë 💡", "deep": [{"a": None}]},
    kernel_name="python3",
    output="/out/%Y.ipynb",
    catch_up=CatchUp.ONCE,
    paused=True,
    due_at=None,
    last_due=1940.0,
    last_run=RunId("run_1"),
    last_error="It can't be read.",
)


@pytest.fixture
def schedules(store):
    return store.schedules


@pytest.mark.parametrize("written", [WHOLE, schedule()], ids=["whole", "bare"])
async def test_a_schedule_is_found_as_it_was_added(schedules, written):
    await schedules.add(written)
    assert await schedules.schedule(written.id) == written
    assert await schedules.schedules() == [written]


async def test_a_schedule_that_is_not_there_is_unknown(schedules):
    for ask in (schedules.schedule, schedules.remove):
        with pytest.raises(UnknownSchedule):
            await ask(ScheduleId("sch_none"))
    assert await schedules.schedules() == []
    assert await schedules.next_due() is None


async def test_schedules_are_listed_oldest_first(schedules):
    for name, at in (("sch_b", 2.0), ("sch_c", 1.0), ("sch_a", 2.0)):
        await schedules.add(schedule(name, created_at=at))
    assert [each.id for each in await schedules.schedules()] == ["sch_c", "sch_a", "sch_b"]


async def test_due_are_those_of_the_named_owners_if_any_are_named(schedules):
    await schedules.add(schedule("sch_a", due_at=2000.0, owner="alice"))
    await schedules.add(schedule("sch_b", due_at=1000.0, owner="bob"))
    assert await schedules.next_due(["alice", "eve"]) == 2000.0
    assert await schedules.next_due(["eve"]) is None
    assert [each.id for each in await schedules.due(3000.0, ["alice"])] == ["sch_a"]
    assert {each.id for each in await schedules.due(3000.0)} == {"sch_a", "sch_b"}


async def test_due_are_those_whose_time_has_come(schedules):
    await schedules.add(schedule("sch_soon", due_at=2000.0))
    await schedules.add(schedule("sch_late", due_at=3000.0))
    await schedules.add(schedule("sch_never", due_at=None))
    assert await schedules.next_due() == 2000.0
    assert await schedules.due(1999.9) == []
    assert [each.id for each in await schedules.due(2000.0)] == ["sch_soon"]
    assert {each.id for each in await schedules.due(9999.0)} == {"sch_soon", "sch_late"}


async def test_a_change_is_written_once_from_one_state(schedules):
    before = schedule()
    await schedules.add(before)
    afters = [replace(before, due_at=2060.0 + n, last_run=RunId(f"run_{n}")) for n in range(6)]
    done = await asyncio.gather(*(schedules.change(before, after) for after in afters))
    assert done.count(True) == 1
    assert await schedules.schedule(before.id) == afters[done.index(True)]


@pytest.mark.parametrize("before", [schedule(due_at=None), schedule(due_at=1795238820.0)])
async def test_a_change_from_and_to_no_due_time(schedules, before):
    await schedules.add(before)
    paused = replace(before, paused=True, due_at=None)
    assert await schedules.change(before, paused)
    assert not await schedules.change(before, replace(before, due_at=5.0))
    on = replace(paused, paused=False, due_at=7.0)
    assert await schedules.change(paused, on)
    assert await schedules.schedule(before.id) == on


async def test_what_was_removed_is_changed_no_more(schedules):
    before = schedule()
    await schedules.add(before)
    await schedules.add(schedule("sch_2"))
    await schedules.remove(before.id)
    assert not await schedules.change(before, replace(before, due_at=3000.0))
    assert [each.id for each in await schedules.schedules()] == ["sch_2"]


async def test_the_key_of_a_run_stands_in_its_row_and_stays(store):
    """By it one sees which schedule started the run."""
    await kept(store, Story("run_1"), key="schedule:sch_1:60")
    await kept(store, Story("run_2", at=2000.0))

    async def keys():
        rows = (await store.runs(RunFilter(), None, 10)).rows
        assert [(await store.row(row.id)).key for row in rows] == [row.key for row in rows]
        return [row.key for row in rows]

    assert await keys() == [None, "schedule:sch_1:60"]
    await store.rebuild()
    assert await keys() == [None, "schedule:sch_1:60"]


# ---------------------------------------------------------------- on disk


async def test_another_process_sees_the_schedules_and_one_of_two_changes_wins(open_store):
    one, other = open_store(), open_store()
    before = schedule()
    await one.schedules.add(before)
    assert await other.schedules.schedules() == [before]
    afters = [replace(before, due_at=at) for at in (3000.0, 4000.0)]
    done = await asyncio.gather(
        one.schedules.change(before, afters[0]), other.schedules.change(before, afters[1])
    )
    assert sorted(done) == [False, True]
    assert await one.schedules.schedule(before.id) == afters[done.index(True)]


async def test_schedules_that_cannot_be_reached_are_unavailable(open_store):
    store = open_store()
    with store._engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE schedules RENAME TO away")
    with pytest.raises(StoreUnavailable):
        await store.schedules.next_due()
    with pytest.raises(StoreUnavailable):
        await store.schedules.add(schedule())
