"""What is kept for flows, asked for by the real client package `wmill` and without it."""

import asyncio
import datetime as dt
import getpass
import json

import pytest
import wmill

from jupyter_flows.core.links import kernel_token
from jupyter_flows.core.things import MOST_NESTED, MOST_VALUE
from jupyter_flows.core.windmill import state_path

W = "api/w/jupyter"
HELD = "# hold\n1"


@pytest.fixture
def me(engine):
    """Who is logged in, and so owns runs and paths."""
    return getpass.getuser()


@pytest.fixture
def url(jp_serverapp, http_server_client):
    return http_server_client.get_url(jp_serverapp.base_url) + "jupyter-flows"


class InThread:
    """The client, whose calls would block the server that runs in this thread."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        method = getattr(self.client, name)
        return lambda *args, **more: asyncio.to_thread(method, *args, **more)


@pytest.fixture
def windmill(url, jp_serverapp, monkeypatch):
    """`windmill(run)` is the client in that run's kernel, `windmill()` one of a logged-in user."""

    def windmill(run=None, token=None):
        monkeypatch.setenv("WM_WORKSPACE", "jupyter")
        token = token or jp_serverapp.identity_provider.token
        client = wmill.Windmill(base_url=url, token=token)
        if run is not None:
            monkeypatch.setenv("WM_STATE_PATH", state_path(run))
            monkeypatch.setenv("WM_JOB_ID", f"{run.id}.ask")
        return InThread(client)

    return windmill


@pytest.fixture
def kernel(park, house, engine, windmill):
    """The client in the kernel of a run that waits; the run."""

    async def kernel():
        run = await engine.run((await park()).id)
        return windmill(run, kernel_token(house.keys(), run.id)), run

    return kernel


# ---------------------------------------------------------------- variables


async def test_a_variable_is_set_and_read_from_a_kernel_and_from_outside(kernel, windmill, call):
    inside, _ = await kernel()
    await inside.set_variable("f/finance/limit", "300")
    assert await inside.get_variable("f/finance/limit") == "300"
    assert await inside.get_variable("var://f/finance/limit") == "300"
    await windmill().set_variable("f/finance/limit", "400")
    assert await inside.get_variable("f/finance/limit") == "400"
    found = (await call("GET", f"{W}/variables/get/f/finance/limit")).json
    assert found.pop("edited_at").endswith("Z")
    assert found == {
        "workspace_id": "jupyter",
        "path": "f/finance/limit",
        "value": "400",
        "is_secret": False,
        "description": "",
    }


async def test_a_secret_is_told_only_to_who_asks_for_its_value(kernel, call):
    inside, _ = await kernel()
    await inside.set_variable("f/db/password", "hunter2", is_secret=True)
    assert await inside.get_variable("f/db/password") == "hunter2"
    path = f"{W}/variables/get/f/db/password"
    assert (await call("GET", path)).json["value"] is None
    assert (await call("GET", f"{path}?decrypt_secret=false")).json["value"] is None
    assert (await call("GET", f"{path}?decrypt_secret=true")).json["value"] == "hunter2"
    (listed,) = (await call("GET", f"{W}/variables/list")).json
    assert (listed["value"], listed["is_secret"]) == (None, True)
    await inside.set_variable("f/db/password", "hunter3")
    assert await inside.get_variable("f/db/password") == "hunter3"
    assert (await call("GET", path)).json["value"] is None


