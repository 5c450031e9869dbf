"""Notebooks run as flows by a test: the real engine, store and kernels, and answers as votes."""

import asyncio
import getpass
import logging
import os
import threading
from collections.abc import Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from jupyter_client.multikernelmanager import AsyncMultiKernelManager

from jupyter_flows.cli.notebook import read_notebook
from jupyter_flows.client.flows import NOWHERE
from jupyter_flows.composition import House, compose
from jupyter_flows.core.answers import (
    Answer,
    cast,
    missing,
    read_answers,
    refused,
)
from jupyter_flows.core.bindings import record
from jupyter_flows.core.errors import AnswersInvalid, BadInput, FlowsError, Mistake
from jupyter_flows.core.model import Gate, Json, LinkId, Run, RunId, StepId
from jupyter_flows.engine.asked import NewRun
from jupyter_flows.ports import Outputs
from jupyter_flows.settings import FlowsSettings
from jupyter_flows.testing.clock import MovedClock
from jupyter_flows.testing.recorded import answers_file, read_recorded

LOG = logging.getLogger("jupyter_flows.testing")
T = TypeVar("T")


class Loop:
    """An event loop in a thread of its own, so that a plain test function can wait for it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="flows", daemon=True)
        self._thread.start()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class RunFlow:
    """Call it to run a notebook. Everything starts with the first call, and ends with the test."""

    def __init__(self, folder: Path, clock: MovedClock) -> None:
        self._folder = folder
        self._clock = clock
        self._loop: Loop | None = None
        self._house: House | None = None
        self._flows: list[FlowRun] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._loop is not None and self._house is not None:
            self._loop.wait(self._house.stop())
            self._loop.close()

    def __call__(
        self,
        notebook: str | os.PathLike[str] | Mapping[str, Json],
        parameters: Mapping[str, Json] | None = None,
        answers: Mapping[str, Json] | None = None,
    ) -> "FlowRun":
        """Run it to its end, or to a gate that has no answer. `notebook` is a file, or a parsed
        notebook. `answers` are as in an answers file; without them, those recorded with the
        notebook are given.

        Raises BadInput, FlowInvalid, ParametersInvalid; AnswersInvalid.
        """
        new, recorded, file = _asked(notebook, parameters or {}, self._folder)
        given = recorded if answers is None else read_answers(answers, "answers")
        loop, house = self._opened()
        run = loop.wait(house.engine.create(new))
        flow = FlowRun(house, loop, self._clock, run.id, file)
        self._flows.append(flow)
        flow.go_on(given)
        return flow

    def _opened(self) -> tuple[Loop, House]:
        if self._loop is None or self._house is None:
            self._loop = Loop()
            self._house = self._loop.wait(_house(self._folder, self._clock))
            self._clock.on_move(self._moved)
        return self._loop, self._house

    def _moved(self) -> None:
        if self._loop is not None and self._house is not None:
            self._loop.wait(self._house.engine.see_to_due())
            for flow in self._flows:
                flow.settle()


def _asked(
    notebook: str | os.PathLike[str] | Mapping[str, Json],
    parameters: Mapping[str, Json],
    folder: Path,
) -> tuple[NewRun, Mapping[StepId, Answer], str]:
    """What to run, the answers recorded with it, and where more of them go."""
    owner = getpass.getuser()
    if isinstance(notebook, Mapping):
        new = NewRun(
            notebook=notebook,
            path="notebook.ipynb",
            folder=str(folder),
            owner=owner,
            parameters=parameters,
        )
        return new, {}, "the answers"
    path = Path(notebook).absolute()
    new = NewRun(
        notebook=read_notebook(path),
        path=str(path),
        folder=str(path.parent),
        owner=owner,
        parameters=parameters,
    )
    return new, read_recorded(path).answers, str(answers_file(path))


async def _house(folder: Path, clock: MovedClock) -> House:
    settings = FlowsSettings(data_dir=str(folder / "data"))
    house = compose(
        settings,
        manager=AsyncMultiKernelManager(),
        address=lambda: NOWHERE,
        adopts=False,
        log=LOG,
        clock=clock,
    )
    await house.start(NOWHERE, NOWHERE, lasting=False)
    return house


class FlowRun:
    """A run of a notebook, as it is now."""

    def __init__(
        self, house: House, loop: Loop, clock: MovedClock, run: RunId, file: str
    ) -> None:
        self._house = house
        self._loop = loop
        self._clock = clock
        self._file = file
        self.id = run

    def __repr__(self) -> str:
        run = self._run
        if run.open_gate is not None:
            return f"<flow {run.status}. {missing(run.open_gate, self._file)}>"
        error = f": {run.error.name}: {run.error.message}" if run.error else ""
        return f"<flow {run.status}{error}>"

    @property
    def _run(self) -> Run:
        return self._loop.wait(self._house.engine.run(self.id))

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
    def results(self) -> dict[str, Json]:
        """The JSON values of the steps that have succeeded, by step."""
        steps = self._run.steps.values()
        return {step.id: step.result for step in steps if step.status == "succeeded"}

    @property
    def steps(self) -> dict[str, str]:
        """Each step's status."""
        return {step.id: str(step.status) for step in self._run.steps.values()}

    @property
    def outputs(self) -> dict[str, Outputs]:
        """Each step's outputs, as nbformat writes them."""
        return dict(self._loop.wait(self._house.engine.outputs(self._run)))

    @property
    def gates(self) -> dict[str, Mapping[str, Json]]:
        """Each gate that has opened, as `flows.gate(step)` gives it, by step."""
        opened = (gate for gate in self._run.gates.values() if gate.opened_at is not None)
        return {gate.step: _shown(gate) for gate in opened}

    @property
    def notebook(self) -> dict[str, Json]:
        """The executed notebook."""
        return self._loop.wait(self._house.engine.notebook(self.id))

    def answer(self, answer: Mapping[str, Json]) -> "FlowRun":
        """Answer the gate that is open, and run on to the end or the next gate. With fewer
        approvals than it needs, the gate stays open. Raises AnswersInvalid.
        """
        gate = self._run.open_gate
        if gate is None:
            raise BadInput(f"No gate is open: {self!r}")
        said = read_answers({gate.step: answer}, "answer")
        self._loop.wait(self._give(gate, said[gate.step]))
        self.settle()
        return self

    def settle(self) -> None:
        """Wait until nothing is to be done but wait."""
        self._loop.wait(self._house.engine.settled(self.id))

    def go_on(self, answers: Mapping[StepId, Answer]) -> None:
        """Give each gate its answer, to the end or to one that has none. Raises AnswersInvalid."""
        self._loop.wait(self._go_on(answers))

    async def _go_on(self, answers: Mapping[StepId, Answer]) -> None:
        engine = self._house.engine
        self._check_steps(await engine.run(self.id), answers)
        run = await engine.settled(self.id)
        while (gate := run.open_gate) is not None and gate.step in answers:
            await self._give(gate, answers[gate.step])
            run = await engine.settled(self.id)
            if run.open_gate == run.gates[gate.step, gate.generation]:
                return

    def _check_steps(self, run: Run, answers: Mapping[StepId, Answer]) -> None:
        gates = [step.id for step in run.steps.values() if step.spec.gate is not None]
        known = ", ".join(gates) or "none"
        wrong = [
            Mistake(answers[step].where, f"there is no such gate; gates: {known}")
            for step in answers
            if step not in gates
        ]
        if wrong:
            raise AnswersInvalid(wrong)

    async def _give(self, gate: Gate, answer: Answer) -> None:
        engine = self._house.engine
        mistakes: list[Mistake] = []
        for vote in answer.votes:
            link = LinkId("")
            try:
                if vote.approver is None:
                    link = (await engine.mint(self.id, gate.step, None))[1].id
                await engine.vote(self.id, cast(gate, vote, vote.voter(link)))
            except FlowsError as error:
                mistakes += refused(answer, vote, error)
        if mistakes:
            raise AnswersInvalid(mistakes)
        if answer.timeout and gate.deadline is not None:
            self._clock.now = max(self._clock.now, gate.deadline)
            await engine.see_to_due()


def _shown(gate: Gate) -> Mapping[str, Json]:
    if gate.closed_at is None:
        return {"step": gate.step, "status": str(gate.status), "deadline": gate.deadline}
    return record(gate)
