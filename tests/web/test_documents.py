"""What a notebook shows of its run: over the socket, and as a plain answer."""

import asyncio
import getpass
import json

import pytest
from msgspec.structs import replace
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from jupyter_flows.core import commands as c
from jupyter_flows.core.model import RunId, StepId, Voter
from jupyter_flows.engine import board as boards
from jupyter_flows.engine.asked import NewRun
from jupyter_flows.engine.told import Moved, Shared
from jupyter_flows.ports import FileState, OpKind, OutputOp, Shown
from jupyter_flows.web import mirroring, outbox
from jupyter_flows.web.document_views import OpsTold, RunTold
from jupyter_flows.web.event_log import SCHEMA_ID

from ..engine.fakes import FakeKernels  # noqa: TID252 (the tests are no installed package)
from .browsing import approve

STREAM = {"output_type": "stream", "name": "stdout", "text": "look\n"}
GATE = ("print('look')", [], {"id": "ask", "suspend": {}})


def put_out(kernels, run, text):
    """As a thread of the gate's cell would."""
    before = kernels.shown(run["id"]).get("ask", Shown([STREAM]))
    grown = {**STREAM, "text": before.outputs[0]["text"] + text}
    kernels.shows[run["id"]] = {"ask": Shown([grown], 1)}
    kernels.tell(run["id"], [OutputOp("ask", OpKind.APPEND, 0, text=text)])


async def test_a_notebook_without_a_run_shows_none_until_one_starts(kernels, browse, start):
    browser = await browse()
    assert await browser.next() == {"type": "run", "run": None}
    run = await start("x = 1")
    await browser.reached("succeeded")
    assert browser.run["id"] == run["id"]
    assert browser.run["mine"] is True


async def test_a_run_tells_its_state_its_sources_and_its_outputs_in_this_order(
    kernels, browse, start, reached
):
    run = await start("print('hello')", GATE)
    await reached(run["id"], "suspended")
    browser = await browse()
    kinds = [(await browser.next())["type"] for _ in range(3)]
    assert kinds == ["run", "sources", "outputs"]
    assert "print('hello')" in browser.sources.values()
    assert browser.text("c1") == "look\n"
    (record,) = browser.records("c1")
    assert record["metadata"]["jupyter_flows"]["gate"] == f"{run['id']}.ask.1"
    (gate,) = browser.run["gates"]
    assert gate["links"]["approvalPage"]


async def test_a_running_step_says_how_far_it_is(kernels, call, browse, start):
    browser = await browse()
    run = (await start(("# hold\n1", [], {"id": "load"}), "2"))["id"]
    await kernels.begun(run)
    place = f"api/w/jupyter/job_metrics/set_progress/{run}.load"
    for told in ({"percent": 0}, {"percent": 42, "message": "loading"}):
        assert (await call("POST", place, told)).status == 200
        shown = {"message": None, **told}
        await browser.until(lambda b, shown=shown: b.run and b.run["steps"][0]["progress"] == shown)
    kernels.go(run)
    await browser.reached("succeeded")
    assert [step["progress"] for step in browser.run["steps"]] == [None, None]


async def test_the_record_of_a_gate_follows_its_state(kernels, call, browse, start):
    browser = await browse()
    run = await start(GATE, "'done'")
    await browser.until(lambda b: b.cells and b.records("c0"))
    (waiting,) = browser.records("c0")
    await approve(call, run["id"])
    await browser.reached("succeeded")
    await browser.until(lambda b: b.records("c0") != [waiting])


async def test_the_view_of_a_form_is_in_the_record_while_the_gate_is_open(
    kernels, call, browse, start, engine
):
    view = {boards.WIDGET_VIEW: {"model_id": "m"}}
    browser = await browse()
    run = await start(GATE, "'done'")
    await browser.until(lambda b: b.cells and b.records("c0"))
    engine.boards.set_widget(RunId(run["id"]), StepId("ask"), view)
    await browser.until(lambda b: boards.WIDGET_VIEW in b.records("c0")[0]["data"])
    assert "text/plain" in browser.records("c0")[0]["data"]
    await approve(call, run["id"])
    await browser.until(lambda b: boards.WIDGET_VIEW not in b.records("c0")[0]["data"])


