"""An Airflow operator that runs a notebook flow, and takes no worker's slot while people decide.

Put this file and flows_rest.py into `plugins/` (Airflow 3.3 or newer, with a triggerer), and make a
connection `jupyter_flows`: its host is the server's address (https://hub.example.org/user/bob), its
password the server's token.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.sdk import BaseHook, BaseOperator
from airflow.sdk.exceptions import AirflowException
from airflow.triggers.base import BaseTrigger, TriggerEvent
from flows_rest import OVER, Flows, approval_page, open_gate, why

KEY = "{{ dag.dag_id }}/{{ run_id }}/{{ task.task_id }}/{{ ti.map_index }}"


class NotebookFlowOperator(BaseOperator):
    """Runs the notebook at this path of the Jupyter server; what the run results in is the task's
    result. While a gate is open, `approval_page` is among the task's XComs.

    A retry finds the run of the earlier try, unless that has failed or was cancelled: then it
    starts one anew. So does a task that is cleared find its run; with `{{ ti.try_number }}` in
    `run_key` each try starts its own.
    """

    template_fields = ("notebook", "parameters", "run_key")

    def __init__(
        self,
        *,
        notebook: str,
        parameters: dict[str, Any] | None = None,
        flows_conn_id: str = "jupyter_flows",
        run_key: str = KEY,
        poll_seconds: float = 10.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.notebook = notebook
        self.parameters = parameters
        self.flows_conn_id = flows_conn_id
        self.run_key = run_key
        self.poll_seconds = poll_seconds

    def execute(self, context: Any) -> None:
        flows = _flows(BaseHook.get_connection(self.flows_conn_id))
        tries = context["ti"].try_number
        starting = flows.start(self.notebook, self.parameters, key=self.run_key, tries=tries)
        run = asyncio.run(starting)
        self.log.info("run %s of %s is %s", run["id"], self.notebook, run["status"])
        context["ti"].xcom_push("flows_run", run["id"])
        self._wait(run["id"], [])

    def _wait(self, run_id: str, known: list[str]) -> None:
        trigger = NotebookFlowTrigger(
            run_id=run_id,
            known=known,
            flows_conn_id=self.flows_conn_id,
            poll_seconds=self.poll_seconds,
        )
        self.defer(trigger=trigger, method_name="go_on", timeout=self.execution_timeout)

    def go_on(self, context: Any, event: dict[str, Any]) -> Any:
        """A gate has opened, or the run is over."""
        if event["status"] not in OVER:
            self.log.info("waits for approval: %s", event["page"])
            context["ti"].xcom_push("approval_page", event["page"])
            self._wait(event["run_id"], event["known"])
        if event["status"] != "succeeded":
            raise AirflowException(event["why"])
        return event["result"]


class NotebookFlowTrigger(BaseTrigger):
    """Looks at the run, in the triggerer, until a gate opens that is not `known`, or it is over."""

    def __init__(
        self, *, run_id: str, known: list[str], flows_conn_id: str, poll_seconds: float
    ) -> None:
        super().__init__()
        self.run_id = run_id
        self.known = known
        self.flows_conn_id = flows_conn_id
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """No token is among it: the triggerer asks for the connection itself."""
        names = ("run_id", "known", "flows_conn_id", "poll_seconds")
        kind = type(self)
        return f"{kind.__module__}.{kind.__name__}", {each: getattr(self, each) for each in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        flows = _flows(await BaseHook.aget_connection(self.flows_conn_id))
        async for run in flows.news(self.run_id, known=self.known, every=self.poll_seconds):
            yield TriggerEvent(self._event(run))
            return

    def _event(self, run: dict[str, Any]) -> dict[str, Any]:
        gate = open_gate(run)
        return {
            "run_id": run["id"],
            "status": run["status"],
            "result": run["result"],
            "why": why(run),
            "page": approval_page(run),
            "known": self.known if gate is None else [*self.known, gate["id"]],
        }

    async def on_kill(self) -> None:
        """Somebody has stopped the task. A triggerer that only restarts cancels nothing."""
        flows = _flows(await BaseHook.aget_connection(self.flows_conn_id))
        await flows.cancel(self.run_id, "The Airflow task was stopped.")


def _flows(connection: Any) -> Flows:
    return Flows(connection.host, connection.password)
