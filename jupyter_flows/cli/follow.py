"""Following a run to where the command ends, and telling a display of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

from jupyter_flows.cli.display import Display
from jupyter_flows.cli.ports import PortNotes
from jupyter_flows.composition import House
from jupyter_flows.core import events as e
from jupyter_flows.core import machine
from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.model import Gate, Run, RunId, RunStatus
from jupyter_flows.web.urls import link_urls

LOOK_SECONDS = 0.5
"""How often a live display is told how far the running step is."""


def over(run: Run) -> bool:
    """Nothing goes on here by itself."""
    return run.finished or run.status is RunStatus.INTERRUPTED


def waiting_or_over(run: Run) -> bool:
    return over(run) or run.status in (RunStatus.SUSPENDED, RunStatus.SLEEPING)


class Follower:
    """`address` is what links begin with, empty while no server has the run; `ports`, if given,
    keeps its port for `resume`. `newest` is the run as last heard of.
    """

    def __init__(
        self, house: House, display: Display, address: str, ports: PortNotes | None = None
    ) -> None:
        self.house = house
        self.newest: Run | None = None
        self._display = display
        self._address = address
        self._ports = ports
        self._announced: tuple[object, ...] | None = None

    def committed(self, run: Run, _: object) -> None:
        """A listener, for what happens after the following has ended."""
        if self.newest is None or self.newest.id == run.id:
            self.newest = run

    async def follow(self, run_id: RunId, until: Callable[[Run], bool], after: int = 0) -> Run:
        """The run as it is when `until` says so; events up to `after` are not told again."""
        async with self._watching():
            return await self._followed(run_id, until, after)

    async def _followed(self, run_id: RunId, until: Callable[[Run], bool], after: int) -> Run:
        run: Run | None = None
        async for rows in self.house.engine.follow(run_id):
            for row in rows:
                run = _after(run_id, run, row)
                if row.seq > after:
                    self._display.happened(run, row.event)
            if run is None or not rows:
                continue
            self.newest = run
            self._announce(run)
            if until(run):
                return run
        raise AssertionError("following never ends by itself")

    @contextlib.asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        """How far the running step is, whichever server has it."""
        task = asyncio.create_task(self._watch()) if self._display.is_live else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self.newest is None:
                continue
            with contextlib.suppress(FlowsError):
                told = await self.house.progress.shown(self.newest)
                self._display.progressed(self.newest, told)

    def _announce(self, run: Run) -> None:
        """Each opening of a gate, and again after each vote."""
        gate = run.open_gate
        if gate is None:
            return
        state = (gate.step, gate.generation, len(gate.votes))
        if state != self._announced:
            self._announced = state
            self._display.awaits(run, gate, self._urls(run, gate))

    def _urls(self, run: Run, gate: Gate) -> Mapping[str, str] | None:
        if gate.link is None or not self._address:
            return None
        if self._ports:
            self._ports.note(run.id, self._address)
        return link_urls(self.house.engine, lambda: self._address, run, run.links[gate.link])

    async def end(self, run: Run) -> None:
        """The display's last word, with the traceback of what failed."""
        if run.finished and self._ports:
            self._ports.forget(run.id)
        failed = run.status is RunStatus.FAILED
        self._display.ended(run, await self.house.engine.outputs(run) if failed else {})


def _after(run_id: RunId, run: Run | None, row: e.Recorded) -> Run:
    if run is None:
        assert isinstance(row.event, e.RunCreated)  # noqa: S101 (every log begins so)
        return machine.created(run_id, row.event, row.at)
    return machine.evolve(run, row.event, row.at)