async def test_the_view_of_a_form_goes_with_its_kernel(kernels, browse, start, engine, reached):
    run = await start(GATE)
    await reached(run["id"], "suspended")
    browser = await browse()
    await browser.until(lambda b: b.cells)
    view = {boards.WIDGET_VIEW: {"model_id": "m"}}
    engine.boards.set_widget(RunId(run["id"]), StepId("ask"), view)
    await browser.until(lambda b: boards.WIDGET_VIEW in b.records("c0")[0]["data"])
    await kernels.close(run["id"])
    kernels.lose(run["id"])
    await browser.until(lambda b: boards.WIDGET_VIEW not in b.records("c0")[0]["data"])
    await browser.until(lambda b: b.run["kernel_id"] is None)


async def test_who_comes_back_is_told_what_was_missed(kernels, browse, start, reached, engine):
    run = await start(GATE)
    await reached(run["id"], "suspended")
    before = await browse()
    await before.until(lambda b: b.cells)
    before.close()
    put_out(kernels, run, "more\n")
    after = await browse(known=before)
    await after.until(lambda b: "more" in b.text("c0"))
    assert "outputs" not in [said["type"] for said in after.told]


async def test_who_comes_back_too_late_is_shown_everything(
    kernels, browse, start, reached, monkeypatch
):
    monkeypatch.setattr(boards, "KEPT_BATCHES", 3)
    run = await start(GATE)
    await reached(run["id"], "suspended")
    before = await browse()
    await before.until(lambda b: b.cells)
    before.close()
    for _ in range(5):
        put_out(kernels, run, "+")
    after = await browse(known=before)
    await after.until(lambda b: b.text("c0").endswith("+++++"))
    assert "outputs" in [said["type"] for said in after.told]


async def test_a_number_of_another_servers_life_is_not_taken_for_one_of_this_board(
    kernels, browse, start, reached
):
    run = await start(GATE)
    await reached(run["id"], "suspended")
    browser = await browse(run=run["id"], since="7")
    await browser.until(lambda b: b.cells)
    assert browser.seq > 10**12


async def test_a_slow_reader_is_shown_everything_anew(kernels, browse, start, reached, monkeypatch):
    monkeypatch.setattr(outbox, "MAX_BATCHES", 3)
    run = await start(GATE)
    await reached(run["id"], "suspended")
    browser = await browse()
    await browser.until(lambda b: b.cells)
    for _ in range(50):  # nothing is sent before all of them are there
        put_out(kernels, run, "+")
    await browser.until(lambda b: b.text("c0").endswith("+" * 50))
    assert [said["type"] for said in browser.told].count("outputs") == 2


async def test_a_second_run_takes_the_notebook_over(kernels, browse, start, reached):
    first = await start(GATE)
    await reached(first["id"], "suspended")
    browser = await browse()
    await browser.until(lambda b: b.cells)
    second = await start(GATE)
    await browser.until(lambda b: b.run["id"] == second["id"])
    await browser.until(
        lambda b: b.told[-1].get("run") == second["id"] and b.told[-1]["type"] == "outputs"
    )


async def test_a_run_that_is_not_in_place_does_not_take_it_over(
    kernels, browse, start, reached, call
):
    first = await start(GATE)
    await reached(first["id"], "suspended")
    other = await start(GATE, in_place=False)
    await reached(other["id"], "suspended")
    browser = await browse()
    await browser.until(lambda b: b.cells)
    assert browser.run["id"] == first["id"]
    shown = (await call("GET", "api/documents?path=flow.ipynb")).json
    assert shown["run"]["id"] == first["id"]
    assert shown["outputs"]["cells"]["c0"]["outputs"][0]["text"] == "look\n"


async def test_a_notebook_that_was_never_run_shows_nothing(kernels, call):
    answer = await call("GET", "api/documents?path=none.ipynb")
    assert answer.json == {"run": None, "outputs": None}


async def test_only_a_notebook_at_a_path_shows_its_run(kernels, call, make_notebook):
    asked = {"notebook": make_notebook("1"), "in_place": True}
    answer = await call("POST", "api/runs", asked)
    assert answer.status == 400
    assert "in_place" in answer.text


