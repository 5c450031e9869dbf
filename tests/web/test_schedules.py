"""The REST of schedules, at a real server (G84)."""

import asyncio
import json
from datetime import datetime, timedelta
from itertools import pairwise

import jsonschema
import pytest

from jupyter_flows.engine.asked import NewSchedule

DAILY = {"path": "reports/daily report.ipynb", "cron": "0 7 * * *", "zone": "Europe/Berlin"}


@pytest.fixture
def file(jp_root_dir, make_notebook):
    file = jp_root_dir / "reports" / "daily report.ipynb"
    file.parent.mkdir()
    file.write_text(json.dumps(make_notebook("flow_input['n'] + 1")))
    return file


@pytest.fixture
def add(call, kernels, file):
    async def add(**asked):
        added = await call("POST", "api/schedules", {**DAILY, **asked})
        assert added.status == 201, added.text
        return added.json

    return add


@pytest.fixture
def schedules(house):
    return house.schedules


async def test_a_schedule_is_added_and_shown_with_its_next_five_times(add, call, file, engine):
    added = await add(parameters={"n": 41}, name="daily", catch_up="once")
    assert (added["path"], added["catch_up"]) == (str(file), "once")
    assert (added["paused"], added["last_run"], added["last_error"]) == (False, None, None)
    times = [datetime.fromisoformat(time) for time in added["next_times"]]
    assert len(times) == 5
    assert added["due_at"] == added["next_times"][0]
    assert all(timedelta(hours=22) < b - a < timedelta(hours=26) for a, b in pairwise(times))
    assert times[0].timestamp() > engine.clock()
    assert (await call("GET", f"api/schedules/{added['id']}")).json == added
    assert (await call("GET", "api/schedules")).json == {"schedules": [added]}


async def test_a_run_starts_when_the_time_has_come_and_shows_its_schedule(  # noqa: PLR0917 (fixtures)
    add, call, file, clock, schedules, reached
):
    added = await add(parameters={"n": 41})
    clock.ahead += datetime.fromisoformat(added["due_at"]).timestamp() - clock() + 1
    await schedules.tick()
    (run,) = (await call("GET", "api/runs")).json["runs"]
    assert run["schedule"] == added["id"]
    assert (run["path"], run["owner"]) == (str(file), added["owner"])
    assert (await reached(run["id"], "succeeded", "failed")).result == 42
    shown = (await call("GET", f"api/schedules/{added['id']}")).json
    assert (shown["last_run"], shown["last_due"]) == (run["id"], added["due_at"])
    assert shown["due_at"] == shown["next_times"][0] == added["next_times"][1]


@pytest.mark.parametrize("lasting", [True, False])
async def test_a_server_that_lasts_starts_what_another_process_tells_it_of(  # noqa: PLR0917 (fixtures)
    add, call, clock, house, schedules, jp_serverapp, monkeypatch, lasting
):
    """One that goes when its one run does starts no other."""
    monkeypatch.setattr("jupyter_flows.engine.waiting.RECONCILE_SECONDS", 3600.0)
    address = f"http://127.0.0.1:{jp_serverapp.port}/user/bob/jupyter-flows"
    await house.start(address, address, lasting=lasting)
    added = await add()
    await asyncio.sleep(0)
    clock.ahead += datetime.fromisoformat(added["due_at"]).timestamp() - clock() + 1
    assert await house.peers.poke_schedules() == lasting

    async def started():
        while not (await call("GET", "api/runs")).json["runs"]:
            await asyncio.sleep(0.01)

    if lasting:
        await asyncio.wait_for(started(), 60)
    else:
        assert schedules._work is None


async def test_a_run_that_no_schedule_started_says_so(call, kernels, make_notebook):
    await call("POST", "api/runs", {"notebook": make_notebook("1"), "idempotency_key": "daily"})
    (run,) = (await call("GET", "api/runs")).json["runs"]
    assert run["schedule"] is None


async def test_a_schedule_is_paused_and_goes_on_and_is_removed(add, call):
    added = await add()
    place = f"api/schedules/{added['id']}"
    paused = (await call("POST", f"{place}/pause")).json
    assert (paused["paused"], paused["due_at"]) == (True, None)
    assert paused["next_times"] == added["next_times"]
    assert (await call("POST", f"{place}/pause")).json == paused
    assert (await call("POST", f"{place}/unpause")).json == added
    assert (await call("DELETE", place)).status == 204
    assert (await call("GET", "api/schedules")).json == {"schedules": []}
    for method, path in (
        ("GET", place),
        ("DELETE", place),
        ("POST", f"{place}/pause"),
        ("POST", f"{place}/unpause"),
    ):
        answer = await call(method, path)
        assert (answer.status, answer.is_problem) == (404, True)


