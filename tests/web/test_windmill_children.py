"""Runs that runs start, at a real server: by path, by hash, later, again, and so many at once."""

import asyncio
import json

import pytest
from wmill import Windmill

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.links import kernel_token
from jupyter_flows.engine.adhoc import AdHoc
from jupyter_flows.engine.children import Children
from jupyter_flows.engine.ends import Ends
from jupyter_flows.ports import RunFilter

W = "api/w/jupyter"


@pytest.fixture
def url(jp_serverapp, http_server_client):
    return f"{http_server_client.get_url(jp_serverapp.base_url).rstrip('/')}/jupyter-flows"


@pytest.fixture
def flow(jp_root_dir, make_notebook):
    """A flow in the folder of flows, by its name."""

    def write(name, *sources, **metadata):
        file = jp_root_dir / "flows" / f"{name}.ipynb"
        file.parent.mkdir(parents=True, exist_ok=True)
        notebook = make_notebook(*sources)
        notebook["metadata"].update(metadata)
        file.write_text(json.dumps(notebook))
        return file

    return write


@pytest.fixture
def parent(kernels, call, make_notebook, reached):
    """A run whose last cell is held: its kernel asks for children."""

    async def parent(*cells):
        notebook = make_notebook(*cells, "# hold\n1")
        run = (await call("POST", "api/runs", {"notebook": notebook})).json["id"]
        await kernels.begun(run)
        return run

    return parent


@pytest.fixture
def child(anyone, engine):
    """Start one with the token of this run's kernel; the answer."""

    async def child(run, path, args=None, kind="f"):
        token = kernel_token(engine._keyring(), run)
        return await anyone(
            "POST",
            f"/{W}/jobs/run/{kind}/{path}",
            args or {},
            headers={"Authorization": f"Bearer {token}"},
        )

    return child


@pytest.fixture
def in_kernel(url, kernels, engine, monkeypatch):
    """The real package as a cell of this run's step has it."""

    def client(run, step):
        monkeypatch.setenv("WM_JOB_ID", f"{run}.{step}")
        monkeypatch.setenv("WM_ROOT_FLOW_JOB_ID", run)
        return Windmill(url, kernel_token(engine._keyring(), run), "jupyter")

    return client


# ---------------------------------------------------------------- by path and hash


async def test_a_kernels_child_is_its_owners_and_of_its_family(flow, parent, in_kernel, engine):
    flow("etl/sum", "a + b")
    run = await parent()
    client = in_kernel(run, "c0")
    job = await asyncio.to_thread(client.run_script_by_path_async, "f/etl/sum", {"a": 1, "b": 2})
    assert await asyncio.to_thread(client.wait_job, job, timeout=20) == 3
    born = await engine.run(job)
    assert (born.parent_job, born.root_job, born.started_by) == (f"{run}.c0", run, run)
    assert born.owner == (await engine.run(run)).owner
    assert await asyncio.to_thread(client.get_root_job_id, job) == run
    assert await asyncio.to_thread(client.run_script_by_path, "etl/sum.py", {"a": 2, "b": 2}) == 4


async def test_a_flow_that_is_not_tracked_has_no_parent_and_stays_in_the_family(
    flow, parent, in_kernel, engine
):
    flow("one", "1")
    run = await parent()
    client = in_kernel(run, "c0")
    job = await asyncio.to_thread(client.run_flow_async, "one")
    born = await engine.run(job)
    assert (born.parent_job, born.root_job, born.started_by) == (None, run, run)
    tracked = await asyncio.to_thread(
        client.run_flow_async, "one", do_not_track_in_parent=False, tag="any"
    )
    assert (await engine.run(tracked)).parent_job == f"{run}.c0"


async def test_a_grandchild_is_of_the_roots_family(flow, parent, child, kernels, engine):
    flow("held", "# hold\n1")
    flow("one", "1")
    run = await parent()
    middle = (await child(run, "held")).text
    await kernels.begun(middle)
    last = (await child(middle, f"one?parent_job={middle}.c0&root_job={run}")).text
    born = await engine.run(last)
    assert (born.root_job, born.started_by, born.parent_job) == (run, middle, f"{middle}.c0")


