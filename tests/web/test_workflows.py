"""The workflow-run API, at a real server (api.md, section 5)."""

import asyncio
import json

import jsonschema
import pytest

from jupyter_flows.core.errors import LogUnreadable

CHOICE = {
    "resume_form": {"schema": {"properties": {"team": {"enum": ["sales", "support"]}}}},
    "description": "Which team?",
}
BODY = {"input": {"task": "Route this lead", "state": {"lead": "lead-123"}}}


@pytest.fixture
def router(jp_root_dir, make_notebook):
    """A flow in the folder of flows."""

    def write(name="router", suspend=None, then="resume"):
        gate = ("'go?'", ["suspend"], {"id": "approval", "suspend": suspend or {}})
        cells = ("task + ' ' + state['lead']", gate, then)
        file = jp_root_dir / "flows" / f"{name}.ipynb"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(make_notebook(*cells)))
        return file

    return write


@pytest.fixture
def begin(call, kernels):
    async def begin(name="router", body=BODY, **more):
        return await call("POST", f"v1/agents/{name}/workflow", body, **more)

    return begin


@pytest.fixture
def put_in(call):
    async def put_in(run, said, step="approval", **more):
        body = {"input": {"resume": {"step": step, "input": said, **more}}}
        return await call("POST", f"v1/workflow-runs/{run}/resume", body)

    return put_in


async def test_a_flow_is_started_by_name_pauses_and_goes_on(router, begin, put_in, call):
    router()
    begun = await begin()
    assert begun.status == 201
    output, name = begun.json["output"], begun.json["run_id"]
    assert name.startswith("wfr_")
    assert (output["status"], output["result"]) == ("paused", None)
    assert [(step["status"], step["output"]) for step in output["steps"][1:]] == [
        ("completed", "Route this lead lead-123"),
        ("paused", "go?"),
    ]
    assert output["pendingAction"] == {
        "step": "approval",
        "type": "confirmation",
        "message": "Approve approval?",
        "options": ["approve", "reject"],
    }
    assert (await call("GET", f"v1/workflow-runs/{name}")).json == begun.json
    ended = await put_in(name, "approve")
    assert ended.status == 200
    assert (ended.json["output"]["status"], ended.json["output"]["pendingAction"]) == (
        "completed",
        None,
    )
    assert ended.json["finished_at"]


async def test_options_are_the_forms_choices_and_what_is_chosen_is_the_payload(
    router, begin, put_in
):
    router(suspend=CHOICE)
    begun = (await begin()).json
    assert begun["output"]["pendingAction"]["options"] == ["sales", "support"]
    assert begun["output"]["pendingAction"]["message"] == "Which team?"
    ended = await put_in(begun["run_id"], "support")
    assert ended.json["output"]["result"] == {"team": "support"}


async def test_what_is_no_option_or_another_step_changes_nothing(router, begin, put_in, call):
    router(suspend=CHOICE)
    begun = (await begin()).json
    run = begun["run_id"]
    wrong = await put_in(run, "escalate")
    assert wrong.status == 422
    assert "'sales', 'support'" in wrong.text
    assert (await put_in(run, {"team": "none"})).status == 422
    other = await put_in(run, "sales", step="other")
    assert other.status == 409
    assert "approval" in other.text
    assert (await call("GET", f"v1/workflow-runs/{run}")).json == begun
    assert (await put_in(run, "sales")).status == 200
    assert (await put_in(run, "sales")).status == 409


async def test_a_rejection_fails_the_run_and_says_why(router, begin, put_in):
    router(suspend={"require_reason": True})
    run = (await begin()).json["run_id"]
    assert (await put_in(run, "reject")).status == 422
    ended = (await put_in(run, "reject", reason="not ours")).json["output"]
    assert (ended["status"], ended["result"]) == ("failed", None)
    assert ended["error"]["name"] == "SuspendedDisapproved"
    assert ended["error"]["reason"] == "not ours"


async def test_delete_cancels_it(router, begin, call):
    router()
    run = (await begin()).json["run_id"]
    gone = await call("DELETE", f"v1/workflow-runs/{run}")
    assert (gone.status, gone.json["output"]["status"]) == (200, "failed")
    assert gone.json["output"]["error"]["name"] == "RunCancelled"
    assert (await call("DELETE", f"v1/workflow-runs/{run}")).status in (200, 409)


async def test_only_who_has_started_it_may_cancel_it(router, begin, call, become):
    router()
    run = (await begin()).json["run_id"]
    become("eve")
    assert (await call("DELETE", f"v1/workflow-runs/{run}")).status == 403