@pytest.mark.usefixtures("kernels")
async def test_a_moved_notebook_shows_its_run_at_its_new_path(browse, start, reached, engine, call):
    run = await start(GATE)
    await reached(run["id"], "suspended")
    before = (await engine.run(run["id"])).open_gate.digest
    browser = await browse()
    await browser.until(lambda b: b.cells)
    await engine.move(run["id"], "sub/new.ipynb")
    engine.documents_told.moved("flow.ipynb", "sub/new.ipynb")
    await browser.until(lambda b: b.path == "sub/new.ipynb")
    await browser.until(lambda b: b.run["path"] == "sub/new.ipynb")
    assert [s["type"] for s in browser.told].count("moved") == 1
    assert None not in [s["run"] for s in browser.told if s["type"] == "run"]
    assert (await engine.run(run["id"])).open_gate.digest == before
    again = (await call("GET", "api/documents?path=sub/new.ipynb")).json
    assert again["run"]["id"] == run["id"]
    assert (await call("GET", "api/documents?path=flow.ipynb")).json["run"] is None
    assert (await call("GET", "api/gates")).json["gates"][0]["path"] == "sub/new.ipynb"


async def test_a_written_file_is_told_to_those_who_have_it_open(kernels, browse, engine):
    browser = await browse()
    await browser.next()
    state = FileState(
        path="flow.ipynb", hash="ab", hash_algorithm="sha256", last_modified="2024-01-01T00:00:00Z"
    )
    engine.documents_told.saved("other.ipynb", state)
    engine.documents_told.saved("flow.ipynb", state)
    said = await browser.next()
    assert said == {
        "type": "saved",
        "path": "flow.ipynb",
        "hash": "ab",
        "hash_algorithm": "sha256",
        "last_modified": "2024-01-01T00:00:00Z",
    }
    away = await browse()
    assert said in [await away.next(), await away.next()], "a word is for those who missed it, too"


def test_what_happens_to_other_notebooks_does_not_wait_for_a_reader():
    box = outbox.Outbox("sub/flow.ipynb")
    for other in ("flow.ipynb", "sub", "sub/flow.ipynb2", "other.ipynb", ""):
        box.put_event(Shared(other))
    box.put_event(Moved("su", "x"))
    box.put_event(Moved("sub/flow", "x"))
    assert not box.events
    mine = (
        Shared("sub/flow.ipynb"),
        Moved("sub", "new"),
        Shared("new/flow.ipynb"),
        Moved("new/flow.ipynb", "end.ipynb"),
        Shared("end.ipynb"),
    )
    for event in mine:
        box.put_event(event)
        box.put_event(Shared("sub/other.ipynb"))
    box.put_event(Shared("new/flow.ipynb"))
    assert box.take_events() == list(mine)
    assert box.path == "end.ipynb"


async def test_a_document_that_becomes_shared_is_told_so(kernels, browse, start, engine):
    await start(GATE)
    browser = await browse()
    await browser.until(lambda b: b.cells)
    assert browser.told[-1].get("shared", False) is False
    engine.documents_told.shared("flow.ipynb", is_shared=True)
    await browser.until(lambda b: b.told[-1].get("shared"))


async def test_who_is_connected_is_known_by_the_kernel_client(kernels, browse, jp_serverapp):
    (app,) = jp_serverapp.extension_manager.extension_apps["jupyter_flows"]
    doors = next(options["doors"] for _, _, options in app.handlers)
    browser = await browse(hello="session-1")
    await browser.socket.write_message("no hello at all")
    await browser.socket.write_message('{"type": "hello", "kernel_client": "session-2"}')
    async with asyncio.timeout(30):
        while "session-2" not in doors.clients:
            await asyncio.sleep(0.01)
        assert "session-1" not in doors.clients
        browser.close()
        while "session-2" in doors.clients:
            await asyncio.sleep(0.01)


async def test_nobody_comes_in_without_a_login(kernels, jp_ws_fetch, jp_serverapp):
    jp_serverapp.identity_provider.token = "another"
    with pytest.raises(HTTPClientError) as refused:
        await jp_ws_fetch("jupyter-flows", "api", "documents", "ws", params={"path": "flow.ipynb"})
    assert refused.value.code == 403


