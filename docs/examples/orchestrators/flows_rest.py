"""Notebook flows for programs that run elsewhere: started once, followed, cancelled.

It needs httpx, which Airflow and Prefect bring.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

import httpx

log = logging.getLogger(__name__)

OVER = {"succeeded", "failed", "cancelled", "interrupted"}
"""Statuses in which a run does nothing more by itself."""

MOST_KEY = 200


class Refused(Exception):
    """The server will not do it, and says why."""


class Flows:
    """A Jupyter server with flows. `url` is its address and base URL, `token` its user's."""

    def __init__(self, url: str, token: str) -> None:
        self._where = {
            "base_url": f"{url.rstrip('/')}/jupyter-flows/api/",
            "headers": {"Authorization": f"token {token}"},
            "timeout": 60,
        }

    async def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Raises Refused, and httpx.HTTPError while the server can't be reached or is unwell."""
        async with httpx.AsyncClient(**self._where) as http:
            answer = await http.request(method, path, json=body)
        if 400 <= answer.status_code < 500:
            raise Refused(f"{answer.status_code}: {answer.json().get('detail', answer.text)}")
        answer.raise_for_status()
        return answer.json()

    async def start(
        self,
        notebook: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        key: str,
        tries: int = 1,
        **asked: Any,
    ) -> dict[str, Any]:
        """The run of the notebook at this path of the server that belongs to `key`, a name that the
        orchestrator gives its own task and keeps when it tries it again.

        Whoever asks again gets the run that is there: one that goes on, waits or has succeeded. In
        the place of one that has failed or was cancelled the next of `tries` begins; one that is
        interrupted goes on. `asked` is what else `POST api/runs` takes, as `completion_url`.
        """
        run: dict[str, Any] = {}
        for number in range(1, tries + 1):
            body = {
                "path": notebook,
                "parameters": dict(parameters or {}),
                "idempotency_key": _short(f"{key}#{number}"),
                "in_place": False,
                **asked,
            }
            run = await self._ask("POST", "runs", body)
            if run["status"] not in ("failed", "cancelled"):
                break
        if run["status"] == "interrupted":
            run = await self._ask("POST", f"runs/{run['id']}/resume", {})
        return run

    async def run(self, run_id: str) -> dict[str, Any]:
        return await self._ask("GET", f"runs/{run_id}")

    async def cancel(self, run_id: str, reason: str) -> None:
        """A run that is over stays as it is."""
        try:
            await self._ask("POST", f"runs/{run_id}/cancel", {"reason": reason})
        except Refused as refused:
            log.info("run %s is not cancelled: %s", run_id, refused)

    async def news(
        self, run_id: str, *, known: Collection[str] = (), every: float = 10.0
    ) -> AsyncIterator[dict[str, Any]]:
        """The run each time that a gate has opened which is not `known` by its id, and when it is
        over; then nothing more comes. It is looked at `every` so many seconds; a server that is
        away meanwhile is waited for.
        """
        seen = set(known)
        while True:
            try:
                run = await self.run(run_id)
            except httpx.HTTPError as error:
                log.warning("run %s can't be looked at now: %s", run_id, error)
            else:
                gate = open_gate(run)
                if run["status"] in OVER:
                    yield run
                    return
                if gate is not None and gate["id"] not in seen:
                    seen.add(gate["id"])
                    yield run
            await asyncio.sleep(every)


def open_gate(run: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the run waits for, if it waits for people."""
    return next((gate for gate in run["gates"] if gate["status"] == "open"), None)


def approval_page(run: Mapping[str, Any]) -> str | None:
    """Where the server's users vote, of a run that waits for them."""
    gate = open_gate(run)
    return None if gate is None else f"{run['links_base'].rstrip('/')}/page/{gate['id']}"


def why(run: Mapping[str, Any]) -> str:
    """Why a run has no result."""
    error = run["error"]
    said = f": {error['name']}: {error['message']}" if error else ""
    return f"The run {run['id']} of {run['path']} is {run['status']}{said}"


def _short(key: str) -> str:
    """The server takes keys of so many characters."""
    return key if len(key) <= MOST_KEY else hashlib.sha256(key.encode()).hexdigest()
