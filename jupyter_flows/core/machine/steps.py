"""What a step's beginning and its end lead to: conditions, retries, early stops, gates."""

from collections.abc import Iterable

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core import events as e
from jupyter_flows.core.gating import configured_gate
from jupyter_flows.core.machine import pausing
from jupyter_flows.core.machine.closing import opening
from jupyter_flows.core.machine.evolve import evolve
from jupyter_flows.core.machine.going_on import (
    Events,
    after,
    behind,
    ending,
    failing,
    pause,
    undecided,
)
from jupyter_flows.core.machine.tables import PENDING, RUNNING
from jupyter_flows.core.model import Failure, Run, RunStatus, Step, StepId
from jupyter_flows.core.sentences import sentence


def known_step(run: Run, step: StepId) -> Step:
    try:
        return run.steps[step]
    except KeyError:
        raise errors.UnknownStep(f"The run has no step {step!r}.") from None


def check_known(run: Run, steps: Iterable[StepId]) -> None:
    for step in steps:
        known_step(run, step)


_ENDED = {
    RunStatus.SUCCEEDED: sentence("The run has ended: it is succeeded."),
    RunStatus.FAILED: sentence("The run has ended: it is failed."),
    RunStatus.CANCELLED: sentence("The run has ended: it is cancelled."),
}


def check_unfinished(run: Run) -> None:
    if run.finished:
        raise errors.RunFinished(_ENDED[run.status])


def advance(run: Run, _: c.Advance, now: float) -> Events:
    """Up to the next step that can begin, or whose condition the kernel has to be asked."""
    events: list[e.Event] = []
    while run.status is RunStatus.RUNNING and run.running_step is None and not run.rebuild:
        step = run.next_step
        if step is None or (not step.spec.skipped and undecided(run, step)):
            break
        event: e.Event = e.StepSkipped(step=step.id) if step.spec.skipped else _started(step)
        events.append(event)
        run = evolve(run, event, now)
    return (*events, *ending(run))


def _started(step: Step) -> e.StepStarted:
    return e.StepStarted(step=step.id, attempt=step.attempts + 1)


def decide_skip(run: Run, command: c.DecideSkip, now: float) -> Events:
    """G83. What was asked of another step, or is decided already, leads to nothing."""
    step = _to_begin(run, command.step)
    if step is None or (asked := undecided(run, step)) is None or asked[0] != command.section:
        return ()
    event: e.Event
    if command.section is not None:
        event = e.SectionEntered(section=command.section, skipped=command.skip)
    elif command.skip:
        event = e.StepSkipped(step=step.id)
    else:
        event = _started(step)
    return (event, *ending(evolve(run, event, now)))


def fail_step(run: Run, command: c.FailStep, now: float) -> Events:
    """A step whose condition raised has failed before it began. It opens no gate, and so the run
    does not go on behind one that has a gate.
    """
    step = _to_begin(run, command.step)
    if step is None:
        return ()
    goes_on = step.spec.continue_on_error and step.spec.gate is None
    failed = e.StepFailed(step=step.id, error=command.error, goes_on=goes_on)
    run = evolve(run, failed, now)
    return (failed, *(behind(run, step.id, now) if goes_on else _run_fails(run, failed)))


def _run_fails(run: Run, failed: e.StepFailed) -> Events:
    return failing(run, failed.error, failed.step)


def _to_begin(run: Run, step_id: StepId) -> Step | None:
    step = known_step(run, step_id)
    waits = run.status is RunStatus.RUNNING and run.running_step is None and not run.rebuild
    return step if waits and step.status is PENDING and run.next_step is step else None


def finish_step(run: Run, command: c.FinishStep, now: float) -> Events:
    check_unfinished(run)
    step = known_step(run, command.step)
    if step.status is not RUNNING:
        raise errors.Refused(f"The step {step.id!r} is not running; it is {step.status}.")
    aside: tuple[e.Event, ...] = ()
    check_known(run, command.amended)
    if command.amended:
        aside += (e.OutputsAmended(outputs=command.amended),)
    if command.widgets:
        aside += (e.WidgetsSaved(widgets=command.widgets),)
    return (*aside, *_outcome(after(run, aside, now), step, command, now))


