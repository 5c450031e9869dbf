"""What saving a run's variables costs, letting its kernel go, and coming back."""

import inspect
import sys
import time
from pathlib import Path

from benchmarks import released, resumes, saves, suspends
from benchmarks.table import Row

PARTS = (saves, resumes, released, suspends)


async def measure(folder: Path, *, quick: bool) -> list[Row]:
    rows: list[Row] = []
    for part in PARTS:
        start = time.perf_counter()
        name = part.__name__.rpartition(".")[2]
        place = folder / name
        place.mkdir()
        found = part.measure(place, quick=quick)
        rows += await found if inspect.isawaitable(found) else found
        took = time.perf_counter() - start
        print(f"checkpoints, {name}: {took:.0f} s", file=sys.stderr, flush=True)
    return rows
