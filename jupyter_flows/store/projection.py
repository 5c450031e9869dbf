"""What the lists hold of a run, as functions of its state alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_flows.core import events as e
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.model import Gate, Link, Run

RUN_KINDS = (
    e.RunCreated,
    e.RunStarted,
    e.GateOpened,
    e.GateApproved,
    e.GateRejected,
    e.GateTimedOut,
    e.RunSlept,
    e.RunWoken,
    e.RunFailing,
    e.RunInterrupted,
    e.RunResumed,
    e.RunSucceeded,
    e.RunFailed,
    e.RunCancelled,
    e.NotebookMoved,
)
"""The events after which a run's row in the list may differ."""

LINK_KINDS = (e.LinkMinted, e.LinkRevoked)

ALL_GATES = (e.RunInterrupted, e.RunFailing, e.RunFailed, e.RunCancelled, e.NotebookMoved)


_INDEXED = 500
"""Characters of a flow's name up to which it stands in its column as it is."""


def flow_key(flow: str) -> str:
    """What stands for a flow in the runs' column: a long one's hash, for indexes of PostgreSQL hold
    no long texts, and a flow without a name is a path.
    """
    return flow if len(flow) <= _INDEXED else sha256(flow.encode())


def run_values(run: Run) -> dict[str, Any]:
    """The columns of `runs` that the state decides (not who drives it)."""
    return {
        "status": run.status.value,
        "path": run.path,
        "name": run.name,
        "owner": run.owner,
        "flow": flow_key(run.flow) if run.concurrency else None,
        "started_by": run.started_by,
        "queue": run.queue,
        "in_place": run.in_place,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "due_at": run.due_at,
    }


def gate_values(run: Run, gate: Gate) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "step": gate.step,
        "generation": gate.generation,
        "status": gate.status.value,
        "opened_at": gate.opened_at,
        "deadline": gate.deadline,
        "path": run.path,
    }


def link_values(run: Run, link: Link) -> dict[str, Any]:
    return {
        "id": link.id,
        "run_id": run.id,
        "gate": link.gate,
        "generation": link.generation,
        "approver": link.approver,
        "created_at": link.created_at,
        "expires_at": link.expires_at,
        "revoked_at": link.revoked_at,
    }


@dataclass(frozen=True, slots=True)
class Changes:
    """What events change in the lists: columns of the run's row, and whole rows of gates and
    links. False if that is nothing.
    """

    run: Mapping[str, Any]
    gates: Sequence[Mapping[str, Any]]
    links: Sequence[Mapping[str, Any]]

    def __bool__(self) -> bool:
        return bool(self.run or self.gates or self.links)


def changes(run: Run, events: Sequence[e.Event]) -> Changes:
    """`run` is the state after the events."""
    return Changes(
        run=run_values(run) if moves_run(events) else {},
        gates=[gate_values(run, gate) for gate in touched_gates(run, events)],
        links=[link_values(run, link) for link in touched_links(run, events)],
    )


def moves_run(events: Iterable[e.Event]) -> bool:
    return any(isinstance(event, RUN_KINDS) for event in events)


def touched_gates(run: Run, events: Sequence[e.Event]) -> list[Gate]:
    """The opened gates whose row may differ after these events."""
    kinds = (e.GateOpened, e.GateApproved, e.GateRejected, e.GateTimedOut)
    keys = {(event.gate, event.generation) for event in events if isinstance(event, kinds)}
    if any(isinstance(event, ALL_GATES) for event in events):
        keys |= set(run.gates)
    return [run.gates[key] for key in sorted(keys) if run.gates[key].opened_at is not None]


def touched_links(run: Run, events: Sequence[e.Event]) -> list[Link]:
    ids = dict.fromkeys(event.link for event in events if isinstance(event, LINK_KINDS))
    return [run.links[link] for link in ids]


def begins(run: Run, events: Iterable[e.Event]) -> bool:
    """Whether the run takes one of the places that its flow has (`concurrency`), or one of those
    that the run which started it has for all that it starts.
    """
    limited = run.concurrency is not None or run.at_once is not None
    return limited and any(isinstance(each, e.RunStarted) for each in events)
