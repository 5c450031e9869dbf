"""The names that a step's cell finds bound, as far as the server knows them (G20).

`results` and `previous_result` are kept by the client in the kernel itself.
"""

from collections.abc import Mapping

from jupyter_flows.core.machine.gates import gate_error
from jupyter_flows.core.model import Gate, GateStatus, Json, Run, StepId, Vote

CLOSED = (GateStatus.APPROVED, GateStatus.REJECTED, GateStatus.TIMED_OUT)


def bindings(run: Run, before: StepId | None = None) -> dict[str, Json]:
    """`flow_input`; after the first gate `resume`, `resumes`, `approvers`, and `gates`; in a
    `failure` step `error` and `results` (G83), for its kernel may be a new one.

    `before` leaves out the gates of that step and of those behind it, for running cells again; a
    `failure` step, wherever it stands, comes behind all.
    """
    closed = [gate for gate in _gates(run, before) if gate.status in CLOSED]
    bound: dict[str, Json] = {"flow_input": dict(run.parameters)}
    if run.failing and run.error is not None:
        bound["error"] = {**run.error.as_json(), "step": run.failed_step}
        bound["results"] = {step.id: step.result for step in run.steps.values() if step.done}
    if not closed:
        return bound
    last = closed[-1]
    return {
        **bound,
        "resume": resume_of(last),
        "resumes": [vote.payload for vote in last.approvals],
        "approvers": [vote.voter.shown for vote in last.approvals],
        "gates": {gate.step: record(gate) for gate in closed},
    }


def _gates(run: Run, before: StepId | None) -> list[Gate]:
    """The newest gates of the steps that count, in the steps' order: one that is to run again has
    none yet (G6).
    """
    newest = {gate.step: gate for gate in run.gates.values()}
    if not newest:
        return []
    earlier = list(run.steps)
    if before is not None and not run.steps[before].spec.failure:
        earlier = earlier[: earlier.index(before)]
    done = (step for step in earlier if run.steps[step].done and run.steps[step].tries)
    return [newest[step] for step in done if step in newest]


def resume_of(gate: Gate) -> Json:
    """The newest approval's payload; after a rejection or timeout the error of G13, with the
    rejector's payload under `payload` (G14).
    """
    error = gate_error(gate)
    if error is None:
        return gate.approvals[-1].payload
    shown: dict[str, Json] = {"error": error.as_json()}
    veto = next((vote for vote in gate.votes if not vote.approved), None)
    return shown if veto is None else {**shown, "payload": veto.payload}


def record(gate: Gate) -> Mapping[str, Json]:
    """A closed gate as `flows.gate(step)` gives it; times are POSIX seconds."""
    return {
        "step": gate.step,
        "generation": gate.generation,
        "status": gate.status,
        "resume": resume_of(gate),
        "votes": [_shown(vote) for vote in gate.votes],
        "opened_at": gate.opened_at,
        "closed_at": gate.closed_at,
        "digest": gate.digest,
    }


def _shown(vote: Vote) -> Mapping[str, Json]:
    return {
        "approver": vote.voter.name,
        "verified": vote.voter.verified,
        "approved": vote.approved,
        "payload": vote.payload,
        "reason": vote.reason,
        "at": vote.at,
    }


def answer_of(gate: Gate) -> Json:
    """What the call that asked by this gate comes to; None while it is not closed.

    `value` is the newest approval's payload, or the error that a rejection or the deadline stands
    for (G13), with the rejector's payload under `payload` (G14).
    """
    if gate.status not in CLOSED:
        return None
    error = gate_error(gate)
    if error is None:
        vote = gate.approvals[-1]
        return {"approved": True, "approver": vote.voter.shown, "value": vote.payload}
    veto = next((vote for vote in gate.votes if not vote.approved), None)
    value: dict[str, Json] = {"error": error.as_json()}
    if veto is not None:
        value["payload"] = veto.payload
    return {
        "approved": False,
        "approver": None if veto is None else veto.voter.shown,
        "value": value,
    }
