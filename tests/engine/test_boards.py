"""What notebooks show of their runs: boards, and which run a notebook shows."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flows.core import commands as c
from jupyter_flows.core.errors import UnknownRun
from jupyter_flows.core.model import RunId, StepId
from jupyter_flows.engine import board as board_module
from jupyter_flows.engine import boards, feed
from jupyter_flows.engine.board_cell import BoardCell, difference
from jupyter_flows.ports import OpKind, OutputOp, Shown

from .conftest import vote

GATE = ("print('look')", [], {"id": "ask", "suspend": {}})
HELD = ("# hold\nprint('end')", [], {"id": "held"})


def plain(shown):
    """The texts, and `record` for a gate's."""
    return [o["text"] if o["output_type"] == "stream" else "record" for o in shown.outputs]


def stream(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


class Mirror:
    def __init__(self, board):
        self.cells = {step: list(shown.outputs) for step, shown in board.cells().items()}
        self.counts = {step: shown.execution_count for step, shown in board.cells().items()}
        self.seq = board.seq
        self.leave = board.listen(self.hear)

    def hear(self, seq, ops):
        assert seq == self.seq + 1
        self.seq = seq
        for op in ops:
            apply(self.cells[op.cell], op)
            if op.kind is OpKind.COUNT:
                self.counts[op.cell] = op.count

    def same_as(self, board):
        shown = board.cells()
        assert self.cells == {step: list(s.outputs) for step, s in shown.items()}
        assert self.counts == {step: s.execution_count for step, s in shown.items()}
        return True


def apply(outputs, op):
    """As a browser does, in its own words."""
    match op.kind:
        case OpKind.CUT:
            del outputs[op.index :]
        case OpKind.ADD:
            outputs.insert(op.index, op.output)
        case OpKind.SET:
            outputs[op.index] = op.output
        case OpKind.APPEND:
            outputs[op.index] = {**outputs[op.index], "text": outputs[op.index]["text"] + op.text}


async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)


async def test_a_board_shows_what_is_stored_and_the_record_behind_it(world):
    engine = world.server()
    run = await engine.boards.board((await world.settled(engine, GATE, "1")).id)
    assert plain(run.cells()["c0"]) == ["look\n", "record"]
    assert [plain(shown) for shown in run.cells().values()][1:] == [[]]
    with pytest.raises(UnknownRun):
        await engine.boards.board(RunId("run_none"))


async def test_what_the_kernel_has_executed_is_shown_as_the_kernel_has_it(world):
    engine = world.server()
    run = await world.settled(engine, GATE)
    engine.kernels.shows[run.id] = {"ask": Shown([stream("look\nlater\n")], 4)}
    shown = (await engine.boards.board(run.id)).cells()["c0"]
    assert plain(shown) == ["look\nlater\n", "record"]
    assert shown.execution_count == 4


async def test_what_comes_before_the_record_leaves_it_the_last(world):
    engine = world.server()
    run = await world.settled(engine, GATE)
    board = await engine.boards.board(run.id)
    mirror = Mirror(board)
    step = StepId("ask")
    for op in (
        OutputOp(step, OpKind.ADD, 1, stream("two")),
        OutputOp(step, OpKind.APPEND, 1, text="!"),
        OutputOp(step, OpKind.SET, 0, stream("one")),
        OutputOp(step, OpKind.COUNT, count=9),
    ):
        engine.kernels.tell(run.id, [op])
    assert plain(board.cells()["c0"]) == ["one", "two!", "record"]
    engine.kernels.tell(run.id, [OutputOp(step, OpKind.CUT, 0)])
    assert plain(board.cells()["c0"]) == ["record"]
    assert mirror.same_as(board)
    assert board.since(board.seq - 5) == board.since(board.seq - 6)[1:]


async def test_ops_that_change_nothing_are_told_to_nobody(world):
    engine = world.server()
    run = await world.settled(engine, GATE)
    board = await engine.boards.board(run.id)
    before = board.seq
    nothing = [
        OutputOp(StepId("ask"), OpKind.CUT, 5),
        OutputOp(StepId("ask"), OpKind.COUNT, count=board.cells()["c0"].execution_count),
        OutputOp(StepId("unknown"), OpKind.CUT),
        OutputOp(StepId("ask"), OpKind.APPEND, 9, text="x"),
    ]
    engine.kernels.tell(run.id, nothing)
    assert board.seq == before


async def test_a_board_that_is_made_while_its_run_goes_on_misses_nothing(world):
    engine = world.server()
    run = await world.started(engine, HELD, GATE)
    await engine.kernels.begun(run)
    engine.kernels.shows[run] = {"held": Shown([stream("begun\n")], 1)}
    making = asyncio.create_task(engine.boards.board(run))
    await asyncio.sleep(0)
    engine.kernels.go(run)  # the run goes on while the board is read
    board = await making
    mirror = Mirror(board)
    await engine.settled(run)
    assert plain(board.cells()["c1"])[-1] == "record"
    assert mirror.same_as(board)


async def test_two_who_ask_at_once_have_one_board(world):
    engine = world.server()
    run = await world.settled(engine, GATE)
    one, two = await asyncio.gather(engine.boards.board(run.id), engine.boards.board(run.id))
    assert one is two


async def test_a_board_goes_some_time_after_the_last_one_left(world, monkeypatch):
    monkeypatch.setattr(boards, "KEPT_SECONDS", 0.05)
    engine = world.server()
    run = await world.settled(engine, GATE)
    board = await engine.boards.board(run.id)
    leave, again = board.listen(lambda *_: None), board.listen(lambda *_: None)
    leave()
    assert engine.boards._following, "one is still there"
    again()
    again()
    assert not engine.boards._following
    await until(lambda: not engine.boards._boards)
    assert (await engine.boards.board(run.id)).seq > 0


