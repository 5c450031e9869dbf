"""Moments as the doors say them."""

from jupyter_flows.core.moments import Time, rfc3339

__all__ = ["Time", "time", "time_or_none"]


def time(at: float) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return rfc3339(at)


def time_or_none(at: float | None) -> str | None:
    return None if at is None else time(at)
