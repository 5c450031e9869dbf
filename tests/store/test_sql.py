"""What only a store on disk can show: durability, several writers, migrations, damage."""

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core.audit import verify
from jupyter_flows.core.canonical import chained, sha256
from jupyter_flows.core.model import RunId, StepId
from jupyter_flows.ports import RunFilter
from jupyter_flows.store import tables
from jupyter_flows.store.blobs import SMALL, Blobs
from jupyter_flows.store.bodies import LARGE as LARGE_BODY
from jupyter_flows.store.engine import (
    HEAD,
    NetworkFileSystemError,
    check_file_system,
    open_engine,
)
from jupyter_flows.store.sql import SqlStore

from .story import Story, kept, put, suspended

FULL, NORMAL = 2, 1
LARGE = b"x" * (SMALL + 1)


async def test_what_was_written_is_there_when_the_store_is_opened_again(open_store):
    first = open_store()
    story = await suspended(first)
    digest = await first.put(LARGE)
    await put(first, story.vote(), durable=True)
    second = open_store()
    assert await second.load(story.run.id) == story.run
    assert await second.get(digest) == LARGE
    assert await second.rebuild() == 1


async def test_of_two_stores_on_one_database_that_write_at_one_place_one_wins(open_store):
    stores = [open_store(), open_store()]
    story = Story()
    await kept(stores[0], story)
    for told in (story.start(), story.finish("load"), story.finish("ask")):
        done = await asyncio.gather(*(put(s, told) for s in stores), return_exceptions=True)
        assert sorted(type(each) for each in done if each) == [errors.Conflict]
    assert await stores[1].load(story.run.id) == story.run
    before = ""
    for seq, at, kind, body, found in await stores[0].chain(story.run.id):
        before = chained(before, seq, at, kind, body)
        assert found == before


async def test_two_stores_on_one_database_create_one_run_for_one_key(open_store):
    stores = [open_store(), open_store()]
    made = await asyncio.gather(
        *(kept(s, Story(f"run_{n}"), key="once") for n, s in enumerate(stores))
    )
    assert made[0] == made[1]


async def test_a_changed_row_breaks_the_chain(open_store):
    """G71"""
    store = open_store()
    story = await suspended(store)
    where = (tables.events.c.run_id == story.run.id) & (tables.events.c.kind == "StepSucceeded")
    with store._engine.begin() as connection:
        forged = sa.update(tables.events).where(where)
        connection.execute(forged.values(body=sa.func.replace(tables.events.c.body, "load", "l")))
    before, broken = "", []
    for seq, at, kind, body, found in await store.chain(story.run.id):
        if chained(before, seq, at, kind, body) != found:
            broken.append(seq)
        before = found
    assert broken


# ---------------------------------------------------------------- durability


@pytest.fixture
def levels(open_sql):
    """A store, and how each of its writing transactions stood to the disk when it was committed."""
    store, seen = open_sql(), []

    @sa.event.listens_for(store._engine, "commit")
    def _(connection):
        if connection.get_execution_options().get("writes"):
            driver = connection.connection.driver_connection
            seen.append(driver.execute("PRAGMA synchronous").fetchone()[0])

    return store, seen


async def test_a_durable_append_waits_for_the_disk_and_a_plain_one_does_not(levels):
    store, seen = levels
    story = Story()
    await kept(store, story)
    await put(store, story.start(), durable=False)
    await put(store, story.finish("load"), durable=True)
    await put(store, story.finish("ask"), durable=False)
    assert seen == [FULL, NORMAL, FULL, NORMAL]


async def test_the_database_writes_ahead_and_keeps_foreign_readers_out_of_its_way(open_sql):
    with open_sql()._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() >= 5000


async def test_blobs_are_on_the_disk_before_a_durable_append_names_them(levels, monkeypatch):
    store, seen = levels
    story = Story()
    await kept(store, story)
    synced, fsync = [], os.fsync

    def noted(handle):
        synced.append((len(seen), Path(f"/proc/self/fd/{handle}").readlink().name))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    digest = (await store.put(LARGE)).removeprefix("sha256:")
    await put(store, story.start(), durable=False)
    assert synced == []
    await put(store, story.finish("load"), durable=True)
    at_commit = 2
    assert {name for _, name in synced} == {digest, digest[:2], "blobs"}
    assert {when for when, _ in synced} == {at_commit}


# ---------------------------------------------------------------- damage


