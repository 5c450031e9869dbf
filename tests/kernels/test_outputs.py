import json
from itertools import pairwise

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flows.core.model import StepId
from jupyter_flows.kernels.outputs import FRAME, CellOutputs, RunOutputs

A, B = StepId("a"), StepId("b")


def message(kind, parent="1", **content):
    return {"msg_type": kind, "content": content, "parent_header": {"msg_id": parent}}


def stream(text, name="stdout", parent="1"):
    return message("stream", parent, name=name, text=text)


def display(text, display_id=None, kind="display_data", parent="1", **more):
    transient = {"display_id": display_id} if display_id else {}
    data = {"text/plain": text}
    return message(kind, parent, data=data, metadata={}, transient=transient, **more)


def text_of(output):
    return output["data"]["text/plain"]


def fed(*messages, limit=2**20):
    run = RunOutputs(limit)
    run.begin(A, "1")
    for one in messages:
        run.feed(one)
    return run


def is_valid(outputs):
    cell = nbformat.v4.new_code_cell(outputs=outputs)
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
    json.dumps(outputs)
    return True


def test_adjacent_chunks_of_a_stream_become_one_output():
    outputs = fed(stream("a"), stream("b"), stream("c", "stderr"), stream("d")).show(A)
    assert [(o["name"], o["text"]) for o in outputs] == [
        ("stdout", "ab"),
        ("stderr", "c"),
        ("stdout", "d"),
    ]


def test_clearing_at_once_empties_and_clearing_later_waits_for_the_next_output():
    assert fed(stream("a"), message("clear_output", wait=False)).show(A) == []
    waiting = fed(stream("a"), message("clear_output", wait=True))
    assert len(waiting.show(A)) == 1
    waiting.feed(stream("b"))
    assert [o["text"] for o in waiting.show(A)] == ["b"]


def test_a_display_is_updated_everywhere_it_stands():
    run = fed(display("old", "x"), display("other"))
    run.take(A)
    run.begin(B, "2")
    run.feed(display("newer", "x", parent="2"))
    assert [text_of(o) for o in run.take(B)] == ["newer"]
    assert [text_of(o) for o in run.amended()[A]] == ["newer", "other"]
    run.feed(display("newest", "x", kind="update_display_data", parent="somebody else's"))
    assert {step: text_of(outputs[0]) for step, outputs in run.amended().items()} == {
        A: "newest",
        B: "newest",
    }


def test_a_display_that_was_cleared_away_is_not_updated():
    run = fed(display("old", "x"), message("clear_output", wait=False))
    run.take(A)
    run.feed(display("new", "x", kind="update_display_data"))
    assert run.amended() == {}


def test_the_transient_part_is_not_kept():
    assert "transient" not in fed(display("a", "x")).show(A)[0]


def test_a_late_message_of_an_earlier_cell_amends_that_cell():
    run = fed(stream("early "))
    run.take(A)
    run.begin(B, "2")
    run.feed(stream("late", parent="1"))
    assert run.take(B) == []
    assert [o["text"] for o in run.amended()[A]] == ["early late"]
    assert run.amended() == {}


def test_what_an_earlier_attempt_still_says_is_not_shown():
    run = fed(stream("first"))
    run.begin(A, "2")
    run.feed(stream("late", parent="1"))
    run.feed(stream("second", parent="2"))
    assert [o["text"] for o in run.show(A)] == ["second"]


def test_messages_of_others_are_passed_over():
    assert fed(stream("a", parent="x"), message("unheard_of")).show(A) == []


def test_what_was_shown_does_not_change_afterwards():
    run = fed(display("old", "x"), stream("a"))
    shown = run.show(A)
    run.feed(display("new", "x", kind="update_display_data"))
    run.feed(stream("b"))
    assert text_of(shown[0]) == "old"
    assert shown[1]["text"] == "a"


def test_what_is_over_the_limit_is_counted_and_said_once_at_the_end():
    run = fed(*(stream("x" * 1000) for _ in range(100)), display("y"), limit=10_000)
    *kept, notice = run.show(A)
    size = sum(len(o["text"]) for o in kept)
    assert size <= 10_000
    dropped = 100_000 - size + FRAME + len("y") + len("text/plain")
    assert notice == {
        "output_type": "stream",
        "name": "stderr",
        "text": f"[output over 10,000 bytes: {dropped:,} more bytes were dropped]\n",
    }


def test_an_error_is_kept_whatever_came_before():
    error = message("error", ename="ValueError", evalue="v", traceback=["t"])
    outputs = fed(stream("x" * 5000), error, limit=1000).show(A)
    assert [o["output_type"] for o in outputs] == ["stream", "error", "stream"]
    assert is_valid(outputs)


def test_a_display_that_is_too_large_is_replaced_and_the_next_still_shown():
    outputs = fed(display("x" * 5000), display("small"), limit=1000).show(A)
    assert [text_of(o) for o in outputs] == [
        f"[a display of {5000 + len('text/plain') + FRAME:,} bytes was dropped: over 1,000 bytes]",
        "small",
    ]


