"""The REST of runs, gates and links, as the logged-in user (api.md section 4)."""

import asyncio
import json
import re

import nbformat
import pytest

from jupyter_flows.web.routes import ROUTES, Access

# ---------------------------------------------------------------- starting


async def test_a_run_is_started_from_a_notebook_that_is_sent_along(
    call, kernels, reached, make_notebook
):
    asked = {"notebook": make_notebook("flow_input['n'] + 1"), "parameters": {"n": 41}}
    started = await call("POST", "api/runs", asked)
    assert started.status == 201
    assert started.headers["Location"].endswith(f"runs/{started.json['id']}")
    assert started.json["parameters"] == {"n": 41}
    ended = await reached(started.json["id"], "succeeded", "failed")
    assert ended.result == 42


async def test_a_run_is_started_from_a_path_and_keeps_the_notebook_as_it_was(
    call, kernels, reached, make_notebook, jp_root_dir
):
    folder = jp_root_dir / "reports"
    folder.mkdir()
    file = folder / "daily report.ipynb"
    file.write_text(json.dumps(make_notebook("# hold\n1", "2")))
    started = (await call("POST", "api/runs", {"path": "/reports/daily report.ipynb"})).json
    assert started["path"] == "reports/daily report.ipynb"
    await kernels.begun(started["id"])
    file.write_text(json.dumps(make_notebook("'another'")))
    kernels.go(started["id"])
    assert (await reached(started["id"], "succeeded", "failed")).result == 2
    assert kernels.requests[0].folder == str(folder)


async def test_the_same_idempotency_key_gives_the_same_run(call, kernels, make_notebook):
    asked = {"notebook": make_notebook("1"), "idempotency_key": "daily"}
    answers = await asyncio.gather(*(call("POST", "api/runs", asked) for _ in range(4)))
    assert len({answer.json["id"] for answer in answers}) == 1
    assert len((await call("GET", "api/runs")).json["runs"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"notebok": {}}, 400, "notebok"),
        ({"path": 3}, 400, "path"),
        ({"notebook": []}, 400, "notebook"),
        ({"notebook": {}, "parameters": [1]}, 400, "parameters"),
        ({"notebook": {}, "idempotency_key": "k" * 201}, 400, "idempotency_key"),
        ({}, 400, "path"),
        ({"path": "a.ipynb", "notebook": {}}, 404, "a.ipynb"),
        ({"notebook": {}}, 400, "nbformat"),
        ({"path": "missing.ipynb"}, 404, "missing.ipynb"),
        ([], 400, "object"),
        ("{not json", 400, "not JSON"),
        ('{"notebook": {"a": ' + "[" * 50_000, 400, "not JSON"),
        ("", 400, "path"),
    ],
)
async def test_a_bad_body_is_answered_with_a_problem_that_names_it(call, body, status, says):
    answer = await call("POST", "api/runs", body)
    assert answer.status == status, answer.text
    assert answer.is_problem
    assert answer.json["status"] == status
    assert says in answer.json["detail"]
    assert {"type", "title"} <= set(answer.json)


@pytest.mark.parametrize("depth", [100, 300, 480, 700, 900, 980])
@pytest.mark.parametrize("where", ["notebook", "parameters", "payload"])
async def test_what_is_nested_deeply_is_taken_or_refused_and_no_fault_of_the_server(
    park, call, make_notebook, where, depth
):
    deep = json.dumps(make_notebook("1")).replace('"metadata": {}', '"metadata": {"a": DEEP}')
    notebook = deep.replace("DEEP", "[]")
    nested = "[" * depth + "]" * depth
    if where == "payload":
        path = f"api/runs/{(await park()).id}/gates/ask/votes"
        body = f'{{"approved": true, "payload": {nested}}}'
    elif where == "parameters":
        path, body = "api/runs", f'{{"notebook": {notebook}, "parameters": {{"a": {nested}}}}}'
    else:
        path, body = "api/runs", f'{{"notebook": {deep.replace("DEEP", nested)}}}'
    answer = await call("POST", path, body)
    assert answer.status in {201, 400, 422}, answer.text
    assert (await call("GET", "api/runs")).status == 200
    for run in (await call("GET", "api/runs")).json["runs"]:
        assert (await call("GET", f"api/runs/{run['id']}")).status == 200


