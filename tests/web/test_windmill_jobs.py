"""Jobs in Windmill's words, at a real server: links, what they came to, lists and cancelling."""

import asyncio
import json
from datetime import timedelta

import pytest
from wmill import Windmill

from jupyter_flows.core.links import kernel_token

W = "api/w/jupyter"


@pytest.fixture
def url(jp_serverapp, http_server_client):
    return f"{http_server_client.get_url(jp_serverapp.base_url).rstrip('/')}/jupyter-flows"


@pytest.fixture
def client(url, jp_serverapp, kernels):
    """The real package, of the logged-in user; or with a token, of a run's kernel."""

    def client(token=None, path=None):
        found = Windmill(url, token or jp_serverapp.identity_provider.token, "jupyter")
        found.path = path
        return found

    return client


@pytest.fixture
def token(engine):
    return lambda run: kernel_token(engine._keyring(), run)


@pytest.fixture
def as_kernel(anyone, token):
    """Ask with the token of this run's kernel."""

    async def ask(run, method, path, body=None):
        return await anyone(
            method, f"/{path}", body, headers={"Authorization": f"Bearer {token(run)}"}
        )

    return ask


@pytest.fixture
def flow(jp_root_dir, make_notebook):
    """A flow in the folder of flows, by its name."""

    def write(name, *sources):
        file = jp_root_dir / "flows" / f"{name}.ipynb"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(make_notebook(*sources)))
        return name

    return write


@pytest.fixture
def held(kernels, call, make_notebook):
    """A run whose first cell is held: its kernel is at work."""

    async def held(*more, name="mine"):
        notebook = make_notebook("# hold\n1", *more)
        notebook["metadata"]["flow"] = {"name": name}
        started = await call("POST", "api/runs", {"notebook": notebook})
        assert started.status == 201, started.text
        run = started.json["id"]
        await kernels.begun(run)
        return run

    return held


# ---------------------------------------------------------------- what a job is


async def test_a_run_and_each_of_its_steps_is_a_job(held, call):
    run = await held("2")
    whole = (await call("GET", f"{W}/jobs_u/get/{run}")).json
    assert (whole["type"], whole["running"], whole["parent_job"]) == ("QueuedJob", True, None)
    assert (whole["script_path"], whole["workspace_id"], whole["root_job"]) == (
        "mine",
        "jupyter",
        run,
    )
    assert "success" not in whole
    assert "result" not in whole
    step = (await call("GET", f"{W}/jobs_u/get/{run}.c0")).json
    assert (step["id"], step["parent_job"], step["running"]) == (f"{run}.c0", run, True)
    behind = (await call("GET", f"{W}/jobs_u/get/{run}.c1")).json
    assert (behind["running"], behind["type"]) == (False, "QueuedJob")


async def test_a_job_that_is_over_says_what_it_came_to(flow, client, engine):
    flow("sum", "a + 1")
    flow("bad", "1 / 0")
    mine = client()
    job = await asyncio.to_thread(mine.run_flow_async, "sum", {"a": 2})
    assert await asyncio.to_thread(mine.wait_job, job, timeout=20) == 3
    assert await asyncio.to_thread(mine.get_result, job) == 3
    assert await asyncio.to_thread(mine.get_job_status, job) == "COMPLETED"
    assert await asyncio.to_thread(mine.get_root_job_id, job) == job
    found = await asyncio.to_thread(mine.get_job, job)
    assert (found["success"], found["result"], found["args"]) == (True, 3, {"a": 2})
    bad = await asyncio.to_thread(mine.run_flow_async, "bad")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        await asyncio.to_thread(mine.wait_job, bad, timeout=20)
    assert (await asyncio.to_thread(mine.get_result, bad))["error"]["name"] == "ZeroDivisionError"


async def test_what_has_not_ended_has_no_result(held, call):
    run = await held()
    assert (await call("GET", f"{W}/jobs_u/completed/get_result/{run}")).status == 404


