"""Reads blobs into memory and checks their hash there, several at a time."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from jupyter_flows.client.checkpoint import hashes
from jupyter_flows.client.checkpoint.errors import Damaged, Missing, Unreadable
from jupyter_flows.client.checkpoint.writing import SEEN

CHUNK = 64 << 20
"""Bytes that are read, then hashed, at once. Between these a thread may have to wait for Python,
where another one imports.
"""
UNPACKED = 8 << 20
"""The same of compressed ones, which need memory besides."""
READERS = max(1, min(4, os.cpu_count() or 2) - 1)
"""Threads besides the one that asks, which reads as well when it has done what else there is."""
DAMAGED = ".damaged"
"""Behind the name of a blob that was found to be another than was saved."""


class Source(Protocol):
    """Where blobs are read from."""

    def fill(self, name: str, size: int, view: memoryview) -> None:
        """Fill the view with the blob. Raises Missing, and Damaged where that is not what its name
        says: the blob is then put aside.
        """


def read(
    source: Source, wanted: Sequence[Any], into: Sequence[Any], meanwhile: Callable[[], None]
) -> None:
    """Fill `into` with the blobs in their order, and do something else `meanwhile`. Raises Missing
    and Damaged.
    """
    reader = _Reader(source, wanted, into)
    reader.run(meanwhile)
    SEEN.update(blob["bytes"] for blob in wanted)


def cut(memories: Iterable[Any], blobs: Sequence[Any]) -> list[memoryview]:
    """The parts of the memories that the blobs fill one after the other. Raises Damaged."""
    sizes = iter([blob["bytes"] for blob in blobs])
    parts = []
    for each in memories:
        view, start = memoryview(each), 0
        while start < view.nbytes:
            size = next(sizes, 0)
            if not 0 < size <= view.nbytes - start:
                raise Damaged("The checkpoint's blobs don't fit its buffers.")
            parts.append(view[start : start + size])
            start += size
    return parts


def memory(size: int) -> Any:
    """Numpy's arrays own such memory, if there is numpy."""
    numpy: Any = sys.modules.get("numpy")
    return bytearray(size) if numpy is None else numpy.empty(size, "u1")


class _Reader:
    def __init__(self, source: Source, wanted: Sequence[Any], into: Sequence[Any]) -> None:
        self._source = source
        self._todo = iter(list(zip(wanted, into)))
        self._lock = threading.Lock()
        self._error: BaseException | None = None

    def run(self, meanwhile: Callable[[], None]) -> None:
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(READERS)]
        for thread in threads:
            thread.start()
        try:
            meanwhile()
            self._work()
            for thread in threads:
                thread.join()
        except BaseException as error:
            self._error = error
            raise
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            while self._error is None:
                with self._lock:
                    found = next(self._todo, None)
                if found is None:
                    return
                self._fill(*found)
        except BaseException as error:  # noqa: BLE001 (raised again in the thread that waits)
            self._error = error

    def _fill(self, blob: Any, into: Any) -> None:
        with memoryview(into) as view:
            self._source.fill(hashes.name_in(blob), blob["bytes"], view)


class Folder:
    """Implements `Source`: files, plain or compressed."""

    def __init__(self, blobs: Path) -> None:
        self._blobs = blobs

    def fill(self, name: str, size: int, view: memoryview) -> None:
        path = hashes.place(self._blobs, name)
        for read, place in ((_plain, path), (_unpacked, path.with_name(name + ".z"))) * 2:
            with contextlib.suppress(FileNotFoundError), _set_aside_if_damaged(place, name):
                check(read(place, size, view), name, size)
                return
        raise Missing(f"The checkpoint's blob {name} is gone.")


def check(pieces: Iterator[memoryview], name: str, size: int) -> None:
    """Read all of them. Raises Damaged where they are not what the name says."""
    hashed = hashes.of(name)()
    done = 0
    for piece in pieces:
        hashed.update(piece)
        done += len(piece)
    if done != size or hashes.name_from(hashed) != name:
        raise Damaged(f"The checkpoint's blob {name} is not what was saved.")


@contextlib.contextmanager
def _set_aside_if_damaged(path: Path, name: str) -> Iterator[None]:
    """A save reuses blobs by their names: it is to find none here, and to write this one anew."""
    try:
        yield
    except Unreadable:
        raise
    except Damaged:
        with contextlib.suppress(OSError):
            path.replace(path.with_name(name + DAMAGED))
        raise


def _opened(path: Path) -> Any:
    """The server may put the one in the place of the other at any moment: whoever asks first
    whether it is there asks too early.
    """
    try:
        return open(path, "rb", buffering=0, opener=_not_through_a_link)
    except FileNotFoundError:
        raise
    except OSError as error:
        kind = Damaged if error.errno == errno.ELOOP else Unreadable
        raise kind(f"The checkpoint's blob {path.name} can't be read: {error.strerror}.") from None


def _not_through_a_link(path: str, flags: int) -> int:
    """A blob is a file; what a link leads to may be one that never ends."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _plain(path: Path, size: int, view: memoryview) -> Iterator[memoryview]:
    with _opened(path) as file:
        done = 0
        while done < size:
            got = file.readinto(view[done : done + CHUNK])
            if not got:
                return
            yield view[done : done + got]
            done += got
        if file.read(1):
            raise Damaged(f"The checkpoint's blob {path.name} is longer than it was.")


def _unpacked(path: Path, size: int, view: memoryview) -> Iterator[memoryview]:
    done = 0
    unpacker = zlib.decompressobj()
    with _opened(path) as file:
        while True:
            packed = unpacker.unconsumed_tail or file.read(UNPACKED)
            if not packed:
                break
            try:
                piece = unpacker.decompress(packed, UNPACKED)
            except zlib.error as error:
                raise Damaged(f"The checkpoint's blob {path.name} is damaged: {error}.") from None
            if done + len(piece) > size:
                raise Damaged(f"The checkpoint's blob {path.name} is longer than it was.")
            view[done : done + len(piece)] = piece
            yield view[done : done + len(piece)]
            done += len(piece)
