"""A database that can't be reached, or could not for a while; and in which words that is said."""

import asyncio
import logging
import threading

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from jupyter_flows.core import errors
from jupyter_flows.core.canonical import chained
from jupyter_flows.ports import RunFilter
from jupyter_flows.store import tables
from jupyter_flows.store.engine import HEAD, open_engine
from jupyter_flows.store.postgres import opening
from tests.proxy import Proxy
from tests.store.story import Story, kept, put, suspended

PASSWORD = "Pa55-w0rd"


@pytest.fixture
def proxy(postgres):
    made = Proxy(postgres.folder / ".s.PGSQL.5432")
    yield made
    made.down()


@pytest.fixture
def store(opener, proxy, empty_postgres, tmp_path):
    """A store whose every word goes through the proxy."""
    name = sa.make_url(empty_postgres).database
    return opener(f"postgresql://jupyter_flows@127.0.0.1:{proxy.port}/{name}", tmp_path)


async def unbroken(store, story):
    assert await store.load(story.run.id) == story.run
    before = ""
    for seq, at, kind, body, found in await store.chain(story.run.id):
        before = chained(before, seq, at, kind, body)
        assert found == before


CALLS = {
    "step": lambda store, story: put(store, story.start(), epoch=1),
    "vote": lambda store, story: put(store, story.start(), durable=True),
    "create": lambda store, story: kept(store, Story("run_2")),
    "create with a key": lambda store, story: kept(store, Story("run_2"), key="once"),
    "claim": lambda store, story: store.claim(story.run.id, "srv_2", 1),
    "partial": lambda store, story: store.save_partial(story.run.id, b"1"),
    "list": lambda store, story: store.runs(RunFilter(), None, 10),
    "next due": lambda store, story: store.schedules.next_due(),
}


@pytest.mark.parametrize("call", CALLS)
async def test_while_the_database_is_away_it_is_unavailable_and_works_by_itself_again(
    store, proxy, call
):
    story = Story()
    await kept(store, story)
    before = story.run
    proxy.down()
    for _ in range(2):
        story.run = before
        with pytest.raises(errors.StoreUnavailable, match="The store can't be used: "):
            await CALLS[call](store, story)
    proxy.up()
    story.run = before
    await CALLS[call](store, story)
    await unbroken(store, story)


@pytest.mark.parametrize("call", CALLS)
async def test_connections_that_were_cut_while_nobody_looked_are_made_anew(
    store, postgres, empty_postgres, call
):
    story = Story()
    await kept(store, story)
    name = sa.make_url(empty_postgres).database
    with psycopg.connect(postgres.url("postgres")) as connection:
        query = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s"
        assert all(done for (done,) in connection.execute(query, [name]).fetchall())
    await CALLS[call](store, story)
    await unbroken(store, story)


@pytest.mark.parametrize(
    ("call", "last"),
    [
        ("vote", b"RunStarted"),
        ("vote", b"COMMIT"),
        ("create", b"COMMIT"),
        ("create with a key", b"COMMIT"),
    ],
)
async def test_a_commit_whose_answer_is_lost_is_neither_lost_nor_made_twice(
    store, proxy, call, last
):
    story = Story(first={"concurrency": 1, "name": "alone"})
    await kept(store, story)
    proxy.cut_after = last
    await CALLS[call](store, story)
    assert proxy.cut_after is None
    await unbroken(store, story)
    rows = (await store.runs(RunFilter(), None, 10)).rows
    assert len(rows) == (1 if call == "vote" else 2)
    for row in rows:
        assert [each.seq for each in await store.events(row.id)][:1] == [1]


async def test_a_step_whose_answer_is_lost_is_neither_lost_nor_made_twice(store, proxy):
    story = Story()
    await kept(store, story)
    await put(store, story.start(), epoch=1)
    proxy.cut_after = b"StepSucceeded"
    await put(store, story.finish("load"), epoch=1)
    assert proxy.cut_after is None
    await put(store, story.finish("ask"), epoch=1)
    await unbroken(store, story)


async def test_a_commit_whose_answer_is_lost_is_known_when_it_is_said_again(store, proxy):
    """The database was away for longer than one more try."""
    story = Story(first={"concurrency": 1, "name": "alone"})
    await kept(store, story)
    told = story.start()
    proxy.cut_after = b"COMMIT"
    proxy.refuse()
    with pytest.raises(errors.StoreUnavailable):
        await put(store, told, durable=True)
    proxy.up()
    await put(store, told, durable=True)
    with pytest.raises((errors.Conflict, errors.FlowBusy)):
        await put(store, told, durable=True)
    await unbroken(store, story)


