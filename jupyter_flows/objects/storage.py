"""One storage of objects, on fsspec: a folder, a bucket, or whatever else fsspec has.

fsspec blocks, so all of it happens in threads. What is said of an object stands in its own headers
where the storage is S3, and elsewhere in a small file beside.
"""

import asyncio
import contextlib
import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from jupyter_flows.core import s3
from jupyter_flows.core.errors import (
    BadInput,
    FlowsError,
    NotOffered,
    StorageUnavailable,
    UnknownPath,
)
from jupyter_flows.core.objects import RESERVED, Said, StoredObject

T = TypeVar("T")

PIECE = 1 << 20
"""Bytes that are read at a time."""

_S3 = ("s3", "s3a")
_THREADS = ThreadPoolExecutor(16, "jupyter-flows-objects")


async def _in_thread(key: str, call: Callable[..., T], *args: Any) -> T:
    """With the storage's errors in our words."""
    with _told(key):
        return await asyncio.get_running_loop().run_in_executor(_THREADS, call, *args)


@contextlib.contextmanager
def _told(key: str) -> Iterator[None]:
    try:
        yield
    except FlowsError:
        raise
    except FileNotFoundError:
        raise UnknownPath(f"There is no object {key[:200]!r}.") from None
    except (NotADirectoryError, IsADirectoryError, FileExistsError):
        raise BadInput(
            f"The key {key[:200]!r} can't be used here: another one lies below it, or it below"
            " another one."
        ) from None
    except ImportError as error:
        raise NotOffered(f"This storage needs a package: {error}") from None
    except Exception as error:
        if isinstance(error, OSError) and "name too long" in str(error).lower():
            raise BadInput(f"The key {key[:200]!r} is too long for this storage.") from None
        raise StorageUnavailable(f"{type(error).__name__}: {error}"[:500]) from error


