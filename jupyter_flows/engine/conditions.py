"""Asking the kernel what the expressions of a step's options come to (G80, G82, G83)."""

from dataclasses import dataclass, field, replace

from jupyter_flows.core.bindings import bindings
from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import Failure, Json, Run, Step, StepId
from jupyter_flows.ports import CellOutcome, Evaluation, Expression, Kernels

SECONDS = 60.0
"""How long an expression may take."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A cell's outcome with what the conditions behind it came to."""

    outcome: CellOutcome
    stop: bool = False
    retry: bool = True


@dataclass(frozen=True, slots=True)
class Conditions:
    kernels: Kernels
    seconds: float = field(default=SECONDS)

    async def skip(self, run: Run, step: StepId, key: str, expr: str) -> Evaluation:
        """What a condition before the step comes to; its error names the expression (G22, G83)."""
        return await self._asked(run, step, key, expr, {})

    async def behind(self, run: Run, step: Step, outcome: CellOutcome) -> Ended:
        """Whether the run stops behind a step that did well, or a failed one is tried again."""
        if outcome.pause is not None:
            return Ended(outcome)
        rule, retry = step.spec.stop_after_if, step.spec.retry
        if outcome.error is None and rule is not None:
            names = {"result": outcome.result}
            found = await self._asked(run, step.id, "stop_after_if", rule.expr, names)
            if found.error is None:
                return Ended(outcome, stop=found.truth)
            outcome = replace(outcome, error=found.error)
        elif outcome.error is not None and retry and retry.retry_if and not outcome.lost:
            names = {"error": outcome.error.as_json()}
            found = await self._asked(run, step.id, "retry.retry_if", retry.retry_if, names)
            if found.error is None:
                return Ended(outcome, retry=found.truth)
            also = f"{outcome.error.message} (And: {found.error.message})"
            error = Failure(outcome.error.name, also, outcome.error.reason)
            return Ended(replace(outcome, error=error), retry=False)
        return Ended(outcome)

    async def _asked(
        self, run: Run, step: StepId, key: str, expr: str, names: dict[str, Json]
    ) -> Evaluation:
        asked = Expression(
            expr=expr, bindings=bindings(run, before=step), names=names, timeout=self.seconds
        )
        try:
            found = await self.kernels.evaluate(run.id, asked)
        except KernelUnavailable as error:
            found = Evaluation(error=Failure("KernelUnavailable", str(error)))
        if found.error is None:
            return found
        raised = f"`{key}`: the expression {expr!r} failed: {found.error.name}: "
        return Evaluation(error=Failure("ExpressionError", raised + found.error.message))
