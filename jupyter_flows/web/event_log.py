"""What happens to runs, on the server's own event bus, for whoever listens there."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_flows.core import events as e
from jupyter_flows.core.model import Json, Run, RunStatus
from jupyter_flows.web.times import time
from jupyter_flows.web.urls import gate_key

SCHEMA_ID = "https://schema.jupyter.org/jupyter_flows/run/v1"

SCHEMA: Mapping[str, Json] = {
    "$id": SCHEMA_ID,
    "version": "1",
    "title": "An event of a run",
    "description": "Something has happened to a run of a notebook as a flow.",
    "type": "object",
    "properties": {
        "run": {"title": "Run", "type": "string"},
        "seq": {
            "title": "Place in the run's log",
            "description": "From 1.",
            "type": "integer",
        },
        "at": {"title": "When, RFC 3339 in UTC", "type": "string"},
        "kind": {"title": "Kind of event", "type": "string"},
        "status": {
            "title": "The run's status behind it",
            "enum": [status.value for status in RunStatus],
        },
        "path": {"title": "The notebook's path", "type": "string"},
        "gate": {
            "title": "Gate",
            "description": "Names the gate in addresses, where the event concerns one.",
            "type": "string",
        },
    },
    "required": ["run", "seq", "at", "kind", "status", "path"],
    "additionalProperties": False,
}


class EventLog:
    """Listens to the engine. No people, outputs or tokens are in what it emits; `status` is the
    run's after all that was committed together. That it can't emit breaks no run.
    """

    def __init__(self, logger: Any, log: logging.Logger) -> None:
        self._logger = logger
        self._log = log
        logger.register_event_schema(dict(SCHEMA))

    def __call__(self, run: Run, events: Sequence[e.Recorded]) -> None:
        try:
            for row in events:
                self._logger.emit(schema_id=SCHEMA_ID, data=told(run, row))
        except Exception:  # noqa: BLE001 (whatever listens there, the run goes on)
            self._log.exception("An event of run %s could not be emitted", run.id)


def told(run: Run, row: e.Recorded) -> dict[str, Json]:
    event = row.event
    data: dict[str, Json] = {
        "run": run.id,
        "seq": row.seq,
        "at": time(row.at),
        "kind": type(event).__name__,
        "status": run.status.value,
        "path": run.path,
    }
    gate, generation = getattr(event, "gate", None), getattr(event, "generation", None)
    if gate is not None and generation is not None:
        data["gate"] = gate_key(run.id, gate, generation)
    return data
