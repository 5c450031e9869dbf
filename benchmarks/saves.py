"""Saving variables beside pickle, cloudpickle, dill and the disk itself, in fresh processes."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.numbers import median, ms, times
from benchmarks.states import MB
from benchmarks.table import Row

Told = dict[str, Any]
Found = Mapping[str, Sequence[Told]]

DILL_ROUNDS = 1
"""dill pickles in Python: once has to do for many small objects."""


def measure(folder: Path, *, quick: bool) -> list[Row]:
    return [*_buffers(folder, quick=quick), *_objects(folder, quick=quick)]


def _buffers(folder: Path, *, quick: bool) -> list[Row]:
    size, rounds = (200 * MB, 3) if quick else (1000 * MB, 5)
    few = 1 if quick else 2
    peers = dict.fromkeys(("pickle", "cloudpickle", "dill"), few)
    found = _rounds(folder, "buffers", size, {"ours": rounds, "raw": rounds, **peers})
    what = f"{size // MB:,} MB, nine tenths in buffers"
    return [_against_raw(what, found), _extra(found), _again(found)]


def _objects(folder: Path, *, quick: bool) -> list[Row]:
    size, rounds = (40 * MB, 3) if quick else (200 * MB, 3)
    peers = {"cloudpickle.dumps": 1 if quick else 2, "dill.dumps": DILL_ROUNDS}
    found = _rounds(folder, "objects", size, {"ours": rounds, "pickle.dumps": rounds, **peers})
    ratio = _paired(found, "seconds", "pickle.dumps")
    return [
        Row(
            what=f"save {size // MB} MB of instances, dicts and texts",
            ours=_seconds(found, "ours"),
            peers={name: _seconds(found, name) for name in found if name != "ours"},
            ratio=times(ratio),
            value=ratio,
            target=1.5,
            says="at most 1.5 of pickle.dumps",
        )
    ]


# ---------------------------------------------------------------- rounds


def _rounds(folder: Path, kind: str, size: int, ways: Mapping[str, int]) -> Found:
    """Each way so many times, in an order that changes from round to round."""
    found: dict[str, list[Told]] = {way: [] for way in ways}
    for number in range(max(ways.values())):
        order = [way for way, rounds in ways.items() if number < rounds]
        random.Random(number).shuffle(order)
        for way in order:
            found[way].append(saved(folder / "saved", kind, size, way))
    return found


def saved(folder: Path, kind: str, size: int, way: str) -> Told:
    """What a process of its own says of one save; what it wrote is removed."""
    arguments = [sys.executable, "-m", "benchmarks.saver", kind, str(size), way, str(folder)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)
    if done.returncode:
        raise RuntimeError(f"{kind} by {way}: status {done.returncode}, {done.stderr[-2000:]}")
    told: Told = json.loads(done.stdout.splitlines()[-1])
    return told


# ---------------------------------------------------------------- rows


def _of(found: Found, way: str, what: str) -> list[float]:
    return [float(told[what]) for told in found[way]]


def _seconds(found: Found, way: str, what: str = "seconds") -> str:
    return ms(median(_of(found, way, what)))


def _paired(found: Found, what: str, peer: str) -> float:
    pairs = zip(_of(found, "ours", what), _of(found, peer, "seconds"), strict=True)
    return median([ours / theirs for ours, theirs in pairs])


def _against_raw(what: str, found: Found) -> Row:
    ratio = _paired(found, "seconds", "raw")
    return Row(
        what=f"save {what}",
        ours=_seconds(found, "ours"),
        peers={"write + fsync": _seconds(found, "raw"), **_each(found, _seconds)},
        ratio=times(ratio),
        value=ratio,
        target=1.2,
        says="at most 1.2 of write + fsync",
    )


def _each(found: Found, shown: Callable[[Found, str], str]) -> dict[str, str]:
    return {way: shown(found, way) for way in ("pickle", "cloudpickle", "dill")}


def _extra(found: Found) -> Row:
    share = _share(found, "ours")
    return Row(
        what="… memory that saving takes besides, of what the variables take",
        ours=f"{share:.1%}",
        peers=_each(found, lambda found, way: f"{_share(found, way):.1%}"),
        value=share,
        target=0.05,
        says="at most 5 %",
    )


def _share(found: Found, way: str) -> float:
    return median([told["extra"] / told["state"] for told in found[way]])


def _again(found: Found) -> Row:
    written = max(told["new_again"] for told in found["ours"])
    ratio = _paired(found, "again", "raw")
    return Row(
        what=f"… once more, nothing changed ({written:,} bytes written)",
        ours=_seconds(found, "ours", "again"),
        peers={"write + fsync": _seconds(found, "raw")},
        ratio=times(ratio),
        value=ratio,
        target=0.25,
        says="at most 0.25 of write + fsync",
    )
