"""The client that the examples for orchestrators share, against a real server; the operator and
the task with the real packages where they are installed (they are too heavy for the lock).
"""

import asyncio
import importlib
import json
import sys
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from tests.acceptance.conftest import TOKEN, Server, ask

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "orchestrators"


@pytest.fixture
def example(monkeypatch):
    """An example as a module."""
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def example(name):
        sys.modules.pop(name, None)
        return importlib.import_module(name)

    return example


@pytest.fixture
def server(tmp_path, make_notebook):
    root = tmp_path / "root"
    root.mkdir()
    gate = ("'go?'", ["suspend"], {"id": "ask"})
    ends = {"report": "{'day': day, **resume}", "broken": "1 / 0"}
    for name, end in ends.items():
        notebook = make_notebook(("day = ''", ["parameters"]), gate, end)
        (root / f"{name}.ipynb").write_text(json.dumps(notebook))
    server = Server(tmp_path).start()
    yield server
    server.end()


@pytest.fixture
def rest(example):
    return example("flows_rest")


@pytest.fixture
def flows(rest, server):
    return rest.Flows(server.address.removesuffix("/jupyter-flows"), TOKEN)


async def approve(server, run, payload=None):
    url = f"{server.address}/api/runs/{run['id']}/gates/ask/votes"
    said = {"approved": True, "payload": payload}
    login = {"Authorization": f"token {TOKEN}"}
    assert (await asyncio.to_thread(ask, "POST", url, said, login)).status == 201


async def ended(flows, server, run, payload=None):
    """The run, approved where it waits."""
    async for seen in flows.news(run["id"], every=0.1):
        run = seen
        if run["status"] == "suspended":
            await approve(server, run, payload)
    return run


async def test_a_run_is_followed_through_its_gate_to_its_result(rest, flows, server):
    run = await flows.start("report.ipynb", {"day": "monday"}, key="dag/1/report")
    waits = await anext(flows.news(run["id"], every=0.1))
    assert waits["status"] == "suspended"
    page = rest.approval_page(waits)
    login = {"Authorization": f"token {TOKEN}"}
    shown = await asyncio.to_thread(ask, "GET", page, None, login)
    assert (shown.status, "Approve" in shown.text) == (200, True)
    known = [rest.open_gate(waits)["id"]]
    again = asyncio.create_task(anext(flows.news(run["id"], known=known, every=0.1)))
    await approve(server, run, {"said": "go"})
    over = await again
    assert (over["status"], over["result"]) == ("succeeded", {"day": "monday", "said": "go"})


async def test_a_task_that_is_tried_again_finds_its_run(flows, server):
    first = await flows.start("report.ipynb", key="dag/1/report")
    for tries in (1, 2, 3):
        assert (await flows.start("report.ipynb", key="dag/1/report", tries=tries))["id"] == first[
            "id"
        ]
    assert (await ended(flows, server, first, {}))["status"] == "succeeded"
    assert (await flows.start("report.ipynb", key="dag/1/report", tries=2))["id"] == first["id"]
    other = await flows.start("report.ipynb", key="dag/2/report")
    assert other["id"] != first["id"]


async def test_in_the_place_of_a_failed_run_the_next_try_starts_one(rest, flows, server):
    first = await ended(flows, server, await flows.start("broken.ipynb", key="k" * 300))
    assert first["status"] == "failed"
    assert "ZeroDivisionError" in rest.why(first)
    same = await flows.start("broken.ipynb", key="k" * 300, tries=1)
    assert same["id"] == first["id"]
    second = await flows.start("broken.ipynb", key="k" * 300, tries=2)
    assert second["id"] != first["id"]
    await flows.cancel(second["id"], "enough")
    assert (await flows.run(second["id"]))["status"] == "cancelled"
    await flows.cancel(second["id"], "a second time, of a run that is over")


async def test_a_run_that_was_interrupted_goes_on(flows, server):
    """Its server was killed, and is there again."""
    run = await flows.start("report.ipynb", {"day": "monday"}, key="dag/3/report")
    assert (await anext(flows.news(run["id"], every=0.1)))["status"] == "suspended"
    following = asyncio.create_task(ended(flows, server, run, {}))
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    over = await following
    if over["status"] == "interrupted":
        resumed = await flows.start("report.ipynb", key="dag/3/report", tries=2)
        over = await ended(flows, server, resumed, {})
    assert (over["status"], over["result"]) == ("succeeded", {"day": "monday"})


async def test_what_is_refused_is_said(rest, flows):
    with pytest.raises(rest.Refused, match=r"nothere\.ipynb"):
        await flows.start("nothere.ipynb", key="k")
    with pytest.raises(rest.Refused, match="404"):
        await anext(flows.news("run_none", every=0.1))


async def test_a_server_that_is_away_is_waited_for(flows, monkeypatch):
    run = await flows.start("report.ipynb", key="k")
    was, away = type(flows).run, iter([httpx.ConnectError("away"), httpx.ReadTimeout("slow")])

    async def run_(self, run_id):
        for error in away:
            raise error
        return await was(self, run_id)

    monkeypatch.setattr(type(flows), "run", run_)
    assert (await anext(flows.news(run["id"], every=0.1)))["status"] == "suspended"


@pytest.mark.skipif(find_spec("airflow") is None, reason="Airflow is not installed")
async def test_the_trigger_of_airflow_tells_of_gates_and_ends(example, flows, server, monkeypatch):
    airflow = example("airflow_notebook")
    monkeypatch.setattr(airflow, "_flows", lambda _: flows)

    async def connection(_):
        return None

    monkeypatch.setattr(airflow.BaseHook, "aget_connection", connection)
    run = await flows.start("report.ipynb", key="airflow")
    said = {"run_id": run["id"], "known": [], "flows_conn_id": "c", "poll_seconds": 0.1}
    trigger = airflow.NotebookFlowTrigger(**said)
    assert trigger.serialize() == ("airflow_notebook.NotebookFlowTrigger", said)
    opened = (await anext(trigger.run())).payload
    assert opened["status"] == "suspended"
    assert opened["page"].endswith(opened["known"][0])
    await trigger.on_kill()
    over = (
        await anext(airflow.NotebookFlowTrigger(**{**said, "known": opened["known"]}).run())
    ).payload
    assert over["status"] == "cancelled"


@pytest.mark.skipif(find_spec("prefect") is None, reason="Prefect is not installed")
async def test_the_task_of_prefect_waits_and_has_the_result(example, flows, server, monkeypatch):
    testing = importlib.import_module("prefect.testing.utilities")
    prefect = example("prefect_notebook")
    monkeypatch.setattr(prefect, "flows", lambda: flows)
    with testing.prefect_test_harness():
        task = asyncio.create_task(prefect.publish_report("report.ipynb", every=0.1))
        while not (runs := await waiting(flows)):
            await asyncio.sleep(0.1)
        await approve(server, runs[0], {"said": "go"})
        assert await task == {"day": "", "said": "go"}


async def waiting(flows):
    return (await flows._ask("GET", "runs?status=suspended"))["runs"]
