"""A store copied from one kind of database to the other, and back: all of it, or nothing."""

import asyncio
import re
import sqlite3
from dataclasses import replace

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from jupyter_flows.cli.main import flows as command
from jupyter_flows.cli.migrate_db import migrate_db_command
from jupyter_flows.core.audit import verify
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.errors import BadInput, StoreUnavailable
from jupyter_flows.core.model import RunId
from jupyter_flows.core.registry import RegisteredFlow, Version
from jupyter_flows.core.things import Progress, Resource, Variable
from jupyter_flows.ports import RunFilter
from jupyter_flows.store import tables
from jupyter_flows.store.blobs import SMALL
from jupyter_flows.store.bodies import LARGE as LARGE_BODY
from jupyter_flows.store.moving.copying import move
from jupyter_flows.store.moving.places import COPIED, NOT_COPIED, place_of
from jupyter_flows.store.peers import PeerFolder
from jupyter_flows.store.sql import SqlStore

from .story import Story, kept, put, suspended
from .test_schedules import WHOLE, schedule

BLOBS = [b"small", b"x" * SMALL, b"y" * (SMALL + 1), b"z" * 500_000, b""]
WAYS = [
    "sqlite to postgresql",
    "postgresql to sqlite",
    "postgresql to postgresql",
    "sqlite to sqlite",
]


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture
def ends(way, tmp_path, postgres):
    """FROM and TO as users name them; FROM is to be filled, TO is not there or has no tables."""
    databases = []

    def made(kind, name):
        if kind == "sqlite":
            return str(tmp_path / name)
        databases.append(postgres.create())
        return postgres.url(databases[-1])

    kinds = way.split(" to ")
    yield made(kinds[0], "from"), made(kinds[1], "to")
    for database in databases:
        postgres.drop(database)


def opened(said, keys):
    """The store there. Its variables' keys are the same file wherever it lies."""
    place = place_of(said)
    folder = place.folder or keys
    folder.mkdir(exist_ok=True)
    return SqlStore(place.url, folder)


@pytest.fixture
def at(tmp_path, jp_asyncio_loop):
    stores = []

    def at(said):
        stores.append(opened(said, tmp_path / "keys"))
        return stores[-1]

    yield at
    for store in stores:
        if not store._thread._shutdown:
            jp_asyncio_loop.run_until_complete(store.close())


async def filled(store):
    """Of everything some; the stories of the runs, one that waits and one that is at work."""
    waits = await suspended(store, "run_waits", required_events=2)
    file = "data:text/plain;base64," + "QUJD" * LARGE_BODY
    await put(store, waits.vote("bob", payload={"proof": file}), durable=True)
    works = Story("run_works", at=2000.0, owner="Zoë \0 \1", first={"queue": "gpu"})
    await kept(store, works, key="schedule:x")
    await put(store, works.start(), epoch=1)
    await store.claim(works.run.id, "srv_2", 1)
    for blob in BLOBS:
        await store.put(blob)
    await put(store, works.finish("load", result=3), epoch=2, durable=True)
    await store.save_partial(works.run.id, b"so far")
    for each in (WHOLE, schedule()):
        await store.schedules.add(each)
    await store.flows.put(RegisteredFlow(name="a", path="/a.ipynb", owner="bob", registered_at=1.0))
    await store.flows.note(Version(hash="0" * 16, name="a", path="/a.ipynb", notebook=b"{\0}"))
    await store.things.variables.add(Variable(path="f/a/b", value="secret", updated_at=1.0))
    await store.things.resources.add(Resource(path="f/a/c", value={"n": [1, "\0"]}))
    await store.things.set_state(RunId("run_works"), "key\0", {"n": 1})
    await store.things.set_progress("run_works.load", Progress(10, "\1", 1.0))
    return waits, works


async def told(store, stories):
    """Whatever a store can be asked."""
    runs = [story.run.id for story in stories]
    return [
        [replace(row, server=None) for row in (await store.runs(RunFilter(), None, 10)).rows],
        [await store.load(run) for run in runs],
        [await store.chain(run) for run in runs],
        await store.open_gates(10),
        await store.links(None, 10),
        await store.next_due(),
        [await store.get(sha256(blob)) for blob in BLOBS],
        [await store.partial(run) for run in runs],
        await store.schedules.schedules(),
        await store.flows.flows(),
        await store.flows.version("0" * 16),
        await store.things.variables.shared_and("u/x"),
        await store.things.resources.shared_and("u/x"),
        await store.things.states(RunId("run_works")),
        await store.things.progress("run_works.load"),
    ]


