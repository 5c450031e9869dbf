"""What a gate shows to those whom it asks: the outputs that its digest covers (G70, G72)."""

import logging
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core.digest import shown_steps
from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.gating import configures_gate
from jupyter_flows.core.machine import decide, replay
from jupyter_flows.core.model import Digest, Gate, Run, RunId, Step, StepId, Voter
from jupyter_flows.engine.keep import Keeper
from jupyter_flows.engine.tell import Teller
from jupyter_flows.ports import Clock, Outputs, Store


@dataclass(frozen=True, slots=True)
class Piece:
    """The outputs of one step that a gate shows. `digest` names them in the store: the same digest
    is the same outputs. A last value that only configures the gate is none of them. `scripts` says
    that the author lets them run scripts on the page, in a box apart.
    """

    step: StepId
    summary: str
    digest: Digest | None
    outputs: Outputs
    scripts: bool = False


class Showing:
    def __init__(
        self, store: Store, keeper: Keeper, teller: Teller, clock: Clock, log: logging.Logger
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._teller = teller
        self._clock = clock
        self._log = log

    async def pieces(self, run: Run, gate: Gate) -> list[Piece]:
        """In the notebook's order; empty for a gate that has not opened yet."""
        if gate.opened_at is None:
            return []
        return [await self._piece(step, gate) for step in shown_steps(run, gate.step)]

    async def _piece(self, step: Step, gate: Gate) -> Piece:
        outputs = await self._keeper.outputs_of(step)
        if step.id == gate.step and configures_gate(step.result):
            outputs = [output for output in outputs if output["output_type"] != "execute_result"]
        return Piece(step.id, step.spec.summary, step.outputs, outputs, step.spec.scripts)

    async def pieces_at(self, run: Run, gate: Gate, digest: Digest) -> Sequence[Piece] | None:
        """What the gate showed when its digest was this one; None if it never was."""
        told = await self._store.events(run.id)
        for upto in range(_opening(told, gate), len(told)):
            if getattr(told[upto].event, "digest", None) == digest:
                then = replay(run.id, told[: upto + 1])
                found = then.gates[gate.step, gate.generation]
                return await self.pieces(then, found) if found.digest == digest else None
        return None

    def telling(self, run: Run, gate: Gate, voter: Voter) -> Coroutine[None, None, None] | None:
        """What is to be awaited so that the log says who was shown this (G71); None where it does
        already, or need not.
        """
        show = c.ShowGate(
            gate=gate.step, generation=gate.generation, voter=voter, digest=gate.digest
        )
        return self._tell(run.id, show) if decide(run, show, self._clock()) else None

    async def _tell(self, run: RunId, show: c.ShowGate) -> None:
        try:
            await self._teller.tell(run, show)
        except FlowsError as error:
            self._log.warning("run %s: that its page was shown is not in the log: %s", run, error)


def _opening(told: Sequence[e.Recorded], gate: Gate) -> int:
    """The place of the opening in the log; its length where there is none."""
    for place, row in enumerate(told):
        event = row.event
        if not isinstance(event, e.GateOpened):
            continue
        if (event.gate, event.generation) == (gate.step, gate.generation):
            return place
    return len(told)
