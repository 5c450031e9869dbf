"""The kernels that cells run in: one a run."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from jupyter_flows.core.commands import Pause
from jupyter_flows.core.model import Failure, Json, RunId, StepId
from jupyter_flows.ports.checkpoints import Where
from jupyter_flows.ports.outputs import Ops, Outputs, Shown


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
    """One execution. `bindings` are the names to bind before it; `timeout` is in seconds.

    `failed_before`: it runs again for a restore, and had failed when the variables were saved.
    """

    step: StepId
    attempt: int
    source: str
    timeout: float | None = None
    raises: bool = False
    bindings: Mapping[str, Json] = field(default_factory=dict)
    rebuilding: bool = False
    goes_on: bool = False
    replay: bool = False
    failed_before: bool = False


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
class SaveRequest:
    """Save a kernel's variables below `folder`, but for those in `exclude`.

    Nothing is written of what would be larger than `limit_bytes`; the kernel gives up after
    `budget` seconds; after `timeout` seconds it is interrupted.
    """

    folder: Where
    limit_bytes: int | None = None
    budget: float | None = None
    exclude: tuple[str, ...] = ()
    timeout: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CellOutcome:
    """How a cell ended. `error` None is success; `lost` says that the kernel is gone.

    `amended` holds the outputs of earlier steps that changed since the last outcome.
    `notice` is a sentence for the reader (a result that is not JSON, outputs cut short).
    With `pause` it ended at a wait in its midst.
    """

    outputs: Outputs
    execution_count: int | None
    result: Json = None
    notice: str | None = None
    error: Failure | None = None
    lost: bool = False
    amended: Mapping[StepId, Outputs] = field(default_factory=dict)
    widgets: Mapping[str, Json] | None = None
    pause: Pause | None = None


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

    async def save(self, run: RunId, asked: SaveRequest) -> Mapping[str, Json]:
        """Save its variables while no cell runs; what the kernel says of them, for the manifest.

        Raises KernelUnavailable, and CheckpointRefused with the kernel's own words.
        """

    async def environment(
        self,
        run: RunId,
        distributions: Sequence[str],
        files: Sequence[str],
        sys_path: Sequence[Json] = (),
    ) -> Mapping[str, Json]:
        """What this kernel is: `python`, the versions of these `distributions` and the SHA-256 of
        these `files`, None for those that it has not. `sys_path` is what a restore would add to its
        path, as `save` says it. Raises KernelUnavailable.
        """

    async def restore(
        self, run: RunId, folder: Where, saved: Mapping[str, Json], replays: Sequence[Cell]
    ) -> None:
        """Load what `save` said into the run's kernel, with these cells run again in between.

        Raises KernelUnavailable, and CheckpointUnusable: the kernel is then of no use.
        """

    async def rehearse(
        self, request: KernelRequest, folder: Where, saved: Mapping[str, Json]
    ) -> None:
        """See whether it can be loaded, in a kernel of its own. Raises as `restore`."""

    async def is_free(self, run: RunId) -> bool:
        """Whether its kernel is ours to end, and nobody else has it open."""

    async def visitors(self, run: RunId) -> int:
        """How many cells others have run in its kernel since the run's last one. Raises
        KernelUnavailable.
        """

    async def returns(self, run: RunId) -> bool:
        """Whether `open` would find the run's own kernel, which has outlived its server."""

    def left(self) -> Sequence[RunId]:
        """The runs of which kernels are known that outlive their servers."""

    async def collect(self, live: Collection[RunId]) -> None:
        """End those of other runs than these, unless another server that lives holds them."""

    def partial(self, run: RunId) -> Mapping[StepId, Outputs]:
        """The outputs so far of the cell that is executing; empty if none is."""

    async def interrupt(self, run: RunId) -> None:
        """Interrupt the running cell; nothing happens if none runs."""

    async def close(self, run: RunId) -> None:
        """Let the kernel go: ours is shut down, a foreign one is left as it is."""

    async def stop(self) -> None:
        """Let all go, warm ones too. At most 3 s."""
