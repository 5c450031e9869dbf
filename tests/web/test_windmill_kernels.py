"""Cells that keep things and say how far they are, in a real kernel: by `wmill` and by `flows`."""

import asyncio
import json

import pytest

BY_WMILL = """
import wmill
wmill.set_state({"runs": 1})
wmill.set_variable("f/db/password", "hunter2", is_secret=True)
wmill.set_resource("f/db/login", {"password": "$var:f/db/password"}, "login")
wmill.get_resource("f/db/login")["password"] + wmill.get_variable("f/db/password")
"""
IN_RUNS = """
import wmill
wmill.get_state()
wmill.set_flow_user_state("a b/c", [1])
wmill.set_progress(41)
[wmill.get_flow_user_state("a b/c"), wmill.get_progress()]
"""
BY_FLOWS = """
import jupyter_flows as flows
before = [dict(flows.state), dict(flows.user_state)]
flows.state["runs"] += 1
flows.user_state.update(here=True)
flows.progress(42, "here")
[before, wmill.get_state(), len(flows.user_state), wmill.get_progress()]
"""
AGAIN = """
import jupyter_flows as flows
[dict(flows.state), dict(flows.user_state)]
"""


@pytest.fixture
def walked(call, reached, make_notebook, jp_root_dir):
    """The run of a notebook with these cells when it has ended."""

    async def walked(*cells):
        (jp_root_dir / "a report.ipynb").write_text(json.dumps(make_notebook(*cells)))
        run = (await call("POST", "api/runs", {"path": "a report.ipynb"})).json["id"]
        state = await asyncio.wait_for(reached(run, "succeeded", "failed", "interrupted"), 90)
        assert state.status == "succeeded", state.error
        return state

    return walked


async def test_cells_keep_things_by_both_names_and_the_next_run_finds_the_state(
    walked, call, data_dir
):
    run = await walked(BY_WMILL, IN_RUNS, BY_FLOWS)
    results = [step.result for step in run.steps.values()]
    assert results == [
        "hunter2hunter2",
        [[1], 41],
        [[{"runs": 1}, {"a b/c": [1]}], {"runs": 2}, 2, 42],
    ]
    assert run.seq == (await walked("1", "2", "3")).seq, "nothing of it stands in the log"
    again = await walked(AGAIN)
    assert [step.result for step in again.steps.values()] == [[{"runs": 2}, {}]]
    database = b"".join(file.read_bytes() for file in data_dir.glob("flows.db*"))
    assert b"f/db/password" in database
    secret = (await call("GET", "api/w/jupyter/variables/get/f/db/password")).json
    assert (secret["is_secret"], secret["value"]) == (True, None)
