"""What the doors show of webhooks on their way."""

from typing import Annotated

from msgspec import Meta, Struct

from jupyter_flows.core.completions import EventType
from jupyter_flows.core.webhooks import Delivery, Status
from jupyter_flows.web.times import Time, time, time_or_none


class DeliveryView(Struct):
    """`tries` counts all; `last_error` is why the last one has failed."""

    id: Annotated[str, Meta(description="The `webhook-id` that the receiver gets")]
    run: str
    event: Annotated[int, Meta(description="The event's place in the run's log, from 1")]
    type: EventType
    url: str
    status: Status
    created_at: Time
    due_at: Annotated[Time | None, Meta(description="When it is sent next; null for no more")]
    tries: int
    last_at: Time | None
    last_error: str | None
    done_at: Time | None


class DeliveryList(Struct):
    deliveries: list[DeliveryView]


def delivery_view(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        run=delivery.run,
        event=delivery.seq,
        type=delivery.type,
        url=delivery.url,
        status=delivery.status,
        created_at=time(delivery.created_at),
        due_at=time_or_none(delivery.due_at),
        tries=delivery.tries,
        last_at=time_or_none(delivery.last_at),
        last_error=delivery.last_error,
        done_at=time_or_none(delivery.done_at),
    )
