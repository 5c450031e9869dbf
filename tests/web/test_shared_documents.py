"""People who have the notebook open together: what a run shows goes into their document, which its
room saves.
"""

import asyncio
import json

import pytest

pytest.importorskip("jupyter_server_ydoc")

from jupyter_flows.engine.told import Saved

from .test_in_place import Desk, outputs_of, record_of

GATE = ("display('look')", [], {"id": "ask", "suspend": {}})


@pytest.fixture
def server_config(jp_root_dir):
    extensions = {
        "jupyter_flows": True,
        "jupyter_server_ydoc": True,
        "jupyter_server_fileid": True,
    }
    return {"jpserver_extensions": extensions}


@pytest.fixture
def jp_server_config(jp_server_config, tmp_path, jp_root_dir):
    return {
        **jp_server_config,
        "SQLiteYStore": {"db_path": str(tmp_path / "rtc.db")},
        "BaseFileIdManager": {
            "root_dir": str(jp_root_dir),
            "db_path": str(tmp_path / "ids.db"),
            "db_journal_mode": "OFF",
        },
        "YDocExtension": {
            "document_save_delay": 0.1,
            "document_cleanup_delay": 0,
            "session_store_path": str(tmp_path / "sessions.json"),
        },
    }


@pytest.fixture
def desk(  # noqa: PLR0917 (fixtures are asked for by name)
    jp_serverapp, jp_root_dir, call, jp_fetch, engine, jp_asyncio_loop
):
    async def begin():
        engine.show_in_place()

    jp_asyncio_loop.run_until_complete(begin())
    return Desk(jp_serverapp, jp_root_dir, call, jp_fetch, engine)


async def _opened(desk, path):
    """The room's own document, as when a browser has opened it."""
    documents = desk.server.web_app.settings["jupyter_server_ydoc"]
    return await documents.get_document(
        path=path, content_type="notebook", file_format="json", copy=False, create=True
    )


def _cell(document, number):
    return document.get()["cells"][number]


async def _until(true):
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def test_outputs_go_into_the_document_and_its_room_saves_the_file(
    desk, make_notebook, reached
):
    desk.put("a.ipynb", make_notebook("print('one')", GATE, "print('more')"))
    document = await _opened(desk, "a.ipynb")
    run = await desk.started("a.ipynb")
    await reached(run, "suspended")
    await _until(lambda: record_of(_cell(document, 1)))
    assert outputs_of(_cell(document, 0))[0]["text"] == "one\n"
    assert _cell(document, 0)["execution_count"] == 1
    assert desk.engine.documents_told.is_shared("a.ipynb")
    await desk.approve(run)
    await reached(run, "succeeded")
    await _until(lambda: _cell(document, 2)["outputs"])

    def on_disk():
        written = (desk.folder / "a.ipynb").read_text()  # empty while the room is writing
        return written and json.loads(written)["cells"][2]["outputs"]

    await _until(on_disk)
    cells = (await desk.model("a.ipynb"))["content"]["cells"]
    assert [cell["metadata"]["trusted"] for cell in cells] == [True] * 3
    assert not [event for event in desk.saved if isinstance(event, Saved)]


async def test_a_document_that_is_opened_while_the_run_waits_goes_on_where_the_file_was(
    desk, make_notebook, reached
):
    desk.put("a.ipynb", make_notebook(GATE, "print('more')"))
    run = await desk.started("a.ipynb")
    await reached(run, "suspended")
    await desk.until("a.ipynb", "c0", record_of)
    document = await _opened(desk, "a.ipynb")
    waiting = record_of(_cell(document, 0))
    assert waiting
    await desk.approve(run)
    await reached(run, "succeeded")
    await _until(lambda: _cell(document, 1)["outputs"])
    assert record_of(_cell(document, 0)) != waiting
    assert len(_cell(document, 0)["outputs"]) == 2


async def test_a_notebook_that_nobody_has_open_gets_no_room(desk, make_notebook, reached):
    desk.put("a.ipynb", make_notebook("print('one')"))
    await reached(await desk.started("a.ipynb"), "succeeded")
    await desk.until("a.ipynb", "c0", lambda cell: cell["outputs"])
    app = desk.server.web_app.settings["jupyter_server_ydoc"]
    assert not app.ywebsocket_server.rooms
