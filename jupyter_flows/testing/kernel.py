"""nbval's kernel, in which the cells of a flow find what they find in a run."""

import json
import time
from collections.abc import Mapping
from queue import Empty
from typing import Any

from jupyter_flows.client.flows import NOWHERE
from jupyter_flows.core.answers import ROUTE
from jupyter_flows.core.entries import with_entry
from jupyter_flows.core.model import Json, StepSpec
from jupyter_flows.kernels import prelude
from jupyter_flows.kernels.outcome import evaluation_of
from jupyter_flows.ports import Evaluation

_ENV = {"FLOWS_URL": NOWHERE, "FLOWS_TOKEN": "none", "FLOWS_RUN_ID": ROUTE}
_LIMIT = 1 << 20
_PATIENCE = 60.0


class FlowKernel:
    """Stands in for nbval's RunningKernel. A cell that was announced by `enter` is sent as a flow's
    server sends it, and its result comes back with the reply (docs/architecture.md, "In the
    kernel").
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._announced: StepSpec | None = None
        self._bound: dict[str, Json] = {}
        self._news: dict[str, Json] = {}
        self._answers: Mapping[str, Json] = {}
        self._reply: Mapping[str, Json] = {}
        self.speaks_flows = str(inner.language or "").lower() == "python"
        if self.speaks_flows:
            self._teach()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _teach(self) -> None:
        message = self._inner.kc.execute(
            prelude.opening(_ENV), silent=True, store_history=False, allow_stdin=False
        )
        self.await_reply(message, _PATIENCE)
        self._inner.await_idle(message, _PATIENCE)
        self.speaks_flows = self._reply.get("status") == "ok"

    def enter(
        self, step: StepSpec, bindings: Mapping[str, Json], answers: Mapping[str, Json]
    ) -> None:
        """The next cell to be executed is this step's; `answers` are those of the calls in it."""
        self._announced, self._answers = step, answers
        self._news = {k: v for k, v in bindings.items() if self._bound.get(k) != v}
        self._bound = dict(bindings)
        self._reply = {}

    def evaluate(
        self, expr: str, bindings: Mapping[str, Json], names: Mapping[str, Json]
    ) -> Evaluation:
        """What a condition of the flow's options comes to, as in a run."""
        news = {k: v for k, v in bindings.items() if self._bound.get(k) != v}
        self._bound = {**self._bound, **bindings}
        asked = {"jupyter_flows": prelude.evaluating(expr, news, names, _LIMIT)}
        message = self._inner.kc.execute(
            "", silent=True, store_history=False, allow_stdin=False, user_expressions=asked
        )
        self.await_reply(message, _PATIENCE)
        self._inner.await_idle(message, _PATIENCE)
        return evaluation_of(self._reply)

    def execute_cell_input(self, source: str, allow_stdin: bool | None = None) -> str:
        step, self._announced = self._announced, None
        if step is None or not self.speaks_flows:
            return str(self._inner.execute_cell_input(source, allow_stdin=allow_stdin))
        client = self._inner.kc
        content = {
            "code": with_entry(source, step),
            "silent": False,
            "store_history": False,
            "user_expressions": {"jupyter_flows": prelude.REPORT},
            "allow_stdin": bool(allow_stdin),
            "stop_on_error": False,
        }
        told = {
            "run": ROUTE,
            "step": step.id,
            "attempt": 1,
            "limit": _LIMIT,
            "rebuilding": False,
            "raises": step.raises,
            "goes_on": step.continue_on_error,
            "bindings": self._news,
            "answers": dict(self._answers),
        }
        metadata = {"cellId": step.id, "jupyter_flows": told}
        message = client.session.msg("execute_request", content, metadata=metadata)
        client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def await_reply(self, message: str, timeout: float | None = None) -> None:
        """As nbval's own, and keeps the reply. Raises queue.Empty."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise Empty
            reply = self._inner.get_message("shell", timeout=left)
            if reply["parent_header"].get("msg_id") != message:
                continue
            self._reply = reply["content"]
            if self._reply["status"] == "aborted":
                raise RuntimeError("The kernel did not run the cell.")
            return

    def result(self) -> Json:
        """The JSON value of the cell that has just ended."""
        told = self._reply.get("user_expressions", {}).get("jupyter_flows", {})
        text = told.get("data", {}).get("application/json", {}).get("text", "null")
        return json.loads(text)
