"""Objects as those who ask see them: in which storage, by which key, and signed for others."""

from collections.abc import Callable

from jupyter_flows.core import objects
from jupyter_flows.core.links import Keyring
from jupyter_flows.core.objects import Said, checked_key
from jupyter_flows.ports import Chance, Clock
from jupyter_flows.ports.objects import ObjectStorage, ObjectStorages, ResourceReader, Upload

_RESOURCE = ("$res:", "res://")


def resource_path(said: str) -> str:
    """The path of a resource, which clients also write `$res:PATH`, `res://PATH` and `/PATH`."""
    for mark in _RESOURCE:
        said = said.removeprefix(mark)
    return said.removeprefix("/")


class Objects:
    """What the doors ask of objects. They belong to the server's one workspace, so to all users."""

    def __init__(
        self,
        *,
        storages: ObjectStorages,
        resources: ResourceReader,
        keyring: Callable[[], Keyring],
        clock: Clock,
        chance: Chance,
    ) -> None:
        self._storages = storages
        self._resources = resources
        self._keyring = keyring
        self._clock = clock
        self._chance = chance

    async def storage(self, user: str, name: str | None, resource: str | None) -> ObjectStorage:
        """The storage of this name, or the one that a resource of this user describes.

        Raises UnknownPath, BadInput.
        """
        if resource is None:
            return self._storages.named(_plain(name))
        value = await self._resources.value(user, resource_path(resource))
        return self._storages.of_resource(value)

    async def upload(
        self, storage: ObjectStorage, key: str | None, said: Said, extension: str | None = None
    ) -> tuple[str, Upload]:
        """The key, a new one with this extension if none is named, and where to write."""
        ending = "" if extension is None else f".{extension.removeprefix('.')}"
        named = checked_key(key or f"windmill_uploads/{self._chance()}{ending}")
        return named, await storage.upload(named, said)

    def sign(self, name: str | None, key: str, seconds: int | None) -> str:
        """The query of a public address, for so many seconds. Raises UnknownPath, BadInput."""
        self._storages.named(_plain(name))
        expires = int(self._clock()) + objects.expiry(seconds)
        return objects.presigned(self._keyring(), _plain(name), checked_key(key), expires)

    def public(self, name: str, key: str, expires: str, token: str) -> ObjectStorage:
        """The storage of an object whose public address this is. Raises UnknownLink, LinkExpired,
        and UnknownPath for a storage that is no more.
        """
        objects.check_presigned(
            self._keyring(), _plain(name), key, expires=expires, token=token, now=self._clock()
        )
        return self._storages.named(_plain(name))


def _plain(name: str | None) -> str | None:
    return None if name in {None, "", objects.DEFAULT} else name
