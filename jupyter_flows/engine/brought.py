"""What a notebook was last brought to show of a run, and so what is to be brought to it now."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from jupyter_flows.core.model import StepId
from jupyter_flows.core.records import is_record
from jupyter_flows.engine.board import Board
from jupyter_flows.ports import Shown

Cells = Mapping[StepId, Shown]


@dataclass(frozen=True, slots=True)
class Due:
    """`gently` names those of the cells of which readers may have made something else. The board
    showed `all` then.
    """

    cells: Cells
    gently: frozenset[StepId]
    all: Cells


class Brought:
    """Begins with what the board shows when one begins to keep the notebook. Of that nobody knows
    whether the notebook has it (another server, or another page, may have written it), nor what
    people have done to it since: it is brought gently, once. What the run changes from then on is
    the newest that there is of its cell, and is brought as it is. A cell that does not change is
    not brought again, so that what readers make of it stays.
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self._last = board.cells()
        self._unseen = set(self._last)
        self._begun: set[StepId] = set()
        self.is_new = True

    def begun(self, cells: Collection[StepId]) -> None:
        """The run has begun with these cells: whatever they show is of before."""
        self._begun.update(cells)

    def settle(self, pending: Collection[StepId]) -> None:
        """By ops, all was brought of what the board shows, but for these cells."""
        self._last = self.board.cells()
        self._begun = set(pending)

    def elsewhere(self) -> None:
        """What is written from now on (a file, another document) may not have all of it."""
        self._unseen = set(self._last)

    def due(self) -> Due:
        cells = self.board.cells()
        changed = {name for name in cells if cells[name] != self._last.get(name)}
        sure = self._begun & cells.keys()
        sure |= {name for name in changed if self._has_new_outputs(name, cells)}
        due = {name: cells[name] for name in cells if name in sure | changed | self._unseen}
        return Due(due, frozenset(due.keys() - sure), cells)

    def done(self, due: Due) -> None:
        self._last = due.all
        self._unseen = set()
        self._begun -= due.cells.keys()
        self.is_new = False

    def _has_new_outputs(self, name: StepId, cells: Cells) -> bool:
        """A gate's record alone is no reason to replace outputs."""
        last = self._last.get(name)
        return last is not None and _own(last) != _own(cells[name])


def _own(shown: Shown) -> tuple[object, ...]:
    return shown.execution_count, *(one for one in shown.outputs if not is_record(one))
