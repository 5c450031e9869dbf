"""What is checked before anything is bound, and in which order things are bound."""

import errno
import random
import types
import zlib
from pathlib import Path

import numpy as np
import pytest

from jupyter_flows.client import flows
from jupyter_flows.client.checkpoint import chance, reading

STATE = """
import random
import numpy as np
a = np.arange(50_000.)
view = a[10:]
words = ["one", "two"]
def first(): return words[0]
"""


def test_all_comes_back_with_its_aliases(kernel, other):
    told = kernel.run(STATE).save()
    answer = other.load(told)
    assert answer["loaded"] == len(told["names"])
    other.run("view[0] = -1; words[0] = 'changed'")
    assert other.names["a"][10] == -1
    assert other.names["first"]() == "changed"
    assert kernel.names["a"][10] == 10


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("where", [0, 0.5, -1])
def test_a_flipped_byte_is_refused_and_nothing_is_loaded(kernel, other, blobs, which, where):
    told = kernel.run(STATE).save()
    path = blobs()[which]
    content = bytearray(path.read_bytes())
    content[int(where * len(content)) if where >= 0 else -1] ^= 1
    path.write_bytes(content)
    before = set(other.names)
    assert other.load(told)["error"]["name"] == "Damaged"
    assert set(other.names) == before


@pytest.mark.parametrize("size", [-1, 1])
def test_a_blob_of_another_length_is_refused(kernel, other, blobs, size):
    told = kernel.run(STATE).save()
    for path in blobs():
        content = path.read_bytes()
        path.write_bytes(content[:size] if size < 0 else content + b"x")
    assert other.load(told)["error"]["name"] == "Damaged"


def test_a_blob_that_is_gone_is_named(kernel, other, blobs):
    told = kernel.run(STATE).save()
    blobs()[0].unlink()
    error = other.load(told)["error"]
    assert error["name"] == "Missing"
    assert blobs()[0].name not in error["message"]


def compress(paths):
    for path in paths:
        path.with_name(path.name + ".z").write_bytes(zlib.compress(path.read_bytes()))
        path.unlink()


def test_compressed_blobs_are_read(kernel, other, blobs):
    told = kernel.run(STATE).save()
    compress(blobs())
    assert "error" not in other.load(told)
    assert other.names["a"][-1] == 49_999


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: text[:50] + b"\0" * 99])
def test_a_damaged_compressed_blob_is_refused(kernel, other, blobs, damage):
    told = kernel.run(STATE).save()
    compress(blobs())
    for path in blobs():
        path.write_bytes(damage(path.read_bytes()))
    assert other.load(told)["error"]["name"] == "Damaged"


@pytest.mark.parametrize("compressed", [False, True])
def test_a_damaged_blob_is_written_anew_by_the_next_save(kernel, other, blobs, compressed):
    told = kernel.run(STATE).save()
    if compressed:
        compress(blobs())
    (path, *_) = blobs()
    path.write_bytes(b"x" * path.stat().st_size)
    assert other.load(told)["error"]["name"] == "Damaged"
    assert not path.exists()
    again = kernel.save()
    assert again["new_bytes"] > 0
    assert "error" not in other.load(again)
    assert other.names["a"][-1] == 49_999


def test_a_blob_that_the_system_does_not_give_stays_where_it_is(kernel, other, blobs, monkeypatch):
    told, there = kernel.run(STATE).save(), blobs()

    def refused(path, flags):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(reading, "_not_through_a_link", refused)
        assert other.load(told)["error"]["name"] == "Unreadable"
    assert blobs() == there
    assert "error" not in other.load(told)


FAILS = """
good = 1
class Sour:
    def __init__(self): self.x = 1
    def __setstate__(self, state): raise RuntimeError("not like this")
bad = Sour()
more = 2
"""


