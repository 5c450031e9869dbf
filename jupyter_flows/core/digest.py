"""The digest of what a gate asks people to approve (G70)."""

import msgspec

from jupyter_flows.core.canonical import canonical_json, sha256
from jupyter_flows.core.model import Digest, GateOptions, Run, StepId


def gate_digest(run: Run, gate: StepId, options: GateOptions) -> Digest:
    """SHA-256 over the canonical form of: the sources up to the gate, the outputs shown (the gate
    cell's and those of `evidence` cells), the parameters, and the gate's form and rules.
    """
    index = run.steps[gate].spec.index
    before = [step for step in run.steps.values() if step.spec.index <= index]
    shown = [step for step in before if step.spec.evidence or step.id == gate]
    return sha256(
        canonical_json(
            {
                "sources": [[step.id, step.spec.source_hash] for step in before],
                "outputs": [[step.id, step.outputs] for step in shown],
                "parameters": dict(run.parameters),
                "gate": [gate, msgspec.to_builtins(options)],
            }
        )
    )
