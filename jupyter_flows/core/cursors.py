"""Cursors: opaque texts that name the last entry of a page, for the page behind it."""

import base64
import binascii
import math

from jupyter_flows.core.errors import BadInput


def written(at: float, *names: str) -> str:
    """The cursor of the entry at this time, and of these names where several share it."""
    return base64.urlsafe_b64encode(" ".join((repr(at), *names)).encode()).decode()


def read(cursor: str, names: int) -> tuple[float, list[str]]:
    """What `written` was given, with so many names. Raises BadInput for any other text."""
    try:
        at, *said = base64.urlsafe_b64decode(cursor.encode()).decode().split(" ")
        if len(said) == names and math.isfinite(float(at)):
            return float(at), said
    except (ValueError, binascii.Error):
        pass
    raise BadInput(f"cursor {cursor[:200]!r} was not given out by a page of this list")
