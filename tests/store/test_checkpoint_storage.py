"""Checkpoints in a storage of fsspec, as servers and the kernel's checkpointer have it: in memory,
and in a real S3 server.
"""

import asyncio
import functools
import json
import logging
import sys
import time
import types
import uuid

import fsspec
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jupyter_flows.client import checkpoint
from jupyter_flows.core.errors import CheckpointRefused, CheckpointUnusable, StorageUnavailable
from jupyter_flows.store.checkpoints import CheckpointBucket, listing, manifests, storage
from jupyter_flows.store.checkpoints.key import shared_key

from ..s3 import bucket, options, s3_server  # noqa: TID252 (the tests are no installed package)
from .saving import OTHER, RUN

LARGE = "__import__('numpy').arange(50_000)"


@pytest.fixture(scope="module")
def s3_url():
    with s3_server() as url:
        yield url


@pytest.fixture(params=["memory", "s3"])
def place(request):
    """Address and options."""
    name = uuid.uuid4().hex
    if request.param == "memory":
        return f"memory://{name}", {}
    url = request.getfixturevalue("s3_url")
    bucket(url, name)
    return f"s3://{name}/prefix", options(url)


@pytest.fixture
def files(place):
    """The storage as another client sees it: a file system and the path in it."""
    url, said = place
    return fsspec.core.url_to_fs(url, skip_instance_cache=True, **said)


@pytest.fixture
def open_storage(place, tmp_path):
    def opened(**more):
        url, said = place
        given = {"max_bytes": 10**9, "budget": 0, "log": logging.getLogger("checkpoints"), **more}
        given.setdefault("key", shared_key("", tmp_path / "checkpoints.key"))
        return CheckpointBucket(url, said, given.pop("key"), **given)

    return opened


@pytest.fixture
def checkpoints(open_storage):
    return open_storage()


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # a shell puts its own
    config = Config({"HistoryManager": {"enabled": False}})
    return functools.partial(InteractiveShell, config=config)


@pytest.fixture
def all_is_old(monkeypatch):
    """What was written just now counts as an hour old."""
    monkeypatch.setattr(listing, "HOUR", -1.0)
    monkeypatch.setattr(storage, "HOUR", -1.0)


def told_of(where, **more):
    return {"url": where.url, "options": where.options, "ticket": where.ticket, **more}


def saved_by(kernel, place):
    asked = {"folder": told_of(place.folder), "limit_bytes": place.limit_bytes}
    return checkpoint.save(json.dumps(asked), kernel).told


def loaded_by(kernel, checkpoints, manifest, **more):
    where = told_of(checkpoints.folder)
    asked = {"folder": where, "kernel": manifest["kernel"], "phase": "all", "dry": False, **more}
    return checkpoint.load(json.dumps(asked), kernel).told


async def committed(checkpoints, kernel, run=RUN):
    """A checkpoint of the kernel, in the course that a suspension takes: its digest."""
    place = await checkpoints.place(run)
    told = await asyncio.to_thread(saved_by, kernel, place)
    assert "error" not in told, told
    manifest = {"format": 1, "run": run, "covers": ["s1"], "kernel": told}
    return await checkpoints.commit(run, place, manifest)


def lying(files, below="blobs"):
    system, root = files
    system.invalidate_cache()
    return sorted(path for path in system.find(root) if f"/{below}/" in path)


def kernel_with(shell, source):
    kernel = shell()
    kernel.run_cell(source)
    return kernel


async def test_what_is_saved_is_restored_and_nothing_is_left_beside(checkpoints, shell, files):
    kernel = kernel_with(shell, f"big = {LARGE}\nrows = {{'a': [1]}}\nsame = rows['a']")
    digest = await committed(checkpoints, kernel)
    manifest = await checkpoints.manifest(RUN, digest)
    await checkpoints.verify(RUN, digest)
    other = shell()
    assert "error" not in await asyncio.to_thread(loaded_by, other, checkpoints, manifest)
    seen = other.user_ns
    assert (seen["big"][-1], seen["rows"], seen["same"] is seen["rows"]["a"]) == (
        49_999,
        {"a": [1]},
        True,
    )
    assert lying(files, "saving") == []
    assert await checkpoints.runs() == {RUN}
    usage = await checkpoints.usage()
    assert (usage.manifests, usage.blobs) == (1, len(lying(files)))
    assert usage.runs[RUN] > 400_000


