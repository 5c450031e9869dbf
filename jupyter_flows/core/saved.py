"""What was saved of a run's variables, what was not, and what can be done: as sentences."""

from jupyter_flows.core import sizes
from jupyter_flows.core.checkpoint import (
    Checkpoint,
    CheckpointOptions,
    OnUnsaved,
    Unsaved,
    When,
)
from jupyter_flows.core.model import Run, StepId
from jupyter_flows.core.sentences import sentence

DEFAULTS = CheckpointOptions(when=When.AUTO, on_unsaved=OnUnsaved.KEEP_ALIVE, grace=900.0)
"""Where neither the author nor the server says anything."""


SHARE = 0.05
"""Of the time of a run's cells that saving between them may take (durability.md, When)."""


def may_spend(busy: float, spent: float) -> float:
    """Seconds that may go into saving now, where cells took `busy` and saving `spent` so far."""
    return max(busy * SHARE - spent, 0.0)


def policy(run: Run, behind: StepId | None) -> CheckpointOptions:
    """How the variables are saved while the run waits behind this step: nothing of it is None."""
    said = run.checkpointing.over(DEFAULTS)
    own = run.steps[behind].spec.checkpoint if behind is not None else None
    return said if own is None else own.over(said)


def saved_sentence(checkpoint: Checkpoint) -> str:
    """14 variables saved (1.16 GB, 0.9 s)."""
    count = checkpoint.variables
    return sentence(
        "{what} saved ({size}, {seconds} s).",
        what=f"{count} variable{'s' if count != 1 else ''}",
        size=sizes.shown(checkpoint.size),
        seconds=f"{checkpoint.seconds:.1f}",
    )


def unsaved_sentence(checkpoint: Checkpoint, run: Run) -> str:
    """Each variable that can't be saved, with what it is and which cell made it; empty if all are
    saved.
    """
    if not checkpoint.unsaved:
        return ""
    named = ", ".join(_named(each, run) for each in checkpoint.unsaved)
    return sentence("{count} cannot be: {named}.", count=len(checkpoint.unsaved), named=named)


def _named(unsaved: Unsaved, run: Run) -> str:
    cell = cell_of(run, unsaved.step)
    return f"{unsaved.path} ({unsaved.type}{', ' + cell if cell else ''})"


def cell_of(run: Run, step: StepId | None) -> str:
    """As a reader counts them: cell 3."""
    found = None if step is None else run.steps.get(step)
    return "" if found is None else f"cell {found.spec.index + 1}"


def advice(checkpoint: Checkpoint, run: Run) -> str:
    """What frees the kernel of its unsaved variables."""
    if not checkpoint.unsaved:
        return ""
    if checkpoint.drops:
        return sentence("They go with the kernel, as the notebook says.")
    first = checkpoint.unsaved[0]
    cell = cell_of(run, first.step)
    ways = [f"tag {cell} `replay`"] if cell else []
    ways.append(f"del {first.name}")
    return sentence(
        "The kernel is kept alive for them. To free it: {ways}.", ways=", or ".join(ways)
    )


def told(run: Run) -> str:
    """All that is to be said of a waiting run's variables; empty if nothing was tried."""
    if run.unsaved is not None:
        return sentence("The variables are not saved: {why}", why=run.unsaved)
    if not run.checkpoints:
        return ""
    newest = run.checkpoints[-1]
    said = [saved_sentence(newest), unsaved_sentence(newest, run), advice(newest, run)]
    if newest.doubt is not None:
        said.append(
            sentence(
                "The kernel is kept: loading them was tried, and failed: {why}", why=newest.doubt
            )
        )
    if run.released_at is not None:
        said.append(sentence("The kernel is released; it comes back when the run goes on."))
    return " ".join(filter(None, said))
