"""What the inner steps of cells make of a run: calls in a cell's code whose outcome is kept."""

from msgspec.structs import replace

from jupyter_flows.core import events as e
from jupyter_flows.core.machine import parts
from jupyter_flows.core.model import Gate, GateOptions, GateStatus, Inner, Run, StepId


def paused(run: Run, event: e.StepPaused, at: float) -> Run:
    step = run.steps[event.step]
    run = parts.with_step(
        run,
        event.step,
        event,
        pauses=step.pauses + 1,
        finished_at=at,
        outputs=event.outputs,
        execution_count=event.execution_count,
    )
    run = parts.gates_ended(run, event, at)
    if event.until is None:
        return run
    return _with(run, event.step, event.key, Inner(until=event.until))


def kept(run: Run, event: e.InnerStepKept) -> Run:
    return _with(run, event.step, event.key, Inner(result=event.outcome, failed=event.failed))


def gate_expected(run: Run, event: e.InnerGateExpected) -> Run:
    """One that was expected for the next call is that call's now."""
    gate = run.gates.get((event.step, event.generation))
    if gate is None:
        gate = Gate(event.step, event.generation, GateOptions())
    run = parts.with_gate(run, replace(gate, key=event.key))
    if not event.key:
        return run
    return _with(run, event.step, event.key, Inner(generation=event.generation))


def never_asked(run: Run, event: e.StepSucceeded | e.StepFailed | e.StepRetried, at: float) -> Run:
    """The cell has ended without the calls that links were given out for."""
    for gate in run.gates.values():
        expected = gate.key is not None and gate.status is GateStatus.EXPECTED
        if expected and gate.step == event.step:
            run = parts.with_gate(run, parts.gate_moved(gate, event, at))
    return run


def without_failed(run: Run, step: StepId) -> Run:
    """Another try of a step is one of what failed in it."""
    found = run.inner.get(step)
    if found is None:
        return run
    left = {key: each for key, each in found.items() if not each.failed}
    return replace(run, inner={**run.inner, step: left})


def resumed(run: Run, before: Run, event: e.RunResumed, at: float) -> Run:
    """The step that is resumed from goes on with what is kept of it, if its cell is as it was; the
    steps behind it begin anew.
    """
    if not before.inner and not any(gate.key is not None for gate in run.gates.values()):
        return run
    anew, reached = set[StepId](), False
    for step in run.steps.values():
        same = step.id in before.steps and _source(before, step.id) == _source(run, step.id)
        if (reached and step.id != event.step) or not same or step.spec.failure:
            anew.add(step.id)
        reached = reached or step.id == event.step
    anew |= set(run.inner) - set(run.steps)
    for gate in run.gates.values():
        if gate.key is not None and gate.step in anew and gate.status is GateStatus.EXPECTED:
            run = parts.with_gate(run, parts.gate_moved(gate, event, at))
    run = replace(run, inner={k: v for k, v in run.inner.items() if k not in anew})
    return without_failed(run, event.step)


def _source(run: Run, step: StepId) -> str:
    return run.steps[step].spec.source_hash


def _with(run: Run, step: StepId, key: str, inner: Inner) -> Run:
    return replace(run, inner={**run.inner, step: {**run.inner.get(step, {}), key: inner}})
