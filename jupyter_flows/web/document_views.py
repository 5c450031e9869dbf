"""What the doors of notebooks show: a run as its notebook shows it, and the cells' outputs."""

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

from jupyter_flows.core import commands as c
from jupyter_flows.core import machine, policy, saved
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.errors import Refused
from jupyter_flows.core.model import Json, Run, Step, StepId, Voter
from jupyter_flows.core.things import Progress
from jupyter_flows.engine.engine import Engine
from jupyter_flows.ports import OutputOp, Shown
from jupyter_flows.web import views
from jupyter_flows.web.checkpoint_views import CheckpointView, of_checkpoint
from jupyter_flows.web.times import Time
from jupyter_flows.web.views import ErrorView, GateView, ProgressView


class DocumentStep(Struct):
    """`cell` is its cell's own id: the author may have given the step another one."""

    id: str
    cell: str
    index: int
    summary: str
    status: str
    attempts: int
    started_at: Time | None
    finished_at: Time | None
    notice: str | None
    error: ErrorView | None
    progress: ProgressView | None


class DocumentRun(Struct):
    """A run as a notebook shows it. `mine`: the reader is its owner; `resumable`: `resume` would go
    on; `kernel_id` is the kernel that the run has in this server now. `checkpoint` is of what that
    one holds while the run waits.
    """

    id: str
    status: str
    path: str
    name: str | None
    owner: str
    mine: bool
    resumable: bool
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    deadline: Time | None
    wake_at: Time | None
    error: ErrorView | None
    kernel_id: str | None
    checkpoint: CheckpointView | None
    saved: str | None
    released_at: Time | None
    choices: list[Choice]
    steps: list[DocumentStep]
    gates: list[GateView]


class ShownCell(Struct):
    outputs: list[Json]
    execution_count: int | None


class DocumentOutputs(Struct):
    """All that the cells show. `shared`: the server writes it into the shared document itself."""

    run: str
    seq: int
    shared: bool
    cells: dict[str, ShownCell]


class DocumentView(Struct):
    """`run` null: the notebook shows none. `outputs` null: they are not yours to read."""

    run: DocumentRun | None
    outputs: DocumentOutputs | None


class RunTold(Struct, tag="run"):
    run: DocumentRun | None


class SourcesTold(Struct, tag="sources"):
    run: str
    cells: dict[str, str]


class OutputsTold(DocumentOutputs, tag="outputs"):
    """All that the cells show, over the socket."""


class OpsTold(Struct, tag="ops"):
    run: str
    seq: int
    ops: list[OutputOp]


class SavedTold(Struct, tag="saved"):
    path: str
    hash: str
    hash_algorithm: str
    last_modified: str


class MovedTold(Struct, tag="moved"):
    path: str


class Hello(Struct):
    """What a browser says: the id of its kernel connection, if it has one."""

    type: Literal["hello"]
    kernel_client: str | None = None


def document_run(
    engine: Engine, public_url: Callable[[], str], run: Run, reader: Voter
) -> DocumentRun:
    """The run as `reader` may see it (G45)."""
    progress = engine.boards.progress_of(run)
    whole = views.run_view(engine, public_url, run, reader)
    reads = policy.may_read_run(run, reader)
    return DocumentRun(
        id=whole.id,
        status=whole.status,
        path=whole.path,
        name=whole.name,
        owner=whole.owner,
        mine=run.owner == reader.name,
        resumable=resumable(run),
        created_at=whole.created_at,
        started_at=whole.started_at,
        finished_at=whole.finished_at,
        deadline=whole.deadline,
        wake_at=whole.wake_at,
        error=whole.error,
        kernel_id=None if run.finished else engine.boards.kernel_of(run.id),
        checkpoint=_kept(run) if whole.saved is not None else None,
        saved=whole.saved,
        released_at=whole.released_at,
        choices=whole.choices,
        steps=[_step(step, progress.get(step.id), reads=reads) for step in run.steps.values()],
        gates=whole.gates,
    )


def _kept(run: Run) -> CheckpointView | None:
    """That of what the run's kernel holds now; one from before tells of less."""
    found = saved.newest(run) if run.unsaved is None else None
    return None if found is None else of_checkpoint(run, found)


def _step(step: Step, progress: Progress | None, *, reads: bool) -> DocumentStep:
    shown = views.step_view(step, progress)
    return DocumentStep(
        id=shown.id,
        cell=step.spec.cell_id,
        index=shown.index,
        summary=shown.summary,
        status=shown.status,
        attempts=shown.attempts,
        started_at=shown.started_at,
        finished_at=shown.finished_at,
        notice=shown.notice if reads else None,
        error=shown.error if reads else None,
        progress=shown.progress if reads else None,
    )


def resumable(run: Run) -> bool:
    """Whether `resume` would go on from the step that did not finish, as chosen if need be."""
    choice = next(iter(machine.choices(run)), None)
    try:
        return bool(machine.decide(run, c.Resume(by=run.owner, choice=choice), 0.0))
    except Refused:
        return False


def shown_cells(cells: Mapping[StepId, Shown]) -> dict[str, ShownCell]:
    return {
        str(step): ShownCell(list(shown.outputs), shown.execution_count)
        for step, shown in cells.items()
    }