def test_an_update_does_not_break_the_limit():
    run = fed(display("small", "x"), limit=1000)
    run.feed(display("x" * 5000, "x", kind="update_display_data"))
    assert "dropped" in text_of(run.show(A)[0])


def test_clearing_gives_the_room_back():
    run = fed(stream("x" * 5000), message("clear_output", wait=True), stream("y"), limit=1000)
    assert [o["text"] for o in run.show(A)] == ["y"]


def test_execution_counts_are_taken_from_the_kernel():
    run = RunOutputs()
    cell = run.begin(A, "1")
    run.feed(message("execute_input", code="1", execution_count=7))
    assert cell.execution_count == 7


@pytest.mark.parametrize(
    "bundle",
    [
        {"text/plain": ["a\n", "b"], "image/png": "aGk="},
        {"application/json": {"a": [1]}, "text/plain": ""},
        {"application/vnd.jupyter.widget-view+json": {"model_id": "m"}, "text/html": 5},
        {},
    ],
)
def test_any_bundle_of_a_kernel_becomes_a_valid_output(bundle):
    outputs = fed(
        message("display_data", data=bundle, metadata=None),
        message("execute_result", data=bundle, metadata={}, execution_count=3),
    ).show(A)
    assert is_valid(outputs)


names = st.sampled_from(["stdout", "stderr"])
chunks = st.lists(st.tuples(names, st.text(max_size=20)), max_size=60)


@given(chunks)
def test_streams_that_fit_are_the_concatenation_of_their_chunks(told):
    outputs = fed(*(stream(text, name) for name, text in told)).show(A)
    for name in ("stdout", "stderr"):
        joined = "".join(o["text"] for o in outputs if o["name"] == name)
        assert joined == "".join(text for other, text in told if other == name)
    assert all(one["name"] != other["name"] for one, other in pairwise(outputs))


events = st.one_of(
    st.builds(stream, st.text(max_size=200), names),
    st.builds(display, st.text(max_size=200), st.sampled_from([None, "x", "y"])),
    st.builds(
        display,
        st.text(max_size=200),
        st.sampled_from(["x", "y"]),
        st.just("update_display_data"),
    ),
    st.builds(lambda wait: message("clear_output", wait=wait), st.booleans()),
    st.just(message("error", ename="E", evalue="v", traceback=[])),
)


@given(st.lists(events, max_size=60), st.integers(0, 1500))
def test_outputs_are_bounded_and_valid_whatever_comes(told, limit):
    outputs = fed(*told, limit=limit).show(A)
    assert is_valid(outputs)
    content = [
        o["text"] if o["output_type"] == "stream" else text_of(o)
        for o in outputs
        if o["output_type"] != "error" and "dropped" not in json.dumps(o)
    ]
    assert sum(len(text.encode("utf-8", "surrogatepass")) for text in content) <= limit


@given(chunks, st.integers(0, 400))
def test_every_byte_is_kept_or_counted(told, limit):
    cell = CellOutputs(limit)
    for name, text in told:
        cell.stream(name, text)
    kept = [o["text"] for o in cell.show()][: -1 if cell.dropped else None]
    sent = sum(len(text.encode("utf-8", "surrogatepass")) for _, text in told)
    assert sum(len(text.encode("utf-8", "surrogatepass")) for text in kept) + cell.dropped == sent


HALF = "\ud83d"


@pytest.mark.parametrize(
    ("half", "text"),
    [
        ("a", "a"),
        ("\u00e9\U0001f600", "\u00e9\U0001f600"),
        (f"a{HALF}b", "a\ufffdb"),
        ("\ude00", "\ufffd"),
        (f"\u00e9{HALF}\ude00", "\u00e9\U0001f600"),
    ],
    ids=ascii,
)
def test_halves_of_characters_come_into_no_output(half, text):
    plotted = {"layout": {half: [half, 1, None, {"title": half}]}}
    data = {"text/plain": half, "application/vnd.plotly.v1+json": plotted, "text/html": ["<", half]}
    said = message("display_data", data=data, metadata={"k": half}, transient={"display_id": "d"})
    error = message("error", ename=half, evalue=half, traceback=[half])
    run = fed(stream(half), said, {**said, "msg_type": "update_display_data"}, error)
    outputs = run.show(A)
    written = json.dumps(outputs, ensure_ascii=False)
    assert written.encode() == written.replace(half, text).encode()
    assert [op.output or op.text for op in run.news()]
    assert outputs[0]["text"] == outputs[1]["data"]["text/plain"] == text
    assert outputs[1]["data"]["text/html"] == f"<{text}"
    assert outputs[1]["data"]["application/vnd.plotly.v1+json"] == {
        "layout": {text: [text, 1, None, {"title": text}]}
    }
    assert outputs[1]["metadata"] == {"k": text}
    assert (outputs[2]["ename"], outputs[2]["evalue"], outputs[2]["traceback"]) == (
        text,
        text,
        [text],
    )


def test_json_of_whole_characters_is_kept_as_it_is():
    plotted = {"data": ["\U0001f600"] * 3}
    run = fed(message("display_data", data={"application/json": plotted}, metadata={}))
    assert run.show(A)[0]["data"]["application/json"] == plotted
