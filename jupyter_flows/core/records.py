"""What a notebook shows of a gate: a bundle without scripts and without the tokens of links."""

from jupyter_flows.core.model import Gate, GateStatus, Json, Run


def gate_record(run: Run, gate: Gate) -> dict[str, Json]:
    """The last output of the gate's cell, as nbformat writes it."""
    waits = gate.status is GateStatus.OPEN
    words = "Waiting for approval." if waits else f"The gate is {gate.status}."
    return {
        "output_type": "display_data",
        "data": {"text/plain": words},
        "metadata": {"jupyter_flows": {"gate": f"{run.id}.{gate.step}.{gate.generation}"}},
    }