async def test_numbers_are_given_out_once_though_the_board_is_another(world, monkeypatch):
    monkeypatch.setattr(boards, "KEPT_SECONDS", 0.0)
    engine = world.server()
    run = await world.settled(engine, GATE)
    first = await engine.boards.board(run.id)
    await until(lambda: not engine.boards._boards)
    world.clock.now += 1
    second = await engine.boards.board(run.id)
    assert second.since(first.seq) is None


async def test_what_is_kept_for_those_who_come_back_is_bounded(world, monkeypatch):
    monkeypatch.setattr(board_module, "KEPT_SIZE", 1000)
    engine = world.server()
    run = await world.settled(engine, GATE)
    board = await engine.boards.board(run.id)
    begun = board.seq
    for _ in range(5):
        engine.kernels.tell(run.id, [OutputOp(StepId("ask"), OpKind.APPEND, 0, text="x" * 300)])
    assert board.since(begun) is None
    assert len(board.since(board.seq - 1)) == 1
    assert board.since(board.seq) == []
    assert board.since(board.seq + 1) is None


async def test_a_run_of_another_server_is_shown_as_the_store_has_it(world, monkeypatch):
    monkeypatch.setattr(feed, "FOREIGN_POLL_SECONDS", 0.01)
    driving, looking = world.server("srv_1"), world.server("srv_2")
    run = await world.settled(driving, GATE, "print('end')")
    board = await looking.boards.board(run.id)
    mirror = Mirror(board)
    changes = []
    board.watch(lambda: changes.append(board.state.status))
    assert plain(board.cells()["c0"]) == ["look\n", "record"]
    await driving.vote(run.id, vote(run))
    await driving.settled(run.id)
    await until(lambda: board.state.finished)
    assert plain(list(board.cells().values())[-1]) == ["end\n"]
    assert mirror.same_as(board)
    assert changes[-1] == "succeeded"


async def test_a_lost_kernel_takes_the_form_along(world):
    engine = world.server()
    run = await world.settled(engine, GATE)
    board = await engine.boards.board(run.id)
    engine.boards.set_widget(run.id, StepId("ask"), {board_module.WIDGET_VIEW: {"model_id": "m"}})
    assert board_module.WIDGET_VIEW in board.cells()["c0"].outputs[-1]["data"]
    engine.boards.set_widget(run.id, StepId("ask"), None)
    assert board_module.WIDGET_VIEW not in board.cells()["c0"].outputs[-1]["data"]
    engine.boards.set_widget(run.id, StepId("ask"), {board_module.WIDGET_VIEW: {"model_id": "m"}})
    engine.kernels.lose(run.id)
    assert board_module.WIDGET_VIEW not in board.cells()["c0"].outputs[-1]["data"]


async def test_a_notebook_shows_the_newest_of_its_runs_in_place(world):
    engine = world.server()
    assert await engine.boards.shown_at("f.ipynb") is None
    first = await world.settled(engine, GATE, in_place=True)
    world.clock.now += 1
    second = await world.settled(engine, "1", in_place=True)
    world.clock.now += 1
    await world.settled(engine, "1")
    assert await engine.boards.shown_at("f.ipynb") == second.id
    assert await world.server("srv_2").boards.shown_at("f.ipynb") == second.id
    await engine.move(second.id, "g.ipynb")
    assert await engine.boards.shown_at("f.ipynb") == first.id
    assert await engine.boards.shown_at("g.ipynb") == second.id, "though it is finished"


async def test_only_a_run_in_place_moves_with_its_notebook(world):
    engine = world.server()
    run = await world.settled(engine, GATE)
    assert (await engine.move(run.id, "g.ipynb")).path == "f.ipynb"
    assert c.MoveNotebook(path="g.ipynb").path == "g.ipynb"


texts = st.sampled_from(["a", "ab", "b", ""])
outputs = st.lists(
    st.builds(stream, texts)
    | st.builds(lambda t: {"output_type": "display_data", "data": {"text/plain": t}}, texts),
    max_size=4,
)


@given(outputs, outputs)
def test_the_difference_turns_the_one_into_the_other(before, after):
    shown = list(before)
    for op in difference(StepId("a"), before, after):
        apply(shown, op)
    assert shown == after


def with_value(wanted, place):
    """These outputs, with a last value among them at this place, if there is one."""
    value = {"output_type": "execute_result", "data": {"text/plain": "links"}}
    return wanted if place is None else [*wanted[:place], value, *wanted[place:]]


places = st.none() | st.integers(0, 3)
boards_states = st.tuples(
    outputs, places, st.booleans(), st.booleans(), st.none() | st.integers(1, 3)
)


@given(st.lists(boards_states, max_size=6))
def test_who_sees_the_record_too_is_told_what_makes_the_same(states):
    cell, shown, count = BoardCell(StepId("a")), [], None
    for number, (others, place, has_record, covers, counted) in enumerate(states):
        record = {"output_type": "display_data", "data": {"text/plain": f"r{number}"}}
        wanted = with_value(others, place)
        told = [
            *cell.become(Shown(wanted, counted)),
            *cell.draw(record if has_record else None, covers=covers),
        ]
        for op in told:
            apply(shown, op)
            count = op.count if op.kind is OpKind.COUNT else count
        assert Shown(tuple(shown), count) == cell.shown()
        assert list(cell.outputs) == wanted
        if has_record and covers:
            assert all(one["output_type"] != "execute_result" for one in shown)
