"""Blobs by their content: hashed, written beside, made durable, renamed; each content once."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jupyter_flows.client.checkpoint import hashes
from jupyter_flows.client.checkpoint.errors import Elsewhere, NoSpace, OutOfTime, TooLarge

CHUNK = 1 << 20
"""Bytes that a thread has in its hands: what is hashed is still near when it is written."""

SEEN: set[int] = set()
"""Sizes of the pieces of buffers that this kernel has saved or loaded: they may be there again."""
_ELSEWHERE = (
    "The checkpoint folder {} is not on the machine of this kernel. Set FlowsApp.checkpoint_dir to"
    " a storage that servers and kernels reach (s3://bucket/prefix), or to a folder that all of"
    " them share."
)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Blobs:
    """A folder of blobs. Whatever was not finished goes again with `close`."""

    def __init__(self, folder: str, limit: int | None, deadline: float | None) -> None:
        if not Path(folder).exists():
            raise Elsewhere(_ELSEWHERE.format(folder))
        self.folder = Path(folder) / "blobs"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.new_bytes = 0
        self.new_hash = hashes.best()
        self.stopped = False
        self._limit = limit
        self._deadline = deadline
        self._unfinished: set[Path] = set()
        self._claimed: set[str] = set()
        self._changed: set[Path] = set()
        self._lock = threading.Lock()

    def check(self, size: int) -> None:
        """Raises TooLarge and OutOfTime."""
        if self._limit is not None and size > self._limit:
            raise TooLarge(
                f"The variables are {size:,} bytes or more; {self._limit:,} are allowed."
            )
        if self.stopped:
            raise OutOfTime("Given up.")
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise OutOfTime("Saving took longer than is allowed.")

    @contextlib.contextmanager
    def file(self) -> Iterator[tuple[int, Path]]:
        path = self.folder / f"tmp-{os.getpid()}-{uuid.uuid4().hex}"
        with self._lock:
            self._unfinished.add(path)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o600)
        try:
            yield descriptor, path
        finally:
            os.close(descriptor)
            self._drop(path)

    def _drop(self, path: Path) -> None:
        """What was not given its name."""
        with self._lock:
            unfinished = path in self._unfinished
            self._unfinished.discard(path)
        if unfinished:
            with contextlib.suppress(OSError):
                path.unlink()

    def hash(self, data: Any) -> str:
        """The name that a blob of these bytes has."""
        return hashes.name_from(self.new_hash(data))

    def finish(self, descriptor: int, path: Path, name: str, size: int) -> None:
        """Give a written file its name, unless its content is there; `settle` makes that last."""
        if self.has(name, size):
            return
        os.fsync(descriptor)
        place = hashes.place(self.folder, name)
        place.parent.mkdir(mode=0o700, exist_ok=True)
        path.replace(place)
        with self._lock:
            self._changed |= {place.parent, self.folder}
            self._unfinished.discard(path)
            self.new_bytes += size

    def has(self, name: str, size: int) -> bool:
        """Whether the content is there; if so it is marked as used just now."""
        plain = hashes.place(self.folder, name)
        for path in (plain, plain.with_name(name + ".z")):
            with contextlib.suppress(OSError):
                if path is plain and path.lstat().st_size != size:
                    continue
                os.utime(path)
                with self._lock:
                    self._changed.add(plain.parent)  # its writer may not have come to that yet
                return True
        return False

    def claim(self, name: str) -> bool:
        """False if another thread is writing this content."""
        with self._lock:
            known = name in self._claimed
            self._claimed.add(name)
            return not known

    def disclaim(self, name: str) -> None:
        """It was not written after all."""
        with self._lock:
            self._claimed.discard(name)

    def settle(self) -> None:
        """Make the names of all finished files durable."""
        for folder in self._changed:
            _sync(folder)
        self._changed.clear()

    def close(self) -> None:
        self.stopped = True
        for path in list(self._unfinished):
            self._drop(path)


@contextlib.contextmanager
def as_told(action: str = "saved") -> Iterator[None]:
    """Raises NoSpace for a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoSpace(f"Nothing was {action}: {error.strerror}.") from error
        raise


def _sync(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_hashed(
    descriptor: int, data: memoryview, new_hash: hashes.New, go_on: Callable[[], None]
) -> str:
    """The name of what was written, be it that somebody writes into the data meanwhile."""
    hashed = new_hash()
    for start in range(0, data.nbytes, CHUNK):
        go_on()
        copy = bytes(data[start : start + CHUNK])
        hashed.update(copy)
        write_all(descriptor, copy)
    return hashes.name_from(hashed)


def write_all(descriptor: int, data: Any) -> None:
    with memoryview(data) as view:
        done = 0
        while done < view.nbytes:
            done += os.write(descriptor, view[done : done + CHUNK])
