"""What the two clients have in common: each request as a record, and how its answer is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from jupyter_flows.core.model import Json
from jupyter_flows.core.workflow_records import FlowList, FlowView, WorkflowRun, WorkflowRunPage

T = TypeVar("T")

BASE = "jupyter-flows"
WAIT = 30.0
"""Seconds that the server waits for a run to pause or end, before it answers."""


class ClientError(Exception):
    """The server has refused, or did not answer as it should. Nothing was changed.

    `status` is the HTTP status, `problem` the name of what was refused (such as `GateClosed`), and
    `mistakes` are what is wrong where, for an input that does not fit.
    """

    def __init__(
        self, status: int, problem: str, message: str, mistakes: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problem = problem
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request. `kind` is what the answer's body is read as; None is no body."""

    method: str
    path: str
    kind: type[T] | None
    body: Json = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0

    def read(self, status: int, content: bytes) -> Any:
        """The answer's record. Raises ClientError."""
        if status >= 400:
            raise _refused(status, content)
        if self.kind is None:
            return None
        try:
            return msgspec.json.decode(content, type=self.kind)
        except msgspec.MsgspecError as error:
            said = f"{self.method} {self.path}: this is no answer of jupyter_flows: {error}"
            raise ClientError(status, "NotUnderstood", said) from None


def _refused(status: int, content: bytes) -> ClientError:
    try:
        said = msgspec.json.decode(content)
    except msgspec.MsgspecError:
        said = None
    if not isinstance(said, dict):
        said = {}
    problem = str(said.get("type", "")).rpartition(":")[2] or "Refused"
    detail = str(said.get("detail") or said.get("message") or f"The server answered {status}.")
    mistakes = said.get("errors")
    found = [(str(m.get("where", "")), str(m.get("message", ""))) for m in mistakes or ()]
    return ClientError(status, problem, detail, tuple(found))


# ---------------------------------------------------------------- the requests


def start(
    name: str, task: str, state: Mapping[str, Json] | None, key: str | None, wait: float
) -> Call[WorkflowRun]:
    return Call(
        "POST",
        f"v1/agents/{_part(name)}/workflow",
        WorkflowRun,
        body={"input": {"task": task, "state": dict(state or {})}},
        query=_waits(wait),
        headers={"Idempotency-Key": key} if key else {},
        wait=wait,
    )


def get(run: str) -> Call[WorkflowRun]:
    return Call("GET", f"v1/workflow-runs/{_part(run)}", WorkflowRun)


def page(
    status: str | None, owner: str | None, limit: int, cursor: str | None
) -> Call[WorkflowRunPage]:
    asked = {"status": status, "owner": owner, "limit": str(limit), "cursor": cursor}
    query = {name: value for name, value in asked.items() if value is not None}
    return Call("GET", "v1/workflow-runs", WorkflowRunPage, query=query)


def cancel(run: str) -> Call[WorkflowRun]:
    return Call("DELETE", f"v1/workflow-runs/{_part(run)}", WorkflowRun)


def resume(run: str, step: str, said: Json, reason: str | None, wait: float) -> Call[WorkflowRun]:
    given: dict[str, Json] = {"step": step, "input": said}
    if reason is not None:
        given["reason"] = reason
    return Call(
        "POST",
        f"v1/workflow-runs/{_part(run)}/resume",
        WorkflowRun,
        body={"input": {"resume": given}},
        query=_waits(wait),
        wait=wait,
    )


def flows() -> Call[FlowList]:
    return Call("GET", "api/flows", FlowList)


def register(name: str, path: str) -> Call[FlowView]:
    return Call("PUT", f"api/flows/{_part(name)}", FlowView, body={"path": path})


def unregister(name: str) -> Call[None]:
    return Call("DELETE", f"api/flows/{_part(name)}", None)


def _part(name: str) -> str:
    return quote(name, safe="")


def _waits(wait: float) -> dict[str, str]:
    return {"wait": str(int(wait))}
