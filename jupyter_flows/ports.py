"""What the engine needs of the world, as Protocols; each adapter lives in a room of its own."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from msgspec import Struct

from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import (
    Digest,
    Failure,
    GateStatus,
    Json,
    LinkId,
    Run,
    RunId,
    RunStatus,
    StepId,
)
from jupyter_flows.core.schedules import Schedule, ScheduleId

Clock: TypeAlias = Callable[[], float]
"""Now, in POSIX seconds."""

Chance: TypeAlias = Callable[[], str]
"""A new id that nobody can guess: 128 bits or more, of [a-z0-9]."""

Outputs: TypeAlias = Sequence[Mapping[str, Json]]
"""A cell's outputs, as nbformat writes them."""


# ---------------------------------------------------------------- kernels


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelRequest:
    """Which kernel a run needs.

    `kernel_id` names a kernel that already runs and isn't ours to end. `path` is the notebook's
    path as the contents API writes it; the kernel starts in its folder, or in `folder` (absolute)
    when that is given. `env` is set in the kernel's environment. `in_place`: the run shows in its
    notebook, and a kernel that somebody has open there when the run ends is left to them.
    """

    run: RunId
    kernel_name: str
    kernel_id: str | None
    path: str
    folder: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    in_place: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One execution. `bindings` are the names to bind before it; `timeout` is in seconds."""

    step: StepId
    attempt: int
    source: str
    timeout: float | None = None
    raises: bool = False
    bindings: Mapping[str, Json] = field(default_factory=dict)
    rebuilding: bool = False
    goes_on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """Python to be evaluated in the run's kernel, with `bindings` bound as for a cell.

    `names` are seen by this expression only. `timeout` is in seconds.
    """

    expr: str
    bindings: Mapping[str, Json] = field(default_factory=dict)
    names: Mapping[str, Json] = field(default_factory=dict)
    timeout: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What an expression came to: `truth` is that of its value, `value` the value where it is
    JSON, else None. `error` None is success.
    """

    truth: bool = False
    value: Json = None
    error: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellOutcome:
    """How a cell ended. `error` None is success; `lost` says that the kernel is gone.

    `amended` holds the outputs of earlier steps that changed since the last outcome.
    `notice` is a sentence for the reader (a result that is not JSON, outputs cut short).
    """

    outputs: Outputs
    execution_count: int | None
    result: Json = None
    notice: str | None = None
    error: Failure | None = None
    lost: bool = False
    amended: Mapping[StepId, Outputs] = field(default_factory=dict)
    widgets: Mapping[str, Json] | None = None


class OpKind(StrEnum):
    """What an op does to the outputs of one cell."""

    CUT = "cut"
    ADD = "add"
    SET = "set"
    APPEND = "append"
    COUNT = "count"


class OutputOp(Struct, frozen=True, omit_defaults=True, rename={"kind": "op"}):
    """A change of what one cell shows, to be applied in order. It goes to browsers as it is.

    cut: only the first `index` outputs stay. add: `output` is put in at `index`. set: `output`
    takes the place of the one at `index`. append: `text` comes to the end of the stream there.
    count: the cell's execution count is `count`.

    What a kernel tells names the cell by its step; what a board tells, by the cell's own id.
    """

    cell: StepId
    kind: OpKind
    index: int = 0
    output: Mapping[str, Json] | None = None
    text: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What one cell shows."""

    outputs: Outputs = ()
    execution_count: int | None = None


Ops: TypeAlias = Callable[[RunId, Sequence[OutputOp]], None]
"""Told of what a run's cells put out, soon after they do, in order."""

Word: TypeAlias = Callable[[RunId, Mapping[str, Json], str], None]
"""Told what code in a run's kernel says to us of itself (over the comm `jupyter_flows`): the run,
the data, and the session of the request that led to it, which is the client's that sent that.
It is the kernel's word: no more than a claim.
"""

Lost: TypeAlias = Callable[[RunId], None]
"""Told that a run's kernel has gone, or has been restarted by somebody."""

Amended: TypeAlias = Callable[[RunId, Mapping[StepId, Outputs]], None]
"""Told of outputs of ended steps that have changed while no cell ran."""


