"""Durations as people write them: a number of seconds, or "90s", "30m", "12h", "3d", "2w"."""

import re

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
LONGEST = 100 * 365 * UNITS["d"]
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


def seconds(written: float | str) -> float:
    """The duration in seconds. Raises ValueError for what is not one, or is beyond 100 years (whose
    end no calendar may have).
    """
    duration = _parsed(written) if isinstance(written, str) else written
    if not 0 <= duration <= LONGEST:  # nor is NaN between the two
        raise ValueError(f"{written!r} is not a duration from 0 to 100 years")
    return float(duration)


def _parsed(written: str) -> float:
    match = _WRITTEN.fullmatch(written.strip())
    if match is None:
        raise ValueError(
            f"{written!r} is not a duration: write seconds, or as in 90s, 30m, 12h, 3d"
        )
    return float(match[1]) * UNITS[match[2]]


def spoken(duration: float) -> str:
    """The duration in its two largest units, as in "3 d 4 h"."""
    return " ".join(f"{n} {'min' if unit == 'm' else unit}" for unit, n in largest(duration))


def largest(duration: float) -> list[tuple[str, int]]:
    """The two largest units of the duration, of days and below, and how many of each."""
    rest, parts = round(duration), []
    for unit, size in reversed(UNITS.items()):
        if unit == "w":
            continue
        count, rest = divmod(rest, int(size))
        if count:
            parts.append((unit, count))
    return parts[:2] or [("s", 0)]
