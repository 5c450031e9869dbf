"""What a run shows, in the notebook's file: nothing is lost, and nothing else is touched."""

import asyncio
import copy

import pytest
from jupyter_server.utils import ensure_async
from tornado.web import HTTPError

from jupyter_flows.core.errors import BadInput, Unavailable
from jupyter_flows.documents.files import NotebookFiles
from jupyter_flows.documents.moves import Moves
from jupyter_flows.kernels.document import NotebookDocuments
from jupyter_flows.ports import Shown

from .conftest import record, rich, stream


async def test_the_outputs_and_the_count_stand_in_the_file(place, make_notebook):
    place.put(make_notebook("print(1)", "print(2)"))
    cells = {"c0": Shown([stream("1\n")], 3), "c1": Shown([], None)}
    state = await place.files.write("a.ipynb", cells)
    found = await place.cells()
    assert found["c0"]["outputs"] == [stream("1\n")]
    assert found["c0"]["execution_count"] == 3
    assert found["c1"]["outputs"] == []
    model = await place.get(content=False, require_hash=True)
    assert (state.path, state.hash, state.hash_algorithm) == ("a.ipynb", model["hash"], "sha256")
    assert state.last_modified == model["last_modified"].isoformat().replace("+00:00", "Z")


async def test_nothing_is_written_where_the_file_shows_it_already(place, make_notebook):
    place.put(make_notebook("print(1)"))
    assert await place.write(c0=stream("1\n"))
    before = (place.folder / "a.ipynb").stat()
    assert await place.write(c0=stream("1\n")) is None
    after = (place.folder / "a.ipynb").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


async def test_all_else_of_the_notebook_stays(place, make_notebook):
    notebook = make_notebook("1", "2", "3")
    notebook["metadata"]["mine"] = {"deep": [1]}
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    notebook["cells"][0]["metadata"] = {"tags": ["x"], "mine": 1}
    notebook["cells"][1]["outputs"] = [stream("old\n")]
    notebook["cells"][2] = {
        "cell_type": "markdown", "id": "c2", "metadata": {"m": 1}, "source": "# hi"
    }  # fmt: skip
    place.put(notebook)
    await place.write(c0=stream("new\n"), gone=stream("?"), c2=stream("?"))
    expected = copy.deepcopy(notebook)
    expected["cells"][0] |= {"outputs": [stream("new\n")], "execution_count": 1}
    content = (await place.get())["content"]
    for cell in content["cells"]:
        cell["metadata"].pop("trusted", None)
    assert content == expected


async def test_what_a_run_has_made_is_trusted_when_it_is_read(place, make_notebook):
    place.put(make_notebook("x", "y"))
    await place.write(c0=rich("<b>1</b>"), c1=rich("<b>2</b>"))
    found = await place.cells()
    assert [cell["metadata"]["trusted"] for cell in found.values()] == [True, True]


async def test_a_foreign_output_is_not_trusted_by_our_writing(place, make_notebook):
    notebook = make_notebook("x", "y")
    notebook["cells"][1]["outputs"] = [rich("<script>")]
    place.put(notebook)
    await place.write(c0=rich("<b>1</b>"))
    assert not (await place.cells())["c1"]["metadata"]["trusted"]


async def test_what_was_trusted_stays_so(place, make_notebook):
    notebook = make_notebook("x", "y")
    notebook["cells"][1]["outputs"] = [rich("<b>mine</b>")]
    notebook["cells"][1]["metadata"]["trusted"] = True
    await place.save(notebook)
    await place.write(c0=rich("<b>1</b>"))
    assert (await place.cells())["c1"]["metadata"]["trusted"]


def _older(notebook, minor=4):
    for cell in notebook["cells"]:
        del cell["id"]
    return {**notebook, "nbformat_minor": minor}


async def test_a_file_without_names_of_cells_is_given_those_that_the_run_knows(
    place, make_notebook
):
    place.put(_older(make_notebook("same", "same", "other")))
    prepared, _ = NotebookDocuments().prepare((await place.get())["content"], {}, None)
    steps = [cell["id"] for cell in prepared["cells"]]
    await place.write(**{step: stream(f"{n}\n") for n, step in enumerate(steps)})
    content = (await place.get())["content"]
    assert content["nbformat_minor"] == 5
    assert [cell["id"] for cell in content["cells"]] == steps
    assert [cell["outputs"] for cell in content["cells"]] == [[stream(f"{n}\n")] for n in range(3)]
    assert "message" not in await place.get()