async def test_a_variable_is_changed_in_part_and_removed(call):
    made = {"path": "f/a/b", "value": "1", "description": "of old"}
    created = await call("POST", f"{W}/variables/create", made)
    assert (created.status, created.text) == (201, "f/a/b")
    again = await call("POST", f"{W}/variables/create", made)
    assert again.status == 400
    assert "already" in again.json["detail"]
    put = await call("POST", f"{W}/variables/create?update_if_exists=true", made | {"value": "2"})
    assert put.status == 201
    changed = await call("POST", f"{W}/variables/update/f/a/b", {"is_secret": True})
    assert changed.status == 200
    value = await call("GET", f"{W}/variables/get_value/f/a/b")
    assert value.json == "2"
    found = (await call("GET", f"{W}/variables/get/f/a/b")).json
    assert (found["description"], found["is_secret"]) == ("of old", True)
    assert (await call("GET", f"{W}/variables/exists/f/a/b")).json is True
    assert (await call("DELETE", f"{W}/variables/delete/f/a/b")).status == 200
    assert (await call("GET", f"{W}/variables/exists/f/a/b")).json is False
    for method, path, body in (
        ("GET", "get/f/a/b", None),
        ("GET", "get_value/f/a/b", None),
        ("POST", "update/f/a/b", {"value": "3"}),
        ("DELETE", "delete/f/a/b", None),
    ):
        gone = await call(method, f"{W}/variables/{path}", body)
        assert gone.status == 404
        assert gone.is_problem


async def test_no_file_of_the_data_folder_has_a_variables_text(kernel, data_dir):
    inside, _ = await kernel()
    await inside.set_variable("f/a/plain", "not-to-be-found-1")
    await inside.set_variable("f/a/secret", "not-to-be-found-2", is_secret=True)
    written = b"".join(file.read_bytes() for file in data_dir.rglob("*") if file.is_file())
    assert b"f/a/secret" in written
    assert b"not-to-be-found" not in written


async def test_with_a_lost_key_variables_are_refused_and_the_rest_goes_on(call, data_dir):
    body = {"path": "f/a/b", "value": "1"}
    assert (await call("POST", f"{W}/variables/create", body)).status == 201
    (data_dir / "variable-keys").unlink()
    for answer in (
        await call("GET", f"{W}/variables/get_value/f/a/b"),
        await call("GET", f"{W}/variables/list"),
        await call("POST", f"{W}/variables/create", body | {"path": "f/a/c"}),
    ):
        assert answer.status == 503
        assert "it is missing" in answer.json["detail"]
    assert not (data_dir / "variable-keys").exists()
    assert (await call("GET", f"{W}/resources/list")).json == []


@pytest.mark.parametrize("kind", ["variables", "resources"])
async def test_what_is_a_users_own_is_not_there_for_another(call, become, kernel, me, kind):
    body = {"path": f"u/{me}/mine", "value": "1", "resource_type": "text"}
    assert (await call("POST", f"{W}/{kind}/create", body)).status == 201
    inside, _ = await kernel()
    read = inside.get_variable if kind == "variables" else inside.get_resource
    assert await read(f"u/{me}/mine") == "1"
    become("eve")
    for method, path in (
        ("GET", f"get/u/{me}/mine"),
        ("GET", f"get_value/u/{me}/mine"),
        ("DELETE", f"delete/u/{me}/mine"),
    ):
        assert (await call(method, f"{W}/{kind}/{path}")).status == 404
    update = "update" if kind == "variables" else "update_value"
    for path in (f"{update}/u/{me}/mine", "create"):
        refused = await call("POST", f"{W}/{kind}/{path}", body)
        assert refused.status == 404
        assert "There is no" in refused.json["detail"]
    assert (await call("GET", f"{W}/{kind}/exists/u/{me}/mine")).json is False
    assert (await call("GET", f"{W}/{kind}/list")).json == []
    assert await read(f"u/{me}/mine") == "1"


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"path": "limit", "value": "1"}, 400, "too short"),
        ({"path": "u/bob", "value": "1"}, 400, "too short"),
        ({"path": "f//limit", "value": "1"}, 400, "none of them empty"),
        ({"path": "f/../limit", "value": "1"}, 400, "dots alone"),
        ({"path": "f/a\nb", "value": "1"}, 400, "control characters"),
        ({"path": "f/" + "x" * 999, "value": "1"}, 400, "path"),
        ({"path": "f/a", "value": 1}, 400, "Expected `str`"),
        ({"path": "f/a"}, 400, "value"),
        ({"path": "f/a", "value": "x" * MOST_VALUE}, 413, str(MOST_VALUE)),
        ({"path": "f/a", "value": "1", "description": "x" * 10_001}, 413, "description"),
    ],
)
async def test_a_variable_that_cant_be_kept_is_refused_with_the_reason(call, body, status, says):
    answer = await call("POST", f"{W}/variables/create", body)
    assert answer.status == status, answer.text
    assert says in answer.json["detail"]


