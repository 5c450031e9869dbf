"""Time per cell: ours through the engine with every event on disk, and the peers."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.contenders import Bare, Contender, Ours, by_nbclient, by_papermill
from benchmarks.inside import serving
from benchmarks.notebooks import PASS, TEN_KB, Notebook, notebook
from benchmarks.numbers import flat, paired_ratio, spread, times
from benchmarks.table import Row

BARE_TARGET = 1.15


async def measure(folder: Path, *, quick: bool) -> list[Row]:
    rounds = 3 if quick else 9
    async with _contenders(folder) as contenders:
        rows = []
        for what, cells in (("pass", [PASS] * 200), ("10 kB printed", [TEN_KB] * 100)):
            found = await _rounds(contenders, notebook(cells), rounds)
            rows += _rows(f"time per cell, {len(cells)} x {what}", found)
        return rows


@asynccontextmanager
async def _contenders(folder: Path) -> AsyncIterator[dict[str, Contender]]:
    bare = Bare()
    await bare.start()
    warm = [{"kernel_name": "python3", "count": 1}]
    async with serving(folder, warm_kernels=warm) as house:
        yield {
            "ours": Ours(house),
            "nbclient": by_nbclient,
            "papermill": by_papermill,
            "bare": bare,
        }
    await bare.stop()


async def _rounds(
    contenders: dict[str, Contender], asked: Notebook, rounds: int
) -> dict[str, list[list[float]]]:
    """Each round has all contenders, in an order of its own."""
    found: dict[str, list[list[float]]] = {name: [] for name in contenders}
    for number in range(rounds):
        order = list(contenders)
        random.Random(number).shuffle(order)
        for name in order:
            found[name].append((await contenders[name](asked))[5:])
    return found


def _rows(what: str, found: dict[str, list[list[float]]]) -> list[Row]:
    ours = found["ours"]
    shown = {name: spread(flat(rounds)) for name, rounds in found.items()}
    best, bare = paired_ratio(ours, found["nbclient"]), paired_ratio(ours, found["bare"])
    return [
        Row(
            what=what,
            ours=shown["ours"],
            peers={name: shown[name] for name in ("nbclient", "papermill")},
            ratio=times(best),
            value=best,
            target=1.0,
            says="at most 1 of nbclient",
        ),
        Row(
            what=f"{what}, over a bare trip",
            ours=shown["ours"],
            peers={"bare": shown["bare"]},
            ratio=times(bare),
            value=bare,
            target=BARE_TARGET,
            says=f"at most {BARE_TARGET:g} of the bare trip",
        ),
    ]
