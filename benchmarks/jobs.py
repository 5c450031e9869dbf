"""The package `wmill` in a cell: what a call costs, how soon a child's end is known, and a hundred
children that take turns.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.notebooks import notebook
from benchmarks.numbers import flat, median, ms, paired_ratio, spread, times
from benchmarks.outside import Client, OutsideServer, free_port
from benchmarks.table import Row

CALLS = """
import os, time, wmill
from wmill import Windmill

ours, bare = Windmill(), Windmill(base_url="http://127.0.0.1:{port}")

def taken(client, count):
    found = []
    for _ in range(count):
        begun = time.perf_counter()
        client.get_job(os.environ["WM_JOB_ID"])
        found.append(time.perf_counter() - begun)
    return found

taken(ours, 50), taken(bare, 50)
rounds = [(taken(ours, {count}), taken(bare, {count})) for _ in range({rounds})]
[[a for a, _ in rounds], [b for _, b in rounds]]
"""

WAITS = """
import time
from wmill import Windmill
late = []
for _ in range({count}):
    client = Windmill()
    job = client.run_flow_async("child")
    ended = client.wait_job(job)
    late.append(time.time() - ended)
late
"""

CHILDREN = """
from wmill import Windmill
client = Windmill()
jobs = [client.run_flow_async("quick", {{"n": n}}) for n in range({count})]
[client.wait_job(job) for job in jobs]
"""


def measure(folder: Path, *, quick: bool) -> list[Row]:
    flows = folder / "flows-of-benchmark"
    flows.mkdir()
    child = notebook(["import time", "time.sleep(1)", "time.time()"])
    (flows / "child.ipynb").write_text(json.dumps(child))
    (flows / "quick.ipynb").write_text(json.dumps(notebook(["n + 1"])))
    with OutsideServer(folder, flows_dir=str(flows)) as server, closing(server.client()) as client:
        return [
            _calls(client, 5 if quick else 15),
            _waits(client, 3 if quick else 12),
            _children(server, client, 20 if quick else 100),
        ]


def _run(client: Client, source: str) -> str:
    asked = {"notebook": notebook([source])}
    run: str = client.ask("POST", "/jupyter-flows/api/runs", asked)["id"]
    return run


def _result(client: Client, run: str) -> Any:
    while (found := client.ask("GET", f"/jupyter-flows/api/runs/{run}"))["finished_at"] is None:
        time.sleep(0.05)
    if found["status"] != "succeeded":
        raise RuntimeError(f"the run ended as {found['status']}: {found['error']}")
    return found["result"]


@contextmanager
def _bare() -> Iterator[int]:
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "benchmarks.bare_json", str(port)]) as process:
        try:
            yield port
        finally:
            process.terminate()


def _calls(client: Client, rounds: int) -> Row:
    with _bare() as port:
        time.sleep(2.0)
        cell = CALLS.format(port=port, count=40, rounds=rounds)
        ours, bare = _result(client, _run(client, cell))
    ratio = paired_ratio(ours, bare)
    return Row(
        what="a call of wmill in a cell (get_job)",
        ours=spread(flat(ours)),
        peers={"bare tornado": spread(flat(bare))},
        ratio=times(ratio),
        value=ratio,
        target=1.5,
        says="at most 1.5 of a bare handler's",
    )


def _waits(client: Client, count: int) -> Row:
    late = _result(client, _run(client, WAITS.format(count=count)))
    return Row(
        what=f"wait_job after its child's last cell ({count} children)",
        ours=f"{ms(median(late))} (at most {ms(max(late))})",
        value=median(late),
        target=0.05,
        says="at most 50 ms",
    )


def _children(server: OutsideServer, client: Client, count: int) -> Row:
    begun, most = time.perf_counter(), 0
    run = _run(client, CHILDREN.format(count=count))
    path = f"/jupyter-flows/api/runs/{run}"
    while client.ask("GET", path)["finished_at"] is None:
        most = max(most, _kernels(server.process) - 1)
        time.sleep(0.1)
    taken = time.perf_counter() - begun
    if _result(client, run) != [n + 1 for n in range(count)]:
        raise RuntimeError("the children came to something else")
    return Row(
        what=f"{count} children of one notebook: wall time, and their kernels at once",
        ours=f"{taken:.1f} s, {most} kernels",
        ratio=f"{taken / count:.2f} s each",
        value=float(most),
        target=4.0,
        says="4 kernels at once",
    )


def _kernels(server: psutil.Process) -> int:
    """How many kernels the server has, beside it."""
    found = 0
    for process in server.children():
        try:
            found += "ipykernel" in " ".join(process.cmdline())
        except psutil.Error:
            continue
    return found
