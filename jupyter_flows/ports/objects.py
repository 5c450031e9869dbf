"""Where objects are kept, and where the values of resources come from."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from jupyter_flows.core.model import Json
from jupyter_flows.core.objects import Said, StoredObject
from jupyter_flows.core.s3 import Settings


class ResourceReader(Protocol):
    async def value(self, user: str, path: str) -> Json:
        """What is kept at this path, as this user may see it. Raises UnknownPath."""


class Upload(Protocol):
    """One object that is being written; nobody sees it before `finish`."""

    async def write(self, chunk: bytes) -> None:
        """Raises StorageUnavailable."""

    async def finish(self) -> None:
        """Raises StorageUnavailable."""

    async def abort(self) -> None:
        """Nothing of it is kept."""


class ObjectStorage(Protocol):
    """One folder or bucket. All methods raise StorageUnavailable, and BadInput for a key that it
    can't have; those that look for an object raise UnknownPath.
    """

    async def upload(self, key: str, said: Said) -> Upload: ...

    async def info(self, key: str) -> StoredObject: ...

    def read(self, key: str, begin: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `begin` up to `end`, which is not part of them, piece by piece."""

    async def remove(self, key: str) -> None: ...

    async def listed(self, prefix: str, after: str, most: int) -> Sequence[StoredObject]:
        """By key, those that begin with the prefix and come behind `after`."""

    def settings(self) -> Settings:
        """How others reach it. Raises NotOffered for one that is no S3 storage, or whose keys this
        server doesn't have.
        """


class ObjectStorages(Protocol):
    def named(self, name: str | None) -> ObjectStorage:
        """None is the default one. Raises UnknownPath."""

    def of_resource(self, value: Json) -> ObjectStorage:
        """Raises BadInput for a value that is no S3 resource."""
