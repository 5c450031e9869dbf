"""Outputs and snapshots by the hash of their content: small ones as rows, large ones as files."""

import itertools
import os
from collections.abc import Iterable
from pathlib import Path

from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.model import Digest, RunId

_NUMBERS = itertools.count()

SMALL = 64 * 1024
"""Bytes up to which a blob is a row of the database."""


class Blobs:
    """Used from one thread at a time, but for `keep`, which only remembers.

    `keep` puts a blob into memory. A small one goes into the transaction of the event that names
    it (`rows`, then `committed`): a file of its own costs twice that. A large one is brought to the
    folder in one move by `write`, before that transaction; `sync` waits until the disk has it. So
    a blob costs its writer nothing but the hash, and stands before an event that names it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._small: dict[Digest, bytes] = {}
        self._large: dict[Digest, bytes] = {}
        self._unsynced: set[Path] = set()

    def path(self, digest: Digest) -> Path:
        name = digest.removeprefix("sha256:")
        return self.folder / name[:2] / name

    @property
    def kept_bytes(self) -> int:
        """How much the next transaction has to write, with the files before it."""
        kept = (*self._small.values(), *self._large.values())
        return sum(map(len, kept))

    def keep(self, data: bytes) -> Digest:
        digest = sha256(data)
        kept = self._small if len(data) <= SMALL else self._large
        kept[digest] = data
        return digest

    def rows(self) -> list[tuple[Digest, bytes]]:
        """The small ones that no transaction has had yet."""
        return list(self._small.items())

    def committed(self, rows: Iterable[tuple[Digest, bytes]]) -> None:
        for digest, _ in rows:
            self._small.pop(digest, None)

    def write(self) -> None:
        """Raises OSError, and then nothing that was kept is forgotten."""
        for digest, data in list(self._large.items()):
            path = self.path(digest)
            if not _holds(path, len(data)):
                _write_new(path, data)
                self._unsynced.add(path)
            self._large.pop(digest, None)

    def sync(self) -> None:
        """Raises OSError, and then nothing is taken for synced."""
        paths = set(self._unsynced)
        if not paths:
            return
        sync_paths(paths)
        sync_paths({path.parent for path in paths} | {self.folder})
        self._unsynced -= paths

    def kept(self, digest: Digest) -> bytes | None:
        """What is only in memory so far."""
        return self._small.get(digest, self._large.get(digest))

    def read(self, digest: Digest) -> bytes:
        """A large one. Raises KeyError when there is none."""
        try:
            return self.path(digest).read_bytes()
        except FileNotFoundError:
            raise KeyError(digest) from None


class FileParts:
    """Implements `Parts` in a folder: what cells have put out so far, a file for each run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, run: RunId) -> Path:
        return self._folder / f"{run}.json"

    def save(self, run: RunId, data: bytes | None) -> None:
        if data is None:
            self._path(run).unlink(missing_ok=True)
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        replace_file(self._path(run), data)

    def read(self, run: RunId) -> bytes | None:
        try:
            return self._path(run).read_bytes()
        except FileNotFoundError:
            return None


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