@pytest.mark.parametrize("meanwhile", ["compressed", "written anew"])
def test_a_blob_may_be_compressed_or_written_anew_while_it_is_looked_for(
    kernel, other, blobs, monkeypatch, meanwhile
):
    told, opens = kernel.run(STATE).save(), reading._not_through_a_link
    if meanwhile == "written anew":
        compress(blobs())

    def open_too_late(path, flags):
        if meanwhile == "compressed" and not path.endswith(".z"):
            compress([Path(path)])
        elif meanwhile == "written anew" and path.endswith(".z") and Path(path).exists():
            Path(path).with_suffix("").write_bytes(zlib.decompress(Path(path).read_bytes()))
            Path(path).unlink()
        return opens(path, flags)

    monkeypatch.setattr(reading, "_not_through_a_link", open_too_late)
    assert other.load(told)["loaded"] == len(told["names"])


@pytest.mark.parametrize("end", ["", ".z"])
def test_a_blob_that_is_a_link_is_refused(kernel, other, blobs, tmp_path, end):
    told = kernel.run(STATE).save()
    (path, *_) = blobs()
    path.unlink()
    path.with_name(path.name + end).symlink_to("/dev/zero")
    assert other.load(told)["error"]["name"] == "Damaged"


def test_a_variable_that_cant_be_made_is_named_and_none_is_bound(kernel, other):
    told = kernel.run(FAILS).save()
    before = dict(other.names)
    error = other.load(told)["error"]
    assert (error["name"], error["variable"]) == ("NotRestored", "bad")
    assert "not like this" in error["message"]
    assert other.names == before


def test_random_states_and_the_execution_count_come_back(kernel, other):
    kernel.shell.execution_count = 7
    kernel.run(STATE + "random.seed(3); np.random.seed(4); rng = np.random.default_rng(5)")
    told = kernel.save()
    draw = "drawn = random.random(), float(np.random.rand()), float(rng.random())"
    expected = kernel.run(draw).names["drawn"]
    random.seed()
    other.load(told)
    assert other.run(draw).names["drawn"] == expected
    assert other.shell.execution_count == 7


def test_a_dry_run_binds_nothing(kernel, other):
    told = kernel.run(STATE).save()
    before = dict(other.names)
    assert other.load(told, dry=True)["loaded"] == len(told["names"])
    assert other.names == before


def test_a_dry_run_finds_what_comes_back_as_something_else(kernel, other):
    source = "class Turns:\n    def __reduce__(self): return int, (3,)\nx = Turns()"
    told = kernel.run(source).save()
    error = other.load(told, dry=True)["error"]
    assert (error["name"], error["variable"]) == ("NotRestored", "x")
    assert "comes back as a int" in error["message"]


def test_sums_of_pieces_that_dont_fit_are_refused(kernel, other):
    told = kernel.run(STATE).save()
    told["buffers"] = [1]
    assert other.load(told)["error"]["name"] == "Damaged"


# ---------------------------------------------------------------- replay cells

CONNECTING = """
class Connection:
    def __init__(self, number): self.number = number
    def __reduce__(self): raise TypeError("cannot pickle 'Connection' object")
settings = {"number": 1}
con = Connection(settings["number"])
pool = [con]
cursors = {}
class Row: pass
"""
REST = """
class Job:
    def __init__(self, con): self.con = con
job = Job(con)
shared = [1, 2]
holds = {"pool": pool, "shared": shared}
row = Row()
def query(): return con.number
kinds = (Row, shared)
"""


@pytest.fixture
def replaying(monkeypatch):
    """The flow says which names a replay cell has bound."""
    names = ["Connection", "con", "pool", "cursors", "Row"]
    monkeypatch.setattr(type(flows._flow), "replayed", {"connect": names})


def test_what_holds_something_that_a_replay_cell_binds_comes_second(kernel, replaying):
    told = kernel.run(CONNECTING + REST).save()
    assert told["unsaved"] == []
    assert told["replayed"] == ["Connection", "con", "pool", "cursors", "Row"]
    first, second = (each["names"] for each in told["streams"])
    assert first == ["settings", "Job", "shared", "query"]
    assert second == ["job", "holds", "row", "kinds"]


