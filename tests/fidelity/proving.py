"""Proves a case in fresh processes: saved in one, restored in a second and a third."""

import json
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.fidelity.case import Case

ROOT = Path(__file__).parents[2]
SEEDS = {"save": "1", "restore": "2"}
"""Of the hashes of strings, which differ between processes; else sets would look restored."""


@dataclass(frozen=True)
class Proof:
    case: Case
    outcome: str  # restored, unsaved, rehearsed, skipped or failed
    said: str
    reasons: tuple[tuple[str, str, str], ...]  # name, path and reason of what is not saved
    seconds: float


class Wrong(AssertionError):
    """What a case found."""


class Processes:
    """One that saves, one that restores."""

    def __init__(self) -> None:
        self.running = {side: _started(seed) for side, seed in SEEDS.items()}

    def ask(self, side: str, **asked: object) -> dict:
        process = self.running[side]
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise Wrong(f"the process that should {side} is gone")
        return json.loads(line)

    def close(self) -> None:
        for process in self.running.values():
            process.stdin.close()
            process.wait(timeout=60)
            process.stdout.close()


def _started(seed: str) -> subprocess.Popen:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    quiet = {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fidelity.kernel"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **quiet, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
    )


class Proving:
    """Proves many cases, on as many cores as there are."""

    def __init__(self, cases: list[Case]) -> None:
        self.idle: SimpleQueue[Processes] = SimpleQueue()
        self.pairs = [Processes() for _ in range(min(len(cases), os.cpu_count() or 1))]
        for pair in self.pairs:
            self.idle.put(pair)
        self.pool = ThreadPoolExecutor(len(self.pairs))
        self.proofs: dict[str, Future[Proof]] = {
            case.name: self.pool.submit(self.prove, case) for case in cases
        }

    def close(self) -> None:
        self.pool.shutdown(cancel_futures=True)
        for pair in self.pairs:
            pair.close()

    def prove(self, case: Case) -> Proof:
        if case.missing:
            return Proof(case, "skipped", f"{case.missing} is not installed", (), 0.0)
        pair, began = self.idle.get(), perf_counter()
        try:
            reasons = _proven(pair, case)
        except Wrong as error:
            return Proof(case, "failed", str(error), (), perf_counter() - began)
        finally:
            self.idle.put(pair)
        return Proof(case, case.outcome, "", reasons, perf_counter() - began)


def _proven(pair: Processes, case: Case) -> tuple[tuple[str, str, str], ...]:
    with TemporaryDirectory() as folder:
        place = Path(folder, "place")
        place.mkdir()
        for name, text in case.files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
        told = {"case": asdict(case), "folder": folder, "place": str(place)}
        saved = _checked(pair.ask("save", act="save", **told))
        bound = _reported(case, saved)
        told |= {"kernel": saved["kernel"], "bound": bound}
        if case.rehearsed:
            said = _checked(pair.ask("restore", act="rehearse", **told))
            return ((case.rehearsed, case.rehearsed, f"found by the dry run: {said['reason']}"),)
        restored = _checked(pair.ask("restore", act="restore", **told))
        _alike(saved["told"], restored["told"])
        if restored["kernel"]["unsaved"]:
            raise Wrong(f"restored, but not to be saved again: {restored['kernel']['unsaved']}")
        again = pair.ask("restore", act="again", **told, again=restored["kernel"])
        _alike(saved["told"], _checked(again)["told"])
        unsaved = saved["kernel"]["unsaved"]
        return tuple((each["name"], each["path"], each["reason"]) for each in unsaved)


def _checked(answer: dict) -> dict:
    if "error" in answer:
        raise Wrong(answer["error"])
    return answer


def _reported(case: Case, saved: dict) -> list[str]:
    """The names that have to be there after restoring. Every other one is named as unsaved."""
    kernel = saved["kernel"]
    unsaved = {each["name"]: each for each in kernel["unsaved"]}
    if set(unsaved) != set(case.unsaved):
        raise Wrong(f"unsaved: {kernel['unsaved']}, where {sorted(case.unsaved)} was expected")
    for name, word in case.unsaved.items():
        if word not in f"{unsaved[name]['type']}: {unsaved[name]['reason']}":
            raise Wrong(f"{unsaved[name]} does not say {word!r}")
    for name, path in case.paths.items():
        if unsaved[name]["path"] != path:
            raise Wrong(f"{unsaved[name]} is not at {path}")
    named = {*kernel["names"], *kernel["replayed"], *unsaved}
    if named != set(saved["names"]):
        raise Wrong(f"named: {sorted(named)}, where there are {saved['names']}")
    return sorted(set(saved["names"]) - set(unsaved))


def _alike(told: list[str], restored: list[str]) -> None:
    if told != restored:
        raise Wrong(f"the original told {told}, what was restored {restored}")