async def test_an_unknown_path_or_hash_is_not_found(parent, child):
    run = await parent()
    assert (await child(run, "nothing/here")).status == 404
    assert (await child(run, "0123456789abcdef", kind="h")).status == 404


async def test_a_version_runs_as_it_was(flow, call, parent, in_kernel):
    flow("versioned", "'old ' + word")
    shown = (await call("GET", "api/flows/versioned")).json
    assert len(shown["hash"]) == 16
    flow("versioned", "'new ' + word")
    assert (await call("GET", "api/flows/versioned")).json["hash"] != shown["hash"]
    client = in_kernel(await parent(), "c0")
    run = client.run_script_by_hash
    assert await asyncio.to_thread(run, shown["hash"], {"word": "x"}) == "old x"


async def test_a_name_with_folders_is_registered_and_started(  # noqa: PLR0917 (fixtures are asked for by name)
    jp_root_dir, call, anyone, make_notebook, jp_serverapp, kernels
):
    (jp_root_dir / "deep.ipynb").write_text(json.dumps(make_notebook("1")))
    put = await call("PUT", "api/flows/f/team/deep", {"path": "deep.ipynb"})
    assert (put.status, put.json["name"]) == (200, "f/team/deep")
    login = {"Authorization": f"token {jp_serverapp.identity_provider.token}"}
    quoted = await anyone("GET", "/api/flows/f%2Fteam%2Fdeep", headers=login)
    assert quoted.json["path"].endswith("deep.ipynb")
    body = {"input": {"task": "go"}}
    for name in ("f/team/deep", "f%2Fteam%2Fdeep"):
        begun = await anyone("POST", f"/v1/agents/{name}/workflow", body, login)
        assert (begun.status, begun.json["output"]["result"]) == (201, 1)
    refused = await anyone("PUT", "/api/flows/f%2F..%2Fdeep", {"path": "deep.ipynb"}, login)
    assert refused.status == 400
    assert (await call("DELETE", "api/flows/f/team/deep")).status == 204


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("scheduled_in_secs=-1", "scheduled_in_secs"),
        ("scheduled_in_secs=x", "scheduled_in_secs"),
        ("timeout=0", "timeout"),
        ("retry=x", "retry"),
        ("retry=%7B%22constant%22:%20%7B%22tries%22:%201%7D%7D", "tries"),
        ("retry=%7B%22retry_if%22:%20%22x%22%7D", "retry_if"),
    ],
)
async def test_what_is_wrong_in_the_address_is_said(flow, parent, child, query, says):
    flow("one", "1")
    refused = await child(await parent(), f"one?{query}")
    assert refused.status == 400
    assert says in refused.json["detail"]


