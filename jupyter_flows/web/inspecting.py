"""What a notebook would be as a flow, before anything runs: what it asks for, and its mistakes."""

from collections.abc import Sequence

from jupyter_server.auth.decorator import authorized
from msgspec import Struct
from tornado import web

from jupyter_flows.core.errors import BadInput, FlowInvalid
from jupyter_flows.core.flow import Flow
from jupyter_flows.core.model import Json
from jupyter_flows.ports import Parameter
from jupyter_flows.web.doors import ApiDoor


class InspectNotebook(Struct, forbid_unknown_fields=True):
    """The notebook as nbformat; its outputs are not needed."""

    notebook: dict[str, Json]


class ParameterView(Struct):
    """`default` is source text; `value` is the same as JSON, null where it has none."""

    name: str
    default: str
    value: Json
    type: str | None
    help: str


class ExpectedGate(Struct):
    step: str
    summary: str


class MistakeView(Struct):
    where: str
    message: str


class InspectionView(Struct):
    name: str | None
    parameters: list[ParameterView]
    gates: list[ExpectedGate]
    mistakes: list[MistakeView]


class InspectDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def post(self) -> None:
        asked = self.read_json(InspectNotebook)
        try:
            flow, parameters = self.engine.reading.inspect(asked.notebook)
        except FlowInvalid as error:
            listed = [MistakeView(one.where, str(one.message)) for one in error.mistakes]
            self.answer(InspectionView(None, [], [], listed))
        except BadInput as error:
            self.answer(InspectionView(None, [], [], [MistakeView("", str(error))]))
        else:
            self.answer(inspection_view(flow, parameters))


def inspection_view(flow: Flow, parameters: Sequence[Parameter]) -> InspectionView:
    return InspectionView(
        name=flow.name,
        parameters=[
            ParameterView(one.name, one.default, one.value, one.type, one.help)
            for one in parameters
        ],
        gates=[ExpectedGate(step.id, step.summary) for step in flow.steps if step.gate is not None],
        mistakes=[],
    )
