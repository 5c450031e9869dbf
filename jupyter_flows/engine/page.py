"""One notebook, kept as its run's board is: in the document that people share, else in the file."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from jupyter_flows.core.errors import BadInput, FlowsError
from jupyter_flows.core.model import Json, Run, RunId, RunStatus, StepId
from jupyter_flows.core.records import is_record
from jupyter_flows.engine.boards import Board, Boards
from jupyter_flows.engine.brought import Brought
from jupyter_flows.engine.told import DocumentsTold
from jupyter_flows.ports import Notebooks, OutputOp, SharedNotebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """In seconds: how far apart two writings are at least, in a shared document, to a file, and to
    a file while a cell runs; how often one looks whether a document was opened; how long a page is
    held when nothing happens any more; how soon what failed is tried again, each time later, and
    how far apart anything is at the most.
    """

    shared: float = 0.05
    file: float = 1.0
    running: float = 5.0
    look: float = 0.5
    linger: float = 5.0
    retry: float = 2.0
    longest: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What all pages are written with. `is_ours` says whether this server writes for a run;
    `snapshot` is a run's notebook.
    """

    notebooks: Notebooks
    boards: Boards
    told: DocumentsTold
    is_ours: Callable[[RunId], Awaitable[bool]]
    snapshot: Callable[[Run], Awaitable[Mapping[str, Json]]]
    pace: Pace
    log: logging.Logger


