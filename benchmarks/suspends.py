"""What saving costs a run that goes through: between its cells, and at a gate."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import states
from benchmarks.contenders import gaps
from benchmarks.inside import serving
from benchmarks.notebooks import NOW, PASS, Notebook, notebook
from benchmarks.numbers import flat, median, ms, paired_ratio, percentile, spread, times
from benchmarks.states import MB
from benchmarks.table import Row
from jupyter_flows.composition import House
from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core.model import Run, RunStatus, Voter
from jupyter_flows.engine.asked import NewRun

GLOBALS = """
import time
before, total = time.perf_counter(), 0
for number in range(1_000_000):
    total += number * 3
time.perf_counter() - before
"""
"""A loop that reads and writes the notebook's own names."""

WORK = "for _ in range({often} * 3):\n    prices *= 1.0000001\n    numpy.sin(prices[:10_000_000])"
"""Changes half of the variables, for more than a second."""

NOISE = 1.05

Rounds = dict[str, list[list[float]]]
Measured = Callable[[House, Notebook], Awaitable[list[float]]]


async def measure(folder: Path, *, quick: bool) -> list[Row]:
    async with serving(folder) as house:
        rounds = 3 if quick else 7
        return [
            _row("time per cell, 200 x pass", await _compared(house, [PASS] * 200, rounds, _gaps)),
            _row(
                "a loop of 1,000,000 over globals",
                await _compared(house, [GLOBALS] * 10, rounds, _own),
            ),
            await _long(house, quick=quick),
            *await _gates(house, 5 if quick else 15),
        ]


# ---------------------------------------------------------------- between cells


async def _compared(house: House, cells: Sequence[str], rounds: int, measured: Measured) -> Rounds:
    """With the variables saved as by default, and never; `never` twice, to see the noise."""
    ways = {"auto": "auto", "never": "never", "never again": "never"}
    found: Rounds = {name: [] for name in ways}
    for number in range(rounds):
        order = list(ways)
        random.Random(number).shuffle(order)
        for name in order:
            found[name].append(await measured(house, _notebook(cells, ways[name])))
    return found


def _notebook(cells: Sequence[str], when: str, tags: Mapping[int, list[str]] | None = None) -> Any:
    asked = notebook(cells, tags)
    asked["metadata"]["flow"] = {"checkpoint": when}
    return asked


async def _gaps(house: House, asked: Notebook) -> list[float]:
    """From one cell's end to the next one's."""
    _, rows = await _ran(house, asked)
    return gaps([at for at, event in rows if isinstance(event, e.StepSucceeded)])[5:]


async def _own(house: House, asked: Notebook) -> list[float]:
    """What the cells say themselves."""
    run, _ = await _ran(house, asked)
    return [float(step.result) for step in run.steps.values()]


async def _ran(house: House, asked: Notebook) -> tuple[Run, list[tuple[float, e.Event]]]:
    rows: list[tuple[float, e.Event]] = []

    def committed(_: Run, events: Sequence[e.Recorded]) -> None:
        rows.extend((time.perf_counter(), row.event) for row in events)

    unlisten = house.engine.listen(committed)
    new = NewRun(notebook=asked, path="", owner="benchmark", parameters={})
    run = await house.engine.settled((await house.engine.create(new)).id)
    unlisten()
    if run.status is not RunStatus.SUCCEEDED:
        raise RuntimeError(f"the run is {run.status}: {run.error}")
    return run, rows


def _row(what: str, found: Rounds, says: str = "none beyond noise") -> Row:
    ratio = paired_ratio(found["auto"], found["never"])
    noise = paired_ratio(found["never again"], found["never"])
    return Row(
        what=f"variables saved as by default, and never: {what}",
        ours=spread(flat(found["auto"])),
        peers={
            "never": spread(flat(found["never"])),
            "never again": f"{spread(flat(found['never again']))}, {times(noise)}",
        },
        ratio=times(ratio),
        value=ratio,
        target=NOISE,
        says=f"at most {NOISE:g}: {says}",
    )


