"""How far a run has come, and from where it would go on."""

from collections.abc import Iterable

from jupyter_flows.core.machine import gates
from jupyter_flows.core.model import Run, RunStatus, Step, StepId, StepStatus

RESUMABLE = frozenset({RunStatus.INTERRUPTED, RunStatus.FAILED})


def step_to_resume(run: Run) -> StepId | None:
    """The first step that did not succeed, or whose gate did not let the run go on."""
    for step in run.steps.values():
        if step.spec.failure or step.status is StepStatus.SKIPPED:
            continue
        if not step.done or step.id == run.stopped or not gates.let_on(run, step):
            return step.id
    return None


def passed(steps: Iterable[Step], step: StepId) -> list[Step]:
    """The steps that the run has behind it when it goes on from this one."""
    found: list[Step] = []
    for each in steps:
        if each.id == step:
            break
        if not each.spec.failure:
            found.append(each)
    return found


def done_before(run: Run, step: StepId) -> list[StepId]:
    """The steps whose cells have run to their end before this one, in order."""
    return [each.id for each in passed(run.steps.values(), step) if each.done]
