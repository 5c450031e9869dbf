"""The client of the workflow-run API: `Client`, and `AsyncClient` for code that awaits."""

from jupyter_flows.core.workflow import Kind, Status
from jupyter_flows.core.workflow_records import (
    FlowView,
    PendingAction,
    WorkflowError,
    WorkflowRun,
    WorkflowStep,
)
from jupyter_flows.remote.calls import ClientError
from jupyter_flows.remote.clients import AsyncClient, Client

__all__ = [
    "AsyncClient",
    "Client",
    "ClientError",
    "FlowView",
    "Kind",
    "PendingAction",
    "Status",
    "WorkflowError",
    "WorkflowRun",
    "WorkflowStep",
]
