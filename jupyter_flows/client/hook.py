"""Stands beside each cell in IPython: tells it of its flow, notes its result and what it bound."""

from __future__ import annotations

import contextlib
import contextvars
import importlib
import json
import os
import sys
from typing import Any

from jupyter_flows.client.around import Running, running
from jupyter_flows.client.comms import Comms
from jupyter_flows.client.encoding import NotKept, draws_itself, encoded
from jupyter_flows.client.inner import FlowPaused
from jupyter_flows.client.names import made_by
from jupyter_flows.client.state import flow

_UNSET: Any = object()
_WINDMILL = "wmill.client"
OF_STEPS = ("WM_JOB_ID", "WM_FLOW_STEP_ID")
"""Variables of the environment that are set anew for each step."""

STEP: contextvars.ContextVar[str] = contextvars.ContextVar("jupyter_flows_step")


class Hook:
    """Stands in for IPython's display hook, and is called before each cell.

    As display hook it notes the last expression's value, also behind a semicolon, then lets the
    real one do its work. Cells that the flow's server did not send are left alone, unless a
    `script` of recorded answers knows them.
    """

    of_jupyter_flows = True

    def __init__(self, ip: Any, script: Any = None) -> None:
        self.ip = ip
        self.script = script
        self.inner = ip.display_trap.hook
        self.comms = Comms(ip)
        self.cell: dict[str, Any] | None = None
        self.value: Any = _UNSET
        self.previous: Any = _UNSET
        self._before: dict[str, Any] | None = None
        self._ran: Running | None = None
        self._changed: set[str] = set()
        self._seen: str | None = None
        self._depth = 0
        self._others: Any = None

    def install(self) -> None:
        self.ip.display_trap.hook = self
        self.ip.events.register("pre_run_cell", self.before)
        self.ip.events.register("post_run_cell", self.after)
        self._others = (self.ip.custom_exceptions, self.ip.CustomTB)
        self.ip.set_custom_exc((FlowPaused, *self._others[0]), self._stopped)
        self.comms.install()

    def remove(self) -> None:
        self.comms.remove()
        if self._others is not None:
            self.ip.custom_exceptions, self.ip.CustomTB = self._others
        if self.ip.display_trap.hook is self:
            self.ip.display_trap.hook = self.inner
        for event, callback in (("pre_run_cell", self.before), ("post_run_cell", self.after)):
            with contextlib.suppress(ValueError):
                self.ip.events.unregister(event, callback)

    def _stopped(self, ip: Any, kind: Any, error: Any, trace: Any, tb_offset: Any = None) -> Any:
        """Nothing is shown of a cell that waits in its midst; what others handle they go on to."""
        del ip
        if isinstance(error, FlowPaused):
            return None
        return self._others[1](kind, error, trace, tb_offset=tb_offset)

    def __call__(self, value: Any = None) -> None:
        if self.cell is not None:
            self.value = value
        self.inner(value)

    def before(self, info: Any = None) -> None:
        parent = self.ip.kernel.get_parent("shell")
        seen = parent.get("header", {}).get("msg_id")
        if seen is not None and seen == self._seen:
            self._depth += 1  # a cell that runs code of its own through IPython
            return
        self._seen, self._depth, self.value = seen, 0, _UNSET
        told = parent.get("metadata", {})
        self.cell = told.get("jupyter_flows")
        if self.script is not None:
            self.cell = self.script.enter(getattr(info, "raw_cell", ""), told.get("cellId"))
        if self.cell is not None:
            self._enter(self.cell)
        else:
            flow.foreign += 1

    def asker(self) -> str:
        """The session of whoever asks now."""
        kernel = getattr(self.ip, "kernel", None)
        parent = kernel.get_parent("shell") if kernel is not None else {}
        return str(parent.get("header", {}).get("session", ""))

    def _enter(self, cell: dict[str, Any]) -> None:
        STEP.set(cell["step"])
        os.environ["FLOWS_RUN_ID"] = cell["run"]
        os.environ["FLOWS_STEP_ID"] = cell["step"]
        os.environ["FLOWS_ATTEMPT"] = str(cell["attempt"])
        tell_windmills_client(cell["run"], cell["step"])
        flow.rebuilding, flow.calls = cell["rebuilding"], None
        if flow.run_id != cell["run"]:
            flow.run_id = cell["run"]
            self.ip.user_ns["results"] = flow.results
            self.ip.user_ns["previous_result"] = self.previous = None
        flow.foreign = 0
        if "bindings" in cell:
            self.bind(cell["bindings"])
            flow.digests.update(cell.get("digests", {}))
        self._before = self._ran = None
        if cell.get("replay"):
            self._look()

    def _look(self) -> None:
        """At what is there before a cell that is tagged `replay`."""
        marks = _marks()
        self._changed = set(marks.changed(flow, self.ip)) if marks else set()
        self._before, self._ran = dict(self.ip.user_ns), running()

    def bind(self, bindings: dict[str, Any]) -> None:
        for name, value in bindings.items():
            if name == "gates":
                flow.gates = value
            elif name == "results":
                flow.results.clear()
                flow.results.update(value)
                self.ip.user_ns[name] = flow.results
            else:
                self.ip.user_ns[name] = value
        flow.flow_input = bindings.get("flow_input", flow.flow_input)
        self.previous = bindings.get("previous_result", self.previous)

    def after(self, result: Any = None) -> None:
        """A failed cell has no result, but one that may fail counts as done."""
        if self._depth:
            self._depth -= 1
            return
        flow.tidy()
        cell = self.cell
        if cell is None:
            return
        failed = result is None or not result.success
        if failed and isinstance(getattr(result, "error_in_exec", None), FlowPaused):
            self.cell, self.value, self._before = None, _UNSET, None
            return
        if self._before is not None:
            self._note_made(cell, result, failed=failed)
        if not failed and self.script is None:
            return  # the server asks for the report
        told = {} if failed else self.report()
        self.cell, self.value = None, _UNSET
        if failed and cell.get("goes_on"):
            self._keep(cell["step"], {"error": _error_of(result)})
        elif failed and cell.get("raises"):
            self._keep(cell["step"], None)
        if self.script is not None and (not failed or cell.get("raises")):
            self.bind(self.script.leave(cell["step"], json.loads(told.get("text", "null"))))

    def _note_made(self, cell: dict[str, Any], result: Any, *, failed: bool) -> None:
        before, self._before = self._before, None
        if before is not None and (not failed or cell.get("goes_on") or cell.get("raises")):
            source = getattr(getattr(result, "info", None), "raw_cell", None) or ""
            made, marks = made_by(before, self.ip, source), _marks()
            flow.made(cell["step"], made)
            flow.around.add(running(), but=self._ran)
            if marks:
                marks.take(flow, self.ip, but=self._changed - set(made))
        self._ran = None

    def report(self) -> dict[str, Any]:
        """The result of the cell that has just ended, once."""
        if self.cell is None:
            self.before()  # IPython announces no empty cell
            self._before = None
        cell, value = self.cell, self.value
        self.cell, self.value = None, _UNSET
        if cell is None:
            return {"notice": "The cell's result could not be seen."}
        if value is _UNSET or value is None or draws_itself(value):
            self._keep(cell["step"], None)
            return {"text": "null", "size": 4}
        try:
            text = encoded(value, cell["limit"])
        except NotKept as error:
            self._keep(cell["step"], None)
            return {"notice": str(error)}
        self._keep(cell["step"], json.loads(text))
        return {"text": text, "size": len(text)}

    def _keep(self, step: str, result: Any) -> None:
        """`previous_result` follows, unless the user has taken the name."""
        flow.results[step] = result
        if self.ip.user_ns.get("previous_result", self.previous) is self.previous:
            self.ip.user_ns["previous_result"] = result
        self.previous = result


def _marks() -> Any:
    """A part of the checkpointer. The server sends it before the first cell that is tagged."""
    try:
        return importlib.import_module("jupyter_flows.client.checkpoint.marks")
    except ImportError:
        return None


def _error_of(result: Any) -> dict[str, str]:
    """As the server has it, for a cell that failed and lets the flow go on."""
    error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
    return {"name": type(error).__name__, "message": str(error)}


def tell_windmills_client(run: str, step: str) -> None:
    """The package `wmill` reads the environment once, when it is first asked: it reads it again."""
    if not os.environ.get("WM_TOKEN"):
        return
    os.environ["WM_JOB_ID"] = f"{run}.{step}"
    os.environ["WM_FLOW_STEP_ID"] = step
    client = sys.modules.get(_WINDMILL)
    if client is not None:
        vars(client)["_client"] = None