async def test_a_notebook_with_mistakes_is_refused_with_all_of_them(call, make_notebook):
    flow = {"suspend": {"require_events": 2}}
    notebook = make_notebook(("1", [], flow), ("2", [], {"timeout": "soon"}))
    answer = await call("POST", "api/runs", {"notebook": notebook})
    assert answer.status == 422
    assert answer.is_problem
    assert [mistake["where"].split(",")[0] for mistake in answer.json["errors"]] == [
        "cell 1 (id 'c0')",
        "cell 2 (id 'c1')",
    ]
    assert "require_events" in answer.text
    assert (await call("GET", "api/runs")).json["runs"] == []


# ---------------------------------------------------------------- looking


async def test_runs_are_listed_by_status_path_and_owner_page_by_page(park, call, kernels):
    parked = [await park() for _ in range(3)]
    await call("POST", f"api/runs/{parked[0].id}/cancel")
    first = (await call("GET", "api/runs?limit=2")).json
    second = (await call("GET", f"api/runs?limit=2&cursor={first['cursor']}")).json
    ids = [run["id"] for run in (*first["runs"], *second["runs"])]
    assert ids == [run.id for run in reversed(parked)]
    assert second["cursor"] is None
    waiting = (await call("GET", "api/runs?status=suspended")).json["runs"]
    assert {run["id"] for run in waiting} == {parked[1].id, parked[2].id}
    assert all(run["deadline"] for run in waiting)
    assert (await call("GET", "api/runs?owner=nobody")).json["runs"] == []
    assert (await call("GET", "api/runs?path=other.ipynb")).json["runs"] == []


@pytest.mark.parametrize(
    "query",
    [
        "status=sleepy",
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=²",
        "limit=-1",
        f"limit={'9' * 5000}",
        "cursor=x",
    ],
)
async def test_a_list_that_cannot_be_made_is_a_problem(call, query):
    answer = await call("GET", f"api/runs?{query}")
    assert answer.status == 400
    assert answer.is_problem
    assert query.partition("=")[0] in answer.json["detail"]


async def test_a_run_shows_its_steps_gates_and_times(park):
    run = await park({"description": "Publish?", "required_events": 2}, summary="Ask them")
    shown = await run.shown()
    assert [(s["id"], s["index"], s["status"]) for s in shown["steps"]] == [
        ("c0", 0, "succeeded"),
        ("ask", 1, "succeeded"),
        ("c2", 2, "pending"),
    ]
    assert shown["steps"][1]["summary"] == "Ask them"
    assert shown["steps"][1]["result"] == "go?"
    (gate,) = shown["gates"]
    assert gate["id"] == f"{run.id}.ask.1"
    assert (gate["status"], gate["required_events"], gate["may_vote"]) == ("open", 2, True)
    assert set(gate["links"]) == {"approvalPage", "resume", "cancel"}
    moments = [shown["created_at"], shown["started_at"], gate["deadline"]]
    for moment in moments:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    assert shown["finished_at"] is None


@pytest.mark.parametrize(
    "path", ["api/runs/run_none", "api/runs/run_none/events", "api/runs/run_none/notebook"]
)
async def test_a_run_that_is_not_there_is_not_found(call, path):
    answer = await call("GET", path)
    assert answer.status == 404
    assert answer.is_problem


async def test_the_executed_notebook_is_a_valid_notebook_so_far(
    call, kernels, reached, make_notebook
):
    notebook = make_notebook("print('one')", ("print('two'); 1", ["suspend"]), "print('three')")
    run = (await call("POST", "api/runs", {"notebook": notebook})).json["id"]
    await reached(run, "suspended", "failed")
    executed = (await call("GET", f"api/runs/{run}/notebook")).json
    nbformat.validate(executed)
    said = ["".join(map(str, cell["outputs"])) for cell in executed["cells"]]
    assert "one" in said[0]
    assert "two" in said[1]
    assert said[2] == ""


# ---------------------------------------------------------------- following


