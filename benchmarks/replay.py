"""Loading long runs from their events: the time must grow with the length, not its square."""

import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from benchmarks.notebooks import PASS, notebook
from benchmarks.numbers import median, ms, times
from benchmarks.seed import NOW, QuickStore, Told, prepared
from benchmarks.table import Row
from jupyter_flows.core import commands as c
from jupyter_flows.core.model import Voter
from jupyter_flows.store.sql import SqlStore

LINEAR = 2.6
"""For twice the length: 2, and some room for noise."""

Make = Callable[[SqlStore, int], Coroutine[Any, Any, Told]]


async def measure(folder: Path, *, quick: bool) -> list[Row]:
    store = QuickStore(f"sqlite:///{folder / 'flows.db'}", folder)
    steps, votes = (2_000, 200) if quick else (10_000, 1_000)
    rows = [
        await _row(store, _with_steps, steps, "step events"),
        await _row(store, _with_votes, votes, "votes"),
    ]
    await store.close()
    return rows


async def _row(store: SqlStore, make: Make, length: int, unit: str) -> Row:
    half, whole = await make(store, length // 2), await make(store, length)
    for told in (half, whole):
        await told.keep(store)
    found = [(await _load(store, half), await _load(store, whole)) for _ in range(5)]
    growth = median([long / short for short, long in found])
    return Row(
        what=f"loading a run of {length:,} {unit}",
        ours=ms(median([long for _, long in found])),
        peers={f"{length // 2:,}": ms(median([short for short, _ in found]))},
        ratio=times(growth),
        value=growth,
        target=LINEAR,
        says=f"twice the length takes at most {LINEAR:g}x (linear is 2)",
    )


async def _load(store: SqlStore, told: Told) -> float:
    store._states.clear()  # noqa: SLF001 (what is measured is the first reading)
    start = time.perf_counter()
    run = await store.load(told.run.id)
    took = time.perf_counter() - start
    if run != told.run:
        raise RuntimeError("the run is not what it was")
    return took


async def _with_steps(store: SqlStore, events: int) -> Told:
    """Each step starts and succeeds: two events."""
    cells = [PASS] * (events // 2)
    told = Told(f"run_steps_{events}", await prepared(store, notebook(cells)), NOW)
    told.tell(c.Start(), c.Advance())
    while not told.run.finished:
        told.finish_step()
    return told


async def _with_votes(store: SqlStore, votes: int) -> Told:
    asked = notebook([PASS, PASS], {0: ["suspend"]})
    asked["cells"][0]["metadata"]["flow"] = {"suspend": {"required_events": votes + 1}}
    told = Told(f"run_votes_{votes}", await prepared(store, asked), NOW)
    told.tell(c.Start(), c.Advance())
    told.finish_step("link")
    for number in range(votes):
        voter = Voter(f"approver {number}", verified=True, route="rest")
        told.tell(
            c.CastVote(
                gate=told.run.open_gate.step,  # type: ignore[union-attr]
                generation=1,
                voter=voter,
                approved=True,
            )
        )
    return told