# ---------------------------------------------------------------- resources and the state


async def test_a_resource_is_set_read_and_listed(kernel, windmill):
    inside, _ = await kernel()
    value = {"host": "db", "ports": [1, 2]}
    await inside.set_resource(value, "f/finance/db", "postgresql")
    await inside.set_resource(1, "f/finance/other", "number")
    assert await windmill().get_resource("f/finance/db") == value
    assert await inside.get_resource("$res:f/finance/db", interpolated=False) == value
    await inside.set_resource(value | {"host": "db2"}, "f/finance/db", "postgresql")
    (only,) = await inside.list_resources("postgresql")
    assert (only["path"], only["value"]["host"]) == ("f/finance/db", "db2")
    both = await inside.list_resources()
    assert [each["path"] for each in both] == ["f/finance/db", "f/finance/other"]
    (second,) = await inside.list_resources(page=2, per_page=1)
    assert second["path"] == "f/finance/other"
    assert await inside.list_resources(page=3, per_page=1) == []
    assert await inside.get_resource("f/finance/none", none_if_undefined=True) is None
    with pytest.raises(Exception, match="404"):
        await inside.get_resource("f/finance/none")


async def test_a_flows_state_is_none_until_it_is_set_and_outlives_the_run(running, call):
    first, run = await running()
    assert await first.get_state() is None
    await first.set_state({"n": 1})
    assert await first.get_state() == {"n": 1}
    await first.set_state(None)
    assert await first.get_state() is None
    await first.set_state([2])
    await call("POST", f"api/runs/{run.id}/cancel")
    second, another = await running()
    assert another.id != run.id
    assert await second.get_state() == [2]
    found = (await call("GET", f"{W}/resources/get/{state_path(run)}")).json
    assert found["resource_type"] == "state"


async def test_a_notebook_that_no_file_holds_has_a_state_of_its_own(kernel):
    first, _ = await kernel()
    await first.set_state(1)
    second, _ = await kernel()
    assert await second.get_state() is None


async def test_names_within_a_resource_are_resolved_to_any_depth(windmill):
    client = windmill()
    await client.set_variable("f/db/password", "hunter2", is_secret=True)
    await client.set_resource({"password": "$var:f/db/password"}, "f/db/login", "login")
    await client.set_resource(
        {"db": ["$res:f/db/login", {"x": "$var: no path"[:4]}], "text": "costs $var:f/x"},
        "f/db/app",
        "app",
    )
    assert await client.get_resource("f/db/app") == {
        "db": [{"password": "hunter2"}, {"x": "$var"}],
        "text": "costs $var:f/x",
    }
    written = await client.get_resource("f/db/app", interpolated=False)
    assert written["db"][0] == "$res:f/db/login"


@pytest.mark.parametrize(
    ("values", "status", "says"),
    [
        ({"f/x/a": ["$res:f/x/b"], "f/x/b": "$res:f/x/a"}, 400, "f/x/a → f/x/b → f/x/a"),
        ({"f/x/a": "$res:f/x/a"}, 400, "in a circle"),
        ({f"f/x/{n}": f"$res:f/x/{n + 1}" for n in range(30)}, 400, "More than 20"),
        ({"f/x/a": "$res:f/x/none"}, 404, "f/x/none"),
        ({"f/x/a": "$var:f/x/none"}, 404, "variable"),
        ({"f/x/a": "$var:u/eve/hers"}, 404, "u/eve/hers"),
        ({"f/x/a": ["$res:f/x/b"] * 100, "f/x/b": ["x" * 200_000]}, 413, "more than"),
    ],
)
async def test_names_that_lead_nowhere_are_refused_with_the_reason(call, values, status, says):
    for path, value in values.items():
        body = {"path": path, "value": value, "resource_type": "any"}
        assert (await call("POST", f"{W}/resources/create", body)).status == 201
    answer = await call("GET", f"{W}/resources/get_value_interpolated/{next(iter(values))}")
    assert answer.status == status
    assert says in answer.json["detail"]


