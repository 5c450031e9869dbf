"""What a run shows, in a document of jupyter_ydoc: as that itself would hold it."""

import pytest

pytest.importorskip("jupyter_ydoc")

from jupyter_ydoc import YNotebook as YDocument
from pycrdt import Text

from jupyter_flows.core.errors import Unavailable
from jupyter_flows.documents.shared import SharedNotebooks, YNotebook
from jupyter_flows.ports import OpKind, OutputOp, Shown

from .conftest import record, rich, stream


@pytest.fixture
def document(make_notebook):
    document = YDocument()
    document.set(make_notebook("x", "y"))
    return document


@pytest.fixture
def shared(document):
    return YNotebook(document, "a.ipynb")


def cell(document, number=0):
    return document.get()["cells"][number]


def op(kind, index=0, step="c0", **more):
    return OutputOp(step, OpKind(kind), index, **more)


def test_a_document_shows_what_it_is_told_to(document, shared):
    shared.show({"c0": Shown([stream("a\n"), rich("<b>")], 4), "gone": Shown([stream("?")], 1)})
    assert cell(document)["outputs"] == [stream("a\n"), rich("<b>")]
    assert cell(document)["execution_count"] == 4
    assert cell(document)["metadata"]["trusted"] is True
    assert "trusted" not in cell(document, 1)["metadata"]


def test_what_is_shown_is_held_as_the_document_itself_holds_it(document, shared, make_notebook):
    outputs = [
        stream("a\n"),
        rich("<b>"),
        {"output_type": "error", "ename": "E", "evalue": "", "traceback": ["x"]},
    ]
    shared.show({"c0": Shown(outputs, 4)})
    notebook = make_notebook("x")
    notebook["cells"][0]["outputs"] = outputs
    other = YDocument()
    other.set(notebook)
    ours, theirs = ([*d.ycells[0]["outputs"]] for d in (document, other))
    assert [type(y) for y in ours] == [type(y) for y in theirs]
    assert isinstance(ours[0]["text"], Text)
    assert type(ours[2]["traceback"]) is type(theirs[2]["traceback"])


def test_what_stands_there_already_is_not_touched(document, shared):
    shared.show({"c0": Shown([stream("a\n"), stream("b\n")], 4)})
    changes = []
    document.ycells.observe_deep(changes.append)
    shared.show({"c0": Shown([stream("a\n"), stream("b\n")], 4)})
    assert changes == []
    shared.show({"c0": Shown([stream("a\n"), stream("c\n")], 4)})
    assert cell(document)["outputs"] == [stream("a\n"), stream("c\n")]


def test_ops_are_applied_in_order_and_in_one_change(document, shared):
    changes = []
    shared.show({"c0": Shown([stream("old")], 1)})
    document.ycells.observe_deep(changes.append)
    ops = [
        op("cut"),
        op("count", count=2),
        op("add", 0, output=stream("a")),
        op("append", 0, text="b"),
        op("add", 1, output=rich("1")),
        op("set", 1, output=rich("2")),
        op("add", 0, step="unknown", output=rich("3")),
    ]
    assert not shared.apply(ops)
    assert cell(document)["outputs"] == [stream("ab"), rich("2")]
    assert cell(document)["execution_count"] == 2
    assert len(changes) == 1


def test_a_stream_is_appended_to_and_not_replaced(document, shared):
    shared.show({"c0": Shown([stream("a")], 1)})
    heard = []
    text = document.ycells[0]["outputs"][0]["text"]
    listening = text.observe(lambda event: heard.append(event.delta))
    shared.apply([op("append", 0, text="b"), op("append", 0, text="c")])
    assert heard == [[{"retain": 1}, {"insert": "bc"}]]
    text.unobserve(listening)


def test_the_count_comes_with_the_state_that_it_is_drawn_by(document, shared):
    document.ycells[0]["execution_state"] = "running"
    seen = []
    document.ycells.observe_deep(lambda events: seen.append({k for e in events for k in e.keys}))
    shared.apply([op("count", count=7)])
    assert {"execution_count", "execution_state"} <= seen[0]
    assert len(seen) == 1


