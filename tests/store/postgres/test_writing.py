"""What a store writes to PostgreSQL: one trip for a step, news for others, no waiting in rings."""

import asyncio
import itertools
import re
import threading

import psycopg
import pytest
import sqlalchemy as sa

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core import events as e
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.model import StepId
from jupyter_flows.store import sql, tables
from tests.store.story import Story, kept, put, suspended

LARGE = b"x" * 300_000


def listening(url):
    """What is said on the channel from now on, when it is asked for."""
    connection = psycopg.connect(url, autocommit=True)
    connection.execute("listen jupyter_flows")

    def heard():
        connection.execute("select 1")
        return [notice.payload for notice in connection.notifies(timeout=0)]

    return heard


async def test_a_steps_commit_is_one_trip(open_postgres, tmp_path):
    store, story = open_postgres(), Story()
    await kept(store, story)
    await put(store, story.start(), epoch=1)
    output = b"outputs"
    for _ in range(2):  # the first one has the statement prepared
        told = story.tell(c.AmendOutputs(outputs={StepId("load"): await store.put(output)}))
        with (tmp_path / "trace").open("w") as trace:
            library = store._side.writer.driver().pgconn
            library.trace(trace.fileno())
            await put(store, told, epoch=1)
            library.untrace()
        output = b"other outputs"
    said = re.findall(r"\tF\t\d+\t(\w+)", (tmp_path / "trace").read_text())
    assert [word for word in said if word in ("Sync", "Query")] == ["Sync"], said
    assert await open_postgres().get(sha256(b"outputs")) == b"outputs"
    assert await open_postgres().load(story.run.id) == story.run


async def test_only_durable_commits_wait_for_the_disk(open_postgres):
    store, story = open_postgres(), Story()
    with store._engine.begin() as connection:
        for statement in (
            "create table levels (n serial, level text)",
            """create function note() returns trigger language plpgsql as $$ begin
            insert into levels (level) values (current_setting('synchronous_commit'));
            return null; end $$""",
            """create constraint trigger noting after insert on events deferrable initially
            deferred for each row execute function note()""",
        ):
            connection.exec_driver_sql(statement)
    await kept(store, story)
    await put(store, story.start(), durable=False)
    await put(store, story.finish("load"), durable=True, epoch=1)
    amended = story.tell(c.AmendOutputs(outputs={StepId("load"): sha256(b"other")}))
    await put(store, amended, durable=False, epoch=1)
    await put(store, story.finish("ask"), durable=True)
    with store._engine.connect() as connection:
        found = connection.execute(sa.text("select level from levels order by n")).scalars()
        levels = [level for level, _ in itertools.groupby(found)]
    assert levels == ["on", "off", "on", "off", "on"]


async def test_a_vote_with_its_lists_and_its_job_is_one_trip(open_postgres, tmp_path):
    box = Box()
    store = open_postgres(outbox=box)
    box.made(store)
    for number in range(2):  # the first one has the statement prepared
        story = await suspended(store, f"run_{number}")
        told = story.vote(payload={"limit": 2})
        with (tmp_path / "trace").open("w") as trace:
            library = store._side.writer.driver().pgconn
            library.trace(trace.fileno())
            await put(store, told, durable=True)
            library.untrace()
    said = re.findall(r"\tF\t\d+\t(\w+)", (tmp_path / "trace").read_text())
    assert [word for word in said if word in ("Sync", "Query")] == ["Sync"], said
    other = open_postgres()
    assert await other.load(story.run.id) == story.run
    assert (await other.row(story.run.id)).status == story.run.status
    assert await other.open_gates(10) == []
    assert box.all_told(store)[-1][1] == story.run.seq


async def test_what_was_last_seen_may_be_older_and_then_nothing_is_appended_by_it(open_store):
    one, other = open_store(), open_store()
    story = await suspended(one)
    before = await other.load(story.run.id)
    await put(one, story.vote())
    assert await other.recent(story.run.id) == before
    stale = Story()
    stale.run = before
    with pytest.raises(errors.Conflict):
        await put(other, stale.vote("eve"))
    assert await other.load(story.run.id) == story.run == await other.recent(story.run.id)


async def test_no_text_is_cut_to_its_columns_length(open_postgres):
    store = open_postgres()
    story = await suspended(store)
    with pytest.raises(errors.StoreUnavailable, match="too long"):
        await put(store, story.mint("x" * 65))


