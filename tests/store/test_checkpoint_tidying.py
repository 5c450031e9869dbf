"""Blobs at rest are compressed, and none is lost by it."""

import asyncio
import errno
import os
import random
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flows.core.errors import CheckpointRefused, CheckpointUnusable
from jupyter_flows.store.checkpoints.blobs import CHUNK, is_content, unpacked

from .saving import HOUR, RUN, age, blake3, blobs, committed, opened, path_of, saved, sha256

TEXT = b"the same words again and again, " * 4000
PACKED = zlib.compress(TEXT)
NOISE = random.Random(1).randbytes(120_000)
LATE_NOISE = b"same" * CHUNK + random.Random(2).randbytes(20 * CHUNK)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


@pytest.fixture
def checkpoints(folder):
    return opened(folder)


async def at_rest(checkpoints, folder, *contents):
    digest = await committed(checkpoints, [(contents[0], ["df"])], contents[1:])
    age(folder, 2 * HOUR)
    return digest


async def test_a_blob_at_rest_is_compressed_and_is_what_it_was(folder, checkpoints):
    digest = await at_rest(checkpoints, folder, TEXT)
    before = path_of(folder, sha256(TEXT)).stat().st_mtime_ns
    await checkpoints.tidy()
    assert blobs(folder) == {sha256(TEXT) + ".z"}
    packed = path_of(folder, sha256(TEXT) + ".z")
    assert zlib.decompress(packed.read_bytes()) == TEXT
    assert packed.stat().st_mtime_ns == before, "it is as old as it was"
    assert packed.stat().st_mode & 0o077 == 0
    assert await checkpoints.manifest(RUN, digest)
    await checkpoints.verify(RUN, digest)


@pytest.mark.parametrize("compress_after", [None, 3 * HOUR])
async def test_nothing_is_compressed_before_its_time_or_where_nobody_wants_it(
    folder, compress_after
):
    checkpoints = opened(folder, compress_after=compress_after)
    await at_rest(checkpoints, folder, TEXT)
    await checkpoints.tidy()
    assert blobs(folder) == {sha256(TEXT)}


@pytest.mark.parametrize("content", [NOISE, b"x" * 1000, LATE_NOISE], ids=len)
async def test_what_is_not_worth_it_stays_plain(folder, checkpoints, content):
    await at_rest(checkpoints, folder, content)
    await checkpoints.tidy()
    assert blobs(folder) == {sha256(content)}


async def test_what_was_not_worth_it_is_not_tried_again(folder, checkpoints, monkeypatch):
    await at_rest(checkpoints, folder, NOISE)
    await checkpoints.tidy()

    def compress(*args):
        raise AssertionError("tried again")

    monkeypatch.setattr(zlib, "compress", compress)
    await checkpoints.tidy()


async def test_a_damaged_blob_is_said_and_not_compressed(folder, checkpoints, caplog):
    digest = await at_rest(checkpoints, folder, TEXT)
    path_of(folder, sha256(TEXT)).write_bytes(TEXT[:-1] + b"!")
    age(folder, 2 * HOUR)
    await checkpoints.tidy()
    assert blobs(folder) == {sha256(TEXT)}
    assert "is damaged" in caplog.text
    with pytest.raises(CheckpointUnusable) as unusable:
        await checkpoints.verify(RUN, digest)
    assert unusable.value.variable == "df"


async def test_a_reader_who_had_it_open_reads_on(folder, checkpoints):
    await at_rest(checkpoints, folder, TEXT)
    with path_of(folder, sha256(TEXT)).open("rb") as reader:
        await checkpoints.tidy()
        assert reader.read() == TEXT


async def test_a_saver_who_finds_it_compressed_uses_it_again(folder, checkpoints):
    await at_rest(checkpoints, folder, TEXT)
    await checkpoints.tidy()
    digest = await committed(checkpoints, [(TEXT, ["df", "x"])])
    assert blobs(folder) == {sha256(TEXT) + ".z"}
    await checkpoints.verify(RUN, digest)


async def test_a_blob_that_is_used_again_meanwhile_stays_plain(folder, checkpoints, monkeypatch):
    await at_rest(checkpoints, folder, TEXT)
    fsync = os.fsync

    def used_again(handle):
        saved(folder, [(TEXT, ["df"])])
        fsync(handle)

    monkeypatch.setattr(os, "fsync", used_again)
    await checkpoints.tidy()
    assert blobs(folder) == {sha256(TEXT)}


async def test_a_blob_that_is_removed_meanwhile_stays_removed(folder, checkpoints, monkeypatch):
    await at_rest(checkpoints, folder, TEXT)
    fsync = os.fsync

    def removed(handle):
        path_of(folder, sha256(TEXT)).unlink(missing_ok=True)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", removed)
    await checkpoints.tidy()
    assert blobs(folder) == set()


async def test_of_two_files_of_one_blob_the_plain_one_goes(folder, checkpoints):
    digest = await at_rest(checkpoints, folder, TEXT)
    path = path_of(folder, sha256(TEXT))
    path.with_name(path.name + ".z").write_bytes(zlib.compress(TEXT))
    await checkpoints.tidy()
    assert blobs(folder) == {sha256(TEXT) + ".z"}
    await checkpoints.verify(RUN, digest)


