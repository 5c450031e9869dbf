"""What a run shows is in its notebook: on a real server, with real kernels and real files."""

import asyncio
import json
import logging

import pytest
from jupyter_server.utils import ensure_async
from tornado.httpclient import HTTPClientError

from jupyter_flows.composition import compose
from jupyter_flows.documents.notebooks import ServerNotebooks
from jupyter_flows.engine.told import Saved

GATE = ("display('look')", [], {"id": "ask", "suspend": {}})
HTML = "from IPython.display import HTML; HTML('<b>rich</b>')"


class Desk:
    """The server's notebooks as its users see them."""

    def __init__(self, server, folder, call, jp_fetch, engine):
        self.server, self.folder, self.call, self.fetch = server, folder, call, jp_fetch
        self.engine = engine
        self.saved = []
        self.changed = asyncio.Condition()
        self.unlisten = engine.documents_told.listen(self.told)

    def told(self, event):
        if isinstance(event, Saved):
            self.saved.append(event)

    def put(self, path, notebook):
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(json.dumps(notebook))

    async def api(self, method, path, body=None, **params):
        data = None if body is None else json.dumps(body)
        answer = await self.fetch(
            "api", *path.split("/"), method=method, body=data, params=params or None
        )
        return json.loads(answer.body) if answer.body else None

    async def model(self, path):
        return await self.api("GET", f"contents/{path}", type="notebook", content="1", hash="1")

    async def cell(self, path, step):
        cells = (await self.model(path))["content"]["cells"]
        return next(cell for cell in cells if cell["id"] == step)

    async def started(self, path, **asked):
        answer = await self.call("POST", "api/runs", {"path": path, **asked})
        assert answer.status == 201, answer.text
        return answer.json["id"]

    async def approve(self, run):
        answer = await self.call("POST", f"api/runs/{run}/gates/ask/votes", {"approved": True})
        assert answer.status in (200, 201), answer.text

    async def until(self, path, step, true):
        """The cell, when the file says so; it is looked at anew whenever it was written."""
        async with asyncio.timeout(30):
            while True:
                seen = len(self.saved)
                try:
                    cell = await self.cell(path, step)
                except HTTPClientError as error:  # what reads has met what saves, in Jupyter
                    if error.code != 500:
                        raise
                    continue
                if true(cell):
                    return cell
                while len(self.saved) == seen:
                    await asyncio.sleep(0.01)


def outputs_of(cell):
    return [o for o in cell["outputs"] if "jupyter_flows" not in o.get("metadata", {})]


def record_of(cell):
    found = [o for o in cell["outputs"] if "jupyter_flows" in o.get("metadata", {})]
    return found[-1]["data"]["text/plain"] if found else None


@pytest.fixture
def desk(  # noqa: PLR0917 (fixtures are asked for by name)
    jp_serverapp, jp_root_dir, call, jp_fetch, engine, jp_asyncio_loop
):
    async def begin():
        engine.show_in_place()

    jp_asyncio_loop.run_until_complete(begin())
    return Desk(jp_serverapp, jp_root_dir, call, jp_fetch, engine)


async def test_without_a_browser_the_saved_notebook_has_what_the_run_has_made(
    desk, make_notebook, reached
):
    desk.put("sub/a.ipynb", make_notebook("print('one')", GATE, HTML))
    run = await desk.started("sub/a.ipynb")
    await reached(run, "suspended")
    asked = await desk.until("sub/a.ipynb", "c1", record_of)
    assert [o["output_type"] for o in outputs_of(asked)] == ["display_data"]
    assert outputs_of(await desk.cell("sub/a.ipynb", "c0"))[0]["text"] == "one\n"
    await desk.approve(run)
    await reached(run, "succeeded")
    last = await desk.until("sub/a.ipynb", "c2", lambda cell: cell["execution_count"])
    assert last["outputs"][0]["data"]["text/html"] == "<b>rich</b>"
    model = await desk.model("sub/a.ipynb")
    cells = model["content"]["cells"]
    assert [cell["metadata"]["trusted"] for cell in cells] == [True] * 3
    assert [cell["execution_count"] for cell in cells] == [1, 2, 3]
    assert (desk.saved[-1].path, desk.saved[-1].file.hash) == ("sub/a.ipynb", model["hash"])
    assert desk.saved[-1].file.last_modified == model["last_modified"]


async def test_a_run_that_is_not_to_show_in_place_leaves_the_file_as_it_is(
    desk, make_notebook, reached
):
    desk.put("a.ipynb", make_notebook("print('one')"))
    before = (desk.folder / "a.ipynb").read_bytes()
    await reached(await desk.started("a.ipynb", in_place=False), "succeeded")
    assert (desk.folder / "a.ipynb").read_bytes() == before


