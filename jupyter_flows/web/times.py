"""Moments as the doors say them."""

from typing import Annotated

from msgspec import Meta

from jupyter_flows.core.moments import rfc3339

Time = Annotated[
    str, Meta(description="RFC 3339 in UTC", extra_json_schema={"format": "date-time"})
]


def time(at: float) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return rfc3339(at)


def time_or_none(at: float | None) -> str | None:
    return None if at is None else time(at)
