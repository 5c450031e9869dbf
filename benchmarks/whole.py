"""A whole notebook of ten cells: by command lines, in process, and over REST."""

import json
import random
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from benchmarks.notebooks import TEN_CELLS, notebook
from benchmarks.numbers import median, ms, times
from benchmarks.outside import Client, OutsideServer, bin_folder
from benchmarks.table import Row

WARM = [{"kernel_name": "python3", "count": 1}]
ENDS = {"event: RunSucceeded": True, "event: RunFailed": False, "event: RunCancelled": False}

Way = Callable[[], float]


def measure(folder: Path, *, quick: bool) -> list[Row]:
    with ExitStack() as stack:
        warm = stack.enter_context(OutsideServer(folder / "warm", warm_kernels=WARM))
        cold = stack.enter_context(OutsideServer(folder / "cold"))
        ways = _ways(folder, warm, cold)
        found: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(3 if quick else 7):
            order = list(ways)
            random.Random(number).shuffle(order)
            for name in order:
                found[name].append(ways[name]())
    return _rows(found)


def _ways(folder: Path, warm: OutsideServer, cold: OutsideServer) -> dict[str, Way]:
    path = folder / "ten.ipynb"
    path.write_text(json.dumps(notebook(TEN_CELLS)))
    out = str(folder / "out.ipynb")
    tool = bin_folder()
    own = [str(tool / "jupyter"), "flows", "run", str(path), "--output", out]

    def over_warm() -> float:
        warm.wait_for_warm_kernel()
        return over_rest(warm)

    return {
        "papermill": lambda: _command([str(tool / "papermill"), str(path), out]),
        "jupyter execute": lambda: _command(
            [str(tool / "jupyter"), "execute", str(path), "--output", out]
        ),
        "nbclient": _in_process,
        "warm": over_warm,
        "cold": lambda: over_rest(cold),
        "own": lambda: _command(own),
    }


def _command(arguments: list[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(arguments, capture_output=True, check=False)
    took = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{arguments}: {done.stderr.decode()[-2000:]}")
    return took


def _in_process() -> float:
    start = time.perf_counter()
    NotebookClient(nbformat.from_dict(notebook(TEN_CELLS))).execute()
    return time.perf_counter() - start


def over_rest(server: OutsideServer) -> float:
    """From the POST until the event stream says that the run succeeded."""
    with closing(server.client()) as client:
        start = time.perf_counter()
        run = client.ask("POST", "/jupyter-flows/api/runs", {"notebook": notebook(TEN_CELLS)})
        if not _succeeded(client, run["id"]):
            raise RuntimeError("the run did not succeed")
        return time.perf_counter() - start


def _succeeded(client: Client, run: str) -> bool:
    client.send("GET", f"/jupyter-flows/api/runs/{run}/events")
    return next(ENDS[line] for line in client.lines() if line in ENDS)


def _rows(found: dict[str, list[float]]) -> list[Row]:
    shown = {name: ms(median(values)) for name, values in found.items()}
    peers = {name: shown[name] for name in ("papermill", "jupyter execute", "nbclient")}
    targets = {
        "warm": ("10 cells over REST, a warm kernel", 0.1),
        "cold": ("10 cells over REST, no warm kernel", 0.4),
        "own": ("10 cells, `jupyter flows run`, nothing running", 0.6),
    }
    rows = []
    for name, (what, target) in targets.items():
        pairs = zip(found[name], found["papermill"], strict=True)
        ratio = median([ours / theirs for ours, theirs in pairs])
        says = f"at most {target:g} of papermill's command line"
        rows.append(
            Row(
                what=what,
                ours=shown[name],
                peers=peers,
                ratio=times(ratio),
                value=ratio,
                target=target,
                says=says,
            )
        )
    return rows