async def test_another_site_can_not_connect(
    kernels, anyone, jp_serverapp, jp_base_url, http_server_port
):
    """A browser sends its cookie along, whoever asks it to."""
    login = f"/user/bob/login?token={jp_serverapp.identity_provider.token}"
    cookie = (await anyone("GET", login)).headers["Set-Cookie"].partition(";")[0]
    host = f"127.0.0.1:{http_server_port[1]}"
    url = f"ws://{host}{jp_base_url}jupyter-flows/api/documents/ws?path=flow.ipynb"

    def connect(origin):
        headers = {"Cookie": cookie, "Origin": origin}
        return websocket_connect(HTTPRequest(url, headers=headers))

    (await connect(f"http://{host}")).close()
    with pytest.raises(HTTPClientError) as refused:
        await connect("http://evil.example")
    assert refused.value.code == 403


async def test_who_may_not_read_the_run_is_told_its_state_and_no_outputs(
    kernels, browse, start, become, call
):
    secret = ("print('secret')", [], {"id": "ask", "suspend": {"user_groups_required": ["board"]}})
    run = await start(secret)
    await (await browse()).reached("suspended")
    become("mallory")
    browser = await browse()
    await browser.next()
    assert browser.run["status"] == "suspended"
    assert browser.run["mine"] is False
    become(run["owner"])
    await call("POST", f"api/runs/{run['id']}/cancel", {})
    await browser.reached("cancelled", "succeeded")
    assert {said["type"] for said in browser.told} == {"run"}
    assert "secret" not in json.dumps(browser.told)


async def test_a_gate_shuts_its_readers_out_before_its_record_is_told(
    kernels, browse, start, become, monkeypatch
):
    """G45: the record comes right after the gate has opened, the run's view with others later."""
    monkeypatch.setattr(mirroring, "RUN_SECONDS", 1.0)
    suspend = {"user_groups_required": ["board"], "description": "secret"}
    owner = getpass.getuser()
    become("mallory")
    browser = await browse()
    await browser.next()
    become(owner)
    await start("x = 1", ("print('look')", [], {"id": "ask", "suspend": suspend}))
    await browser.reached("suspended")
    assert "secret" not in json.dumps([s for s in browser.told if s["type"] != "sources"])


async def test_who_is_shut_out_while_a_word_is_sent_is_told_no_further_one(
    kernels, start, reached, engine
):
    """G45"""
    run = await start(GATE)
    await reached(run["id"], "suspended")
    board = await engine.boards.board(RunId(run["id"]))
    since = board.seq
    for _ in range(3):
        put_out(kernels, run, "+")
    told = asyncio.Queue()

    async def send(word):
        told.put_nowait(word)
        if isinstance(word, OpsTold):
            gate = board.state.open_gate
            options = replace(gate.options, user_groups_required=("board",))
            closed = {(gate.step, gate.generation): replace(gate, options=options)}
            board.at(replace(board.state, gates=closed), {})

    mirror = mirroring.Mirroring(
        mirroring.Asked("flow.ipynb", board.run, since),
        engine=engine,
        reader=Voter("mallory", verified=True, route="rest"),
        view=lambda run: run.open_gate.options,
        send=send,
    )
    mirrored = asyncio.create_task(mirror.forever())
    kinds = [type(await asyncio.wait_for(told.get(), 30)) for _ in range(4)]
    mirrored.cancel()
    assert (kinds[0], kinds[2], kinds[3]) == (RunTold, OpsTold, RunTold)


async def test_events_of_a_run_are_on_the_servers_event_bus(kernels, start, jp_ws_fetch, reached):
    socket = await jp_ws_fetch("api", "events", "subscribe")
    run = await start(GATE, parameters={"secret": "hidden"})
    kinds = []
    while "GateOpened" not in kinds:
        text = await asyncio.wait_for(socket.read_message(), 30)
        said = json.loads(text)
        if said["schema_id"] == SCHEMA_ID:
            kinds.append(said["kind"])
            assert said["run"] == run["id"]
            assert said["path"] == "flow.ipynb"
            assert said["seq"] == len(kinds)
            assert "hidden" not in text
            assert run["owner"] not in text.replace(str(said["path"]), "")
    assert said["gate"] == f"{run['id']}.ask.1"
    assert said["status"] == "suspended"
    socket.close()


