"""From a kernel's messages to a notebook's outputs: pure, bounded, with nbclient's semantics.

What a cell puts out is counted in bytes of text. Behind the limit nothing is kept but errors, and
a notice says how much was dropped.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from jupyter_flows.core.model import Json, StepId
from jupyter_flows.kernels.changes import Told, changes
from jupyter_flows.ports import OutputOp, Shown

MAX_OUTPUT_BYTES = 10 * 2**20
FRAME = 64
"""What an output costs beside its content."""
ERROR_CHARACTERS = 100_000

Message = Mapping[str, Json]
Output = dict[str, Json]


def size_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def whole(text: str) -> str:
    """Without halves of characters, which a kernel can say in JSON, but no file and no socket can.
    Two that belong together are one again.
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def readable(size: int) -> str:
    return f"{size // 2**20} MiB" if size and size % 2**20 == 0 else f"{size:,} bytes"


@dataclass(slots=True, eq=False)
class _Stream:
    """Adjacent chunks of one stream; they are joined when somebody looks.

    `told` chunks were told, and of the one behind them `told_of_next` characters.
    """

    name: str
    parts: list[str]
    told: int = 0
    told_of_next: int = 0

    def shown(self) -> Output:
        if len(self.parts) > 1:
            self.told_of_next += sum(map(len, self.parts[: self.told]))
            self.told = 0
            self.parts = ["".join(self.parts)]
        return {"output_type": "stream", "name": self.name, "text": self.parts[0]}

    def untold(self) -> str:
        """What came since this was last asked; nothing that was told before is looked at again."""
        news = self.parts[self.told :]
        if news:
            news[0] = news[0][self.told_of_next :]
        self.told, self.told_of_next = len(self.parts), 0
        return "".join(news)


@dataclass(slots=True, eq=False)
class _Bundle:
    """A display or result, the cell's output at `place`. `shown_in` is None when cleared away."""

    kind: str
    data: Output
    metadata: Output
    count: int | None
    size: int
    place: int
    shown_in: "CellOutputs | None"

    def untold(self) -> str:
        return ""

    def shown(self) -> Output:
        output = {"output_type": self.kind, "metadata": self.metadata, "data": self.data}
        return (
            {**output, "execution_count": self.count} if self.kind == "execute_result" else output
        )


@dataclass(slots=True, eq=False)
class _Error:
    ename: str
    evalue: str
    traceback: list[str]

    def untold(self) -> str:
        return ""

    def shown(self) -> Output:
        return {
            "output_type": "error",
            "ename": self.ename,
            "evalue": self.evalue,
            "traceback": self.traceback,
        }