async def test_a_blob_whose_bytes_are_not_what_its_name_says_is_a_key_error(open_sql, tmp_path):
    store = open_sql()
    story = Story()
    digest = await store.put(LARGE)
    await kept(store, story)
    (file,) = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert file.read_bytes() == LARGE
    file.write_bytes(b"something else")
    with pytest.raises(KeyError):
        await store.get(digest)
    file.unlink()
    with pytest.raises(KeyError):
        await store.get(digest)


def blob_rows(folder):
    """The digests of the blobs that are committed as rows."""
    with sqlite3.connect(folder / "flows.db") as connection:
        return [digest for (digest,) in connection.execute("SELECT digest FROM blobs")]


async def test_a_small_blob_is_a_row_of_the_transaction_that_names_it(open_sql, tmp_path):
    store, story = open_sql(), Story()
    await kept(store, story)
    digests = []
    for durable, events in ((True, story.start()), (False, story.finish("load"))):
        digests.append(await store.put(b"outputs of %d" % durable))
        assert blob_rows(tmp_path) == digests[:-1]
        await put(store, events, durable=durable)
        assert sorted(blob_rows(tmp_path)) == sorted(digests)
    assert not (tmp_path / "blobs").exists()
    assert await open_sql().get(digests[1]) == b"outputs of 0"


async def test_a_small_blob_that_is_damaged_is_a_key_error(open_store):
    store = open_store()
    digest = await store.put(b"outputs")
    await kept(store, Story())
    with store._engine.begin() as connection:
        connection.execute(sa.update(tables.blobs).values(data=b"something else"))
    with pytest.raises(KeyError):
        await store.get(digest)


async def test_a_votes_files_stand_beside_its_row_and_the_chain_holds_for_them(open_sql, tmp_path):
    """G63, G71"""
    store = open_sql()
    story = await suspended(store, required_events=2)
    file = "data:text/plain;base64," + "QUJD" * LARGE_BODY
    await put(store, story.vote(payload={"proof": file}), durable=True)
    with sqlite3.connect(tmp_path / "flows.db") as connection:
        rows = connection.execute("SELECT kind, length(body) FROM events").fetchall()
    assert max(size for _, size in rows) < LARGE_BODY
    assert await open_sql().load(story.run.id) == story.run
    assert story.run.open_gate.votes[0].payload == {"proof": file}
    found = verify(story.run.id, await open_sql().chain(story.run.id))
    assert found.findings == ()
    (blob,) = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    blob.write_bytes(blob.read_bytes().replace(b"QUJD", b"QUJE", 1))
    found = verify(story.run.id, await open_sql().chain(story.run.id))
    assert [finding.seq for finding in found.findings][:1] == [story.run.seq]
    with pytest.raises(errors.LogUnreadable, match="lost"):
        await open_sql().load(story.run.id)


async def test_a_step_of_a_run_that_another_has_taken_is_fenced_and_keeps_nothing(
    open_sql, tmp_path
):
    store, story = open_sql(), Story()
    await kept(store, story)
    await put(store, story.start(), durable=False)
    await open_sql().claim(story.run.id, "another", 1)
    await store.put(b"outputs")
    with pytest.raises(errors.Fenced):
        await put(store, story.finish("load"), durable=False, epoch=1)
    assert blob_rows(tmp_path) == []


def test_blobs_that_could_not_be_synced_are_synced_the_next_time(tmp_path, monkeypatch):
    blobs = Blobs(tmp_path / "blobs")
    blobs.keep(LARGE)
    blobs.write()
    fsync, fail = os.fsync, True

    def failing(handle):
        if fail:
            raise OSError("no space")
        synced.append(handle)
        fsync(handle)

    synced = []
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="no space"):
        blobs.sync()
    fail = False
    blobs.sync()
    assert synced


def test_blobs_that_could_not_be_written_are_written_the_next_time(tmp_path):
    folder = tmp_path / "blobs"
    folder.write_text("in the way")
    blobs = Blobs(folder)
    digest = blobs.keep(LARGE)
    with pytest.raises(OSError, match="blobs"):
        blobs.write()
    folder.unlink()
    blobs.write()
    assert Blobs(folder).read(digest) == LARGE


async def test_a_database_that_cannot_be_reached_is_unavailable(open_sql, tmp_path):
    store = open_sql()
    await kept(store, Story())
    with sa.create_engine(f"sqlite:///{tmp_path / 'flows.db'}").begin() as connection:
        connection.exec_driver_sql("ALTER TABLE runs RENAME TO away")
    with pytest.raises(errors.StoreUnavailable):
        await store.runs(RunFilter(), None, 10)


