"""How the variables of a waiting run are saved: what its author and its server say of it together,
and how long it may take.
"""

from jupyter_flows.core.checkpoint import CheckpointOptions, OnUnsaved, When
from jupyter_flows.core.model import Run, StepId

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