async def test_only_the_owner_changes_a_schedule(file, call, schedules):
    new = NewSchedule(
        cron="0 7 * * *", zone="UTC", path=str(file), folder=str(file.parent), owner="eve"
    )
    place = f"api/schedules/{(await schedules.add(new)).id}"
    before = (await call("GET", place)).json
    assert before["owner"] == "eve"
    for method, path in (
        ("DELETE", place),
        ("POST", f"{place}/pause"),
        ("POST", f"{place}/unpause"),
    ):
        answer = await call(method, path)
        assert answer.status == 403
        assert "eve" in answer.json["detail"]
    assert (await call("GET", place)).json == before


async def test_all_mistakes_of_a_schedule_are_answered_at_once(call, file):
    asked = {**DAILY, "cron": "60 24 * * *", "zone": "Berlin"}
    answer = await call("POST", "api/schedules", asked)
    assert (answer.status, answer.is_problem) == (422, True)
    where = [mistake["where"] for mistake in answer.json["errors"]]
    assert where == ["cron, minute", "cron, hour", "zone"]
    assert "Europe/Berlin" in answer.text


async def test_a_notebook_with_mistakes_is_not_scheduled(call, file, make_notebook):
    file.write_text(json.dumps(make_notebook(("1", [], {"suspnd": True}))))
    answer = await call("POST", "api/schedules", DAILY)
    assert answer.status == 422
    assert "suspend" in answer.text
    assert (await call("GET", "api/schedules")).json == {"schedules": []}


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({"path": "missing.ipynb"}, 404, "missing.ipynb"),
        ({"path": "../outside.ipynb"}, 404, "outside.ipynb"),
        ({"path": ".hidden/x.ipynb"}, 404, "x.ipynb"),
        ({"path": "reports"}, 400, "reports"),
        ({"path": ""}, 400, ""),
        ({"catch_up": "twice"}, 400, "twice"),
        ({"owner": "eve"}, 400, "owner"),
        ({"paramters": {}}, 400, "paramters"),
        ({"cron": None}, 400, "cron"),
        ({"name": ""}, 422, "name"),
    ],
)
async def test_a_bad_body_is_answered_with_a_problem_that_names_it(  # noqa: PLR0917 (fixtures)
    call, file, jp_root_dir, asked, status, says
):
    for folder in (jp_root_dir.parent, jp_root_dir / ".hidden"):
        folder.mkdir(exist_ok=True)
    (jp_root_dir.parent / "outside.ipynb").write_text(file.read_text())
    (jp_root_dir / ".hidden" / "x.ipynb").write_text(file.read_text())
    answer = await call("POST", "api/schedules", {**DAILY, **asked})
    assert answer.status == status, answer.text
    assert answer.is_problem
    assert says in answer.json["detail"]


async def test_what_is_nested_deeply_and_what_no_file_is_called_are_no_errors_of_the_server(
    call, kernels, file
):
    deep = "[" * 400 + "]" * 400
    body = json.dumps({**DAILY, "parameters": {"n": None}}).replace("null", deep)
    assert (await call("POST", "api/schedules", body)).status == 422
    named = await call("POST", "api/schedules", {**DAILY, "path": "x" * 5000})
    assert named.status == 400
    assert named.is_problem
    assert "File name too long" in named.json["detail"]


async def test_what_is_answered_is_what_the_openapi_document_says(add, call):
    document = (await call("GET", "openapi.json")).json
    await add(parameters={"n": 1})
    schema = {**document, "$ref": "#/components/schemas/ScheduleList"}
    jsonschema.validate((await call("GET", "api/schedules")).json, schema)


async def test_only_a_process_of_this_user_may_say_that_there_is_something_to_see(anyone, house):
    for said, status in ((house.secret, 204), ("wrong", 403)):
        house.schedules.waiting._changed.clear()
        headers = {"Authorization": f"Bearer {said}"}
        assert (await anyone("POST", "/peers/schedules", headers=headers)).status == status
        assert house.schedules.waiting._changed.is_set() == (status == 204)
