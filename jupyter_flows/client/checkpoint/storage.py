"""Blobs in a storage of fsspec, such as a bucket, for kernels that share no folder with the server.

What the server says of the storage, its keys included, stays in these objects: none of it goes into
the environment, into fsspec's cache of file systems, or into a message.
"""

from __future__ import annotations

import contextlib
import importlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_flows.client.checkpoint.errors import CannotReach, CheckpointError, Damaged, Missing
from jupyter_flows.client.checkpoint.reading import DAMAGED, check
from jupyter_flows.client.checkpoint.writing import Blobs

PIECE = 16 << 20
"""Bytes that are asked for at once; each reading thread has so many besides what it fills."""

_PACKAGES = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("abfs", "abfss", "az", "adl"), "adlfs"),
    **dict.fromkeys(("sftp", "ssh"), "paramiko"),
}
_LACKS_IT = (
    "The variables are to lie at {url}, and the Python of this kernel can't go there without the"
    " package {package}. Run `pip install {package}` in its environment ({prefix}), and try again."
)
_SHORTEST_SECRET = 6


class Storage:
    """The place of blobs. `told` has `url`, `options` of the file system, and `ticket`, the name of
    what the server has put there for this save; empty for a restore. Raises CannotReach, from all
    of its methods.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._url = str(told["url"])
        self._secrets = list(_texts(told.get("options", {})))
        with self._reached():
            self._files, root = self._opened(told.get("options", {}))
        self._root = str(root).rstrip("/")
        if told.get("ticket"):
            self._check_same(str(told["ticket"]))

    def _opened(self, options: Mapping[str, Any]) -> Any:
        protocol = self._url.partition("://")[0].partition("::")[0]
        try:
            fsspec = importlib.import_module("fsspec.core")
            return fsspec.url_to_fs(self._url, skip_instance_cache=True, **options)
        except ImportError:
            package = _PACKAGES.get(protocol, "fsspec")
            raise CannotReach(
                _LACKS_IT.format(url=self._url, package=package, prefix=sys.prefix)
            ) from None

    def _check_same(self, ticket: str) -> None:
        try:
            with self._reached():
                self._files.info(f"{self._root}/saving/{ticket}")
        except FileNotFoundError:
            raise CannotReach(
                f"What this kernel finds at {self._url} is not what the server finds there."
            ) from None

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """What a storage raises is its package's own, and may hold anything."""
        try:
            yield
        except (FileNotFoundError, CheckpointError):
            raise
        except Exception as error:  # noqa: BLE001
            why = f"{type(error).__name__}: {error}"
            for secret in self._secrets:
                why = why.replace(secret, "…")
            raise CannotReach(
                f"The storage {self._url} can't be used from this kernel: {why[:500]}"
            ) from None

    def _path(self, name: str) -> str:
        return f"{self._root}/blobs/{name[:-62]}/{name}"

    def size(self, name: str) -> int | None:
        """Of the blob; None where there is none."""
        try:
            with self._reached():
                return int(self._files.info(self._path(name))["size"])
        except FileNotFoundError:
            return None

    def put(self, path: Path, name: str) -> None:
        """The file, as the blob of that name."""
        to = self._path(name)
        with self._reached():
            try:
                self._files.put_file(str(path), to)
            except FileNotFoundError:  # a file system with folders
                self._files.makedirs(to.rpartition("/")[0], exist_ok=True)
                self._files.put_file(str(path), to)

    def pieces(self, name: str, size: int, view: memoryview) -> Iterator[memoryview]:
        """Fill the view with the blob, part by part. Raises Missing and Damaged."""
        found = self.size(name)
        if found is None:
            raise Missing(f"The checkpoint's blob {name} is gone.")
        if found != size:
            raise Damaged(f"The checkpoint's blob {name} has {found} bytes instead of {size}.")
        for start in range(0, size, PIECE):
            end = min(size, start + PIECE)
            try:
                with self._reached():
                    got = self._files.cat_file(self._path(name), start=start, end=end)
            except FileNotFoundError:
                raise Missing(f"The checkpoint's blob {name} is gone.") from None
            if len(got) != end - start:
                raise Damaged(f"The checkpoint's blob {name} is not what was saved.")
            view[start:end] = got
            yield view[start:end]

    def set_aside(self, name: str) -> None:
        """A blob that is damaged: a save is to find none, and to write it anew."""
        path = self._path(name)
        with contextlib.suppress(Exception):
            self._files.mv(path, path + DAMAGED)


def _texts(said: Any) -> Iterator[str]:
    """All that could be a secret."""
    if isinstance(said, str) and len(said) >= _SHORTEST_SECRET:
        yield said
    elif isinstance(said, Mapping):
        for value in said.values():
            yield from _texts(value)
    elif isinstance(said, (list, tuple)):
        for value in said:
            yield from _texts(value)


class Uploads(Blobs):
    """Blobs that go to a storage: each is written to a private folder of this machine, hashed on
    the way, put into the storage, and removed here. So no more lies here than the stream and the
    pieces that are being written.
    """

    def __init__(self, told: Mapping[str, Any], limit: int | None, deadline: float | None) -> None:
        self._storage = Storage(told)
        self._here = tempfile.mkdtemp(prefix="jupyter-flows-")
        super().__init__(self._here, limit, deadline)

    def finish(self, descriptor: int, path: Path, name: str, size: int) -> None:
        del descriptor
        if self.has(name, size):
            return
        self.check(0)
        self._storage.put(path, name)
        with self._lock:
            self.new_bytes += size

    def has(self, name: str, size: int) -> bool:
        """Whether the content is there. It stays so while the server's ticket lies there."""
        return self._storage.size(name) == size

    def settle(self) -> None:
        """Nothing: what was put into a storage lasts."""

    def close(self) -> None:
        super().close()
        shutil.rmtree(self._here, ignore_errors=True)


class Stored:
    """Implements `reading.Source`."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._storage = Storage(told)

    def fill(self, name: str, size: int, view: memoryview) -> None:
        try:
            check(self._storage.pieces(name, size, view), name, size)
        except Damaged:
            self._storage.set_aside(name)
            raise
