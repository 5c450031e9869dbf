"""What changes while it is saved, or is nested too deeply, is named; the folder stays sound."""

import sys

import pytest

from jupyter_flows.client.checkpoint import background, hashes, reading, streams, writing

ARRAY = "import numpy as np\na = np.zeros(50_000)\nb = np.ones(50_000)\n"


@pytest.fixture
def written_into(kernel, monkeypatch):
    """Somebody writes into `a` each time after it was hashed."""

    def write(descriptor, data, *more):
        if bytes(data[:8]) != bytes(kernel.names["b"][:1]):
            kernel.names["a"] += 3
        return writing.write_hashed(descriptor, data, *more)

    monkeypatch.setattr(streams, "write_hashed", write)
    monkeypatch.setattr(background, "may_write", lambda _: True)


def test_an_array_that_is_written_into_meanwhile_is_named(kernel, blobs, written_into):
    told = kernel.run(ARRAY).save()
    (unsaved,) = told["unsaved"]
    assert (unsaved["name"], unsaved["reason"]) == ("a", "it changes while it is saved")
    assert set(told["names"]) == {"np", "b"}
    for path in blobs():
        assert hashes.name_from(hashes.best()(path.read_bytes())) == path.name


def test_what_was_neither_saved_nor_loaded_here_is_read_once_and_the_rest_not_written(
    kernel, other, monkeypatch
):
    seen, written = set(), []
    write = streams.Pieces._write

    def spied(self, piece):
        written.append(piece.nbytes)
        return write(self, piece)

    monkeypatch.setattr(streams.Pieces, "_write", spied)
    for module in (streams, reading):
        monkeypatch.setattr(module, "SEEN", seen)
    told = kernel.run(ARRAY).save()
    assert (written, seen) == ([400_000] * 2, {400_000})
    assert kernel.save()["new_bytes"] < 400_000
    kernel.names["a"][3] = 4.0
    assert 400_000 <= kernel.save()["new_bytes"] < 800_000
    assert written == [400_000] * 2
    seen.clear()
    other.load(told)
    assert seen >= {400_000}


DEEP = """
import sys
deep = []
for _ in range(100_000):
    deep = [deep]
class Node:
    def __init__(self, inner):
        self.inner = inner
nodes = None
for _ in range(100_000):
    nodes = Node(nodes)
x = 1
"""


def test_what_is_nested_too_deeply_is_named_whatever_the_limit_is(kernel):
    was = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(10**6)
        told = kernel.run(DEEP).save()
        assert sys.getrecursionlimit() == 10**6
    finally:
        sys.setrecursionlimit(was)
    assert {each["name"]: each["reason"] for each in told["unsaved"]} == {
        "deep": "it is nested too deeply",
        "nodes": "it is nested too deeply",
    }
    assert "x" in told["names"]


HOSTILE = """
class Meta(type):
    def __eq__(cls, other):
        raise RuntimeError("eq")
    def __hash__(cls):
        return 3
class W(metaclass=Meta):
    pass
w = W()
class L:
    @property
    def __class__(self):
        raise RuntimeError("no class")
l = L()
class Leaves:
    def __reduce__(self):
        raise SystemExit
leaves = [Leaves()]
class Bare(Exception):
    def __str__(self):
        raise RuntimeError
class Silent:
    def __reduce__(self):
        raise Bare
silent = Silent()
x = 1
"""


def test_an_object_that_raises_whatever_it_is_asked_harms_no_other(kernel, other):
    told = kernel.run(HOSTILE).save()
    unsaved = {each["name"]: each for each in told["unsaved"]}
    assert {"leaves", "silent"} <= set(unsaved) <= {"leaves", "silent", "w", "W", "l", "L"}
    assert unsaved["leaves"]["path"] == "leaves[0]"
    assert "SystemExit" in unsaved["leaves"]["reason"]
    assert "error" not in other.load(told)
    assert other.names["x"] == 1


ANSWERING = """
class Meta(type):
    def __getattr__(cls, name):
        return "anything"
class W(metaclass=Meta):
    pass
w = W()
w.y = 2
"""


def test_a_metaclass_that_has_any_attribute_makes_no_mapped_class(carried):
    assert carried(ANSWERING).names["w"].y == 2


def test_a_class_that_cant_be_saved_is_named_itself(kernel):
    kernel.run("class W:\n    _sa_registry = 1\n    n = 2")
    (unsaved,) = kernel.save()["unsaved"]
    assert (unsaved["type"], unsaved["path"]) == ("type", "W")


BINDING = """
import __main__
times = 0
class Counts:
    def __init__(self, limit):
        self.limit = limit
    def __getstate__(self):
        if __main__.times < self.limit:
            __main__.times += 1
        return {"limit": self.limit}
counts = Counts(LIMIT)
"""


def test_a_name_that_is_bound_anew_while_it_is_saved_is_saved_again(kernel, other):
    told = kernel.run(BINDING.replace("LIMIT", "1")).save()
    assert told["unsaved"] == []
    assert "error" not in other.load(told)
    assert other.names["times"] == kernel.names["times"] == 1


def test_a_name_that_is_bound_anew_each_time_is_named(kernel):
    told = kernel.run(BINDING.replace("LIMIT", "10**9")).save()
    assert [each["name"] for each in told["unsaved"]] == ["times"]
