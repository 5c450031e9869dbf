"""A notebook's flow, with the answers that are recorded beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jupyter_flows.cli.notebook import read_notebook
from jupyter_flows.composition import LateDocuments
from jupyter_flows.core.answers import SUFFIX, Answer, recorded
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.flow import Flow, read_flow
from jupyter_flows.core.model import Json, StepId, StepSpec
from jupyter_flows.core.rehearsal import Rehearsal


@dataclass(frozen=True, slots=True)
class Recorded:
    """`notebook` is as a run takes it, its cells in their places; `file` is where answers go."""

    notebook: Mapping[str, Json]
    flow: Flow
    answers: Mapping[StepId, Answer]
    file: Path

    def step_of(self, index: int) -> StepSpec | None:
        """The step that this cell is, counted among all cells."""
        return next((step for step in self.flow.steps if step.index == index), None)

    def rehearsal(self) -> Rehearsal:
        return Rehearsal(self.answers, str(self.file))


def answers_file(notebook: Path) -> Path:
    return notebook.with_name(notebook.stem + SUFFIX)


def read_recorded(path: Path) -> Recorded:
    """Raises BadInput, FlowInvalid, AnswersInvalid; each with all mistakes."""
    file = answers_file(path)
    return recorded_of(read_notebook(path), file, text_of(file))


def recorded_of(notebook: Mapping[str, Json], file: Path, text: str | None) -> Recorded:
    """Of a parsed notebook; `text` is what stands in the answers file, if it is there."""
    prepared, _ = LateDocuments().prepare(notebook, {}, None)
    flow = read_flow(prepared)
    return Recorded(prepared, flow, recorded(prepared, flow, text, file.name), file)


def text_of(file: Path) -> str | None:
    """None where there is no such file. Raises BadInput."""
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} can't be read: {error}") from None
