"""Blobs by their content: hashed, written beside, made durable, renamed; each content once."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jupyter_flows.client.checkpoint.errors import NoSpace, OutOfTime, TooLarge

CHUNK = 8 << 20
STREAM = 1 << 20
PIECE = 32 << 20
"""Larger buffers are cut, so that all threads have work, and a small change writes little."""
WRITERS = max(2, min(4, os.cpu_count() or 2))
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Blobs:
    """A folder of blobs. Whatever was not finished goes again with `close`."""

    def __init__(self, folder: str, limit: int | None, deadline: float | None) -> None:
        self.folder = Path(folder) / "blobs"
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.new_bytes = 0
        self.stopped = False
        self._limit = limit
        self._deadline = deadline
        self._unfinished: set[Path] = set()
        self._claimed: set[str] = set()
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

    def finish(self, descriptor: int, path: Path, digest: str, size: int) -> None:
        """Give a written file its name, unless its content is there."""
        if self.has(digest, size):
            return
        os.fsync(descriptor)
        place = self.folder / digest[:2]
        made = not place.is_dir()
        place.mkdir(mode=0o700, exist_ok=True)
        path.replace(place / digest)
        _sync(place)
        if made:
            _sync(self.folder)
        with self._lock:
            self._unfinished.discard(path)
            self.new_bytes += size

    def has(self, digest: str, size: int) -> bool:
        """Whether the content is there; if so it is marked as used just now."""
        plain = self.folder / digest[:2] / digest
        for path in (plain, plain.with_name(digest + ".z")):
            with contextlib.suppress(OSError):
                if path is plain and path.lstat().st_size != size:
                    continue
                os.utime(path)
                return True
        return False

    def claim(self, digest: str) -> bool:
        """False if another thread is writing this content."""
        with self._lock:
            known = digest in self._claimed
            self._claimed.add(digest)
            return not known

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


def write_all(descriptor: int, data: Any) -> None:
    with memoryview(data) as view:
        done = 0
        while done < view.nbytes:
            done += os.write(descriptor, view[done : done + CHUNK])


class Stream:
    """A pickle that grows into a blob: a thread hashes and writes what the pickler has made."""

    def __init__(self, blobs: Blobs, size_of_others: Callable[[], int]) -> None:
        self.size = 0
        self.digest = ""
        self._blobs = blobs
        self._others = size_of_others
        self._pending: list[Any] = []
        self._pending_size = 0
        self._queue: queue.Queue[list[Any] | None] = queue.Queue(8)
        self._error: BaseException | None = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name="checkpoint stream", daemon=True)
        self._thread.start()

    def write(self, data: Any) -> int:
        """Called by the pickler for each 64 KiB, and for each large bytes object by itself."""
        size = len(data)
        self.size += size
        self._pending.append(data if type(data) is bytes else bytes(data))
        self._pending_size += size
        if self._pending_size >= STREAM:
            self._hand_over()
        return size

    def _hand_over(self) -> None:
        self._blobs.check(self.size + self._others())
        if self._error is not None:
            raise self._error
        self._queue.put(self._pending)
        self._pending, self._pending_size = [], 0

    def finish(self) -> None:
        self._queue.put(self._pending)
        self._queue.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def abandon(self) -> None:
        self._abandoned = True
        while self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._queue.put_nowait(None)
            with contextlib.suppress(queue.Empty):
                self._queue.get_nowait()
            with contextlib.suppress(queue.Full):
                self._queue.put_nowait(None)
            self._thread.join(0.05)

    def _run(self) -> None:
        try:
            with self._blobs.file() as (descriptor, path):
                hashed = hashlib.sha256()
                while True:
                    batch = self._queue.get()
                    if batch is None:
                        break
                    data = batch[0] if len(batch) == 1 else b"".join(batch)
                    hashed.update(data)
                    write_all(descriptor, data)
                if not self._abandoned:
                    self.digest = hashed.hexdigest()
                    self._blobs.finish(descriptor, path, self.digest, self.size)
        except BaseException as error:  # noqa: BLE001 (raised again where the pickler writes)
            self._error = error
            while self._queue.get() is not None:
                pass


class Null:
    """Where a pickle goes that is only tried."""

    size = 0
    digest = ""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def write(self, data: Any) -> int:
        self._blobs.check(0)
        return len(data)


class Pieces:
    """Stores buffers in pieces, which several threads hash and, where they are new, write."""

    def __init__(self, blobs: Blobs, buffers: list[Any]) -> None:
        self._blobs = blobs
        self._views = [buffer.raw() for buffer in buffers]
        self._pieces = [
            view[start : start + PIECE]
            for view in self._views
            for start in range(0, view.nbytes, PIECE)
        ]
        self._next = iter(range(len(self._pieces)))
        self._digests = [""] * len(self._pieces)
        self._lock = threading.Lock()
        self._error: BaseException | None = None

    def store(self) -> list[dict[str, Any]]:
        """The digests and sizes of all pieces in their order."""
        threads = [
            threading.Thread(target=self._run, name="checkpoint buffers", daemon=True)
            for _ in range(min(WRITERS, len(self._pieces)))
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except BaseException as error:
            self._error = error
            raise
        finally:
            for thread in threads:
                thread.join()
            sizes = [piece.nbytes for piece in self._pieces]
            for view in (*self._pieces, *self._views):
                view.release()
        if self._error is not None:
            raise self._error
        return [{"sha256": it, "bytes": size} for it, size in zip(self._digests, sizes)]

    def _run(self) -> None:
        try:
            while self._error is None:
                with self._lock:
                    index = next(self._next, None)
                if index is None:
                    return
                self._digests[index] = self._store(self._pieces[index])
        except BaseException as error:  # noqa: BLE001 (raised again in the thread that waits)
            self._error = error

    def _store(self, piece: memoryview) -> str:
        self._blobs.check(0)
        digest = hashlib.sha256(piece).hexdigest()
        if not self._blobs.has(digest, piece.nbytes) and self._blobs.claim(digest):
            with self._blobs.file() as (descriptor, path):
                for start in range(0, piece.nbytes, CHUNK):
                    self._blobs.check(0)
                    write_all(descriptor, piece[start : start + CHUNK])
                self._blobs.finish(descriptor, path, digest, piece.nbytes)
        return digest
