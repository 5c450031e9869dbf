"""No kernels at all, for a process that only asks and tells."""

from collections.abc import Mapping

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import RunId, StepId
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
    Shown,
    Word,
)


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

    def partial(self, run: RunId) -> Mapping[StepId, Outputs]:  # noqa: ARG002
        return {}

    async def interrupt(self, run: RunId) -> None:
        """Nothing runs here."""

    async def close(self, run: RunId) -> None:
        """Nothing is held here."""

    async def stop(self) -> None:
        """Nothing is held here."""
