"""A server over runs that wait without their kernels: they should cost it nothing."""

import asyncio
import contextlib
import gc
import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks.inside import serving
from benchmarks.notebooks import PASS, notebook
from benchmarks.outside import OutsideServer
from benchmarks.seed import NOW, QuickStore, Told, prepared, seed, two_votes
from benchmarks.table import Row
from jupyter_flows.composition import House, clock
from jupyter_flows.core import commands as c
from jupyter_flows.core import machine
from jupyter_flows.core.checkpoint import Checkpoint
from jupyter_flows.core.model import Digest, RunId
from jupyter_flows.engine.asked import NewRun
from jupyter_flows.engine.manifests import manifest
from jupyter_flows.store.checkpoints import CheckpointFolder, Limits

MB = 2**20
COUNT = 1_000
REALLY = 8
SAVED = b"what a pickle of some variables would be"


async def measure(folder: Path, *, quick: bool) -> list[Row]:
    full, empty = folder / "full", folder / "empty"
    await asyncio.to_thread(seed, full / "flows", 0)
    await asyncio.to_thread(seed, empty / "flows", 0)
    with _not_waiting_for_the_disk():
        await _seed(full / "flows")
    (folder / "really").mkdir()
    memory = await asyncio.to_thread(_memory, full, empty, 2 if quick else 5)
    return [memory, await _really(folder / "really")]


# ---------------------------------------------------------------- a thousand


@contextlib.contextmanager
def _not_waiting_for_the_disk() -> Iterator[None]:
    """As `QuickStore`."""
    waits, os.fsync = os.fsync, lambda _: None
    try:
        yield
    finally:
        os.fsync = waits


async def _seed(data: Path) -> None:
    """Runs as the engine leaves them: events in the store, a sealed manifest each."""
    store = QuickStore(f"sqlite:///{data / 'flows.db'}", data)
    limits = Limits(min_free=0)
    saved = CheckpointFolder(
        data / "checkpoints", limits, None, clock=clock, log=logging.getLogger("benchmarks")
    )
    ready = await prepared(store, two_votes())
    for number in range(COUNT):
        told = Told(f"run_{number:020}", ready, NOW + number)
        told.tell(c.Start(), c.Advance())
        told.finish_step(f"{number:040}")
        digest = await _commit(saved, told)
        covers = tuple(machine.steps_behind(told.run))
        checkpoint = Checkpoint(
            digest=digest,
            saved_at=NOW,
            covers=covers,
            attempts=machine.attempts(told.run, covers),
            tried=machine.tried(told.run),
            variables=1,
            size=40,
            new=40,
            seconds=0.1,
        )
        told.tell(c.SaveCheckpoint(checkpoint=checkpoint), c.ReleaseKernel(checkpoint=digest))
        if told.run.released_at is None:
            raise RuntimeError("the run is not released")
        await told.keep(store)
    await store.close()


async def _commit(saved: CheckpointFolder, told: Told) -> Digest:
    place = await saved.place(told.run.id)
    name = hashlib.sha256(SAVED).hexdigest()
    blob = Path(place.folder) / "blobs" / name[:2] / name
    blob.parent.mkdir(exist_ok=True)
    blob.write_bytes(SAVED)
    stream = {"sha256": name, "bytes": len(SAVED), "names": ["x"]}
    covers = machine.steps_behind(told.run)
    kernel = {"streams": [stream], "blobs": [], "names": {"x": {"type": "int", "bytes": 40}}}
    return await saved.commit(told.run.id, place, manifest(told.run, covers, kernel))


def _memory(full: Path, empty: Path, rounds: int) -> Row:
    """Of servers side by side, after a while, and after they listed all their runs."""
    found = [_one_memory(full, empty) for _ in range(rounds)]
    more = sorted(a - b for a, b in found)[len(found) // 2]
    ours, theirs = (sorted(each)[len(each) // 2] for each in zip(*found, strict=True))
    return Row(
        what=f"a server over {COUNT:,} suspended runs, kernels released: memory (RSS)",
        ours=f"{ours:.0f} MB",
        peers={"empty store": f"{theirs:.0f} MB"},
        ratio=f"{more:+.1f} MB",
        value=more,
        target=20.0,
        says="at most 20 MB more",
    )


def _one_memory(full: Path, empty: Path) -> tuple[float, float]:
    with ExitStack() as stack:
        servers = [stack.enter_context(OutsideServer(folder)).process for folder in (full, empty)]
        time.sleep(3.0)
        ours, theirs = (server.memory_info().rss / MB for server in servers)
        if any(server.children() for server in servers):
            raise RuntimeError("a server has started kernels")
    return ours, theirs


# ---------------------------------------------------------------- some for real


async def _really(folder: Path) -> Row:
    """The first lot makes what a server makes once; what the second one leaves is counted."""
    async with serving(folder, checkpoint="always") as house:
        await _release(house, REALLY)
        before = await _settled()
        await _release(house, REALLY)
        after = await _settled()
    left = {name: after[name] - before[name] for name in before}
    return Row(
        what=f"{REALLY} runs suspended, saved, and their kernels really released leave behind",
        ours=", ".join(f"{left[name]:+d} {name}" for name in left if name != "kB"),
        ratio=f"{left['kB']:+,d} kB (RSS)",
        value=float(sum(max(count, 0) for name, count in left.items() if name != "kB")),
        target=0.0,
        says="no tasks, threads, open files, processes",
    )


async def _release(house: House, count: int) -> None:
    asked = notebook(["x = 1", PASS, "x"], {1: ["suspend"]})
    new = NewRun(notebook=asked, path="", owner="benchmark", parameters={})
    runs = [(await house.engine.create(new)).id for _ in range(count)]
    async with asyncio.timeout(300):
        for run in runs:
            await _released(house, run)


async def _released(house: House, run: RunId) -> None:
    while (state := await house.engine.run(run)).released_at is None:
        if state.finished or state.unsaved:
            raise RuntimeError(f"the run is {state.status}: {state.error or state.unsaved}")
        await asyncio.sleep(0.1)


async def _settled() -> Mapping[str, int]:
    await asyncio.sleep(3.0)
    gc.collect()
    process = psutil.Process(os.getpid())
    return {
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "open files": process.num_fds(),
        "processes": len(process.children()),
        "kB": process.memory_info().rss // 1024,
    }
