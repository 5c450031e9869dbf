"""What of the checkpoints is removed, when, and what never is."""

import asyncio
import fcntl
import os

import pytest

from jupyter_flows.core.errors import CheckpointRefused, CheckpointUnusable
from jupyter_flows.core.model import RunId
from jupyter_flows.ports import Collected

from .saving import (
    HOUR,
    OTHER,
    RUN,
    age,
    blobs,
    committed,
    opened,
    path_of,
    saved,
    sha256,
    write_blob,
)

STREAMS = [(b"stream", ["df"])]
NOTHING = Collected(manifests=0, blobs=0, bytes=0)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


@pytest.fixture
def checkpoints(folder):
    return opened(folder)


# ---------------------------------------------------------------- collecting


async def test_what_is_live_stays_whatever_its_age(folder, checkpoints):
    digest = await committed(checkpoints, STREAMS, [b"buffer"])
    age(folder, 1000 * HOUR)
    assert await checkpoints.collect([RUN]) == NOTHING
    await checkpoints.verify(RUN, digest)


async def test_what_is_not_live_goes_with_the_blobs_that_it_alone_named(folder, checkpoints):
    kept = await committed(checkpoints, [(b"kept", ["x"])], [b"shared"])
    for content in (b"old", b"new"):
        await committed(checkpoints, [(content, ["x"])], [b"shared"], run=OTHER)
    age(folder, HOUR + 60)
    freed = sum(path.stat().st_size for path in folder.glob(f"manifests/{OTHER}/*")) + 6
    collected = await checkpoints.collect([RUN])
    assert collected == Collected(manifests=2, blobs=2, bytes=freed)
    assert blobs(folder) == {sha256(b"kept"), sha256(b"shared")}
    assert not (folder / "manifests" / OTHER).exists()
    await checkpoints.verify(RUN, kept)


async def test_the_runs_that_have_something_here_are_told(checkpoints):
    assert set(await checkpoints.runs()) == set()
    await committed(checkpoints, STREAMS)
    await committed(checkpoints, STREAMS, run=OTHER)
    assert set(await checkpoints.runs()) == {RUN, OTHER}
    await checkpoints.drop(RUN)
    assert set(await checkpoints.runs()) == {OTHER}


async def test_what_is_younger_than_an_hour_stays(folder, checkpoints):
    """Its digest may be on its way into the log, and a blob on its way into a manifest."""
    digest = await committed(checkpoints, STREAMS)
    write_blob(folder, b"of a save under way")
    assert await checkpoints.collect([]) == NOTHING
    age(folder, HOUR - 60)
    assert await checkpoints.collect([OTHER]) == NOTHING
    await checkpoints.verify(RUN, digest)


async def test_the_age_is_told_by_the_clock_that_was_given(folder):
    """Of manifests and blobs alike."""
    place = await opened(folder).place()
    await opened(folder).commit(RUN, place, saved(folder, STREAMS))
    then = (folder / "key").stat().st_mtime + HOUR + 60
    assert (await opened(folder, clock=lambda: then).collect([])).blobs == 1


async def test_a_blob_that_was_used_again_is_as_new(folder, checkpoints):
    await checkpoints.place()
    write_blob(folder, b"first")
    write_blob(folder, b"second")
    age(folder, HOUR + 60)
    write_blob(folder, b"first")
    assert (await checkpoints.collect([])).blobs == 1
    assert blobs(folder) == {sha256(b"first")}


async def test_what_was_left_half_written_goes_after_an_hour(folder, checkpoints):
    digest = await committed(checkpoints, STREAMS)
    shard = path_of(folder, sha256(b"stream")).parent
    halves = [shard / ".tmp123", shard / (sha256(b"stream") + ".z.new"), folder / "manifests" / RUN]
    halves[-1] /= ".half"
    halves.append(folder / "blobs" / "tmp-77-0123")
    for half in halves:
        half.write_bytes(b"half")
    assert await checkpoints.collect([RUN]) == NOTHING
    age(folder, HOUR + 60)
    assert await checkpoints.collect([RUN]) == Collected(manifests=0, blobs=0, bytes=16)
    await checkpoints.verify(RUN, digest)


async def test_a_damaged_manifest_still_keeps_what_it_names(folder, checkpoints):
    """Its file, or the key, may yet be put back."""
    await committed(checkpoints, STREAMS, [b"buffer"])
    (folder / "key").write_text("ab" * 32)
    age(folder, HOUR + 60)
    assert await checkpoints.collect([RUN]) == NOTHING
    assert len(blobs(folder)) == 2


async def test_a_manifest_that_cant_be_read_keeps_all_blobs(folder, checkpoints, monkeypatch):
    digest = await committed(checkpoints, STREAMS)
    write_blob(folder, b"loose")
    age(folder, HOUR + 60)
    path = folder / "manifests" / RUN / digest.removeprefix("sha256:")

    def unreadable(self):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.read_bytes", unreadable)
        with pytest.raises(CheckpointRefused, match="Permission denied"):
            await checkpoints.collect([RUN])
    assert len(blobs(folder)) == 2


