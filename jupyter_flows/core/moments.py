"""Moments as text."""

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta

Time = Annotated[
    str, Meta(description="RFC 3339 in UTC", extra_json_schema={"format": "date-time"})
]


def rfc3339(at: float) -> str:
    """In UTC, with milliseconds. Raises ValueError or OverflowError for what is no moment."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def said(at: float) -> str:
    """The same, and the bare number for what is no moment (a deadline in the year 10000, say)."""
    try:
        return rfc3339(at)
    except (ValueError, OverflowError, OSError):
        return repr(at)
