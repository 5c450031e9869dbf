"""Recorded answers in a kernel that no flow has: a lab's, a console's, nbmake's."""

import os
import sys
from pathlib import Path
from typing import Any

import msgspec
from IPython.core.error import InputRejected
from IPython.core.getipython import get_ipython

from jupyter_flows.client import flows
from jupyter_flows.composition import clock
from jupyter_flows.core.answered_calls import of_step
from jupyter_flows.core.answers import ROUTE, missing
from jupyter_flows.core.errors import AnswersInvalid
from jupyter_flows.core.model import Failure, Gate, Json, StepSpec
from jupyter_flows.iri import put_off
from jupyter_flows.testing.recorded import Recorded, read_recorded

_ENV = {"FLOWS_URL": flows.NOWHERE, "FLOWS_TOKEN": "none"}
_LIMIT = 1 << 20


def answers(notebook: str | os.PathLike[str]) -> None:
    """Answer this notebook's gates as recorded with it, whenever one of its cells runs here. Call
    it again after a change. In a run nothing happens: people answer there.

    Raises BadInput, FlowInvalid, AnswersInvalid.
    """
    if os.environ.get("FLOWS_URL", flows.NOWHERE) != flows.NOWHERE:
        return
    shell: Any = get_ipython()
    if not hasattr(shell, "kernel"):
        raise flows.FlowsClientError("Recorded answers need a Jupyter kernel; there is none here.")
    put_off()
    script = Script(read_recorded(Path(notebook)))
    shell.ast_transformers[:] = [
        t for t in shell.ast_transformers if not isinstance(t, _Gatekeeper)
    ]
    shell.ast_transformers.append(_Gatekeeper(script))
    flows.install(shell, _ENV, script=script)


class Script:
    """Knows the notebook's cells by their id, which a lab tells, else by their text.

    `refusal` is why the cell that begins may not run.
    """

    def __init__(self, recorded: Recorded) -> None:
        self.refusal: str | None = None
        self._recorded = recorded
        self._rehearsal = recorded.rehearsal()
        self._bound: dict[str, Json] = {}
        self._index = -1
        self._ended: tuple[int, str] | None = None

    def enter(self, source: str, cell_id: str | None) -> dict[str, Json] | None:
        """What a server would say of this cell; None for one that is not the notebook's."""
        self.refusal = None
        step = self._step(source, cell_id)
        if step is None:
            return None
        self._index = step.index
        self.refusal = self._refusal(step)
        return {
            "run": ROUTE,
            "step": step.id,
            "attempt": 1,
            "limit": _LIMIT,
            "rebuilding": False,
            "raises": step.raises,
            "bindings": self._news(),
            "answers": of_step(self._recorded.answers, step),
        }

    def _step(self, source: str, cell_id: str | None) -> StepSpec | None:
        """Of several cells with this text, the next one."""
        cells = self._recorded.notebook["cells"]
        steps = self._recorded.flow.steps
        named = [step for step in steps if cells[step.index]["id"] == cell_id]
        alike = [s for s in steps if str(cells[s.index]["source"]).strip() == source.strip()]
        behind = [step for step in alike if step.index > self._index]
        return next(iter((*named, *behind, *alike)), None)

    def _refusal(self, step: StepSpec) -> str | None:
        if self._ended is not None and step.index > self._ended[0]:
            return self._ended[1]
        if step.gate is None or step.skipped or step.id in self._recorded.answers:
            return None
        return missing(Gate(step.id, 1, step.gate), str(self._recorded.file))

    def _news(self) -> dict[str, Json]:
        """What is to be bound now and was not yet: what a cell binds anew stays."""
        bound: dict[str, Json] = msgspec.to_builtins(self._rehearsal.bindings())
        news = {name: value for name, value in bound.items() if self._bound.get(name) != value}
        self._bound = bound
        return news

    def leave(self, step_id: str, result: Json) -> dict[str, Json]:
        """What to bind behind this cell."""
        step = next(step for step in self._recorded.flow.steps if step.id == step_id)
        if self._ended is not None and self._ended[0] >= step.index:
            self._ended = None
        try:
            self._rehearsal = self._rehearsal.after(step, result, clock())
        except AnswersInvalid as error:
            self._end(step, str(error))
            return {}
        if step.gate is not None and self._rehearsal.failure is not None:
            self._end(step, ended(step, self._rehearsal.failure))
            return {}
        return self._news()

    def _end(self, step: StepSpec, why: str) -> None:
        self._ended = step.index, why
        sys.stderr.write(why + "\n")


def ended(step: StepSpec, failure: Failure) -> str:
    reason = f" ({failure.reason})" if failure.reason else ""
    return f"The flow ended at step {step.id!r}: {failure.name}: {failure.message}{reason}"


class NotReached(InputRejected):
    """The flow does not come to this cell."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class _Gatekeeper:
    """IPython asks it before it runs a cell."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def visit(self, node: Any) -> Any:
        refusal, self._script.refusal = self._script.refusal, None
        if refusal is not None:
            raise NotReached(refusal)
        return node
