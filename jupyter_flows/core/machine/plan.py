"""What is to be done next with a run, by its state alone: a restart enters where it left."""

from dataclasses import dataclass
from typing import TypeAlias

from jupyter_flows.core.machine.going_on import undecided
from jupyter_flows.core.model import Digest, Run, RunStatus, StepId, StepStatus


@dataclass(frozen=True, slots=True)
class BeginRun:
    """Say that a driver has it."""


@dataclass(frozen=True, slots=True)
class StartStep:
    """Make sure of a kernel, then tell `Advance`."""


@dataclass(frozen=True, slots=True)
class AskCondition:
    """Evaluate the condition of this step, or of a section around it, then tell `DecideSkip`."""

    step: StepId
    section: str | None
    expr: str


@dataclass(frozen=True, slots=True)
class ExecuteStep:
    step: StepId


@dataclass(frozen=True, slots=True)
class RebuildKernel:
    """Run these steps again in a fresh kernel, behind what a checkpoint holds if one is named."""

    steps: tuple[StepId, ...]
    checkpoint: Digest | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until somebody acts, or `until` (POSIX seconds) has come."""

    until: float | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The run has ended; its kernel can go."""


Effect: TypeAlias = BeginRun | StartStep | AskCondition | ExecuteStep | RebuildKernel | Wait | Done


def plan(run: Run) -> Effect:
    """What is to be done next."""
    if run.finished:
        return Done()
    if run.status is RunStatus.QUEUED and run.wake_at is None:
        return BeginRun()
    if run.status is not RunStatus.RUNNING:
        return Wait(run.due_at)
    if run.rebuild:
        return RebuildKernel(steps_to_rebuild(run), run.restore)
    if step := run.running_step:
        return ExecuteStep(step.id)
    return _next(run)


def _next(run: Run) -> Effect:
    step = run.next_step
    asked = None if step is None or step.spec.skipped else undecided(run, step)
    return StartStep() if step is None or asked is None else AskCondition(step.id, *asked)


def steps_to_rebuild(run: Run) -> tuple[StepId, ...]:
    """The steps that a fresh kernel must run again, in order: those behind the run, less those
    whose variables are to be restored.
    """
    restored = next((each.covers for each in run.checkpoints if each.digest == run.restore), ())
    return tuple(step for step in steps_behind(run) if step not in restored)


def steps_behind(run: Run) -> tuple[StepId, ...]:
    """The steps that ran before the next one, in order. The `failure` steps need none of them."""
    done: list[StepId] = []
    if run.failing:
        return ()
    for step in run.steps.values():
        if step.spec.failure:
            continue
        if step.status in (StepStatus.PENDING, StepStatus.RUNNING):
            break
        if step.done:
            done.append(step.id)
    return tuple(done)


def may_rebuild_unasked(run: Run) -> bool:
    """Whether every step that a lost kernel had run is tagged `replay` (api.md section 1)."""
    return all(run.steps[step].spec.replay for step in steps_behind(run))