async def test_who_opens_the_notebook_finds_the_kernel_of_its_run(desk, make_notebook, reached):
    desk.put("sub/a.ipynb", make_notebook(GATE))
    run = await desk.started("sub/a.ipynb")
    await reached(run, "suspended")
    async with asyncio.timeout(10):
        while not (sessions := await desk.api("GET", "sessions")):
            await asyncio.sleep(0.01)
    kernel = desk.engine.boards.kernel_of(run)
    assert [(s["path"], s["type"], s["kernel"]["id"]) for s in sessions] == [
        ("sub/a.ipynb", "notebook", kernel)
    ]
    assert len(await desk.api("GET", "kernels")) == 1


@pytest.mark.parametrize(
    "move",
    [("sub/a.ipynb", "sub/b.ipynb", "sub/b.ipynb"), ("sub", "other", "other/a.ipynb")],
    ids=["file", "folder"],
)
async def test_results_go_where_the_notebook_was_moved_to(desk, make_notebook, reached, move):
    old, new, path = move
    desk.put("sub/a.ipynb", make_notebook(GATE, "print('more')"))
    run = await desk.started("sub/a.ipynb")
    await reached(run, "suspended")
    await desk.until("sub/a.ipynb", "c0", record_of)
    await desk.api("PATCH", f"contents/{old}", {"path": new})
    async with asyncio.timeout(10):
        while (await desk.engine.run(run)).path != path:
            await asyncio.sleep(0.01)
    await desk.approve(run)
    await reached(run, "succeeded")
    more = await desk.until(path, "c1", lambda cell: cell["outputs"])
    assert more["outputs"][0]["text"] == "more\n"
    assert not (desk.folder / "sub/a.ipynb").exists()


async def test_an_event_that_anybody_can_send_moves_no_run(desk, make_notebook, reached):
    desk.put("a.ipynb", make_notebook(GATE))
    desk.put("b.ipynb", make_notebook(GATE))
    run = await desk.started("a.ipynb")
    await reached(run, "suspended")
    data = {"action": "rename", "path": "b.ipynb", "source_path": "a.ipynb"}
    schema = "https://events.jupyter.org/jupyter_server/contents_service/v1"
    desk.server.event_logger.emit(schema_id=schema, data=data)
    await asyncio.gather(*desk.server.event_logger._active_listeners)
    assert (await desk.engine.run(run)).path == "a.ipynb"


async def test_edits_that_a_user_saves_meanwhile_stay(desk, make_notebook, reached):
    desk.put("a.ipynb", make_notebook("print('one')", GATE, "print('more')"))
    run = await desk.started("a.ipynb")
    await reached(run, "suspended")
    await desk.until("a.ipynb", "c1", record_of)
    content = (await desk.model("a.ipynb"))["content"]
    content["cells"][0]["source"] = "edited"
    content["cells"].insert(0, {**content["cells"][0], "id": "new", "source": "# new"})
    content["metadata"]["mine"] = 1
    body = {"type": "notebook", "format": "json", "content": content}
    await desk.api("PUT", "contents/a.ipynb", body)
    await desk.approve(run)
    await reached(run, "succeeded")
    await desk.until("a.ipynb", "c2", lambda cell: cell["outputs"])
    content = (await desk.model("a.ipynb"))["content"]
    assert [cell["source"] for cell in content["cells"]][:2] == ["# new", "edited"]
    assert content["metadata"]["mine"] == 1


async def test_a_new_server_shows_in_the_file_how_a_run_waits(
    desk, make_notebook, reached, jp_serverapp, house
):
    desk.put("a.ipynb", make_notebook(GATE))
    run = await desk.started("a.ipynb")
    await reached(run, "suspended")
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "m", "version_major": 2}}
    house.engine.boards.set_widget(run, "ask", view)

    def has_view(cell):
        return any(view.keys() <= o.get("data", {}).keys() for o in cell["outputs"])

    await desk.until("a.ipynb", "c0", has_view)
    await house.stop()
    app = jp_serverapp.extension_manager.extension_apps["jupyter_flows"].pop()
    jp_serverapp.extension_manager.extension_apps["jupyter_flows"].add(app)
    again = compose(
        app,
        manager=jp_serverapp.kernel_manager,
        notebooks=ServerNotebooks(
            contents=jp_serverapp.contents_manager,
            sessions=jp_serverapp.session_manager,
            events=jp_serverapp.event_logger,
            settings=jp_serverapp.web_app.settings,
        ),
        address=app._address,
        adopts=True,
        log=logging.getLogger("tests"),
    )
    again.engine.documents_told.listen(desk.told)
    await again.start("http://127.0.0.1:1", "http://127.0.0.1:1")
    try:
        cell = await desk.until("a.ipynb", "c0", lambda cell: not has_view(cell))
        assert record_of(cell)
        assert cell["metadata"]["trusted"]
    finally:
        await again.stop()


