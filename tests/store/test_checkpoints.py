"""Checkpoints on disk: a place for the kernel, a commit, and what is read again."""

import asyncio
import errno
import fcntl
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_flows.core.errors import CheckpointRefused, CheckpointUnusable
from jupyter_flows.core.model import Digest, RunId

from .saving import (
    GB,
    OTHER,
    RUN,
    Disk,
    blobs,
    committed,
    manifest,
    manifests,
    opened,
    path_of,
    saved,
    sha256,
)

STREAMS = [(b"stream", ["df", "x"])]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data" / "checkpoints"


@pytest.fixture
def checkpoints(folder):
    return opened(folder)


def mode(path):
    return stat.S_IMODE(Path(path).stat().st_mode)


# ---------------------------------------------------------------- a place


async def test_the_folder_is_made_at_first_need_and_private(folder, checkpoints):
    assert not folder.exists()
    place = await checkpoints.place()
    assert place.folder == str(folder)
    assert {mode(path) for path in (folder, folder / "blobs", folder / "manifests")} == {0o700}
    assert mode(folder / "key") == 0o600


async def test_a_folder_that_was_open_to_others_is_shut_and_that_is_said(
    folder, checkpoints, caplog
):
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    with caplog.at_level(logging.WARNING):
        await checkpoints.place()
    assert mode(folder) == 0o700
    assert str(folder) in caplog.text
    caplog.clear()
    await checkpoints.place()
    assert caplog.text == ""


async def test_a_key_that_others_could_read_is_shut(folder, checkpoints):
    await checkpoints.place()
    (folder / "key").chmod(0o644)
    await checkpoints.place()
    assert mode(folder / "key") == 0o600


async def test_a_folder_with_other_files_is_left_as_it_is(folder, checkpoints):
    folder.mkdir(parents=True)
    (folder / "thesis.tex").write_text("")
    folder.chmod(0o755)
    with pytest.raises(CheckpointRefused, match=r"holds other files \(thesis.tex\)"):
        await checkpoints.place()
    assert mode(folder) == 0o755
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]


async def test_the_key_that_another_process_is_about_to_make_is_no_other_file(folder, checkpoints):
    folder.mkdir(parents=True)
    (folder / "key.4711.new").write_text("")
    await checkpoints.place()
    assert (folder / "key").exists()


async def test_a_symbolic_link_to_a_folder_of_ours_serves(folder, checkpoints, tmp_path):
    (tmp_path / "disk").mkdir()
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "disk")
    digest = await committed(checkpoints, STREAMS)
    assert await checkpoints.manifest(RUN, digest)
    assert mode(tmp_path / "disk") == 0o700


async def test_a_symbolic_link_that_leads_nowhere_is_refused(folder, checkpoints, tmp_path):
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "none")
    with pytest.raises(CheckpointRefused, match=str(folder)):
        await checkpoints.place()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")
async def test_a_folder_of_another_user_is_refused(folder, checkpoints):
    folder.mkdir(parents=True)
    os.chown(folder, 12345, -1)
    with pytest.raises(CheckpointRefused, match="belongs to another user"):
        await checkpoints.place()


async def test_a_folder_that_cant_be_written_is_refused(folder, checkpoints, monkeypatch):
    await checkpoints.place()
    monkeypatch.setattr(os, "access", lambda path, how: False)
    with pytest.raises(CheckpointRefused, match="can't be written"):
        await checkpoints.place()


async def test_a_file_in_the_place_of_the_folder_is_refused(folder, checkpoints):
    folder.parent.mkdir()
    folder.write_text("")
    with pytest.raises(CheckpointRefused, match=str(folder)):
        await checkpoints.place()


