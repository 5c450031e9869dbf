"""Resources: JSON values that flows read by a path; a flow's own state is one."""

from http import HTTPStatus
from typing import Annotated

from msgspec import Meta, Struct

from jupyter_flows.core.model import Json
from jupyter_flows.core.things import Resource
from jupyter_flows.core.windmill import WORKSPACE
from jupyter_flows.web.times import Time, time
from jupyter_flows.web.windmill.door import WindmillDoor, windmill_door


class ResourceView(Struct):
    workspace_id: str
    path: str
    value: Json
    resource_type: str
    description: str
    edited_at: Time


class CreateResource(Struct):
    path: Annotated[str, Meta(max_length=1000)]
    resource_type: Annotated[str, Meta(max_length=200)]
    value: Json = None
    description: str | None = None


class UpdateResourceValue(Struct):
    value: Json = None


def resource_view(resource: Resource) -> ResourceView:
    return ResourceView(
        workspace_id=WORKSPACE,
        path=resource.path,
        value=resource.value,
        resource_type=resource.resource_type,
        description=resource.description,
        edited_at=time(resource.updated_at),
    )


class ResourceInterpolatedDoor(WindmillDoor):
    @windmill_door
    async def get(self, path: str) -> None:
        self.answer(await self.doors.things.interpolated(self.caller.user, path))


class ResourceValueDoor(WindmillDoor):
    @windmill_door
    async def get(self, path: str) -> None:
        self.answer((await self.doors.things.resources.at(self.caller.user, path)).value)


class ResourceDoor(WindmillDoor):
    @windmill_door
    async def get(self, path: str) -> None:
        self.answer(resource_view(await self.doors.things.resources.at(self.caller.user, path)))


class ResourceExistsDoor(WindmillDoor):
    @windmill_door
    async def get(self, path: str) -> None:
        self.answer(await self.doors.things.resources.exists(self.caller.user, path))


class ResourcesDoor(WindmillDoor):
    @windmill_door
    async def get(self) -> None:
        found = await self.doors.things.resources.all(self.caller.user)
        kinds = (self.query("resource_type") or "").split(",")
        wanted = [each for each in found if kinds == [""] or each.resource_type in kinds]
        self.answer([resource_view(each) for each in self.page(wanted)])


class CreateResourceDoor(WindmillDoor):
    @windmill_door
    async def post(self) -> None:
        asked = self.read_json(CreateResource)
        resource = Resource(
            path=asked.path,
            value=asked.value,
            resource_type=asked.resource_type,
            description=asked.description or "",
        )
        await self.doors.things.resources.create(
            self.caller.user, resource, or_update=self.flag("update_if_exists")
        )
        self.text(asked.path, HTTPStatus.CREATED)


class UpdateResourceValueDoor(WindmillDoor):
    @windmill_door
    async def post(self, path: str) -> None:
        value = self.read_json(UpdateResourceValue).value
        await self.doors.things.resources.update(self.caller.user, path, value=value)
        self.text(f"resource {path} updated")


class DeleteResourceDoor(WindmillDoor):
    @windmill_door
    async def delete(self, path: str) -> None:
        await self.doors.things.resources.remove(self.caller.user, path)
        self.text(f"resource {path} deleted")