@pytest.mark.parametrize("query", ["page=0", "page=x", "per_page=0", "per_page=1001"])
async def test_a_page_that_is_none_is_refused(call, query):
    assert (await call("GET", f"{W}/resources/list?{query}")).status == 400


# ---------------------------------------------------------------- with a run


async def test_user_state_is_kept_with_the_run_under_any_key(kernel, call, windmill):
    inside, run = await kernel()
    assert await inside.get_flow_user_state("n") is None
    await inside.set_flow_user_state("n", {"deep": [1]})
    await inside.set_flow_user_state("a b/ä", 2)
    assert await inside.get_flow_user_state("n") == {"deep": [1]}
    assert await windmill(run).get_flow_user_state("a b/ä") == 2
    place = f"{W}/jobs/flow/user_states/{run.id}"
    assert (await call("GET", place)).json == {"a b/ä": 2, "n": {"deep": [1]}}
    assert (await call("DELETE", f"{place}/n")).status == 200
    assert (await call("DELETE", f"{place}/n")).status == 404
    other, _ = await kernel()
    assert await other.get_flow_user_state("a b/ä") is None


async def test_user_state_of_others_is_none_of_a_kernels(kernel, windmill, house, capsys, become):
    inside, run = await kernel()
    await inside.set_flow_user_state("n", 1)
    other, _ = await kernel()
    for client in (inside, other):
        client.client.get_root_job_id = lambda: run.id
    assert await other.get_flow_user_state("n") is None
    await other.set_flow_user_state("n", 2)
    assert capsys.readouterr().out.count("does not exist") == 2
    assert await inside.get_flow_user_state("n") == 1
    become("eve")
    outside = windmill(run)
    outside.client.get_root_job_id = lambda: run.id
    assert await outside.get_flow_user_state("n") is None
    assert "does not exist" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "body", "status"),
    [
        ("n", "{", 400),
        ("n", json.dumps("x" * MOST_VALUE), 413),
        ("n", "[" * (MOST_NESTED + 1) + "]" * (MOST_NESTED + 1), 400),
        ("x" * 1001, "1", 400),
    ],
)
async def test_user_state_that_cant_be_kept_is_refused(park, call, key, body, status):
    run = await park()
    answer = await call("POST", f"{W}/jobs/flow/user_states/{run.id}/{key}", body)
    assert answer.status == status, answer.text


async def test_a_job_that_isnt_there_has_no_state_no_progress(call, park):
    run = await park()
    for job in ("run_none", "x", f"{run.id}.none"):
        assert (await call("GET", f"{W}/jobs/flow/user_states/{job}/n")).status == 404
        assert (await call("POST", f"{W}/jobs/flow/user_states/{job}/n", 1)).status == 404
        assert (await call("GET", f"{W}/job_metrics/get_progress/{job}")).status == 404
        told = await call("POST", f"{W}/job_metrics/set_progress/{job}", {"percent": 1})
        assert told.status == 404
        assert (await call("GET", f"{W}/jobs/worker_is_draining/{job}")).status == 404


@pytest.fixture
def running(  # noqa: PLR0917 (fixtures are asked for by name)
    kernels, call, house, engine, windmill, make_notebook, jp_root_dir
):
    """A run whose first cell, `ask`, runs and is held; the client in its kernel."""

    async def running(in_place=False):
        notebook = make_notebook((HELD, [], {"id": "ask"}), "2")
        (jp_root_dir / "held.ipynb").write_text(json.dumps(notebook))
        asked = {"path": "held.ipynb", "in_place": in_place}
        run = (await call("POST", "api/runs", asked)).json["id"]
        await asyncio.wait_for(kernels.begun(run), 60)
        state = await engine.run(run)
        return windmill(state, kernel_token(house.keys(), run)), state

    return running