@pytest.mark.parametrize(
    ("limits", "disk", "expected"),
    [
        ({}, Disk(100 * GB, 90 * GB), 10 << 30),
        ({"max_bytes": 5}, Disk(100 * GB, 90 * GB), 5),
        ({}, Disk(100 * GB, 21 * GB), GB),
        ({"min_free": 0}, Disk(100 * GB, 7 * GB), 7 * GB),
        ({"budget": GB}, Disk(100 * GB, 90 * GB), GB),
        ({"budget": 3 * GB}, Disk(100 * GB, 22 * GB), 2 * GB),
    ],
)
async def test_a_checkpoint_may_have_what_the_tightest_limit_leaves(folder, limits, disk, expected):
    place = await opened(folder, **limits, disk=lambda folder: disk).place()
    assert place.limit_bytes == expected


async def test_a_disk_that_is_nearly_full_is_refused_with_figures_and_settings(folder):
    checkpoints = opened(folder, disk=lambda folder: Disk(100 * GB, 19 * GB))
    with pytest.raises(CheckpointRefused) as refused:
        await checkpoints.place()
    said = str(refused.value)
    for part in (str(folder), "19 GB", "20 %", "100 GB", "checkpoint_min_free", "checkpoint_dir"):
        assert part in said


async def test_a_budget_that_is_used_up_is_refused_with_the_setting(folder):
    await committed(opened(folder), [(b"x" * 5000, ["x"])])
    checkpoints = opened(folder, budget=5000)
    with pytest.raises(CheckpointRefused, match=r"5 kB in all \(FlowsApp.checkpoint_budget\)"):
        await checkpoints.place(OTHER)


async def test_what_a_run_has_saved_before_is_not_counted_against_it(folder):
    """It is used again at its next gate, where nothing new is written."""
    await committed(opened(folder), [(b"x" * 5000, ["x"])])
    checkpoints = opened(folder, budget=6000)
    assert (await checkpoints.place(OTHER)).limit_bytes < 1000
    assert 5000 < (await checkpoints.place(RUN)).limit_bytes < 6000
    full = opened(folder, disk=lambda folder: Disk(10_000, 1000))
    assert (await full.place(RUN)).limit_bytes == 4000


# ---------------------------------------------------------------- a commit


async def test_what_was_committed_is_read_again(folder, checkpoints):
    place = await checkpoints.place(RUN)
    said = saved(folder, STREAMS, [b"buffer"])
    digest = await checkpoints.commit(RUN, place, said)
    assert await opened(folder).manifest(RUN, digest) == said
    path = folder / "manifests" / RUN / digest.removeprefix("sha256:")
    line, body = path.read_bytes().split(b"\n")
    assert len(line) == 64
    assert sha256(body) == path.name
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700


async def test_the_same_content_may_be_committed_twice(folder, checkpoints):
    first = await committed(checkpoints, STREAMS)
    assert await committed(checkpoints, STREAMS) == first
    assert len(manifests(folder)) == 1


async def test_runs_share_what_is_alike(folder, checkpoints):
    await committed(checkpoints, STREAMS, [b"buffer"])
    await committed(checkpoints, STREAMS, [b"buffer"], run=OTHER)
    assert len(blobs(folder)) == 2
    assert len(manifests(folder)) == 2


async def test_a_blob_that_is_not_there_is_refused(folder, checkpoints):
    place = await checkpoints.place()
    said = manifest([{"sha256": "ab" * 32, "bytes": 3, "names": ["df"]}])
    with pytest.raises(CheckpointRefused, match=r"df \(3 B, blob abab.*is not there"):
        await checkpoints.commit(RUN, place, said)
    assert manifests(folder) == set()


@pytest.mark.parametrize("content", [b"", b"strea", b"stream+"])
async def test_a_blob_of_another_size_is_refused(folder, checkpoints, content):
    place = await checkpoints.place()
    said = saved(folder, STREAMS)
    path_of(folder, sha256(b"stream")).write_bytes(content)
    with pytest.raises(CheckpointRefused, match=f"has {len(content)} bytes instead of 6"):
        await checkpoints.commit(RUN, place, said)


async def test_an_out_of_band_buffer_that_is_not_there_is_refused(folder, checkpoints):
    place = await checkpoints.place()
    said = saved(folder, STREAMS, [b"buffer"])
    path_of(folder, sha256(b"buffer")).unlink()
    with pytest.raises(CheckpointRefused, match="a buffer"):
        await checkpoints.commit(RUN, place, said)


