"""What must hold of a folder of checkpoints, whoever has died at it."""

from pathlib import Path

from jupyter_flows.core.errors import CheckpointUnusable
from jupyter_flows.store.checkpoints.folder import Layout
from tests.store.saving import blake3, sha256


def unlike_its_name(folder):
    """Plain blobs whose content is not what their name says."""
    return [
        file.name
        for file in Layout(Path(folder)).blob_files()
        if len(file.name) in {64, 71}
        and file.name not in {sha256(content := Path(file).read_bytes()), blake3(content)}
    ]


async def lost(checkpoints, run, committed):
    """What is wrong with those that were committed, each byte read."""
    found = []
    for digest in committed:
        try:
            await checkpoints.verify(run, digest)
        except CheckpointUnusable as error:
            found.append(str(error))
    return found


def manifest(run, kernel, covers=("step",)):
    return {"format": 1, "run": run, "covers": list(covers), "kernel": kernel}


def unfinished(folder):
    """What is half written."""
    return [file.name for file in Layout(Path(folder)).blob_files() if "tmp" in file.name]
