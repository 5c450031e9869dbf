"""Going on after a crash or a failure: from which step, and with which notebook."""

from collections.abc import Iterable

from msgspec.structs import replace

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core import events as e
from jupyter_flows.core.machine import gates
from jupyter_flows.core.machine.going_on import Events
from jupyter_flows.core.model import Run, RunStatus, Step, StepId, StepSpec, StepStatus
from jupyter_flows.core.sentences import sentence


def resume(run: Run, command: c.Resume, _: float) -> Events:
    if run.status not in (RunStatus.INTERRUPTED, RunStatus.FAILED):
        raise errors.RunNotResumable(
            f"Only an interrupted or failed run can be resumed; this one is {run.status}."
        )
    step = step_to_resume(run)
    if step is None:
        raise errors.RunNotResumable("Every step of this run has finished; start it anew.")
    if command.edited is None:
        return (e.RunResumed(by=command.by, step=step, kernel_id=command.kernel_id),)
    edits = _with_edits(run, command.by, command.edited, step)
    return (replace(edits, kernel_id=command.kernel_id),)


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


def _with_edits(run: Run, by: str, edited: c.Edited, step: StepId) -> e.RunResumed:
    """What has run, and was perhaps approved, must stand as it was; all behind it may change."""
    before = passed(run.steps.values(), step)
    now = [spec for spec in edited.steps if not spec.failure]
    for old, new in zip(before, now, strict=False):
        if _name(old.spec) != _name(new):
            raise errors.RunNotResumable(_changed(old.id))
    if len(now) < len(before):
        raise errors.RunNotResumable(_changed(before[len(now)].id))
    if len(now) == len(before):
        raise errors.RunNotResumable("The notebook has no step left to run; start it anew.")
    _check_gates_stay(run, edited.steps)
    return e.RunResumed(
        by=by, step=now[len(before)].id, snapshot=edited.snapshot, steps=edited.steps
    )


def _name(spec: StepSpec) -> tuple[StepId, str]:
    return spec.id, spec.source_hash


def _changed(step: StepId) -> str:
    return sentence(
        "The step {step} has run already, and its cell was changed, moved or removed since, or"
        " another was put before it. Resume with the notebook as it was, or start a new run.",
        step=repr(step),
    )


def _check_gates_stay(run: Run, steps: Iterable[StepSpec]) -> None:
    """The record of who answered a gate must not lose its cell."""
    kept = {spec.id for spec in steps}
    for gate in run.gates.values():
        if gate.opened_at is not None and gate.step not in kept:
            raise errors.RunNotResumable(
                sentence(
                    "The cell of the gate {step} is gone, and it was put before people. Resume with"
                    " the notebook as it was, or start a new run.",
                    step=repr(gate.step),
                )
            )