def moved(source, target, **more):
    said = []
    found = move(place_of(source), place_of(target), lambda *each: said.append(each), **more)
    assert {table for table, done, total in said if done == total} >= {t.name for t in COPIED}
    return found


async def test_all_of_a_store_is_in_the_copy_and_its_runs_go_on(ends, at, tmp_path):
    source, target = ends
    store = at(source)
    stories = await filled(store)
    before = await told(store, stories)
    await store.close()
    if place_of(source).folder:  # the keys are brought along by others
        (tmp_path / "keys").mkdir(exist_ok=True)
        keys = (tmp_path / "from" / "variable-keys").read_bytes()
    else:
        keys = (tmp_path / "keys" / "variable-keys").read_bytes()
    found = moved(source, target)
    assert (found.lost, found.broken) == ([], [])
    assert found.counts["runs"] == 2
    assert found.counts["partials"] == 1
    ((place_of(target).folder or tmp_path / "keys") / "variable-keys").write_bytes(keys)
    copy = at(target)
    assert await told(copy, stories) == before
    waits, works = stories
    assert [(await copy.row(s.run.id)).server for s in stories] == [None, None]
    assert [(await copy.row(s.run.id)).epoch for s in stories] == [1, 2]
    assert await kept(copy, Story("run_else", owner="Zoë \0 \1"), key="schedule:x") == "run_works"
    assert await copy.claim(works.run.id, "srv_3", 2) == 3
    await put(copy, works.finish("ask"), epoch=3)
    await put(copy, waits.vote("eve"), durable=True)
    for story in stories:
        assert await copy.load(story.run.id) == story.run
        assert verify(story.run.id, await copy.chain(story.run.id)).findings == ()
    assert waits.run.status == "succeeded"
    with pytest.raises(BadInput, match="TO must be empty"):
        moved(source, target)


async def test_there_and_back_again_it_is_the_same(at, tmp_path, empty_postgres):
    first, last = tmp_path / "from", tmp_path / "back"
    store = at(str(first))
    stories = await filled(store)
    before = await told(store, stories)
    await store.close()
    moved(str(first), empty_postgres)
    moved(empty_postgres, str(last))
    (last / "variable-keys").write_bytes((first / "variable-keys").read_bytes())
    assert await told(at(str(last)), stories) == before
    for folder in ("blobs", "partial"):
        files = [sorted(p.relative_to(f) for p in (f / folder).rglob("*")) for f in (first, last)]
        assert files[0] == files[1] != []


def test_every_table_is_copied_or_named_as_not_copied():
    assert {table.name for table in COPIED} | NOT_COPIED == set(tables.metadata.tables)


class Failed(Exception):
    pass


async def test_what_fails_at_its_end_leaves_nothing_behind(ends, at):
    source, target = ends
    store = at(source)
    await filled(store)
    await store.close()
    seen = []

    def carry_keys(source, target, old, connection):
        seen.append(
            connection.execute(sa.select(sa.func.count()).select_from(tables.runs)).scalar()
        )
        raise Failed

    with pytest.raises(Failed):
        moved(source, target, carry_keys=carry_keys)
    assert seen == [2]
    folder = place_of(target).folder
    if folder is not None:
        left = [path for path in folder.rglob("*") if path.is_file()]
        assert {path.name for path in left} <= {"flows.db", "flows.db-wal", "flows.db-shm"}
    assert moved(source, target).counts["runs"] == 2


async def test_damage_at_the_source_is_told_and_stays_what_it_is(at, tmp_path, empty_postgres):
    source = tmp_path / "from"
    store = at(str(source))
    waits, works = await filled(store)
    await store.close()
    with sqlite3.connect(source / "flows.db") as connection:
        connection.execute(
            "update events set body = replace(body, '3', '4')"
            " where run_id = 'run_works' and kind = 'StepSucceeded'"
        )
    digest = sha256(BLOBS[3])
    name = digest.removeprefix("sha256:")
    (source / "blobs" / name[:2] / name).write_bytes(b"something else")
    found = moved(str(source), empty_postgres)
    assert (found.lost, found.broken) == ([digest], [works.run.id])
    copy = at(empty_postgres)
    assert verify(works.run.id, await copy.chain(works.run.id)).findings != ()
    assert verify(waits.run.id, await copy.chain(waits.run.id)).findings == ()


