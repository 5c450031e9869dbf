"""Schedules at work: each due time starts one run, whoever else works on the store (G84)."""

import asyncio
import copy
import logging
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from jupyter_flows.core.errors import (
    BadInput,
    FlowInvalid,
    ScheduleInvalid,
    StoreUnavailable,
    UnknownSchedule,
)
from jupyter_flows.core.schedules import CatchUp, ScheduleId
from jupyter_flows.engine.asked import NewSchedule
from jupyter_flows.engine.schedules import Schedules
from jupyter_flows.ports import RunFilter
from jupyter_flows.store.sql import SqlStore

ZONE = ZoneInfo("Europe/Berlin")
PATH = "/home/bob/daily.ipynb"
DAY = 86400.0
LOG = logging.getLogger("tests.engine")


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


class Files:
    """Notebooks by path; an exception in one's place is raised. `before` is called at each read."""

    def __init__(self, make_notebook):
        self.notebook = make_notebook
        self.known = {PATH: make_notebook("flow_input")}
        self.read = 0

    async def before(self):
        await asyncio.sleep(0)

    async def __call__(self, path):
        self.read += 1
        await self.before()
        found = self.known.get(path, BadInput(f"{path} can't be read: no such file."))
        if isinstance(found, Exception):
            raise found
        return copy.deepcopy(found)


class Clocked:
    """A world in which notebooks are started by the clock."""

    def __init__(self, world, make_notebook):
        self.world = world
        self.clock = world.clock
        self.clock.now = at("2026-06-01 12:00")
        self.files = Files(make_notebook)
        self.on(world.server("srv_1"))

    def on(self, engine):
        """From now on asked and told by this server."""
        self.engine = engine
        self.schedules = self.beside(engine)

    def beside(self, engine, owners=()):
        return Schedules(
            engine=engine,
            store=self.world.store.schedules,
            read=self.files,
            chance=self.world.chance,
            owners=owners,
            log=LOG,
        )

    async def add(self, cron="0 7 * * *", **said):
        said = {"path": PATH, "folder": "/home/bob", "owner": "bob", **said}
        return await self.schedules.add(NewSchedule(cron=cron, zone="Europe/Berlin", **said))

    async def tick(self, text=None):
        if text:
            self.clock.now = at(text)
        return await self.schedules.tick()

    async def now(self, schedule):
        return await self.schedules.schedule(schedule.id)

    async def keys(self):
        """The keys of all runs, oldest first."""
        rows = (await self.world.store.runs(RunFilter(), None, 100)).rows
        return [row.key for row in reversed(rows)]


@pytest.fixture
def clocked(world, make_notebook):
    return Clocked(world, make_notebook)


def key(schedule, text):
    return f"schedule:{schedule.id}:{int(at(text))}"


# ---------------------------------------------------------------- starting


async def test_a_run_is_started_when_it_is_due_with_what_the_schedule_says(clocked):
    schedule = await clocked.add(
        parameters={"n": 3}, kernel_name="ir", output="/out/%Y-%m-%d.ipynb"
    )
    assert await clocked.tick("2026-06-02 06:59")
    assert await clocked.keys() == []
    assert await clocked.tick("2026-06-02 07:00")
    assert await clocked.keys() == [key(schedule, "2026-06-02 07:00")]
    after = await clocked.now(schedule)
    run = await clocked.engine.settled(after.last_run)
    assert (run.owner, run.path, run.folder) == ("bob", PATH, "/home/bob")
    assert (run.kernel_name, run.output) == ("ir", "/out/2026-06-02.ipynb")
    assert run.parameters == {"n": 3}
    assert run.result == {"n": 3}
    assert (after.last_due, after.last_error) == (at("2026-06-02 07:00"), None)
    assert after.due_at == at("2026-06-03 07:00")


async def test_nothing_is_read_or_written_while_nothing_is_due(clocked):
    schedule = await clocked.add()
    clocked.files.read = 0
    for _ in range(5):
        assert await clocked.tick()
    assert clocked.files.read == 0
    assert await clocked.now(schedule) == schedule


async def test_each_due_time_starts_a_run_of_the_notebook_as_it_is_then(clocked):
    await clocked.add("0 * * * *")
    results = []
    for hour in (13, 14, 15):
        clocked.files.known[PATH] = clocked.files.notebook(f"{hour}")
        await clocked.tick(f"2026-06-01 {hour}:00")
        (schedule,) = await clocked.schedules.schedules()
        results.append((await clocked.engine.settled(schedule.last_run)).result)
    assert results == [13, 14, 15]


