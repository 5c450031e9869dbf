"""The storages that an administrator has set, and those that resources describe."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from jupyter_flows.core import s3
from jupyter_flows.core.errors import UnknownPath
from jupyter_flows.core.model import Json
from jupyter_flows.objects.storage import FsspecStorage


class Place(NamedTuple):
    """An address of fsspec with the options of its file system."""

    url: str
    options: Mapping[str, Any]


class Storages:
    """Implements `ports.objects.ObjectStorages`."""

    def __init__(self, default: Place, named: Mapping[str, Place]) -> None:
        self._default = FsspecStorage(*default, name="default storage")
        self._named = {
            name: FsspecStorage(*place, name=f"storage {name!r}") for name, place in named.items()
        }

    def named(self, name: str | None) -> FsspecStorage:
        if name is None:
            return self._default
        found = self._named.get(name)
        if found is None:
            known = ", ".join(sorted(self._named)) or "none"
            raise UnknownPath(
                f"There is no storage {name[:200]!r}; FlowsApp.objects_storages names: {known}."
            )
        return found

    def of_resource(self, value: Json) -> FsspecStorage:
        said = s3.of_resource(value)
        bucket = said.resource.bucket
        return FsspecStorage(
            f"s3://{bucket}", said.fsspec(), name=f"bucket {bucket!r}", settings=said
        )
