"""Brings a run's variables back from a checkpoint into a kernel, or says why that can't be done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jupyter_flows.core.checkpoint import Checkpoint, Choice
from jupyter_flows.core.errors import (
    CheckpointUnusable,
    FlowsError,
    KernelUnavailable,
    StorageUnavailable,
)
from jupyter_flows.core.model import Digest, Json, Run, StepId
from jupyter_flows.core.preflight import Preflight, preflight
from jupyter_flows.engine.cells import cell_of
from jupyter_flows.ports import Checkpoints, Expression, Kernels

HAS_RUN = "__import__('IPython').get_ipython().execution_count > 1"
"""True in a kernel where somebody has run something."""


class NotRestored(FlowsError):
    """Why, and what a person may choose; `doubt` names the checkpoint if that is at fault."""

    def __init__(
        self, message: str, choices: Sequence[Choice] = (), doubt: Digest | None = None
    ) -> None:
        super().__init__(message)
        self.choices = tuple(choices)
        self.doubt = doubt


@dataclass(frozen=True, slots=True)
class Restored:
    """The steps that ran again for it, and what was different about the kernel."""

    replayed: tuple[StepId, ...]
    changes: tuple[str, ...]


class Restoring:
    def __init__(self, kernels: Kernels, checkpoints: Checkpoints) -> None:
        self._kernels = kernels
        self._checkpoints = checkpoints

    async def saved(self, run: Run, checkpoint: Checkpoint) -> Mapping[str, Json]:
        """What the kernel said when it was saved, verified. Raises NotRestored."""
        try:
            manifest = await self._checkpoints.manifest(run.id, checkpoint.digest)
        except CheckpointUnusable as error:
            raise NotRestored(str(error), doubt=checkpoint.digest) from None
        except StorageUnavailable as error:
            raise NotRestored(str(error)) from None
        if manifest.get("run") != run.id or tuple(manifest["covers"]) != checkpoint.covers:
            raise NotRestored("It is of another run.", doubt=checkpoint.digest)
        saved: Mapping[str, Json] = manifest["kernel"]
        return saved

    async def check(self, run: Run, saved: Mapping[str, Json]) -> Preflight:
        """How the run's kernel differs from the one that was saved. Raises NotRestored."""
        try:
            now = await self._kernels.environment(
                run.id,
                list(saved["distributions"]),
                list(saved["files"]),
                saved.get("sys_path", ()),
            )
        except KernelUnavailable as error:
            raise NotRestored(str(error)) from None
        found = preflight(saved, now)
        if found.impossible is not None:
            raise NotRestored(found.impossible, (Choice.RERUN,))
        if found.changes and not run.changed:
            raise NotRestored(_changed(found.changes), (Choice.CHANGED, Choice.RERUN))
        return found

    async def check_unused(self, run: Run) -> None:
        """A kernel that somebody has restarted and works in is not filled unasked. Raises
        NotRestored.
        """
        try:
            found = await self._kernels.evaluate(run.id, Expression(expr=HAS_RUN))
        except KernelUnavailable as error:
            raise NotRestored(str(error)) from None
        if found.truth:
            raise NotRestored(USED, (Choice.CHECKPOINT, Choice.RERUN))

    async def load(
        self, run: Run, checkpoint: Checkpoint, snapshot: Mapping[str, Json], *, unasked: bool
    ) -> Restored:
        """Into the run's kernel, which is here. Raises NotRestored: the kernel is then of no use,
        if it is ours.
        """
        saved = await self.saved(run, checkpoint)
        if unasked and run.kernel_id is not None:
            await self.check_unused(run)
        found = await self.check(run, saved)
        replays = [run.steps[step] for step in checkpoint.covers if run.steps[step].spec.replay]
        cells = [cell_of(run, step, snapshot, rebuilding=True) for step in replays]
        try:
            await self._kernels.restore(run.id, self._checkpoints.folder, saved, cells)
        except CheckpointUnusable as error:
            raise NotRestored(str(error), doubt=checkpoint.digest) from None
        except KernelUnavailable as error:
            raise NotRestored(str(error)) from None
        return Restored(tuple(step.id for step in replays), found.changes)


USED = (
    "The notebook's kernel was restarted, and cells were run in it since. Resume with `checkpoint`"
    " to have the saved variables put into it."
)


def _changed(changes: Sequence[str]) -> str:
    return (
        f"Since the variables were saved, this has changed: {'; '.join(changes)}. Resume with"
        " `changed` to load them all the same, or with `rerun` to run the earlier cells again."
    )
