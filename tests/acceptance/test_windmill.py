"""The package `wmill`, unmodified, from a cell: children, what came of them, and their end."""

import json

CELL = """
import os
import wmill
from wmill import Windmill

job = wmill.run_flow_async("etl/double", {"n": 21})
waited = Windmill().wait_job(job, timeout=60)
found = wmill.get_result(job)
status = wmill.get_job_status(job)
root = wmill.get_root_job_id(job)
script = wmill.run_script_by_path("f/etl/double.py", {"n": 4})
long = wmill.run_flow_async("long")
cancelled = wmill.cancel_job(long, "enough")
after = wmill.get_job(long)
me = wmill.get_job_status(os.environ["WM_JOB_ID"])

@wmill.task
def tripled(n: int):
    return n * 3

{"waited": waited, "found": found, "status": status, "root": root, "script": script,
 "cancelled": [cancelled, after["type"], after["canceled"]], "me": me}
"""

TASK = """
import wmill
RATE = 3

@wmill.task
def rated(n: int):
    return n * RATE

rated(5)
"""


def flow(server, name, notebook):
    file = server.home / "root" / "flows" / f"{name}.ipynb"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(notebook))


def test_a_cell_starts_awaits_and_cancels_runs(server, make_notebook):
    flow(server, "etl/double", make_notebook("n * 2"))
    flow(server, "long", make_notebook("__import__('time').sleep(600)"))
    run = server.started(make_notebook(CELL, TASK))
    ended = server.reached(run, "succeeded", "failed")
    assert ended["status"] == "succeeded", ended["error"]
    assert ended["steps"][0]["result"] == {
        "waited": 42,
        "found": 42,
        "status": "COMPLETED",
        "root": run,
        "script": 8,
        "cancelled": [f"The job {_cancelled(ended)} is cancelled.", "CompletedJob", True],
        "me": "RUNNING",
    }
    assert ended["result"] == 15


def _cancelled(run):
    return run["steps"][0]["result"]["cancelled"][0].split()[2]


def test_a_script_of_cells_runs_from_the_contents_api_and_is_left_as_it_is(server):
    script = server.home / "root" / "report.py"
    text = '# %% tags=["parameters"]\nlimit = 1\n\n# %%\n#| id: last\nlimit + 1\n'
    script.write_text(text)
    refused = server.call("POST", "api/runs", {"path": "report.py", "in_place": True})
    assert (refused.status, "nothing is ever written" in refused.json["detail"]) == (400, True)
    begun = server.call("POST", "api/runs", {"path": "report.py", "parameters": {"limit": 4}})
    assert begun.status == 201, begun.text
    ended = server.reached(begun.json["id"], "succeeded", "failed")
    assert (ended["status"], ended["result"]) == ("succeeded", 5)
    assert ended["steps"][-1]["id"] == "last"
    assert script.read_text() == text
