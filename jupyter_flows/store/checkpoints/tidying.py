"""Blobs that have been at rest are compressed, one at a time, where that is worth it.

A plain file goes only after its compressed one is on disk, in place, and was read back whole. So
whenever this dies, each blob is there; the next time goes on from what it finds.
"""

import errno
import logging
import os
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

from jupyter_flows.store.checkpoints import hashes
from jupyter_flows.store.checkpoints.blobs import CHUNK, is_content, plain, unpacked
from jupyter_flows.store.checkpoints.folder import (
    PACKED,
    Layout,
    new_beside,
    sync_folder,
    write_all,
)

SMALLEST = 16 * 1024
"""Bytes below which compressing is not worth the file."""

WORTH = 0.8
"""The most of its size that a blob may have left."""

_LEVEL = 1


class Tidier:
    """Used from one thread at a time."""

    def __init__(self, layout: Layout, log: logging.Logger) -> None:
        self._layout = layout
        self._log = log
        self._hopeless: set[str] = set()
        self._stop: Callable[[], bool] = lambda: False

    def tidy(self, before: float, stop: Callable[[], bool]) -> None:
        """Compress what was last used before that time, until `stop` says so. Raises OSError for a
        full disk, and for a folder that can't be read.
        """
        with self._layout.tidying() as alone:
            if not alone:
                return
            self._stop = stop
            for path in self._at_rest(before):
                if stop():
                    return
                self._tidied(path)

    def _at_rest(self, before: float) -> list[Path]:
        return [
            Path(file.path)
            for file in self._layout.blob_files()
            if hashes.NAME.fullmatch(file.name)
            and file.name not in self._hopeless
            and _is_due(file, before)
        ]

    def _tidied(self, path: Path) -> None:
        """Raises OSError for a full disk; other errors of a file keep no other from its turn."""
        try:
            self._compress(path)
        except FileNotFoundError:
            return  # removed meanwhile
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            self._give_up(path, f"can't be compressed: {error.strerror}")

    def _give_up(self, path: Path, why: str) -> None:
        self._hopeless.add(path.name)
        if why:
            self._log.warning("the blob %s %s", path, why)

    def _compress(self, path: Path) -> None:
        used = path.stat().st_mtime_ns
        packed = path.with_name(path.name + PACKED)
        if packed.exists():
            self._check_packed(path, packed, used)
        elif _tried(path):
            self._pack(path, packed, used)
        else:
            self._give_up(path, "")

    def _check_packed(self, path: Path, packed: Path, used: int) -> None:
        """One of the two can go: the plain file, unless the compressed one is damaged."""
        whole = self._is_whole(packed, path.name)
        with self._layout.alone():
            if self._stop():
                return
            if whole:
                _let_go(path, used)
            else:
                self._log.warning("the compressed blob %s was damaged; the plain one stays", packed)
                packed.unlink()

    def _is_whole(self, packed: Path, name: str) -> bool:
        try:
            return is_content(name, unpacked(packed), self._stop) is True
        except ValueError:
            return False

    def _pack(self, path: Path, packed: Path, used: int) -> None:
        new = new_beside(packed)
        try:
            whole = _write_packed(path, new, self._stop)
            if whole is None:
                return
            if not whole:
                self._give_up(path, "is damaged: it has another content than was saved")
            elif new.stat().st_size > WORTH * path.stat().st_size:
                self._give_up(path, "")
            elif self._is_whole(new, path.name):
                self._put_in_place(path, packed, new, used)
        finally:
            new.unlink(missing_ok=True)

    def _put_in_place(self, path: Path, packed: Path, new: Path, used: int) -> None:
        """Unless the plain one was used again, or removed, meanwhile."""
        os.utime(new, ns=(used, used))
        with self._layout.alone():
            if path.stat().st_mtime_ns == used:
                new.replace(packed)
                sync_folder(packed.parent)
                _let_go(path, used)


def _is_due(file: os.DirEntry[str], before: float) -> bool:
    try:
        found = file.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    return found.st_mtime < before and found.st_size >= SMALLEST


def _tried(path: Path) -> bool:
    """Whether its beginning says that it is worth it."""
    with path.open("rb") as file:
        start = file.read(CHUNK)
    return len(zlib.compress(start, _LEVEL)) <= WORTH * len(start)


def _write_packed(path: Path, new: Path, stop: Callable[[], bool]) -> bool | None:
    """Whether what was compressed is what the name says; None if it was to stop before the end."""
    packer, hashed = zlib.compressobj(_LEVEL), hashes.new(path.name)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        for chunk in plain(path):
            if stop():
                return None
            hashed.update(chunk)
            write_all(handle, packer.compress(chunk))
        write_all(handle, packer.flush())
        os.fsync(handle)
    finally:
        os.close(handle)
    return hashes.matches(path.name, hashed)


def _let_go(path: Path, used: int) -> None:
    """Who reads the plain file goes on; who has just used it again for a save keeps it."""
    if path.stat().st_mtime_ns == used:
        path.unlink()
        sync_folder(path.parent)


def be_patient() -> None:
    """Give this thread the lowest priority, for good, where threads have one."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
