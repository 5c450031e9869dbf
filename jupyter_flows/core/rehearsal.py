"""A pass through a notebook in which recorded answers stand for people."""

from collections.abc import Mapping
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from jupyter_flows.core.answers import Answer, close
from jupyter_flows.core.bindings import bindings
from jupyter_flows.core.model import Failure, Json, Run, StepId, StepSpec


class Rehearsal(Struct, frozen=True):
    """`file` is where answers can be added; `closed` holds a run of one step for each gate that
    was answered; `failure` is why the notebook ends here.
    """

    answers: Mapping[StepId, Answer]
    file: str
    closed: tuple[Run, ...] = ()
    failure: Failure | None = None

    def after(self, step: StepSpec, result: Json, now: float) -> Self:
        """After this step's cell, with this result. Raises AnswersInvalid."""
        if step.gate is None or step.skipped:
            return self
        run = close(step, result, self.answers.get(step.id), self.file, now)
        earlier = tuple(one for one in self.closed if step.id not in one.steps)
        return replace(self, closed=(*earlier, run), failure=run.error)

    def bindings(self) -> dict[str, Json]:
        """The names that the next cell finds bound (G20), as in a run."""
        if not self.closed:
            return {"flow_input": {}}
        steps = {name: step for run in self.closed for name, step in run.steps.items()}
        gates = {name: gate for run in self.closed for name, gate in run.gates.items()}
        return bindings(replace(self.closed[-1], steps=steps, gates=gates))
