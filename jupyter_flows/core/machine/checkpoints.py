"""Which checkpoint a run can go on with, and what saving, releasing and restoring lead to."""

from collections.abc import Iterable

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core.checkpoint import Checkpoint, Choice, OnUnsaved
from jupyter_flows.core.machine.going_on import Events, failing
from jupyter_flows.core.machine.kept import named
from jupyter_flows.core.machine.plan import may_rebuild_unasked, steps_behind
from jupyter_flows.core.machine.reached import RESUMABLE, done_before, step_to_resume
from jupyter_flows.core.model import Failure, Run, RunStatus, StepId
from jupyter_flows.core.saved import unsaved_sentence
from jupyter_flows.core.saving import policy

WAITS = frozenset({RunStatus.SUSPENDED, RunStatus.SLEEPING})
"""The statuses in which a run needs no kernel."""


def usable(run: Run, behind: Iterable[StepId]) -> Checkpoint | None:
    """The newest complete checkpoint of a run that has these steps behind it, and holds what none
    but these have done, as they were begun last; nor what a failed try of the next one did.
    """
    done = set(behind)
    for checkpoint in reversed(run.checkpoints):
        fits = done.issuperset(checkpoint.covers) and is_of_now(run, checkpoint)
        if checkpoint.complete and fits and not checkpoint.tried:
            return checkpoint
    return None


def stand_in(run: Run) -> Checkpoint | None:
    """The checkpoint that holds all that the run's kernel should hold before its next step."""
    found = here(run)
    return found if found is not None and found.complete else None


def here(run: Run) -> Checkpoint | None:
    """The newest checkpoint of where the run stands, whole or not."""
    steps, tries = steps_behind(run), tried(run)
    for checkpoint in reversed(run.checkpoints):
        if checkpoint.covers == steps and checkpoint.tried == tries and is_of_now(run, checkpoint):
            return checkpoint
    return None


def unasked(run: Run) -> Choice | None:
    """How a run goes on by itself whose server died while a cell ran (scale.md, Rules learnt): that
    cell runs again, unless it says `retry: never`, and none before it does, unless it is tagged
    `replay`. None: a person has to say.
    """
    step = run.running_step
    if step is None or step.spec.once:
        return None
    if stand_in(run) is not None:
        return Choice.CHECKPOINT
    return Choice.RERUN if may_rebuild_unasked(run) else None


def is_of_now(run: Run, checkpoint: Checkpoint) -> bool:
    """Whether no step that it covers was begun again since."""
    return bool(checkpoint.covers) and checkpoint.attempts == attempts(run, checkpoint.covers)


def attempts(run: Run, steps: Iterable[StepId]) -> tuple[int, ...]:
    return tuple(run.steps[step].attempts if step in run.steps else 0 for step in steps)


def tried(run: Run) -> int:
    """How often the next step has been tried since it was first begun, or resumed from; one that
    has only just been begun, and whose cell has not run, is not yet tried. What ended at a wait in
    its midst is no try: it is made to run again from the top.
    """
    step = run.running_step
    if step is not None:
        return step.tries - step.pauses - 1
    return 0 if run.next_step is None else run.next_step.tries - run.next_step.pauses


def choices(run: Run) -> tuple[Choice, ...]:
    """What a person may choose for a run that can be resumed; for any other nothing."""
    step = step_to_resume(run) if run.status in RESUMABLE else None
    if step is None:
        return ()
    if run.choices:
        return run.choices
    found = usable(run, done_before(run, step))
    return (Choice.CHECKPOINT, Choice.RERUN) if found else (Choice.RERUN,)


def save(run: Run, command: c.SaveCheckpoint, _: float) -> Events:
    """One that was under way while the run ended, or went somewhere else, counts no more. A run
    that fails has nothing to go on with.
    """
    saved = e.CheckpointSaved(checkpoint=command.checkpoint)
    if run.failing or not _is_where(run, command.checkpoint):
        return ()
    waiting = run.status in WAITS
    must_be_whole = policy(run, waits_behind(run)).on_unsaved is OnUnsaved.FAIL
    if not (waiting and must_be_whole and command.checkpoint.unsaved):
        return (saved,)
    error = Failure("UnsavedVariables", str(unsaved_sentence(command.checkpoint, run)))
    return (saved, *failing(run, error, waits_behind(run)))


def _is_where(run: Run, checkpoint: Checkpoint) -> bool:
    """Whether the run stands where it was taken."""
    if run.status is not RunStatus.RUNNING and run.status not in WAITS:
        return False
    there = (steps_behind(run), tried(run))
    return there == (checkpoint.covers, checkpoint.tried) and is_of_now(run, checkpoint)


def miss(run: Run, command: c.MissCheckpoint, _: float) -> Events:
    if run.status not in WAITS or run.unsaved == command.why:
        return ()
    return (e.CheckpointFailed(why=command.why),)


def doubt(run: Run, command: c.DoubtCheckpoint, _: float) -> Events:
    if run.finished or named(run, command.checkpoint) is None:
        return ()
    return (e.CheckpointDoubted(checkpoint=command.checkpoint, why=command.why),)


def release(run: Run, command: c.ReleaseKernel, _: float) -> Events:
    """Only while the run waits, and only for one that holds all (durability.md)."""
    found = stand_in(run)
    if run.status not in WAITS or run.released_at is not None:
        return ()
    if found is None or found.digest != command.checkpoint:
        return ()
    return (e.KernelReleased(checkpoint=found.digest),)


def finish_restore(run: Run, command: c.FinishRestore, _: float) -> Events:
    if run.status is not RunStatus.RUNNING and run.status not in WAITS:
        return ()
    return (
        e.KernelRestored(
            checkpoint=command.checkpoint, replayed=command.replayed, changes=command.changes
        ),
    )


def waits_behind(run: Run) -> StepId | None:
    """The step behind which the run waits."""
    if run.open_gate is not None:
        return run.open_gate.step
    done = steps_behind(run)
    return done[-1] if done else None