class Kernels(Protocol):
    """One kernel a run, from its first cell to its end, suspensions included."""

    def on_amended(self, listener: Amended) -> None:
        """Who is told of late outputs, at most twice a second for each run."""

    def on_ops(self, listener: Ops) -> None:
        """Who is told of outputs while they come: in order, what came within 20 ms together."""

    def on_word(self, listener: Word) -> None:
        """Who is told of the kernel's own words."""

    def on_lost(self, listener: Lost) -> None:
        """Who is told when a kernel is gone that its run still needs."""

    def holds(self, run: RunId) -> bool:
        """Whether this run's kernel is here and alive."""

    def kernel_of(self, run: RunId) -> str | None:
        """The id, in the server's list of kernels, of the kernel that the run holds."""

    def shown(self, run: RunId) -> Mapping[StepId, Shown]:
        """What the cells that this kernel has executed show by now; what is told as ops from here
        on is to be applied to exactly this.
        """

    async def open(self, request: KernelRequest) -> None:
        """Give the run a kernel: warm, new, or the one it names. Raises KernelUnavailable."""

    async def execute(self, run: RunId, cell: Cell) -> CellOutcome:
        """Execute one cell to its end: reply and idle, timeout, or death. Never raises for what
        the cell does.
        """

    async def evaluate(self, run: RunId, expression: Expression) -> Evaluation:
        """Evaluate an expression while no cell runs. Never raises for what it does; raises
        KernelUnavailable when the run has no kernel, or one that is busy.
        """

    def partial(self, run: RunId) -> Mapping[StepId, Outputs]:
        """The outputs so far of the cell that is executing; empty if none is."""

    async def interrupt(self, run: RunId) -> None:
        """Interrupt the running cell; nothing happens if none runs."""

    async def close(self, run: RunId) -> None:
        """Let the kernel go: ours is shut down, a foreign one is left as it is."""

    async def stop(self) -> None:
        """Let all go, warm ones too. At most 3 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What a notebook's cell tagged `parameters` sets. `default` is source text; `value` is the
    same as JSON, None where it has none.
    """

    name: str
    default: str
    value: Json = None
    type: str | None = None
    help: str = ""


class Documents(Protocol):
    """Notebooks as files: made ready at a run's start, and written as executed."""

    def prepare(
        self, notebook: Mapping[str, Json], parameters: Mapping[str, Json], kernel_name: str | None
    ) -> tuple[dict[str, Json], str]:
        """A valid nbformat 4.5 notebook with cell ids and the injected parameters, and the name
        of its kernel. Raises BadInput (not a notebook), ParametersInvalid.
        """

    def parameters(self, prepared: Mapping[str, Json], kernel_name: str) -> Sequence[Parameter]:
        """What a prepared notebook's cell tagged `parameters` sets, as far as that can be read."""

    def executed(
        self,
        snapshot: Mapping[str, Json],
        run: Run,
        outputs: Mapping[StepId, Outputs],
        widgets: Mapping[str, Json] | None,
    ) -> dict[str, Json]:
        """The snapshot with what the run has produced so far: a valid .ipynb."""

    async def write(self, path: str, notebook: Mapping[str, Json]) -> None:
        """Replace the file in one move, so that a reader never sees half of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """What a browser must know of a file that was written, so as not to take it for a stranger's.
    `last_modified` is RFC 3339.
    """

    path: str
    hash: str
    hash_algorithm: str
    last_modified: str


Snapshot: TypeAlias = Callable[[], Awaitable[Mapping[str, Json]]]
"""The notebook as a run has it, with an id for each cell."""


class SharedNotebook(Protocol):
    """A notebook that several people have open at once, as one document."""

    @property
    def identity(self) -> object:
        """Another one is another document (it was closed and opened again meanwhile)."""

    def show(self, cells: Mapping[StepId, Shown], gently: Collection[StepId] = ()) -> None:
        """Let these cells show exactly this, or as `Notebooks.write` does. Cells that the notebook
        has not are passed over. Raises Unavailable, as `apply` does.
        """

    def apply(self, ops: Sequence[OutputOp]) -> Collection[StepId]:
        """Apply them to what was shown before. Ops of unknown cells are passed over. The cells that
        come back are to be shown anew: somebody else has changed what they show.
        """


NotebookMoved: TypeAlias = Callable[[str, str, bool], None]
"""Told that the notebook at the first path is now at the second; the last says that it is a folder,
with all that is in it.
"""


class Notebooks(Protocol):
    """The server's notebooks: as files, and while several people edit them as one document.

    Paths are those of the contents API.
    """

    @property
    def root(self) -> str | None:
        """What names the place that the paths are below, for all servers that have the same: on
        another one the same path may be another notebook. None where it has no name.
        """

    def on_moved(self, listener: NotebookMoved) -> None:
        """Who is told of moves."""

    async def shared(self, path: str) -> SharedNotebook | None:
        """The shared document, if the notebook is open as one now. Raises Unavailable."""

    async def write(
        self,
        path: str,
        cells: Mapping[StepId, Shown],
        gently: Collection[StepId] = (),
        snapshot: Snapshot | None = None,
    ) -> FileState | None:
        """Let these cells of the file show exactly this, and leave all else in it as it is; None
        where they did already. A cell to be filled `gently` shows it only if what it shows is an
        earlier state of it; otherwise nothing but a gate's record is brought up to date there.
        With the run's `snapshot`, cells that have no id in the file are given those that the run
        knows. Raises BadInput (no such notebook), Unavailable.
        """

    async def saved_at(self, path: str) -> float | None:
        """When the file was last written, by whomever; None if that can't be said."""

    async def offer_kernel(self, path: str, kernel_id: str, kernel_name: str) -> None:
        """Have whoever opens the notebook find this kernel with it, unless it has one already."""