async def test_a_run_that_is_not_resumed_in_time_has_failed(router, begin, call, clock, engine):
    router(suspend={"timeout": 60})
    run = (await begin()).json["run_id"]
    clock.ahead += 61
    await engine.see_to_due()
    shown = (await call("GET", f"v1/workflow-runs/{run}")).json["output"]
    assert (shown["status"], shown["error"]["name"]) == ("failed", "SuspendedTimedOut")


class TestLifetime:
    @pytest.fixture
    def flows_config(self):
        return {"workflow_lifetime": "10m"}

    async def test_a_run_has_a_longest_lifetime(self, router, begin, call, clock, engine):
        router()
        run = (await begin()).json["run_id"]
        clock.ahead += 601
        await engine.see_to_due()
        shown = (await call("GET", f"v1/workflow-runs/{run}")).json["output"]
        assert (shown["status"], shown["error"]["name"]) == ("failed", "RunTimedOut")


async def test_with_the_same_key_it_is_the_same_run(router, begin):
    router()
    router("other")
    key = {"headers": {"Idempotency-Key": "lead-123"}}
    first, second = (await begin(**key)).json, (await begin(**key)).json
    assert second["run_id"] == first["run_id"]
    assert (await begin("other", **key)).json["run_id"] != first["run_id"]
    assert (await begin()).json["run_id"] != first["run_id"]
    assert (await begin(headers={"Idempotency-Key": "x" * 201})).status == 400


async def test_the_answer_comes_at_once_or_when_it_pauses(router, begin, call, kernels, reached):
    router()
    begun = await call("POST", "v1/agents/router/workflow?wait=0", BODY)
    assert begun.json["output"]["status"] == "running"
    waiting = asyncio.create_task(
        reached(begun.json["run_id"].replace("wfr_", "run_"), "suspended")
    )
    assert (await waiting).status == "suspended"
    for wait in ("-1", "x", "601"):
        assert (await call("POST", f"v1/agents/router/workflow?wait={wait}", BODY)).status == 400


async def test_runs_are_listed_in_pages_newest_first(router, begin, put_in, call):
    router()
    runs = [(await begin()).json["run_id"] for _ in range(3)]
    await put_in(runs[0], "approve")
    first = (await call("GET", "v1/workflow-runs?limit=2")).json
    second = (await call("GET", f"v1/workflow-runs?limit=2&cursor={first['cursor']}")).json
    assert [each["run_id"] for each in first["data"] + second["data"]] == runs[::-1]
    assert second["cursor"] is None
    paused = (await call("GET", "v1/workflow-runs?status=paused")).json["data"]
    assert {each["run_id"] for each in paused} == set(runs[1:])
    assert all(each["output"]["pendingAction"] for each in paused)
    assert (await call("GET", "v1/workflow-runs?status=waiting")).status == 400


async def test_a_run_that_can_not_be_read_hides_no_other(router, begin, call, engine, monkeypatch):
    router()
    broken, whole = [(await begin()).json["run_id"] for _ in range(2)]
    read = engine.run

    async def damaged(run):
        if run == broken.replace("wfr_", "run_"):
            raise LogUnreadable("damaged")
        return await read(run)

    monkeypatch.setattr(engine, "run", damaged)
    listed = (await call("GET", "v1/workflow-runs")).json["data"]
    assert [each["run_id"] for each in listed] == [whole]


@pytest.mark.parametrize(
    "body",
    [{}, {"input": {}}, {"input": {"task": ""}}, {"input": {"task": 3}}, [],
     {"input": {"task": "x", "state": []}}],
)  # fmt: skip
async def test_a_start_without_a_task_is_refused(router, begin, body):
    router()
    refused = await begin(body=body)
    assert refused.status == 400
    assert refused.is_problem


async def test_a_name_that_nothing_is_registered_by_is_unknown(begin):
    refused = await begin("nobody")
    assert refused.status == 404
    assert "jupyter flows register" in refused.text


@pytest.mark.parametrize("run", ["wfr_none", "run_none", "none"])
async def test_a_run_that_is_not_there_is_unknown(call, run):
    assert (await call("GET", f"v1/workflow-runs/{run}")).status == 404
    assert (await call("DELETE", f"v1/workflow-runs/{run}")).status == 404
    body = {"input": {"resume": {"step": "a", "input": "approve"}}}
    assert (await call("POST", f"v1/workflow-runs/{run}/resume", body)).status == 404