async def test_a_store_knows_what_it_has_said_itself(open_postgres, empty_postgres):
    one, other, story = open_postgres(), open_postgres(), Story()
    connection = psycopg.connect(empty_postgres, autocommit=True)
    connection.execute("listen jupyter_flows")
    await kept(one, story)
    (said,) = connection.notifies(timeout=30, stop_after=1)
    assert one.is_own(said.pid)
    await other.load(story.run.id)
    assert not other.is_own(said.pid)


@pytest.mark.parametrize("what", ["step", "begin"])
async def test_a_claim_and_an_append_at_one_time_come_one_after_the_other(open_postgres, what):
    """The append waits for the claim that is under way, and is refused then."""
    store, story = open_postgres(), Story()
    await kept(store, story)
    await put(store, story.start(), epoch=1)
    told = story.finish("load") if what == "step" else story.tell(c.LoseKernel(why="gone"))
    claiming = open_postgres()._engine.connect()
    with claiming.begin():
        claiming.execute(sa.update(tables.runs).values(epoch=2, server="srv_2"))
        appending = asyncio.create_task(put(store, told, epoch=1))
        await blocked(store)
        assert not appending.done()
    claiming.close()
    with pytest.raises(errors.Fenced):
        await appending


async def blocked(store):
    """Until somebody waits for a lock."""
    query = sa.text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
    while True:
        with store._engine.connect() as connection:
            if connection.execute(query).scalar():
                return
        await asyncio.sleep(0.01)


async def test_what_waits_too_long_for_a_lock_is_unavailable_and_goes_through_later(open_postgres):
    store, story = open_postgres(), Story()
    await kept(store, story)
    store._side.writer.driver().execute("set lock_timeout = '50ms'")
    told = story.start()
    with store._engine.begin() as connection:
        connection.execute(sa.update(tables.runs).values(server="srv_2"))
        with pytest.raises(errors.StoreUnavailable, match="lock timeout"):
            await put(store, told, epoch=1)
    await put(store, told, epoch=1)


async def test_who_loses_a_deadlock_tries_again(open_postgres):
    store, story = open_postgres(), Story()
    await kept(store, story)
    with store._engine.begin() as connection:  # a sequence is not taken back with a transaction
        for statement in (
            "create sequence tries",
            """create function fail() returns trigger language plpgsql as $$ begin
            if nextval('tries') < 3 then raise exception 'deadlock' using errcode = '40P01';
            end if; return null; end $$""",
            "create trigger failing after insert on events execute function fail()",
        ):
            connection.exec_driver_sql(statement)
    await put(store, story.start())
    assert await open_postgres().load(story.run.id) == story.run


async def test_others_hear_of_each_commit_and_of_none_that_failed(open_postgres, empty_postgres):
    store, story = open_postgres(), Story()
    heard = listening(empty_postgres)
    await kept(store, story)
    await put(store, story.start(), epoch=1)
    await put(store, story.finish("load"), epoch=1)
    seq = story.run.seq
    with pytest.raises(errors.Conflict):
        await put(store, (story.run, (await store.events(story.run.id))[-1:]), epoch=1)
    await put(store, story.finish("ask"), durable=True)
    await store.claim(story.run.id, "srv_2", 1)
    with pytest.raises(errors.Fenced):
        await store.claim(story.run.id, "srv_3", 1)
    run = story.run.id
    assert heard() == [
        f"e:{run}:1",
        f"e:{run}:3",
        f"e:{run}:{seq}",
        f"e:{run}:{story.run.seq}",
        f"c:{run}",
    ]


async def test_large_blobs_and_partial_outputs_are_there_for_every_server(open_postgres, tmp_path):
    one, other, story = open_postgres(), open_postgres(), Story()
    digest = await one.put(LARGE)
    await kept(one, story)
    await one.save_partial(story.run.id, LARGE)
    assert await other.get(digest) == LARGE
    assert await other.partial(story.run.id) == LARGE
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_many_blobs_of_many_servers_in_any_order_are_all_kept(open_postgres):
    stores = [open_postgres() for _ in range(3)]
    blobs = [b"blob %d" % n for n in range(40)]
    for number, store in enumerate(stores):
        for blob in blobs[number:] + blobs[:number]:
            await store.put(blob)
    await asyncio.gather(*(kept(s, Story(f"run_{n}")) for n, s in enumerate(stores)))
    for blob in blobs:
        assert await open_postgres().get(sha256(blob)) == blob


