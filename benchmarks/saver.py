"""Makes some variables in a shell of its own and has them saved once: a process that starts fresh.

`python -m benchmarks.saver KIND SIZE WAY FOLDER` prints what it took, as JSON.
"""

import ctypes
import gc
import json
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle
import dill
from IPython.core.interactiveshell import InteractiveShell

from benchmarks import states
from jupyter_flows.client.checkpoint import names, saving

CHUNK = 8 << 20

Values = dict[str, Any]
Told = dict[str, Any]
Way = Callable[[Any, Values, Path], Told]


def main() -> None:
    kind, size, way, folder = sys.argv[1:]
    shell: Any = InteractiveShell.instance()
    shell.history_manager.enabled = False
    before = status("VmRSS")
    shell.run_cell(states.source(kind, int(size))).raise_error()
    chosen = names.chosen(shell)
    values = {name: each for name, each in chosen.items() if not isinstance(each, ModuleType)}
    _give_back()
    os.sync()
    state = status("VmRSS") - before
    told = WAYS[way](shell, values, Path(folder))
    print(json.dumps({**told, "state": state}))


# ---------------------------------------------------------------- what it took


def _give_back() -> None:
    """What making the variables has left over is not there to be used for saving them."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def measured() -> Iterator[Told]:
    """Seconds, and by how many bytes the process was larger than before at most."""
    told: Told = {}
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = status("VmRSS")
    start = time.perf_counter()
    yield told
    told["seconds"] = time.perf_counter() - start
    told["extra"] = max(status("VmHWM") - before, 0)


def status(what: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


# ---------------------------------------------------------------- ways


def ours(shell: Any, values: Values, folder: Path) -> Told:
    """And once more, with nothing changed."""
    del values
    asked = {"folder": str(folder), "limit_bytes": None, "budget_seconds": None, "exclude": []}
    with measured() as told:
        saved = saving.save(asked, shell)
    if saved["unsaved"]:
        raise RuntimeError(f"not saved: {saved['unsaved']}")
    start = time.perf_counter()
    again = saving.save(asked, shell)
    told |= {"again": time.perf_counter() - start, "new_again": again["new_bytes"]}
    return {**told, "bytes": saved["bytes"]}


def raw(shell: Any, values: Values, folder: Path) -> Told:
    """The same bytes, as they lie in memory, into one file."""
    del shell
    buffers: list[pickle.PickleBuffer] = []
    stream = pickle.dumps(values, 5, buffer_callback=buffers.append)
    parts = [memoryview(stream), *(buffer.raw() for buffer in buffers)]
    with measured() as told, _file(folder) as file:
        for part in parts:
            for start in range(0, part.nbytes, CHUNK):
                file.write(part[start : start + CHUNK])
    return {**told, "bytes": sum(part.nbytes for part in parts)}


def _dumped(dump: Callable[[Values, Any], None]) -> Way:
    def way(shell: Any, values: Values, folder: Path) -> Told:
        del shell
        with measured() as told, _file(folder) as file:
            dump(values, file)
        return told

    return way


@contextmanager
def _file(folder: Path) -> Iterator[Any]:
    """Open until all of it is on the disk."""
    folder.mkdir()
    with (folder / "dump").open("wb", buffering=0) as file:
        yield file
        os.fsync(file.fileno())


def _made(dumps: Callable[[Values], bytes]) -> Way:
    """In memory only."""

    def way(shell: Any, values: Values, folder: Path) -> Told:
        del shell, folder
        with measured() as told:
            made = dumps(values)
        return {**told, "bytes": len(made)}

    return way


WAYS: Mapping[str, Way] = {
    "ours": ours,
    "raw": raw,
    "pickle": _dumped(lambda values, file: pickle.dump(values, file, 5)),
    "cloudpickle": _dumped(cloudpickle.dump),
    "dill": _dumped(dill.dump),
    "pickle.dumps": _made(lambda values: pickle.dumps(values, 5)),
    "cloudpickle.dumps": _made(cloudpickle.dumps),
    "dill.dumps": _made(dill.dumps),
}


if __name__ == "__main__":
    main()
