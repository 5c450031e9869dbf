"""What saving a run's variables costs, letting its kernel go, and coming back."""

from pathlib import Path

from benchmarks import released, resumes, saves, suspends
from benchmarks.table import Row


async def measure(folder: Path, *, quick: bool) -> list[Row]:
    rows = saves.measure(folder, quick=quick)
    for part in (resumes, released, suspends):
        place = folder / part.__name__
        place.mkdir()
        rows += await part.measure(place, quick=quick)
    return rows
