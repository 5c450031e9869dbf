"""What of the checkpoints is removed when: those of no use, then the blobs that none names.

Whoever calls these is `Layout.alone`, so that no commit comes between the look at the manifests and
the removal of a blob. A save that loses one is refused at its commit; no checkpoint loses one.
"""

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from jupyter_flows.core.model import Digest, RunId
from jupyter_flows.ports import Collected
from jupyter_flows.store.checkpoints.folder import (
    HOUR,
    Layout,
    digits_of,
    hex_of,
    is_manifest,
    sync_folder,
)
from jupyter_flows.store.checkpoints.manifests import digits_in

SIXTY_DAYS = 60 * 86400.0


class _Removed(NamedTuple):
    """`files` are manifests or blobs; `bytes` counts half written ones, too."""

    files: int
    bytes: int


def collect(
    layout: Layout, live: Collection[RunId], unknown: Collection[RunId], now: float
) -> Collected:
    """Remove what is of no live run, and is older than an hour; of unknown runs, older than sixty
    days. Raises OSError.

    What is younger may be of a run that began after it was asked which live, or of a save under
    way; an unknown run may be in another store that has the same folder.
    """
    alive, strange = set(live), set(unknown)
    dead = [
        file
        for run, file in layout.manifest_files()
        if not (run in alive and is_manifest(file.name))
        and _is_old(file, now, SIXTY_DAYS if run in strange else HOUR)
    ]
    manifests = _remove_manifests(layout, dead)
    kept = _named(layout)
    loose = (file for file in layout.blob_files() if digits_of(file.name) not in kept)
    return _sum(manifests, _remove(file for file in loose if _is_old(file, now)))


def drop(layout: Layout, run: RunId, keep: Collection[Digest]) -> Collected:
    """Remove the run's manifests, all but those of `keep`, and at once the blobs that only these
    named; unless a save is under way, which may have found its own among them. Raises OSError.
    """
    kept = set(map(hex_of, keep))
    dead = [file for of, file in layout.manifest_files() if of == run and file.name not in kept]
    digits = set().union(*(digits_in(Path(file).read_bytes()) for file in dead))
    manifests = _remove_manifests(layout, dead)
    with layout.no_save() as alone:
        gone = digits - _named(layout) if alone and digits else set()
        paths = (path for each in gone for path in layout.blobs_of(each))
        return _sum(manifests, _remove(path for path in paths if path.exists()))


def _named(layout: Layout) -> set[str]:
    """The digits of the blobs that a manifest names, be it damaged. Raises OSError rather than
    overlook one.
    """
    return set().union(*(digits_in(Path(file).read_bytes()) for _, file in layout.manifest_files()))


def _is_old(file: os.DirEntry[str], now: float, age: float = HOUR) -> bool:
    try:
        return file.stat(follow_symlinks=False).st_mtime < now - age
    except FileNotFoundError:
        return False


def _remove_manifests(layout: Layout, files: Collection[os.DirEntry[str]]) -> _Removed:
    """The disk holds that they are gone before a blob goes."""
    removed = _remove(files)
    for folder in {Path(file.path).parent for file in files}:
        sync_folder(folder)
    for folder in layout.run_folders():
        if not any(folder.iterdir()):
            folder.rmdir()
    return removed


def _remove(files: Iterable[os.DirEntry[str] | Path]) -> _Removed:
    whole = freed = 0
    for path in map(Path, files):
        try:
            size = path.stat(follow_symlinks=False).st_size
            path.unlink()
        except FileNotFoundError:  # its writer has put it in place, or given it up
            continue
        freed += size
        whole += digits_of(path.name) is not None
    return _Removed(whole, freed)


def _sum(manifests: _Removed, blobs: _Removed) -> Collected:
    return Collected(
        manifests=manifests.files, blobs=blobs.files, bytes=manifests.bytes + blobs.bytes
    )
