"""Objects: written, read, listed, deleted, signed for others, and how their storage is reached."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from msgspec import Struct
from tornado import web

from jupyter_flows.core.errors import BadInput, FlowsError, TooLarge, UnknownLink, UnknownPath
from jupyter_flows.core.model import Json
from jupyter_flows.core.objects import checked_key, checked_said
from jupyter_flows.core.windmill import WORKSPACE
from jupyter_flows.ports.objects import ObjectStorage, Upload
from jupyter_flows.web.doors import LinkDoor, number
from jupyter_flows.web.windmill.door import WindmillDoor, check_workspace, windmill_door
from jupyter_flows.web.windmill.serving import POLICY, send_object

MOST_LISTED = 1000
_SPARE = 1 << 20
"""Bytes of a body that is too large which are read nevertheless, so that its sender is told."""


class FileKey(Struct):
    file_key: str


class ListedFile(Struct):
    """`size` in bytes, `modified` in seconds since 1970."""

    s3: str
    size: int
    modified: float | None = None


class ListedFiles(Struct):
    """`next_marker` is the `marker` of the next page; null on the last one."""

    windmill_large_files: list[ListedFile]
    next_marker: str | None = None
    restricted_access: bool = False


class S3ObjectBody(Struct, omit_defaults=True):
    """As `wmill.S3Object`. A storage that is none is left out: the client would put it into the
    address.
    """

    s3: str
    storage: str | None = None
    filename: str | None = None
    presigned: str | None = None


class SignObjects(Struct):
    """Objects, or their addresses `s3://STORAGE/KEY`; `expiry_secs` is brought between a minute and
    a week.
    """

    s3_objects: list[S3ObjectBody | str]
    expiry_secs: int | None = None


class OfStorage(Struct):
    """The resource of type s3 at this path, or a storage by its name, or the default one."""

    s3_resource_path: str | None = None
    storage: str | None = None


class DuckdbSettings(Struct):
    connection_settings_str: str
    s3_bucket: str


class PolarsSettings(Struct):
    s3fs_args: dict[str, Json]
    storage_options: dict[str, Json]
    s3_bucket: str


class _ObjectDoor(WindmillDoor):
    def said(self, name: str) -> str | None:
        """A value of the address as it was sent: what the web server gives has no control
        characters and no blanks at its ends any more. Raises BadInput.
        """
        values = self.request.query_arguments.get(name, [])
        try:
            return values[-1].decode() or None if values else None
        except UnicodeDecodeError:
            raise BadInput(f"{name} is not UTF-8.") from None

    def key(self) -> str:
        """Raises BadInput."""
        return checked_key(self.said("file_key") or "")

    async def storage(self) -> ObjectStorage:
        """Raises UnknownPath, BadInput."""
        return await self.doors.objects.storage(
            self.caller.user, self.said("storage"), self.said("s3_resource_path")
        )


@web.stream_request_body
class UploadDoor(_ObjectDoor):
    """The body goes into the storage as it comes, and is never in memory as a whole."""

    _upload: Upload | None = None
    _failed: FlowsError | None = None
    _read = 0
    _key = ""

    def initialize(self, **kwargs: Any) -> None:  # type: ignore[override]
        super().initialize(**kwargs)
        self._at_work = asyncio.Lock()
        self._giving_up: set[asyncio.Task[None]] = set()

    async def prepare(self) -> None:  # type: ignore[override]
        most = self.doors.object_limit
        self.request.connection.set_max_body_size(most + _SPARE)  # type: ignore[union-attr]
        await super().prepare()
        if self.request.method != "POST":
            return
        self.caller = await self.enter()
        check_workspace(self.path_args[0])
        said = checked_said(self.said("content_type"), self.said("content_disposition"))
        extension = self.said("file_extension")
        key = self.said("file_key")
        if int(self.request.headers.get("Content-Length") or 0) > most:
            raise self._too_large()
        self._key, self._upload = await self.doors.objects.upload(
            await self.storage(), key, said, extension
        )

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"An object has at most {self.doors.object_limit} bytes; the setting is"
            " FlowsApp.max_object_bytes."
        )

    async def data_received(self, chunk: bytes) -> None:
        """What goes wrong is answered when all is read: an error here would cut the sender off."""
        self._read += len(chunk)
        if self._upload is None or self._failed is not None:
            return
        if self._read > self.doors.object_limit:
            self._failed = self._too_large()
            return
        async with self._at_work:
            try:
                await self._upload.write(chunk)
            except FlowsError as error:
                self._failed = error

    @allow_unauthenticated
    async def post(self, _: str) -> None:
        if self._failed is not None:
            raise self._failed
        upload, self._upload = self._upload, None
        if upload is None:
            return
        try:
            await upload.finish()
        except FlowsError:
            self._upload = upload
            raise
        self.answer(FileKey(self._key))

    def on_connection_close(self) -> None:
        """Its sender went away."""
        super().on_connection_close()
        self._give_up()

    def on_finish(self) -> None:
        super().on_finish()
        self._give_up()

    def _give_up(self) -> None:
        """Nothing of an object is kept that has not come to its end."""
        upload, self._upload = self._upload, None
        if upload is not None:
            task = asyncio.ensure_future(self._abort(upload))
            self._giving_up.add(task)
            task.add_done_callback(self._giving_up.discard)

    async def _abort(self, upload: Upload) -> None:
        async with self._at_work:
            with contextlib.suppress(FlowsError):
                await upload.abort()


class DownloadDoor(_ObjectDoor):
    @windmill_door
    async def get(self) -> None:
        await send_object(self, await self.storage(), self.key())

    @windmill_door
    async def head(self) -> None:
        await send_object(self, await self.storage(), self.key())


class DeleteDoor(_ObjectDoor):
    @windmill_door
    async def delete(self) -> None:
        key = self.key()
        await (await self.storage()).remove(key)
        self.answer(FileKey(key))


class StoredFilesDoor(_ObjectDoor):
    @windmill_door
    async def get(self) -> None:
        most = number("max_keys", self.said("max_keys") or "100", 1, MOST_LISTED)
        prefix = (self.said("prefix") or "").removeprefix("/")
        if prefix:
            checked_key(f"{prefix}x")
        storage = await self.storage()
        found = await storage.listed(prefix, self.said("marker") or "", most + 1)
        files = [ListedFile(each.key, each.size, each.modified) for each in found[:most]]
        self.answer(ListedFiles(files, files[-1].s3 if len(found) > most else None))


class SignDoor(WindmillDoor):
    @windmill_door
    async def post(self) -> None:
        asked = self.read_json(SignObjects)
        self.answer([self._signed(each, asked.expiry_secs) for each in asked.s3_objects])

    def _signed(self, asked: S3ObjectBody | str, seconds: int | None) -> S3ObjectBody:
        said = _parsed(asked) if isinstance(asked, str) else asked
        query = self.doors.objects.sign(said.storage, said.s3, seconds)
        return S3ObjectBody(said.s3, said.storage or None, said.filename, query)


def _parsed(address: str) -> S3ObjectBody:
    """Raises BadInput."""
    scheme, _, rest = address.partition("://")
    storage, _, key = rest.partition("/")
    if scheme != "s3" or not key:
        raise BadInput(
            f"An object is {{'s3': KEY}} or 's3://STORAGE/KEY' ('s3:///KEY' in the default"
            f" storage); this is {address[:200]!r}"
        )
    return S3ObjectBody(key, storage or None)


@web.stream_request_body
class PublicDoor(LinkDoor):
    """For whoever holds a signed address: no login, no cookie; an object and nothing else."""

    @property
    def content_security_policy(self) -> str:
        return POLICY

    @allow_unauthenticated
    async def get(self, workspace: str, storage: str, key: str) -> None:
        if workspace != WORKSPACE:
            raise UnknownLink
        checked = checked_key(key)
        expires = self.get_query_argument("expires", "")
        found = self.doors.objects.public(storage, checked, expires, self.token_of_query())
        await send_object(self, found, checked)

    @allow_unauthenticated
    async def head(self, workspace: str, storage: str, key: str) -> None:
        await self.get(workspace, storage, key)


class SettingsDoor(WindmillDoor):
    """How a storage is reached, as one kind of client asks."""

    def initialize(self, kind: str, **kwargs: Any) -> None:  # type: ignore[override]
        super().initialize(**kwargs)
        self._kind = kind

    @windmill_door
    async def post(self) -> None:
        asked = self.read_json(OfStorage)
        storage = await self.doors.objects.storage(
            self.caller.user, asked.storage, asked.s3_resource_path or None
        )
        settings = storage.settings()
        bucket = settings.resource.bucket
        answers: dict[str, Callable[[], Struct]] = {
            "duckdb": lambda: DuckdbSettings(settings.duckdb(), bucket),
            "polars": lambda: PolarsSettings(**settings.polars(), s3_bucket=bucket),
            "s3": settings.info,
        }
        self.answer(answers[self._kind]())


class ProxyBucketDoor(WindmillDoor):
    @windmill_door
    async def get(self) -> None:
        raise UnknownPath(
            "This server is no S3 server itself: ask for the connection settings of a storage."
        )
