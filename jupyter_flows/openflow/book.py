"""A notebook in the making, and the report of what became of each step."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jupyter_flows.core.model import Json

UNTRANSLATED = "openflow-untranslated"
"""The tag of cells that the author has to write."""

FAILURE_TAG = "failure"
"""The tag of the cell that runs when the run has failed."""

MAX_ID = 64


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one step: `why` says what of it could not be carried over, `notes` what is
    worth a look. `kind` is a language, or a module's type.
    """

    step: str
    kind: str
    cell: str | None
    summary: str = ""
    why: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def carried(self) -> bool:
        return not self.why


class Book:
    """`taken`: ids that cells made here must not have."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.cells: list[dict[str, Json]] = []
        self.lines: list[Line] = []
        self._taken = set(taken)
        self._defined: dict[str, str] = {}

    def new_id(self, wanted: str) -> str:
        """An id that no module and no cell has."""
        found, number = wanted[:MAX_ID], 1
        while found in self._taken:
            number += 1
            found = f"{wanted[: MAX_ID - 4]}-{number}"
        self._taken.add(found)
        return found

    def code(
        self,
        cell: str,
        source: str,
        flow: Mapping[str, Json] | None = None,
        tags: Sequence[str] = (),
    ) -> None:
        self.cells.append(code_cell(cell, source, flow, tags))

    def markdown(self, cell: str, source: str, flow: Mapping[str, Json] | None = None) -> None:
        self.cells.append(markdown_cell(cell, source, flow))

    def clashes(self, step: str, defined: Iterable[str]) -> Iterator[str]:
        """A sentence for each name that another step, or the flow, has given too."""
        for name in sorted(defined):
            if name in BOUND_NAMES:
                yield f"it sets {name!r}, which the flow binds"
            elif self._defined.setdefault(name, step) != step:
                other = self._defined[name]
                yield f"it sets {name!r}, as step {other!r} does; cells share their names"


BOUND_NAMES = frozenset(
    {"flow_input", "results", "previous_result", "resume", "resumes", "approvers", "error"}
)


def code_cell(
    cell: str, source: str, flow: Mapping[str, Json] | None = None, tags: Sequence[str] = ()
) -> dict[str, Json]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": cell,
        "metadata": _metadata(flow, tags),
        "outputs": [],
        "source": source,
    }


def markdown_cell(
    cell: str, source: str, flow: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    metadata = _metadata(flow, ())
    return {"cell_type": "markdown", "id": cell, "metadata": metadata, "source": source}


def _metadata(flow: Mapping[str, Json] | None, tags: Sequence[str]) -> dict[str, Json]:
    metadata: dict[str, Json] = {"tags": list(tags)} if tags else {}
    return {**metadata, "flow": dict(flow)} if flow else metadata
