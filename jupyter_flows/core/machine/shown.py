"""That the page of an open gate was shown to somebody, once for each reader and digest (G71)."""

from msgspec.structs import replace

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core.machine.tables import OPEN, IllegalEventError
from jupyter_flows.core.model import Digest, Gate, Run, Voter


def show_gate(run: Run, command: c.ShowGate, _: float) -> tuple[e.Event, ...]:
    """Nothing for what this reader has seen before, so that reloads and scanners don't fill the
    log, and nothing for a gate that is not open; never a refusal, for the page was shown.
    """
    gate = run.gates.get((command.gate, command.generation))
    if gate is None or gate.status is not OPEN:
        return ()
    if _sight(command.voter, command.digest) in gate.shown:
        return ()
    return (
        e.GateShown(
            gate=gate.step,
            generation=gate.generation,
            voter=command.voter,
            digest=command.digest,
        ),
    )


def with_shown(gate: Gate, event: e.GateShown) -> Gate:
    """Raises IllegalEventError for a gate that is not open."""
    if gate.status is not OPEN:
        raise IllegalEventError(f"GateShown while the gate is {gate.status}")
    return replace(gate, shown=gate.shown | {_sight(event.voter, event.digest)})


def _sight(reader: Voter, digest: Digest | None) -> tuple[str, Digest | None]:
    """A link is one reader, whoever holds it, and so is each user who is logged in."""
    by_link = f"link:{reader.link}" if reader.link else ""
    return f"{by_link} {reader.key}" if reader.verified or not by_link else by_link, digest
