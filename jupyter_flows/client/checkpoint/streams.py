"""What is written of a checkpoint: a pickle as it grows, and buffers in pieces; by threads."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

from jupyter_flows.client.checkpoint import hashes
from jupyter_flows.client.checkpoint.writing import SEEN, Blobs, write_all, write_hashed

BATCH = 1 << 20
PIECE = 64 << 20
"""Larger buffers are cut, so that all threads have work, and a small change writes little."""
WRITERS = max(2, min(4, os.cpu_count() or 2))


class Stream:
    """A pickle that grows into a blob: a thread hashes and writes what the pickler has made."""

    def __init__(self, blobs: Blobs, size_of_others: Callable[[], int]) -> None:
        self.size = 0
        self.name = ""
        self._blobs = blobs
        self._others = size_of_others
        self._pending: list[Any] = []
        self._pending_size = 0
        self._queue: queue.Queue[list[Any] | None] = queue.Queue(1)
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
        if self._pending_size >= BATCH:
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
                hashed = self._blobs.new_hash()
                while True:
                    batch = self._batch()
                    if batch is None:
                        break
                    data = batch[0] if len(batch) == 1 else b"".join(batch)
                    hashed.update(data)
                    write_all(descriptor, data)
                if not (self._abandoned or self._blobs.stopped):
                    self.name = hashes.name_from(hashed)
                    self._blobs.finish(descriptor, path, self.name, self.size)
        except BaseException as error:  # noqa: BLE001 (raised again where the pickler writes)
            self._error = error
            while self._batch() is not None:
                pass

    def _batch(self) -> list[Any] | None:
        """The next one; None at the end, also where an interrupt has left this thread alone."""
        while True:
            try:
                return self._queue.get(timeout=1)
            except queue.Empty:
                if self._blobs.stopped:
                    return None


class Null:
    """Where a pickle goes that is only tried."""

    size = 0
    name = ""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def write(self, data: Any) -> int:
        self._blobs.check(0)
        return len(data)


class Changing(Exception):
    """A buffer, told by its place, was written into while it was saved."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


class Ahead:
    """Hashes the pieces of buffers that may be there already, by a thread, while the pickle still
    grows. Nothing is written: that has to wait until it is known how much there is.

    One thread is as fast as what it shares the processors with: the pickler and its stream. Who
    waits for it helps.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._queue: queue.SimpleQueue[tuple[int, int, memoryview] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._abandoned = False
        self._names: dict[tuple[int, int], str] = {}

    def add(self, index: int, buffer: Any) -> None:
        with buffer.raw() as view:
            for start, piece in _cut(view):
                if piece.nbytes in SEEN:
                    self._queue.put((index, start, piece))
                    self._have_thread()
                else:
                    piece.release()

    def _have_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="checkpoint hashes", daemon=True)
            self._thread.start()

    def finish(self) -> dict[tuple[int, int], str]:
        """The names by the buffer's place and where the piece starts in it."""
        if self._thread is not None:
            for _ in (self._thread, threading.current_thread()):
                self._queue.put(None)
            self._run()
            self._thread.join()
        return self._names

    def abandon(self) -> None:
        self._abandoned = True
        self.finish()

    def _run(self) -> None:
        while (found := self._queue.get()) is not None:
            index, start, piece = found
            with piece:
                if not (self._abandoned or self._blobs.stopped):
                    self._names[index, start] = self._blobs.hash(piece)


def _cut(view: memoryview) -> list[tuple[int, memoryview]]:
    return [(start, view[start : start + PIECE]) for start in range(0, view.nbytes, PIECE)]


class Pieces:
    """Stores buffers in pieces, which several threads hash and, where they are new, write.

    `careful`: something may write into the buffers meanwhile, which is then found out. `names`
    are known already, as `Ahead` gives them.
    """

    def __init__(
        self,
        blobs: Blobs,
        buffers: list[Any],
        names: dict[tuple[int, int], str],
        *,
        careful: bool,
    ) -> None:
        self._blobs = blobs
        self._careful = careful
        self._known = names
        self._views = [buffer.raw() for buffer in buffers]
        cuts = [(at, *cut) for at, view in enumerate(self._views) for cut in _cut(view)]
        self._pieces = [piece for _, _, piece in cuts]
        self._places = [(index, start) for index, start, _ in cuts]
        self._next = iter(range(len(self._pieces)))
        self._names = [""] * len(self._pieces)
        self._lock = threading.Lock()
        self._error: BaseException | None = None

    def store(self) -> list[dict[str, Any]]:
        """The names and sizes of all pieces in their order. Raises Changing."""
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
                if thread.ident is not None:
                    thread.join()
            sizes = [piece.nbytes for piece in self._pieces]
            for view in (*self._pieces, *self._views):
                with contextlib.suppress(BufferError):  # a thread left alone still reads it
                    view.release()
        if self._error is not None:
            raise self._error
        SEEN.update(sizes)
        return [hashes.entry(name, size) for name, size in zip(self._names, sizes)]

    def _run(self) -> None:
        try:
            while self._error is None:
                with self._lock:
                    index = next(self._next, None)
                if index is None:
                    return
                self._names[index] = self._store(index)
        except BaseException as error:  # noqa: BLE001 (raised again in the thread that waits)
            self._error = error

    def _store(self, index: int) -> str:
        piece = self._pieces[index]
        self._blobs.check(0)
        name = self._known.get(self._places[index])
        if name is None and (self._careful or piece.nbytes in SEEN):
            name = self._blobs.hash(piece)
        if name is None:
            return self._write(piece)
        if not self._blobs.has(name, piece.nbytes) and self._blobs.claim(name):
            self._write_as(name, index, piece)
        return name

    def _write(self, piece: memoryview) -> str:
        with self._blobs.file() as (descriptor, path):
            name = self._written(descriptor, piece)
            if self._blobs.claim(name):
                self._blobs.finish(descriptor, path, name, piece.nbytes)
        return name

    def _write_as(self, name: str, index: int, piece: memoryview) -> None:
        with self._blobs.file() as (descriptor, path):
            if self._written(descriptor, piece) != name:
                self._blobs.disclaim(name)
                raise Changing(self._places[index][0])
            self._blobs.finish(descriptor, path, name, piece.nbytes)

    def _written(self, descriptor: int, piece: memoryview) -> str:
        return write_hashed(descriptor, piece, self._blobs.new_hash, lambda: self._blobs.check(0))