class Page:
    """A task works on it while there is something to write, and for a while longer."""

    def __init__(self, path: str, desk: Desk, closed: Callable[["Page"], None]) -> None:
        self.path = path
        self._desk = desk
        self._closed = closed
        self._brought: Brought | None = None
        self._followed: Brought | None = None  # the page's before the notebook moved
        self._unlisten: Callable[[], None] = lambda: None
        self._begun: dict[RunId, set[StepId]] = {}  # not told to `_brought` yet
        self._ops: list[OutputOp] = []
        self._document: object | None = None  # the one that shows the board, but for `_ops`
        self._unsure = True  # which run is to be shown
        self._urgent = False
        self._pending = False
        self._ending = False
        self._is_closed = False
        self._is_failing = False
        self._failures = 0
        self._late_writings = 0
        self._written_at = float("-inf")
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._quiet = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def run(self) -> RunId | None:
        """The run that it shows."""
        return None if self._board is None else self._board.run

    @property
    def pending(self) -> bool:
        """Whether there is something to write, or something that could not be: the notebook may
        have moved before one hears of it.
        """
        return self._pending or self._is_failing

    @property
    def _board(self) -> Board | None:
        return None if self._brought is None else self._brought.board

    # ------------------------------------------------------------ what there is to do

    def stir(self, run: RunId, begun: Collection[StepId] = ()) -> None:
        """This run of the notebook is another one now, and has begun with these cells: write
        soon.
        """
        if begun:
            self._begun.setdefault(run, set()).update(begun)
        self._unsure = True
        self._press()

    def follow(self, before: "Page") -> None:
        """The notebook was that page's, at another path: go on with what is known of it."""
        self._followed, begun = before.known()
        for run, cells in begun.items():
            self._begun.setdefault(run, set()).update(cells)

    def known(self) -> tuple[Brought | None, Mapping[RunId, Collection[StepId]]]:
        """What was brought here, and what runs have begun with since."""
        self.settle()
        return self._brought, self._begun

    def _heard(self, _: int, ops: Sequence[OutputOp]) -> None:
        """A file need not have each line at once, while a cell runs or afterwards; what stands of a
        gate it must.
        """
        if self._document is not None:
            self._ops.extend(ops)
        if self._is_running() or not any(op.output and is_record(op.output) for op in ops):
            self._begin()
        else:
            self._press()

    def _press(self) -> None:
        self._urgent = True
        self._failures = self._late_writings = 0
        self._hurry.set()
        self._begin()

    def _begin(self) -> None:
        self._pending = True
        self._quiet.clear()
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name=f"jupyter-flows page {self.path}")
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """By a fault of ours, too, the notebook is not left as it is."""
        self._quiet.set()
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._desk.log.error("notebook %s could not be kept", self.path, exc_info=error)
        self._failed(error)
        if self._pending:
            self._begin()
        else:
            self.close()

    def _is_running(self) -> bool:
        return self._board is not None and self._board.state.status is RunStatus.RUNNING

    async def quiet(self) -> None:
        """Wait until all is written, or can't be for now."""
        await self._quiet.wait()

    # ------------------------------------------------------------ the end

    def close(self) -> None:
        """Write no more, but for what is being written."""
        self._is_closed = self._ending = True
        self._pending = False
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
        self._unlisten, self._brought = (lambda: None), None
        self._ops.clear()

    def _is_needed(self) -> bool:
        """Whether something may come of which no event tells: outputs, a form."""
        if self._board is None:
            return False
        return self._is_running() or self._desk.boards.kernel_of(self._board.run) is not None

    # ------------------------------------------------------------ the work

    async def _work(self) -> None:
        while await self._awaited():
            if self._failures:
                await self._pause(self._left())
            try:
                await self._round()
            except FlowsError as error:
                self._failed(error)
            if self._failures or not self._pending:
                self._quiet.set()

    async def _awaited(self) -> bool:
        """Whether there is something to do; if not for long, the page is closed, or only listens
        on.
        """
        if not self._pending and not self._ending:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._desk.pace.linger):
                    await self._wake.wait()
        if not self._pending and not self._ending and not self._is_needed():
            self.close()
        return self._pending

    async def _round(self) -> None:
        if self._unsure:
            self._unsure = False
            await self._choose()
        if self._brought is None:
            self._pending = False
            return
        shared = await self._desk.notebooks.shared(self.path)
        if self._brought is None:
            return
        if shared is not None:
            self._share(shared, self._brought)
            await asyncio.sleep(self._desk.pace.shared)
            return
        if self._document is not None:
            self._say_shared(None)
            self._urgent = True
        left = self._left()
        if left > 0:
            await self._pause(min(left, self._desk.pace.look))
        else:
            await self._write(self._brought)

    async def _choose(self) -> None:
        """Which run's board is kept here."""
        run = await self._desk.boards.shown_at(self.path)
        if run is not None and not await self._desk.is_ours(run):
            run = None
        if run != self.run:
            self._leave()
            if run is not None:
                await self._take(run)
            self._document = None
        if self._brought is not None:
            self._brought.begun(self._begun.pop(self._brought.board.run, ()))
        if not self._unsure:
            self._begun.clear()

    async def _take(self, run: RunId) -> None:
        board = await self._desk.boards.board(run)
        if self._is_closed:
            return
        self._unlisten = board.listen(self._heard)
        followed, self._followed = self._followed, None
        if followed is not None and followed.board is board:
            self._brought = followed
        else:
            self._brought = Brought(board)

    # ------------------------------------------------------------ a shared document

    def _share(self, shared: SharedNotebook, brought: Brought) -> None:
        """Nothing is awaited here: the board is what its ops say."""
        self._pending = self._urgent = False
        if shared.identity is not self._document:
            self._say_shared(shared.identity)
            due = brought.due()
            shared.show(due.cells, due.gently)
            brought.done(due)
        else:
            if missed := shared.apply(self._ops):
                cells = brought.board.cells()
                shared.show({step: cells[step] for step in missed if step in cells})
            self._ops = []
        self._written()

    def _say_shared(self, document: object | None) -> None:
        self.settle()
        self._document = document
        if self._brought is not None:
            self._brought.elsewhere()
        self._desk.told.shared(self.path, is_shared=document is not None)

    def settle(self) -> None:
        """Know what is in the shared document: all but for the ops that are not applied yet."""
        if self._document is not None and self._brought is not None:
            self._brought.settle({op.cell for op in self._ops})
        self._document = None
        self._ops.clear()

    # ------------------------------------------------------------ the file

    def _left(self) -> float:
        """The seconds until the file may be written again."""
        if self._ending:
            return 0.0
        return self._written_at + self._apart() - asyncio.get_running_loop().time()

    def _apart(self) -> float:
        """What code says while nothing of the run happens comes ever later into the file."""
        pace = self._desk.pace
        if self._failures:
            return _growing(pace.retry, self._failures - 1, pace.longest)
        if self._urgent:
            return pace.file
        return _growing(pace.running, self._late_writings, pace.longest)

    async def _pause(self, seconds: float) -> None:
        self._hurry.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    async def _write(self, brought: Brought) -> None:
        if not self._urgent and not self._is_running():
            self._late_writings += 1
        self._pending = self._urgent = False
        due = brought.due()
        state = None
        if due.cells:
            snapshot = functools.partial(self._desk.snapshot, brought.board.state)
            first = snapshot if brought.is_new else None
            state = await self._desk.notebooks.write(self.path, due.cells, due.gently, first)
        brought.done(due)
        self._written()
        if state is not None:
            self._desk.told.saved(self.path, state)

    def _written(self) -> None:
        self._failures, self._is_failing = 0, False
        self._written_at = asyncio.get_running_loop().time()

    def _failed(self, error: BaseException) -> None:
        """It is tried again, ever later: the run may be over, and nobody else would write it."""
        self.settle()
        self._unsure = True
        if not self._is_failing:
            self._desk.log.warning("notebook %s can't be kept: %s", self.path, error)
        self._is_failing = True
        self._failures += 1
        self._written_at = asyncio.get_running_loop().time()
        self._pending = not isinstance(error, BadInput) and not self._ending


def _growing(first: float, times: int, longest: float) -> float:
    """Twice as long each time."""
    return float(min(first * 2 ** min(times, 10), longest))