# ---------------------------------------------------------------- refusals


async def stored(at, said):
    store = at(said)
    await kept(store, Story())
    await store.close()


async def refused(source, target):
    with pytest.raises((BadInput, StoreUnavailable)) as found:
        await asyncio.to_thread(moved, str(source), str(target))
    return str(found.value)


async def test_a_place_with_living_servers_is_refused(ends, at, tmp_path):
    source, target = ends
    await stored(at, source)
    await at(target).close()
    for said in ends:
        folder = place_of(said).folder
        if folder is not None:
            peers = PeerFolder(folder / "servers")
            peers.hold("srv_alive")
            assert "is in use by srv_alive" in await refused(source, target)
            peers.leave("srv_alive")
            continue
        engine = sa.create_engine(said.replace("://", "+psycopg://"))
        row = {"id": "srv_alive", "url": "", "public_url": "", "host": "", "pid": 1, "queues": "[]"}
        row |= {"is_lasting": True, "capacity": 1, "is_draining": False, "started_at": 1.0}
        with engine.begin() as connection:
            connection.execute(sa.insert(tables.servers), {**row, "lease_until": 9e9})
        assert "is in use by srv_alive" in await refused(source, target)
        with engine.begin() as connection:
            connection.execute(sa.update(tables.servers).values(lease_until=1.0))
        engine.dispose()
    assert moved(source, target).counts["runs"] == 1


async def test_one_place_in_two_ways_of_writing_is_refused(at, tmp_path, empty_postgres):
    await stored(at, str(tmp_path / "from"))
    (tmp_path / "link").symlink_to(tmp_path / "from")
    for other in ("from", "link", "from/flows.db"):
        assert "are one store" in await refused(tmp_path / "from", tmp_path / other)
    await stored(at, empty_postgres)
    other = empty_postgres.replace("postgresql://", "postgresql+psycopg://")
    assert "are one store" in await refused(empty_postgres, other)


async def test_what_holds_no_store_is_refused_and_stays_as_it_is(tmp_path, postgres_url, at):
    target = tmp_path / "to"
    assert "it has no flows.db" in await refused(tmp_path / "none", target)
    (tmp_path / "other").mkdir()
    with sqlite3.connect(tmp_path / "other" / "flows.db") as connection:
        connection.execute("create table theirs (n)")
    assert "holds no store of jupyter_flows" in await refused(tmp_path / "other", target)
    assert "holds no store of jupyter_flows" in await refused(postgres_url, target)
    (tmp_path / "some.txt").write_text("text")
    assert "is no data folder" in await refused(tmp_path / "some.txt", target)
    assert "must begin with postgresql://" in await refused("mysql://u:secret@host/x", target)
    assert not target.exists()


@pytest.mark.parametrize("which", ["from", "to"])
async def test_a_newer_versions_store_is_refused(at, tmp_path, empty_postgres, which):
    await stored(at, str(tmp_path / "from"))
    url = empty_postgres.replace("://", "+psycopg://")
    engine = sa.create_engine(url if which == "to" else f"sqlite:///{tmp_path}/from/flows.db")
    with engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    engine.dispose()
    assert "newer version" in await refused(tmp_path / "from", empty_postgres)


async def test_no_message_tells_a_password(at, tmp_path, postgres):
    await stored(at, str(tmp_path / "from"))
    said = await refused(tmp_path / "from", postgres.url("none").replace("@", ":Pa55w0rd@"))
    assert 'database "none" does not exist' in said
    assert "Pa55w0rd" not in said


# ---------------------------------------------------------------- the command


def test_the_command_counts_what_it_copies(jp_asyncio_loop, at, tmp_path, empty_postgres):
    jp_asyncio_loop.run_until_complete(stored(at, str(tmp_path / "from")))
    called = CliRunner().invoke(command, ["migrate-db", str(tmp_path / "from"), empty_postgres])
    assert called.exit_code == 0, called.output
    assert re.search(r"^events +1 of 1$", called.output, re.MULTILINE)
    assert "Copied and compared: 1 runs with 1 events." in called.output


def test_the_help_says_where_checkpoints_stay():
    said = CliRunner().invoke(migrate_db_command, ["--help"]).output
    assert "Checkpoints of waiting runs stay where they are" in said
