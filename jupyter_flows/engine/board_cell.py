"""What one cell of a board shows, and how ops change it: pure, and cheap for streams that grow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_flows.core.model import Json, StepId
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
    """`record` is the gate's, which stands behind the outputs and which no op of a kernel knows."""

    step: StepId
    count: int | None = None
    record: Output | None = None
    _outputs: list[Output | _Growing] = field(default_factory=list)

    @property
    def outputs(self) -> list[Output]:
        return [one.joined() if isinstance(one, _Growing) else one for one in self._outputs]

    def shown(self) -> Shown:
        record = () if self.record is None else (self.record,)
        return Shown((*self.outputs, *record), self.count)

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
                self._outputs.insert(op.index, op.output)
                yield op
            case OpKind.SET if op.output is not None and op.index < len(self._outputs):
                self._outputs[op.index] = op.output
                yield op
            case OpKind.APPEND if op.index < len(self._outputs):
                self._append(op.index, op.text)
                yield op

    def _cut(self, op: OutputOp) -> Iterator[OutputOp]:
        del self._outputs[op.index :]
        yield op
        if self.record is not None:
            yield OutputOp(self.step, OpKind.ADD, op.index, self.record)

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

    def draw(self, record: Output | None) -> Iterator[OutputOp]:
        """Let this record stand behind the outputs, or none."""
        if record == self.record:
            return
        before, self.record = self.record, record
        if record is None:
            yield OutputOp(self.step, OpKind.CUT, len(self._outputs))
        else:
            kind = OpKind.ADD if before is None else OpKind.SET
            yield OutputOp(self.step, kind, len(self._outputs), record)


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
