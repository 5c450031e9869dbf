"""The log as it stands in a database that somebody has changed (G71)."""

import sqlite3

import pytest

from jupyter_flows.core.audit import verify

from .story import put, suspended


@pytest.fixture
def damage(tmp_path):
    """`damage(sql, values)`: as somebody with a database tool, beside the open store."""

    def damage(statement, *values):
        connection = sqlite3.connect(tmp_path / "flows.db")
        with connection:
            assert connection.execute(statement, values).rowcount
        connection.close()

    return damage


async def findings(store, run):
    return [str(finding) for finding in verify(run, await store.chain(run)).findings]


async def told(open_sql):
    store = open_sql()
    story = await suspended(store)
    await put(store, story.vote("bob", payload={"n": 1}), durable=True)
    return store, story.run.id


async def test_a_log_of_either_store_is_good(store):
    story = await suspended(store)
    await put(store, story.vote("bob"))
    assert await findings(store, story.run.id) == []


@pytest.mark.parametrize("place", [0, 10, 25, -2])
@pytest.mark.parametrize("bit", [0x01, 0x80])
@pytest.mark.parametrize("column", ["kind", "body", "hash"])
async def test_one_bit_of_a_stored_text_is_found_also_where_it_is_no_text_then(
    open_sql, damage, column, bit, place
):
    """G71"""
    store, run = await told(open_sql)
    (row,) = [row for row in await store.chain(run) if row[2] == "VoteCast"]
    raw = bytearray(row[["seq", "at", "kind", "body", "hash"].index(column)].encode())
    raw[place % len(raw)] ^= bit
    damage(f"update events set {column} = cast(? as text) where seq = ?", bytes(raw), row[0])
    said = await findings(store, run)
    assert any(f"row {row[0]}:" in finding for finding in said)


@pytest.mark.parametrize(
    "statement",
    [
        "update events set at = at + 1 where seq = 2",
        "update events set at = 'soon' where seq = 2",
        "update events set at = 9e999 where seq = 2",
        "update events set body = x'00ff' where seq = 2",
        "update events set body = 7 where seq = 2",
        "update events set seq = 70 where seq = 7",
        "update events set seq = seq + 100",
        "delete from events where seq = 1",
        "delete from events where seq = 3",
        "insert into events select run_id, 99, at, kind, body, hash from events where seq = 3",
        "update events set run_id = 'another' where seq = 2",
    ],
)
async def test_what_a_database_tool_can_do_is_found(open_sql, damage, statement):
    """G71"""
    store, run = await told(open_sql)
    damage(statement)
    assert await findings(store, run) != []


async def test_a_large_body_beside_its_row_is_found_when_it_is_damaged_or_lost(
    open_sql, damage, tmp_path
):
    """G63, G71"""
    store = open_sql()
    story = await suspended(store)
    await put(store, story.vote("bob", payload={"text": "x" * 200_000}), durable=True)
    run = story.run.id
    assert await findings(store, run) == []
    (blob,) = [file for file in (tmp_path / "blobs").rglob("*") if file.is_file()]
    whole = blob.read_bytes()
    (row,) = [row[0] for row in await store.chain(run) if row[2] == "VoteCast"]
    blob.chmod(0o600)
    blob.write_bytes(whole.replace(b"xxx", b"xyx", 1))
    assert any(said.startswith(f"row {row}:") for said in await findings(store, run))
    blob.unlink()
    assert any(said.startswith(f"row {row}:") for said in await findings(store, run))