def events(text):
    """The stream's events as (id, event, data)."""
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    fields = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    return [(int(f["id"]), f["event"], json.loads(f["data"])) for f in fields]


async def test_the_events_of_a_run_are_streamed_to_its_end(park, call):
    run = await park()
    following = asyncio.ensure_future(call("GET", f"api/runs/{run.id}/events"))
    voted = await call("POST", f"api/runs/{run.id}/gates/ask/votes", {"approved": True})
    assert voted.status == 201
    stream = await following
    assert stream.headers["Content-Type"] == "text/event-stream"
    seen = events(stream.text)
    assert [seq for seq, _, _ in seen] == list(range(1, len(seen) + 1))
    assert (seen[0][1], seen[-1][1]) == ("RunCreated", "RunSucceeded")
    assert all(data["seq"] == seq and data["kind"] == kind for seq, kind, data in seen)


async def test_a_stream_goes_on_from_any_place(park, call):
    run = await park()
    await call("POST", f"api/runs/{run.id}/cancel")
    await run.settled(run.id)
    last = await run.seq()
    by_query = await call("GET", f"api/runs/{run.id}/events?after=3")
    by_header = await call("GET", f"api/runs/{run.id}/events", headers={"Last-Event-ID": "3"})
    assert [seq for seq, _, _ in events(by_query.text)] == list(range(4, last + 1))
    assert by_header.text == by_query.text
    both = await call("GET", f"api/runs/{run.id}/events?after=1", headers={"Last-Event-ID": "3"})
    assert both.text == by_query.text, "a browser that asks again says where it was"
    done = await call("GET", f"api/runs/{run.id}/events?after={last}")
    assert (done.status, done.text) == (204, "")


async def test_a_stream_does_not_end_before_its_last_event(park, call, engine, monkeypatch):
    """The run may end between the reading of its events and the look whether it has ended."""
    run = await park()
    asked, look = [], engine.run

    async def ends_meanwhile(run_id):
        asked.append(run_id)
        if len(asked) == 2:
            await engine.cancel(run_id, "owner")
        return await look(run_id)

    monkeypatch.setattr(engine, "run", ends_meanwhile)
    stream = await call("GET", f"api/runs/{run.id}/events")
    assert events(stream.text)[-1][1] == "RunCancelled"


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "²", "9" * 30])
async def test_a_place_that_is_no_number_is_a_problem(park, call, after):
    run = await park()
    answer = await call("GET", f"api/runs/{run.id}/events?after={after}")
    assert answer.status == 400
    assert "after" in answer.json["detail"]


# ---------------------------------------------------------------- acting


async def test_the_owner_cancels_a_run(park, call):
    """G17"""
    run = await park()
    answer = await call("POST", f"api/runs/{run.id}/cancel", {"reason": "not today"})
    assert answer.status == 200
    assert answer.json["status"] == "cancelled"
    assert answer.json["error"]["reason"] == "not today"
    assert answer.json["gates"][0]["status"] == "superseded"
    again = await call("POST", f"api/runs/{run.id}/cancel")
    assert again.status == 200


async def test_a_run_that_has_ended_well_is_neither_cancelled_nor_resumed(park, call):
    run = await park()
    await call("POST", f"api/runs/{run.id}/gates/ask/votes", {"approved": True})
    await run.settled(run.id)
    for act in ("cancel", "resume"):
        answer = await call("POST", f"api/runs/{run.id}/{act}")
        assert answer.status == 409
        assert answer.is_problem


async def test_a_failed_run_is_resumed_by_its_owner(park, call, reached):
    run = await park()
    await call("POST", f"api/runs/{run.id}/gates/ask/votes", {"approved": False})
    await reached(run.id, "failed")
    await run.settled(run.id)
    assert (await call("POST", f"api/runs/{run.id}/resume")).json["status"] == "running"
    assert (await reached(run.id, "suspended")).gate("ask").generation == 2


