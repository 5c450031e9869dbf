"""How much a checkpoint may take, and that the folder for it is private."""

import contextlib
import logging
import os
import re
import shutil
import stat
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jupyter_flows.core import sizes
from jupyter_flows.core.errors import CheckpointRefused, CheckpointUnusable
from jupyter_flows.core.model import Digest, RunId
from jupyter_flows.ports import CheckpointUsage
from jupyter_flows.store.checkpoints.folder import Layout, digits_of, is_manifest
from jupyter_flows.store.checkpoints.manifests import digits_in, read

_OURS = {"blobs", "manifests", "key", "lock", "saving", "tidying", "lost+found"}
_NEW_KEY = re.compile(r"key\.\d+\.new")
"""Of another process that starts at the same time, or has died of it."""


class DiskUsage(Protocol):
    """What `shutil.disk_usage` returns."""

    @property
    def total(self) -> int: ...

    @property
    def free(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`max_bytes` for one checkpoint; `min_free` is the percent of the disk that stays free;
    `budget` is for all checkpoints together, 0 for none.
    """

    max_bytes: int = 10 << 30
    min_free: float = 20
    budget: int = 0
    disk: Callable[[Path], DiskUsage] = shutil.disk_usage


def usage(layout: Layout) -> CheckpointUsage:
    """Raises OSError. What is removed meanwhile may be counted or not."""
    files = {file.name: _size(file) for file in layout.blob_files()}
    blobs = [name for name in files if digits_of(name)]
    lists = [(run, _content(file)) for run, file in layout.manifest_files()]
    named: dict[RunId, set[str]] = defaultdict(set)
    for run, data in lists:
        named[run] |= digits_in(data)
    return CheckpointUsage(
        manifests=len(lists),
        blobs=len(blobs),
        bytes=sum(files.values()) + sum(len(data) for _, data in lists),
        runs={
            run: sum(files[name] for name in blobs if digits_of(name) in found)
            for run, found in named.items()
        },
    )


def _size(file: os.DirEntry[str]) -> int:
    with contextlib.suppress(FileNotFoundError):
        return file.stat(follow_symlinks=False).st_size
    return 0


def _content(file: os.DirEntry[str]) -> bytes:
    with contextlib.suppress(FileNotFoundError):
        return Path(file).read_bytes()
    return b""


def room(layout: Layout, limits: Limits, run: RunId | None) -> int:
    """How many bytes the next checkpoint may have. Raises CheckpointRefused for none, and OSError.

    What the run's newest checkpoint has is not counted against it: as a rule, most of it is used
    again, and the rest makes room soon.
    """
    disk = limits.disk(layout.root)
    own = _newest_size(layout, run) if run else 0
    spare = disk.free - int(disk.total * limits.min_free / 100)
    if spare + own <= 0:
        raise CheckpointRefused(
            f"The disk of the checkpoint folder {layout.root} has {sizes.shown(disk.free)} free,"
            f" and {limits.min_free:g} % of {sizes.shown(disk.total)} are to stay so. Free some of"
            " it, set FlowsApp.checkpoint_dir to a folder on another disk, or lower"
            " FlowsApp.checkpoint_min_free."
        )
    left = limits.budget - usage(layout).bytes if limits.budget else limits.max_bytes
    if left + own <= 0:
        raise CheckpointRefused(
            f"The checkpoints in {layout.root} may have {sizes.shown(limits.budget)} in all"
            f" (FlowsApp.checkpoint_budget), and have them; the disk has {sizes.shown(disk.free)}"
            " free. Raise the setting, or end runs that wait."
        )
    return min(limits.max_bytes, spare + own, left + own)


def _newest_size(layout: Layout, run: RunId) -> int:
    """Of its content, uncompressed; 0 for a run that has none that can be used."""
    mine = (file for of, file in layout.manifest_files() if of == run and is_manifest(file.name))
    try:
        newest = max(mine, key=lambda file: file.stat().st_mtime, default=None)
        if newest is None:
            return 0
        _, parts = read(layout, run, Digest(f"sha256:{newest.name}"))
    except (FileNotFoundError, CheckpointUnusable):
        return 0
    return sum({part.blob: part.bytes for part in parts}.values())


# ---------------------------------------------------------------- the folder


def make_private(layout: Layout, log: logging.Logger) -> None:
    """Make the folder where it is missing, and see that it is ours and nobody else's.

    Raises CheckpointRefused for one that belongs to another user or holds other files, and OSError.
    """
    layout.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = layout.root.stat()
    if found.st_uid != os.geteuid():
        raise CheckpointRefused(
            f"The checkpoint folder {layout.root} belongs to another user. Set"
            " FlowsApp.checkpoint_dir to a folder of the server's own user."
        )
    if not (layout.root / "blobs").exists():
        _check_unused(layout.root)
    if stat.S_IMODE(found.st_mode) & 0o077:
        log.warning("the checkpoint folder %s was open to others; it is private now", layout.root)
        layout.root.chmod(0o700)
    for folder in (layout.manifests, layout.blobs):
        folder.mkdir(mode=0o700, exist_ok=True)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise CheckpointRefused(f"The checkpoint folder {folder} can't be written.")


def _check_unused(root: Path) -> None:
    """A folder named by mistake, such as a home, is neither shut nor cleared away in."""
    found = {path.name for path in root.iterdir()} - _OURS
    others = sorted(name for name in found if not _NEW_KEY.fullmatch(name))
    if others:
        raise CheckpointRefused(
            f"The checkpoint folder {root} holds other files ({', '.join(others[:3])}). Set"
            " FlowsApp.checkpoint_dir to a folder that is empty, or not there yet."
        )
