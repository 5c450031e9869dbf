"""One notebook, kept as its run's board is: in the document that people share, else in the file."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from jupyter_flows.core.errors import BadInput, FlowsError
from jupyter_flows.core.model import RunId, RunStatus
from jupyter_flows.engine.boards import Board, Boards
from jupyter_flows.engine.told import DocumentsTold
from jupyter_flows.ports import Notebooks, OutputOp, SharedNotebook

TRIES = 5
"""How often a file that can't be written is tried, until there is something new to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """In seconds: how far apart two writings are at least, in a shared document, to a file, and to
    a file while a cell runs; how often one looks whether a document was opened; how long a page is
    held when nothing happens any more.
    """

    shared: float = 0.05
    file: float = 1.0
    running: float = 5.0
    look: float = 0.5
    linger: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What all pages are written with. `is_ours` says whether this server writes for a run."""

    notebooks: Notebooks
    boards: Boards
    told: DocumentsTold
    is_ours: Callable[[RunId], Awaitable[bool]]
    pace: Pace
    log: logging.Logger


class Page:
    """A task works on it while there is something to write, and for a while longer."""

    def __init__(self, path: str, desk: Desk, closed: Callable[["Page"], None]) -> None:
        self.path = path
        self._desk = desk
        self._closed = closed
        self._board: Board | None = None
        self._unlisten: Callable[[], None] = lambda: None
        self._ops: list[OutputOp] = []
        self._document: object | None = None  # the one that shows the board, but for `_ops`
        self._unsure = True  # which run is to be shown
        self._urgent = False
        self._pending = False
        self._ending = False
        self._failures = 0
        self._written_at = float("-inf")
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._quiet = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def run(self) -> RunId | None:
        """The run that it shows."""
        return None if self._board is None else self._board.run

    # ------------------------------------------------------------ what there is to do

    def stir(self) -> None:
        """A run of this notebook is another one now: write soon."""
        self._unsure = True
        self._press()

    def _heard(self, _: int, ops: Sequence[OutputOp]) -> None:
        """While a cell runs, a file need not have each line at once."""
        if self._document is not None:
            self._ops.extend(ops)
        if self._is_running():
            self._begin()
        else:
            self._press()

    def _press(self) -> None:
        self._urgent = True
        self._hurry.set()
        self._begin()

    def _begin(self) -> None:
        self._pending = True
        self._failures = 0
        self._quiet.clear()
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name=f"jupyter-flows page {self.path}")
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._quiet.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._desk.log.error("notebook %s could not be kept", self.path, exc_info=error)

    def _is_running(self) -> bool:
        return self._board is not None and self._board.state.status is RunStatus.RUNNING

    async def quiet(self) -> None:
        """Wait until all is written, or can't be."""
        await self._quiet.wait()

    # ------------------------------------------------------------ the end

    def close(self) -> None:
        """Write no more, but for what is being written."""
        self._ending, self._pending = True, False
        self._leave()
        self._wake.set()
        self._hurry.set()
        self._closed(self)

    def finish(self) -> asyncio.Task[None] | None:
        """Write what is pending at once, and end: the task that does so."""
        self._ending = True
        self._wake.set()
        self._hurry.set()
        return self._task

    def _leave(self) -> None:
        self._unlisten()
        self._unlisten, self._board = (lambda: None), None
        self._ops.clear()

    def _is_needed(self) -> bool:
        """Whether something may come of which no event tells: outputs, a form."""
        if self._board is None:
            return False
        return self._is_running() or self._desk.boards.kernel_of(self._board.run) is not None

    # ------------------------------------------------------------ the work

    async def _work(self) -> None:
        while await self._awaited():
            try:
                await self._round()
            except FlowsError as error:
                self._pending = False
                self._desk.log.warning("notebook %s can't be kept: %s", self.path, error)
            if not self._pending:
                self._quiet.set()

    async def _awaited(self) -> bool:
        """Whether there is something to do; if not for long, the page is closed, or only listens
        on.
        """
        if not self._pending and not self._ending:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._desk.pace.linger)
        if not self._pending and not self._ending and not self._is_needed():
            self.close()
        return self._pending

    async def _round(self) -> None:
        if self._unsure:
            self._unsure = False
            await self._choose()
        if self._board is None:
            self._pending = False
            return
        shared = await self._desk.notebooks.shared(self.path)
        if self._board is None:
            return
        if shared is not None:
            self._share(shared, self._board)
            await asyncio.sleep(self._desk.pace.shared)
            return
        if self._document is not None:
            self._say_shared(None)
            self._urgent = True
        left = self._left()
        if left > 0:
            await self._pause(min(left, self._desk.pace.look))
        else:
            await self._write(self._board)

    async def _choose(self) -> None:
        """Which run's board is kept here."""
        run = await self._desk.boards.shown_at(self.path)
        if run is not None and not await self._desk.is_ours(run):
            run = None
        if run == self.run:
            return
        self._leave()
        if run is not None:
            board = await self._desk.boards.board(run)
            if self._desk.notebooks.has(board.state.folder):
                self._board, self._unlisten = board, board.listen(self._heard)
        self._document = None

    # ------------------------------------------------------------ a shared document

    def _share(self, shared: SharedNotebook, board: Board) -> None:
        """Nothing is awaited here: the board is what its ops say."""
        ops, self._ops = self._ops, []
        self._pending = self._urgent = False
        cells = board.cells()
        if shared.identity is not self._document:
            self._say_shared(shared.identity)
            shared.show(cells)
        elif missed := shared.apply(ops):
            shared.show({step: cells[step] for step in missed if step in cells})

    def _say_shared(self, document: object | None) -> None:
        self._document = document
        self._ops.clear()
        self._desk.told.shared(self.path, is_shared=document is not None)

    # ------------------------------------------------------------ the file

    def _left(self) -> float:
        """The seconds until the file may be written again."""
        if self._ending:
            return 0.0
        pace = self._desk.pace
        apart = pace.file if self._urgent and not self._failures else pace.running
        return self._written_at + apart - asyncio.get_running_loop().time()

    async def _pause(self, seconds: float) -> None:
        self._hurry.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)

    async def _write(self, board: Board) -> None:
        self._pending = self._urgent = False
        try:
            state = await self._desk.notebooks.write(self.path, board.cells())
        except FlowsError as error:
            self._failed(error)
        else:
            self._failures = 0
            if state is not None:
                self._desk.told.saved(self.path, state)
        self._written_at = asyncio.get_running_loop().time()

    def _failed(self, error: FlowsError) -> None:
        self._failures += 1
        if self._failures == 1:
            self._desk.log.warning("notebook %s can't be written: %s", self.path, error)
        may_pass = not isinstance(error, BadInput)
        if may_pass and self._failures < TRIES and not self._ending:
            self._pending = True