async def test_what_a_reader_makes_after_the_run_stays_when_a_link_is_revoked_or_the_file_moves(
    desk, make_notebook, reached, call
):
    desk.put("a.ipynb", make_notebook("print('one')", GATE, "print('two')"))
    run = await desk.started("a.ipynb")
    await reached(run, "suspended")
    link = (await call("GET", f"api/links?run={run}")).json["links"][0]["id"]
    await desk.approve(run)
    await reached(run, "succeeded")
    await desk.until("a.ipynb", "c2", lambda cell: cell["outputs"])
    content = (await desk.model("a.ipynb"))["content"]
    mine = [{"output_type": "stream", "name": "stdout", "text": "mine\n"}]
    content["cells"][0] |= {"outputs": mine, "execution_count": 77}
    content["cells"][2] |= {"outputs": [], "execution_count": None}
    body = {"type": "notebook", "format": "json", "content": content}
    await desk.api("PUT", "contents/a.ipynb", body)
    kept = (await desk.model("a.ipynb"))["content"]
    await call("DELETE", f"api/links/{link}")
    await desk.api("PATCH", "contents/a.ipynb", {"path": "b.ipynb"})
    async with asyncio.timeout(10):
        while (await desk.engine.run(run)).path != "b.ipynb":
            await asyncio.sleep(0.01)
    for page in tuple(desk.engine._scribe._pages.values()):
        await page.quiet()
    assert (await desk.model("b.ipynb"))["content"] == kept


@pytest.mark.parametrize(
    "names", [(None, None), ("a", "a"), ("a b!", "x"), ("a b!", None)], ids=str
)
async def test_a_file_whose_cells_have_no_names_that_serve_shows_its_run(
    desk, make_notebook, reached, names
):
    notebook = make_notebook("print('one')", "print('one')", "print('two')")
    for cell, name in zip(notebook["cells"][:2], names, strict=True):
        cell["id"] = name
        if name is None:
            del cell["id"]
    desk.put("a.ipynb", notebook)
    run = await desk.started("a.ipynb")
    await reached(run, "succeeded")
    await desk.until("a.ipynb", "c2", lambda cell: cell["outputs"])
    cells = (await desk.model("a.ipynb"))["content"]["cells"]
    assert [cell["outputs"][0]["text"] for cell in cells] == ["one\n", "one\n", "two\n"]
    assert [cell["execution_count"] for cell in cells] == [1, 2, 3]
    steps = (await desk.engine.run(run)).steps.values()
    assert [cell["id"] for cell in cells] == [step.spec.cell_id for step in steps]


@pytest.mark.parametrize("path", [".hidden/a.ipynb", ".a.ipynb", "../a.ipynb", "gone.ipynb"])
async def test_a_path_that_the_server_does_not_hand_out_starts_no_run(
    desk, make_notebook, path, call
):
    if not path.startswith("gone"):
        desk.put(path, make_notebook("1"))
    answer = await call("POST", "api/runs", {"path": path})
    assert answer.status == 404
    assert answer.is_problem


async def test_a_run_knows_its_notebook_by_the_one_path_that_all_have(desk, make_notebook):
    desk.put("sub/a.ipynb", make_notebook("1"))
    run = await desk.started("/sub//../sub/./a.ipynb")
    assert (await desk.engine.run(run)).path == "sub/a.ipynb"
    assert await ensure_async(desk.server.contents_manager.file_exists("sub/a.ipynb"))


async def test_a_run_is_of_the_notebook_as_it_is_on_a_screen_and_shows_in_its_file(
    desk, make_notebook, reached
):
    desk.put("a.ipynb", make_notebook("print('as saved')"))
    run = await desk.started("a.ipynb", notebook=make_notebook("print('as typed')"))
    await reached(run, "succeeded")
    cell = await desk.until("a.ipynb", "c0", outputs_of)
    assert outputs_of(cell)[0]["text"] == "as typed\n"
    assert cell["source"] == "print('as saved')"
    nowhere = await desk.call(
        "POST", "api/runs", {"path": "none.ipynb", "notebook": make_notebook("1")}
    )
    assert nowhere.status == 404
