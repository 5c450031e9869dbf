"""How soon a run without a kernel goes on: beside a kernel that starts, imports and reads."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from jupyter_client.multikernelmanager import AsyncMultiKernelManager

from benchmarks import states
from benchmarks.notebooks import NOW, notebook
from benchmarks.numbers import median, ms, times
from benchmarks.outside import Client, OutsideServer
from benchmarks.states import MB
from benchmarks.table import Row
from benchmarks.votes import open_gate, result
from jupyter_flows.core.model import RunId
from jupyter_flows.kernels.session import Limits
from jupyter_flows.kernels.sessions import KernelSessions
from jupyter_flows.ports import Cell, KernelRequest, SaveRequest

RUN = RunId("run_of_the_benchmark")
IMPORTS = "import numpy, pandas"
GIVEN = 1.0
"""Seconds that a run with 200 MB may take to go on, besides a kernel's start and its imports."""

READ = """
import pathlib, time, numpy
files = [(open(path, "rb", buffering=0), path.stat().st_size)
         for path in pathlib.Path({blobs!r}).glob("*/*")]
before, memories = time.perf_counter(), []
for file, size in files:
    memories.append(numpy.empty(size, "u1"))
    file.readinto(memories[-1])
time.perf_counter() - before
"""

Saved = Mapping[str, Any]
Took = dict[str, float]


async def measure(folder: Path, *, quick: bool) -> list[Row]:
    (folder / "loads").mkdir()
    return [
        await _loading(folder / "loads", 200 * MB if quick else 1000 * MB, 3 if quick else 7),
        await _released(folder / "released", 40 * MB if quick else 200 * MB, 2 if quick else 5),
    ]


# ---------------------------------------------------------------- kernels by themselves


@asynccontextmanager
async def _kernels() -> AsyncIterator[KernelSessions]:
    manager = AsyncMultiKernelManager()
    kernels = KernelSessions(manager, limits=Limits(), log=logging.getLogger("benchmarks"))
    try:
        yield kernels
    finally:
        await kernels.stop()


async def _open(kernels: KernelSessions, folder: Path) -> None:
    asked = KernelRequest(
        run=RUN, kernel_name="python3", kernel_id=None, path="", folder=str(folder)
    )
    await kernels.open(asked)


async def _ran(kernels: KernelSessions, source: str) -> Any:
    outcome = await kernels.execute(RUN, Cell(step="c0", attempt=1, source=source))
    if outcome.error is not None:
        raise RuntimeError(str(outcome.error))
    return outcome.result


async def _timed(work: Awaitable[Any]) -> float:
    start = time.perf_counter()
    await work
    return time.perf_counter() - start


# ---------------------------------------------------------------- loading


async def _loading(folder: Path, size: int, rounds: int) -> Row:
    async with _kernels() as kernels:
        await _open(kernels, folder)
        await _ran(kernels, states.source("numeric", size))
        saved = await kernels.save(RUN, SaveRequest(folder=str(folder)))
        await kernels.close(RUN)
        ways: dict[str, Callable[[], Awaitable[Took]]] = {
            "ours": lambda: _restored(kernels, folder, saved),
            "read": lambda: _read(kernels, folder),
        }
        found: dict[str, list[Took]] = {name: [] for name in ways}
        for number in range(rounds + 1):
            order = list(ways)
            random.Random(number).shuffle(order)
            for name in order:
                found[name].append(await ways[name]())
                await kernels.close(RUN)
    return _loading_row(size, {name: took[1:] for name, took in found.items()})  # the first: warm


async def _restored(kernels: KernelSessions, folder: Path, saved: Saved) -> Took:
    start = await _timed(_open(kernels, folder))
    asked = list(saved["distributions"]), list(saved["files"])
    known = await _timed(kernels.environment(RUN, *asked))
    return {
        "start": start,
        "load": known + await _timed(kernels.restore(RUN, str(folder), saved, [])),
    }


async def _read(kernels: KernelSessions, folder: Path) -> Took:
    start = await _timed(_open(kernels, folder))
    imports = await _timed(_ran(kernels, IMPORTS))
    read = await _ran(kernels, READ.format(blobs=str(folder / "blobs")))
    return {"start": start, "imports": imports, "read": float(read)}


def _loading_row(size: int, found: Mapping[str, list[Took]]) -> Row:
    ours = [took["start"] + took["load"] for took in found["ours"]]
    least = [took["start"] + took["imports"] + took["read"] / 2 for took in found["read"]]
    ratio = median([a / b for a, b in zip(ours, least, strict=True)])
    shown = {part: ms(median([took[part] for took in found["read"]])) for part in found["read"][0]}
    return Row(
        what=f"resume with {size // MB:,} MB of arrays",
        ours=f"{ms(median(ours))} (load {ms(median([took['load'] for took in found['ours']]))})",
        peers=shown,
        ratio=times(ratio),
        value=ratio,
        target=1.0,
        says="at most start + imports + half the read",
    )


# ---------------------------------------------------------------- a whole run


async def _released(folder: Path, size: int, rounds: int) -> Row:
    found: list[float] = []
    least: list[float] = []
    async with _kernels() as kernels:
        with OutsideServer(folder, checkpoint="always") as server:
            for _ in range(rounds):
                found.append(await asyncio.to_thread(_gone_on, server, size))
                start = await _timed(_open(kernels, folder))
                least.append(start + await _timed(_ran(kernels, IMPORTS)))
                await kernels.close(RUN)
    more = median([a - b for a, b in zip(found, least, strict=True)])
    return Row(
        what=f"vote to the next cell's start, {size // MB} MB, its kernel released",
        ours=ms(median(found)),
        peers={"kernel start and imports": ms(median(least))},
        ratio=f"{more * 1000:+,.0f} ms",
        value=more,
        target=GIVEN,
        says="at most 1 s above start and imports",
    )


def _gone_on(server: OutsideServer, size: int) -> float:
    """Seconds from the sending of the vote to the start of the cell behind the gate."""
    asked = notebook([states.source("numeric", size), "{}", NOW], {1: ["suspend"]})
    with closing(server.client()) as client:
        run = client.ask("POST", "/jupyter-flows/api/runs", {"notebook": asked})["id"]
        link = open_gate(client, run, 0)
        _wait_for_release(client, run)
        voted = time.time()  # noqa: TID251 (the cell tells the same clock)
        client.ask("POST", link)
        took = result(client, run, "c2") - voted
        events = client.ask("GET", f"/jupyter-flows/api/runs/{run}")
    if events["status"] not in {"running", "succeeded"}:
        raise RuntimeError(f"the run is {events['status']}: {events['error']}")
    return took


def _wait_for_release(client: Client, run: str) -> None:
    while not client.ask("GET", f"/jupyter-flows/api/runs/{run}")["released_at"]:
        time.sleep(0.1)
