"""What the doors show a run's owner of its saved variables."""

from typing import Annotated

from msgspec import Meta, Struct

from jupyter_flows.core.checkpoint import Checkpoint
from jupyter_flows.core.model import Run
from jupyter_flows.core.saved import cell_number, kept
from jupyter_flows.web.times import Time, time


class UnsavedView(Struct):
    """`path` leads from the variable to what can't be saved, and `type` is that one's."""

    name: str
    type: str
    path: str
    reason: str
    step: Annotated[str | None, Meta(description="The last that bound the name, if it is known")]
    cell: Annotated[int | None, Meta(description="That step's cell, as readers count: from 1")]


class CheckpointView(Struct):
    """The newest saving of a run's variables."""

    saved_at: Time
    variables: int
    bytes: int
    seconds: float
    complete: Annotated[bool, Meta(description="Whether the run can go on with it alone")]
    dropped: Annotated[bool, Meta(description="The unsaved are lost with the kernel, as asked")]
    doubt: Annotated[str | None, Meta(description="Why a trial of loading it failed")]
    unsaved: list[UnsavedView]


def checkpoint_view(run: Run) -> CheckpointView | None:
    """The newest; None if nothing is saved."""
    found = kept(run)
    return of_checkpoint(run, found[-1]) if found else None


def of_checkpoint(run: Run, checkpoint: Checkpoint) -> CheckpointView:
    return CheckpointView(
        saved_at=time(checkpoint.saved_at),
        variables=checkpoint.variables,
        bytes=checkpoint.size,
        seconds=checkpoint.seconds,
        complete=checkpoint.complete,
        dropped=checkpoint.drops,
        doubt=checkpoint.doubt,
        unsaved=unsaved_views(run, checkpoint),
    )


def unsaved_views(run: Run, checkpoint: Checkpoint) -> list[UnsavedView]:
    return [
        UnsavedView(
            each.name, each.type, each.path, each.reason, each.step, cell_number(run, each.step)
        )
        for each in checkpoint.unsaved
    ]