def test_a_restore_in_two_phases_refers_to_what_the_replay_cell_bound(kernel, other, replaying):
    told = kernel.run(CONNECTING + REST).save()
    assert other.load(told, phase="first")["loaded"] == 4
    assert "job" not in other.names
    other.run(CONNECTING.replace('{"number": 1}', '{"number": 2}'))
    assert other.load(told, phase="second")["loaded"] == 4
    names = types.SimpleNamespace(**other.names)
    assert names.job.con is names.con
    assert names.holds["pool"] is names.pool
    assert names.holds["shared"] is names.shared is names.kinds[1]
    assert type(names.row) is names.Row is names.kinds[0]
    assert names.query() == 2


def test_a_name_that_the_replay_cell_does_not_bind_again_is_missed(kernel, other, replaying):
    told = kernel.run(CONNECTING + REST).save()
    other.load(told, phase="first")
    other.run(CONNECTING + "del pool")
    error = other.load(told, phase="second")["error"]
    assert (error["name"], error["variable"]) == ("NotRestored", "pool")
    assert "job" not in other.names


def test_a_dry_run_needs_no_replay_cell(kernel, other, replaying):
    told = kernel.run(CONNECTING + REST).save()
    assert other.load(told, dry=True)["loaded"] == 8


def test_a_replay_cell_that_did_not_bind_a_name_is_an_error(kernel, other, replaying):
    told = kernel.run(CONNECTING + REST).save()
    other.load(told, phase="first")
    error = other.load(told, phase="second")["error"]
    assert error["name"] == "NotRestored"
    assert "No cell tagged `replay` has bound" in error["message"]


def test_the_second_phase_needs_the_first(kernel, other, replaying):
    told = kernel.run(CONNECTING + REST).save()
    assert other.load(told, phase="second")["error"]["name"] == "Damaged"


def test_without_replay_cells_there_is_one_stream_for_both_phases(kernel, other):
    told = kernel.run(STATE).save()
    assert len(told["streams"]) == 1
    other.load(told, phase="first")
    assert other.load(told, phase="second")["loaded"] == 0


PLANTS = """
class Plants:
    def __init__(self):
        self.n = 1
    def __setstate__(self, state):
        import __main__
        __main__.x = "planted"
        __main__.more = 1
        raise SystemExit
x = 1
plants = Plants()
"""


def test_names_bound_while_loading_fails_are_as_they_were(kernel, other):
    told = kernel.run(PLANTS).save()
    other.run("x = 'mine'")
    before = dict(other.names)
    error = other.load(told)["error"]
    assert error["variable"] == "plants"
    assert "SystemExit" in error["message"]
    assert other.names == before


def test_a_variable_that_comes_back_as_another_type_is_refused(kernel, other):
    told = kernel.run("x = 1").save()
    told["names"]["x"]["type"] = "str"
    assert other.load(told)["error"]["variable"] == "x"
    assert "x" not in other.names


PCG = """
import numpy as np
bits = np.random.PCG64(3)
np.random.set_bit_generator(bits)
np.random.standard_normal()
expected = None
"""


def test_numpys_own_generator_goes_on_with_the_bit_generator_it_was_given(kernel, other, recwarn):
    was = np.random.get_bit_generator()
    try:
        told = kernel.run(PCG).save()
        kernel.run("drawn = np.random.random(3).tolist()")
        np.random.set_bit_generator(was)
        assert other.load(told, dry=True) != {}
        assert np.random.get_bit_generator() is was
        assert "error" not in other.load(told)
        assert np.random.get_bit_generator() is other.names["bits"]
        other.run("drawn = np.random.random(3).tolist()")
        assert other.names["drawn"] == kernel.names["drawn"]
    finally:
        np.random.set_bit_generator(was)
    assert not [each for each in recwarn.list if "legacy" in str(each.message)]


def test_random_states_that_cant_be_set_bind_nothing(kernel, other, monkeypatch):
    told = kernel.run("import numpy.random\nx = 1").save()
    state, way, calls = random.getstate(), chance._to_numpy, []

    def refused_once(numpy, told):
        calls.append(told)
        if len(calls) == 1:
            random.random()
            raise ValueError("another numpy")
        way(numpy, told)

    monkeypatch.setattr(chance, "_to_numpy", refused_once)
    assert other.load(told)["error"]["message"] == "another numpy"
    assert "x" not in other.names
    assert random.getstate() == state
