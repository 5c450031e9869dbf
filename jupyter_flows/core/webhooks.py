"""Webhooks by the specification of Standard Webhooks: which events of runs become deliveries, what
is sent, how it is signed, and when it is sent again.

Moments are POSIX seconds.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import NewType

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from jupyter_flows.core import events as e
from jupyter_flows.core import moments
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.completions import Endpoint, EventType
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Gate, Json, Run, RunId

DeliveryId = NewType("DeliveryId", str)

PAUSES = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)
"""Seconds between a try and the next, as the specification has them: ten tries in three days."""

JITTER = 0.1
"""The most of a pause that is added to it, so that not all come back at once."""

LEASE_SECONDS = 60.0
"""How long a delivery is with the server that has taken it; then another one sends it."""

MOST_RESULT = 16 << 10
"""Bytes of JSON; a larger result is left out, and can be asked for."""

_MOST_SAID = 2000
_SECRET = "whsec_"  # noqa: S105 (what one begins with)
_GONE = 410

KINDS: Mapping[type[e.Event], EventType] = {
    e.RunSucceeded: EventType.RUN_SUCCEEDED,
    e.RunFailed: EventType.RUN_FAILED,
    e.RunCancelled: EventType.RUN_CANCELLED,
    e.RunInterrupted: EventType.RUN_INTERRUPTED,
    e.GateOpened: EventType.GATE_OPENED,
    e.GateApproved: EventType.GATE_APPROVED,
    e.GateRejected: EventType.GATE_REJECTED,
    e.GateTimedOut: EventType.GATE_TIMED_OUT,
}


class Status(StrEnum):
    """Of a delivery. It failed when no more tries are made; the address is gone when it has
    answered 410: nothing is sent there until somebody sends a delivery to it anew.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    GONE = "gone"


class Delivery(Struct, frozen=True, kw_only=True):
    """One event of a run on its way to one address. `due_at` is when it is to be sent, None when no
    more; `tries` counts all, `tries_before` those before it was last sent anew by hand.
    `last_error` and `last_at` are of the last try, `done_at` is when it was delivered or given up.
    """

    id: DeliveryId
    run: RunId
    seq: int
    type: EventType
    url: str
    owner: str
    created_at: float
    due_at: float | None
    status: Status = Status.PENDING
    tries: int = 0
    tries_before: int = 0
    last_error: str | None = None
    last_at: float | None = None
    done_at: float | None = None


class Answer(Struct, frozen=True):
    """What a receiver has answered."""

    status: int
    retry_after: str | None = None


# ---------------------------------------------------------------- which


def deliveries(
    endpoints: Iterable[Endpoint], run: Run, events: Sequence[e.Recorded]
) -> list[Delivery]:
    """What is to be sent of these events of the run: to the endpoints, and where its owner has
    asked for it. An address is told of an event once.
    """
    if not any(type(row.event) in KINDS for row in events):
        return []
    wanted = {endpoint.url: endpoint.events for endpoint in endpoints}
    if run.completion is not None:
        wanted.setdefault(run.completion.url, run.completion.events)
    return [
        _delivery(run, row, url)
        for row in events
        for url, types in wanted.items()
        if KINDS.get(type(row.event)) in types
    ]


def _delivery(run: Run, row: e.Recorded, url: str) -> Delivery:
    """Its id is made of what it is, so that it is one however often it is sent."""
    return Delivery(
        id=DeliveryId(f"msg_{sha256(f'{run.id}.{row.seq}.{url}'.encode())[-32:]}"),
        run=run.id,
        seq=row.seq,
        type=KINDS[type(row.event)],
        url=url,
        owner=run.owner,
        created_at=row.at,
        due_at=row.at,
    )


# ---------------------------------------------------------------- what


def body(delivery: Delivery, run: Run, event: e.Recorded, doors: str) -> bytes:
    """The payload; `run` is as it was after the event, `doors` is the public address of the doors,
    without a slash at its end.
    """
    data: dict[str, Json] = {"run": _run(run, doors)}
    gate = _gate_of(run, event.event)
    if gate is not None:
        data["gate"] = _gate(run, gate, doors)
    payload = {"type": delivery.type, "timestamp": moments.said(event.at), "data": data}
    return msgspec.json.encode(payload)


def _run(run: Run, doors: str) -> dict[str, Json]:
    fits = len(msgspec.json.encode(run.result)) <= MOST_RESULT
    return {
        "id": run.id,
        "status": run.status.value,
        "path": run.path,
        "name": run.name,
        "owner": run.owner,
        "created_at": moments.said(run.created_at),
        "finished_at": None if run.finished_at is None else moments.said(run.finished_at),
        "result": run.result if fits else None,
        "result_left_out": not fits,
        "error": _error(run),
        "started_by": run.started_by,
        "url": f"{doors}/api/runs/{run.id}",
    }


