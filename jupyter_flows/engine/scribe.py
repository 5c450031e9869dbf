"""Keeping the notebooks of runs as their boards are: hears what happens, and has pages written."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

import msgspec

from jupyter_flows.core import events as e
from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import FINISHED, Json, Run, RunId, RunStatus, StepId
from jupyter_flows.engine.boards import Boards
from jupyter_flows.engine.feed import Feed
from jupyter_flows.engine.page import Desk, Pace, Page
from jupyter_flows.engine.told import DocumentsTold
from jupyter_flows.ports import Clock, Notebooks, RunFilter, RunRow, Store

STOP_SECONDS = 2.5
"""How long the last writings may take at the end."""

RECENT_SECONDS = 24 * 60 * 60.0
LOOKED_AT = 500
"""At the start, the newest runs that ended so recently are looked at, so many at the most."""

WAITING = frozenset({RunStatus.SUSPENDED, RunStatus.INTERRUPTED})


class Scribe:
    """One a server, for the runs that show in place. No run waits for it.

    `move` tells a run that its notebook is elsewhere; `is_ours` says of a run whether this server
    drives it.
    """

    def __init__(
        self,
        *,
        notebooks: Notebooks,
        boards: Boards,
        store: Store,
        feed: Feed,
        told: DocumentsTold,
        move: Callable[[RunId, str], Awaitable[Run]],
        is_ours: Callable[[RunRow], Awaitable[bool]],
        clock: Clock,
        log: logging.Logger,
        pace: Pace | None = None,
    ) -> None:
        self._notebooks = notebooks
        self._boards = boards
        self._store = store
        self._feed = feed
        self._told = told
        self._move = move
        self._is_ours_row = is_ours
        self._clock = clock
        self._log = log
        self._desk = Desk(
            notebooks=notebooks,
            boards=boards,
            told=told,
            is_ours=self._is_ours,
            snapshot=self._snapshot,
            pace=pace or Pace(),
            log=log,
        )
        self._pages: dict[str, Page] = {}
        self._offered: dict[RunId, str] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._unlisten: Callable[[], None] = lambda: None
        self._started = False
        notebooks.on_moved(self._moved)

    def start(self) -> None:
        """Needs a running loop."""
        self._started = True
        self._unlisten = self._feed.listen(self._committed)
        self._spawn(self._refresh(), "jupyter-flows notebooks at the start")

    async def stop(self) -> None:
        """Write what is pending, and let go; within about 3 s."""
        self._started = False
        self._unlisten()
        self._unlisten = lambda: None
        for task in tuple(self._background):
            task.cancel()
        at_work = [page.finish() for page in self._pages.values()]
        await _ended({task for task in at_work if task is not None} | self._background)
        for page in tuple(self._pages.values()):
            page.close()

    # ------------------------------------------------------------ what happens

    def _committed(self, run: Run, events: Sequence[Recorded]) -> None:
        if not run.in_place:
            return
        self._offer(run)
        shows = not run.finished or any(not isinstance(row.event, _UNSEEN) for row in events)
        for page in tuple(self._pages.values()):
            if page.run == run.id and page.path != run.path:
                shows = shows or page.pending
                if shows:
                    self._page(run.path).follow(page)
                page.close()
        if shows:
            self._page(run.path).stir(run.id, _begun(run, events))

    def _page(self, path: str) -> Page:
        page = self._pages.get(path)
        if page is None:
            self._pages[path] = page = Page(path, self._desk, self._closed)
        return page

    def _closed(self, page: Page) -> None:
        if self._pages.get(page.path) is page:
            del self._pages[page.path]

    async def _is_ours(self, run: RunId) -> bool:
        return await self._is_ours_row(await self._store.row(run))

    async def _snapshot(self, run: Run) -> Mapping[str, Json]:
        snapshot: Mapping[str, Json] = msgspec.json.decode(await self._store.get(run.snapshot))
        return snapshot

    def _offer(self, run: Run) -> None:
        """Whoever opens the notebook finds the run's kernel; one that was named has its session."""
        kernel = None if run.finished else self._boards.kernel_of(run.id)
        if kernel is None:
            self._offered.pop(run.id, None)
        elif run.kernel_id is None and self._offered.get(run.id) != kernel:
            self._offered[run.id] = kernel
            offering = self._notebooks.offer_kernel(run.path, kernel, run.kernel_name)
            self._spawn(offering, f"jupyter-flows session of {run.path}")

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("%s: %s", task.get_name(), error, exc_info=error)

    # ------------------------------------------------------------ at the start

    async def _refresh(self) -> None:
        """The notebooks of runs that wait: their kernels are gone with the server that had them, so
        no form of theirs may stay. And of runs that have ended just now, for that server may not
        have come to write their end. One after the other, for they may be many.
        """
        async for row in self._rows(RunFilter(status=WAITING, in_place=True)):
            if await self._is_ours_row(row):
                await self._bring(row)
        looked_at = 0
        async for row in self._rows(RunFilter(status=FINISHED, in_place=True)):
            if await self._is_ours_row(row) and await self._lacks_the_end(row):
                await self._bring(row)
            looked_at += 1
            if looked_at == LOOKED_AT:
                break

    async def _lacks_the_end(self, row: RunRow) -> bool:
        """A file that was saved since the run's end is as somebody wants it."""
        ended = row.finished_at
        if ended is None or ended < self._clock() - RECENT_SECONDS:
            return False
        saved = await self._notebooks.saved_at(row.path)
        return saved is not None and saved < ended

    async def _bring(self, row: RunRow) -> None:
        if await self._boards.shown_at(row.path) == row.id:
            page = self._page(row.path)
            page.stir(row.id)
            await page.quiet()

    async def _rows(self, wanted: RunFilter) -> AsyncIterator[RunRow]:
        """Newest first."""
        cursor = None
        while True:
            page = await self._store.runs(wanted, cursor, 100)
            for row in page.rows:
                yield row
            if (cursor := page.cursor) is None:
                return

    # ------------------------------------------------------------ renames

    def _moved(self, old: str, new: str, is_folder: bool) -> None:
        if self._started:
            moving = self._follow(old, new, RunFilter() if is_folder else RunFilter(path=old))
            self._spawn(moving, f"jupyter-flows move of {old}")

    async def _follow(self, old: str, new: str, wanted: RunFilter) -> None:
        """The runs of the notebook, or of those in the folder, are told, the newest first: the one
        that is shown, and those that go on.
        """
        places: dict[str, str] = {}
        for row in [row async for row in self._rows(wanted) if _is_within(row.path, old)]:
            is_over = row.path in places and row.status in FINISHED
            if is_over or not await self._boards.shows_here(row.id):
                continue
            places[row.path] = path = new + row.path[len(old) :]
            try:
                await self._move(row.id, path)
            except FlowsError as error:
                self._log.warning("run %s: its notebook is now %s: %s", row.id, path, error)
        for was, path in {old: new, **places}.items():
            self._told.moved(was, path)


_UNSEEN = (e.NotebookMoved, e.LinkMinted, e.LinkRevoked, e.GateShown, e.WidgetsSaved)
"""Of these nothing is seen in the notebook of a run that is over."""


def _begun(run: Run, events: Sequence[Recorded]) -> set[StepId]:
    """The cells that show nothing of before any more."""
    begun: set[StepId] = set()
    for row in events:
        if isinstance(row.event, e.RunCreated):
            begun.update(step.spec.cell_id for step in run.steps.values())
        elif isinstance(row.event, e.StepStarted):
            begun.add(run.steps[row.event.step].spec.cell_id)
    return begun


def _is_within(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


async def _ended(tasks: set[asyncio.Task[None]]) -> None:
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=0.5)
