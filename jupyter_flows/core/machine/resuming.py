"""Going on after a crash or a failure: from which step, and with which notebook."""

from collections.abc import Iterable

from msgspec.structs import replace

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core import events as e
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.machine.checkpoints import usable
from jupyter_flows.core.machine.going_on import Events
from jupyter_flows.core.machine.reached import RESUMABLE, done_before, passed, step_to_resume
from jupyter_flows.core.model import Run, StepId, StepSpec
from jupyter_flows.core.sentences import sentence


def resume(run: Run, command: c.Resume, _: float) -> Events:
    if run.status not in RESUMABLE:
        raise errors.RunNotResumable(
            f"Only an interrupted or failed run can be resumed; this one is {run.status}."
        )
    step = step_to_resume(run)
    if step is None:
        raise errors.RunNotResumable("Every step of this run has finished; start it anew.")
    resumed = e.RunResumed(by=command.by, step=step)
    if command.edited is not None:
        resumed = _with_edits(run, command.by, command.edited, step)
    return (replace(_as_chosen(run, resumed, command.choice, step), kernel_id=command.kernel_id),)


def _as_chosen(
    run: Run, resumed: e.RunResumed, choice: Choice | None, step: StepId
) -> e.RunResumed:
    """With nothing chosen: the newest checkpoint, else the earlier cells again. Where a person has
    to choose, that is refused.
    """
    if choice is None and len(run.choices) > 1:
        raise errors.RunNotResumable(_choose(run))
    choice = choice or (run.choices[0] if run.choices else None)
    if choice is Choice.RERUN:
        return resumed
    if choice is Choice.KERNEL:
        if Choice.KERNEL not in run.choices:
            raise errors.RunNotResumable(NO_KERNEL)
        return replace(resumed, live=True)
    found = usable(run, done_before(run, step))
    if found is None and choice is not None:
        raise errors.RunNotResumable(NO_CHECKPOINT)
    if found is None:
        return resumed
    return replace(resumed, checkpoint=found.digest, changed=choice is Choice.CHANGED)


NO_KERNEL = sentence(
    "This run has no kernel that it could go on in; choose `checkpoint` or `rerun`."
)
NO_CHECKPOINT = sentence(
    "Nothing that was saved of this run's variables can be used here; choose `rerun`, which runs"
    " the earlier cells again."
)


def _choose(run: Run) -> str:
    return sentence(
        "Choose how this run goes on: {choices}. {why}",
        choices=", ".join(f"`{choice}`" for choice in run.choices),
        why=run.error.message if run.error else "",
    )


def _with_edits(run: Run, by: str, edited: c.Edited, step: StepId) -> e.RunResumed:
    """What has run, and was perhaps approved, must stand as it was; all behind it may change."""
    before = passed(run.steps.values(), step)
    now = [spec for spec in edited.steps if not spec.failure]
    for old, new in zip(before, now, strict=False):
        if _name(old.spec) != _name(new):
            raise errors.RunNotResumable(_changed(old.id))
    if len(now) < len(before):
        raise errors.RunNotResumable(_changed(before[len(now)].id))
    if len(now) == len(before):
        raise errors.RunNotResumable("The notebook has no step left to run; start it anew.")
    _check_gates_stay(run, edited.steps)
    return e.RunResumed(
        by=by, step=now[len(before)].id, snapshot=edited.snapshot, steps=edited.steps
    )


def _name(spec: StepSpec) -> tuple[StepId, str]:
    return spec.id, spec.source_hash


def _changed(step: StepId) -> str:
    return sentence(
        "The step {step} has run already, and its cell was changed, moved or removed since, or"
        " another was put before it. Resume with the notebook as it was, or start a new run.",
        step=repr(step),
    )


def _check_gates_stay(run: Run, steps: Iterable[StepSpec]) -> None:
    """The record of who answered a gate must not lose its cell."""
    kept = {spec.id for spec in steps}
    for gate in run.gates.values():
        if gate.opened_at is not None and gate.step not in kept:
            raise errors.RunNotResumable(
                sentence(
                    "The cell of the gate {step} is gone, and it was put before people. Resume with"
                    " the notebook as it was, or start a new run.",
                    step=repr(gate.step),
                )
            )
