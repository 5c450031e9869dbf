"""What the notebooks of runs show while they run: the outputs of each step, and behind those of a
gate's cell the gate's record. Whoever mirrors a run reads its board, and is told each change.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from jupyter_flows.core.model import Json, RunId, StepId
from jupyter_flows.ports import OutputOp, Shown

Heard: TypeAlias = Callable[[int, Sequence[OutputOp]], None]
"""Told of changes, in order: the board's number after them, and what they are."""


class Board:
    """One run's. `seq` goes up by one with each batch of changes."""

    run: RunId
    seq: int

    def cells(self) -> Mapping[StepId, Shown]:
        """What each step's cell shows now, the gate's record included."""
        raise NotImplementedError

    def since(self, seq: int) -> Sequence[tuple[int, Sequence[OutputOp]]] | None:
        """The batches behind this number; None where they are not kept any more."""
        raise NotImplementedError

    def listen(self, heard: Heard) -> Callable[[], None]:
        """Tell of each change from now on; the returned function ends that."""
        raise NotImplementedError


class Boards:
    """The boards of runs that somebody mirrors: made when first asked for, kept while listened to,
    and true to the store where another server drives the run.
    """

    async def board(self, run: RunId) -> Board:
        """Raises UnknownRun."""
        raise NotImplementedError

    async def shown_at(self, path: str) -> RunId | None:
        """The run that the notebook at this path shows: the newest one that was started to be shown
        in place.
        """
        raise NotImplementedError

    def set_widget(self, run: RunId, step: StepId, bundle: Mapping[str, Json] | None) -> None:
        """The live form of a gate's cell, as the mime types of its view, stands in the bundle of
        the gate's record from now on; with None no more.
        """
        raise NotImplementedError