def test_a_folder_that_holds_no_database_is_unavailable(tmp_path):
    (tmp_path / "flows.db").mkdir()
    with pytest.raises(errors.StoreUnavailable):
        SqlStore(f"sqlite:///{tmp_path / 'flows.db'}", tmp_path)


async def test_a_lost_row_of_the_list_comes_back_with_a_rebuild(open_store):
    store = open_store()
    story = await suspended(store)
    with store._engine.begin() as connection:
        for table in (tables.runs, tables.gates, tables.links):
            connection.execute(sa.delete(table))
    assert await store.rebuild() == 1
    assert (await store.row(RunId("run_1"))).status == "suspended"
    assert len(await store.open_gates(10)) == len(await store.links(None, 10)) == 1
    assert await store.next_due() == story.run.due_at


# ---------------------------------------------------------------- the schema


def test_the_newest_migration_makes_the_tables_as_they_are_declared(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'flows.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, tables.metadata) == []
        assert context.get_current_revision() == HEAD
    engine.dispose()


def test_the_named_head_is_the_newest_migration():
    scripts = Path(tables.__file__).parent / "migrations"
    assert ScriptDirectory(str(scripts)).get_current_head() == HEAD


def test_opening_a_database_again_leaves_it_as_it_is(tmp_path):
    url = f"sqlite:///{tmp_path / 'flows.db'}"
    open_engine(url).dispose()
    before = (tmp_path / "flows.db").read_bytes()
    open_engine(url).dispose()
    assert (tmp_path / "flows.db").read_bytes() == before


# ---------------------------------------------------------------- where it may lie


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused(tmp_path, kind):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nhost:/x {tmp_path.resolve()} {kind} rw 0 0\n")
    with pytest.raises(NetworkFileSystemError, match=r"FlowsApp\.data_dir"):
        check_file_system(tmp_path / "flows", mounts)


def test_a_local_file_system_below_a_network_one_is_fine(tmp_path):
    mounts = tmp_path / "mounts"
    home = tmp_path.resolve()
    mounts.write_text(f"host:/x {home.parent} nfs rw 0 0\n/dev/sda {home} ext4 rw 0 0\n")
    check_file_system(tmp_path / "flows", mounts)


def test_where_mounts_cannot_be_read_the_folder_is_taken(tmp_path):
    check_file_system(tmp_path, tmp_path / "no such file")


def test_a_digest_names_its_algorithm():
    assert sha256(b"").startswith("sha256:")


async def test_a_small_write_waits_in_the_thread_while_another_process_writes(open_sql, tmp_path):
    """It is done at once when nothing is in its way, and never stops the loop when something is."""
    store = open_sql()
    story = Story()
    await kept(store, story)
    await put(store, story.start())
    writing = sqlite3.connect(Path(store._engine.url.database), isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")
    appending = asyncio.create_task(put(store, story.finish("load")))
    done, _ = await asyncio.wait({appending}, timeout=0.2)
    assert not done
    writing.execute("ROLLBACK")
    writing.close()
    await appending
    assert await store.load(story.run.id) == story.run


async def test_small_writes_leave_no_endless_log_behind(open_sql):
    """Every so often one goes to the thread, where the log of the database is moved into it."""
    store = open_sql()
    story = Story()
    await kept(store, story)
    await put(store, story.start())
    wal = Path(store._engine.url.database + "-wal")
    before = None
    for _ in range(3000):
        told = story.tell(c.AmendOutputs(outputs={StepId("load"): sha256(os.urandom(8))}))
        await put(store, told)
        before = wal.stat().st_size
    assert before < 3 * 1000 * 4096


async def test_a_damaged_database_is_called_so_by_small_writes_too(open_sql, tmp_path):
    """A step's commit goes no other way for its errors than a vote's, and can be said again."""
    store, story = open_sql(), Story()
    await kept(store, story)
    await put(store, story.start(), epoch=1)
    told = story.finish("load")
    with sqlite3.connect(tmp_path / "flows.db") as connection:
        connection.execute("ALTER TABLE events RENAME TO away")
    with pytest.raises(errors.StoreUnavailable, match="no such table"):
        await put(store, told, epoch=1)
    with sqlite3.connect(tmp_path / "flows.db") as connection:
        connection.execute("ALTER TABLE away RENAME TO events")
    await put(store, told, epoch=1)
    assert await open_sql().load(story.run.id) == story.run