def _error(run: Run) -> Json:
    if run.error is None:
        return None
    return {"name": run.error.name, "message": run.error.message[:_MOST_SAID]}


def _gate_of(run: Run, event: e.Event) -> Gate | None:
    if isinstance(event, e.GateOpened | e.GateApproved | e.GateRejected | e.GateTimedOut):
        return run.gates[event.gate, event.generation]
    return None


def _gate(run: Run, gate: Gate, doors: str) -> dict[str, Json]:
    key = f"{run.id}.{gate.step}.{gate.generation}"
    return {
        "id": key,
        "step": gate.step,
        "generation": gate.generation,
        "status": gate.status.value,
        "required_events": gate.options.required_events,
        "approvals": len(gate.approvals),
        "deadline": None if gate.deadline is None else moments.said(gate.deadline),
        "page": f"{doors}/page/{key}",
    }


# ---------------------------------------------------------------- signed


def headers(
    delivery: DeliveryId, content: bytes, secrets: Sequence[str], now: float
) -> dict[str, str]:
    """The headers of one try: signed by each of the secrets."""
    from standardwebhooks import Webhook  # noqa: PLC0415 (only who sends needs it)

    at = datetime.fromtimestamp(int(now), UTC)
    signed = [Webhook(secret).sign(delivery, at, content.decode()) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": "jupyter-flows",
        "webhook-id": delivery,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": " ".join(signed),
    }


def secret_of(key: bytes) -> str:
    return _SECRET + base64.b64encode(key).decode()


def check_secret(said: str) -> str:
    """Raises BadInput for what is no secret of webhooks; the message does not show it."""
    try:
        size = len(base64.b64decode(said.removeprefix(_SECRET), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not said.startswith(_SECRET) or not 24 <= size <= 64:
        raise BadInput(
            f"A secret of webhooks is {_SECRET} and the base64 of 24 to 64 random bytes:"
            " `jupyter flows webhooks secret --new` prints one."
        )
    return said


# ---------------------------------------------------------------- again


def taken(delivery: Delivery, now: float) -> Delivery:
    """As it is while one server sends it: due again when that should have been done."""
    return replace(delivery, tries=delivery.tries + 1, due_at=now + LEASE_SECONDS, last_at=now)


def after(delivery: Delivery, answer: Answer | str, now: float) -> Delivery:
    """The delivery after a try: what the receiver has answered, or why none has."""
    if isinstance(answer, str):
        return _failed(delivery, answer[:_MOST_SAID], now, 0.0)
    if 200 <= answer.status < 300:
        return replace(delivery, status=Status.DELIVERED, due_at=None, done_at=now, last_error=None)
    said = f"The receiver answered {answer.status}"
    if answer.status == _GONE:
        return gone(delivery, f"{said}: nothing more is sent to it.", now)
    if 300 <= answer.status < 400:
        said += ", and no redirect is followed"
    return _failed(delivery, f"{said}.", now, _asked_pause(answer.retry_after, now))


def gone(delivery: Delivery, why: str, now: float) -> Delivery:
    return replace(delivery, status=Status.GONE, due_at=None, done_at=now, last_error=why)


def again(delivery: Delivery, now: float) -> Delivery:
    """To be sent anew, whatever came of it before."""
    return replace(
        delivery, status=Status.PENDING, due_at=now, done_at=None, tries_before=delivery.tries
    )


def _failed(delivery: Delivery, why: str, now: float, at_least: float) -> Delivery:
    tried = delivery.tries - delivery.tries_before
    if tried > len(PAUSES):
        return replace(delivery, status=Status.FAILED, due_at=None, done_at=now, last_error=why)
    pause = PAUSES[max(tried, 1) - 1]
    pause = max(pause * (1 + JITTER * _share(delivery)), at_least)
    return replace(delivery, due_at=now + pause, last_error=why)


def _share(delivery: Delivery) -> float:
    """From 0 to 1, by the delivery and the try."""
    return int(sha256(f"{delivery.id}:{delivery.tries}".encode())[-8:], 16) / 0xFFFFFFFF


def _asked_pause(said: str | None, now: float) -> float:
    """Seconds that a `Retry-After` asks for, a day at most; 0 for one that can't be read."""
    if said is None:
        return 0.0
    text = said.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), PAUSES[-1])
    try:
        until = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(until - now, 0.0), PAUSES[-1])
