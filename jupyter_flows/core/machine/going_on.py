"""What follows when a step, with its gate, is done: the next one, a sleep, or the run's end."""

from collections.abc import Iterable
from typing import TypeAlias

from jupyter_flows.core import events as e
from jupyter_flows.core.machine.evolve import evolve
from jupyter_flows.core.model import Failure, Retry, Run, RunStatus, Step, StepId, StepStatus

Events: TypeAlias = tuple[e.Event, ...]

MAX_PAUSE = 6 * 3600.0
"""Seconds between two tries, at most (G82)."""


def after(run: Run, events: Iterable[e.Event], now: float) -> Run:
    """The run after all of these events."""
    for event in events:
        run = evolve(run, event, now)
    return run


def ending(run: Run) -> Events:
    """The run's end, when its last step is done and nothing is awaited."""
    if run.status is not RunStatus.RUNNING or run.running_step or run.next_step:
        return ()
    if run.failing and run.error is not None:
        return (e.RunFailed(error=run.error),)
    ended = [s for s in run.steps.values() if s.done]
    return (e.RunSucceeded(result=ended[-1].result if ended else None),)


def behind(run: Run, step: StepId, now: float) -> Events:
    """G81: the sleep behind a step, which the last one has not; or the run's end."""
    sleep = run.steps[step].spec.sleep
    if sleep is None or run.next_step is None:
        return ending(run)
    return (e.RunSlept(step=step, until=now + sleep),)


def failing(run: Run, error: Failure, step: StepId | None) -> Events:
    """G83: the `failure` steps, one after the other whatever becomes of each, then the failure."""
    if run.failing:
        return ending(run)
    if any(s.spec.failure and s.status is StepStatus.PENDING for s in run.steps.values()):
        return (e.RunFailing(error=error, step=step),)
    return (e.RunFailed(error=error),)


def undecided(run: Run, step: Step) -> tuple[str | None, str] | None:
    """The condition that must be evaluated before the step can begin (G83): the section's that it
    stands in (its id, and the expression), then its own. A retry asks its own no more.
    """
    for section in step.spec.sections:
        if section.id not in run.skips:
            return section.id, section.skip_if
    if step.spec.skip_if is None or step.tries:
        return None
    return None, step.spec.skip_if


def pause(retry: Retry | None, tries: int, chance: float) -> float | None:
    """Seconds until the next try after so many (G82); None when there is to be none.

    `chance`, from 0 to 1, is where within its spread an exponential pause falls.
    """
    if retry is None:
        return None
    if tries <= retry.constant_attempts:
        return min(retry.constant_seconds, MAX_PAUSE)
    number = tries - retry.constant_attempts
    if number > retry.exponential_attempts:
        return None
    try:
        wait = retry.multiplier * retry.exponential_seconds**number
    except OverflowError:
        return MAX_PAUSE
    spread = 1 + (2 * chance - 1) * retry.random_factor / 100
    return min(wait * spread, MAX_PAUSE)
