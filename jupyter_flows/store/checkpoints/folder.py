"""The folder of checkpoints: what lies where in it, and who keeps whom from it."""

import errno
import fcntl
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jupyter_flows.core.errors import CheckpointRefused
from jupyter_flows.core.model import Digest, RunId
from jupyter_flows.store.checkpoints import hashes

PACKED = ".z"
"""What the name of a compressed blob ends with."""

HOUR = 3600.0
"""A file younger than this may belong to a save that is under way."""

_UNFINISHED = "tmp-"
"""What a kernel calls a blob whose name it does not know yet."""

RUN = re.compile(r"[A-Za-z0-9_-]{1,100}")
_MANIFEST = re.compile(r"[0-9a-f]{64}")
_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below `root`. Names are checked before they become a path."""

    root: Path

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    @property
    def manifests(self) -> Path:
        return self.root / "manifests"

    @property
    def key(self) -> Path:
        return self.root / "key"

    def blob(self, name: str) -> Path:
        """Where the content of that hash lies plain; compressed it has `PACKED` behind it."""
        if not hashes.NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a blob")
        return self.blobs / hashes.shard(name) / name

    def blobs_of(self, digits: str) -> list[Path]:
        """Where blobs with these hex digits may lie: of either hash, plain or compressed."""
        plain = [self.blob(prefix + digits) for prefix in hashes.PREFIXES]
        return [*plain, *(path.with_name(path.name + PACKED) for path in plain)]

    def manifests_of(self, run: RunId) -> Path:
        check_run(run)
        return self.manifests / run

    def manifest(self, run: RunId, digest: Digest) -> Path:
        return self.manifests_of(run) / hex_of(digest)

    def blob_files(self) -> Iterator[os.DirEntry[str]]:
        """The files where blobs are: blobs plain and compressed, and what is being written."""
        for entry in _entries(self.blobs):
            if hashes.SHARD.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            elif entry.name.startswith(_UNFINISHED) and entry.is_file(follow_symlinks=False):
                yield entry

    def manifest_files(self) -> Iterator[tuple[RunId, os.DirEntry[str]]]:
        """The files where manifests are, with the runs whose they are."""
        for folder in self.run_folders():
            for file in _files(folder):
                yield RunId(folder.name), file

    def run_folders(self) -> list[Path]:
        return [
            Path(entry.path)
            for entry in _entries(self.manifests)
            if RUN.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
        ]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While this holds, nobody else commits, removes or puts a compressed blob in place: no
        thread of ours, and no other server on this folder.
        """
        handle = _lock(self.root / "lock", fcntl.LOCK_EX)
        try:
            yield
        finally:
            os.close(handle)

    def begin_save(self) -> int:
        """A handle; until it is closed, or its process is gone, a save is under way."""
        return _lock(self.root / "saving", fcntl.LOCK_SH)

    @contextmanager
    def no_save(self) -> Iterator[bool]:
        """Whether no save is under way; if so, none begins while this holds."""
        with _tried(self.root / "saving") as locked:
            yield locked

    @contextmanager
    def tidying(self) -> Iterator[bool]:
        """Whether nobody else tidies."""
        with _tried(self.root / "tidying") as locked:
            yield locked


def check_run(run: RunId) -> None:
    """Raises ValueError for what is no id of a run."""
    if not RUN.fullmatch(run):
        raise ValueError(f"{run!r} is no id of a run")


def hex_of(digest: Digest) -> str:
    """The digest without its prefix. Raises ValueError for what is no digest."""
    name = digest.removeprefix("sha256:")
    if name == digest or not is_manifest(name):
        raise ValueError(f"{digest!r} is no digest")
    return name


def is_manifest(name: str) -> bool:
    """Whether a file of that name is one; else it is one that was not finished."""
    return _MANIFEST.fullmatch(name) is not None


def digits_of(name: str) -> str | None:
    """The hex digits in the name of a blob, compressed or not; None for what is no blob."""
    plain = name.removesuffix(PACKED)
    return hashes.digits(plain) if hashes.NAME.fullmatch(plain) else None


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except FileNotFoundError:
        return []


def _files(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """Nothing is done to what a symbolic link leads to."""
    return (entry for entry in _entries(folder) if entry.is_file(follow_symlinks=False))


def _lock(path: Path, operation: int) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, operation)
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextmanager
def _tried(path: Path) -> Iterator[bool]:
    try:
        handle = _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        os.close(handle)


# ---------------------------------------------------------------- writing


def new_beside(path: Path) -> Path:
    """A name for what is to take the place of `path` when it is whole."""
    return path.with_name(f".{path.name}-{os.getpid()}-{next(_NUMBERS)}.new")


def write_durably(path: Path, parts: Iterable[bytes], *, modified: float | None = None) -> None:
    """Write the file in one move, and have the disk hold it, before this returns.

    `modified` is the time of its last change, in POSIX seconds, if it is not to be now.
    """
    new = new_beside(path)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            for part in parts:
                write_all(handle, part)
            if modified is not None:
                os.utime(new, (modified, modified))
            os.fsync(handle)
        finally:
            os.close(handle)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def sync_folder(folder: Path) -> None:
    """Have the disk hold which files the folder has."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# ---------------------------------------------------------------- refusing


@contextmanager
def refusing(root: Path) -> Iterator[None]:
    """What the disk refuses is a CheckpointRefused, in words for who set up the folder."""
    try:
        yield
    except OSError as error:
        raise CheckpointRefused(_in_words(root, error)) from error


def _in_words(root: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return (
            f"The disk of the checkpoint folder {root} is full ({error.strerror}). Free some of it,"
            " or set FlowsApp.checkpoint_dir to a folder on another disk."
        )
    if error.errno == errno.ENOENT and not root.exists():
        return f"The checkpoint folder {root} is gone."
    where = f": {error.filename}" if error.filename else ""
    return f"The checkpoint folder {root} can't be used: {error.strerror or error}{where}"
