"""Drives Windmill's workflows as code (`wmill.workflow`) in a kernel, by the client package itself.

The client runs the workflow's function from the top and says at what it stopped: at a step to be
kept, tasks to be run, a sleep, an approval. What was kept it passes over.
"""

# ruff: noqa: SLF001 (the client's runner has no public name)

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from jupyter_flows.client.inner import Calls, FlowPaused, in_thread, wait_for_job
from jupyter_flows.client.links import NOWHERE, FlowsClientError, ask

TOO_OLD = "This version of `wmill` has no workflows as code; install a newer one."


async def drive(function: Callable[..., Any], given: dict[str, Any], made: Calls) -> Any:
    try:
        from wmill import client  # noqa: PLC0415
    except ImportError:
        raise FlowsClientError("A workflow needs the package `wmill`: pip install wmill") from None
    if not hasattr(client, "_run_workflow_async"):
        raise FlowsClientError(TOO_OLD)
    return await _Workflow(client, function, given, made).run()


class _Workflow:
    def __init__(
        self, client: Any, function: Callable[..., Any], given: dict[str, Any], made: Calls
    ) -> None:
        self._client = client
        self._function = function
        self._given = given
        self._made = made
        self._asked: dict[str, Any] = {}

    async def run(self) -> Any:
        while True:
            told = await self._round({})
            kind = told["type"]
            if kind == "complete":
                return told["result"]
            if kind == "inline_checkpoint":
                self._made.keep(told["key"], told.get("result"))
            elif kind == "dispatch":
                await asyncio.gather(*(self._dispatched(each) for each in told["steps"]))
            else:
                self._pause(kind, told)

    async def _round(self, more: dict[str, Any]) -> dict[str, Any]:
        """From the top to where it stops."""
        checkpoint = {"completed_steps": dict(self._made.ended), **more}
        told: dict[str, Any] = await self._client._run_workflow_async(
            self._watched, checkpoint, dict(self._given)
        )
        if not more:
            self._learn(told)
        return told

    async def _watched(self, **given: Any) -> Any:
        """The client leaves out of what it says of an approval whether the owner may give it."""
        try:
            return await self._function(**given)
        except self._client._StepSuspend as stop:
            self._asked = dict(stop.dispatch_info)
            raise

    def _learn(self, told: dict[str, Any]) -> None:
        """The client keeps steps by itself, past us: they are the server's by now."""
        if told["type"] != "inline_checkpoint":
            self._made.forget()

    def _pause(self, kind: str, told: dict[str, Any]) -> None:
        if os.environ.get("FLOWS_URL") == NOWHERE:
            slept = kind == "sleep"
            self._made.keep(told["key"], None if slept else self._made.answer(told["key"]))
            return
        if kind == "sleep":
            raise FlowPaused({"key": told["key"], "seconds": float(told["seconds"])})
        said = {
            "timeout": told.get("timeout"),
            "form": told.get("form"),
            "description": told.get("description"),
            "self_approval": not self._asked.get("self_approval_disabled", False),
        }
        asked = {name: value for name, value in said.items() if value is not None}
        raise FlowPaused({"key": told["key"], "ask": asked})

    # ------------------------------------------------------------ tasks

    async def _dispatched(self, each: dict[str, Any]) -> None:
        """A task of the notebook's runs here; another flow, or script, as a run of its own."""
        key = each["key"]
        try:
            if each.get("dispatch_type", "inline") == "inline" and each["script"] == each["name"]:
                outcome = await self._own(key, each.get("timeout"))
            else:
                outcome = await in_thread(self._other, each)
        except Exception as error:  # noqa: BLE001 (a task's own code may raise anything)
            outcome = self._client._step_error_marker(key, error)
        self._made.keep(key, self._client._json_round_trip(outcome))

    async def _own(self, key: str, seconds: float | None) -> Any:
        working = self._round({"_executing_key": key})
        told = await asyncio.wait_for(working, seconds)  # noqa: TID251 (kernels of older Pythons)
        return told.get("result")

    def _other(self, each: dict[str, Any]) -> Any:
        kind = "f" if each.get("dispatch_type") == "flow" else "p"
        path = f"/api/w/{os.environ['WM_WORKSPACE']}/jobs/run/{kind}/{quote(each['script'])}"
        asked = {
            "parent_job": os.environ["WM_JOB_ID"],
            "root_job": os.environ["WM_ROOT_FLOW_JOB_ID"],
        }
        unique = sha256(f"{self._made.job}.{each['key']}".encode()).hexdigest()
        job = ask("POST", f"{path}?{urlencode(asked)}", each["args"], key=unique)
        found = wait_for_job(job)
        if found["success"]:
            return found["result"]
        error = (found.get("result") or {}).get("error") or {}
        message = str(error.get("message", "it failed"))
        return {
            "__wmill_error": True,
            "message": message,
            "step_key": each["key"],
            "child_job_id": job,
            "result": found.get("result"),
        }