GOOD = {"sha256": "ab" * 32, "bytes": 0, "names": []}
BLAKE3 = {"blake3": "ab" * 32, "bytes": 0, "names": []}


@pytest.mark.parametrize(
    "stream",
    [
        {**GOOD, "sha256": "../../../../etc/passwd"},
        {**GOOD, "sha256": "../" * 20 + "ab" * 2},
        {**GOOD, "sha256": "AB" * 32},
        {**GOOD, "sha256": "ab" * 32 + "\n"},
        {**GOOD, "sha256": "ab" * 31},
        {**GOOD, "sha256": "ab" * 32 + ".z"},
        {**GOOD, "sha256": None},
        {**GOOD, "sha256": 5},
        {**GOOD, "blake3": "ab" * 32},
        {**GOOD, "blake3": None},
        {**BLAKE3, "sha256": None},
        {**BLAKE3, "blake3": "blake3-" + "ab" * 32},
        {**BLAKE3, "blake3": "../" * 20 + "ab" * 2},
        {**BLAKE3, "blake3": "AB" * 32},
        {**BLAKE3, "blake3": "ab" * 32 + "\n"},
        {**BLAKE3, "blake3": "ab" * 31},
        {**BLAKE3, "blake3": 5},
        {"md5": "ab" * 32, "bytes": 0, "names": []},
        {"bytes": 0, "names": []},
        {"name": "blake3-" + "ab" * 32, "bytes": 0, "names": []},
        {**GOOD, "bytes": -1},
        {**GOOD, "bytes": "0"},
        {**GOOD, "bytes": True},
        {**GOOD, "bytes": 0.5},
        {**GOOD, "names": "df"},
        {**GOOD, "names": [1]},
        {"sha256": "ab" * 32, "bytes": 0},
        "ab" * 32,
        None,
    ],
)
async def test_a_stream_that_is_none_is_refused(folder, checkpoints, stream):
    place = await checkpoints.place()
    with pytest.raises(CheckpointRefused, match="What the kernel says that it saved"):
        await checkpoints.commit(RUN, place, manifest([stream]))
    assert manifests(folder) == set()


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"format": "1"},
        {"run": OTHER},
        {"run": None},
        {"covers": "step"},
        {"covers": None},
        {"kernel": {}},
        {"kernel": None},
        {"kernel": {"streams": [], "blobs": {}}},
        {"kernel": {"streams": [GOOD] * 3, "blobs": []}},
        {"kernel": {"streams": [], "blobs": [], "seconds": float("nan")}},
        {"kernel": {"streams": [], "blobs": [], "cwd": "\ud800"}},
        {"kernel": {"streams": [], "blobs": [], "cwd": b"bytes"}},
    ],
)
async def test_a_manifest_that_is_none_is_refused(folder, checkpoints, change):
    place = await checkpoints.place()
    with pytest.raises(CheckpointRefused, match="What the kernel says that it saved"):
        await checkpoints.commit(RUN, place, {**manifest([]), **change})
    assert manifests(folder) == set()


async def test_a_manifest_of_endless_depth_is_refused(checkpoints):
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    place = await checkpoints.place()
    said = manifest([])
    with pytest.raises(CheckpointRefused):
        await checkpoints.commit(RUN, place, {**said, "kernel": {**said["kernel"], "names": deep}})


@pytest.mark.parametrize("run", ["..", "../run_1", "run/1", "", "run_1\n", ".", "run_1\0", "ä"])
async def test_an_id_that_is_none_becomes_no_path(folder, checkpoints, run):
    place = await checkpoints.place()
    with pytest.raises(CheckpointRefused, match="is no id of a run"):
        await checkpoints.commit(RunId(run), place, manifest([], run=run))
    digest = await committed(checkpoints, STREAMS)
    with pytest.raises(CheckpointUnusable, match="is no id of a run"):
        await checkpoints.manifest(RunId(run), digest)
    assert (await checkpoints.drop(RunId(run))).manifests == 0
    assert {path.name for path in folder.parent.iterdir()} == {"checkpoints"}