async def test_a_file_of_the_format_3_is_matched_too(place):
    cells = [
        {
            "cell_type": "code",
            "collapsed": False,
            "input": [text],
            "language": "python",
            "metadata": {},
            "outputs": [],
        }
        for text in ("print(1)", "print(2)")
    ]
    worksheets = [{"cells": cells, "metadata": {}}]
    place.put(
        {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": worksheets}
    )
    prepared, _ = NotebookDocuments().prepare((await place.get())["content"], {}, None)
    steps = [cell["id"] for cell in prepared["cells"]]
    await place.write(**{step: stream("1\n") for step in steps})
    content = (await place.get())["content"]
    assert [cell["id"] for cell in content["cells"]] == steps
    assert all(cell["outputs"] == [stream("1\n")] for cell in content["cells"])


async def test_a_notebook_that_is_gone_is_bad_input(place):
    with pytest.raises(BadInput, match=r"a\.ipynb"):
        await place.write(c0=stream("1\n"))
    assert list(place.folder.iterdir()) == []


async def test_a_path_outside_the_root_is_bad_input(place, make_notebook):
    with pytest.raises(BadInput):
        await place.write("../a.ipynb", c0=stream("1\n"))


async def test_a_file_that_is_no_notebook_is_bad_input(place):
    (place.folder / "a.ipynb").write_text("{")
    with pytest.raises(BadInput):
        await place.write(c0=stream("1\n"))


async def test_a_file_that_cannot_be_written_is_unavailable(place, make_notebook, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    place.put(make_notebook("x"))
    monkeypatch.setattr("jupyter_server.services.contents.fileio.atomic_writing", full)
    with pytest.raises(Unavailable, match="No space left"):
        await place.write(c0=stream("1\n"))


async def test_a_manager_without_hashes_serves_too(place, make_notebook, monkeypatch):
    get = place.manager.get

    def without(path, content=True, type=None, format=None):  # noqa: A002
        return get(path, content=content, type=type, format=format)

    monkeypatch.setattr(place.manager, "get", without)
    place.put(make_notebook("x"))
    place.files = NotebookFiles(place.manager)
    state = await place.write(c0=stream("1\n"))
    assert (state.hash, state.hash_algorithm) == ("", "")
    assert (await place.cells())["c0"]["outputs"] == [stream("1\n")]


# ---------------------------------------------------------------- others who save meanwhile


class Between:
    """Does something once, just before or after the manager's nth call of this name."""

    def __init__(self, monkeypatch, manager, name, what, *, after=False, call=1):
        self.method, self.what, self.after, self.left = getattr(manager, name), what, after, call
        monkeypatch.setattr(manager, name, self.called)

    async def called(self, *args, **kwargs):
        self.left -= 1
        if self.left == 0 and not self.after:
            await self.what()
        answer = self.method(*args, **kwargs)
        answer = await answer if asyncio.iscoroutine(answer) else answer
        if self.left == 0 and self.after:
            await self.what()
        return answer


def _edited(notebook, text):
    edited = copy.deepcopy(notebook)
    edited["cells"][0]["source"] = text
    return edited


async def test_an_edit_that_is_saved_between_our_reading_and_writing_stays(
    place, make_notebook, monkeypatch
):
    notebook = make_notebook("x")
    place.put(notebook)

    async def edit():
        await place.save(_edited(notebook, "edited"))

    Between(monkeypatch, place.manager, "get", edit, after=True)
    assert await place.write(c0=stream("1\n"))
    cell = (await place.cells())["c0"]
    assert (cell["source"], cell["outputs"]) == ("edited", [stream("1\n")])


async def test_an_edit_that_a_program_makes_between_our_reading_and_writing_stays(
    place, make_notebook, monkeypatch
):
    notebook = make_notebook("x")
    place.put(notebook)

    async def edit():
        place.put(_edited(notebook, "edited"))

    Between(monkeypatch, place.manager, "get", edit, after=True)
    assert await place.write(c0=stream("1\n"))
    cell = (await place.cells())["c0"]
    assert (cell["source"], cell["outputs"]) == ("edited", [stream("1\n")])


@pytest.mark.parametrize("first", ["ours", "theirs", "both at once"])
async def test_an_edit_whose_saving_meets_ours_stays_whichever_is_written_last(
    place, make_notebook, monkeypatch, manager_class, first
):
    if not asyncio.iscoroutinefunction(manager_class.save):
        pytest.skip("a save that does not yield can't meet another one")
    notebook = make_notebook("x")
    place.put(notebook)
    write_file = place.manager._save_notebook
    arrived, doors, written = ({"ours": asyncio.Event(), "theirs": asyncio.Event()} for _ in "123")

    async def hold(os_path, nb, **kwargs):
        who = "theirs" if nb["cells"][0]["source"] == "edited" else "ours"
        arrived[who].set()
        await doors[who].wait()
        await write_file(os_path, nb, **kwargs)
        written[who].set()

    monkeypatch.setattr(place.manager, "_save_notebook", hold)
    ours = asyncio.create_task(place.write(c0=stream("1\n")))
    await arrived["ours"].wait()
    theirs = asyncio.create_task(place.save(_edited(notebook, "edited")))
    await arrived["theirs"].wait()
    if first in doors:
        doors[first].set()
        await written[first].wait()
    for door in doors.values():
        door.set()
    await asyncio.gather(ours, theirs)
    cell = (await place.cells())["c0"]
    assert (cell["source"], cell["outputs"]) == ("edited", [stream("1\n")])


async def test_a_save_that_is_under_way_when_we_begin_is_waited_for(
    place, make_notebook, monkeypatch, manager_class
):
    if not asyncio.iscoroutinefunction(manager_class.save):
        pytest.skip("a save that does not yield is never under way")
    notebook = make_notebook("x")
    place.put(notebook)
    write_file = place.manager._save_notebook
    go, arrived = asyncio.Event(), asyncio.Event()

    async def hold(os_path, nb, **kwargs):
        if not arrived.is_set():
            arrived.set()
            await go.wait()
        return await write_file(os_path, nb, **kwargs)

    monkeypatch.setattr(place.manager, "_save_notebook", hold)
    theirs = asyncio.create_task(place.save(_edited(notebook, "edited")))
    await arrived.wait()
    ours = asyncio.create_task(place.write(c0=stream("1\n")))
    await asyncio.sleep(0)
    assert not ours.done()
    go.set()
    await asyncio.gather(ours, theirs)
    cell = (await place.cells())["c0"]
    assert (cell["source"], cell["outputs"]) == ("edited", [stream("1\n")])


async def test_a_save_that_fails_holds_us_up_for_a_while_only(place, make_notebook, monkeypatch):
    monkeypatch.setattr("jupyter_flows.documents.saves.PATIENCE_SECONDS", 0.01)
    place.put(make_notebook("x"))
    with pytest.raises(HTTPError):
        await place.save({"cells": [{"cell_type": "code"}], "nbformat": 4})
    assert await place.write(c0=stream("1\n"))


@pytest.mark.parametrize("path", [None, 3, "a.ipynb", "/a.ipynb/"])
@pytest.mark.parametrize("model", [None, {}, {"type": "notebook", "content": 1}, {"path": 3}])
async def test_our_hooks_let_every_save_pass(place, make_notebook, path, model):
    saves = place.files._saves
    with saves.watched("a.ipynb"):
        saves._before(model=model, path=path, contents_manager=place.manager)
        saves._after(os_path="a", model=model, contents_manager=place.manager)


async def test_two_writings_of_one_notebook_come_after_each_other(place, make_notebook):
    place.put(make_notebook("x", "y"))
    await asyncio.gather(
        place.write(c0=stream("1\n")),
        place.write(c1=stream("2\n")),
        place.write(c0=stream("3\n")),
    )
    found = await place.cells()
    assert found["c0"]["outputs"] == [stream("3\n")]
    assert found["c1"]["outputs"] == [stream("2\n")]


async def test_a_cell_that_is_filled_gently_keeps_what_somebody_else_made_and_its_trust(
    place, make_notebook
):
    notebook = make_notebook("x", "y")
    notebook["cells"][0] |= {"outputs": [rich("mine"), record("open")], "execution_count": 7}
    place.put(notebook)
    cells = {
        "c0": Shown([stream("1\n"), record("closed")], 1),
        "c1": Shown([stream("2\n")], 2),
    }
    assert await place.files.write("a.ipynb", cells, {"c0", "c1"})
    found = await place.cells()
    assert found["c0"]["outputs"] == [rich("mine"), record("closed")]
    assert (found["c0"]["execution_count"], found["c0"]["metadata"]["trusted"]) == (7, False)
    assert found["c1"]["outputs"] == [stream("2\n")]
    assert await place.files.write("a.ipynb", cells, {"c0", "c1"}) is None


async def test_a_managers_own_fault_is_a_refusal(place, make_notebook, monkeypatch):
    def broken(*_, **__):
        raise KeyError("odd")

    place.put(make_notebook("x"))
    monkeypatch.setattr(place.manager, "get", broken)
    with pytest.raises(Unavailable, match="odd"):
        await place.write(c0=stream("1\n"))
    assert await place.files.saved_at("a.ipynb") is None


async def test_when_a_file_was_saved_is_known(place, make_notebook):
    assert await place.files.saved_at("a.ipynb") is None
    place.put(make_notebook("x"))
    saved = await place.files.saved_at("a.ipynb")
    assert saved == pytest.approx((place.folder / "a.ipynb").stat().st_mtime, abs=0.01)


class Events:
    """The server's bus of events, with the one who listens."""

    def add_listener(self, *, schema_id, listener):
        self.listener = listener

    async def renamed(self, old, new):
        await self.listener(None, "", {"action": "rename", "source_path": old, "path": new})


@pytest.fixture
def moved(place):
    """What is told of moves; the bus on which they are said."""
    events, heard = Events(), []
    Moves(place.manager, events, place.files.came_back).listen(lambda *move: heard.append(move))
    heard.append(events)
    return heard


async def test_a_file_that_is_renamed_while_we_write_does_not_come_back(
    place, make_notebook, monkeypatch, moved
):
    events = moved.pop()
    place.put(make_notebook("x"))

    async def rename():
        await ensure_async(place.manager.rename("a.ipynb", "b.ipynb"))

    monkeypatch.setattr(place.manager, "delete_to_trash", False)
    Between(monkeypatch, place.manager, "save", rename)
    await place.write(c0=stream("1\n"))
    await events.renamed("a.ipynb", "b.ipynb")
    assert moved == [("a.ipynb", "b.ipynb", False)]
    assert [file.name for file in place.folder.glob("*.ipynb")] == ["b.ipynb"]
    assert (await place.cells("b.ipynb"))["c0"]["outputs"] == [stream("1\n")]


@pytest.mark.parametrize("meanwhile", ["nothing", "saved"])
async def test_a_file_that_is_still_somebodys_stays_whatever_is_said_of_it(
    place, make_notebook, moved, meanwhile
):
    events = moved.pop()
    place.put(make_notebook("x"))
    if meanwhile == "saved":
        place.put(make_notebook("x"), "b.ipynb")
    else:
        place.put(make_notebook("other"), "b.ipynb")
    await place.write(c0=stream("1\n"))
    if meanwhile == "saved":
        place.put(make_notebook("saved"))
    await events.renamed("a.ipynb", "b.ipynb")
    assert moved == []
    assert (place.folder / "a.ipynb").exists()


@pytest.mark.parametrize("names", [(None, None), ("a", "a"), ("a b!", "x")], ids=str)
async def test_cells_without_names_that_serve_are_given_those_that_the_run_knows(
    place, make_notebook, names
):
    notebook = make_notebook("same", "same")
    for cell, name in zip(notebook["cells"], names, strict=True):
        cell.update(id=name) if name else cell.pop("id")
    place.put(notebook)
    prepared, _ = NotebookDocuments().prepare((await place.get())["content"], {}, None)
    one, other = (cell["id"] for cell in prepared["cells"])

    async def snapshot():
        return prepared

    cells = {one: Shown([stream("1\n")], 1), other: Shown([stream("2\n")], 2)}
    assert await place.files.write("a.ipynb", cells, (), snapshot)
    found = await place.cells()
    assert {name: cell["execution_count"] for name, cell in found.items()} == {one: 1, other: 2}


async def test_cells_that_somebody_has_put_in_keep_their_names(place, make_notebook):
    place.put(make_notebook("x", "y"))

    async def snapshot():
        raise AssertionError

    cells = {"gone": Shown([stream("1\n")], 1), "c1": Shown([stream("2\n")], 2)}
    assert await place.files.write("a.ipynb", cells, (), snapshot)
    assert list(await place.cells()) == ["c0", "c1"]


async def test_what_is_saved_is_not_kept_by_us(place, make_notebook):
    saves = place.files._saves
    saves._before(model={"type": "notebook", "content": make_notebook("x")}, path="a.ipynb")
    with saves.watched("a.ipynb") as watch:
        assert watch.content is None
        saves._before(model={"type": "notebook", "content": make_notebook("y")}, path="a.ipynb")
        assert watch.content == make_notebook("y")
    assert watch.content is None
