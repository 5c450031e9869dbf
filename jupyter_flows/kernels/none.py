"""No kernels at all, for a process that only asks and tells."""

from collections.abc import Collection, Mapping, Sequence

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import Json, RunId, StepId
from jupyter_flows.ports import (
    Amended,
    Cell,
    CellOutcome,
    Evaluation,
    Expression,
    KernelRequest,
    Lost,
    Ops,
    Outputs,
    SaveRequest,
    Shown,
    Where,
    Word,
)

_NOT_HERE = "This process has no kernel for run {run}."


class NoKernels:
    """Implements `ports.Kernels`."""

    def start(self) -> None:
        """Nothing to hold ready."""

    def on_amended(self, listener: Amended) -> None:
        """No kernel, no late outputs."""

    def on_ops(self, listener: Ops) -> None:
        """No kernel, no outputs."""

    def on_word(self, listener: Word) -> None:
        """No kernel, no words."""

    def on_lost(self, listener: Lost) -> None:
        """Nothing to be lost."""

    def holds(self, run: RunId) -> bool:  # noqa: ARG002
        return False

    def kernel_of(self, run: RunId) -> str | None:  # noqa: ARG002
        return None

    def shown(self, run: RunId) -> Mapping[StepId, Shown]:  # noqa: ARG002
        return {}

    async def open(self, request: KernelRequest) -> None:
        raise KernelUnavailable(f"This process starts no kernels; run {request.run} waits.")

    async def execute(self, run: RunId, cell: Cell) -> CellOutcome:
        raise KernelUnavailable(f"This process has no kernel for run {run}, step {cell.step}.")

    async def evaluate(self, run: RunId, expression: Expression) -> Evaluation:
        raise KernelUnavailable(
            f"This process has no kernel for run {run}; {expression.expr!r} can't be evaluated."
        )

    async def save(self, run: RunId, asked: SaveRequest) -> Mapping[str, Json]:  # noqa: ARG002
        raise KernelUnavailable(_NOT_HERE.format(run=run))

    async def environment(
        self,
        run: RunId,
        distributions: Sequence[str],  # noqa: ARG002
        files: Sequence[str],  # noqa: ARG002
        sys_path: Sequence[Json] = (),  # noqa: ARG002
    ) -> Mapping[str, Json]:
        raise KernelUnavailable(_NOT_HERE.format(run=run))

    async def restore(
        self,
        run: RunId,
        folder: Where,  # noqa: ARG002
        saved: Mapping[str, Json],  # noqa: ARG002
        replays: Sequence[Cell],  # noqa: ARG002
    ) -> None:
        raise KernelUnavailable(_NOT_HERE.format(run=run))

    async def rehearse(
        self,
        request: KernelRequest,
        folder: Where,  # noqa: ARG002
        saved: Mapping[str, Json],  # noqa: ARG002
    ) -> None:
        raise KernelUnavailable(f"This process starts no kernels; run {request.run} waits.")

    async def is_free(self, run: RunId) -> bool:  # noqa: ARG002
        return False

    async def visitors(self, run: RunId) -> int:
        raise KernelUnavailable(_NOT_HERE.format(run=run))

    async def returns(self, run: RunId) -> bool:  # noqa: ARG002
        return False

    def partial(self, run: RunId) -> Mapping[StepId, Outputs]:  # noqa: ARG002
        return {}

    async def interrupt(self, run: RunId) -> None:
        """Nothing runs here."""

    async def close(self, run: RunId) -> None:
        """Nothing is held here."""

    def left(self) -> Sequence[RunId]:
        return ()

    async def collect(self, live: Collection[RunId]) -> None:
        """Nothing was left."""

    async def stop(self) -> None:
        """Nothing is held here."""
