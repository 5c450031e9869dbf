"""The REST of registered flows: the notebooks that programs start by a name."""

from http import HTTPStatus

from jupyter_server.auth.decorator import authorized
from msgspec import Struct
from tornado import web

from jupyter_flows.core.registry import RegisteredFlow
from jupyter_flows.core.workflow_records import FlowList
from jupyter_flows.web.contents import file_of_notebook
from jupyter_flows.web.doors import ApiDoor
from jupyter_flows.web.workflow_views import flow_view


class RegisterFlow(Struct, forbid_unknown_fields=True):
    """`path` is the notebook's, as the contents API writes it."""

    path: str


class FlowsDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def get(self) -> None:
        self.answer(FlowList([flow_view(each) for each in await self.doors.registry.flows()]))


class FlowDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        await self._tell(await self.doors.registry.flow(name))

    @web.authenticated
    @authorized
    async def put(self, name: str) -> None:
        asked = self.read_json(RegisterFlow)
        file = await file_of_notebook(self.contents_manager, asked.path)
        await self._tell(await self.doors.registry.register(name, str(file), self.user))

    async def _tell(self, flow: RegisteredFlow) -> None:
        self.answer(flow_view(flow, await self.doors.registry.hash_of(flow)))

    @web.authenticated
    @authorized
    async def delete(self, name: str) -> None:
        await self.doors.registry.unregister(name, self.user)
        self.set_status(HTTPStatus.NO_CONTENT)
        self.finish()
