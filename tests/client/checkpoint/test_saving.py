"""What is written, what is answered, and what happens when something can't be saved."""

import errno
import gc
import json
import os
import resource
import threading

import pytest

from jupyter_flows.client import checkpoint
from jupyter_flows.client.checkpoint import hashes, saving, streams, writing

ARRAY = "import numpy as np\na = np.arange(50_000.)\n"


def test_the_answer_is_json_and_says_what_was_written(kernel, blobs):
    told = json.loads(json.dumps(kernel.run(ARRAY + "b = a\nn = 3").save()))
    assert told["streams"][0]["names"] == ["np", "a", "b", "n"]
    assert told["blobs"][0]["bytes"] == 400_000
    assert told["names"]["a"]["type"] == "numpy.ndarray"
    assert told["names"]["a"]["bytes"] > 400_000 > told["names"]["b"]["bytes"]
    assert told["names"]["n"]["type"] == "int"
    assert told["unsaved"] == told["replayed"] == []
    assert told["bytes"] == told["new_bytes"] == sum(path.stat().st_size for path in blobs())
    assert {path.name for path in blobs()} == {
        hashes.name_in(each) for each in [*told["streams"], *told["blobs"]]
    }
    assert set(told["python"]) == {
        "implementation", "version", "machine", "byteorder", "maxsize"
    }  # fmt: skip


def test_nothing_changes_in_the_namespace(kernel):
    kernel.run(ARRAY + "def f(): return a")
    before = dict(kernel.names)
    kernel.save()
    assert list(kernel.names) == list(before)
    assert all(kernel.names[name] is value for name, value in before.items())


def test_what_has_not_changed_is_not_written_again(kernel, blobs):
    first = kernel.run(ARRAY).save()
    marked = {path: path.stat().st_mtime_ns for path in blobs()}
    for path in blobs():
        os.utime(path, (0, 0))
    second = kernel.save()
    assert second["new_bytes"] == 0
    assert second["bytes"] == first["bytes"]
    assert marked.keys() == set(blobs())
    assert all(path.stat().st_mtime > 0 for path in blobs())


def test_a_blob_that_was_compressed_meanwhile_is_not_written_again(kernel, blobs):
    kernel.run(ARRAY).save()
    for path in blobs():
        path.rename(path.with_name(path.name + ".z"))
    assert kernel.save()["new_bytes"] == 0


def test_a_blob_of_another_size_is_written_anew(kernel, blobs):
    told = kernel.run(ARRAY).save()
    whole = {path: path.read_bytes() for path in blobs()}
    for path in blobs():
        path.write_bytes(b"short")
    assert kernel.save()["new_bytes"] == told["bytes"]
    assert {path: path.read_bytes() for path in blobs()} == whole