async def test_what_has_not_changed_is_not_sent_again(checkpoints, shell, files):
    kernel = kernel_with(shell, f"big = {LARGE}")
    await committed(checkpoints, kernel)
    before = lying(files)
    place = await checkpoints.place(RUN)
    told = await asyncio.to_thread(saved_by, kernel, place)
    await checkpoints.abandon(place)
    assert told["new_bytes"] < 10_000, "the array is there"
    assert set(before) <= set(lying(files))


async def test_the_key_is_not_in_the_storage(checkpoints, shell, files, tmp_path):
    await committed(checkpoints, kernel_with(shell, "x = 1"))
    key = (tmp_path / "checkpoints.key").read_text().strip()
    system, root = files
    everything = b"".join(system.cat_file(path) for path in system.find(root))
    assert everything
    assert key.encode() not in everything
    assert bytes.fromhex(key) not in everything


async def test_servers_with_one_secret_read_each_others(open_storage, shell, tmp_path):
    one, two = (open_storage(key=shared_key("one secret", tmp_path / name)) for name in ("a", "b"))
    digest = await committed(one, kernel_with(shell, "x = 1"))
    assert (await two.manifest(RUN, digest))["run"] == RUN
    assert not list(tmp_path.glob("[ab]"))


async def test_another_servers_seal_is_refused(open_storage, shell, tmp_path):
    digest = await committed(open_storage(), kernel_with(shell, "x = 1"))
    with pytest.raises(CheckpointUnusable, match="with another key"):
        await open_storage(key=shared_key("another", tmp_path / "b")).manifest(RUN, digest)


# ---------------------------------------------------------------- damage


