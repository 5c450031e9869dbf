"""What was saved of a run's variables, what was not, and what can be done: as sentences."""

from functools import reduce

from jupyter_flows.core import sizes
from jupyter_flows.core.checkpoint import (
    Checkpoint,
    Unsaved,
)
from jupyter_flows.core.model import Run, RunStatus, StepId
from jupyter_flows.core.sentences import sentence


def kept(run: Run) -> tuple[Checkpoint, ...]:
    """What is still there of what was saved; nothing of a run that is not to go on."""
    return () if run.status in (RunStatus.SUCCEEDED, RunStatus.CANCELLED) else run.checkpoints


def newest(run: Run) -> Checkpoint | None:
    """That of what a waiting run's kernel holds; an older one would tell of less."""
    done = {step.id for step in run.steps.values() if step.done and not step.spec.failure}
    last = run.checkpoints[-1] if run.checkpoints else None
    return last if last is not None and set(last.covers) == done else None


def told(run: Run) -> str:
    """All that is to be said of a waiting run's variables; empty if nothing was tried."""
    return " ".join(sentences(run))


def sentences(run: Run) -> tuple[str, ...]:
    """As `told`, one by one, so that each can be said in the reader's language."""
    if run.unsaved is not None:
        return (sentence("The variables are not saved: {why}", why=run.unsaved),)
    found = newest(run)
    if found is None:
        return ()
    return tuple(filter(None, (*of_checkpoint(found, run), _released(run))))


def of_checkpoint(checkpoint: Checkpoint, run: Run) -> tuple[str, ...]:
    """What was saved, what was not, what can be done, and whether it loads."""
    said = (
        saved_sentence(checkpoint),
        unsaved_sentence(checkpoint, run),
        advice(checkpoint, run),
        _doubt(checkpoint),
    )
    return tuple(filter(None, said))


def saved_sentence(checkpoint: Checkpoint) -> str:
    """14 variables saved (1.16 GB, 0.9 s)."""
    return sentence(
        "{n} variable saved ({size}, {seconds} s).",
        "{n} variables saved ({size}, {seconds} s).",
        n=checkpoint.variables,
        size=_decimal(sizes.shown(checkpoint.size)),
        seconds=_decimal(f"{checkpoint.seconds:.1f}"),
    )


def _decimal(number: str) -> str:
    """With the sign that the reader's language has before the decimals."""
    whole, point, decimals = number.partition(".")
    return sentence("{whole}.{decimals}", whole=whole, decimals=decimals) if point else number


def unsaved_sentence(checkpoint: Checkpoint, run: Run) -> str:
    """Each variable that can't be saved, with what it is and which cell made it; empty if all are
    saved.
    """
    if not checkpoint.unsaved:
        return ""
    named = reduce(_and_next, (_named(each, run) for each in checkpoint.unsaved))
    return sentence("{count} cannot be: {named}.", count=len(checkpoint.unsaved), named=named)


def _and_next(one: str, other: str) -> str:
    return sentence("{one}, {other}", one=one, other=other)


def _named(unsaved: Unsaved, run: Run) -> str:
    path, kind, cell = unsaved.path, unsaved.type, cell_of(run, unsaved.step)
    if not cell:
        return f"{path} ({kind})"
    return sentence("{path} ({type}, {cell})", path=path, type=kind, cell=cell)


def cell_of(run: Run, step: StepId | None) -> str:
    """As a reader counts them: cell 3."""
    number = cell_number(run, step)
    return "" if number is None else sentence("cell {number}", number=number)


def cell_number(run: Run, step: StepId | None) -> int | None:
    """The place of a step's cell, as a reader counts them."""
    found = None if step is None else run.steps.get(step)
    return None if found is None else found.spec.index + 1


def advice(checkpoint: Checkpoint, run: Run) -> str:
    """What frees the kernel of its unsaved variables."""
    if not checkpoint.unsaved:
        return ""
    if checkpoint.drops:
        return sentence("They go with the kernel, as the notebook says.")
    first = checkpoint.unsaved[0]
    cell, way = cell_of(run, first.step), f"del {first.name}"
    if cell:
        way = sentence("tag {cell} `replay`, or {way}", cell=cell, way=way)
    return sentence("The kernel is kept alive for them. To free it: {way}.", way=way)


def _doubt(checkpoint: Checkpoint) -> str:
    if checkpoint.doubt is None:
        return ""
    return sentence(
        "The kernel is kept: loading them was tried, and failed: {why}", why=checkpoint.doubt
    )


def _released(run: Run) -> str:
    if run.released_at is None:
        return ""
    return sentence("The kernel is released; it comes back when the run goes on.")
