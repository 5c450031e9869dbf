"""What is said of workflow runs and registered flows: by the doors, and to their client."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from jupyter_flows.core.model import Json
from jupyter_flows.core.moments import Time
from jupyter_flows.core.workflow import Kind, Status


class WorkflowError(Struct):
    """Why a run has failed; `reason` is a person's."""

    name: str
    message: str
    reason: str | None = None


class WorkflowStep(Struct):
    """A step that something has become of."""

    name: str
    status: Status
    output: Json


class PendingAction(Struct):
    """What the run waits for. An input must be one of the `options` where there are any; else it is
    an object that the `schema` describes.
    """

    step: str
    type: Kind
    message: str
    options: list[str] | UnsetType = UNSET
    schema: Mapping[str, Json] | UnsetType = UNSET


class WorkflowOutput(Struct, rename={"pending_action": "pendingAction"}):
    """`status` is running, paused, completed or failed; `error` says why it has failed."""

    status: Status
    steps: list[WorkflowStep]
    result: Json
    pending_action: PendingAction | None
    error: WorkflowError | None


class WorkflowRun(Struct):
    output: WorkflowOutput
    run_id: str
    flow: Annotated[str, Meta(description="The notebook's path")]
    created_at: Time
    finished_at: Time | None


class WorkflowRunPage(Struct):
    """`cursor` asks for the runs behind these; null is the end."""

    data: list[WorkflowRun]
    cursor: str | None


class FlowView(Struct):
    """A flow that can be started by its name."""

    name: str
    path: str
    owner: Annotated[str | None, Meta(description="Who has registered it")]
    registered_at: Time | None
    source: Literal["registered", "folder"]
    hash: Annotated[
        str | None, Meta(description="The version that its notebook is now; not in lists")
    ] = None


class FlowList(Struct):
    flows: list[FlowView]
