"""What a kernel's checkpointer writes is what is committed, compressed and restored."""

import json
import os
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_flows.client import checkpoint
from jupyter_flows.core.errors import CheckpointRefused

from .saving import HOUR, RUN, age, blobs, opened

TABLE = b"month,sum\n" * 50_000


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


@pytest.fixture
def checkpoints(folder):
    return opened(folder)


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # a shell puts its own
    return InteractiveShell


def asked(place, **more):
    return json.dumps(
        {
            "folder": place.folder,
            "limit_bytes": place.limit_bytes,
            "budget_seconds": None,
            "exclude": [],
            "drop_unsaved": False,
            **more,
        }
    )


def saved_by(shell, place):
    told = checkpoint.save(asked(place), shell).told
    assert "error" not in told, told
    return {"format": 1, "run": RUN, "covers": ["s1"], "kernel": told}


def loaded_by(shell, folder, manifest):
    said = {"folder": str(folder), "kernel": manifest["kernel"], "phase": "all", "dry": False}
    return checkpoint.load(json.dumps(said), shell).told


async def test_a_kernels_variables_are_committed_compressed_and_restored(
    folder, checkpoints, shell
):
    first, second = shell(), shell()
    first.user_ns |= {"table": bytearray(TABLE), "month": 11}
    place = await checkpoints.place(RUN)
    digest = await checkpoints.commit(RUN, place, saved_by(first, place))
    age(folder, 2 * HOUR)
    before = sum(file.stat().st_size for file in folder.glob("blobs/*/*"))
    await checkpoints.tidy()
    assert sum(file.stat().st_size for file in folder.glob("blobs/*/*")) < before / 2
    await checkpoints.verify(RUN, digest)
    manifest = await checkpoints.manifest(RUN, digest)
    assert "error" not in loaded_by(second, folder, manifest)
    assert (second.user_ns["table"], second.user_ns["month"]) == (TABLE, 11)


async def test_what_a_kernel_has_saved_before_is_used_again_though_compressed(
    folder, checkpoints, shell
):
    kernel = shell()
    kernel.user_ns["table"] = bytearray(TABLE)
    place = await checkpoints.place(RUN)
    await checkpoints.commit(RUN, place, saved_by(kernel, place))
    age(folder, 2 * HOUR)
    await checkpoints.tidy()
    packed = {name for name in blobs(folder) if name.endswith(".z")}
    assert packed
    kernel.user_ns["month"] = 12
    place = await checkpoints.place(RUN)
    digest = await checkpoints.commit(RUN, place, saved_by(kernel, place))
    assert packed <= blobs(folder)
    await checkpoints.collect([RUN])
    await checkpoints.verify(RUN, digest)


async def test_what_a_kernel_left_half_written_is_collected(folder, checkpoints, shell):
    """A kernel that is killed while it writes: its file has a name of its own kind."""
    place = await checkpoints.place(RUN)
    writer = checkpoint.saving.Blobs(place.folder, None, None)
    with writer.file() as (handle, path):
        os.write(handle, b"half")
        left = path.read_bytes()
    path.write_bytes(left)
    await checkpoints.abandon(place)
    age(folder, 2 * HOUR)
    assert (await checkpoints.collect([])).bytes == 4
    assert not path.exists()


async def test_a_kernel_that_writes_too_much_for_its_place_is_told(folder, shell):
    checkpoints = opened(folder, max_bytes=1000)
    kernel = shell()
    kernel.user_ns["table"] = bytearray(TABLE)
    place = await checkpoints.place(RUN)
    told = checkpoint.save(asked(place), kernel).told
    assert told["error"]["name"] == "TooLarge"
    with pytest.raises(CheckpointRefused):
        await checkpoints.commit(RUN, place, {**told, "format": 1, "run": RUN, "covers": []})
    assert blobs(folder) == set()
