"""Recorded answers of the calls by which a cell's code asks in its midst (`core.inner`)."""

from collections.abc import Mapping

from jupyter_flows.core.answers import Answer
from jupyter_flows.core.bindings import answer_of
from jupyter_flows.core.model import (
    Gate,
    GateOptions,
    GateStatus,
    Json,
    LinkId,
    StepId,
    StepSpec,
    Vote,
)


def of_gate(answers: Mapping[StepId, Answer], gate: Gate) -> Answer | None:
    """The answer for `STEP/KEY`, else that for the step."""
    own = answers.get(StepId(f"{gate.step}/{gate.key}")) if gate.key else None
    return own or answers.get(gate.step)


def of_step(answers: Mapping[StepId, Answer], spec: StepSpec) -> dict[str, Json]:
    """What the calls in this step's code come to, by their keys; the empty one is for all others.

    They are as recorded: what form the code asks with is not known before it does.
    """
    if not spec.asks or spec.gate is not None:
        return {}
    of = f"{spec.id}/"
    found = {name[len(of) :]: each for name, each in answers.items() if name.startswith(of)}
    if spec.id in answers:
        found[""] = answers[spec.id]
    return {key: _told(spec.id, answer) for key, answer in found.items()}


def _told(step: StepId, answer: Answer) -> Json:
    gate = Gate(step, 1, GateOptions(required_events=max(1, len(answer.votes))))
    votes = tuple(
        Vote(vote.voter(LinkId("recorded"), gate), vote.approved, 0.0, vote.payload, vote.reason)
        for vote in answer.votes
    )
    status = GateStatus.APPROVED
    if answer.timeout:
        status = GateStatus.TIMED_OUT
    elif any(not vote.approved for vote in votes):
        status = GateStatus.REJECTED
    closed = Gate(step, 1, gate.options, status=status, votes=votes)
    return answer_of(closed)