async def _long(house: House, *, quick: bool) -> Row:
    """Long enough to be saved in between: a twentieth of the cells' time may go into that."""
    size, cells, rounds = (40 * MB, 4, 1) if quick else (200 * MB, 6, 3)
    work = [states.source("numeric", size), *[WORK.format(often=800 * MB // size)] * cells]
    saves: list[int] = []

    async def whole(house: House, asked: Notebook) -> list[float]:
        """From the end of the cell that makes the variables to the end of the last."""
        _, rows = await _ran(house, asked)
        ends = [at for at, event in rows if isinstance(event, e.StepSucceeded)]
        if asked["metadata"]["flow"]["checkpoint"] == "auto":
            saves.append(sum(isinstance(event, e.CheckpointSaved) for _, event in rows))
        return [ends[-1] - ends[0]]

    found = await _compared(house, work, rounds, whole)
    what = f"{cells} cells that change {size // MB} MB (saved {median(saves):g} times in between)"
    return _row(what, found, "a twentieth may go into it")


# ---------------------------------------------------------------- at a gate


async def _gates(house: House, rounds: int) -> list[Row]:
    """A vote that comes at once, and one that comes when the variables are saved."""
    ways = {"at once": "auto", "never saved": "never", "once saved": "auto"}
    delays: dict[str, list[float]] = {name: [] for name in ways}
    saving: list[float] = []
    for _ in range(rounds):
        for name, when in ways.items():
            gate = _Gate(house)
            delays[name].append(await gate.delay(when, waits=name == "once saved"))
            if name == "once saved":
                saving.append(gate.saved_after)
    shown = {
        name: f"{ms(median(took))} (p90 {ms(percentile(took, 90))})"
        for name, took in delays.items()
    }
    more = median([a - b for a, b in zip(delays["at once"], delays["never saved"], strict=True)])
    return [
        Row(
            what="a gate opens, to its variables being saved, a small notebook",
            ours=f"{ms(median(saving))} (p90 {ms(percentile(saving, 90))})",
        ),
        Row(
            what="… a vote the moment it opens, to the next cell's start",
            ours=shown["at once"],
            peers={name: shown[name] for name in ("never saved", "once saved")},
            ratio=f"{more * 1000:+,.1f} ms",
        ),
    ]


class _Gate:
    """One run of three cells with a gate."""

    def __init__(self, house: House) -> None:
        self._engine = house.engine
        self._events: asyncio.Queue[tuple[float, e.Event, Run]] = asyncio.Queue()
        self.saved_after = 0.0

    async def delay(self, when: str, *, waits: bool) -> float:
        """Seconds from the vote to the start of the cell behind the gate."""
        unlisten = self._engine.listen(self._committed)
        asked = _notebook(["x = {'a': [1, 2, 3], 'b': 'text'}", PASS, NOW], when, {1: ["suspend"]})
        new = NewRun(notebook=asked, path="", owner="benchmark", parameters={})
        run = await self._engine.create(new)
        opened, state = await self._until(e.GateOpened)
        if waits:
            saved, state = await self._until(e.CheckpointSaved)
            self.saved_after = saved - opened
        voted = time.time()  # noqa: TID251 (the cell tells the same clock)
        await self._engine.vote(run.id, _approval(state))
        ended = await self._engine.settled(run.id)
        unlisten()
        return float(ended.result) - voted

    def _committed(self, run: Run, events: Sequence[e.Recorded]) -> None:
        for row in events:
            self._events.put_nowait((time.perf_counter(), row.event, run))

    async def _until(self, kind: type) -> tuple[float, Run]:
        while True:
            async with asyncio.timeout(60):
                at, event, run = await self._events.get()
            if isinstance(event, kind):
                return at, run


def _approval(run: Run) -> c.CastVote:
    gate = run.open_gate
    if gate is None:
        raise RuntimeError("no gate is open")
    voter = Voter("benchmark", verified=True, route="rest")
    return c.CastVote(gate=gate.step, generation=gate.generation, voter=voter, approved=True)
