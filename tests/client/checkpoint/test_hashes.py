"""Blobs are named by BLAKE3, or by SHA-256 where Python lacks it; what either has saved loads."""

import hashlib
import shutil
import sys
import types

import blake3
import pytest

from jupyter_flows.client.checkpoint import hashes

ARRAYS = (
    "import numpy as np\na = np.arange(50_000)\nb = a[::2]\nc = np.ones(60_000)\ntext = 'x' * 10"
)
HEX = "ab" * 32


@pytest.fixture
def without(monkeypatch):
    """Python lacks BLAKE3, until it is said to have it."""
    there = sys.modules["blake3"]

    def lacks(it=True):
        monkeypatch.setitem(sys.modules, "blake3", None if it else there)

    lacks()
    return lacks


def kinds(told):
    return {kind for each in [*told["streams"], *told["blobs"]] for kind in each} - {
        "bytes",
        "names",
    }


def same(kernel, other):
    assert other.names["a"].tolist() == kernel.names["a"].tolist()
    assert other.names["c"].tolist() == kernel.names["c"].tolist()
    assert other.names["b"].base is other.names["a"]


def test_each_file_is_what_its_name_says(kernel, blobs):
    told = kernel.run(ARRAYS).save()
    assert kinds(told) == {"blake3"}
    for path in blobs():
        digits = blake3.blake3(path.read_bytes()).hexdigest()
        assert (path.parent.name, path.name) == (f"blake3-{digits[:2]}", f"blake3-{digits}")


def test_a_kernel_that_lacks_it_saves_and_loads_by_the_other(kernel, other, blobs, without):
    told = kernel.run(ARRAYS).save()
    assert kinds(told) == {"sha256"}
    for path in blobs():
        digits = hashlib.sha256(path.read_bytes()).hexdigest()
        assert (path.parent.name, path.name) == (digits[:2], digits)
    assert "error" not in other.load(told)
    same(kernel, other)


def test_what_was_saved_by_the_other_loads_where_it_is_there(kernel, other, without):
    told = kernel.run(ARRAYS).save()
    without(False)
    assert "error" not in other.load(told)
    same(kernel, other)


def test_a_folder_holds_blobs_of_both(kernel, other, blobs, without):
    old = kernel.run(ARRAYS).save()
    without(False)
    new = kernel.save()
    assert (kinds(old), kinds(new)) == ({"sha256"}, {"blake3"})
    assert len(blobs()) == 2 * len(new["streams"] + new["blobs"])
    assert kernel.save()["new_bytes"] == 0
    for told in (old, new):
        assert "error" not in other.load(told)
        same(kernel, other)


def test_a_kernel_that_lacks_it_says_what_to_do_and_loads_nothing(kernel, other, blobs, without):
    without(False)
    told = kernel.run(ARRAYS).save()
    there = blobs()
    without()
    error = other.run("kept = 1").load(told)["error"]
    assert error["name"] == "CannotCheck"
    assert "`pip install blake3`" in error["message"]
    assert sys.prefix in error["message"]
    assert "a" not in other.names
    assert other.names["kept"] == 1
    assert blobs() == there
    without(False)
    assert "error" not in other.load(told)


@pytest.mark.parametrize("phase", ["first", "all"])
def test_it_is_refused_before_a_replay_cell_runs(kernel, other, without, phase):
    without(False)
    told = kernel.run(ARRAYS).save()
    without()
    assert other.load(told, phase=phase)["error"]["name"] == "CannotCheck"


def test_one_blob_that_cant_be_checked_is_enough(kernel, other, without):
    old = kernel.run(ARRAYS).save()
    without(False)
    new = kernel.save()
    without()
    error = other.load({**old, "blobs": new["blobs"]})["error"]
    assert error["name"] == "CannotCheck"


def test_a_file_of_the_users_that_has_the_name_is_not_taken_for_it(kernel, monkeypatch):
    for found in (
        types.SimpleNamespace(),
        types.SimpleNamespace(blake3=hashlib.sha256),
        types.SimpleNamespace(blake3=lambda data: data),
        types.SimpleNamespace(blake3=None),
    ):
        monkeypatch.setitem(sys.modules, "blake3", found)
        assert kinds(kernel.run(ARRAYS).save()) == {"sha256"}


@pytest.mark.parametrize("place", [0, -1])
def test_a_flipped_byte_is_named_and_its_file_set_aside(kernel, other, blobs, place):
    told = kernel.run(ARRAYS).save()
    for path in blobs():
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)
        error = other.load(told)["error"]
        assert (error["name"], path.name in error["message"]) == ("Damaged", True)
        assert path.name.startswith("blake3-")
        assert not path.exists()
        shutil.rmtree(path.parent)
        told = kernel.save()
    assert "error" not in other.load(told)


def test_the_content_of_another_blob_is_no_content(kernel, other, blobs):
    told = kernel.run("import numpy as np\na = np.zeros(20_000)\nb = np.ones(20_000)").save()
    one, two = (hashes.place(blobs()[0].parents[1], hashes.name_in(it)) for it in told["blobs"])
    two.write_bytes(one.read_bytes())
    assert other.load(told)["error"]["name"] == "Damaged"


def test_the_same_digits_of_the_other_hash_are_another_blob(kernel, other):
    told = kernel.run(ARRAYS).save()
    swapped = [{"sha256": each["blake3"], "bytes": each["bytes"]} for each in told["blobs"]]
    assert other.load({**told, "blobs": swapped})["error"]["name"] == "Missing"


@pytest.mark.parametrize(
    ("name", "entry", "place"),
    [
        (f"blake3-{HEX}", {"blake3": HEX, "bytes": 5}, f"blake3-ab/blake3-{HEX}"),
        (HEX, {"sha256": HEX, "bytes": 5}, f"ab/{HEX}"),
    ],
)
def test_a_name_and_its_entry_say_the_same(tmp_path, name, entry, place):
    assert hashes.entry(name, 5) == entry
    assert hashes.name_in(entry) == name
    assert hashes.place(tmp_path, name) == tmp_path / place
