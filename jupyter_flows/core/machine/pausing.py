"""How a cell's code waits in its midst: what it keeps, by what it asks, and when it may."""

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core import events as e
from jupyter_flows.core.inner import ask_options, checked_key
from jupyter_flows.core.machine.going_on import Events
from jupyter_flows.core.machine.tables import EXPECTED, OPEN, RUNNING
from jupyter_flows.core.model import Gate, GateOptions, Run, Step, StepId


def keep(run: Run, command: c.KeepInner, _: float) -> Events:
    """Raises Refused for a step that doesn't run."""
    checked_key(command.key)
    if run.running != command.step:
        raise errors.Refused(f"The step {command.step!r} is not running.")
    if command.key in run.inner.get(command.step, {}):
        return ()
    kept = e.InnerStepKept(
        step=command.step, key=command.key, outcome=command.result, failed=command.failed
    )
    return (kept,)


def options_of(step: Step, asked: c.Pause) -> GateOptions | None:
    """What it asks for; None for a sleep. Raises BadInput."""
    checked_key(asked.key)
    if asked.ask is None:
        return None
    if step.spec.gate is not None:
        raise errors.BadInput(
            "a cell that is tagged `suspend` has its gate behind it, and can't wait for another"
            " approval in its midst; take the tag away, or the call"
        )
    if step.spec.failure:
        raise errors.BadInput(
            "a cell that is tagged `failure` runs when the run has failed, and can't wait for an"
            " approval"
        )
    return ask_options(asked.ask)


def expected(run: Run, step: StepId, key: str) -> tuple[Events, int]:
    """The gate by which the call of this key asks: the one that links were given out for, else a
    new one. What has to be told of it, and its generation.
    """
    of_key = _of_key(run, step, key)
    if of_key is not None:
        return (), of_key.generation
    waiting = _of_key(run, step, "")
    number = _next_generation(run, step) if waiting is None else waiting.generation
    return (e.InnerGateExpected(step=step, key=key, generation=number),), number


def may_ask(run: Run, step: Step, key: str | None) -> bool:
    """Whether a link may be for a call in this step's code."""
    if step.spec.gate is not None:
        return False
    running = step.status is RUNNING and run.running == step.id
    return (running and (key is not None or step.spec.asks)) or _open(run, step.id) is not None


def to_be_asked(run: Run, step: StepId, key: str | None) -> tuple[Events, int]:
    """As `expected`, for a link: with no key the gate that is open, else that of the next call."""
    if key is not None:
        return expected(run, step, checked_key(key))
    found = _open(run, step) or _of_key(run, step, "")
    if found is not None:
        return (), found.generation
    number = _next_generation(run, step)
    return (e.InnerGateExpected(step=step, key="", generation=number),), number


def _open(run: Run, step: StepId) -> Gate | None:
    gate = run.open_gate
    return gate if gate is not None and gate.step == step and gate.key is not None else None


def _of_key(run: Run, step: StepId, key: str) -> Gate | None:
    """The gate of this key that is still to be answered."""
    for gate in run.gates.values():
        if gate.step == step and gate.key == key and gate.status in (EXPECTED, OPEN):
            return gate
    return None


def _next_generation(run: Run, step: StepId) -> int:
    return 1 + max((number for name, number in run.gates if name == step), default=0)