async def test_a_failed_run_is_resumed_with_the_notebook_as_its_file_is_now(
    call, kernels, reached, make_notebook, jp_root_dir
):
    file = jp_root_dir / "nb.ipynb"
    file.write_text(json.dumps(make_notebook("x = 1", "1 / 0")))
    run = (await call("POST", "api/runs", {"path": "nb.ipynb"})).json["id"]
    await reached(run, "failed")
    file.write_text(json.dumps(make_notebook("x = 1", "x + 1")))
    resumed = await call("POST", f"api/runs/{run}/resume", {"edited": True})
    assert resumed.status == 200
    assert (await reached(run, "succeeded", "failed")).result == 2
    sent = await call("POST", "api/runs", {"notebook": make_notebook("1 / 0")})
    await reached(sent.json["id"], "failed")
    nowhere = await call("POST", f"api/runs/{sent.json['id']}/resume", {"edited": True})
    assert nowhere.status == 400
    assert "send it along" in nowhere.json["detail"]


async def test_a_logged_in_vote_is_verified_and_names_its_voter(park, call):
    """G41"""
    run = await park({"required_events": 2})
    path = f"api/runs/{run.id}/gates/ask/votes"
    digest = (await run.gate())["digest"]
    voted = await call("POST", path, {"approved": True, "payload": {"n": 1}, "digest": digest})
    assert voted.status == 201
    (vote,) = voted.json["gate"]["votes"]
    assert vote["verified"] is True
    assert vote["approver"] == (await run.shown())["owner"]
    again = await call("POST", path, {"approved": True, "payload": {"n": 1}})
    assert again.status == 200
    assert len(again.json["gate"]["votes"]) == 1
    stale = await call("POST", path, {"approved": False, "digest": "sha256:00"})
    assert stale.status == 409
    assert (await run.gate())["may_vote"] is False


async def test_a_vote_names_its_gate_by_step_or_by_its_own_id(park, call):
    run = await park({"required_events": 2})
    by_id = f"api/runs/{run.id}/gates/{run.id}.ask.1/votes"
    assert (await call("POST", by_id, {"approved": True})).status == 201
    for wrong in ("c0", "none", f"{run.id}.ask.2"):
        answer = await call("POST", f"api/runs/{run.id}/gates/{wrong}/votes", {"approved": True})
        assert answer.status == 404, wrong
        assert answer.is_problem


@pytest.mark.parametrize("body", [{}, {"approved": "yes"}, {"approved": True, "more": 1}, "x"])
async def test_a_vote_that_says_too_little_or_too_much_is_a_problem(park, call, body):
    run = await park()
    answer = await call("POST", f"api/runs/{run.id}/gates/ask/votes", body)
    assert answer.status == 400
    assert answer.is_problem
    assert (await run.gate())["votes"] == []


async def test_a_vote_by_rest_answers_to_the_same_form(park, call):
    """G40, G62"""
    form = {"schema": {"properties": {"day": {"type": "string", "format": "date"}}}}
    run = await park({"resume_form": form})
    path = f"api/runs/{run.id}/gates/ask/votes"
    refused = await call("POST", path, {"approved": True, "payload": {"day": "tomorrow"}})
    assert refused.status == 422
    assert [mistake["where"] for mistake in refused.json["errors"]] == ["day"]
    good = await call("POST", path, {"approved": True, "payload": {"day": "2026-01-31"}})
    assert good.status == 201


async def test_the_inbox_holds_the_open_gates_that_await_me(park, call):
    one, two = await park({"required_events": 2}), await park()
    assert {g["run"] for g in (await call("GET", "api/gates")).json["gates"]} == {one.id, two.id}
    await call("POST", f"api/runs/{one.id}/gates/ask/votes", {"approved": True})
    assert len((await call("GET", "api/gates")).json["gates"]) == 2
    (mine,) = (await call("GET", "api/gates?awaiting=me")).json["gates"]
    assert (mine["run"], mine["step"], mine["status"]) == (two.id, "ask", "open")
    await call("POST", f"api/runs/{two.id}/gates/ask/votes", {"approved": True})
    assert (await call("GET", "api/gates?awaiting=me")).json["gates"] == []
    assert (await call("GET", "api/gates?awaiting=you")).status == 400


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({}, 400, "gate"),
        ({"gate": "none"}, 404, "none"),
        ({"gate": "c0"}, 409, "suspend"),
        ({"gate": "ask", "approver": ""}, 400, "approver"),
        ({"gate": "ask", "approver": "x" * 201}, 400, "approver"),
        ({"gate": "ask", "more": 1}, 400, "more"),
    ],
)
async def test_a_link_that_cannot_be_minted_is_a_problem(park, call, asked, status, says):
    run = await park()
    answer = await call("POST", "api/links", {"run": run.id, **asked})
    assert answer.status == status
    assert answer.is_problem
    assert says in answer.json["detail"]