def test_a_blob_that_is_a_link_is_written_anew(kernel, other, blobs, tmp_path):
    told = kernel.run("x = [1, 2, 3]").save()
    (path,) = blobs()
    path.replace(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert kernel.save()["new_bytes"] == told["bytes"]
    assert not path.is_symlink()
    assert other.load(told)["loaded"] == 1


def test_folders_and_blobs_are_private(kernel, blobs):
    kernel.run(ARRAY).save()
    assert {path.stat().st_mode & 0o777 for path in blobs()} == {0o600}
    assert {path.parent.stat().st_mode & 0o777 for path in blobs()} == {0o700}


def test_large_buffers_are_cut_into_pieces(kernel, other, monkeypatch):
    monkeypatch.setattr(streams, "PIECE", 100_000)
    told = kernel.run(ARRAY).save()
    assert [each["bytes"] for each in told["blobs"]] == [100_000] * 4
    assert told["buffers"] == [400_000]
    other.load(told)
    assert (other.names["a"] == kernel.names["a"]).all()


def test_equal_contents_are_one_blob_and_two_memories(kernel, other, blobs):
    told = kernel.run(ARRAY + "b = a.copy()").save()
    assert told["blobs"][0] == told["blobs"][1]
    assert len(blobs()) == 2
    other.load(told)
    other.run("a[0] = 7")
    assert other.names["b"][0] == 0


# ---------------------------------------------------------------- what can't be saved

UNSAVED = """
import threading
def numbers(): yield 1
class Job: pass
class Slotted:
    __slots__ = ("g",)
g = numbers()
job = Job()
job.g = g
d = {"k": [0, 1, 2, g]}
deep = [(1, {"a": job})]
slotted = Slotted()
slotted.g = g
held = threading.Lock()
held.acquire()
def made():
    inner = numbers()
    return lambda: inner
closure = made()
good = 1
"""


def test_what_cant_be_saved_is_named_with_its_path_and_the_rest_is_saved(kernel, other):
    told = kernel.run(UNSAVED).save()
    found = {each["name"]: (each["type"], each["path"]) for each in told["unsaved"]}
    assert found == {
        "g": ("generator", "g"),
        "job": ("generator", "job.g"),
        "d": ("generator", "d['k'][3]"),
        "deep": ("generator", "deep[0][1]['a'].g"),
        "slotted": ("generator", "slotted.g"),
        "held": ("_thread.lock", "held"),
        "closure": ("generator", "closure.<locals>.inner"),
    }
    assert told["unsaved"][0]["reason"] == "a generator can't be saved"
    assert set(found).isdisjoint(told["names"])
    other.load(told)
    assert other.names["good"] == 1
    assert other.names["Job"].__name__ == "Job"


def test_what_failed_before_is_tried_again(kernel):
    first = kernel.run(UNSAVED).save()["unsaved"]
    assert kernel.save()["unsaved"] == first
    kernel.run("g.close(); g = 1; d['k'].pop(); held.release()")
    names = [each["name"] for each in kernel.save()["unsaved"]]
    assert names == ["job", "deep", "slotted", "closure"]


def test_an_objects_own_error_is_the_reason(kernel):
    source = "class Shy:\n    def __reduce__(self): raise ValueError('not now')\nx = Shy()"
    told = kernel.run(source).save()
    assert told["unsaved"][0]["reason"] == ("it raises ValueError when it is saved: not now")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import subprocess, sys; x = subprocess.Popen([sys.executable, '-c', ''])", "program"),
        ("import threading; x = threading.Thread(target=print)", "thread"),
        ("import concurrent.futures as f; x = f.ThreadPoolExecutor()", "executor"),
        ("import socket; x = socket.socket()", "connection"),
        ("import os; x = open(os.devnull)", "open file"),
        ("x = memoryview(b'a')", "memoryview"),
        ("import sqlite3; x = sqlite3.connect(':memory:')", "connection"),
        ("async def f(): pass\nx = f()", "coroutine"),
        ("import sys; x = sys._getframe()", "frame"),
        ("import tempfile; x = tempfile.TemporaryDirectory()", "temporary"),
        ("import mmap; x = mmap.mmap(-1, 10)", "mapped"),
        ("import ipywidgets; x = ipywidgets.IntSlider()", "widget"),
        ("import weakref\nclass A: pass\nx = weakref.proxy(A)", "weak reference"),
        ("import multiprocessing as m; x = m.Process(target=print)", "multiprocessing"),
        ("x = []\nfor _ in range(100_000): x = [x]", "too deeply"),
    ],
)
def test_what_belongs_to_its_process_is_refused(kernel, source, said):
    told = kernel.run(source).save()
    assert said in told["unsaved"][0]["reason"], told["unsaved"]
    x = kernel.names.pop("x")
    for end in ("wait", "close", "cleanup"):
        getattr(x, end, lambda: None)()


# ---------------------------------------------------------------- limits, disk, interrupts


def test_too_much_is_refused_before_buffers_are_written(kernel, blobs):
    told = kernel.run(ARRAY).save(limit_bytes=300_000)
    assert told["error"]["name"] == "TooLarge"
    assert "300,000" in told["error"]["message"]
    assert blobs() == []


def test_a_stream_that_is_too_large_is_given_up_while_it_grows(kernel, blobs):
    told = kernel.run("x = [str(n) for n in range(1_000_000)]").save(limit_bytes=2_000_000)
    assert told["error"]["name"] == "TooLarge"
    assert blobs() == []


def test_it_gives_up_when_it_takes_too_long(kernel, blobs):
    told = kernel.run(ARRAY).save(budget_seconds=0)
    assert told["error"]["name"] == "OutOfTime"
    assert blobs() == []


