"""Tells one reader what one notebook shows: its run, the outputs, and each change of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeAlias

from jupyter_flows.core import events as e
from jupyter_flows.core import policy
from jupyter_flows.core.model import Digest, Run, RunId, Voter
from jupyter_flows.engine.boards import Board
from jupyter_flows.engine.engine import Engine
from jupyter_flows.engine.told import DocumentEvent, Moved, Saved, Shared
from jupyter_flows.ports import OutputOp
from jupyter_flows.web.document_views import (
    DocumentRun,
    MovedTold,
    OpsTold,
    OutputsTold,
    RunTold,
    SavedTold,
    SourcesTold,
    shown_cells,
)
from jupyter_flows.web.outbox import Outbox

LOOK_SECONDS = 5.0
"""How often it is asked whether another server has started a run of the notebook."""

RUN_SECONDS = 0.05
"""Changes of the run within so long are told together."""

Told: TypeAlias = RunTold | SourcesTold | OutputsTold | OpsTold | SavedTold | MovedTold


@dataclass(frozen=True, slots=True)
class Asked:
    """`path` names the notebook, or (empty) `run` the run that is mirrored for itself. `since` is
    the number of the board of `run` that the reader has.
    """

    path: str
    run: RunId | None
    since: int | None


class Mirroring:
    """Works for as long as the reader is connected. `send` waits where the reader is slow."""

    def __init__(
        self,
        asked: Asked,
        *,
        engine: Engine,
        reader: Voter,
        view: Callable[[Run], DocumentRun],
        send: Callable[[Told], Awaitable[None]],
    ) -> None:
        self._path = asked.path
        self._only = None if asked.path else asked.run
        self._since = (asked.run, asked.since)
        self._engine = engine
        self._reader = reader
        self._view = view
        self._send = send
        self._outbox = Outbox(asked.path)
        self._reads = False
        self._said: DocumentRun | None = None
        self._shown: RunId | None = None
        self._told = 0
        self._copy: Digest | None = None
        self._run_told_at = 0.0
        self._look_at = 0.0

    async def forever(self) -> None:
        """Until it is cancelled. Raises StoreUnavailable."""
        with ExitStack() as stack:
            stack.callback(self._engine.listen(self._committed))
            stack.callback(self._engine.documents_told.listen(self._outbox.put_event))
            missed = self._engine.documents_told.last_saved(self._path)
            if missed is not None:
                self._outbox.put_event(missed)
            shown = await self._which()
            while True:
                shown = await (self._wait_for_run() if shown is None else self._show(shown))

    # ------------------------------------------------------------ which run

    async def _which(self) -> RunId | None:
        self._outbox.other_run = False
        return self._only or await self._engine.boards.shown_at(self._path)

    def _committed(self, run: Run, events: Sequence[e.Recorded]) -> None:
        """A run may be shown here that was not before, or not any more."""
        if not run.in_place or not any(isinstance(row.event, _WHERE) for row in events):
            return
        if run.id == self._shown and run.path != self._outbox.path:
            self._outbox.put_event(Moved(self._outbox.path, run.path))
        self._outbox.look_for_run()

    async def _wait_for_run(self) -> RunId | None:
        await self._send(RunTold(None))
        shown = None
        while shown is None:
            await self._outbox.filled(LOOK_SECONDS)
            await self._tell_events(None)
            shown = await self._which()
        return shown

    # ------------------------------------------------------------ one run

    async def _show(self, run: RunId) -> RunId | None:
        """Show the run until another takes its place, which comes back."""
        board = await self._engine.boards.board(run)
        with ExitStack() as stack:
            stack.callback(board.listen(self._outbox.put_ops))
            stack.callback(board.watch(self._outbox.change_run))
            shown: RunId | None = run
            self._shown = run
            await self._begin(board)
            while shown == run:
                await self._outbox.filled(self._patience())
                looked = self._outbox.other_run
                await self._tell(board)
                if looked or self._is_time_to_look():
                    shown = await self._which()
        self._shown = None
        return shown

    def _patience(self) -> float:
        if not self._outbox.run_changed:
            return LOOK_SECONDS
        return max(self._run_told_at + RUN_SECONDS - _now(), 0.0)

    def _is_time_to_look(self) -> bool:
        if _now() < self._look_at:
            return False
        self._look_at = _now() + LOOK_SECONDS
        return True

    async def _begin(self, board: Board) -> None:
        self._look_at = _now() + LOOK_SECONDS
        self._outbox.take_ops()
        self._said = None
        self._reads = policy.may_read_run(board.state, self._reader)
        self._copy = board.state.snapshot
        behind = self._behind(board)
        seq = board.seq
        await self._tell_run(board)
        await self._tell_sources(board)
        if behind is None:
            await self._tell_outputs(board)
            return
        self._told = seq
        for number, ops in behind:
            if self._may_go_on(board):
                await self._send(OpsTold(board.run, number, list(ops)))

    def _behind(self, board: Board) -> Sequence[tuple[int, Sequence[OutputOp]]] | None:
        """What the reader lacks who was here before; None where all is to be shown."""
        (run, since), self._since = self._since, (None, None)
        return board.since(since) if run == board.run and since is not None else None

    async def _tell(self, board: Board) -> None:
        """All that is to be told now."""
        await self._tell_events(board)
        if self._outbox.run_changed and self._patience() <= 0:
            await self._tell_run(board)
            await self._tell_whether_readable(board)
        if self._outbox.overflowed:
            await self._tell_outputs(board)
        for number, ops in self._outbox.take_ops():
            if self._may_go_on(board) and number > self._told:
                self._told = number
                await self._send(OpsTold(board.run, number, list(ops)))

    def _may_go_on(self, board: Board) -> bool:
        """Whether the reader may read what follows (G45): asked right before each word, for while
        the one before went out a gate may have shut the reader out. Who has missed a word is told
        no more of them until all is shown anew.
        """
        self._reads = self._reads and policy.may_read_run(board.state, self._reader)
        return self._reads

    async def _tell_whether_readable(self, board: Board) -> None:
        """A gate's end may let readers in (G45)."""
        if not self._reads and policy.may_read_run(board.state, self._reader):
            self._reads = True
            await self._tell_sources(board)
            await self._tell_outputs(board)

    async def _tell_run(self, board: Board) -> None:
        self._outbox.run_changed = False
        self._run_told_at = _now()
        view = self._view(board.state)
        if view != self._said:
            self._said = view
            await self._send(RunTold(view))
        if board.state.snapshot != self._copy:  # it was resumed with edits
            await self._tell_sources(board)

    async def _tell_sources(self, board: Board) -> None:
        if not self._may_go_on(board):
            return
        run = board.state
        self._copy = run.snapshot
        cells = (await self._engine.snapshot(run))["cells"]
        sources = {
            step.spec.cell_id: cells[step.spec.index]["source"] for step in run.steps.values()
        }
        if self._may_go_on(board):
            await self._send(SourcesTold(run.id, {str(k): v for k, v in sources.items()}))

    async def _tell_outputs(self, board: Board) -> None:
        self._outbox.take_ops()
        if not self._may_go_on(board):
            return
        self._told = board.seq
        shared = self._engine.documents_told.is_shared(self._path)
        cells = shown_cells(board.cells())
        await self._send(OutputsTold(board.run, board.seq, shared, cells))

    async def _tell_events(self, board: Board | None) -> None:
        for event in self._outbox.take_events():
            await self._tell_event(event, board)

    async def _tell_event(self, event: DocumentEvent, board: Board | None) -> None:
        match event:
            case Saved(path, file):
                told = SavedTold(path, file.hash, file.hash_algorithm, file.last_modified)
                await self._send(told)
            case Moved(path, to):
                self._path = to + self._path[len(path) :]
                self._outbox.look_for_run()
                await self._send(MovedTold(self._path))
            case Shared() if board is not None:
                await self._tell_outputs(board)


_WHERE = (e.RunCreated, e.NotebookMoved)


def _now() -> float:
    return asyncio.get_running_loop().time()