def _outcome(run: Run, step: Step, command: c.FinishStep, now: float) -> Events:
    if command.pause:
        return _paused(run, step, command, command.pause, now)
    if command.error:
        return _failed(run, step, command, command.error, now)
    try:
        options = configured_gate(step.spec.gate, command.result) if step.spec.gate else None
    except errors.BadInput as mistake:
        return _misconfigured(run, step, command, str(mistake), now)
    succeeded = e.StepSucceeded(
        step=step.id,
        result=command.result,
        notice=command.notice,
        outputs=command.outputs,
        execution_count=command.execution_count,
    )
    run = evolve(run, succeeded, now)
    if command.stop and step.spec.stop_after_if:
        return (succeeded, *_stopping(run, step, now))
    if options is None:
        return (succeeded, *behind(run, step.id, now))
    return (succeeded, *opening(run, step.id, options, command.link, now))


def _paused(run: Run, step: Step, command: c.FinishStep, asked: c.Pause, now: float) -> Events:
    """The cell is to run again, behind a sleep or a gate of its own."""
    try:
        options = pausing.options_of(step, asked)
    except errors.BadInput as mistake:
        return _misconfigured(run, step, command, str(mistake), now)
    until = None if asked.seconds is None else now + asked.seconds
    paused = e.StepPaused(
        step=step.id,
        key=asked.key,
        until=until,
        outputs=command.outputs,
        execution_count=command.execution_count,
    )
    run = evolve(run, paused, now)
    if options is None:
        return (paused, e.RunSlept(step=step.id, until=now if until is None else until))
    expected, generation = pausing.expected(run, step.id, asked.key)
    run = after(run, expected, now)
    opened = opening(run, step.id, options, command.link, now, generation=generation)
    return (paused, *expected, *opened)


def _stopping(run: Run, step: Step, now: float) -> Events:
    """G80: the run ends here, before the gate."""
    stopped = e.RunStopped(step=step.id)
    run = evolve(run, stopped, now)
    message = step.spec.stop_after_if.error_message if step.spec.stop_after_if else None
    if message is None:
        return (stopped, *ending(run))
    return (stopped, *failing(run, Failure("EarlyStopError", message), step.id))


def _misconfigured(run: Run, step: Step, command: c.FinishStep, mistake: str, now: float) -> Events:
    """G2: no gate opens, and nothing runs behind it, whatever the step may do after errors: who
    may vote, say, is not known.
    """
    failed = e.StepFailed(
        step=step.id,
        error=Failure("GateConfigInvalid", mistake),
        outputs=command.outputs,
        execution_count=command.execution_count,
    )
    return (failed, *_run_fails(evolve(run, failed, now), failed))


def _failed(run: Run, step: Step, command: c.FinishStep, error: Failure, now: float) -> Events:
    """G82, G83, G3: try again, or go on, or fail the run."""
    outputs, count = command.outputs, command.execution_count
    tries = step.tries - step.pauses
    wait = pause(step.spec.retry, tries, command.chance) if command.retry else None
    if wait is not None:
        retried = e.StepRetried(step=step.id, error=error, outputs=outputs, execution_count=count)
        return (retried, e.RunSlept(step=step.id, until=now + wait)) if wait else (retried,)
    goes_on = step.spec.continue_on_error
    failed = e.StepFailed(
        step=step.id, error=error, outputs=outputs, execution_count=count, goes_on=goes_on
    )
    run = evolve(run, failed, now)
    if not goes_on:
        return (failed, *_run_fails(run, failed))
    if step.spec.gate is None:
        return (failed, *behind(run, step.id, now))
    return (failed, *opening(run, step.id, step.spec.gate, command.link, now))
