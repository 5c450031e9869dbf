"""The process that stands for kernels: it forks one for each request, and kills it when asked to.

It reads one request a line from its input, as JSON, and writes one answer a line. It has no thread
but its own, so that a fork of it is whole.
"""

import asyncio
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jupyter_flows.client import checkpoint
from tests.faults import states, telling

SECONDS = 60


def main():
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.run_cell(states.ONCE)
    np.random.default_rng(0).integers(0, 9, 9)
    with tempfile.TemporaryDirectory() as folder:  # what is loaded late, or remembered, is so now
        answer("load", folder=folder, kernel=saved(folder), phase="all", dry=True)
    for line in sys.stdin:
        sys.__stdout__.write(json.dumps(forked(shell, json.loads(line))) + "\n")
        sys.__stdout__.flush()


def forked(shell, asked):
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        work(shell, asked, writes)
    os.close(writes)
    try:
        return watched(child, reads, asked["kill_after"])
    finally:
        os.close(reads)


def watched(child, reads, kill_after):
    """The child says a word when it begins; what it says meanwhile are lines, its answer the last,
    behind a sign.
    """
    said = os.read(reads, 1)
    began = time.monotonic()
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    while piece := os.read(reads, 1 << 20):
        said += piece
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    seconds = time.monotonic() - began
    *lines, _ = said[1:].split(b"\n")
    told = json.loads(lines.pop()[1:]) if lines and lines[-1].startswith(b"=") else None
    if told is None and (kill_after is None or status != -signal.SIGKILL):
        return {"trouble": f"the fork ended with {status}: {said[-3000:]!r}"}
    if told is not None and "trouble" in told:
        return told
    return {
        "killed": told is None,
        "seconds": seconds,
        "told": told,
        "said": [json.loads(line) for line in lines],
    }


def work(shell, asked, writes):
    def say(told):
        write(writes, json.dumps(told).encode() + b"\n")

    try:
        signal.alarm(SECONDS)
        told = DOES[asked["do"]](shell, asked, lambda: os.write(writes, b"!"), say)
        write(writes, b"=" + json.dumps(told).encode() + b"\n")
    except BaseException:  # noqa: BLE001 (it is told to the process that asked)
        told = json.dumps({"trouble": traceback.format_exc()}).encode()
        write(writes, b"!\n=" + told + b"\n")
    finally:
        os._exit(0)


def write(handle, data):
    while data:
        data = data[os.write(handle, data) :]


def answer(function, **asked):
    told = getattr(checkpoint, function)(json.dumps(asked))
    return told._repr_mimebundle_()["application/json"]


def saved(folder, **more):
    said = {"limit_bytes": None, "budget_seconds": None, "exclude": [], "drop_unsaved": True}
    return answer("save", folder=folder, **{**said, **more})


def save(shell, asked, begin, _say):
    shell.run_cell(states.made(asked["seed"], asked.get("size", states.SIZE)))
    if "leave_room" in asked:
        fill(Path(asked["folder"]), asked["leave_room"])
    if "file_bytes" in asked:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["file_bytes"], asked["file_bytes"]))
    before = dict(shell.user_ns)
    begin()
    kernel = saved(asked["folder"])
    same = before.keys() == shell.user_ns.keys() and all(
        shell.user_ns[name] is value for name, value in before.items()
    )
    fingerprint = states.fingerprint(shell.user_ns)
    return {"kernel": kernel, "fingerprint": fingerprint, "untouched": same}


def fill(folder, leave):
    """The disk has so many bytes left, at most."""
    with (folder.parent / "filler").open("ab") as filler:
        while (free := os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize) > leave:
            filler.write(bytes(min(free - leave, 1 << 20)))
            filler.flush()


def load(shell, asked, begin, _say):
    before = dict(shell.user_ns)
    begin()
    told = loaded(asked)
    if "error" in told:
        return {**told, "ran": states.RAN, "bound": shell.user_ns != before}
    return {"fingerprint": states.fingerprint(shell.user_ns)}


def damages(shell, asked, begin, _say):
    """Load once for each of some flipped bytes of one file; each is taken back. Told is what was
    not refused, or bound something, or ran something of the stream; `harmless` are those with which
    the file says the same as before, as bits behind the end of compressed data do.
    """
    path, wrong, refused, harmless = Path(asked["path"]), [], 0, 0
    whole = path.read_bytes()
    before = dict(shell.user_ns)
    begin()
    for at, bits in asked["flips"]:
        states.RAN.clear()
        path.write_bytes(whole[:at] + bytes([whole[at] ^ bits]) + whole[at + 1 :])
        told = loaded(asked)
        path.write_bytes(whole)
        said = told.get("error", {}).get("message", "")
        if said and not states.RAN and shell.user_ns == before:
            refused += 1
        elif not said and states.fingerprint(shell.user_ns) == asked["fingerprint"]:
            harmless += 1
            shell.user_ns.clear()
            shell.user_ns.update(before)
        else:
            wrong.append(f"byte {at} by {bits} in {path.name}: {told}, ran {states.RAN}")
            break
    return {"wrong": wrong, "refused": refused, "harmless": harmless}


def loaded(asked):
    return answer("load", folder=asked["folder"], kernel=asked["kernel"], phase="all", dry=False)


def tell(_shell, asked, begin, say):
    return asyncio.run(telling.told(asked, begin, say))


DOES = {"save": save, "load": load, "damages": damages, "tell": tell}

if __name__ == "__main__":
    main()
