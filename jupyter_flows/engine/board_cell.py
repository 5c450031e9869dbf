"""What one cell of a board shows, and how ops change it: pure, and cheap for streams that grow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_flows.core.model import Json, StepId
from jupyter_flows.core.records import last_value, with_record
from jupyter_flows.ports import OpKind, OutputOp, Shown

Output = Mapping[str, Json]


@dataclass(slots=True)
class _Growing:
    """A stream that was appended to; its text is joined when somebody looks."""

    first: Output
    parts: list[str]

    def joined(self) -> Output:
        if len(self.parts) > 1:
            self.parts = ["".join(self.parts)]
        return {**self.first, "text": self.parts[0]}


@dataclass(slots=True, eq=False)
class BoardCell:
    """`record` is the gate's, of which no op of a kernel knows: it stands behind the outputs, or
    `covers` the last value.
    """

    step: StepId
    count: int | None = None
    record: Output | None = None
    covers: bool = False
    _outputs: list[Output | _Growing] = field(default_factory=list)

    @property
    def outputs(self) -> list[Output]:
        return [one.joined() if isinstance(one, _Growing) else one for one in self._outputs]

    def shown(self) -> Shown:
        return Shown(tuple(self._seen()), self.count)

    def _seen(self) -> list[Output]:
        return with_record(self.outputs, self.record, covers=self.covers)

    def _place(self) -> int | None:
        """Where the record stands among the outputs; None: behind them all, or there is none."""
        if self.record is None or not self.covers:
            return None
        outputs = (one.first if isinstance(one, _Growing) else one for one in self._outputs)
        return last_value(list(outputs))

    def apply(self, op: OutputOp) -> Iterator[OutputOp]:
        """Take the kernel's op; what it means for those who see the record too. An op that changes
        nothing, or that fits nothing here, is none.
        """
        match op.kind:
            case OpKind.COUNT if op.count != self.count:
                self.count = op.count
                yield op
            case OpKind.CUT if op.index < len(self._outputs):
                yield from self._cut(op)
            case OpKind.ADD if op.output is not None and op.index <= len(self._outputs):
                yield from self._add(op, op.output)
            case OpKind.SET if op.output is not None and op.index < len(self._outputs):
                self._outputs[op.index] = op.output
                if op.index != self._place():
                    yield op
            case OpKind.APPEND if op.index < len(self._outputs):
                self._append(op.index, op.text)
                yield op

    def _cut(self, op: OutputOp) -> Iterator[OutputOp]:
        place = self._place()
        del self._outputs[op.index :]
        yield op
        if self.record is not None and (place is None or place >= op.index):
            yield OutputOp(self.step, OpKind.ADD, op.index, self.record)

    def _add(self, op: OutputOp, output: Output) -> Iterator[OutputOp]:
        """The last value itself may come: the record then takes its place."""
        place, before = self._place(), self._seen() if self.covers else []
        self._outputs.insert(op.index, output)
        if self._place() == place:
            yield op
        else:
            yield from difference(self.step, before, self._seen())

    def _append(self, index: int, text: str) -> None:
        stream = self._outputs[index]
        if not isinstance(stream, _Growing):
            stream = _Growing(stream, [str(stream.get("text", ""))])
            self._outputs[index] = stream
        stream.parts.append(text)

    def become(self, shown: Shown) -> Iterator[OutputOp]:
        """What turns the outputs, the record aside, into these."""
        for op in difference(self.step, self.outputs, shown.outputs):
            yield from self.apply(op)
        yield from self.apply(OutputOp(self.step, OpKind.COUNT, count=shown.execution_count))

    def draw(self, record: Output | None, *, covers: bool = False) -> Iterator[OutputOp]:
        """Let this record stand behind the outputs, or in the place of the last value; or none."""
        if (record, covers) == (self.record, self.covers):
            return
        if record is not None and self.record is not None and covers == self.covers:
            self.record = record
            place = self._place()
            place = len(self._outputs) if place is None else place
            yield OutputOp(self.step, OpKind.SET, place, record)
            return
        before = self._seen()
        self.record, self.covers = record, covers
        yield from difference(self.step, before, self._seen())


def difference(
    step: StepId, before: Sequence[Output], after: Sequence[Output]
) -> Iterator[OutputOp]:
    """Ops that turn the one into the other: what is the same in front stays."""
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    grown = _grown(before, after, same)
    if grown:
        yield OutputOp(step, OpKind.APPEND, same, text=grown)
        same += 1
    if same < len(before):
        yield OutputOp(step, OpKind.CUT, same)
    for place in range(same, len(after)):
        yield OutputOp(step, OpKind.ADD, place, after[place])


def _grown(before: Sequence[Output], after: Sequence[Output], place: int) -> str:
    """By what the last stream has grown, if that is all that happened to it."""
    if place != len(before) - 1 or place >= len(after):
        return ""
    old, new = before[place], after[place]
    is_stream = old.get("output_type") == new.get("output_type") == "stream"
    if not is_stream or old.get("name") != new.get("name"):
        return ""
    was, now = str(old.get("text", "")), str(new.get("text", ""))
    return now[len(was) :] if now.startswith(was) else ""