async def test_a_folder_that_vanished_before_the_commit_is_said_to_be_gone(folder, checkpoints):
    place = await checkpoints.place()
    said = saved(folder, STREAMS)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(CheckpointRefused, match=f"{folder} is gone"):
        await checkpoints.commit(RUN, place, said)
    assert (await checkpoints.place()).folder == str(folder), "the next one finds it made anew"


@pytest.mark.parametrize("missing", ["key", "manifests"])
async def test_a_part_of_the_folder_that_vanished_is_a_refusal(folder, checkpoints, missing):
    place = await checkpoints.place()
    said = saved(folder, STREAMS)
    (folder / missing).rename(folder.with_name(missing))
    with pytest.raises(CheckpointRefused, match="can't be used"):
        await checkpoints.commit(RUN, place, said)


async def test_a_damaged_key_signs_nothing(folder, checkpoints):
    place = await checkpoints.place()
    said = saved(folder, STREAMS)
    (folder / "key").write_text("abcd")
    with pytest.raises(CheckpointRefused, match=r"key file of checkpoints .* is damaged"):
        await checkpoints.commit(RUN, place, said)


FULL = """
import asyncio, resource, signal, sys
sys.path[:0] = [sys.argv[2]]
from tests.store.saving import RUN, opened, saved
from jupyter_flows.core.errors import CheckpointRefused

async def full():
    checkpoints = opened(sys.argv[1])
    place = await checkpoints.place()
    said = saved(place.folder, [(b"stream", ["df"])])
    said["kernel"]["names"] = {"long" * 1000: {}}
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    try:
        await checkpoints.commit(RUN, place, said)
    except CheckpointRefused as refused:
        print(refused)

asyncio.run(full())
"""


def test_a_file_that_can_grow_no_more_is_a_refusal_that_leaves_nothing(folder):
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", FULL, str(folder), str(root)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "is full" in ran.stdout
    assert "checkpoint_dir" in ran.stdout
    assert manifests(folder) == set()


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "open", "mkdir"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
async def test_what_the_disk_refuses_is_a_refusal_that_leaves_nothing(
    folder, checkpoints, monkeypatch, call, number
):
    place = await checkpoints.place()
    said = saved(folder, STREAMS)

    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(CheckpointRefused, match=os.strerror(number)):
            await checkpoints.commit(RUN, place, said)
    assert manifests(folder) == set()
    assert await checkpoints.commit(RUN, place, said), "and it can be tried again"


# ---------------------------------------------------------------- what is read again


@pytest.fixture
def digest(checkpoints, jp_asyncio_loop):
    return jp_asyncio_loop.run_until_complete(committed(checkpoints, STREAMS, [b"buffer"]))


def manifest_path(folder, digest, run=RUN):
    return folder / "manifests" / run / digest.removeprefix("sha256:")


async def test_any_byte_that_is_another_is_refused(folder, checkpoints, digest):
    path = manifest_path(folder, digest)
    whole = path.read_bytes()
    for place in range(len(whole)):
        for flip in (0x01, 0x80, whole[place] ^ 0x0A):
            if flip:
                changed = whole[place] ^ flip
                path.write_bytes(whole[:place] + bytes([changed]) + whole[place + 1 :])
                with pytest.raises(CheckpointUnusable, match=r"damaged|another key"):
                    await checkpoints.manifest(RUN, digest)


async def test_any_byte_that_is_lost_or_added_is_refused(folder, checkpoints, digest):
    path = manifest_path(folder, digest)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place])
        with pytest.raises(CheckpointUnusable):
            await checkpoints.manifest(RUN, digest)
        path.write_bytes(whole[:place] + b"\n" + whole[place:])
        with pytest.raises(CheckpointUnusable):
            await checkpoints.manifest(RUN, digest)


