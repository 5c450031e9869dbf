"""The two clients: the same calls, sent at once or awaited."""

from collections.abc import AsyncIterator, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import httpx

from jupyter_flows.core.model import Json
from jupyter_flows.core.workflow_records import FlowView, WorkflowRun
from jupyter_flows.remote import calls
from jupyter_flows.remote.calls import BASE, WAIT, Call, ClientError

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds that an answer may take, besides what the server was asked to wait."""


def _settings(url: str, token: str | None) -> dict[str, Any]:
    address = url.rstrip("/")
    if not address.endswith(BASE):
        address = f"{address}/{BASE}"
    headers = {"Authorization": f"token {token}"} if token else {}
    return {"base_url": address, "headers": headers, "timeout": PATIENCE}


def _asked(call: Call[Any]) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "params": dict(call.query),
        "headers": dict(call.headers),
        "timeout": PATIENCE + call.wait,
    }
    return asked if call.body is None else {**asked, "json": call.body}


def _unreached(error: httpx.HTTPError) -> ClientError:
    return ClientError(0, "Unreachable", f"The server can't be reached: {error}")


class Client:
    """Starts flows by their names, and puts in what they wait for.

    `url` is the Jupyter server's, with its base URL, and `token` a user's; who they are to the
    server is who votes. Every method raises ClientError for what the server refuses, and where it
    can't be reached. Use it in a `with`, or `close` it.
    """

    def __init__(self, url: str, token: str | None = None, **httpx_options: Any) -> None:
        self._http = httpx.Client(**{**_settings(url, token), **httpx_options})

    def start(
        self,
        name: str,
        *,
        task: str,
        state: Mapping[str, Json] | None = None,
        key: str | None = None,
        wait: float = WAIT,
    ) -> WorkflowRun:
        """Start the flow of this name, and wait until it pauses or ends, `wait` seconds at most
        (0 to 600). With a `key` that was used before, the run that was started then.
        """
        return self._send(calls.start(name, task, state, key, wait))

    def get(self, run_id: str) -> WorkflowRun:
        return self._send(calls.get(run_id))

    def list(
        self, *, status: str | None = None, owner: str | None = None, at_once: int = 100
    ) -> Iterator[WorkflowRun]:
        """All runs, newest first; `at_once` (1 to 1000) are asked for in one request."""
        cursor = None
        while True:
            page = self._send(calls.page(status, owner, at_once, cursor))
            yield from page.data
            if (cursor := page.cursor) is None:
                return

    def resume(
        self,
        run_id: str,
        step: str,
        input: Json,  # noqa: A002 (its name in the API)
        *,
        reason: str | None = None,
        wait: float = WAIT,
    ) -> WorkflowRun:
        """Put in what the paused step waits for, and wait until the run pauses again or ends."""
        return self._send(calls.resume(run_id, step, input, reason, wait))

    def cancel(self, run_id: str) -> WorkflowRun:
        return self._send(calls.cancel(run_id))

    def flows(self) -> tuple[FlowView, ...]:
        """The flows that can be started by their names."""
        return tuple(self._send(calls.flows()).flows)

    def register(self, name: str, path: str) -> FlowView:
        """`path` is the notebook's, as the server's contents API writes it."""
        return self._send(calls.register(name, path))

    def unregister(self, name: str) -> None:
        self._send(calls.unregister(name))

    def _send(self, call: Call[T]) -> T:
        try:
            answer = self._http.request(call.method, call.path, **_asked(call))
        except httpx.HTTPError as error:
            raise _unreached(error) from error
        return cast("T", call.read(answer.status_code, answer.content))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient:
    """`Client`, to be awaited."""

    def __init__(self, url: str, token: str | None = None, **httpx_options: Any) -> None:
        self._http = httpx.AsyncClient(**{**_settings(url, token), **httpx_options})

    async def start(
        self,
        name: str,
        *,
        task: str,
        state: Mapping[str, Json] | None = None,
        key: str | None = None,
        wait: float = WAIT,
    ) -> WorkflowRun:
        """As `Client.start`."""
        return await self._send(calls.start(name, task, state, key, wait))

    async def get(self, run_id: str) -> WorkflowRun:
        return await self._send(calls.get(run_id))

    async def list(
        self, *, status: str | None = None, owner: str | None = None, at_once: int = 100
    ) -> AsyncIterator[WorkflowRun]:
        """As `Client.list`."""
        cursor = None
        while True:
            page = await self._send(calls.page(status, owner, at_once, cursor))
            for run in page.data:
                yield run
            if (cursor := page.cursor) is None:
                return

    async def resume(
        self,
        run_id: str,
        step: str,
        input: Json,  # noqa: A002 (its name in the API)
        *,
        reason: str | None = None,
        wait: float = WAIT,
    ) -> WorkflowRun:
        """As `Client.resume`."""
        return await self._send(calls.resume(run_id, step, input, reason, wait))

    async def cancel(self, run_id: str) -> WorkflowRun:
        return await self._send(calls.cancel(run_id))

    async def flows(self) -> tuple[FlowView, ...]:
        return tuple((await self._send(calls.flows())).flows)

    async def register(self, name: str, path: str) -> FlowView:
        """As `Client.register`."""
        return await self._send(calls.register(name, path))

    async def unregister(self, name: str) -> None:
        await self._send(calls.unregister(name))

    async def _send(self, call: Call[T]) -> T:
        try:
            answer = await self._http.request(call.method, call.path, **_asked(call))
        except httpx.HTTPError as error:
            raise _unreached(error) from error
        return cast("T", call.read(answer.status_code, answer.content))

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