async def test_several_schedules_that_are_due_together_all_start(clocked):
    made = [await clocked.add() for _ in range(4)]
    await clocked.tick("2026-06-02 07:00")
    assert set(await clocked.keys()) == {key(each, "2026-06-02 07:00") for each in made}


async def test_in_the_night_of_the_change_a_skipped_time_starts_once(clocked):
    clocked.clock.now = at("2026-03-28 12:00")
    await clocked.add("30 2 * * *")
    for text in ("2026-03-29 01:59", "2026-03-29 03:00", "2026-03-29 03:30", "2026-03-30 02:30"):
        await clocked.tick(text)
    assert [int(found.split(":")[2]) for found in await clocked.keys()] == [
        at("2026-03-29 03:00"),
        at("2026-03-30 02:30"),
    ]


# ---------------------------------------------------------------- refusing


async def test_a_schedule_with_mistakes_is_not_kept(clocked):
    with pytest.raises(ScheduleInvalid) as refused:
        await clocked.add("61 7 * * 8")
    assert len(refused.value.mistakes) == 2
    with pytest.raises(BadInput, match="no such file"):
        await clocked.add(path="/home/bob/missing.ipynb")
    clocked.files.known[PATH] = clocked.files.notebook(("1", [], {"suspnd": True}))
    with pytest.raises(FlowInvalid, match="suspend"):
        await clocked.add()
    assert await clocked.schedules.schedules() == []


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (BadInput("daily.ipynb can't be read: gone."), "gone"),
        ({"no": "notebook"}, "not a notebook"),
        (RuntimeError("a defect"), "RuntimeError: a defect"),
        ("flow", "suspend"),
    ],
)
async def test_a_notebook_that_cannot_be_run_is_an_error_of_its_schedule_and_of_no_other(
    clocked, broken, says
):
    clocked.files.known["/good.ipynb"] = clocked.files.notebook("1")
    bad, good = await clocked.add(), await clocked.add(path="/good.ipynb")
    whole = clocked.files.known[PATH]
    if broken == "flow":
        broken = clocked.files.notebook(("1", [], {"suspnd": True}))
    clocked.files.known[PATH] = broken
    assert await clocked.tick("2026-06-02 07:00")
    assert await clocked.keys() == [key(good, "2026-06-02 07:00")]
    after = await clocked.now(bad)
    assert says in after.last_error
    assert not after.paused
    assert (after.last_due, after.due_at) == (at("2026-06-02 07:00"), at("2026-06-03 07:00"))
    clocked.files.known[PATH] = whole
    await clocked.tick("2026-06-03 07:00")
    after = await clocked.now(bad)
    assert (after.last_error, bool(after.last_run)) == (None, True)


async def test_a_time_zone_that_is_gone_is_an_error_of_its_schedule(clocked):
    schedule = await clocked.add()
    store = clocked.world.store.schedules
    await store.change(schedule, replace(schedule, zone="Europe/Atlantis"))
    assert await clocked.tick("2026-06-02 07:00")
    after = await clocked.now(schedule)
    assert "Europe/Atlantis" in after.last_error
    assert (after.due_at, after.paused) == (None, False)
    with pytest.raises(BadInput, match="Atlantis"):
        await clocked.schedules.unpause(schedule.id)
    await store.change(after, replace(after, zone="Europe/Berlin"))
    assert (await clocked.schedules.unpause(schedule.id)).due_at == at("2026-06-03 07:00")


async def test_to_unpause_what_is_not_paused_takes_no_due_time_away(clocked):
    schedule = await clocked.add(catch_up=CatchUp.ONCE)
    clocked.clock.now = at("2026-06-02 07:00")
    assert await clocked.schedules.unpause(schedule.id) == schedule


# ---------------------------------------------------------------- pauses


async def test_a_paused_schedule_starts_nothing_and_goes_on_from_now(clocked):
    schedule = await clocked.add(catch_up=CatchUp.ONCE)
    assert (await clocked.schedules.pause(schedule.id)).paused
    await clocked.tick("2026-06-05 07:00")
    clocked.clock.now += 1
    on = await clocked.schedules.unpause(schedule.id)
    assert on.due_at == at("2026-06-06 07:00")
    assert await clocked.schedules.unpause(schedule.id) == on
    await clocked.tick()
    assert await clocked.keys() == []
    await clocked.tick("2026-06-06 07:00")
    assert await clocked.keys() == [key(schedule, "2026-06-06 07:00")]


