"""Blobs by BLAKE3 and by SHA-256 lie side by side, and are kept, checked and removed alike."""

import pytest

from jupyter_flows.core.errors import CheckpointUnusable
from jupyter_flows.store.checkpoints import hashes
from jupyter_flows.store.checkpoints.folder import Layout, digits_of, is_manifest

from .saving import HOUR, OTHER, RUN, age, blake3, blobs, committed, opened, path_of, sha256

TEXT = b"the same words again and again, " * 2000
STREAMS = [(b"stream", ["df"])]
HEX = "ab" * 32
BOTH = pytest.mark.parametrize("named", [sha256, blake3])


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


@pytest.fixture
def checkpoints(folder):
    return opened(folder)


@BOTH
async def test_what_is_committed_is_found_again(checkpoints, named):
    digest = await committed(checkpoints, STREAMS, [b"buffer"], named=named)
    found = await checkpoints.manifest(RUN, digest)
    assert found["kernel"]["streams"][0]["names"] == ["df"]
    await checkpoints.verify(RUN, digest)


@BOTH
async def test_a_blob_with_another_content_is_named(folder, checkpoints, named):
    digest = await committed(checkpoints, STREAMS, [b"buffer"], named=named)
    path_of(folder, named(b"buffer")).write_bytes(b"bUffer")
    with pytest.raises(CheckpointUnusable, match=f"{named(b'buffer')}.* has another content"):
        await checkpoints.verify(RUN, digest)


@BOTH
async def test_it_is_compressed_and_read_back(folder, checkpoints, named):
    digest = await committed(checkpoints, [(TEXT, ["df"])], named=named)
    age(folder, 2 * HOUR)
    await checkpoints.tidy()
    assert blobs(folder) == {named(TEXT) + ".z"}
    await checkpoints.verify(RUN, digest)
    await checkpoints.collect([RUN])
    assert blobs(folder) == {named(TEXT) + ".z"}
    await checkpoints.drop(RUN)
    assert blobs(folder) == set()


async def test_a_damaged_one_is_not_compressed(folder, checkpoints):
    await committed(checkpoints, [(TEXT, ["df"])], named=blake3)
    path_of(folder, blake3(TEXT)).write_bytes(TEXT[:-1] + b"!")
    age(folder, 2 * HOUR)
    await checkpoints.tidy()
    assert blobs(folder) == {blake3(TEXT)}


@BOTH
async def test_only_what_no_manifest_names_is_collected(folder, checkpoints, named):
    await committed(checkpoints, [(b"kept", ["a"])], named=sha256)
    await committed(checkpoints, [(b"kept", ["a"])], named=blake3)
    await committed(checkpoints, [(b"gone", ["a"])], run=OTHER, named=named)
    age(folder, 2 * HOUR)
    collected = await checkpoints.collect([RUN])
    assert (collected.manifests, collected.blobs) == (1, 1)
    assert blobs(folder) == {sha256(b"kept"), blake3(b"kept")}


async def test_a_damaged_manifest_keeps_its_blobs(folder, checkpoints):
    digest = await committed(checkpoints, STREAMS, named=blake3)
    path = folder / "manifests" / RUN / digest.removeprefix("sha256:")
    path.write_bytes(path.read_bytes().replace(b"blake3", b"slake3"))
    age(folder, 2 * HOUR)
    await checkpoints.collect([RUN])
    assert blobs(folder) == {blake3(b"stream")}


async def test_what_is_half_written_is_collected(folder, checkpoints):
    await committed(checkpoints, STREAMS, named=blake3)
    path = path_of(folder, blake3(b"stream"))
    for name in (f".{path.name}.z-1-0.new", path.name + ".damaged"):
        path.with_name(name).write_bytes(b"half")
    age(folder, 2 * HOUR)
    await checkpoints.collect([RUN])
    assert blobs(folder) == {path.name}


async def test_what_is_dropped_goes_at_once_of_either_hash(folder, checkpoints):
    for named in (sha256, blake3):
        await committed(checkpoints, [(b"shared", ["a"])], [named(b"own").encode()], named=named)
    await committed(checkpoints, [(b"shared", ["a"])], run=OTHER, named=blake3)
    dropped = await checkpoints.drop(RUN)
    assert (dropped.manifests, dropped.blobs) == (2, 3)
    assert blobs(folder) == {blake3(b"shared")}


async def test_usage_counts_both(checkpoints):
    await committed(checkpoints, [(b"four", ["a"])], named=sha256)
    await committed(checkpoints, [(b"six...", ["a"])], run=OTHER, named=blake3)
    usage = await checkpoints.usage()
    assert (usage.blobs, usage.runs) == (2, {RUN: 4, OTHER: 6})


@pytest.mark.parametrize(
    "name",
    [
        f"blake3-{HEX[:-2]}",
        f"blake3-{HEX}a",
        f"blake3-{HEX}\n",
        f"blake3-{HEX.upper()}",
        f"blake3-{HEX}.z",
        f"blake3-blake3-{HEX}",
        f"blake2-{HEX}",
        f"blake3{HEX}",
        f"blake3:{HEX}",
        f"blake3-../{HEX[3:]}",
        f"../blake3-{HEX}",
        f"blake3-{HEX}/..",
        f"/blake3-{HEX}",
        f"-{HEX}",
        "blake3-",
        "",
    ],
)
def test_what_is_no_name_becomes_no_path(tmp_path, name):
    with pytest.raises(ValueError, match="no name of a blob"):
        Layout(tmp_path).blob(name)


@pytest.mark.parametrize("prefix", ["", "blake3-"])
def test_a_name_becomes_a_path_below_the_folder(tmp_path, prefix):
    layout = Layout(tmp_path)
    path = layout.blob(prefix + HEX)
    assert path == tmp_path / "blobs" / f"{prefix}ab" / f"{prefix}{HEX}"
    assert set(layout.blobs_of(HEX)) >= {path, path.with_name(path.name + ".z")}


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        (HEX, HEX),
        (f"{HEX}.z", HEX),
        (f"blake3-{HEX}", HEX),
        (f"blake3-{HEX}.z", HEX),
        (f"blake3-{HEX}.damaged", None),
        (f"sha256-{HEX}", None),
        (f".blake3-{HEX}.z-1-0.new", None),
    ],
)
def test_the_digits_of_a_files_name(name, digits):
    assert digits_of(name) == digits


def test_a_manifest_has_no_name_of_a_blob():
    assert is_manifest(HEX)
    assert not is_manifest(f"blake3-{HEX}")


@BOTH
def test_a_name_matches_its_content_alone(named):
    for content, whole in ((b"abc", True), (b"abd", False)):
        hashed = hashes.new(named(b"abc"))
        hashed.update(content)
        assert hashes.matches(named(b"abc"), hashed) is whole