async def test_arguments_are_an_object(flow, parent, anyone, engine):
    flow("one", "1")
    token = kernel_token(engine._keyring(), await parent())
    answer = await anyone(
        "POST", f"/{W}/jobs/run/f/one", "[1]", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status == 400


# ---------------------------------------------------------------- later, and again


async def test_a_run_begins_later_though_the_server_was_told_of_it_before(  # noqa: PLR0917 (fixtures are asked for by name)
    flow, parent, child, clock, engine, reached, call
):
    flow("later", "'now'")
    born = (await child(await parent(), "later?scheduled_in_secs=3600")).text
    state = await engine.run(born)
    assert (state.status, round(state.due_at - state.created_at)) == ("queued", 3600)
    assert born not in [row.id for row in await engine._store.ready()]
    await engine.see_to_due()
    assert (await engine.run(born)).status == "queued"
    shown = (await call("GET", f"{W}/jobs_u/get/{born}")).json
    assert (shown["running"], bool(shown["scheduled_for"])) == (False, True)
    clock.ahead += 3601
    await engine.see_to_due()
    assert (await reached(born, "succeeded")).result == "now"


async def test_what_fails_is_tried_again_and_its_job_stays_the_same(
    flow, parent, in_kernel, engine
):
    flow("shaky", "tries = []", "tries.append(1)\n1 / (len(tries) - 2)\nlen(tries)", "'done'")
    flow("bad", "1 / 0")
    client = in_kernel(await parent(), "c0")
    policy = {"constant": {"attempts": 3, "seconds": 0}}
    start = client.run_script_by_path_async
    job = await asyncio.to_thread(start, "shaky", retry=policy)
    assert (await engine.settled(job)).steps["c1"].error is None
    bad = await asyncio.to_thread(start, "bad", retry=policy)
    run = await ended(engine, bad)
    assert (run.status, run.steps["c0"].attempts) == ("failed", 4)


async def ended(engine, run):
    async for _ in engine.follow(run):
        state = await engine.run(run)
        if state.finished:
            return state
    return None


async def test_a_run_may_take_only_so_long(  # noqa: PLR0917 (fixtures are asked for by name)
    flow, parent, child, kernels, clock, engine
):
    flow("held", "# hold\n1")
    born = (await child(await parent(), "held?timeout=60")).text
    await kernels.begun(born)
    clock.ahead += 61
    await engine.see_to_due()
    run = await ended(engine, born)
    assert (run.status, run.error.name) == ("failed", "RunTimedOut")


# ---------------------------------------------------------------- so many at once


class TestTwoAtOnce:
    @pytest.fixture
    def flows_config(self):
        return {"children_at_once": 2}

    async def test_twenty_children_take_turns(self, flow, parent, child, engine, kernels):
        flow("short", "# hold\nx = 1", "x")
        seen, most = set(), 0

        def count(run, _):
            nonlocal most
            if run.started_by is None:
                return
            (seen.add if run.status == "running" else seen.discard)(run.id)
            most = max(most, len(seen))

        engine.listen(count)
        run = await parent()
        born = [(await child(run, "short")).text for _ in range(20)]
        for each in born:
            await asyncio.wait_for(kernels.begun(each), 20)
            kernels.go(each)
        states = [await asyncio.wait_for(ended(engine, each), 20) for each in born]
        assert [state.status for state in states] == ["succeeded"] * 20
        assert most == 2
        assert (await engine.run(run)).status == "running"

    async def test_one_that_waits_for_people_gives_its_place_up(  # noqa: PLR0917 (fixtures are asked for by name)
        self, flow, parent, child, engine, kernels, reached
    ):
        flow("asks", ("'go?'", ["suspend"]), "'went'")
        flow("held", "# hold\n1")
        run = await parent()
        asking = (await child(run, "asks")).text
        await reached(asking, "suspended")
        held = [(await child(run, "held")).text for _ in range(2)]
        for each in held:
            await kernels.begun(each)
        third = (await child(run, "asks")).text
        assert (await engine.run(third)).status == "queued"
        kernels.go(held[0])
        await reached(third, "suspended")

    async def test_grandchildren_count_by_their_own_parent(  # noqa: PLR0917 (fixtures are asked for by name)
        self, flow, parent, child, engine, kernels, reached
    ):
        flow("held", "# hold\n1")
        flow("one", "1")
        run = await parent()
        middle = [(await child(run, "held")).text for _ in range(2)]
        for each in middle:
            await kernels.begun(each)
        last = [(await child(each, "one")).text for each in middle]
        for each in last:
            await reached(each, "succeeded")

    async def test_the_next_begins_when_one_is_cancelled(  # noqa: PLR0917 (fixtures are asked for by name)
        self, flow, parent, child, engine, kernels, reached
    ):
        flow("held", "# hold\n1")
        run = await parent()
        first, second, third = [(await child(run, "held")).text for _ in range(3)]
        await kernels.begun(first)
        await kernels.begun(second)
        await engine.cancel(first, "bob")
        await kernels.begun(third)


async def test_children_are_cancelled_with_their_parent_and_outlive_its_end(  # noqa: PLR0917 (fixtures are asked for by name)
    flow, parent, child, engine, kernels, reached
):
    flow("held", "# hold\n1")
    flow("later", "1")
    run, other = await parent(), await parent()
    born, queued = (
        (await child(run, "held")).text,
        (await child(run, "later?scheduled_in_secs=600")).text,
    )
    free = (await child(other, "held")).text
    await kernels.begun(born)
    await kernels.begun(free)
    grandchild = (await child(born, "held")).text
    await kernels.begun(grandchild)
    kernels.go(other)
    await reached(other, "succeeded")
    await engine.cancel(run, "bob")
    for each in (born, queued, grandchild):
        gone = await reached(each, "cancelled")
        assert gone.status == "cancelled"
    assert (await engine.run(free)).status == "running"


async def test_children_whose_parents_end_nobody_heard_of_are_cancelled_too(
    flow, parent, child, engine, kernels
):
    flow("held", "# hold\n1")
    run = await parent()
    born = (await child(run, "held")).text
    await kernels.begun(born)
    engine.feed._listeners.remove(engine._families.committed)
    await engine.cancel(run, "bob")
    assert (await engine.run(born)).status == "running"
    await engine._recovery.reconcile()
    assert (await engine.run(born)).status == "cancelled"


# ---------------------------------------------------------------- functions and scripts


async def test_a_function_of_the_cells_so_far_is_a_run(parent, anyone, engine, call, reached):
    cells = ("import math\nRATE = 3", "def rate(x):\n    return math.floor(x) * RATE", "1 / 1")
    run = await parent(*cells)
    token = kernel_token(engine._keyring(), run)
    bearer = {"Authorization": f"Bearer {token}"}
    path = f"/{W}/jobs/run/workflow_as_code/{run}.c3"
    begun = await anyone("POST", f"{path}/rate", {"args": {"x": 2.5}}, headers=bearer)
    assert begun.status == 201
    born = await reached(begun.text, "succeeded", "failed")
    assert (born.result, born.parent_job) == (6, f"{run}.c3")
    missing = await anyone("POST", f"{path}/other", {"args": {}}, headers=bearer)
    assert (missing.status, "no function 'other'" in missing.json["detail"]) == (400, True)
    before = f"/{W}/jobs/run/workflow_as_code/{run}.c0/rate"
    assert (await anyone("POST", before, {"args": {}}, headers=bearer)).status == 400


@pytest.fixture
def inline(jp_serverapp, engine, house):
    return AdHoc(engine, Children(engine, house.registry), Ends(engine))


async def test_a_scripts_main_is_run_and_its_result_is_the_answer(inline, parent, engine):
    run = await engine.run(await parent())
    content = "import math\n\ndef main(x: int):\n    return math.sqrt(x)\n"
    assert await inline.python(run, run.owner, content, {"x": 9}) == 3.0
    assert await inline.python(None, run.owner, content, {"x": 16}) == 4.0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("def main(): 1 / 0", "ZeroDivisionError"),
        ("x = 1", "function `main`"),
        ("def main(", "no Python"),
    ],
)
async def test_a_script_that_fails_says_why(inline, kernels, content, says):
    with pytest.raises(BadInput, match=says):
        await inline.python(None, "bob", content, {})


async def test_a_script_that_nobody_waits_for_is_cancelled(inline, kernels, engine):
    waits = asyncio.create_task(inline.python(None, "bob", "# hold\ndef main(): return 1", {}))
    async with asyncio.timeout(20):
        while not inline._ends.waiting:
            await asyncio.sleep(0.01)
    (row,) = (await engine.runs(RunFilter(), None, 10)).rows
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
    assert (await engine.run(row.id)).status == "cancelled"


async def test_the_real_package_runs_a_script_and_has_its_result(parent, in_kernel):
    client = in_kernel(await parent(), "c0")
    content = "def main(n):\n    return n * 2\n"
    run = client.run_inline_script_preview
    assert await asyncio.to_thread(run, content, "python3", {"n": 4}) == 8
    with pytest.raises(Exception, match=r"400, .*ZeroDivisionError"):
        await asyncio.to_thread(run, "def main(): 1 / 0", "python3")
