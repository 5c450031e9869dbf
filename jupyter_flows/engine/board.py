"""What the notebook of one run shows: the outputs of its steps, and the records of its gates."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from msgspec import structs

from jupyter_flows.core.gating import configures_gate
from jupyter_flows.core.model import Gate, GateStatus, Json, Run, RunId, StepId, StepStatus
from jupyter_flows.core.records import gate_record
from jupyter_flows.engine.board_cell import BoardCell
from jupyter_flows.ports import OpKind, OutputOp, Shown

KEPT_BATCHES = 500
KEPT_SIZE = 2**20
"""Batches are kept for those who come back, so many at the most, and of so many characters."""

Heard: TypeAlias = Callable[[int, Sequence[OutputOp]], None]
"""Told of changes, in order: the board's number after them, and what they are."""

Widgets: TypeAlias = Mapping[StepId, Mapping[str, Json]]


class Board:
    """`seq` goes up by one with each batch of changes, and begins behind that of any board that the
    run had before. `state` is the run as the board knows it. What is told names cells of the
    notebook, what the kernel tells names steps: options may give a step another name than its
    cell's.
    """

    def __init__(self, state: Run, seq: int) -> None:
        self.run: RunId = state.id
        self.seq = seq
        self.state = state
        self._cells: dict[StepId, BoardCell] = {}
        self._lay_out(state)
        self._drawn: dict[StepId, Gate] = {}
        self._kept: deque[tuple[int, Sequence[OutputOp], int]] = deque()
        self._size = 0
        self._listeners: list[Heard] = []
        self._watchers: list[Callable[[], None]] = []
        self.on_use: Callable[[bool], None] = lambda _: None

    def _lay_out(self, state: Run) -> None:
        """A cell for each step; other steps than before are those of an edited notebook."""
        self._cells = {step: self._cells.get(step) or BoardCell(step) for step in state.steps}
        self._names = {step.id: step.spec.cell_id for step in state.steps.values()}
        self._gated = [s for s in state.steps if state.steps[s].spec.gate is not None]

    def cells(self) -> Mapping[StepId, Shown]:
        """What each step's cell shows now, the gate's record included, by the cell's own id."""
        return {self._names[step]: cell.shown() for step, cell in self._cells.items()}

    def since(self, seq: int) -> Sequence[tuple[int, Sequence[OutputOp]]] | None:
        """The batches behind this number; None where they are not kept any more."""
        first = self._kept[0][0] if self._kept else self.seq + 1
        if not first - 1 <= seq <= self.seq:
            return None
        return [(number, ops) for number, ops, _ in self._kept if number > seq]

    # ------------------------------------------------------------ who is told

    @property
    def in_use(self) -> bool:
        return bool(self._listeners or self._watchers)

    def listen(self, heard: Heard) -> Callable[[], None]:
        """Tell of each change from now on; the returned function ends that."""
        return self._joined(self._listeners, heard)

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Tell whenever `state` is another one, a step says how far it is, or the kernel is gone;
        the returned function ends that.
        """
        return self._joined(self._watchers, changed)

    def _joined(
        self, those: list[Callable[..., None]], one: Callable[..., None]
    ) -> Callable[[], None]:
        was = self.in_use
        those.append(one)
        if not was:
            self.on_use(True)

        def leave() -> None:
            if one in those:
                those.remove(one)
                if not self.in_use:
                    self.on_use(False)

        return leave

    # ------------------------------------------------------------ changes

    def apply(self, ops: Iterable[OutputOp]) -> None:
        """What the kernel tells."""
        cells = self._cells
        self._tell([done for op in ops if op.cell in cells for done in cells[op.cell].apply(op)])

    def become(self, state: Run, shown: Mapping[StepId, Shown], widgets: Widgets) -> None:
        """The run is this, and its cells have put out this."""
        if state.snapshot != self.state.snapshot:
            self._lay_out(state)
        ops: list[OutputOp] = []
        for step, cell in self._cells.items():
            ops += cell.become(shown.get(step, Shown()))
        self._tell([*ops, *self._at(state, widgets, ())])
        self.say_changed()

    def at(self, state: Run, widgets: Widgets, touched: Iterable[StepId] = ()) -> None:
        """The run is this by now, by events of the `touched` steps; what its cells put out, the
        kernel tells.
        """
        self._tell(self._at(state, widgets, touched))
        self.say_changed()

    def _at(self, state: Run, widgets: Widgets, touched: Iterable[StepId]) -> list[OutputOp]:
        moved = state.status is not self.state.status
        if state.snapshot != self.state.snapshot:
            self._lay_out(state)
        self.state = state
        ops = [op for step in touched for op in self._counted(self._cells[step])]
        for step in self._gated:
            gate, cell = state.gate(step), self._cells[step]
            if moved or gate is not self._drawn.get(step) or step in widgets or _has_view(cell):
                covers = configures_gate(state.steps[step].result)
                ops += cell.draw(_record(state, gate, widgets.get(step)), covers=covers)
            if gate is not None:
                self._drawn[step] = gate
        return ops

    def _counted(self, cell: BoardCell) -> Iterable[OutputOp]:
        """Not every kernel says the count while the cell runs."""
        step = self.state.steps[cell.step]
        if step.execution_count is None or step.status not in _ENDED:
            return ()
        return cell.apply(OutputOp(cell.step, OpKind.COUNT, count=step.execution_count))

    def _tell(self, ops: Sequence[OutputOp]) -> None:
        if not ops:
            return
        ops = [self._named(op) for op in ops]
        self.seq += 1
        size = size_of(ops)
        self._kept.append((self.seq, ops, size))
        self._size += size
        while self._kept and (len(self._kept) > KEPT_BATCHES or self._size > KEPT_SIZE):
            self._size -= self._kept.popleft()[2]
        for heard in tuple(self._listeners):
            heard(self.seq, ops)

    def _named(self, op: OutputOp) -> OutputOp:
        """Who mirrors the board knows cells, and not what the author calls their steps."""
        name = self._names[op.cell]
        return op if name == op.cell else structs.replace(op, cell=name)

    def say_changed(self) -> None:
        """To those who watch."""
        for changed in tuple(self._watchers):
            changed()


_ENDED = (StepStatus.SUCCEEDED, StepStatus.FAILED)

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def _has_view(cell: BoardCell) -> bool:
    return cell.record is not None and WIDGET_VIEW in cell.record["data"]


def _record(
    run: Run, gate: Gate | None, widget: Mapping[str, Json] | None
) -> Mapping[str, Json] | None:
    """None before the gate has opened."""
    if gate is None or gate.opened_at is None:
        return None
    record = gate_record(run, gate)
    if widget is None or gate.status is not GateStatus.OPEN:
        return record
    return {**record, "data": {**record["data"], **widget}}


def size_of(ops: Iterable[OutputOp]) -> int:
    """About the characters that they take."""
    return sum(64 + len(op.text) + (_weight(op.output) if op.output else 0) for op in ops)


def _weight(value: Json) -> int:
    """About the characters of a JSON value."""
    match value:
        case str():
            return len(value)
        case Mapping():
            return sum(len(key) + _weight(one) for key, one in value.items())
        case list() | tuple():
            return sum(map(_weight, value))
        case _:
            return 8