@pytest.mark.parametrize(
    "packed",
    [b"", b"xx", zlib.compress(TEXT)[:-1], zlib.compress(b"x"), zlib.compress(TEXT) + b"x"],
)
async def test_of_two_files_of_one_blob_a_damaged_one_goes(folder, checkpoints, packed, caplog):
    digest = await at_rest(checkpoints, folder, TEXT)
    path = path_of(folder, sha256(TEXT))
    path.with_name(path.name + ".z").write_bytes(packed)
    await checkpoints.tidy()
    assert blobs(folder) == {sha256(TEXT)}
    assert "was damaged" in caplog.text
    await checkpoints.tidy()
    assert blobs(folder) == {sha256(TEXT) + ".z"}
    await checkpoints.verify(RUN, digest)


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-1], lambda data: data[:9] + b"!" + data[10:]]
)
async def test_a_compressed_blob_that_is_damaged_is_named(folder, checkpoints, spoil):
    digest = await at_rest(checkpoints, folder, TEXT)
    await checkpoints.tidy()
    path = path_of(folder, sha256(TEXT) + ".z")
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(CheckpointUnusable, match=sha256(TEXT)) as unusable:
        await checkpoints.verify(RUN, digest)
    assert unusable.value.variable == "df"


async def test_an_empty_compressed_file_is_no_blob(folder, checkpoints):
    digest = await at_rest(checkpoints, folder, TEXT)
    await checkpoints.tidy()
    path_of(folder, sha256(TEXT) + ".z").write_bytes(b"")
    with pytest.raises(CheckpointUnusable, match="is empty"):
        await checkpoints.manifest(RUN, digest)


async def test_a_full_disk_is_said_and_leaves_all_as_it_was(folder, checkpoints, monkeypatch):
    digest = await at_rest(checkpoints, folder, TEXT)

    def full(handle, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(CheckpointRefused, match="is full"):
            await checkpoints.tidy()
    assert blobs(folder) == {sha256(TEXT)}
    await checkpoints.verify(RUN, digest)


async def test_one_file_that_cant_be_read_keeps_no_other_from_its_turn(
    folder, checkpoints, monkeypatch, caplog
):
    other = TEXT + b"other"
    await at_rest(checkpoints, folder, TEXT, other)
    path_of(folder, sha256(TEXT)).chmod(0)
    real = zlib.compress

    def unreadable(data, level):
        if len(data) == len(TEXT):
            raise OSError(errno.EIO, "Input/output error")
        return real(data, level)

    monkeypatch.setattr(zlib, "compress", unreadable)
    await checkpoints.tidy()
    assert blobs(folder) == {sha256(TEXT), sha256(other) + ".z"}
    assert "Input/output error" in caplog.text


def held(monkeypatch):
    """Compressing says that it is under way, and goes on when it is told to."""
    under_way, go_on = threading.Event(), threading.Event()
    real = zlib.compress

    def compress(data, level):
        under_way.set()
        go_on.wait(30)
        return real(data, level)

    monkeypatch.setattr(zlib, "compress", compress)
    return under_way, go_on


async def test_two_servers_do_not_compress_at_once(folder, checkpoints, monkeypatch):
    await at_rest(checkpoints, folder, TEXT)
    under_way, go_on = held(monkeypatch)
    first = asyncio.create_task(checkpoints.tidy())
    await asyncio.to_thread(under_way.wait, 30)
    await opened(folder).tidy()
    assert blobs(folder) == {sha256(TEXT)}
    go_on.set()
    await first
    assert blobs(folder) == {sha256(TEXT) + ".z"}


async def test_commits_go_on_while_a_blob_is_compressed(folder, checkpoints, monkeypatch):
    await at_rest(checkpoints, folder, TEXT)
    under_way, go_on = held(monkeypatch)
    tidying = asyncio.create_task(checkpoints.tidy())
    await asyncio.to_thread(under_way.wait, 30)
    await committed(checkpoints, [(b"new", ["x"])])
    go_on.set()
    await tidying


async def test_a_pass_that_is_cancelled_ends_and_the_next_one_goes_on(
    folder, checkpoints, monkeypatch
):
    digest = await at_rest(checkpoints, folder, TEXT * 40)
    under_way, go_on = threading.Event(), threading.Event()
    real = zlib.compress

    def held(data, level):
        under_way.set()
        go_on.wait(30)
        return real(data, level)

    with monkeypatch.context() as patch:
        patch.setattr(zlib, "compress", held)
        tidying = asyncio.create_task(checkpoints.tidy())
        await asyncio.to_thread(under_way.wait, 30)
        tidying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await tidying
        go_on.set()
        for thread in threading.enumerate():
            if thread.name.startswith("compress checkpoints"):
                await asyncio.to_thread(thread.join, 30)
    assert blobs(folder) == {sha256(TEXT * 40)}
    await checkpoints.tidy()
    assert blobs(folder) == {sha256(TEXT * 40) + ".z"}
    await checkpoints.verify(RUN, digest)


async def test_the_servers_own_threads_keep_their_priority(folder, checkpoints):
    await at_rest(checkpoints, folder, TEXT)
    await checkpoints.tidy()
    nice = await asyncio.to_thread(os.getpriority, os.PRIO_PROCESS, 0)
    assert nice == os.getpriority(os.PRIO_PROCESS, os.getpid())


@given(st.lists(st.tuples(st.binary(max_size=50), st.integers(1, 60_000)), max_size=5))
def test_what_was_compressed_is_read_as_it_was(tmp_path_factory, pieces):
    data = b"".join(piece * count for piece, count in pieces)
    packed = tmp_path_factory.mktemp("packed") / "blob.z"
    packed.write_bytes(zlib.compress(data))
    read = list(unpacked(packed))
    assert b"".join(read) == data
    assert max(map(len, read), default=0) <= CHUNK
    for name in (sha256(data), blake3(data)):
        assert is_content(name, read, lambda: False) is True
        assert is_content(name, [*read, b"more"], lambda: False) is False
