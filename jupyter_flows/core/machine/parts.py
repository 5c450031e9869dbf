"""A run with some of its steps or gates changed: what the events are applied with."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from jupyter_flows.core import events as e
from jupyter_flows.core.machine.tables import (
    GATE_TRANSITIONS,
    STEP_TRANSITIONS,
    moved,
)
from jupyter_flows.core.model import (
    Gate,
    Run,
    Step,
    StepId,
    StepStatus,
)


class Draft(dict[StepId, Step]):
    """The steps of a run that nobody sees before its replay has ended: changed in place, so that a
    long notebook's log is not read in time that grows with its square.
    """


def with_steps(run: Run, changed: Mapping[StepId, Step], **more: Any) -> Run:
    if isinstance(run.steps, Draft):
        run.steps.update(changed)
        return replace(run, **more) if more else run
    return replace(run, steps={**run.steps, **changed}, **more)


def with_step(run: Run, step: StepId, event: e.Event, **changes: Any) -> Run:
    before = run.steps[step]
    status = moved(STEP_TRANSITIONS, before.status, event)
    running = run.running
    if status is StepStatus.RUNNING:
        running = step
    elif running == step:
        running = None
    changed = replace(before, status=status, **changes)
    return with_steps(run, {step: changed}, running=running)


def skipped(run: Run, event: e.Event, at: float, which: Callable[[Step], bool]) -> Run:
    """All pending steps for which `which` is true, as skipped by this event."""
    for step in list(run.steps.values()):
        if step.status is StepStatus.PENDING and which(step):
            run = with_step(run, step.id, event, finished_at=at)
    return run


def deadline(run: Run, at: float) -> float | None:
    return None if run.timeout is None else at + run.timeout


def with_gate(run: Run, gate: Gate) -> Run:
    return replace(run, gates={**run.gates, (gate.step, gate.generation): gate})


def gate_moved(gate: Gate, event: e.Event, at: float) -> Gate:
    return replace(gate, status=moved(GATE_TRANSITIONS, gate.status, event), closed_at=at)


def gates_ended(run: Run, event: e.Event, at: float) -> Run:
    """The gates that still waited are superseded by the run's end (or its interruption, or another
    try of the step, which those that a cell's code has asked by outlive).
    """
    passing = isinstance(event, e.StepRetried | e.StepPaused | e.RunInterrupted)
    for gate in run.gates.values():
        if passing and gate.key is not None:
            continue
        if (gate.status, type(event)) in GATE_TRANSITIONS:
            run = with_gate(run, gate_moved(gate, event, at))
    return run


def with_outputs(run: Run, outputs: Mapping[StepId, Any]) -> Run:
    changed = {step: replace(run.steps[step], outputs=d) for step, d in outputs.items()}
    return with_steps(run, changed)


def step_cut_off(run: Run, event: e.Event, at: float) -> Run:
    step = run.running_step
    return run if step is None else with_step(run, step.id, event, finished_at=at)
