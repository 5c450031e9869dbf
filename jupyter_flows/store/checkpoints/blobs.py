"""The blobs of a checkpoint: whether they are there, and whether they are what their names say."""

import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from jupyter_flows.store.checkpoints import hashes
from jupyter_flows.store.checkpoints.folder import PACKED, Layout

CHUNK = 1 << 20


def fault(layout: Layout, name: str, size: int) -> str:
    """What is wrong with the blob, as far as a look at its size tells; empty where it is there.

    A plain file counts before a compressed one, as it does for readers.
    """
    path = layout.blob(name)
    found = _size(path)
    if found is None:
        packed = _size(path.with_name(name + PACKED))
        return "" if packed else "is empty" if packed == 0 else "is not there"
    return "" if found == size else f"has {found} bytes instead of {size}"


def _size(path: Path) -> int | None:
    """Of a file; a symbolic link is none, wherever it leads."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def plain(path: Path) -> Iterator[bytes]:
    """The content of a plain file, in pieces of `CHUNK` bytes at most. Raises OSError."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def unpacked(path: Path) -> Iterator[bytes]:
    """The uncompressed content of a compressed file, in such pieces.

    Raises OSError, and ValueError for one that is damaged.
    """
    unpacker = zlib.decompressobj()
    with path.open("rb") as file:
        try:
            while data := unpacker.unconsumed_tail or file.read(CHUNK):
                if unpacker.eof:
                    raise ValueError("it has more behind its end")
                yield unpacker.decompress(data, CHUNK)
            yield unpacker.flush()
        except zlib.error as error:
            raise ValueError(str(error)) from None
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("it is cut short, or has more behind its end")


def is_content(name: str, pieces: Iterable[bytes], stop: Callable[[], bool]) -> bool | None:
    """Whether these are what the name is of; None if it was to stop before the end."""
    hashed = hashes.new(name)
    for piece in pieces:
        hashed.update(piece)
        if stop():
            return None
    return hashes.matches(name, hashed)


def damage(layout: Layout, name: str, size: int, stop: Callable[[], bool]) -> str:
    """As `fault`, but every byte is read. `stop` ends it early, with nothing found."""
    found = fault(layout, name, size)
    if found:
        return found
    path = layout.blob(name)
    try:
        try:
            whole = is_content(name, plain(path), stop)
        except FileNotFoundError:
            whole = is_content(name, unpacked(path.with_name(name + PACKED)), stop)
    except ValueError as error:
        return f"can't be uncompressed: {error}"
    except OSError as error:
        return f"can't be read: {error.strerror}"
    return "has another content than was saved" if whole is False else ""
