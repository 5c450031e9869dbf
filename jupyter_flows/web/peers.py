"""What the other processes of this user ask of this one."""

from http import HTTPStatus

import msgspec
from jupyter_server.auth.decorator import allow_unauthenticated
from msgspec import Struct

from jupyter_flows.core.completions import Completion
from jupyter_flows.core.model import (
    Json,
    RunId,
)
from jupyter_flows.engine.asked import NewRun
from jupyter_flows.ports import Expression
from jupyter_flows.web import views
from jupyter_flows.web.doors import PeerDoor


class PeerRun(Struct, forbid_unknown_fields=True):
    """A run that another process of this user hands over."""

    notebook: dict[str, Json]
    path: str
    owner: str
    parameters: dict[str, Json] = {}
    kernel_name: str | None = None
    folder: str | None = None
    output: str | None = None
    completion: Completion | None = None


class PeerRunsDoor(PeerDoor):
    @allow_unauthenticated
    async def post(self) -> None:
        self.check_peer()
        run = await self.engine.create(NewRun(**msgspec.structs.asdict(self.read_json(PeerRun))))
        self.answer(views.RunState(run.id, run.status), HTTPStatus.CREATED)


class PeerExpression(Struct, forbid_unknown_fields=True):
    """A gate's check of an answer, which needs the kernel that this process has (G62)."""

    expr: str
    names: dict[str, Json] = {}
    timeout: float = 60.0


class PeerEvaluateDoor(PeerDoor):
    @allow_unauthenticated
    async def post(self, run: str) -> None:
        self.check_peer()
        asked = self.read_json(PeerExpression)
        found = await self.engine.evaluate(
            RunId(run), Expression(expr=asked.expr, names=asked.names, timeout=asked.timeout)
        )
        self.answer(found)


class PeerDriveDoor(PeerDoor):
    """Another process has changed the run: look at it, and drive it."""

    @allow_unauthenticated
    async def post(self, run: str) -> None:
        self.check_peer()
        await self.engine.poked(RunId(run))
        self.set_status(HTTPStatus.NO_CONTENT)
        self.finish()