async def test_nothing_is_parsed_before_the_seal_is_verified(
    folder, checkpoints, digest, monkeypatch
):
    path = manifest_path(folder, digest)
    path.write_bytes(b"0" * 64 + b"\n" + path.read_bytes().partition(b"\n")[2])

    def parsed(text):
        raise AssertionError("parsed")

    monkeypatch.setattr("json.loads", parsed)
    with pytest.raises(CheckpointUnusable, match="made with another key"):
        await checkpoints.manifest(RUN, digest)


async def test_a_manifest_that_a_kernel_wrote_by_itself_is_refused(folder, checkpoints, digest):
    _, body = manifest_path(folder, digest).read_bytes().split(b"\n")
    forged = body.replace(b"step", b"gate")
    path = manifest_path(folder, Digest(f"sha256:{sha256(forged)}"))
    path.write_bytes(b"ab" * 32 + b"\n" + forged)
    with pytest.raises(CheckpointUnusable, match="another key"):
        await checkpoints.manifest(RUN, Digest(f"sha256:{path.name}"))


async def test_a_checkpoint_of_one_run_is_none_of_another(folder, checkpoints, digest):
    path = manifest_path(folder, digest, OTHER)
    path.parent.mkdir()
    path.write_bytes(manifest_path(folder, digest).read_bytes())
    with pytest.raises(CheckpointUnusable, match="of the run 'run_1'"):
        await checkpoints.manifest(OTHER, digest)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder, path: path.unlink(), "of the run run_1 is gone"),
        (lambda folder, path: folder.rename(f"{folder}_away"), "folder .* is gone"),
        (lambda folder, path: (folder / "key").unlink(), "key file .* is gone"),
        (lambda folder, path: (folder / "key").write_text("xyz"), "key file .* gone, or damaged"),
        (lambda folder, path: (folder / "key").write_text("ab" * 32), "made with another key"),
        (lambda folder, path: path.write_bytes(b""), "is damaged"),
        (lambda folder, path: path.write_bytes(b"\n"), "is damaged"),
        (lambda folder, path: os.truncate(path, 1 << 40), "is damaged: it is too large"),
        (lambda folder, path: (path.unlink(), path.mkdir()), "can't be read"),
        (lambda folder, path: (path.unlink(), path.symlink_to("/dev/zero")), "can't be read"),
        (lambda folder, path: (path.unlink(), os.mkfifo(path)), "is no file"),
    ],
)
async def test_what_is_wrong_with_a_checkpoint_is_said(folder, checkpoints, digest, spoil, says):
    spoil(folder, manifest_path(folder, digest))
    with pytest.raises(CheckpointUnusable, match=says) as unusable:
        await checkpoints.manifest(RUN, digest)
    assert unusable.value.variable is None


@pytest.mark.parametrize("digest_like", ["", "sha256:", "ab" * 32, "sha256:" + "../" * 20, "md5:a"])
async def test_what_is_no_digest_becomes_no_path(checkpoints, digest_like):
    await checkpoints.place()
    with pytest.raises(CheckpointUnusable, match="is no digest"):
        await checkpoints.manifest(RUN, Digest(digest_like))


async def test_a_link_in_the_place_of_a_blob_is_none(folder, checkpoints, digest):
    for path in folder.glob("blobs/*/*"):
        path.rename(folder / path.name)
        path.symlink_to(folder / path.name)
    with pytest.raises(CheckpointUnusable, match="is not there"):
        await checkpoints.manifest(RUN, digest)


async def test_a_missing_blob_is_named_with_its_variables(folder, checkpoints, digest):
    path_of(folder, sha256(b"stream")).unlink()
    with pytest.raises(CheckpointUnusable, match=r"df, x .*is not there") as unusable:
        await checkpoints.manifest(RUN, digest)
    assert unusable.value.variable is None


async def test_a_missing_blob_of_one_variable_names_that_one(folder, checkpoints):
    digest = await committed(checkpoints, [(b"stream", ["df"]), (b"second", ["x", "y"])])
    path_of(folder, sha256(b"stream")).write_bytes(b"stre")
    with pytest.raises(CheckpointUnusable, match="has 4 bytes instead of 6") as unusable:
        await checkpoints.manifest(RUN, digest)
    assert unusable.value.variable == "df"