async def test_a_pause_while_a_run_is_being_started_holds(clocked):
    schedule = await clocked.add()

    async def pause():
        await clocked.schedules.pause(schedule.id)

    clocked.files.before = pause
    assert await clocked.tick("2026-06-02 07:00")
    assert (await clocked.now(schedule)).paused
    await clocked.tick("2026-06-03 07:00")
    assert await clocked.keys() == [key(schedule, "2026-06-02 07:00")]


async def test_a_removed_schedule_is_gone_and_its_runs_stay(clocked):
    schedule = await clocked.add()
    await clocked.tick("2026-06-02 07:00")
    await clocked.schedules.remove(schedule.id)
    await clocked.tick("2026-06-03 07:00")
    assert await clocked.keys() == [key(schedule, "2026-06-02 07:00")]
    for ask in (clocked.schedules.schedule, clocked.schedules.pause, clocked.schedules.remove):
        with pytest.raises(UnknownSchedule):
            await ask(ScheduleId("sch_none"))


# ---------------------------------------------------------------- no server for a while


@pytest.mark.parametrize(
    ("catch_up", "started"),
    [
        (CatchUp.SKIP, ["2026-06-02 07:00", "2026-06-06 07:00"]),
        (CatchUp.ONCE, ["2026-06-02 07:00", "2026-06-05 07:00", "2026-06-06 07:00"]),
    ],
)
async def test_after_a_restart_missed_times_are_skipped_or_made_up_for_once(
    clocked, catch_up, started
):
    schedule = await clocked.add(catch_up=catch_up)
    await clocked.tick("2026-06-02 07:00")
    clocked.world.kill(clocked.engine)
    clocked.on(clocked.world.server("srv_2"))
    for text in ("2026-06-05 09:00", "2026-06-05 09:01", "2026-06-06 07:00"):
        await clocked.tick(text)
    assert await clocked.keys() == [key(schedule, text) for text in started]


async def test_a_restart_within_the_minute_misses_nothing(clocked):
    schedule = await clocked.add(catch_up=CatchUp.SKIP)
    await clocked.tick("2026-06-02 07:00:45")
    assert await clocked.keys() == [key(schedule, "2026-06-02 07:00")]


# ---------------------------------------------------------------- deaths and races


@pytest.mark.parametrize("catch_up", CatchUp)
@pytest.mark.parametrize("later", [1, 3600])
async def test_a_server_that_dies_between_the_run_and_the_next_due_time_starts_it_not_again(
    clocked, catch_up, later
):
    schedule = await clocked.add(catch_up=catch_up)
    store = clocked.world.store.schedules

    async def dies(*_):
        raise asyncio.CancelledError

    store.change, change = dies, store.change
    with pytest.raises(asyncio.CancelledError):
        await clocked.tick("2026-06-02 07:00")
    assert await store.schedule(schedule.id) == schedule
    store.change = change
    clocked.world.kill(clocked.engine)
    clocked.on(clocked.world.server("srv_2"))
    clocked.clock.now += later
    await clocked.tick()
    assert await clocked.keys() == [key(schedule, "2026-06-02 07:00")]
    assert (await clocked.now(schedule)).due_at == at("2026-06-03 07:00")


@pytest.mark.parametrize("call", ["create", "change"])
async def test_a_store_that_is_away_loses_no_due_time(clocked, call):
    schedule = await clocked.add(catch_up=CatchUp.ONCE)
    world = clocked.world.store
    place = world if call == "create" else world.schedules
    there = getattr(place, call)

    async def away(*_):
        raise StoreUnavailable

    setattr(place, call, away)
    assert not await clocked.tick("2026-06-02 07:00")
    assert await world.schedules.schedule(schedule.id) == schedule
    setattr(place, call, there)
    assert await clocked.tick("2026-06-02 09:00")
    assert await clocked.keys() == [key(schedule, "2026-06-02 07:00")]


class Together:
    """Lets nobody go on before all have come; they may come again and again."""

    def __init__(self, count):
        self._barrier = asyncio.Barrier(count)

    async def __call__(self):
        await asyncio.wait_for(self._barrier.wait(), 30)


