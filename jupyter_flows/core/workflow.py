"""A run as programs that speak the workflow-run API see it (api.md, section 5).

A flow is started by its name with a task and a state, pauses with an action that is pending, and
goes on with what a person has put in for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jupyter_flows.core import forms
from jupyter_flows.core.descriptions.plain import plain_description
from jupyter_flows.core.errors import BadInput, FormInvalid, GateClosed, Mistake, UnknownRun
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import Gate, Json, Run, RunId, RunStatus, Step, StepStatus

PREFIX = "wfr_"
_RUN = "run_"

APPROVE, REJECT = "approve", "reject"


class Status(StrEnum):
    """Of a run, and of its steps."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Kind(StrEnum):
    """`confirmation` takes one of its options, `input` what its schema describes."""

    CONFIRMATION = "confirmation"
    INPUT = "input"


def name_of(run: RunId) -> str:
    """The name that this API has for a run."""
    return PREFIX + run.removeprefix(_RUN)


def run_of(name: str) -> RunId:
    """Raises UnknownRun for what can't be the name of one."""
    if not name.startswith(PREFIX) or len(name) == len(PREFIX):
        raise UnknownRun(f"There is no run {name[:200]!r}: their names begin with {PREFIX!r}.")
    return RunId(_RUN + name.removeprefix(PREFIX))


# ---------------------------------------------------------------- how it stands

_STATUS = {
    RunStatus.SUSPENDED: Status.PAUSED,
    RunStatus.SUCCEEDED: Status.COMPLETED,
    RunStatus.FAILED: Status.FAILED,
    RunStatus.CANCELLED: Status.FAILED,
    RunStatus.INTERRUPTED: Status.FAILED,
}
_STEP = {
    StepStatus.RUNNING: Status.RUNNING,
    StepStatus.SUCCEEDED: Status.COMPLETED,
    StepStatus.SKIPPED: Status.SKIPPED,
}


def status_of(run: Run) -> Status:
    """A run that was interrupted has failed, until its owner resumes it; one that sleeps runs."""
    return _STATUS.get(run.status, Status.RUNNING)


def step_status(run: Run, step: Step) -> Status:
    """A step waits for its gate's decision though its cell is done."""
    gate = run.open_gate
    if gate is not None and gate.step == step.id:
        return Status.PAUSED
    return _STEP.get(step.status, Status.FAILED)


def begun(run: Run) -> Sequence[Step]:
    """The steps that something has become of, in their order."""
    return [step for step in run.steps.values() if step.status is not StepStatus.PENDING]


# ---------------------------------------------------------------- what is pending


@dataclass(frozen=True, slots=True)
class Pending:
    """`field` is what an option is the value of, where the gate's form has just that to choose."""

    step: str
    kind: Kind
    message: str
    options: tuple[str, ...]
    schema: Mapping[str, Json] | None
    field: str | None
    takes_rejection: bool


def pending(run: Run) -> Pending | None:
    """What the run waits for; None if it doesn't."""
    gate = run.open_gate
    return None if gate is None else _pending(run, gate)


def _pending(run: Run, gate: Gate) -> Pending:
    schema = forms.effective(gate.options)
    rejects = not gate.options.hide_cancel
    field, options = _choice(schema)
    if schema is None:
        options = (APPROVE, REJECT) if rejects else (APPROVE,)
    return Pending(
        step=gate.step,
        kind=Kind.CONFIRMATION if options else Kind.INPUT,
        message=_message(run, gate),
        options=options,
        schema=None if options else schema,
        field=field,
        takes_rejection=rejects,
    )


def _message(run: Run, gate: Gate) -> str:
    summary = run.steps[gate.step].spec.summary
    said = plain_description(gate.options.description) or summary or f"Approve {gate.step}?"
    return hide_tokens(said)


def _choice(schema: Mapping[str, Any] | None) -> tuple[str | None, tuple[str, ...]]:
    """The only field of a form, if it is a choice among texts, and these."""
    properties = (schema or {}).get("properties")
    if not isinstance(properties, dict) or len(properties) != 1:
        return None, ()
    ((name, field),) = properties.items()
    choices = field.get("enum") if isinstance(field, dict) else None
    if not choices or not all(isinstance(each, str) for each in choices):
        return None, ()
    return name, tuple(choices)


# ---------------------------------------------------------------- what was put in


@dataclass(frozen=True, slots=True)
class PutIn:
    """A vote: `payload` None is that of a gate without a form, or the defaults of one with it."""

    approved: bool
    payload: Json = None


def put_in(run: Run, step: str, said: Json) -> tuple[Gate, PutIn]:
    """What was put in for this step, as a vote on its gate.

    Raises GateClosed where the run does not wait at this step, FormInvalid for an input that is
    none of the options or that no form can take. Whether an object fits the form is judged with the
    vote.
    """
    gate = run.open_gate
    if gate is None:
        raise GateClosed(f"The run is {status_of(run)}: no step of it waits for an input.")
    if gate.step != step:
        raise GateClosed(f"The run waits at {gate.step!r}, and not at {step[:200]!r}.")
    return gate, _read(_pending(run, gate), said)


def _read(action: Pending, said: Json) -> PutIn:
    if isinstance(said, dict) and (action.field or action.kind is Kind.INPUT):
        return PutIn(approved=True, payload=said)
    if isinstance(said, str):
        if action.field is not None and said in action.options:
            return PutIn(approved=True, payload={action.field: said})
        if said == APPROVE and action.field is None:
            return PutIn(approved=True)
        if said == REJECT and action.takes_rejection:
            return PutIn(approved=False)
    allowed = list(map(repr, action.options))
    if action.kind is Kind.INPUT:
        allowed = ["an object that the schema describes", repr(APPROVE)]
    if action.takes_rejection and repr(REJECT) not in allowed:
        allowed.append(repr(REJECT))
    raise FormInvalid([Mistake("input", f"{_short(said)} is none of: {', '.join(allowed)}")])


def _short(said: Json) -> str:
    text = repr(said)
    return text if len(text) <= 80 else f"{text[:80]}…"


# ---------------------------------------------------------------- how it is started


def parameters(task: str, state: Mapping[str, Json]) -> dict[str, Json]:
    """What the notebook's parameters, and `flow_input`, are. Raises BadInput for an empty task."""
    if not task.strip():
        raise BadInput("input.task: say what is to be done; it is empty.")
    return {"task": task, "state": dict(state)}