@pytest.mark.parametrize("job", ["run_0", "nonsense", "run_0.c0", "NO_ID"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "jobs_u/get/{}"),
        ("GET", "jobs_u/get_root_job_id/{}"),
        ("GET", "jobs_u/completed/get_result/{}"),
        ("GET", "jobs_u/completed/get_result_maybe/{}"),
        ("POST", "jobs_u/queue/cancel/{}"),
        ("GET", "jobs/resume_urls/{}/1"),
        ("POST", "jobs/run/workflow_as_code/{}/f"),
    ],
)
async def test_a_job_that_is_none_is_not_found(call, kernels, method, path, job):
    assert (await call(method, f"{W}/{path.format(job)}")).status == 404


async def test_another_users_job_is_none(held, call, become):
    run = await held()
    become("eve")
    for path in ("get", "get_root_job_id", "completed/get_result_maybe"):
        assert (await call("GET", f"{W}/jobs_u/{path}/{run}")).status == 404
    assert (await call("POST", f"{W}/jobs_u/queue/cancel/{run}")).status == 404
    assert (await call("GET", f"{W}/jobs/list")).json == []


async def test_another_runs_kernel_reads_cancels_and_claims_nothing(held, as_kernel, flow):
    mine, other = await held(name="mine"), await held(name="other")
    flow("child", "1")
    for path in ("get", "get_root_job_id", "completed/get_result_maybe"):
        assert (await as_kernel(mine, "GET", f"{W}/jobs_u/{path}/{other}")).status == 404
    assert (await as_kernel(mine, "POST", f"{W}/jobs_u/queue/cancel/{other}")).status == 404
    for claimed in (f"parent_job={other}.c0", f"root_job={other}"):
        begun = await as_kernel(mine, "POST", f"{W}/jobs/run/f/child?{claimed}", "{}")
        assert begun.status == 403
    urls = await as_kernel(mine, "GET", f"{W}/jobs/resume_urls/{other}.c0/1?flow_level=true")
    assert urls.status == 404


# ---------------------------------------------------------------- waiting


async def test_an_answer_is_held_until_the_run_ends(held, call, kernels, jp_serverapp):
    run = await held()
    asking = asyncio.create_task(call("GET", f"{W}/jobs_u/completed/get_result_maybe/{run}"))
    await until(lambda: waiting(jp_serverapp))
    assert not asking.done()
    kernels.go(run)
    answer = (await asyncio.wait_for(asking, 4)).json
    assert answer == {"started": True, "success": True, "completed": True, "result": 1}


async def test_a_cancelled_run_ends_the_waiting(held, call, jp_serverapp):
    run = await held()
    asking = asyncio.create_task(call("GET", f"{W}/jobs_u/completed/get_result_maybe/{run}"))
    await until(lambda: waiting(jp_serverapp))
    gone = await call("POST", f"{W}/jobs_u/queue/cancel/{run}", {"reason": "enough"})
    assert gone.status == 200
    answer = (await asyncio.wait_for(asking, 4)).json
    assert (answer["completed"], answer["success"]) == (True, False)
    assert answer["result"]["error"]["name"] == "RunCancelled"


async def test_who_goes_away_is_waited_for_no_more(held, client, jp_serverapp):
    run = await held()
    asking = client()
    with pytest.raises(Exception, match="timed out"):
        await asyncio.to_thread(
            asking.client.get, f"/w/jupyter/jobs_u/completed/get_result_maybe/{run}", timeout=0.5
        )
    await until(lambda: not waiting(jp_serverapp))


async def test_a_step_is_waited_for_too(held, call, kernels):
    run = await held("# hold\n2")
    asking = asyncio.create_task(call("GET", f"{W}/jobs_u/completed/get_result_maybe/{run}.c0"))
    kernels.go(run)
    answer = (await asyncio.wait_for(asking, 4)).json
    assert (answer["completed"], answer["result"]) == (True, 1)


def waiting(app):
    """How many answers are held back."""
    routes = app.web_app.wildcard_router.rules + app.web_app.default_router.rules
    found = [_doors(rule) for rule in _rules(routes)]
    return next(doors.ends.waiting for doors in found if doors is not None)


def _rules(rules):
    for rule in rules:
        inner = getattr(rule.target, "rules", None)
        yield rule
        if inner:
            yield from _rules(inner)


def _doors(rule):
    return (getattr(rule, "target_kwargs", None) or {}).get("doors")


async def until(found):
    async with asyncio.timeout(20):
        while not found():
            await asyncio.sleep(0.01)


