"""Two kernels in one process: what one has saved, the other loads."""

import json
import sys
import types

import pytest

from jupyter_flows.client import around, checkpoint, flows


class Shell:
    """As much of IPython as is needed: a namespace that is a module's."""

    def __init__(self):
        self.module = types.ModuleType("__main__")
        self.user_ns = self.module.__dict__
        self.user_ns_hidden = dict(self.user_ns)
        self.execution_count = 1


class Kernel:
    def __init__(self, folder, patch):
        self.folder, self.patch = folder, patch
        self.shell = Shell()
        flows._flow.around.add(around.running())

    @property
    def names(self):
        return self.shell.user_ns

    def run(self, source):
        self.patch.setitem(sys.modules, "__main__", self.shell.module)
        exec(compile(source, "<cell>", "exec"), self.names)
        return self

    def save(self, **asked):
        self.patch.setitem(sys.modules, "__main__", self.shell.module)
        return checkpoint.save(json.dumps({"folder": str(self.folder), **asked}), self.shell).told

    def load(self, kernel, **asked):
        self.patch.setitem(sys.modules, "__main__", self.shell.module)
        told = {"folder": str(self.folder), "kernel": kernel, **asked}
        return checkpoint.load(json.dumps(told), self.shell).told


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    return Kernel(tmp_path, monkeypatch)


@pytest.fixture
def other(tmp_path, monkeypatch):
    """A kernel that knows nothing yet."""
    return Kernel(tmp_path, monkeypatch)


@pytest.fixture
def carried(kernel, other):
    """Run a source in one kernel, and give its variables to another."""

    def carry(source):
        told = kernel.run(source).save()
        assert told.get("unsaved") == [], told
        answer = other.load(told)
        assert "error" not in answer, answer
        return other

    return carry


@pytest.fixture
def blobs(tmp_path):
    """The blobs' files, as they are when asked for."""
    return lambda: sorted(path for path in (tmp_path / "blobs").rglob("*") if path.is_file())