@pytest.mark.parametrize("catch_up", CatchUp)
async def test_two_servers_on_one_database_start_one_run_for_each_due_time(
    clocked, tmp_path, catch_up
):
    """Both have found the schedule due before either has started anything."""
    stores = [SqlStore(f"sqlite:///{tmp_path / 'flows.db'}", tmp_path) for _ in range(2)]
    servers = []
    for number, store in enumerate(stores):
        clocked.world.store = store
        clocked.on(clocked.world.server(f"srv_sql_{number}"))
        servers.append(clocked.schedules)
    schedule = await clocked.add("*/10 * * * *", catch_up=catch_up)
    clocked.files.before = Together(2)
    due = [f"2026-06-01 12:{minute}" for minute in range(10, 60, 10)]
    for text in due:
        clocked.clock.now = at(text)
        assert await asyncio.gather(*(each.tick() for each in servers)) == [True, True]
    assert await clocked.keys() == [key(schedule, text) for text in due]
    assert (await clocked.now(schedule)).due_at == at("2026-06-01 13:00")
    for engine in clocked.world.servers[1:]:
        for row in (await stores[0].runs(RunFilter(), None, 100)).rows:
            await engine.settled(row.id)
    for row in (await stores[0].runs(RunFilter(), None, 100)).rows:
        assert row.status == "succeeded"
        kinds = [type(each.event).__name__ for each in await stores[0].events(row.id)]
        assert kinds.count("RunStarted") == 1
    for store in stores:
        await store.close()


# ---------------------------------------------------------------- the task


async def arrived(clocked, count=1):
    """Wait until so many runs are there."""

    async def wait():
        while len(await clocked.keys()) < count:
            await asyncio.sleep(0.005)

    await asyncio.wait_for(wait(), 30)


async def test_a_started_server_sees_to_what_was_missed_before(clocked):
    await clocked.add(catch_up=CatchUp.ONCE)
    clocked.clock.now += 10 * DAY
    clocked.schedules.start()
    await arrived(clocked)
    await clocked.schedules.stop()


async def test_a_started_server_wakes_for_a_schedule_that_is_added_later(clocked, monkeypatch):
    """The task sleeps to the earliest due time; a new schedule may come before it."""
    monkeypatch.setattr("jupyter_flows.engine.waiting.RECONCILE_SECONDS", 3600.0)
    clocked.schedules.start()
    await clocked.add("0 7 1 1 *")
    clocked.clock.now = at("2026-06-02 06:59:59.95")
    schedule = await clocked.add()
    await asyncio.sleep(0)
    clocked.clock.now = at("2026-06-02 07:00")
    await arrived(clocked)
    await clocked.schedules.stop()
    assert await clocked.keys() == [key(schedule, "2026-06-02 07:00")]


async def test_a_store_that_is_away_does_not_end_the_watch(clocked, monkeypatch):
    monkeypatch.setattr("jupyter_flows.engine.waiting.RETRY_SECONDS", 0.01)
    await clocked.add(catch_up=CatchUp.ONCE)
    clocked.clock.now += DAY
    store = clocked.world.store.schedules
    there, failed = store.next_due, asyncio.Event()
    failures = [StoreUnavailable(), RuntimeError("a defect")]

    async def away(*owners):
        if failures:
            raise failures.pop()
        failed.set()
        return await there(*owners)

    store.next_due = away
    clocked.schedules.start()
    await asyncio.wait_for(failed.wait(), 30)
    await arrived(clocked)
    await clocked.schedules.stop()


async def test_a_started_server_finds_what_another_has_added(clocked, monkeypatch):
    monkeypatch.setattr("jupyter_flows.engine.waiting.RECONCILE_SECONDS", 0.01)
    clocked.schedules.start()
    await asyncio.sleep(0)
    other = clocked.beside(clocked.world.server("srv_2"))
    clocked.schedules, started = other, clocked.schedules
    await clocked.add()
    clocked.clock.now = at("2026-06-02 07:00")
    await arrived(clocked)
    await started.stop()


async def test_only_schedules_of_the_named_owners_are_started(clocked):
    schedule = await clocked.add()
    clocked.clock.now = at("2026-06-02 07:00")
    other = clocked.beside(clocked.world.server("srv_2"), ["alice"])
    assert await other.next_due() is None
    assert await other.tick()
    assert await clocked.keys() == []
    theirs = clocked.beside(clocked.world.server("srv_3"), ["alice", "bob"])
    assert await theirs.next_due() == at("2026-06-02 07:00")
    assert await theirs.tick()
    assert await clocked.keys() == [key(schedule, "2026-06-02 07:00")]


async def test_a_server_that_never_started_its_task_can_be_stopped(clocked):
    await clocked.schedules.stop()
