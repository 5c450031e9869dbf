"""Variables: texts that flows read by a path, kept encrypted."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from jupyter_flows.core.things import Variable
from jupyter_flows.core.windmill import WORKSPACE
from jupyter_flows.web.times import Time, time
from jupyter_flows.web.windmill.door import WindmillDoor, windmill_door


class VariableView(Struct):
    """`value` null: it is secret, and only shown to who asks for it."""

    workspace_id: str
    path: str
    value: str | None
    is_secret: bool
    description: str
    edited_at: Time


class CreateVariable(Struct):
    path: Annotated[str, Meta(max_length=1000)]
    value: str
    is_secret: bool = False
    description: str | None = None


class UpdateVariable(Struct):
    """What is left out stays as it is."""

    value: str | None = None
    is_secret: bool | None = None
    description: str | None = None


def variable_view(variable: Variable, *, shows_secret: bool = False) -> VariableView:
    return VariableView(
        workspace_id=WORKSPACE,
        path=variable.path,
        value=variable.value if shows_secret or not variable.is_secret else None,
        is_secret=variable.is_secret,
        description=variable.description,
        edited_at=time(variable.updated_at),
    )


class VariableValueDoor(WindmillDoor):
    @windmill_door
    async def get(self, path: str) -> None:
        found = await self.doors.things.variables.at(self.caller.user, path)
        self.answer(found.value)


class VariableDoor(WindmillDoor):
    @windmill_door
    async def get(self, path: str) -> None:
        shows_secret = self.flag("decrypt_secret")
        found = await self.doors.things.variables.at(self.caller.user, path)
        self.answer(variable_view(found, shows_secret=shows_secret))


class VariableExistsDoor(WindmillDoor):
    @windmill_door
    async def get(self, path: str) -> None:
        self.answer(await self.doors.things.variables.exists(self.caller.user, path))


class VariablesDoor(WindmillDoor):
    @windmill_door
    async def get(self) -> None:
        found = self.page(await self.doors.things.variables.all(self.caller.user))
        self.answer([variable_view(each) for each in found])


class CreateVariableDoor(WindmillDoor):
    @windmill_door
    async def post(self) -> None:
        asked = self.read_json(CreateVariable)
        variable = Variable(
            path=asked.path,
            value=asked.value,
            is_secret=asked.is_secret,
            description=asked.description or "",
        )
        await self.doors.things.variables.create(
            self.caller.user, variable, or_update=self.flag("update_if_exists")
        )
        self.text(asked.path, HTTPStatus.CREATED)


class UpdateVariableDoor(WindmillDoor):
    @windmill_door
    async def post(self, path: str) -> None:
        asked = msgspec.structs.asdict(self.read_json(UpdateVariable))
        changes = {name: value for name, value in asked.items() if value is not None}
        await self.doors.things.variables.update(self.caller.user, path, **changes)
        self.text(f"variable {path} updated")


class DeleteVariableDoor(WindmillDoor):
    @windmill_door
    async def delete(self, path: str) -> None:
        await self.doors.things.variables.remove(self.caller.user, path)
        self.text(f"variable {path} deleted")