def test_a_database_that_does_not_answer_is_given_up(proxy, empty_postgres, monkeypatch):
    monkeypatch.setitem(opening.REACH, "connect_timeout", 2)
    proxy.swallow()
    name = sa.make_url(empty_postgres).database
    with pytest.raises(errors.StoreUnavailable, match="can't be opened"):
        open_engine(f"postgresql://jupyter_flows@127.0.0.1:{proxy.port}/{name}")


# ---------------------------------------------------------------- in which words


def refused(url, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(errors.StoreUnavailable) as told:
        open_engine(url)
    said = str(told.value)
    assert PASSWORD not in said + caplog.text + repr(told.value.__cause__)
    assert "\n" not in said
    return said


def test_a_refused_login(postgres, postgres_url, caplog, monkeypatch):
    postgres.execute("create role {} login password 'another'", "locked")
    url = postgres_url.replace("jupyter_flows@", f"locked:{PASSWORD}@")
    said = refused(url, caplog, monkeypatch)
    assert said.startswith("The store postgresql://locked@")
    assert 'password authentication failed for user "locked"' in said


def test_an_unknown_host(caplog, monkeypatch):
    said = refused(f"postgresql://u:{PASSWORD}@no-such-host.invalid/x", caplog, monkeypatch)
    assert "The store postgresql://u@no-such-host.invalid/x can't be opened: " in said
    assert "could not translate host name" in said or "resolve host" in said


def test_a_missing_database(postgres, caplog, monkeypatch):
    url = postgres.url("nowhere").replace("@", f":{PASSWORD}@")
    assert 'database "nowhere" does not exist' in refused(url, caplog, monkeypatch)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{PASSWORD}@part@host/x",
        f"postgresql://u:{PASSWORD}@host:port/x",
        f"postgresql//u:{PASSWORD}@host",
    ],
)
def test_what_is_no_address(url, caplog, monkeypatch):
    said = refused(url, caplog, monkeypatch)
    assert "It is written postgresql://user@host:5432/name" in said
    assert "part" not in said.replace("each", "")


def test_a_server_that_is_too_old(postgres_url, caplog, monkeypatch):
    monkeypatch.setattr(opening, "OLDEST", 99)
    said = refused(postgres_url, caplog, monkeypatch)
    assert "it is of PostgreSQL 1" in said
    assert "99 or newer is needed" in said


def test_texts_in_another_encoding(postgres, caplog, monkeypatch):
    statement = "create database {} template template0 encoding 'SQL_ASCII' locale 'C'"
    if psycopg.connect(postgres.url("postgres")).info.server_version >= 150000:
        statement += " locale_provider libc"
    postgres.execute(statement, "ascii")
    try:
        assert "SQL_ASCII" in refused(postgres.url("ascii"), caplog, monkeypatch)
    finally:
        postgres.drop("ascii")


@pytest.mark.parametrize(
    ("version", "said"), [("9999", "newer version"), ("ab12cd34", "another program's")]
)
def test_tables_that_are_not_ours(empty_postgres, version, said, caplog, monkeypatch):
    with sa.create_engine(opening.make_engine(empty_postgres).url).begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = :v"), {"v": version})
    assert said in refused(empty_postgres, caplog, monkeypatch)


def test_without_its_driver_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(errors.StoreUnavailable, match=r"jupyter-flows\[postgres\]"):
        opening.make_engine("postgresql://host/name")


def test_the_address_goes_before_what_we_ask_of_the_network(postgres_url):
    engine = open_engine(postgres_url + "&application_name=mine&options=-c%20work_mem%3D8MB")
    with engine.connect() as connection:
        for name, value in (
            ("application_name", "mine"),
            ("work_mem", "8MB"),
            ("lock_timeout", "10s"),
            ("transaction_isolation", "read committed"),
        ):
            assert connection.exec_driver_sql(f"show {name}").scalar() == value
    engine.dispose()


# ---------------------------------------------------------------- the tables


def test_servers_that_begin_at_once_make_the_tables_once(postgres_url):
    failed, begin = [], threading.Barrier(4)

    def opened():
        begin.wait()
        try:
            open_engine(postgres_url).dispose()
        except Exception as error:  # noqa: BLE001 (it is shown)
            failed.append(error)

    threads = [threading.Thread(target=opened) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    engine = open_engine(postgres_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, tables.metadata) == []
        assert context.get_current_revision() == HEAD
    engine.dispose()


async def test_all_of_a_story_goes_through_a_network(store):
    story = await suspended(store)
    await asyncio.gather(*(store.put(b"%d" % n) for n in range(50)))
    await put(store, story.vote(), durable=True)
    await unbroken(store, story)