async def test_what_is_not_ours_is_never_touched(folder, checkpoints, tmp_path):
    await checkpoints.place()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / sha256(b"x")).write_bytes(b"x")
    (elsewhere / "thesis").write_bytes(b"x")
    (folder / "blobs" / "ab").symlink_to(elsewhere)
    (folder / "manifests" / "run_9").symlink_to(elsewhere)
    (folder / "blobs" / "notes").mkdir()
    (folder / "blobs" / "notes" / "note").write_bytes(b"x")
    (folder / "blobs" / "readme").write_bytes(b"x")
    shard = folder / "blobs" / "cd"
    shard.mkdir()
    (shard / ("cd" * 32)).symlink_to(elsewhere / "thesis")
    age(tmp_path, HOUR + 60)
    assert await checkpoints.collect([]) == NOTHING
    assert await checkpoints.drop(RunId("run_9")) == NOTHING
    assert len(list(elsewhere.iterdir())) == 2


async def test_a_folder_that_is_not_there_has_nothing_to_remove(folder, checkpoints):
    assert await checkpoints.collect([]) == NOTHING
    assert await checkpoints.drop(RUN) == NOTHING
    await checkpoints.tidy()
    assert not folder.exists()


async def test_a_commit_whose_blob_was_collected_is_refused(folder, checkpoints):
    """A save that lasts for more than an hour loses; it is told, and no checkpoint lacks a blob."""
    place = await checkpoints.place()
    said = saved(folder, STREAMS)
    age(folder, HOUR + 60)
    assert (await checkpoints.collect([])).blobs == 1
    with pytest.raises(CheckpointRefused, match="is not there"):
        await checkpoints.commit(RUN, place, said)


async def test_nobody_commits_while_another_server_collects(folder, checkpoints):
    place = await checkpoints.place()
    said = saved(folder, STREAMS)
    with (folder / "lock").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        committing = asyncio.create_task(checkpoints.commit(RUN, place, said))
        collecting = asyncio.create_task(opened(folder).collect([]))
        done, _ = await asyncio.wait([committing, collecting], timeout=0.2)
        assert not done
    assert await committing
    assert await collecting == NOTHING


# ---------------------------------------------------------------- a run that has ended


async def test_what_an_ended_run_had_goes_at_once(folder, checkpoints):
    digest = await committed(checkpoints, STREAMS, [b"shared"])
    other = await committed(checkpoints, [(b"other", ["x"])], [b"shared"], run=OTHER)
    dropped = await checkpoints.drop(RUN)
    assert (dropped.manifests, dropped.blobs) == (1, 1)
    assert blobs(folder) == {sha256(b"other"), sha256(b"shared")}
    with pytest.raises(CheckpointUnusable, match="is gone"):
        await checkpoints.manifest(RUN, digest)
    await checkpoints.verify(OTHER, other)
    assert not (folder / "manifests" / RUN).exists()


async def test_its_compressed_blobs_go_too(folder, checkpoints):
    content = b"x" * 100_000
    await committed(checkpoints, [(content, ["x"])])
    age(folder, 2 * HOUR)
    await checkpoints.tidy()
    assert blobs(folder) == {sha256(content) + ".z"}
    assert (await checkpoints.drop(RUN)).blobs == 1
    assert blobs(folder) == set()


async def test_a_run_may_keep_some_of_its_checkpoints(folder, checkpoints):
    first = await committed(checkpoints, [(b"one", ["x"])], [b"shared"])
    second = await committed(checkpoints, [(b"two", ["x"])], [b"shared"])
    assert (await checkpoints.drop(RUN, [second])).manifests == 1
    await checkpoints.verify(RUN, second)
    assert blobs(folder) == {sha256(b"two"), sha256(b"shared")}
    with pytest.raises(CheckpointUnusable):
        await checkpoints.manifest(RUN, first)


async def test_while_a_save_is_under_way_the_blobs_wait_for_the_collection(folder, checkpoints):
    """The save may have found its own among them."""
    await committed(checkpoints, STREAMS)
    place = await opened(folder).place()
    said = saved(folder, STREAMS, run=OTHER)
    dropped = await checkpoints.drop(RUN)
    assert (dropped.manifests, dropped.blobs) == (1, 0)
    digest = await checkpoints.commit(OTHER, place, said)
    await checkpoints.verify(OTHER, digest)


async def test_what_waited_is_collected_after_an_hour(folder, checkpoints):
    await committed(checkpoints, STREAMS)
    place = await checkpoints.place()
    await checkpoints.drop(RUN)
    await checkpoints.abandon(place)
    assert await checkpoints.collect([]) == NOTHING
    age(folder, HOUR + 60)
    assert (await checkpoints.collect([])).blobs == 1


async def test_no_save_begins_while_a_run_is_dropped(folder, checkpoints, monkeypatch):
    await committed(checkpoints, STREAMS)
    loop, removing, go_on = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    unlink = os.unlink

    def unlinked(path, *args, **kwargs):
        if "blobs" in str(path):
            loop.call_soon_threadsafe(removing.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()
        unlink(path, *args, **kwargs)

    monkeypatch.setattr(os, "unlink", unlinked)
    dropping = asyncio.create_task(checkpoints.drop(RUN))
    await removing.wait()
    placing = asyncio.create_task(opened(folder).place())
    done, _ = await asyncio.wait([placing], timeout=0.2)
    assert not done
    go_on.set()
    assert (await dropping).blobs == 1
    await placing


async def test_a_run_without_checkpoints_drops_nothing(folder, checkpoints):
    digest = await committed(checkpoints, STREAMS)
    assert await checkpoints.drop(OTHER) == NOTHING
    await checkpoints.verify(RUN, digest)