def test_a_full_disk_is_said_so_and_leaves_nothing(kernel, blobs, monkeypatch):
    def full(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    kernel.run(ARRAY)
    monkeypatch.setattr(writing.os, "write", full)
    assert kernel.save()["error"]["name"] == "NoSpace"
    assert blobs() == []


def test_a_quota_that_ends_in_the_middle_leaves_nothing(kernel, blobs):
    kernel.run(ARRAY)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        told = kernel.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert told["error"]["name"] == "NoSpace"
    assert blobs() == []


def test_a_folder_that_is_not_on_this_machine_is_not_made(kernel):
    kernel.folder = kernel.folder / "the" / "servers"
    error = kernel.run("x = 1").save()["error"]
    assert error["name"] == "Elsewhere"
    assert "is not on the machine of this kernel" in error["message"]
    assert not kernel.folder.parent.exists()


def test_a_folder_that_cant_be_written_is_an_error(kernel):
    kernel.folder = kernel.folder / "file"
    kernel.folder.write_text("")
    assert kernel.run("x = 1").save()["error"]["name"] in {"NotADirectoryError", "FileExistsError"}


INTERRUPTING = """
class Interrupts:
    def __reduce__(self):
        raise KeyboardInterrupt
big = [str(n) for n in range(300_000)]
x = Interrupts()
"""


def test_an_interrupt_ends_it_cleanly(kernel, blobs):
    kernel.run(INTERRUPTING)
    with pytest.raises(KeyboardInterrupt):
        kernel.save()
    assert blobs() == []
    assert gc.isenabled()
    del kernel.names["x"]
    assert kernel.save()["unsaved"] == []


def test_an_interrupt_while_buffers_are_written_ends_it_cleanly(kernel, blobs, monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    kernel.run(ARRAY)
    monkeypatch.setattr(saving.Pieces, "store", interrupted)
    with pytest.raises(KeyboardInterrupt):
        kernel.save()
    assert blobs() == []


@pytest.mark.parametrize("on", [True, False])
def test_garbage_collection_is_as_it_was(kernel, on):
    was = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        kernel.run(UNSAVED).save()
        assert gc.isenabled() is on
    finally:
        (gc.enable if was else gc.disable)()


def test_each_type_is_looked_at_once(kernel, monkeypatch):
    asked = []
    plan = saving.Pickler._plan
    monkeypatch.setattr(
        saving.Pickler, "_plan", lambda self, kind: asked.append(kind) or plan(self, kind)
    )
    kernel.run("class P: pass\nx = [P() for _ in range(1000)]").save()
    assert asked.count(kernel.names["P"]) == 1


def test_the_protocol_has_a_number():
    assert checkpoint.PROTOCOL == 3


def test_an_interrupt_before_all_threads_have_begun_is_told_as_what_it_is(
    kernel, blobs, monkeypatch
):
    begin, begun = threading.Thread.start, []

    def start(thread):
        begin(thread)
        if thread.name == "checkpoint buffers":
            begun.append(thread)
            raise KeyboardInterrupt

    kernel.run("import numpy\na = numpy.ones(20_000_000)\nb = numpy.zeros(10_000_000)")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(KeyboardInterrupt):
            kernel.save()
    assert len(begun) == 1
    assert not any(path.name.startswith("tmp-") for path in blobs())
    assert kernel.save()["unsaved"] == []


def test_the_flows_token_is_in_no_copy_of_the_environment(kernel, blobs, monkeypatch, other):
    monkeypatch.setenv("FLOWS_TOKEN", "secret-of-the-first")
    source = "import os\ncopy = {**os.environ, 'A': '1'}\ntoken = os.environ['FLOWS_TOKEN']\n"
    told = kernel.run(source + "both = [copy['FLOWS_TOKEN'], token]").save()
    assert told["unsaved"] == []
    assert not any(b"secret-of-the-first" in path.read_bytes() for path in blobs())
    monkeypatch.setenv("FLOWS_TOKEN", "secret-of-the-second")
    assert "error" not in other.load(told)
    assert other.names["copy"]["FLOWS_TOKEN"] == other.names["token"] == "secret-of-the-second"
    assert other.names["both"] == ["secret-of-the-second"] * 2
    assert other.names["copy"]["A"] == "1"
    assert "error" not in other.load(told, dry=True)