# ---------------------------------------------------------------- both databases


class Box:
    """An outbox that notes what it was told, and what the database holds then."""

    def __init__(self, fail=False):
        self.told = []
        self.fail = fail

    def __call__(self, connection, run, events, *, server, by_driver):
        newest = sa.select(sa.func.max(tables.events.c.seq)).where(tables.events.c.run_id == run.id)
        seq = connection.execute(newest).scalar()
        assert seq == events[-1].seq == run.seq
        self.told.append((run.status.value, seq, server, by_driver))
        if self.fail:
            raise errors.KernelUnavailable

    def statement(self, run, events, *, by_driver):
        """On PostgreSQL, where `made` has made the function."""
        values = [run.status.value, events[-1].seq, by_driver, self.fail]
        return "box(%s::text, %s::int, server, %s::bool, %s::bool)", values

    def made(self, store):
        """The database's part, where there is one."""
        if store._is_sqlite:
            return self
        with store._engine.begin() as connection:
            connection.exec_driver_sql(
                "create table box (n serial, status text, seq int, server text, by_driver bool)"
            )
            connection.exec_driver_sql(
                """create function box(text, int, text, bool, fails bool) returns int
                language plpgsql as $$ begin
                insert into box (status, seq, server, by_driver) values ($1, $2, $3, $4);
                if fails then raise 'it fails'; end if;
                return 0; end $$"""
            )
        return self

    def all_told(self, store):
        if not store._is_sqlite:
            with store._engine.begin() as connection:
                found = connection.exec_driver_sql(
                    "select status, seq, server, by_driver from box order by n"
                )
                self.told += map(tuple, found)
        return self.told


async def test_an_outbox_hears_of_events_in_their_transaction(open_store):
    box = Box()
    store, story = open_store(outbox=box), Story()
    box.made(store)
    await kept(store, story)
    await store.claim(story.run.id, "srv_2", 1)
    await put(store, story.start(), epoch=2)
    await put(store, story.finish("load"))
    assert box.all_told(store) == [
        ("queued", 1, "srv_1", False),
        ("running", 3, "srv_2", True),
        ("running", story.run.seq, "srv_2", False),
    ]


async def test_with_an_outbox_that_fails_nothing_is_written(open_store):
    box = Box()
    store, story = open_store(outbox=box), Story()
    box.made(store)
    await kept(store, story)
    box.fail = True
    told = story.start()
    with pytest.raises(errors.KernelUnavailable):
        await put(store, told)
    assert len(await open_store().events(story.run.id)) == 1
    box.fail = False
    await put(store, told)


@pytest.mark.parametrize("unowns", [True, False])
async def test_a_run_whose_kernel_was_released_is_nobodys(open_store, unowns):
    store = open_store(unowns=unowns)
    story = await suspended(store)
    told = (
        story.run,
        [e.Recorded(story.run.seq + 1, 2000.0, e.KernelReleased(checkpoint=sha256(b"all")))],
    )
    await put(store, told, epoch=1)
    row = await store.row(story.run.id)
    assert (row.server, row.epoch) == (None if unowns else "srv_1", 1)


async def test_a_run_that_no_server_has_yet_is_claimed_by_one(open_store):
    store = open_store()
    await kept(store, Story(first={"queue": "gpu"}), server=None)
    row = await store.row("run_1")
    assert (row.server, row.epoch, row.queue) == (None, 1, "gpu")
    assert await store.claim("run_1", "srv_2", 1) == 2
    assert (await store.row("run_1")).server == "srv_2"


async def test_a_database_that_does_not_answer_keeps_nobody_waiting(open_postgres, monkeypatch):
    store, story = open_postgres(), Story()
    await kept(store, story)
    goes_on = threading.Event()
    with monkeypatch.context() as patched:
        patched.setattr(sql, "ANSWER_SECONDS", 0.05)
        store._thread.submit(goes_on.wait)
        with pytest.raises(errors.StoreUnavailable, match="has not answered"):
            await store.load(story.run.id)
        with pytest.raises(errors.StoreUnavailable):
            await put(store, story.start())
    assert not store.is_own(store._side.writer.pid), "what comes of it all the same is news"
    goes_on.set()
    assert (await store.load(story.run.id)).status == "queued", "it was not asked any more"