async def test_a_bus_that_fails_breaks_no_run(kernels, start, reached, jp_serverapp, monkeypatch):
    emit = jp_serverapp.event_logger.emit

    def fail(*, schema_id, data):
        if schema_id == SCHEMA_ID:
            raise RuntimeError("the bus is down")
        return emit(schema_id=schema_id, data=data)

    monkeypatch.setattr(jp_serverapp.event_logger, "emit", fail)
    run = await start("1")
    await reached(run["id"], "succeeded")


async def test_a_run_that_another_server_drives_is_mirrored_from_the_store(
    kernels, browse, start, reached, engine
):
    """Its events come by the store alone, as another process's do."""
    run = await start(GATE, "print('after')")
    state = await reached(run["id"], "suspended")
    await engine.settled(state.id)
    browser = await browse()
    await browser.until(lambda b: b.cells)
    engine.feed._listeners.clear()
    engine.boards.hear(FakeKernels())
    vote = c.CastVote(
        gate=StepId("ask"),
        generation=1,
        voter=Voter("ann", verified=True, route="rest"),
        approved=True,
    )
    await engine.vote(state.id, vote)
    await browser.reached("succeeded")
    last = list(browser.shown)[-1]
    await browser.until(lambda b: b.text(last) == "after\n")


async def test_runs_of_the_command_line_are_not_in_place(kernels, engine, make_notebook):
    new = NewRun(notebook=make_notebook("1"), path="f.ipynb", owner="bob", parameters={})
    run = await engine.create(new)
    assert not run.in_place
    assert await engine.boards.shown_at("f.ipynb") is None


async def test_a_run_is_mirrored_for_itself_where_no_notebook_is_named(
    kernels, browse, start, reached, jp_ws_fetch
):
    first = await start(GATE)
    await reached(first["id"], "suspended")
    await start(GATE)
    browser = await browse("", run=first["id"])
    await browser.until(lambda b: b.cells)
    assert browser.run["id"] == first["id"]
    with pytest.raises(HTTPClientError) as refused:
        await jp_ws_fetch("jupyter-flows", "api", "documents", "ws")
    assert refused.value.code == 400


async def test_a_run_that_is_not_there_has_no_socket(kernels, browse):
    with pytest.raises(HTTPClientError) as refused:
        await browse("", run="run_none")
    assert refused.value.code == 404


async def test_a_finished_run_has_no_kernel(kernels, browse, start):
    browser = await browse()
    await start("1")
    await browser.reached("succeeded")
    assert browser.run["kernel_id"] is None
    assert [step["status"] for step in browser.run["steps"]] == ["succeeded"]


@pytest.mark.parametrize("flows_config", [{"checkpoint": "auto"}])
async def test_a_waiting_run_is_told_with_what_is_saved_and_who_must_choose_with_what(
    kernels, browse, start, call, become
):
    kernels.unsaved = {"con"}
    run = await start("x = 1; con = 2", GATE, "x")
    browser = await browse()
    await browser.until(lambda b: b.run and b.run["saved"])
    assert browser.run["status"] == "suspended"
    assert browser.run["saved"].startswith("1 variable saved (1.16 GB")
    assert browser.run["checkpoint"]["variables"] == 1
    (unsaved,) = browser.run["checkpoint"]["unsaved"]
    assert (unsaved["name"], unsaved["cell"]) == ("con", 1)
    assert browser.run["choices"] == []
    become("mallory")
    other = await browse()
    await other.next()
    assert [other.run[key] for key in ("saved", "checkpoint", "choices")] == [None, None, []]
    become(run["owner"])
    kernels.visits[run["id"]] = 1
    await approve(call, run["id"])
    await browser.reached("interrupted")
    assert browser.run["resumable"] is True
    assert browser.run["choices"] == ["kernel", "rerun"], "what was saved is not all"
    assert browser.run["saved"] is None
