"""Notebooks: made ready for a run, written as executed, and shown in while they are open."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from jupyter_flows.core.model import Json, Run, StepId
from jupyter_flows.ports.outputs import OutputOp, Outputs, Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What a notebook's cell tagged `parameters` sets. `default` is source text; `value` is the
    same as JSON, None where it has none.
    """

    name: str
    default: str
    value: Json = None
    type: str | None = None
    help: str = ""


class Documents(Protocol):
    """Notebooks as files: made ready at a run's start, and written as executed."""

    def prepare(
        self, notebook: Mapping[str, Json], parameters: Mapping[str, Json], kernel_name: str | None
    ) -> tuple[dict[str, Json], str]:
        """A valid nbformat 4.5 notebook with cell ids and the injected parameters, and the name
        of its kernel. Raises BadInput (not a notebook), ParametersInvalid.
        """

    def script(self, text: str) -> dict[str, Json]:
        """A Python script as a notebook: its `# %%` cells, or all of it as one. Raises BadInput."""

    def parameters(self, prepared: Mapping[str, Json], kernel_name: str) -> Sequence[Parameter]:
        """What a prepared notebook's cell tagged `parameters` sets, as far as that can be read."""

    def executed(
        self,
        snapshot: Mapping[str, Json],
        run: Run,
        outputs: Mapping[StepId, Outputs],
        widgets: Mapping[str, Json] | None,
    ) -> dict[str, Json]:
        """The snapshot with what the run has produced so far: a valid .ipynb."""

    async def write(self, path: str, notebook: Mapping[str, Json]) -> None:
        """Replace the file in one move, so that a reader never sees half of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """What a browser must know of a file that was written, so as not to take it for a stranger's.
    `last_modified` is RFC 3339.
    """

    path: str
    hash: str
    hash_algorithm: str
    last_modified: str


Snapshot: TypeAlias = Callable[[], Awaitable[Mapping[str, Json]]]
"""The notebook as a run has it, with an id for each cell."""


class SharedNotebook(Protocol):
    """A notebook that several people have open at once, as one document."""

    @property
    def identity(self) -> object:
        """Another one is another document (it was closed and opened again meanwhile)."""

    def show(self, cells: Mapping[StepId, Shown], gently: Collection[StepId] = ()) -> None:
        """Let these cells show exactly this, or as `Notebooks.write` does. Cells that the notebook
        has not are passed over. Raises Unavailable, as `apply` does.
        """

    def apply(self, ops: Sequence[OutputOp]) -> Collection[StepId]:
        """Apply them to what was shown before. Ops of unknown cells are passed over. The cells that
        come back are to be shown anew: somebody else has changed what they show.
        """


NotebookMoved: TypeAlias = Callable[[str, str, bool], None]
"""Told that the notebook at the first path is now at the second; the last says that it is a folder,
with all that is in it.
"""


class Notebooks(Protocol):
    """The server's notebooks: as files, and while several people edit them as one document.

    Paths are those of the contents API.
    """

    @property
    def root(self) -> str | None:
        """What names the place that the paths are below, for all servers that have the same: on
        another one the same path may be another notebook. None where it has no name.
        """

    def on_moved(self, listener: NotebookMoved) -> None:
        """Who is told of moves."""

    async def shared(self, path: str) -> SharedNotebook | None:
        """The shared document, if the notebook is open as one now. Raises Unavailable."""

    async def write(
        self,
        path: str,
        cells: Mapping[StepId, Shown],
        gently: Collection[StepId] = (),
        snapshot: Snapshot | None = None,
    ) -> FileState | None:
        """Let these cells of the file show exactly this, and leave all else in it as it is; None
        where they did already. A cell to be filled `gently` shows it only if what it shows is an
        earlier state of it; otherwise nothing but a gate's record is brought up to date there.
        With the run's `snapshot`, cells that have no id in the file are given those that the run
        knows. Raises BadInput (no such notebook), Unavailable.
        """

    async def saved_at(self, path: str) -> float | None:
        """When the file was last written, by whomever; None if that can't be said."""

    async def offer_kernel(self, path: str, kernel_id: str, kernel_name: str) -> None:
        """Have whoever opens the notebook find this kernel with it, unless it has one already."""