class FsspecStorage:
    """Implements `ports.objects.ObjectStorage`."""

    def __init__(
        self,
        url: str,
        options: Mapping[str, Any],
        *,
        name: str,
        settings: s3.Settings | None = None,
    ) -> None:
        """`name` is how messages call it."""
        self._url = url
        self._options = options
        self._name = name
        self._settings = settings

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """The file system, and the path in it that all keys lie below."""
        from fsspec.core import url_to_fs  # noqa: PLC0415 (slow to load)

        is_s3 = self._url.partition("://")[0] in _S3
        fresh = {"use_listings_cache": False, "skip_instance_cache": True} if is_s3 else {}
        found, path = url_to_fs(self._url, **{**self._options, **fresh})  # type: ignore[no-untyped-call]
        return found, str(path).rstrip("/")

    @property
    def _files(self) -> Any:
        return self._opened[0]

    def _path(self, key: str) -> str:
        return f"{self._opened[1]}/{key}"

    @property
    def _is_s3(self) -> bool:
        return bool(set(_protocols(self._files)) & set(_S3))

    @property
    def _is_local(self) -> bool:
        return "file" in _protocols(self._files)

    # ------------------------------------------------------------ writing

    async def upload(self, key: str, said: Said) -> "FsspecUpload":
        return await _in_thread(key, self._begin, key, said)

    def _begin(self, key: str, said: Said) -> "FsspecUpload":
        if self._is_s3:
            headers = {
                "ContentType": said.content_type,
                "ContentDisposition": said.content_disposition,
            }
            given = {name: value for name, value in headers.items() if value is not None}
            return FsspecUpload(key, self._files.open(self._path(key), "wb", **given))
        target = self._path(key)
        if self._files.isdir(target):
            raise IsADirectoryError
        path = self._path(f"{RESERVED}/parts/{uuid.uuid4().hex}") if self._is_local else target
        self._make_folder(path)
        self._make_folder(target)

        def settle() -> None:
            self._say(key, said)
            if path != target:
                Path(path).replace(target)

        def forget() -> None:
            if path != target:
                self._files.rm_file(path)

        return FsspecUpload(key, self._files.open(path, "wb"), settle, forget)

    def _make_folder(self, path: str) -> None:
        self._files.makedirs(path.rpartition("/")[0], exist_ok=True)

    def _said_path(self, key: str) -> str:
        return self._path(f"{RESERVED}/about/{hashlib.sha256(key.encode()).hexdigest()}.json")

    def _say(self, key: str, said: Said) -> None:
        path = self._said_path(key)
        if said == Said():
            with contextlib.suppress(FileNotFoundError):
                self._files.rm_file(path)
            return
        self._make_folder(path)
        self._files.pipe_file(
            path, json.dumps([said.content_type, said.content_disposition]).encode()
        )

    # ------------------------------------------------------------ reading

    async def info(self, key: str) -> StoredObject:
        return await _in_thread(key, self._info, key)

    def _info(self, key: str) -> StoredObject:
        if self._is_s3:
            bucket, inner, _ = self._files.split_path(self._path(key))
            head = self._files.call_s3("head_object", Bucket=bucket, Key=inner)
            said = Said(head.get("ContentType"), head.get("ContentDisposition"))
            return StoredObject(
                key, head["ContentLength"], _seconds(head.get("LastModified")), said
            )
        found = self._files.info(self._path(key))
        if found.get("type") == "directory":
            raise FileNotFoundError
        return StoredObject(key, int(found["size"]), _modified(found), self._said(key))

    def _said(self, key: str) -> Said:
        try:
            return Said(*json.loads(self._files.cat_file(self._said_path(key))))
        except FileNotFoundError:
            return Said()

    async def read(self, key: str, begin: int, end: int) -> AsyncIterator[bytes]:
        file = await _in_thread(key, self._open, key)
        try:
            await _in_thread(key, file.seek, begin)
            left = end - begin
            while left > 0:
                piece = await _in_thread(key, file.read, min(PIECE, left))
                if not piece:
                    raise StorageUnavailable(f"The object {key[:200]!r} has changed meanwhile.")
                left -= len(piece)
                yield piece
        finally:
            await asyncio.shield(_in_thread(key, file.close))

    def _open(self, key: str) -> Any:
        return self._files.open(self._path(key), "rb")

    async def listed(self, prefix: str, after: str, most: int) -> Sequence[StoredObject]:
        return await _in_thread(prefix, self._listed, prefix, after, most)

    def _listed(self, prefix: str, after: str, most: int) -> list[StoredObject]:
        folder = self._path(prefix.rpartition("/")[0]).rstrip("/")
        try:
            found = self._files.find(folder, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        cut = len(self._opened[1]) + 1
        keys = {path[cut:]: info for path, info in found.items()}
        wanted = sorted(
            key
            for key in keys
            if key.startswith(prefix) and key > after and not key.startswith(f"{RESERVED}/")
        )
        return [
            StoredObject(key, int(keys[key].get("size") or 0), _modified(keys[key]))
            for key in wanted[:most]
        ]

    async def remove(self, key: str) -> None:
        await _in_thread(key, self._remove, key)

    def _remove(self, key: str) -> None:
        self._info(key)
        self._files.rm_file(self._path(key))
        if not self._is_s3:
            self._say(key, Said())

    # ------------------------------------------------------------ others

    def settings(self) -> s3.Settings:
        if self._settings is not None:
            return self._settings
        protocol, _, rest = self._url.rpartition("://")
        if protocol not in _S3:
            is_folder = protocol in {"", "file", "local"}
            what = "a folder of this server" if is_folder else "no S3 storage"
            raise NotOffered(
                f"The {self._name} is {what}, which no S3 client can reach: set"
                " FlowsApp.objects_url to s3://BUCKET, with its keys in FlowsApp.objects_options,"
                " or name a resource of the type s3."
            )
        found = s3.of_options(rest.partition("/")[0], self._options)
        if found is None:
            raise NotOffered(
                f"The keys of the {self._name} are those of the server's surroundings, which are"
                " not given away: name a resource of the type s3 that has keys."
            )
        return found


class FsspecUpload:
    """Implements `ports.objects.Upload`."""

    def __init__(
        self,
        key: str,
        file: Any,
        settle: Callable[[], None] = lambda: None,
        forget: Callable[[], None] = lambda: None,
    ) -> None:
        """`settle` is called when all of it is written, `forget` when it is given up."""
        self._key = key
        self._file = file
        self._settle = settle
        self._forget = forget

    async def write(self, chunk: bytes) -> None:
        await self._do(self._file.write, chunk)

    async def finish(self) -> None:
        await self._do(self._finish)

    async def _do(self, call: Callable[..., object], *args: Any) -> None:
        """What is missing here is no object: it is where one would be put."""
        try:
            await _in_thread(self._key, call, *args)
        except UnknownPath:
            raise StorageUnavailable("The bucket or folder of this storage is missing.") from None

    def _finish(self) -> None:
        self._file.close()
        self._settle()

    async def abort(self) -> None:
        await _in_thread(self._key, self._abort)

    def _abort(self) -> None:
        if hasattr(self._file, "forced"):  # one of fsspec's: closing it would send what is left
            self._file.discard()
            self._file.closed = True
        else:
            self._file.close()
        self._forget()


def _protocols(files: Any) -> tuple[str, ...]:
    said = files.protocol
    return (said,) if isinstance(said, str) else tuple(said)


def _modified(info: Mapping[str, Any]) -> float | None:
    return _seconds(info.get("mtime") or info.get("LastModified") or info.get("modified"))


def _seconds(moment: object) -> float | None:
    if isinstance(moment, datetime):
        return moment.timestamp()
    return float(moment) if isinstance(moment, int | float) else None