# ---------------------------------------------------------------- lists and cancelling


async def test_cancel_running_ends_the_others_of_the_flow(held, client, token, engine, monkeypatch):
    own, earlier, other = await held(), await held(), await held(name="another")
    monkeypatch.setenv("WM_JOB_ID", f"{own}.c0")
    cancelled = await asyncio.to_thread(client(token(own), "mine").cancel_running)
    assert set(cancelled) == {f"{earlier}.c0"}
    assert [answer.status_code for answer in cancelled.values()] == [200]
    assert (await engine.run(earlier)).status == "cancelled"
    assert (await engine.run(own)).status == "running"
    assert (await engine.run(other)).status == "running"


async def test_a_kernel_lists_its_family_and_its_flow_and_no_other(held, as_kernel):
    own, same, other = await held(), await held(), await held(name="another")
    listed = (await as_kernel(own, "GET", f"{W}/jobs/list")).json
    assert {job["id"] for job in listed} == {f"{own}.c0", f"{same}.c0"}
    (last,) = (await as_kernel(other, "GET", f"{W}/jobs/list?running=true")).json
    assert (last["id"], last["script_path"]) == (f"{other}.c0", "another")


async def test_a_list_has_pages_and_says_what_is_wrong(held, call):
    runs = [await held() for _ in range(3)]
    ids = []
    for page in (1, 2, 3):
        found = await call("GET", f"{W}/jobs/list?per_page=2&page={page}")
        ids += [job["id"] for job in found.json]
    assert ids == [f"{run}.c0" for run in reversed(runs)]
    for wrong in ("per_page=0", "page=x", "running=perhaps"):
        assert (await call("GET", f"{W}/jobs/list?{wrong}")).status == 400


async def test_a_run_that_is_over_is_cancelled_no_more_and_nobody_minds(held, client, kernels):
    run = await held()
    told = await asyncio.to_thread(client().cancel_job, run, "enough")
    assert "cancelled" in told
    assert "ended before" in await asyncio.to_thread(client().cancel_job, run)


# ---------------------------------------------------------------- links


async def test_links_come_for_the_gate_of_the_step(park, client, monkeypatch, anyone):
    gate = await park()
    monkeypatch.setenv("WM_JOB_ID", f"{gate.id}.ask")
    urls = await asyncio.to_thread(client().get_resume_urls, "bob")
    assert set(urls) == {"approvalPage", "resume", "cancel"}
    assert (await anyone("POST", urls["resume"], {})).status in (200, 201)
    run = await gate.engine.run(gate.id)
    assert run.gate("ask").votes[0].voter.name == "bob"


async def test_a_runs_own_job_means_its_open_gate_or_the_whole_run(park, call, held):
    gate = await park()
    assert (await call("GET", f"{W}/jobs/resume_urls/{gate.id}/1?approver=")).status == 200
    state = await gate.engine.run(gate.id)
    assert [(link.gate, link.approver) for link in state.links.values()][-1] == ("ask", None)
    whole = await call("GET", f"{W}/jobs/resume_urls/{gate.id}/1?flow_level=True")
    assert whole.status == 200
    state = await gate.engine.run(gate.id)
    assert list(state.links.values())[-1].gate is None
    wrong = await call("GET", f"{W}/jobs/resume_urls/{gate.id}/1?flow_level=maybe")
    assert wrong.status == 400


async def test_a_step_without_a_gate_has_no_links(held, call):
    run = await held()
    refused = await call("GET", f"{W}/jobs/resume_urls/{run}.c0/1")
    assert (refused.status, refused.json["type"].rpartition(":")[2]) == (409, "NoGate")


async def test_a_wait_with_a_limit_cancels_what_takes_too_long(held, client, engine):
    run = await held()
    clock = timedelta(seconds=0.01)
    house = client()
    asked = house.get

    def at_once(path, *args, **more):
        answer = asked(f"/w/jupyter/jobs_u/get/{run}")
        assert answer.json()["running"]
        return type("Held", (), {"json": lambda _: {
            "started": True, "completed": False, "success": False, "result": None
        }})()  # fmt: skip

    house.get = at_once
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(house.wait_job, run, clock, cleanup=False)
    assert (await engine.run(run)).status == "cancelled"