# ---------------------------------------------------------------- store


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run in a list. `server` is who drives it, or did last; `key` is its idempotency key."""

    id: RunId
    status: RunStatus
    path: str
    name: str | None
    owner: str
    created_at: float
    finished_at: float | None
    due_at: float | None
    epoch: int
    server: str | None
    key: str | None = None


GatePlace: TypeAlias = tuple[float, RunId, StepId, int]
"""Where an open gate stands in their list: by its opening's time, then by its names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    run: RunId
    step: StepId
    generation: int
    status: GateStatus
    opened_at: float
    deadline: float
    path: str

    @property
    def place(self) -> GatePlace:
        return self.opened_at, self.run, self.step, self.generation


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    id: LinkId
    run: RunId
    gate: StepId | None
    generation: int
    approver: str | None
    created_at: float
    expires_at: float | None
    revoked_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    status: frozenset[RunStatus] = frozenset()
    path: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Newest first. `cursor` asks for the next page; None is the end."""

    rows: tuple[RunRow, ...]
    cursor: str | None


class Store(Protocol):
    """The log of events, its projections for lists, and blobs by content.

    Every method raises StoreUnavailable when the store can't be reached.
    """

    async def create(
        self, run: Run, events: Sequence[Recorded], key: str | None, server: str | None
    ) -> RunId:
        """Write a new run durably, claimed by `server` with epoch 1.

        With an idempotency key that was used before by the same owner: nothing is written, and
        the earlier run's id comes back.
        """

    async def append(
        self,
        run: Run,
        events: Sequence[Recorded],
        *,
        epoch: int | None,
        durable: bool,
    ) -> None:
        """Append events and the projections of `run` (the state after them) in one transaction.

        The events' first seq must follow the last one stored, else Conflict. `epoch` is the
        driver's; if another driver has claimed the run since, Fenced. A run that would begin while
        as many of its flow as it allows are at work is refused: FlowBusy. `durable` waits for the
        disk (power loss); otherwise the commit survives any death of this process.
        """

    async def load(self, run: RunId) -> Run:
        """Replay the run. Raises UnknownRun."""

    async def events(self, run: RunId, after: int = 0) -> list[Recorded]:
        """The run's events behind `after`, oldest first. Raises UnknownRun."""

    async def chain(self, run: RunId) -> list[tuple[int, float, str, str, str]]:
        """The rows as they stand: (seq, at, kind, body, hash), whatever they hold: what is no text
        comes with lone surrogates in the place of its bytes. Raises UnknownRun.
        """

    async def claim(self, run: RunId, server: str, expected: int) -> int:
        """Take the run for driving if its epoch is still `expected`; the new epoch comes back.
        Raises Fenced, UnknownRun.
        """

    async def row(self, run: RunId) -> RunRow:
        """Raises UnknownRun."""

    async def runs(self, wanted: RunFilter, cursor: str | None, limit: int) -> Page:
        """Raises BadInput for a cursor that was not given out."""

    async def ready(self) -> list[RunRow]:
        """The runs whose state says that something is to be done now (queued or running)."""

    async def queued(self, flow: str) -> list[RunId]:
        """The queued runs of a flow that limits how many are at work, the oldest first."""

    async def due(self, now: float) -> list[RunId]:
        """The runs whose due time has passed."""

    async def next_due(self) -> float | None:
        """The earliest due time of all."""

    async def open_gates(self, limit: int, after: GatePlace | None = None) -> list[GateRow]:
        """Gates that are open, oldest first; those behind the place, be that gate closed by now."""

    async def links(self, run: RunId | None, limit: int) -> list[LinkRow]:
        """Links, newest first; of one run or of all."""

    async def link(self, link: LinkId) -> LinkRow:
        """Raises UnknownLink."""

    async def put(self, data: bytes) -> Digest:
        """Keep a blob. The next append writes it first, and a durable one waits for the disk."""

    async def get(self, digest: Digest) -> bytes:
        """Raises KeyError when there is no such blob (lost with the power, or removed)."""

    async def save_partial(self, run: RunId, data: bytes | None) -> None:
        """Keep (or with None drop) what the running cell has put out so far."""

    async def partial(self, run: RunId) -> bytes | None:
        """What was kept, if anything."""

    async def rebuild(self) -> int:
        """Make the projections anew from the events; how many runs there are."""

    async def close(self) -> None: ...


