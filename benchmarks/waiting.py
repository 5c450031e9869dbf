"""A server over 10,000 suspended runs beside one over an empty store: they should be alike."""

import asyncio
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.inside import serving
from benchmarks.numbers import median, ms
from benchmarks.outside import OutsideServer
from benchmarks.seed import seed
from benchmarks.table import Row

MB = 2**20


def measure(folder: Path, *, quick: bool) -> list[Row]:
    count = 1_000 if quick else 10_000
    window = 5.0 if quick else 20.0
    full, empty = folder / "full", folder / "empty"
    seed(full / "flows", count)
    seed(empty / "flows", 0)
    return [
        _ready(full, empty, f"a server over {count:,} suspended runs", 2 if quick else 5),
        *_at_rest(full, empty, f"… {count:,} suspended", window),
        _tasks(full, empty, f"… {count:,} suspended: tasks and threads"),
    ]


def _ready(full: Path, empty: Path, what: str, rounds: int) -> Row:
    found: dict[Path, list[float]] = {full: [], empty: []}
    for number in range(rounds):
        for folder in (full, empty) if number % 2 else (empty, full):
            with OutsideServer(folder) as server:
                found[folder].append(server.ready_after)
    more = median([a - b for a, b in zip(found[full], found[empty], strict=True)])
    return Row(
        what=f"{what}: ready after",
        ours=ms(median(found[full])),
        peers={"empty store": ms(median(found[empty]))},
        ratio=f"{more * 1000:+.0f} ms",
        value=more,
        target=1.0,
        says="at most 1 s later",
    )


def _at_rest(full: Path, empty: Path, what: str, window: float) -> list[Row]:
    with ExitStack() as stack:
        servers = [stack.enter_context(OutsideServer(folder)).process for folder in (full, empty)]
        time.sleep(3.0)
        before = [sum(server.cpu_times()[:2]) for server in servers]
        time.sleep(window)
        cpu = [
            (sum(server.cpu_times()[:2]) - start) / window
            for server, start in zip(servers, before, strict=True)
        ]
        rss = [server.memory_info().rss / MB for server in servers]
    more = rss[0] - rss[1]
    return [
        Row(
            what=f"{what}: memory (RSS)",
            ours=f"{rss[0]:.0f} MB",
            peers={"empty store": f"{rss[1]:.0f} MB"},
            ratio=f"{more:+.1f} MB",
            value=more,
            target=20.0,
            says="at most 20 MB more",
        ),
        Row(
            what=f"{what}: idle CPU over {window:g} s",
            ours=f"{cpu[0]:.2%} of a core",
            peers={"empty store": f"{cpu[1]:.2%}"},
            value=cpu[0],
            target=0.01,
            says="at most 1 % of a core",
        ),
    ]


def _tasks(full: Path, empty: Path, what: str) -> Row:
    ours, theirs = (asyncio.run(_counted(folder)) for folder in (full, empty))
    return Row(
        what=what,
        ours=f"{ours[0]} tasks, {ours[1]} threads",
        peers={"empty store": f"{theirs[0]} tasks, {theirs[1]} threads"},
        value=float(sum(ours) - sum(theirs)),
        target=0.0,
        says="no more",
    )


async def _counted(folder: Path) -> tuple[int, int]:
    async with serving(folder):
        await asyncio.sleep(1.0)
        return len(asyncio.all_tasks()), threading.active_count()
