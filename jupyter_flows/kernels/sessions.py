"""The kernels of all runs: `ports.Kernels` over jupyter_client's or jupyter_server's manager."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_flows.core.errors import CheckpointUnusable, KernelUnavailable
from jupyter_flows.core.model import Json, RunId, StepId
from jupyter_flows.core.sentences import sentence
from jupyter_flows.kernels.detached import DetachedKernels
from jupyter_flows.kernels.gateway import is_gateways
from jupyter_flows.kernels.keeping import Keeping
from jupyter_flows.kernels.kernel import Kernel, Place, folder_of
from jupyter_flows.kernels.launching import Launcher
from jupyter_flows.kernels.session import KernelSession, Limits
from jupyter_flows.kernels.warm import WarmKernels, WarmPool
from jupyter_flows.ports import (
    Amended,
    Cell,
    CellOutcome,
    Evaluation,
    Expression,
    KernelRequest,
    Lost,
    Ops,
    Outputs,
    SaveRequest,
    Shown,
    Where,
    Word,
)

STOP_WITHIN = 2.8


class KernelSessions:
    """Holds one kernel a run. `manager` is an AsyncMultiKernelManager or jupyter_server's own.
    `detached` is the folder of what is known of kernels that outlive this process; without it, none
    does.
    """

    def __init__(
        self,
        manager: Any,
        *,
        limits: Limits,
        warm: Sequence[WarmKernels] = (),
        keep_alive: bool = True,
        detached: Path | None = None,
        log: logging.Logger,
    ) -> None:
        self._manager = manager
        self._log = log
        self._sessions: dict[RunId, KernelSession] = {}
        if detached and is_gateways(manager):
            log.warning("A gateway's kernels can't outlive this server; detached_kernels is off.")
            detached = None
        self._detached = DetachedKernels(detached, manager) if detached else None
        self._launcher = Launcher(manager, limits, self._detached, log)
        launch = self._launcher.warm
        self._pools = {kind.kernel_name: WarmPool(kind, launch, log) for kind in warm}
        self._rehearsing: set[KernelSession] = set()
        self._keeping = Keeping(manager, self._held) if keep_alive else None
        self._amended: Amended = lambda _, __: None
        self._ops: list[Ops] = []
        self._words: list[Word] = []
        self._lost: list[Lost] = []

    def start(self) -> None:
        """Begin to hold warm kernels, and to keep those of runs; needs a running loop."""
        if self._keeping is not None:
            self._keeping.start()
        for pool in self._pools.values():
            pool.start()

    def _held(self) -> list[Kernel]:
        return [session.kernel for session in self._sessions.values() if not session.lost]

    def warm(self, kernel_name: str) -> int:
        """How many kernels of this name are ready to be taken."""
        pool = self._pools.get(kernel_name)
        return pool.ready if pool else 0

    def holds(self, run: RunId) -> bool:
        session = self._sessions.get(run)
        return session is not None and not session.gone

    def kernel_of(self, run: RunId) -> str | None:
        session = self._sessions.get(run)
        return session.kernel_id if session is not None and not session.gone else None

    def shown(self, run: RunId) -> Mapping[StepId, Shown]:
        session = self._sessions.get(run)
        return session.shown() if session else {}

    async def open(self, request: KernelRequest) -> None:
        """Give the run a kernel: warm, new, or the one it names. Raises KernelUnavailable.

        A run that has a live kernel keeps it; a lost one is cleared away first.
        """
        if self.holds(request.run):
            return
        await self._clear(request.run)
        session = await self._launcher.returned(request)
        if session is None and not self._launcher.outlives(request):
            session = await self._warm(request)
        self._give(session or await self._launcher.launch(request), request)

    def _give(self, session: KernelSession, request: KernelRequest) -> None:
        run = request.run
        session.in_place = request.in_place
        session.late.on_late = functools.partial(self._amended, run)
        session.telling.on_ops = functools.partial(_tell, self._ops, run)
        session.words.on_word = functools.partial(_tell, self._words, run)
        session.on_lost = functools.partial(_tell, self._lost, run)
        self._sessions[run] = session

    def on_amended(self, listener: Amended) -> None:
        self._amended = listener

    def on_ops(self, listener: Ops) -> None:
        self._ops.append(listener)

    def on_word(self, listener: Word) -> None:
        self._words.append(listener)

    def on_lost(self, listener: Lost) -> None:
        self._lost.append(listener)

    async def execute(self, run: RunId, cell: Cell) -> CellOutcome:
        return await self._session(run).execute(run, cell)

    async def evaluate(self, run: RunId, expression: Expression) -> Evaluation:
        return await self._session(run).evaluate(expression)

    async def save(self, run: RunId, asked: SaveRequest) -> Mapping[str, Json]:
        return await self._session(run).checkpoint.save(asked)

    async def environment(
        self,
        run: RunId,
        distributions: Sequence[str],
        files: Sequence[str],
        sys_path: Sequence[Json] = (),
    ) -> Mapping[str, Json]:
        checkpoint = self._session(run).checkpoint
        return await checkpoint.environment(distributions, files, sys_path)

    async def restore(
        self, run: RunId, folder: Where, saved: Mapping[str, Json], replays: Sequence[Cell]
    ) -> None:
        await self._session(run).restore(run, folder, saved, replays)

    async def rehearse(
        self, request: KernelRequest, folder: Where, saved: Mapping[str, Json]
    ) -> None:
        """A kernel that dies of the variables is their fault."""
        request = replace(request, kernel_id=None, in_place=True)  # it outlives nothing
        session = await self._warm(request) or await self._launcher.launch(request)
        self._rehearsing.add(session)
        try:
            await session.checkpoint.rehearse(folder, saved)
        except KernelUnavailable:
            raise CheckpointUnusable("The kernel died while it loaded the variables.") from None
        finally:
            self._rehearsing.discard(session)
            await asyncio.shield(session.close(now=True))

    async def is_free(self, run: RunId) -> bool:
        session = self._sessions.get(run)
        return session is not None and await session.is_free()

    async def visitors(self, run: RunId) -> int:
        return await self._session(run).visitors(run)

    async def returns(self, run: RunId) -> bool:
        return self._detached is not None and self._detached.returns(run)

    def partial(self, run: RunId) -> Mapping[StepId, Outputs]:
        session = self._sessions.get(run)
        return session.partial() if session else {}

    async def interrupt(self, run: RunId) -> None:
        session = self._sessions.get(run)
        if session is not None:
            await session.interrupt()

    async def close(self, run: RunId) -> None:
        await self._clear(run)
        if self._detached is not None:
            await self._detached.end(run)

    async def _clear(self, run: RunId) -> None:
        session = self._sessions.pop(run, None)
        if session is not None:
            await session.close()

    def left(self) -> Sequence[RunId]:
        return [] if self._detached is None else self._detached.left()

    async def collect(self, live: Collection[RunId]) -> None:
        """End the kernels that earlier servers have left of other runs."""
        if self._detached is not None:
            await self._detached.collect(live)

    async def stop(self) -> None:
        """Let all go, warm ones too. What does not go by itself is killed."""
        if self._keeping is not None:
            await self._keeping.stop()
        sessions, self._sessions = list(self._sessions.values()), {}
        closing = [session.leave() for session in sessions]
        closing += [session.close(now=True) for session in self._rehearsing]
        pools = [pool.stop() for pool in self._pools.values()]
        await _at_most(STOP_WITHIN, [*closing, *pools])
        self._launcher.close()

    # ------------------------------------------------------------ where kernels come from

    async def _warm(self, request: KernelRequest) -> KernelSession | None:
        pool = self._pools.get(request.kernel_name)
        if pool is None or request.kernel_id is not None:
            return None
        session = pool.take()
        if session is None:
            return None
        folder = folder_of(self._manager, Place(request.path, request.folder))
        try:
            await session.enter(request.env, folder)
        except KernelUnavailable as error:
            self._log.warning("A warm kernel was of no use: %s", error)
            await session.close(now=True)
            return None
        return session

    def _session(self, run: RunId) -> KernelSession:
        try:
            return self._sessions[run]
        except KeyError:
            raise KernelUnavailable(sentence("This run has no kernel.")) from None


def _tell(listeners: Iterable[Callable[..., None]], *what: object) -> None:
    for listener in listeners:
        listener(*what)


async def _at_most(seconds: float, work: Iterable[Any]) -> None:
    tasks = [asyncio.ensure_future(one) for one in work]
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)