@pytest.mark.parametrize(
    "late", [op("add", 2, output=rich("1")), op("append", 0, text="x"), op("set", 0, output={})]
)
def test_a_cell_that_somebody_has_cleared_is_to_be_shown_anew(document, shared, late):
    shared.show({"c0": Shown([stream("a")], 1), "c1": Shown([stream("b")], 1)})
    document.ycells[0]["outputs"].clear()
    missed = shared.apply([late, op("append", 0, step="c1", text="b")])
    assert set(missed) == {"c0"}
    assert cell(document, 1)["outputs"] == [stream("bb")]


def test_a_cell_whose_outputs_are_no_list_yet_is_given_one(document, shared):
    del document.ycells[0]["outputs"]
    shared.apply([op("add", 0, output=stream("a"))])
    assert cell(document)["outputs"] == [stream("a")]


class FileIds:
    def __init__(self, **ids):
        self.ids = ids

    def get_id(self, path):
        return self.ids.get(path)


class Documents:
    """As both extensions serve them; `opened` is what was asked for."""

    def __init__(self, document):
        self.document = document
        self.asked = []

    async def get_document(self, **asked):
        self.asked.append(asked)
        return self.document


async def test_without_an_extension_nothing_is_shared():
    assert await SharedNotebooks({}).document("a") is None


async def test_the_document_that_is_open_is_found_as_itself(document):
    documents = Documents(document)
    settings = {"jupyter_server_ydoc": documents, "file_id_manager": FileIds(a="1")}
    found = await SharedNotebooks(settings).document("a")
    assert found.identity is document
    asked = {"path": "a", "content_type": "notebook", "file_format": "json", "copy": False}
    assert documents.asked == [asked]
    assert await SharedNotebooks(settings).document("never opened") is None
    assert documents.asked == [asked]


async def test_a_room_that_was_not_asked_for_is_not_opened(document):
    class Rooms:
        def has_room(self, room):
            return room == "json:notebook:1"

    documents = Documents(document)
    settings = {
        "jupyter_server_ydoc": documents,
        "file_id_manager": FileIds(a="1", b="2"),
        "yroom_manager": Rooms(),
    }
    assert await SharedNotebooks(settings).document("b") is None
    assert documents.asked == []
    assert await SharedNotebooks(settings).document("a") is not None


async def test_a_room_that_is_still_empty_is_no_document_yet():
    settings = {
        "jupyter_server_ydoc": Documents(YDocument()),
        "file_id_manager": FileIds(a="1"),
    }
    assert await SharedNotebooks(settings).document("a") is None


def test_a_cell_that_is_filled_gently_keeps_what_somebody_else_made(document, shared):
    shared.show({"c0": Shown([stream("mine\n"), record("open")], 7)})
    cells = {"c0": Shown([stream("a\n"), record("closed")], 1), "c1": Shown([stream("b\n")], 2)}
    shared.show(cells, {"c0", "c1"})
    assert cell(document)["outputs"] == [stream("mine\n"), record("closed")]
    assert cell(document)["execution_count"] == 7
    assert cell(document, 1)["outputs"] == [stream("b\n")]


async def test_what_goes_wrong_with_a_room_is_a_refusal(document, shared):
    class Broken(Documents):
        async def get_document(self, **asked):
            raise KeyError("room")

    settings = {"jupyter_server_ydoc": Broken(document), "file_id_manager": FileIds(a="1")}
    with pytest.raises(Unavailable, match="room"):
        await SharedNotebooks(settings).document("a")
    document.ycells[0]["outputs"].append("no output")
    document.ycells[0]["metadata"] = 1
    with pytest.raises(Unavailable):
        shared.show({"c0": Shown([stream("a")], 1)})
    with pytest.raises(Unavailable):
        shared.apply([op("add", 0, output=stream("a"))])
