"""nbval's test of each cell, with recorded answers at the gates."""

from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from jupyter_flows.composition import clock
from jupyter_flows.core import options
from jupyter_flows.core.answered_calls import of_step
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Json, StepSpec
from jupyter_flows.kernels.notebook import read_notebook
from jupyter_flows.testing.course import ConditionFailedError, Course
from jupyter_flows.testing.kernel import FlowKernel
from jupyter_flows.testing.plain import ended
from jupyter_flows.testing.recorded import Recorded, answers_file, read_recorded

_REHEARSED = pytest.StashKey["Rehearsed"]()


def collected(items: Iterable[pytest.Item]) -> None:
    """Take up the cells of the notebooks that are flows."""
    notebooks: dict[Any, Rehearsed | None] = {}
    for item in items:
        if not _is_cell(item):
            continue
        file = item.parent
        if file not in notebooks:
            notebooks[file] = Rehearsed.of(item.path)
        rehearsed = notebooks[file]
        if rehearsed is not None:
            item.stash[_REHEARSED] = rehearsed
            rehearsed.take(item)


def _is_cell(item: pytest.Item) -> bool:
    return (type(item).__module__, type(item).__name__) == ("nbval.plugin", "IPyNbCell")


def called(item: pytest.Item) -> Generator[None, object, object]:
    """Around the test of one cell."""
    rehearsed = item.stash.get(_REHEARSED, None)
    if rehearsed is None:
        return (yield)
    return (yield from rehearsed.test(item))


def is_flow(path: Path, notebook: Mapping[str, Json]) -> bool:
    """Whether the notebook says so itself. Others' notebooks are not ours to judge."""
    if answers_file(path).exists() or _object(notebook.get("metadata")).get("flow"):
        return True
    return any(_speaks_of_flows(cell) for cell in notebook.get("cells", ()))


def _speaks_of_flows(cell: Mapping[str, Json]) -> bool:
    if cell.get("cell_type") != "code":
        return False
    metadata = _object(cell.get("metadata"))
    tags = metadata.get("tags")
    source = cell.get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    lines, _ = options.option_lines(text, "")
    tagged = isinstance(tags, list) and "suspend" in tags
    return tagged or bool(metadata.get("flow")) or "suspend" in lines or "jupyter_flows" in text


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


class Rehearsed:
    """One notebook's pass. `halt` is why its further cells are left out."""

    def __init__(self, recorded: Recorded | None, mistakes: str = "") -> None:
        self._recorded = recorded
        self._mistakes = mistakes
        self._rehearsal = recorded.rehearsal() if recorded else None
        self._halt: str | None = None
        self._steps: dict[pytest.Item, StepSpec] = {}
        self._course = Course()

    @classmethod
    def of(cls, path: Path) -> "Rehearsed | None":
        """None for a notebook that is no flow."""
        try:
            if not is_flow(path, read_notebook(path)):
                return None
            return cls(read_recorded(path))
        except BadInput as error:
            return cls(None, str(error))

    def take(self, item: Any) -> None:
        """A gate's outputs are links and forms, which differ each time."""
        if self._recorded is None:
            return
        index = next(n for n, cell in enumerate(item.parent.nb.cells) if cell is item.cell)
        step = self._recorded.step_of(index)
        if step is None:
            return
        self._steps[item] = step
        if step.gate is not None:
            item.options["check"] = False

    def test(self, item: Any) -> Generator[None, object, object]:
        if self._halt is not None:
            raise pytest.skip.Exception(self._halt, _use_item_location=True)
        if self._mistakes:
            self._halt = "The notebook or its recorded answers have mistakes."
            item.raise_cell_error(self._mistakes)
        kernel = self._kernel(item)
        step = self._steps.get(item)
        if step is None or self._rehearsal is None:
            return (yield)
        self._leave_out(item, step, kernel, self._rehearsal.bindings())
        answers = of_step(self._recorded.answers, step) if self._recorded else {}
        kernel.enter(step, self._rehearsal.bindings(), answers)
        try:
            outcome = yield
        except BaseException as failure:
            if step.gate is not None and not isinstance(failure, pytest.skip.Exception):
                self._halt = f"The flow ended at step {step.id!r}: its cell failed."
            raise
        result = kernel.result()
        self._halt = self._asked(item, step, lambda: self._course.why_stopped(step, kernel, result))
        if self._halt is None:
            self._answer(item, step, result)
        return outcome

    def _leave_out(
        self, item: Any, step: StepSpec, kernel: FlowKernel, bindings: Mapping[str, Json]
    ) -> None:
        why = self._asked(item, step, lambda: self._course.why_skipped(step, kernel, bindings))
        if why is not None:
            raise pytest.skip.Exception(why, _use_item_location=True)

    def _asked(self, item: Any, step: StepSpec, ask: Callable[[], str | None]) -> str | None:
        try:
            return ask()
        except ConditionFailedError as error:
            self._halt = f"The flow ended at step {step.id!r}: its condition failed."
            item.raise_cell_error(str(error))
        return None

    def _kernel(self, item: Any) -> FlowKernel:
        file = item.parent
        if not isinstance(file.kernel, FlowKernel):
            file.kernel = FlowKernel(file.kernel)
        kernel: FlowKernel = file.kernel
        return kernel

    def _answer(self, item: Any, step: StepSpec, result: Json) -> None:
        """Rejection and timeout are what was recorded, so they pass; the notebook ends there."""
        if self._rehearsal is None:
            return
        try:
            self._rehearsal = self._rehearsal.after(step, result, clock())
        except BadInput as error:
            self._halt = f"The flow waits at step {step.id!r}: it has no answer that fits."
            item.raise_cell_error(str(error))
        if step.gate is not None and self._rehearsal.failure is not None:
            self._halt = ended(step, self._rehearsal.failure)