async def test_another_server_with_the_same_folder_reads_the_checkpoint(folder, digest):
    assert await opened(folder).manifest(RUN, digest)


async def test_servers_that_start_together_have_one_key(folder):
    servers = [opened(folder) for _ in range(8)]
    await asyncio.gather(*(server.place() for server in servers))
    digest = await committed(servers[0], STREAMS)
    for server in servers:
        assert await server.manifest(RUN, digest)


# ---------------------------------------------------------------- every byte


async def test_a_whole_checkpoint_is_found_whole(checkpoints, digest):
    await checkpoints.verify(RUN, digest)


@pytest.mark.parametrize("content", [b"stream", b"buffer"])
async def test_a_damaged_blob_is_named(folder, checkpoints, digest, content):
    path_of(folder, sha256(content)).write_bytes(b"xxxxxx")
    assert await checkpoints.manifest(RUN, digest), "a look at its size does not tell"
    with pytest.raises(CheckpointUnusable, match="has another content") as unusable:
        await checkpoints.verify(RUN, digest)
    assert sha256(content) in str(unusable.value)


async def test_a_blob_that_is_gone_is_named(folder, checkpoints, digest):
    path_of(folder, sha256(b"buffer")).unlink()
    with pytest.raises(CheckpointUnusable, match=r"a buffer .* is not there"):
        await checkpoints.verify(RUN, digest)


# ---------------------------------------------------------------- figures


async def test_the_use_of_the_disk_is_told_by_run_and_in_all(folder, checkpoints):
    empty = await checkpoints.usage()
    assert (empty.bytes, empty.blobs, empty.manifests, empty.runs) == (0, 0, 0, {})
    await committed(checkpoints, [(b"x" * 1000, ["x"])], [b"y" * 500])
    await committed(checkpoints, [(b"z" * 100, ["z"])], [b"y" * 500], run=OTHER)
    path_of(folder, "ab" * 32).parent.mkdir(exist_ok=True)
    (path_of(folder, "ab" * 32).parent / ".half").write_bytes(b"h" * 7)
    used = await checkpoints.usage()
    assert (used.blobs, used.manifests) == (3, 2)
    assert used.runs == {RUN: 1500, OTHER: 600}
    listed = sum(path.stat().st_size for path in folder.glob("manifests/*/*"))
    assert used.bytes == 1600 + 7 + listed


# ---------------------------------------------------------------- saves under way


def saving(folder):
    """Whether a save is under way, as another server would see it."""
    with (folder / "saving").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


async def test_a_save_is_under_way_from_its_place_to_its_commit(folder, checkpoints):
    place = await checkpoints.place()
    assert saving(folder)
    await checkpoints.commit(RUN, place, saved(folder, STREAMS))
    assert not saving(folder)
    await checkpoints.abandon(place)


async def test_a_save_that_is_refused_or_given_up_is_over(folder, checkpoints):
    place = await checkpoints.place()
    with pytest.raises(CheckpointRefused):
        await checkpoints.commit(RUN, place, {})
    assert not saving(folder)
    await checkpoints.abandon(await checkpoints.place())
    assert not saving(folder)


async def test_one_of_two_saves_ends_without_the_other(folder, checkpoints):
    first, second = await checkpoints.place(), await checkpoints.place()
    await checkpoints.abandon(first)
    assert saving(folder)
    await checkpoints.abandon(first)
    assert saving(folder)
    await checkpoints.abandon(second)
    assert not saving(folder)


async def test_one_who_no_longer_waits_for_a_place_has_none(folder, checkpoints):
    await checkpoints.abandon(await checkpoints.place())
    with (folder / "lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        asked = asyncio.create_task(checkpoints.place())
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
    await asyncio.to_thread(lambda: None)
    while saving(folder) or checkpoints._saves:
        await asyncio.sleep(0.01)
