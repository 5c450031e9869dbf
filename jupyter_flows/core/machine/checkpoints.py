"""Which checkpoint a run can go on with, and what saving, releasing and restoring lead to."""

from collections.abc import Iterable

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core.checkpoint import Checkpoint, Choice, OnUnsaved
from jupyter_flows.core.machine.going_on import Events, failing
from jupyter_flows.core.machine.kept import named
from jupyter_flows.core.machine.plan import steps_behind
from jupyter_flows.core.machine.reached import RESUMABLE, done_before, step_to_resume
from jupyter_flows.core.model import Failure, Run, RunStatus, StepId
from jupyter_flows.core.saved import policy, unsaved_sentence

WAITS = frozenset({RunStatus.SUSPENDED, RunStatus.SLEEPING})
"""The statuses in which a run needs no kernel."""


def usable(run: Run, behind: Iterable[StepId]) -> Checkpoint | None:
    """The newest complete checkpoint of a run that has these steps behind it, and holds what none
    but these have done.
    """
    done = set(behind)
    for checkpoint in reversed(run.checkpoints):
        if checkpoint.complete and done.issuperset(checkpoint.covers):
            return checkpoint
    return None


def stand_in(run: Run) -> Checkpoint | None:
    """The checkpoint that holds all that the run's kernel should hold before its next step."""
    steps = steps_behind(run)
    found = usable(run, steps)
    return found if found is not None and set(found.covers) == set(steps) else None


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
    """One that was under way while the run ended, or was interrupted, counts no more."""
    if run.status is not RunStatus.RUNNING and run.status not in WAITS:
        return ()
    saved = e.CheckpointSaved(checkpoint=command.checkpoint)
    waiting = run.status in WAITS
    must_be_whole = policy(run, waits_behind(run)).on_unsaved is OnUnsaved.FAIL
    if not (waiting and must_be_whole and command.checkpoint.unsaved):
        return (saved,)
    error = Failure("UnsavedVariables", str(unsaved_sentence(command.checkpoint, run)))
    return (saved, *failing(run, error, waits_behind(run)))


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
    if run.status is not RunStatus.RUNNING:
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
