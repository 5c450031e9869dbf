"""A state that was saved in one process is loaded in another one."""

import json
import subprocess
import sys

SAVING = """
import functools, enum
import numpy as np, pandas as pd
class Job:
    def __init__(self, data): self.data = data; self.me = self
class Colour(enum.Enum):
    RED = 1
job = Job(np.arange(50_000.))
view = job.data[5:]
df = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
def total(): return float(job.data.sum()) + offset
offset = 1
red = Colour.RED
rng = np.random.default_rng(1)
drawn = np.random.default_rng(1).random()
"""
CHECKS = """
view[0] = -1
assert job.data[5] == -1 and job.me is job and type(job) is Job
assert df["a"].sum() == 3 and list(df["b"]) == ["x", "y"]
offset = 2
job.data[:] = 0
assert total() == 2.0
assert red is Colour.RED
assert rng.random() == drawn
assert "checkpoint" not in globals() and "jupyter_flows" not in globals()
"""
DRIVER = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
sys.modules["__main__"] = shell.user_module
from jupyter_flows.client import checkpoint
for request in json.load(sys.stdin):
    if isinstance(request, str):
        assert shell.run_cell(request).success
    else:
        what, asked = request
        print("ANSWER" + json.dumps(getattr(checkpoint, what)(json.dumps(asked)).told))
"""


def answers(folder, *requests):
    ended = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr + ended.stdout
    lines = ended.stdout.splitlines()
    return [json.loads(line.partition("ANSWER")[2]) for line in lines if "ANSWER" in line]


def test_another_process_goes_on_with_the_same_variables(tmp_path):
    asked = {"folder": str(tmp_path)}
    (kernel,) = answers(tmp_path, SAVING, ["save", asked])
    assert kernel["unsaved"] == []
    asked["kernel"] = kernel
    told = answers(
        tmp_path,
        ["environment", {"distributions": list(kernel["distributions"])}],
        ["prepare", asked],
        ["load", {**asked, "dry": True}],
        ["load", asked],
        CHECKS,
    )
    assert told[0]["distributions"] == kernel["distributions"]
    assert told[1] == {"notices": []}
    assert told[2]["loaded"] == told[3]["loaded"] == len(kernel["names"])
