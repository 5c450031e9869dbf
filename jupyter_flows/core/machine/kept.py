"""What the events of checkpoints make of a run: which ones it has, and which serve no more."""

from msgspec.structs import replace

from jupyter_flows.core import events as e
from jupyter_flows.core.checkpoint import KEPT, Checkpoint
from jupyter_flows.core.model import Digest, Run


def named(run: Run, digest: Digest) -> Checkpoint | None:
    return next((each for each in run.checkpoints if each.digest == digest), None)


def saved(run: Run, event: e.CheckpointSaved) -> Run:
    kept = [each for each in run.checkpoints if each.digest != event.checkpoint.digest]
    return replace(run, checkpoints=(*kept, event.checkpoint)[-KEPT:], unsaved=None)


def doubted(run: Run, event: e.CheckpointDoubted) -> Run:
    return replace(
        run,
        checkpoints=tuple(
            replace(each, doubt=event.why) if each.digest == event.checkpoint else each
            for each in run.checkpoints
        ),
    )


def still_of_use(run: Run) -> Run:
    """A checkpoint that holds what a step has done which is to be done again serves no more."""
    done = {step.id for step in run.steps.values() if step.done}
    kept = [each for each in run.checkpoints if done.issuperset(each.covers)]
    return replace(run, checkpoints=tuple(kept))
