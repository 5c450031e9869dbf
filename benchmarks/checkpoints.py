"""What saving a run's variables costs, letting its kernel go, and coming back."""

import inspect
import sys
import time
from pathlib import Path

from benchmarks import released, resumes, saves, suspends
from benchmarks.table import Row, markdown

PARTS = (saves, resumes, released, suspends)


async def measure(folder: Path, *, quick: bool) -> list[Row]:
    rows: list[Row] = []
    for part in PARTS:
        start = time.perf_counter()
        name = part.__name__.rpartition(".")[2]
        place = folder / name
        place.mkdir()
        found = part.measure(place, quick=quick)
        new = await found if inspect.isawaitable(found) else found
        rows += new
        took = time.perf_counter() - start
        print(f"checkpoints, {name}: {took:.0f} s", file=sys.stderr)
        print(markdown(new), file=sys.stderr, flush=True)  # should a later part fail
    return rows
