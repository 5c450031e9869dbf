"""What changes while it is saved, or is nested too deeply, is named; the folder stays sound."""

import hashlib
import sys

import pytest

from jupyter_flows.client.checkpoint import streams, writing

ARRAY = "import numpy as np\na = np.zeros(50_000)\nb = np.ones(50_000)\n"


@pytest.fixture
def written_into(kernel, monkeypatch):
    """Somebody writes into `a` each time after it was hashed."""

    def write(descriptor, data, go_on):
        if bytes(data[:8]) != bytes(kernel.names["b"][:1]):
            kernel.names["a"] += 3
        return writing.write_hashed(descriptor, data, go_on)

    monkeypatch.setattr(streams, "write_hashed", write)


def test_an_array_that_is_written_into_meanwhile_is_named(kernel, blobs, written_into):
    told = kernel.run(ARRAY).save()
    (unsaved,) = told["unsaved"]
    assert (unsaved["name"], unsaved["reason"]) == ("a", "it changes while it is saved")
    assert set(told["names"]) == {"np", "b"}
    for path in blobs():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


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
