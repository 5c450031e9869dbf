"""The checkpointer in real kernels: as it is installed, and where the package is missing."""

import os
import sys

import pytest
from jupyter_client.manager import start_new_kernel

from jupyter_flows.client import checkpoint
from jupyter_flows.kernels import checkpoint_source

SAVING = """
import numpy as np
class Job: pass
a = np.arange(50_000.)
job = Job()
job.read = lambda: a
def same(): return job.read() is a
"""
NAMES = "sorted(name for name in globals() if not name.startswith('_'))"


class Asking:
    def __init__(self, env):
        self.manager, self.client = start_new_kernel(env=env)

    def tell(self, expression):
        reply = self.client.execute_interactive(
            "", silent=True, user_expressions={"told": expression}, timeout=60
        )
        told = reply["content"]["user_expressions"]["told"]
        assert told["status"] == "ok", told
        return told["data"].get("application/json", told["data"]["text/plain"])

    def ask(self, what, **asked):
        return self.tell(checkpoint_source.asking(what, asked))

    def run(self, source):
        reply = self.client.execute_interactive(source, timeout=60)
        assert reply["content"]["status"] == "ok", reply["content"]

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def start(tmp_path):
    """A kernel that has the package, or one from which it is hidden."""
    (tmp_path / "hidden" / "jupyter_flows").mkdir(parents=True)
    missing = tmp_path / "hidden" / "jupyter_flows" / "__init__.py"
    missing.write_text("raise ImportError('not installed here')\n")
    started = []

    def begin(hidden):
        paths = [str(tmp_path / "hidden")] if hidden else [p for p in sys.path if p]
        kernel = Asking({**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
        started.append(kernel)
        return kernel

    yield begin
    for kernel in started:
        kernel.close()


def test_server_and_kernel_speak_the_same_protocol():
    assert checkpoint.PROTOCOL == checkpoint_source.PROTOCOL


THERE = "'jupyter_flows.client.checkpoint' in __import__('sys').modules"


def test_all_modules_of_the_package_are_sent():
    sent = checkpoint_source.sources()
    assert next(iter(sent)).endswith(".cloudpickle_")
    assert {"jupyter_flows.client.checkpoint", "jupyter_flows.client.checkpoint.saving"} < set(sent)


@pytest.mark.parametrize("hidden", [True, False])
def test_what_one_kernel_saves_another_loads_that_has_the_package_otherwise(
    start, tmp_path, hidden
):
    folder = str(tmp_path)
    first = start(hidden)
    first.run(SAVING)
    names = first.tell(NAMES)
    assert first.tell(THERE) == "False"
    first.tell(checkpoint_source.opening())
    assert first.tell(THERE) == "True"
    kernel = first.ask("save", folder=folder)
    assert kernel["unsaved"] == []
    assert first.tell(NAMES) == names
    second = start(not hidden)
    second.tell(checkpoint_source.opening())
    assert second.ask("prepare", kernel=kernel) == {"notices": []}
    told = second.ask("load", folder=folder, kernel=kernel, phase="all", dry=False)
    assert told["loaded"] == len(kernel["names"]) == 5
    assert second.tell(NAMES) == names
    second.run("assert same() and type(job) is Job")


def test_an_interrupt_is_an_error_of_the_request(start, tmp_path):
    kernel = start(hidden=True)
    kernel.tell(checkpoint_source.opening())
    kernel.run("class Stop:\n    def __reduce__(self): raise KeyboardInterrupt\nx = Stop()")
    asked = checkpoint_source.asking("save", {"folder": str(tmp_path)})
    with pytest.raises(AssertionError, match="KeyboardInterrupt"):
        kernel.tell(asked)
    kernel.run("del x")
    assert kernel.tell(asked)["unsaved"] == []