async def test_progress_is_told_and_shown_while_the_step_runs(running, call, engine, kernels):
    inside, run = await running()
    before = (await engine.run(run.id)).seq
    assert await inside.get_progress() is None
    for percent in (0, 41, 42):
        await inside.set_progress(percent)
    assert await inside.get_progress() == 42
    assert await inside.get_progress(f"{run.id}.ask") == 42
    assert (await engine.run(run.id)).seq == before, "no event tells of it"
    (first, second) = (await call("GET", f"api/runs/{run.id}")).json["steps"]
    assert first["progress"] == {"percent": 42, "message": None}
    assert second["progress"] is None
    place = f"{W}/job_metrics/set_progress/{run.id}.ask"
    said = await call("POST", place, {"percent": 43, "message": "loading"})
    assert said.status == 200
    shown = (await call("GET", f"api/runs/{run.id}")).json["steps"][0]["progress"]
    assert shown == {"percent": 43, "message": "loading"}
    kernels.go(run.id)
    await engine.settled(run.id)
    steps = (await call("GET", f"api/runs/{run.id}")).json["steps"]
    assert [step["progress"] for step in steps] == [None, None]


@pytest.mark.parametrize(
    "body", [{}, {"percent": -1}, {"percent": 101}, {"percent": "x"}, {"percent": 1.5}]
)
async def test_progress_that_is_no_percentage_is_refused(park, call, body):
    run = await park()
    answer = await call("POST", f"{W}/job_metrics/set_progress/{run.id}.ask", body)
    assert answer.status == 400
    assert "percent" in answer.json["detail"]


# ---------------------------------------------------------------- who asks


async def test_whoami_names_the_user_or_the_owner_of_the_kernels_run(kernel, windmill, call, me):
    inside, _ = await kernel()
    for client in (inside, windmill()):
        said = await client.whoami()
        assert (said["username"], said["email"], said["is_admin"]) == (me, me, False)
        assert said["workspace_id"] == "jupyter"
    assert (await call("GET", f"{W}/users/whoami")).json["username"] == me
    assert await inside.username_to_email("bob") == "bob"


async def test_a_kernel_gets_a_token_that_ends_when_it_said_or_with_its_run(
    kernel, windmill, clock, call
):
    inside, run = await kernel()
    token = await inside.create_token(dt.timedelta(hours=1))
    short = windmill(run, token)
    assert await short.get_flow_user_state("n") is None
    longer = windmill(run, await short.create_token(dt.timedelta(days=3)))
    assert (await longer.whoami())["workspace_id"] == "jupyter"
    clock.ahead = 2 * 3600.0
    for ended in (short, longer):
        with pytest.raises(Exception, match="403"):
            await ended.whoami()
    lasting = windmill(run, await inside.create_token(dt.timedelta(days=1)))
    assert (await lasting.whoami())["workspace_id"] == "jupyter"
    await call("POST", f"api/runs/{run.id}/cancel")
    with pytest.raises(Exception, match="403"):
        await lasting.whoami()


async def test_no_token_is_made_for_a_user_from_outside(windmill):
    with pytest.raises(Exception, match=r"501.*Jupyter's: get one from the hub's token page"):
        await windmill().create_token()


async def test_a_server_that_stops_says_so(kernel, house):
    inside, _ = await kernel()
    assert await inside.worker_is_draining() is False
    house.stopping.set()
    assert await inside.worker_is_draining() is True


async def test_the_server_says_that_it_stops_before_it_waits_for_anything(house, monkeypatch):
    seen = []

    async def stop():
        seen.append(house.stopping.is_set())

    monkeypatch.setattr(type(house.schedules), "stop", lambda _: stop())
    await house.stop()
    assert seen == [True]


@pytest.mark.parametrize("path", ["variables/list", "resources/list", "users/whoami"])
async def test_nobody_comes_in_without_a_token_or_with_another_workspace(anyone, call, path):
    assert (await anyone("GET", f"/{W}/{path}")).status == 403
    forged = {"Authorization": "Bearer eA.eA"}
    assert (await anyone("GET", f"/{W}/{path}", headers=forged)).status == 403
    assert (await call("GET", f"api/w/other/{path}")).status == 400