async def test_who_may_not_read_the_gate_sees_that_it_waits(router, begin, call, become):
    router(suspend={**CHOICE, "approvers": ["carol"]})
    run = (await begin()).json["run_id"]
    become("eve")
    shown = (await call("GET", f"v1/workflow-runs/{run}")).json["output"]
    assert shown["pendingAction"] == {
        "step": "approval",
        "type": "confirmation",
        "message": "This gate is not yours to read.",
    }
    assert {step["output"] for step in shown["steps"]} == {None}


async def test_the_answers_are_as_the_schema_says(router, begin, put_in, call):
    document = (await call("GET", "openapi.json")).json
    schema = {"$ref": "#/components/schemas/WorkflowRun", "components": document["components"]}
    router(suspend={"resume_form": {"schema": {"properties": {"limit": {"type": "integer"}}}}})
    begun = (await begin()).json
    jsonschema.validate(begun, schema)
    assert begun["output"]["pendingAction"]["type"] == "input"
    ended = (await put_in(begun["run_id"], {"limit": 3})).json
    jsonschema.validate(ended, schema)
    assert ended["output"]["result"] == {"limit": 3}


# ---------------------------------------------------------------- registered flows


@pytest.fixture
def file(jp_root_dir, make_notebook):
    file = jp_root_dir / "work" / "any name.ipynb"
    file.parent.mkdir()
    file.write_text(json.dumps(make_notebook("1")))
    return file


async def test_a_notebook_is_registered_listed_and_taken_back(call, file, router, begin):
    lying = router("lying")
    put = await call("PUT", "api/flows/mine", {"path": "work/any name.ipynb"})
    assert put.status == 200, put.text
    assert (put.json["path"], put.json["source"]) == (str(file), "registered")
    assert (await call("GET", "api/flows/mine")).json == put.json
    flows = (await call("GET", "api/flows")).json["flows"]
    assert [(each["name"], each["source"]) for each in flows] == [
        ("lying", "folder"),
        ("mine", "registered"),
    ]
    assert flows[0]["path"] == str(lying)
    assert (await begin("mine")).json["output"]["result"] == 1
    assert (await call("DELETE", "api/flows/mine")).status == 204
    assert (await call("DELETE", "api/flows/mine")).status == 404
    assert (await begin("mine")).status == 404


async def test_a_registered_name_counts_before_a_file_of_that_name(call, file, router, begin):
    router("mine")
    await call("PUT", "api/flows/mine", {"path": "work/any name.ipynb"})
    assert (await begin("mine")).json["output"]["status"] == "completed"
    flows = (await call("GET", "api/flows")).json["flows"]
    assert [each["source"] for each in flows] == ["registered"]


async def test_somebody_elses_name_is_theirs(call, file, become):
    await call("PUT", "api/flows/mine", {"path": "work/any name.ipynb"})
    become("eve")
    assert (await call("PUT", "api/flows/mine", {"path": "work/any name.ipynb"})).status == 403
    assert (await call("DELETE", "api/flows/mine")).status == 403


@pytest.mark.parametrize("name", ["-a", ".a", "a~b", "x" * 101])
async def test_a_name_that_can_not_be_one_is_refused(call, file, name):
    refused = await call("PUT", f"api/flows/{name}", {"path": "work/any name.ipynb"})
    assert refused.status == 400
    assert "can't be a flow's name" in refused.text


async def test_a_notebook_with_mistakes_is_not_registered(call, jp_root_dir, make_notebook):
    wrong = make_notebook(("1", [], {"suspend": {"required_events": 0}}))
    (jp_root_dir / "wrong.ipynb").write_text(json.dumps(wrong))
    assert (await call("PUT", "api/flows/wrong", {"path": "wrong.ipynb"})).status == 422
    assert (await call("PUT", "api/flows/wrong", {"path": "none.ipynb"})).status == 404
    assert (await call("GET", "api/flows")).json["flows"] == []


async def test_scripts_and_folders_below_are_flows_and_a_notebook_counts_before_a_script(
    router, begin, call, jp_root_dir
):
    folder = router("both", then="'of the notebook'").parent
    (folder / "team").mkdir()
    (folder / "team" / "sum.py").write_text("# %%\nstate['a'] + 1\n")
    (folder / "both.py").write_text("1")
    (folder / ".hidden.py").write_text("1")
    flows = (await call("GET", "api/flows")).json["flows"]
    assert [(each["name"], each["path"].rpartition(".")[2]) for each in flows] == [
        ("both", "ipynb"),
        ("team/sum", "py"),
    ]
    begun = await begin("team/sum", {"input": {"task": "add", "state": {"a": 2}}})
    assert begun.json["output"]["result"] == 3
