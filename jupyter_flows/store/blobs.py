"""Outputs and snapshots as files named by the hash of their content."""

import itertools
import os
from collections.abc import Iterable
from pathlib import Path

from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.model import Digest

_NUMBERS = itertools.count()


class BlobFolder:
    """Used from one thread at a time, but for `keep`, which only remembers.

    `keep` puts a blob into memory; `write` brings all that was kept to the folder in one move
    each; `sync` waits until the disk has them. So a blob costs its writer nothing but the hash,
    and stands in the folder before an event that names it is committed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept: dict[Digest, bytes] = {}
        self._unsynced: set[Path] = set()

    def _path(self, digest: Digest) -> Path:
        name = digest.removeprefix("sha256:")
        return self.folder / name[:2] / name

    @property
    def kept_bytes(self) -> int:
        """How much the next `write` has to write."""
        return sum(map(len, self._kept.values()))

    def keep(self, data: bytes) -> Digest:
        digest = sha256(data)
        self._kept[digest] = data
        return digest

    def write(self) -> None:
        """Raises OSError, and then nothing that was kept is forgotten."""
        for digest, data in list(self._kept.items()):
            path = self._path(digest)
            if not _holds(path, len(data)):
                _write_new(path, data)
                self._unsynced.add(path)
            self._kept.pop(digest, None)

    def sync(self) -> None:
        """Raises OSError, and then nothing is taken for synced."""
        paths = set(self._unsynced)
        if not paths:
            return
        sync_paths(paths)
        sync_paths({path.parent for path in paths} | {self.folder})
        self._unsynced -= paths

    def get(self, digest: Digest) -> bytes:
        """Raises KeyError when there is none, or when its bytes are not what its name says."""
        kept = self._kept.get(digest)
        if kept is not None:
            return kept
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError:
            raise KeyError(digest) from None
        if sha256(data) != digest:
            raise KeyError(digest)
        return data


def _write_new(path: Path, data: bytes) -> None:
    """Most folders are there already."""
    try:
        replace_file(path, data)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)


def _holds(path: Path, size: int) -> bool:
    """Whether the file is there and whole, as far as its size says."""
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def replace_file(path: Path, data: bytes) -> None:
    """Write the file in one move: a reader sees the old bytes or the new ones."""
    new = path.with_name(f".new-{os.getpid()}-{next(_NUMBERS)}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def sync_paths(paths: Iterable[Path]) -> None:
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
