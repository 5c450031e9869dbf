"""A storage of fsspec as checkpoints need it: few calls, errors in words, and its own time."""

import contextlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from jupyter_flows.core.errors import FlowsError, StorageUnavailable

T = TypeVar("T")
A = TypeVar("A")

_AT_ONCE = 16
"""Requests under way for one piece of work."""

_S3 = ("s3", "s3a")
_PATIENCE = {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 3}}
"""Seconds; what botocore has by itself is minutes."""


class Found(NamedTuple):
    """An object. `modified` is in POSIX seconds by the storage's clock, None if it says nothing."""

    key: str
    size: int
    modified: float | None


class Bucket:
    """All methods block, and raise StorageUnavailable for what is not said of them."""

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        self.url = url
        self.options = patient(url, options)

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs  # noqa: PLC0415 (slow to load)

        found, path = url_to_fs(self.url, skip_instance_cache=True, **self.options)  # type: ignore[no-untyped-call]
        return found, str(path).rstrip("/")

    @property
    def _files(self) -> Any:
        return self._opened[0]

    def _path(self, key: str) -> str:
        return f"{self._opened[1]}/{key}"

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (FlowsError, FileNotFoundError):
            raise
        except ImportError as error:
            raise StorageUnavailable(
                f"The storage of checkpoints {self.url} needs a package: {error}"
            ) from None
        except Exception as error:
            raise StorageUnavailable(
                f"The storage of checkpoints {self.url} can't be used: {_why(error)}"
            ) from error

    def look(self, key: str) -> Found | None:
        """The object; None where there is none."""
        try:
            with self._told():
                return _found(key, self._files.info(self._path(key)))
        except FileNotFoundError:
            return None

    def list(self, prefix: str) -> list[Found]:
        """All objects whose keys begin with the prefix and a slash."""
        start = len(self._path(""))
        with self._told():
            self._files.invalidate_cache()
            try:
                found = self._files.find(self._path(prefix), detail=True)
            except FileNotFoundError:
                return []
            return [_found(path[-(len(path) - start) :], about) for path, about in found.items()]

    def read(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        """Raises FileNotFoundError."""
        with self._told():
            return bytes(self._files.cat_file(self._path(key), start=start, end=end))

    def write(self, key: str, data: bytes) -> None:
        to = self._path(key)
        with self._told():
            try:
                self._files.pipe_file(to, data)
            except FileNotFoundError:  # a file system with folders
                self._files.makedirs(to.rpartition("/")[0], exist_ok=True)
                self._files.pipe_file(to, data)

    def mark(self, prefix: str) -> Found:
        """Put an empty object there that nobody else has; it tells the storage's time, too."""
        key = f"{prefix}/{uuid.uuid4().hex}"
        self.write(key, b"")
        found = self.look(key)
        if found is None:
            raise StorageUnavailable(
                f"The storage of checkpoints {self.url} does not show what was just written to it."
            )
        return found

    def remove(self, key: str) -> bool:
        """Whether it was there."""
        try:
            with self._told():
                self._files.rm_file(self._path(key))
        except FileNotFoundError:
            return False
        return True


def at_once(call: Callable[[A], T], about: Iterable[A]) -> list[T]:
    """The call for each of these, several at a time; what the first of them raises."""
    with ThreadPoolExecutor(_AT_ONCE, "checkpoint storage") as threads:
        return list(threads.map(call, about))


def patient(url: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with what makes S3's client ask the storage itself, and give up in time."""
    if url.partition("://")[0] not in _S3:
        return dict(options)
    config = {**_PATIENCE, **options.get("config_kwargs", {})}
    return {"use_listings_cache": False, **options, "config_kwargs": config}


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _found(key: str, about: Mapping[str, Any]) -> Found:
    return Found(key, int(about.get("size") or 0), _modified(about))


def _modified(about: Mapping[str, Any]) -> float | None:
    """File systems call it as they like."""
    for name in ("LastModified", "last_modified", "mtime", "updated", "modified", "created"):
        said = about.get(name)
        if isinstance(said, datetime):
            return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()
        if isinstance(said, (int, float)):
            return float(said)
        if isinstance(said, str):
            with contextlib.suppress(ValueError):
                return datetime.fromisoformat(said).timestamp()
    return None
