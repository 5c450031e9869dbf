"""What the notebooks of runs show while they run: the outputs of each step, and behind those of a
gate's cell the gate's record. Whoever mirrors a run reads its board, and is told each change.
"""

import asyncio
import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from weakref import WeakValueDictionary

from jupyter_flows.core import events as e
from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.model import Json, Run, RunId, StepId
from jupyter_flows.core.things import Progress, shown_progress
from jupyter_flows.engine.board import Board, Heard
from jupyter_flows.engine.feed import Feed
from jupyter_flows.engine.keep import Keeper
from jupyter_flows.ports import Clock, Kernels, OutputOp, RunFilter, Shown, Store

__all__ = ["Board", "Boards", "Heard"]

KEPT_SECONDS = 60.0
"""How long a board is kept that nobody listens to: a browser may come back."""

LOOKED_AT = 200
"""How many of the newest runs of a path are looked at for one that shows in place."""

NOTED = 10_000
"""Of how many runs one knows whether they show in place."""

TRIES = 20
"""How often a board is read anew because its run went on meanwhile."""


class Boards:
    """The boards of runs that somebody mirrors: made when first asked for, kept while listened to,
    and true to the store where another server drives the run. `root` names the place that the
    paths of notebooks are below, here.
    """

    def __init__(
        self,
        *,
        store: Store,
        kernels: Kernels,
        keeper: Keeper,
        feed: Feed,
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._feed = feed
        self._clock = clock
        self._log = log
        self._boards: dict[RunId, Board] = {}
        self._widgets: dict[RunId, dict[StepId, Mapping[str, Json]]] = {}
        self._progress: dict[RunId, dict[StepId, Progress]] = {}
        self.root: str | None = None
        self._shows_here: dict[RunId, bool] = {}
        self._following: dict[RunId, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving: dict[RunId, asyncio.TimerHandle] = {}
        self._locks: WeakValueDictionary[RunId, asyncio.Lock] = WeakValueDictionary()
        feed.listen(self._committed)
        self.hear(kernels)

    def hear(self, kernels: Kernels) -> None:
        """These have the runs' kernels."""
        self._kernels = kernels
        kernels.on_ops(self._told)
        kernels.on_lost(self._lost)

    # ------------------------------------------------------------ boards

    async def board(self, run: RunId) -> Board:
        """Raises UnknownRun."""
        lock = self._locks.get(run)
        if lock is None:
            self._locks[run] = lock = asyncio.Lock()
        async with lock:
            board = self._boards.get(run)
            if board is None:
                board = Board(await self._store.load(run), int(self._clock() * 1000))
                board.on_use = functools.partial(self._used, board)
                await self._read(board, also=lambda: self._boards.setdefault(run, board))
                self._leave_later(board)
            elif not board.in_use:
                await self._read(board)
            return board

    async def _read(self, board: Board, also: Callable[[], object] = lambda: None) -> None:
        """Let the board be as the store and the kernel have it. There is nothing awaited between
        the last look at the run and the board's change; `also` is done in between.
        """
        run = await self._store.load(board.run)
        stored = await self._stored(run)
        for _ in range(TRIES):
            now = await self._store.load(board.run)
            if now.seq <= run.seq and board.state.seq <= now.seq:
                break
            run, stored = now, await self._stored(now)
        executed = self._kernels.shown(board.run)
        also()
        board.become(run, {**stored, **executed}, self._widgets_of(board.run))

    async def _stored(self, run: Run) -> dict[StepId, Shown]:
        outputs = await self._keeper.outputs(run)
        return {
            step.id: Shown(outputs.get(step.id, ()), step.execution_count)
            for step in run.steps.values()
        }

    def _used(self, board: Board, in_use: bool) -> None:
        leaving = self._leaving.pop(board.run, None)
        if leaving is not None:
            leaving.cancel()
        following = self._following.pop(board.run, None)
        if following is not None:
            following.cancel()
        if in_use:
            name = f"jupyter-flows board of {board.run}"
            task = asyncio.create_task(self._follow(board), name=name)
            self._following[board.run] = task
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._leave_later(board)

    def _leave_later(self, board: Board) -> None:
        loop = asyncio.get_running_loop()
        self._leaving[board.run] = loop.call_later(KEPT_SECONDS, self._leave, board.run)

    def _leave(self, run: RunId) -> None:
        self._leaving.pop(run, None)
        board = self._boards.get(run)
        if board is not None and not board.in_use:
            self._boards.pop(run)

    async def _follow(self, board: Board) -> None:
        """See to what other servers write."""
        while True:
            try:
                async for rows in self._feed.follow(board.run, board.state.seq):
                    if rows and rows[-1].seq > board.state.seq:
                        await self._read(board)
            except FlowsError as error:
                self._log.warning("run %s: its board can't be read: %s", board.run, error)
                await asyncio.sleep(1.0)

    async def stop(self) -> None:
        for timer in self._leaving.values():
            timer.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ------------------------------------------------------------ what happens here

    def _told(self, run: RunId, ops: Sequence[OutputOp]) -> None:
        board = self._boards.get(run)
        if board is not None:
            board.apply(ops)

    def _committed(self, run: Run, events: Sequence[e.Recorded]) -> None:
        if isinstance(events[0].event, e.RunCreated):
            self._note(run)
        if run.finished:
            self._progress.pop(run.id, None)
        if run.id in self._widgets and run.open_gate is None:
            self._widgets.pop(run.id)
        board = self._boards.get(run.id)
        if board is not None and board.state.seq < run.seq:
            named = {getattr(row.event, "step", None) for row in events}
            board.at(run, self._widgets_of(run.id), [s for s in run.steps if s in named])

    def _lost(self, run: RunId) -> None:
        self._widgets.pop(run, None)
        self._redraw(run)

    def _redraw(self, run: RunId) -> None:
        board = self._boards.get(run)
        if board is not None:
            board.at(board.state, self._widgets_of(run))

    def _widgets_of(self, run: RunId) -> Mapping[StepId, Mapping[str, Json]]:
        return self._widgets.get(run, {}) if self._kernels.holds(run) else {}

    def set_widget(self, run: RunId, step: StepId, bundle: Mapping[str, Json] | None) -> None:
        """The live form of a gate's cell, as the mime types of its view, stands in the bundle of
        the gate's record from now on; with None no more.
        """
        if bundle is None:
            self._widgets.get(run, {}).pop(step, None)
        else:
            self._widgets.setdefault(run, {})[step] = bundle
        self._redraw(run)

    def set_progress(self, run: RunId, step: StepId, progress: Progress) -> None:
        """The step says so of itself, here. Whoever watches its board is told."""
        self._progress.setdefault(run, {})[step] = progress
        board = self._boards.get(run)
        if board is not None:
            board.say_changed()

    def progress_of(self, run: Run) -> Mapping[StepId, Progress]:
        """What those steps said that run now."""
        return shown_progress(run, self._progress.get(run.id, {}))

    # ------------------------------------------------------------ which run

    async def shown_at(self, path: str) -> RunId | None:
        """The run that the notebook at this path shows: the newest one that was started to be shown
        in place.
        """
        cursor, looked_at = None, 0
        while looked_at < LOOKED_AT:
            page = await self._store.runs(RunFilter(path=path), cursor, 20)
            for row in page.rows:
                if await self.shows_here(row.id):
                    return row.id
            cursor, looked_at = page.cursor, looked_at + len(page.rows)
            if cursor is None:
                break
        return None

    async def shows_here(self, run: RunId) -> bool:
        """Whether it was started to be shown in place, in a notebook that this server has. This
        never changes.
        """
        shows = self._shows_here.get(run)
        return self._note(await self._store.load(run)) if shows is None else shows

    def _note(self, run: Run) -> bool:
        if len(self._shows_here) >= NOTED:
            self._shows_here.clear()
        fits = run.root is None or self.root is None or run.root == self.root
        self._shows_here[run.id] = run.in_place and fits
        return self._shows_here[run.id]

    def kernel_of(self, run: RunId) -> str | None:
        """As `Kernels.kernel_of`."""
        return self._kernels.kernel_of(run)