def flipped(files, below):
    """One bit of each object there."""
    system, _ = files
    for path in lying(files, below):
        data = bytearray(system.cat_file(path))
        data[len(data) // 2] ^= 1
        system.pipe_file(path, bytes(data))


async def test_a_flipped_bit_of_a_blob_is_found_and_the_blob_is_set_aside(
    checkpoints, shell, files
):
    kernel = kernel_with(shell, "x = 'a' * 1000")
    digest = await committed(checkpoints, kernel)
    manifest = await checkpoints.manifest(RUN, digest)
    flipped(files, "blobs")
    with pytest.raises(CheckpointUnusable, match="another content than was saved"):
        await checkpoints.verify(RUN, digest)
    other = shell()
    error = (await asyncio.to_thread(loaded_by, other, checkpoints, manifest))["error"]
    assert error["name"] == "Damaged"
    assert "x" not in other.user_ns
    assert [path[-8:] for path in lying(files)] == [".damaged"]
    await checkpoints.verify(RUN, await committed(checkpoints, kernel))


async def test_a_flipped_bit_of_a_manifest_is_found_before_it_is_parsed(
    checkpoints, shell, files, monkeypatch
):
    digest = await committed(checkpoints, kernel_with(shell, "x = 1"))
    flipped(files, "manifests")
    monkeypatch.setattr(manifests, "json", None)
    with pytest.raises(CheckpointUnusable, match="another content than was written"):
        await checkpoints.manifest(RUN, digest)


async def test_a_blob_that_is_gone_is_named(checkpoints, shell, files):
    digest = await committed(checkpoints, kernel_with(shell, "x = 1"))
    manifest = await checkpoints.manifest(RUN, digest)
    system, _ = files
    for path in lying(files):
        system.rm_file(path)
    with pytest.raises(CheckpointUnusable, match=r"the variables x \(.* is not there"):
        await checkpoints.manifest(RUN, digest)
    error = (await asyncio.to_thread(loaded_by, shell(), checkpoints, manifest))["error"]
    assert error["name"] == "Missing"


async def test_what_a_kernel_only_says_that_it_saved_is_refused(checkpoints, shell, files):
    place = await checkpoints.place(RUN)
    told = await asyncio.to_thread(saved_by, kernel_with(shell, "x = 1"), place)
    system, _ = files
    for path in lying(files):
        system.rm_file(path)
    manifest = {"format": 1, "run": RUN, "covers": [], "kernel": told}
    with pytest.raises(CheckpointRefused, match="is not there"):
        await checkpoints.commit(RUN, place, manifest)
    assert lying(files, "manifests") == lying(files, "saving") == []


# ---------------------------------------------------------------- collecting


@pytest.mark.usefixtures("all_is_old")
async def test_of_a_run_that_is_over_all_goes_and_of_others_nothing(checkpoints, shell, files):
    kept = await committed(checkpoints, kernel_with(shell, "x = 1"), OTHER)
    own = set(lying(files))
    await committed(checkpoints, kernel_with(shell, "y = 2"))
    system, root = files
    system.pipe_file(f"{root}/blobs/readme", b"not ours")
    found = await checkpoints.collect([OTHER])
    assert (found.manifests, found.blobs) == (1, 1)
    assert set(lying(files)) == own | {f"{root}/blobs/readme".removeprefix("memory:/")}
    await checkpoints.verify(OTHER, kept)
    assert await checkpoints.runs() == {OTHER}


async def test_what_is_young_stays(checkpoints, shell, files):
    await committed(checkpoints, kernel_with(shell, "x = 1"))
    assert (await checkpoints.collect([])).manifests == 0
    assert len(lying(files)) == 1


@pytest.mark.usefixtures("all_is_old")
async def test_nothing_is_removed_while_a_save_is_under_way(checkpoints, shell, files, monkeypatch):
    monkeypatch.setattr(storage, "WAITS", 0.0)
    kernel = kernel_with(shell, "x = 1")
    await committed(checkpoints, kernel)
    await checkpoints.drop(RUN)
    place = await checkpoints.place(RUN)
    told = await asyncio.to_thread(saved_by, kernel, place)
    assert told["new_bytes"] == 0, "it has found its content there"
    assert (await checkpoints.collect([])).blobs == 0
    manifest = {"format": 1, "run": RUN, "covers": [], "kernel": told}
    digest = await checkpoints.commit(RUN, place, manifest)
    await checkpoints.verify(RUN, digest)
    await checkpoints.drop(RUN)
    assert (await checkpoints.collect([])).blobs == 1
    assert lying(files) == []


async def test_a_save_waits_for_a_collection_and_does_not_wait_for_ever(
    checkpoints, monkeypatch, files
):
    monkeypatch.setattr(storage, "WAITS", 0.0)
    system, root = files
    system.pipe_file(f"{root}/collecting/somebody", b"")
    with pytest.raises(CheckpointRefused, match="is being removed"):
        await checkpoints.place(RUN)
    assert lying(files, "saving") == []


async def test_a_save_that_waits_for_a_collection_is_none_that_this_waits_for(
    checkpoints, files, monkeypatch
):
    system, root = files
    system.pipe_file(f"{root}/collecting/somebody", b"")
    marked = []

    def sleep(_):
        marked.append(lying(files, "saving"))
        system.rm_file(f"{root}/collecting/somebody")

    clock = types.SimpleNamespace(monotonic=time.monotonic, sleep=sleep)
    monkeypatch.setattr(storage, "time", clock)
    place = await checkpoints.place(RUN)
    assert marked == [[]]
    assert len(lying(files, "saving")) == 1
    await checkpoints.abandon(place)
    assert lying(files, "saving") == []


@pytest.mark.usefixtures("all_is_old")
async def test_the_marks_of_the_dead_do_not_count(checkpoints, shell, files, monkeypatch):
    monkeypatch.setattr(storage, "LONGEST_SAVE", -1.0)
    monkeypatch.setattr(storage, "LONGEST_COLLECTION", 60.0)
    system, root = files
    system.pipe_file(f"{root}/saving/somebody", b"")
    await committed_blob(files)
    assert (await checkpoints.collect([])).blobs == 2
    assert lying(files) == lying(files, "saving") == []


async def committed_blob(files):
    system, root = files
    name = "ab" * 32
    system.pipe_file(f"{root}/blobs/{name[:2]}/{name}", b"x")


# ---------------------------------------------------------------- limits


async def test_what_is_too_large_is_refused_by_the_kernel(open_storage, shell, files):
    place = await open_storage(max_bytes=1000).place(RUN)
    told = await asyncio.to_thread(saved_by, kernel_with(shell, f"big = {LARGE}"), place)
    assert told["error"]["name"] == "TooLarge"
    assert lying(files) == []


async def test_the_budget_is_for_all_together(open_storage, shell):
    checkpoints = open_storage(budget=1_000_000)  # what a kernel imports is saved, too
    await committed(checkpoints, kernel_with(shell, "text = 'a' * 900_000"))
    limit = (await checkpoints.place(OTHER)).limit_bytes
    assert 0 < limit < 100_000
    assert (await checkpoints.place(RUN)).limit_bytes > 900_000, "its own goes for it"
    await committed(open_storage(), kernel_with(shell, "text = 'b' * 900_000"), OTHER)
    with pytest.raises(CheckpointRefused, match="checkpoint_budget"):
        await checkpoints.place(None)


# ---------------------------------------------------------------- out of reach


async def test_a_storage_out_of_reach_is_said_and_holds_nothing_to_be_damaged(s3_url, tmp_path):
    said = options("http://127.0.0.1:9")
    said["config_kwargs"] = {"retries": {"max_attempts": 0}}
    checkpoints = CheckpointBucket(
        "s3://saved",
        said,
        shared_key("", tmp_path / "key"),
        max_bytes=1,
        budget=0,
        log=logging.getLogger("checkpoints"),
    )
    with pytest.raises(CheckpointRefused, match=r"s3://saved can't be used"):
        await checkpoints.place(RUN)
    with pytest.raises(StorageUnavailable, match=r"s3://saved can't be used"):
        await checkpoints.manifest(RUN, "sha256:" + "0" * 64)


async def test_a_kernel_that_sees_another_storage_says_so(checkpoints, shell, place):
    where = {**told_of((await checkpoints.place(RUN)).folder), "url": place[0] + "/elsewhere"}
    told = checkpoint.save(json.dumps({"folder": where}), kernel_with(shell, "x = 1")).told
    assert told["error"]["name"] == "CannotReach"
    assert "not what the server finds there" in told["error"]["message"]


def test_a_kernel_without_the_package_is_told_what_to_install(shell, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    known = sys.modules["fsspec.registry"]._registry
    monkeypatch.delitem(known, "s3", raising=False)
    where = {"url": "s3://saved", "options": {}, "ticket": "t"}
    told = checkpoint.save(json.dumps({"folder": where}), shell()).told
    assert told["error"]["name"] == "CannotReach"
    assert "`pip install s3fs`" in told["error"]["message"]
    assert sys.prefix in told["error"]["message"]


def test_no_secret_is_in_what_a_kernel_says(shell):
    said = {"client_kwargs": {"endpoint_url": "http://127.0.0.1:9/top-secret"}}
    said["config_kwargs"] = {"retries": {"max_attempts": 0}}
    where = {"url": "s3://saved", "options": said, "ticket": "t"}
    told = checkpoint.save(json.dumps({"folder": where}), shell()).told
    assert told["error"]["message"].startswith("The storage s3://saved can't be used from this")
    assert "top-secret" not in told["error"]["message"]