class ScheduleStore(Protocol):
    """What is to be started when. Every method raises StoreUnavailable, as `Store`'s."""

    async def add(self, schedule: Schedule) -> None:
        """Durably; the id is a new one."""

    async def schedule(self, schedule: ScheduleId) -> Schedule:
        """Raises UnknownSchedule."""

    async def schedules(self) -> list[Schedule]:
        """All, oldest first."""

    async def due(self, now: float) -> list[Schedule]:
        """Those whose due time has come."""

    async def next_due(self) -> float | None:
        """The earliest due time of all."""

    async def change(self, before: Schedule, after: Schedule) -> bool:
        """Durably, if its `paused` and `due_at` are still those of `before`; else nothing is
        written, and False comes back.
        """

    async def remove(self, schedule: ScheduleId) -> None:
        """Raises UnknownSchedule."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`public_key` is PEM text; `sign` gives the signature in base64."""

    id: str
    public_key: str
    sign: Callable[[bytes], str]


class ReceiptKeys(Protocol):
    """The server's own Ed25519 keys, which sign receipts (G71).

    Every method raises KeyUnusable when they can't be read.
    """

    def newest(self) -> SigningKey:
        """The key that signs."""

    def public_keys(self) -> Mapping[str, str]:
        """All by their id, as PEM text, newest first; those that sign no more are kept."""

    def rotate(self) -> str:
        """Make a new key, which signs from now on; its id."""


# ---------------------------------------------------------------- who drives


class Dispatcher(Protocol):
    """Sees to it that a run which has something to do is driven, here or on another server."""

    async def enqueue(self, run: RunId) -> None:
        """Deliver `drive(run)` at least once, soon."""

    async def stop(self) -> None:
        """End what is being driven here, and wait for it."""


class Peers(Protocol):
    """The other servers on this store."""

    def alive(self, server: str) -> bool:
        """Whether that server's process lives."""

    async def poke(self, server: str, run: RunId) -> bool:
        """Ask it to drive the run; whether it said yes."""

    async def evaluate(self, server: str, run: RunId, expression: Expression) -> Evaluation:
        """Ask it to evaluate in the run's kernel, which it has. Raises KernelUnavailable."""


class Listener(Protocol):
    """Called after events are on disk, in order, within one process."""

    def __call__(self, run: Run, events: Sequence[Recorded], /) -> None: ...
