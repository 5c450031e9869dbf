"""What a test sees of the run that it has started, and how it answers."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import msgspec

from jupyter_flows.core.answered_calls import of_gate
from jupyter_flows.core.answers import Answer, cast, missing, read_answer, refused, too_few
from jupyter_flows.core.bindings import record
from jupyter_flows.core.errors import AnswersInvalid, FlowsError, NoGate
from jupyter_flows.core.model import Gate, Json, LinkId, Run, RunId, StepId, StepStatus
from jupyter_flows.engine.engine import Engine
from jupyter_flows.ports import Outputs
from jupyter_flows.testing.clock import MovedClock


class FlowRun:
    """A run of a notebook, as it is whenever it is asked. `wait` waits for the engine's loop."""

    def __init__(
        self,
        engine: Engine,
        wait: Callable[[Coroutine[Any, Any, Any]], Any],
        clock: MovedClock,
        run: RunId,
        file: str,
    ) -> None:
        self._engine = engine
        self._wait = wait
        self._clock = clock
        self._file = file
        self.id = run

    def __repr__(self) -> str:
        run = self._run
        gate = run.open_gate
        if gate is not None:
            awaited = too_few(gate) if gate.approvals else missing(gate, self._file)
            return f"<flow {run.status} at step {gate.step!r}. {awaited}>"
        error = f". {run.error.name}: {run.error.message}" if run.error else ""
        return f"<flow {run.status}{error}>"

    @property
    def _run(self) -> Run:
        """Once nothing is to be done any more but to wait."""
        run: Run = self._wait(self._engine.settled(self.id))
        return run

    @property
    def status(self) -> str:
        """succeeded, failed, suspended, …"""
        return str(self._run.status)

    @property
    def result(self) -> Json:
        """The JSON value of the last step."""
        return self._run.result

    @property
    def error(self) -> dict[str, Json] | None:
        """`name`, `message`, and `reason` where one was given."""
        error = self._run.error
        return None if error is None else error.as_json()

    @property
    def steps(self) -> dict[str, str]:
        """Each step's status."""
        return {step.id: str(step.status) for step in self._run.steps.values()}

    @property
    def results(self) -> dict[str, Json]:
        """The JSON values of the steps that have succeeded."""
        steps = self._run.steps.values()
        return {step.id: step.result for step in steps if step.status is StepStatus.SUCCEEDED}

    @property
    def outputs(self) -> dict[str, Outputs]:
        """The outputs of the steps that have some, as nbformat writes them."""
        outputs: dict[str, Outputs] = self._wait(self._engine.outputs(self._run))
        return outputs

    @property
    def gates(self) -> dict[str, Mapping[str, Json]]:
        """Each gate that has closed, as `flows.gate(step)` gives it."""
        closed = (gate for gate in self._run.gates.values() if gate.closed_at and gate.opened_at)
        return {gate.step: msgspec.to_builtins(record(gate)) for gate in closed}

    @property
    def notebook(self) -> dict[str, Json]:
        """The executed notebook."""
        notebook: dict[str, Json] = self._wait(self._engine.notebook(self._run.id))
        return notebook

    def answer(self, answer: Mapping[str, Json]) -> "FlowRun":
        """Answer the gate that is open, as in `{"resume": {"limit": 3}, "approver": "bob"}`; it
        stays open as long as approvals are missing. Raises NoGate, AnswersInvalid.
        """
        __tracebackhide__ = True
        gate = self._run.open_gate
        if gate is None:
            raise NoGate(f"No gate is open: {self!r}")
        try:
            self._wait(self._give(gate, read_answer(answer, f"answer to {gate.step!r}")))
        except FlowsError as error:
            raise error.with_traceback(None) from None  # its words say where
        return self

    async def go_on(self, answers: Mapping[StepId, Answer]) -> None:
        """Give each gate its answer, up to one that has none or stays open. Raises
        AnswersInvalid.
        """
        run = await self._engine.settled(self.id)
        while (gate := run.open_gate) is not None and (answer := of_gate(answers, gate)):
            await self._give(gate, answer)
            run = await self._engine.settled(self.id)
            if run.open_gate is not None and run.open_gate.step == gate.step:
                return

    async def _give(self, gate: Gate, answer: Answer) -> None:
        mistakes = []
        for vote in answer.votes:
            link = LinkId("")
            try:
                if vote.approver is None:
                    link = (await self._engine.links.mint(self.id, gate.step, None))[1].id
                await self._engine.vote(self.id, cast(gate, vote, vote.voter(link, gate)))
            except FlowsError as error:
                mistakes += refused(answer, vote, error)
        if mistakes:
            raise AnswersInvalid(mistakes)
        if answer.timeout and gate.deadline is not None:
            self._clock.now = max(self._clock.now, gate.deadline)
            await self._engine.see_to_due()
