"""What a gate shows to those whom it asks, and the digest of it (G70, G72)."""

from collections.abc import Callable

import msgspec

from jupyter_flows.core.canonical import canonical_json, sha256
from jupyter_flows.core.model import Digest, GateOptions, Run, Step, StepId


def shown_steps(run: Run, gate: StepId) -> list[Step]:
    """The steps whose outputs stand on the gate's page (G72): its own, and those tagged `evidence`
    between the gate that opened before it and itself, in the notebook's order.
    """
    index = run.steps[gate].spec.index
    opened = {key[0] for key, earlier in run.gates.items() if earlier.opened_at is not None}
    since = max((at for at in map(_index(run), opened) if at < index), default=-1)
    return [
        step
        for step in run.steps.values()
        if step.id == gate or (step.spec.evidence and since <= step.spec.index < index)
    ]


def _index(run: Run) -> Callable[[StepId], int]:
    return lambda step: run.steps[step].spec.index


def gate_digest(run: Run, gate: StepId, options: GateOptions) -> Digest:
    """SHA-256 over the canonical form of: the sources up to the gate, the outputs shown, the
    parameters, and the gate's form and rules; and which of the outputs may run scripts, if any.
    """
    index = run.steps[gate].spec.index
    before = [step for step in run.steps.values() if step.spec.index <= index]
    shown = shown_steps(run, gate)
    scripted = [step.id for step in shown if step.spec.scripts]
    return sha256(
        canonical_json(
            {
                "sources": [[step.id, step.spec.source_hash] for step in before],
                "outputs": [[step.id, step.outputs] for step in shown],
                "parameters": dict(run.parameters),
                "gate": [gate, msgspec.to_builtins(options)],
                **({"scripts": scripted} if scripted else {}),
            }
        )
    )