async def test_links_are_listed_newest_first_and_revoked(park, call):
    """G33"""
    run = await park()
    minted = [await run.mint(name) for name in ("bob", "eve")]
    rows = (await call("GET", f"api/links?run={run.id}")).json["links"]
    assert [row["approver"] for row in rows] == ["eve", "bob", None]
    assert (await call("DELETE", f"api/links/{minted[0]['id']}")).status == 204
    rows = (await call("GET", "api/links")).json["links"]
    assert [bool(row["revoked_at"]) for row in rows] == [False, True, False]
    assert (await call("DELETE", "api/links/none")).status == 404
    assert len((await call("GET", "api/links?limit=1")).json["links"]) == 1


# ---------------------------------------------------------------- its description


async def test_the_openapi_document_describes_every_door_that_is_public(call):
    document = (await call("GET", "openapi.json")).json
    assert document["openapi"].startswith("3.1")
    assert {"title", "version"} <= set(document["info"])
    described = {
        (method.upper(), path.lstrip("/"))
        for path, item in document["paths"].items()
        for method in item
    }
    assert described == {
        (r.method, r.path.replace("+}", "}")) for r in ROUTES if r.access is not Access.PEER
    }


async def test_every_reference_of_the_openapi_document_resolves(call):
    document = (await call("GET", "openapi.json")).json
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
    assert references
    for reference in references:
        place = document
        assert reference.startswith("#/")
        for key in reference[2:].split("/"):
            place = place[key]
        assert isinstance(place, dict)


async def test_every_operation_of_the_openapi_document_is_whole(call):
    document = (await call("GET", "openapi.json")).json
    schemes = set(document["components"]["securitySchemes"])
    names = []
    for path, item in document["paths"].items():
        for operation in item.values():
            names.append(operation["operationId"])
            stated = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert stated == set(re.findall(r"\{(\w+)\}", path))
            assert all(p["schema"] for p in operation["parameters"])
            assert operation["responses"]
            for answer in operation["responses"].values():
                assert answer["description"]
            problem, *page = operation["responses"]["default"]["content"]
            assert problem == "application/problem+json"
            assert page in ([], ["text/html"])
            assert {name for need in operation["security"] for name in need} <= schemes
    assert len(names) == len(set(names))


async def test_an_answer_is_what_the_openapi_document_says(park, call):
    jsonschema = pytest.importorskip("jsonschema")
    document = (await call("GET", "openapi.json")).json
    run = await park()
    for path, name in (
        (f"api/runs/{run.id}", "RunView"),
        ("api/runs", "RunPage"),
        ("api/gates", "GatePage"),
        ("api/links", "LinkPage"),
    ):
        schema = {**document, "$ref": f"#/components/schemas/{name}"}
        jsonschema.validate((await call("GET", path)).json, schema)


async def test_a_run_says_whether_it_is_the_readers_own(park, become):
    run = await park()
    assert (await run.shown())["mine"] is True
    become("somebody-else")
    assert (await run.shown())["mine"] is False


async def test_a_gate_says_since_when_it_is_open(park):
    (gate,) = (await (await park()).shown())["gates"]
    assert gate["opened_at"] is not None
    assert gate["closed_at"] is None


async def test_the_inbox_says_what_is_asked_and_how_far_it_is(park, call):
    await park({"required_events": 2}, summary="Pay?")
    (gate,) = (await call("GET", "api/gates?awaiting=me")).json["gates"]
    assert (gate["summary"], gate["cell"]) == ("Pay?", "c1")
    assert (gate["approvals"], gate["required_events"]) == (0, 2)