@dataclass(slots=True, eq=False)
class CellOutputs:
    """The outputs of one cell, or of one Output widget. `changed` is for the owner to reset.

    `marks` is told of each change, and `told` what of it the listeners know: both are of a cell
    that somebody is told of.
    """

    limit: int = MAX_OUTPUT_BYTES
    step: StepId | None = None
    marks: set[StepId] | None = None
    told: Told | None = None
    execution_count: int | None = None
    changed: bool = False
    dropped: int = 0
    _items: list[_Stream | _Bundle | _Error] = field(default_factory=list)
    _size: int = 0
    _clear_next: bool = False
    _shown: list[Output] | None = None

    def show(self) -> list[Output]:
        """As nbformat writes them. The list is the caller's; what is in it is never changed."""
        if self._shown is None:
            self._shown = [item.shown() for item in self._items]
            if self.dropped:
                self._shown.append(_notice(self._dropped_notice()))
        return list(self._shown)

    def _dropped_notice(self) -> str:
        return f"[output over {readable(self.limit)}: {self.dropped:,} more bytes were dropped]\n"

    def stream(self, name: str, text: str) -> None:
        if not text:
            return
        self._touch()
        name, text = whole(name), whole(text)
        last = self._items[-1] if self._items else None
        joins = type(last) is _Stream and last.name == name
        size = size_of(text)
        if self.dropped or self._size + size + FRAME > self.limit:
            text, size = self._fitting(text, size)
            if not text:
                return
        self._size += size
        if joins:
            last.parts.append(text)  # type: ignore[union-attr]
        else:
            self._size += FRAME
            self._items.append(_Stream(name, [text]))

    def _fitting(self, text: str, size: int) -> tuple[str, int]:
        """What still fits of a chunk; the rest is counted as dropped."""
        room = self.limit - self._size - FRAME
        if self.dropped or room <= 0:
            self.dropped += size
            return "", 0
        kept = text.encode("utf-8", "surrogatepass")[:room].decode("utf-8", "ignore")
        left = size_of(kept)
        self.dropped += size - left
        return kept, left

    def bundle(self, kind: str, content: Message) -> _Bundle | None:
        """Add a display or result; None if it did not fit."""
        self._touch()
        data, metadata, size = _unpacked(content)
        if size > self.limit and not self.dropped:
            data, metadata, size = _unpacked({"data": _too_large(size, self.limit)})
        if self.dropped or self._size + size > self.limit:
            self.dropped += size
            return None
        self._size += size
        count, place = content.get("execution_count"), len(self._items)
        item = _Bundle(kind, data, metadata, count, size, place, self)
        self._items.append(item)
        return item

    def update(self, item: _Bundle, content: Message) -> None:
        """Give a display that stands here new content."""
        data, metadata, size = _unpacked(content)
        if self._size - item.size + size > max(self.limit, self._size):
            data, metadata, size = _unpacked({"data": _too_large(size, self.limit)})
        self._size += size - item.size
        item.data, item.metadata, item.size = data, metadata, size
        if self.told is not None:
            self.told.updated.add(item.place)
        self._mark()

    def error(self, content: Message) -> None:
        self._touch()
        if self.dropped and self._items and type(self._items[-1]) is _Error:
            self._items.pop()
            self._gone_from(len(self._items))
        traceback = [whole(str(line)) for line in content.get("traceback") or ()]
        if sum(map(len, traceback)) > ERROR_CHARACTERS:
            traceback = [f"[a traceback of more than {ERROR_CHARACTERS:,} characters]"]
        evalue = whole(str(content.get("evalue", ""))[:ERROR_CHARACTERS])
        self._items.append(_Error(whole(str(content.get("ename", ""))[:1000]), evalue, traceback))

    def clear(self, wait: bool) -> None:
        if wait:
            self._clear_next = True
        else:
            self._clear()

    def replace(self, outputs: list[Output]) -> None:
        """Start anew with outputs that somebody else has written."""
        self._clear()
        for output in outputs:
            match output.get("output_type"):
                case "stream":
                    self.stream(str(output.get("name")), _joined(output.get("text")))
                case "error":
                    self.error(output)
                case "display_data" | "execute_result" as kind:
                    self.bundle(kind, output)

    def _touch(self) -> None:
        if self._clear_next:
            self._clear()
        self._mark()

    def _mark(self) -> None:
        self.changed, self._shown = True, None
        if self.marks is not None and self.step is not None:
            self.marks.add(self.step)

    def _clear(self) -> None:
        for item in self._items:
            if type(item) is _Bundle:
                item.shown_in = None
        self._items, self._size, self.dropped = [], 0, 0
        self._clear_next = False
        self._gone_from(0)
        self._mark()

    def _gone_from(self, place: int) -> None:
        if self.told is not None:
            self.told.items = min(self.told.items, place)

    def counted(self, count: int) -> None:
        """The kernel says the cell's execution count, before all that the cell puts out."""
        self.execution_count = count
        if self.marks is not None and self.step is not None:
            self.marks.add(self.step)

    def news(self) -> list[OutputOp]:
        """What changed since this was last asked."""
        if self.told is None or self.step is None:
            return []
        notice = _notice(self._dropped_notice()) if self.dropped else None
        return changes(self.told, self.step, self._items, notice, self.execution_count)


