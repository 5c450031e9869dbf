"""What an interruption, and going on after it, make of a run."""

from collections.abc import Iterable

from msgspec.structs import replace

from jupyter_flows.core import events as e
from jupyter_flows.core.machine import inner, kept, parts
from jupyter_flows.core.model import (
    Failure,
    Run,
    Step,
    StepId,
    StepSpec,
    StepStatus,
)


def interrupted(run: Run, event: e.RunInterrupted, at: float) -> Run:
    error = Failure("RunInterrupted", event.why)
    run = replace(run, error=error, choices=event.choices, released_at=None)
    step = run.running_step
    if step is None:
        return run
    return parts.with_step(parts.gates_ended(run, event, at), step.id, event, finished_at=at)


def resumed(run: Run, event: e.RunResumed, at: float) -> Run:
    """From this step on everything is to do again, and the sections that begin there are to be
    entered again; the steps before it are to be rebuilt.
    """
    before = run
    if event.steps is not None:
        run = _with_edits(run, event, event.steps)
    run = inner.resumed(run, before, event, at)
    reached, entered = False, set[str]()
    for step in run.steps.values():
        reached = reached or step.id == event.step
        if reached or step.spec.failure:
            run = parts.with_step(run, step.id, event, tries=0, pauses=0)
        elif step.status is not StepStatus.PENDING:
            entered |= {section.id for section in step.spec.sections}
    run = replace(
        run,
        rebuild=not event.live,
        restore=event.checkpoint,
        changed=event.changed,
        choices=(),
        released_at=None,
        unsaved=None,
        kernel_id=event.kernel_id or run.kernel_id,
        started_at=at if run.started_at is None else run.started_at,
        deadline=parts.deadline(run, at),
        finished_at=None,
        error=None,
        failing=False,
        failed_step=None,
        stopped=None,
        skips={section: skip for section, skip in run.skips.items() if section in entered},
    )
    return replace(run, checkpoints=()) if event.live else kept.still_of_use(run)


def _with_edits(run: Run, event: e.RunResumed, specs: Iterable[StepSpec]) -> Run:
    """What the run has behind it stays, wherever its cells stand now. A step behind that is the
    same keeps what became of it so far; a changed one begins anew. Votes ahead (G36) were for the
    cells as they were: they count no more, and can be given again.
    """
    steps: dict[StepId, Step] = {}
    reached = False
    for spec in specs:
        reached = reached or spec.id == event.step
        before = run.steps.get(spec.id)
        if before is None or before.spec.source_hash != spec.source_hash:
            steps[spec.id] = Step(spec, attempts=_attempts(run, spec.id))
        elif reached or spec.failure:
            steps[spec.id] = replace(before, spec=spec)
        else:
            steps[spec.id] = replace(before, spec=_moved_to(before.spec, spec))
    as_before = type(run.steps)(steps)  # type: ignore[call-arg]
    return replace(run, steps=as_before, snapshot=event.snapshot or run.snapshot, pre_votes=())


def _moved_to(spec: StepSpec, now: StepSpec) -> StepSpec:
    return replace(spec, index=now.index, cell=now.cell)


def _attempts(run: Run, step: StepId) -> int:
    """A number that none of its gates is above: the next one has a name of its own (G6)."""
    before = run.steps.get(step)
    generations = [generation for name, generation in run.gates if name == step]
    return max([before.attempts if before else 0, *generations])
