"""Which cells of a rehearsed notebook have their turn, as their conditions say (G80, G83)."""

from collections.abc import Mapping

from jupyter_flows.core.model import Json, StepSpec
from jupyter_flows.testing.kernel import FlowKernel


class ConditionFailedError(Exception):
    """An expression raised; the message names it, as a run's does."""


class Course:
    """One notebook's; what a section's condition came to is kept."""

    def __init__(self) -> None:
        self._skips: dict[str, bool] = {}

    def why_skipped(
        self, step: StepSpec, kernel: FlowKernel, bindings: Mapping[str, Json]
    ) -> str | None:
        """Why the step's cell does not run; None if it does. Raises ConditionFailedError."""
        if step.failure:
            return "It is tagged 'failure', and the flow has not failed."
        if step.skipped:
            return "It is tagged 'skip-execution'."
        if not kernel.speaks_flows:
            return None
        for section in step.sections:
            if section.id not in self._skips:
                key = f"skip_if of section {section.id}"
                self._skips[section.id] = _true(kernel, key, section.skip_if, bindings, {})
            if self._skips[section.id]:
                return f"The section of {section.id!r} is skipped: {section.skip_if}"
        if step.skip_if and _true(kernel, "skip_if", step.skip_if, bindings, {}):
            return f"It is skipped: {step.skip_if}"
        return None

    def why_stopped(self, step: StepSpec, kernel: FlowKernel, result: Json) -> str | None:
        """Why the flow ends behind the step (G80); None if it goes on."""
        rule = step.stop_after_if
        if rule is None or not kernel.speaks_flows:
            return None
        if not _true(kernel, "stop_after_if", rule.expr, {}, {"result": result}):
            return None
        said = f": {rule.error_message}" if rule.error_message else "."
        return f"The flow stopped early behind step {step.id!r}{said}"


def _true(
    kernel: FlowKernel,
    key: str,
    expr: str,
    bindings: Mapping[str, Json],
    names: Mapping[str, Json],
) -> bool:
    found = kernel.evaluate(expr, bindings, names)
    if found.error is not None:
        raise ConditionFailedError(
            f"`{key}`: the expression {expr!r} failed: {found.error.name}: {found.error.message}"
        )
    return found.truth