@dataclass(slots=True, eq=False)
class RunOutputs:
    """The outputs of all cells of a run, fed with every message of the kernel's iopub channel.

    `redirect` says which Output widget, if any, takes what a parent message puts out.
    """

    limit: int = MAX_OUTPUT_BYTES
    redirect: Callable[[str], CellOutputs | None] = lambda _parent: None
    _cells: dict[StepId, CellOutputs] = field(default_factory=dict)
    _parents: dict[str, CellOutputs] = field(default_factory=dict)
    _displays: dict[str, list[_Bundle]] = field(default_factory=dict)
    _settled: set[StepId] = field(default_factory=set)
    _marked: set[StepId] = field(default_factory=set)

    def begin(self, step: StepId, parent: str, *, told: bool = True) -> CellOutputs:
        """A step is executed, perhaps again, by the request `parent`; with `told` false nobody is
        to see what it puts out.
        """
        before = self._cells.pop(step, None)
        if before is not None:
            before.clear(wait=False)
            self._parents = {k: v for k, v in self._parents.items() if v is not before}
        cell = CellOutputs(self.limit, step)
        if told:
            cell.marks, cell.told = self._marked, Told()
            self._marked.add(step)
        self._cells[step] = self._parents[parent] = cell
        self._settled.discard(step)
        return cell

    def settle(self, step: StepId) -> None:
        """What this step puts out from now on is no amendment: it ran again for a fresh kernel, and
        its first outputs stand.
        """
        self._settled.add(step)

    def feed(self, message: Message) -> None:
        """Take in one message; what is no output or belongs to nobody here is passed over."""
        kind, content = message["msg_type"], message["content"]
        if kind == "update_display_data":
            self._update(_display_id(content), content)
            return
        if kind not in _HANDLED:
            return
        parent = message["parent_header"].get("msg_id", "")
        cell = self._parents.get(parent)
        if cell is not None and content.get("execution_count") is not None:
            cell.counted(content["execution_count"])
        sink = self.redirect(parent) or cell
        if sink is not None:
            self._put(sink, kind, content)

    def _put(self, sink: CellOutputs, kind: str, content: Message) -> None:
        match kind:
            case "stream":
                sink.stream(str(content["name"]), str(content["text"]))
            case "display_data" | "execute_result":
                self._show(sink, kind, content)
            case "error":
                sink.error(content)
            case "clear_output":
                sink.clear(bool(content.get("wait")))

    def _show(self, sink: CellOutputs, kind: str, content: Message) -> None:
        name = _display_id(content)
        self._update(name, content)
        item = sink.bundle(kind, content)
        if name and item is not None:
            places = self._displays.setdefault(name, [])
            if places and places[-1].shown_in is None:
                places[:] = [place for place in places if place.shown_in is not None]
            places.append(item)

    def _update(self, name: str | None, content: Message) -> None:
        for item in self._displays.get(name, ()) if name else ():
            if item.shown_in is not None:
                item.shown_in.update(item, content)

    def take(self, step: StepId) -> list[Output]:
        """This step's outputs; they are then no amendment."""
        cell = self._cells[step]
        cell.changed = False
        return cell.show()

    def amended(self) -> dict[StepId, list[Output]]:
        """The outputs of steps that changed since they were taken."""
        return {step: self.take(step) for step in self._changed()}

    def _changed(self) -> list[StepId]:
        every = self._cells.items()
        return [step for step, cell in every if cell.changed and step not in self._settled]

    def has_amended(self) -> bool:
        return bool(self._changed())

    def show(self, step: StepId) -> list[Output]:
        return self._cells[step].show()

    @property
    def has_news(self) -> bool:
        return bool(self._marked)

    def news(self) -> list[OutputOp]:
        """What changed in all cells since this was last asked."""
        marked = sorted(self._marked)
        self._marked.clear()
        return [op for step in marked for op in self._cells[step].news()]

    def shown(self) -> dict[StepId, Shown]:
        """What the cells show, and have been told to show when their news are out."""
        told = ((step, cell) for step, cell in self._cells.items() if cell.told is not None)
        return {step: Shown(cell.show(), cell.execution_count) for step, cell in told}


_HANDLED = frozenset(
    {"stream", "display_data", "execute_result", "error", "clear_output", "execute_input"}
)


def _display_id(content: Message) -> str | None:
    transient = content.get("transient")
    return transient.get("display_id") if transient else None


def _notice(text: str) -> Output:
    return {"output_type": "stream", "name": "stderr", "text": text}


def _too_large(size: int, limit: int) -> Output:
    return {"text/plain": f"[a display of {size:,} bytes was dropped: over {readable(limit)}]"}


def _unpacked(content: Message) -> tuple[Output, Output, int]:
    """A mime bundle that nbformat allows (text, but for JSON types), its metadata, and the size of
    both.
    """
    data: Output = {}
    size = FRAME
    for kind, said in (content.get("data") or {}).items():
        value = said if _is_json(kind) or isinstance(said, str) else _joined(said)
        data[whole(kind)], taken = _measured(value)
        size += len(kind) + taken
    if not content.get("metadata"):
        return data, {}, size
    metadata, taken = _measured(dict(content["metadata"]))
    return data, metadata, size + taken


def _measured(value: Json) -> tuple[Json, int]:
    """With whole characters. JSON is gone through only where its text says that it has others."""
    if isinstance(value, str):
        text = whole(value)
        return text, size_of(text)
    encoded = json.dumps(value, default=str)
    return _whole_json(value) if "\\ud" in encoded else value, len(encoded)


def _whole_json(value: Json) -> Json:
    match value:
        case str():
            return whole(value)
        case list():
            return [_whole_json(one) for one in value]
        case dict():
            return {whole(key): _whole_json(one) for key, one in value.items()}
        case _:
            return value


def _is_json(kind: str) -> bool:
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def _joined(value: Json) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)
