"""What a kernel does to the folder of checkpoints, and a folder to do it to."""

import hashlib
import itertools
import logging
import os
from pathlib import Path
from typing import NamedTuple

import blake3 as hashing

from jupyter_flows import composition
from jupyter_flows.core.model import RunId
from jupyter_flows.store.checkpoints import CheckpointFolder, Limits

RUN, OTHER = RunId("run_1"), RunId("run_2")
HOUR = 3600
GB = 10**9
NUMBERS = itertools.count()


class Disk(NamedTuple):
    total: int
    free: int


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def blake3(content):
    """The name that most kernels give it."""
    return f"blake3-{hashing.blake3(content).hexdigest()}"


def entry(name, content):
    kind, _, digits = name.rpartition("-")
    return {kind or "sha256": digits, "bytes": len(content)}


def roomy(folder):
    return Disk(1000 * GB, 900 * GB)


def opened(folder, clock=None, compress_after=HOUR, **limits):
    """The folder as one server has it."""
    return CheckpointFolder(
        Path(folder),
        Limits(**{"disk": roomy, **limits}),
        compress_after,
        clock=clock or composition.clock,
        log=logging.getLogger("checkpoints"),
    )


def path_of(folder, name):
    return Path(folder) / "blobs" / name[: name.find("-") + 3] / name


def write_blob(folder, content, named=sha256):
    """As a kernel does: what is there is used again, all else comes in one move."""
    name = named(content)
    path = path_of(folder, name)
    path.parent.mkdir(exist_ok=True)
    for there in (path, path.with_name(name + ".z")):
        try:
            os.utime(there)
        except FileNotFoundError:
            continue
        return entry(name, content)
    new = path.with_name(f".{name}.{next(NUMBERS)}")
    new.write_bytes(content)
    new.replace(path)
    return entry(name, content)


def saved(folder, streams, buffers=(), run=RUN, named=sha256):
    """Write these, and give the manifest of them. A stream is (content, names)."""
    return manifest(
        [
            {**write_blob(folder, content, named), "names": list(names)}
            for content, names in streams
        ],
        [write_blob(folder, content, named) for content in buffers],
        run,
    )


def manifest(streams, blobs=(), run=RUN):
    return {
        "format": 1,
        "run": run,
        "covers": ["step"],
        "kernel": {
            "saved_at": 1.5,
            "streams": list(streams),
            "blobs": list(blobs),
            "files": {"/helpers.py": "ab" * 32},
            "cwd": "/Ä",
        },
    }


async def committed(checkpoints, streams, buffers=(), run=RUN, named=sha256):
    """A checkpoint of these, in the course that a suspension takes: its digest."""
    place = await checkpoints.place(run)
    return await checkpoints.commit(run, place, saved(place.folder, streams, buffers, run, named))


def age(folder, seconds, names=None):
    """Make all files below the folder older (or those of these names)."""
    for path in Path(folder).rglob("*"):
        if path.is_file() and (names is None or path.name in names):
            then = path.stat().st_mtime - seconds
            os.utime(path, (then, then))


def blobs(folder):
    """The names of all files among the blobs."""
    return {path.name for path in (Path(folder) / "blobs").rglob("*") if path.is_file()}


def manifests(folder):
    return {path.name for path in (Path(folder) / "manifests").rglob("*") if path.is_file()}
