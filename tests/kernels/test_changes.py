"""What is told of outputs while they come, and what it makes of what was shown before."""

from hypothesis import given
from hypothesis import strategies as st

from jupyter_flows.engine.board_cell import BoardCell
from jupyter_flows.kernels.outputs import RunOutputs
from jupyter_flows.ports import OpKind

from .test_outputs import A, B, display, message, stream


class Mirror:
    """Applies what is told, and has nothing else to go by."""

    def __init__(self, *steps):
        self.cells = {step: BoardCell(step) for step in steps}

    def hear(self, ops):
        for op in ops:
            assert list(self.cells[op.cell].apply(op)) or op.kind in (OpKind.CUT, OpKind.COUNT)

    def shown(self):
        return {step: cell.shown() for step, cell in self.cells.items()}


def told(run):
    return [(op.kind.value, op.index, op.text or op.output or op.count) for op in run.news()]


def begun(limit=2**20):
    run = RunOutputs(limit)
    run.begin(A, "1")
    run.news()
    return run


def test_a_stream_that_grows_is_told_by_what_came_to_it():
    run = begun()
    run.feed(stream("a"))
    assert [kind for kind, _, _ in told(run)] == ["add"]
    run.feed(stream("b"))
    run.show(A)  # who looks meanwhile changes nothing
    run.feed(stream("c"))
    assert told(run) == [("append", 0, "bc")]
    run.show(A)
    run.feed(stream("d"))
    assert told(run) == [("append", 0, "d")]
    assert told(run) == []


def test_a_flood_is_told_without_a_look_at_what_was_told_before():
    run = begun()
    run.feed(stream("x" * 1000))
    run.news()
    for _ in range(10_000):
        run.feed(stream("y"))
    assert told(run) == [("append", 0, "y" * 10_000)]
    item = run._cells[A]._items[0]
    assert len(item.parts) == 10_001  # nobody has joined the whole


def test_an_updated_display_is_set_where_it_stands():
    run = begun()
    run.feed(display("one", "name"))
    run.feed(stream("behind"))
    run.news()
    run.feed(message("update_display_data", **display("two", "name")["content"]))
    ((kind, index, output),) = told(run)
    assert (kind, index, output["data"]) == ("set", 0, {"text/plain": "two"})


def test_what_is_cleared_when_the_next_comes_is_cut_when_that_comes():
    run = begun()
    run.feed(stream("old"))
    run.news()
    run.feed(message("clear_output", wait=True))
    assert told(run) == []
    run.feed(stream("new"))
    assert [kind for kind, _, _ in told(run)] == ["cut", "add"]


def test_the_count_is_told_as_soon_as_the_cell_begins():
    run = begun()
    run.feed(message("execute_input", code="", execution_count=7))
    assert told(run) == [("count", 0, 7)]


def test_a_cell_that_begins_again_shows_nothing():
    run = begun()
    run.feed(stream("old"))
    run.news()
    run.begin(A, "2")
    assert told(run) == [("cut", 0, None), ("count", 0, None)]


def test_a_cell_that_runs_again_for_a_fresh_kernel_is_not_told_of():
    run = RunOutputs()
    run.begin(A, "1", told=False)
    run.feed(stream("again"))
    assert told(run) == []
    assert run.shown() == {}


def test_the_notice_of_what_was_dropped_is_told_and_grows():
    run = begun(limit=200)
    run.feed(stream("x" * 300))
    assert [kind for kind, _, _ in told(run)] == ["add", "add"]
    run.feed(stream("x" * 10))
    ((kind, index, notice),) = told(run)
    assert (kind, index) == ("set", 1)
    assert "more bytes were dropped" in notice["text"]
    run.feed(message("error", ename="E", evalue="", traceback=[]))
    assert [(kind, index) for kind, index, _ in told(run)] == [("cut", 1), ("add", 1), ("add", 2)]


texts = st.sampled_from(["a", "bb", "x" * 90, "é" * 40, "\n"])
parents = st.sampled_from(["1", "2", "unknown"])
names = st.sampled_from([None, "p", "q"])
messages = st.one_of(
    st.builds(stream, texts, st.sampled_from(["stdout", "stderr"]), parents),
    st.builds(display, texts, names, parent=parents),
    st.builds(
        lambda text, name: message("update_display_data", **display(text, name)["content"]),
        texts,
        names,
    ),
    st.builds(
        lambda wait, parent: message("clear_output", parent, wait=wait), st.booleans(), parents
    ),
    st.builds(
        lambda n, parent: message("execute_input", parent, execution_count=n),
        st.integers(1, 9),
        parents,
    ),
    st.builds(
        lambda parent: message("error", parent, ename="E", evalue="", traceback=["t"]), parents
    ),
)
LOOK, TELL, BEGIN_A, BEGIN_B = "look", "tell", "begin a", "begin b"
acts = st.lists(messages | st.sampled_from([LOOK, TELL, TELL, BEGIN_A, BEGIN_B]), max_size=40)


@given(acts, st.sampled_from([150, 400, 2**20]))
def test_what_was_told_makes_of_what_was_shown_what_is_shown_now(acts, limit):
    run, mirror = RunOutputs(limit), Mirror(A, B)
    run.begin(A, "1")
    run.begin(B, "2")
    for act in [*acts, TELL]:
        match act:
            case "look":
                run.show(A)
            case "tell":
                mirror.hear(run.news())
                shown = {
                    step: (list(s.outputs), s.execution_count) for step, s in run.shown().items()
                }
                there = {s: (list(x.outputs), x.execution_count) for s, x in mirror.shown().items()}
                assert there == shown
            case "begin a":
                run.begin(A, "1")
            case "begin b":
                run.begin(B, "2")
            case _:
                run.feed(act)
