"""Following a run to where the command ends, and telling a display of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jupyter_flows.cli.display import Display
from jupyter_flows.composition import House
from jupyter_flows.core import events as e
from jupyter_flows.core import machine
from jupyter_flows.core.model import Gate, Run, RunId, RunStatus
from jupyter_flows.web.urls import link_urls


def over(run: Run) -> bool:
    """Nothing goes on here by itself."""
    return run.finished or run.status is RunStatus.INTERRUPTED


def waiting_or_over(run: Run) -> bool:
    return over(run) or run.status is RunStatus.SUSPENDED


@dataclass(frozen=True, slots=True)
class Follower:
    """`address` says what links begin with, or is empty while no server has the run."""

    house: House
    display: Display
    address: Callable[[], str]

    async def follow(self, run_id: RunId, until: Callable[[Run], bool], after: int = 0) -> Run:
        """The run as it is when `until` says so; events up to `after` are not told again."""
        run: Run | None = None
        announced: tuple[object, ...] | None = None
        async for rows in self.house.engine.follow(run_id):
            for row in rows:
                run = _after(run_id, run, row)
                if row.seq > after:
                    self.display.happened(run, row.event)
            if run is None or not rows:
                continue
            gate = run.open_gate
            if gate and announced != _shown(gate):
                announced = _shown(gate)
                self.display.awaits(run, gate, self._urls(run, gate))
            if until(run):
                return run
        raise AssertionError("following never ends by itself")

    def _urls(self, run: Run, gate: Gate) -> Mapping[str, str] | None:
        if gate.link is None or not self.address():
            return None
        return link_urls(self.house.engine, self.address, run, run.links[gate.link])

    async def end(self, run: Run) -> None:
        """The display's last word, with the traceback of what failed."""
        outputs = {}
        if run.status is RunStatus.FAILED:
            outputs = await self.house.engine.outputs(run)
        self.display.ended(run, outputs)


def _shown(gate: Gate) -> tuple[object, ...]:
    """What is told again when it changes: another opening, another vote."""
    return (gate.step, gate.generation, len(gate.votes))


def _after(run_id: RunId, run: Run | None, row: e.Recorded) -> Run:
    if run is None:
        assert isinstance(row.event, e.RunCreated)  # noqa: S101 (the log begins so)
        return machine.created(run_id, row.event, row.at)
    return machine.evolve(run, row.event, row.at)
