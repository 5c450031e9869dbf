"""A cell's result as JSON, and why a value is none."""

from __future__ import annotations

import json
from typing import Any

DEEP = 100_000


class NotKept(ValueError):
    """Why a value is no result."""


def encoded(value: Any, limit: int) -> str:
    kind = type(value).__name__
    if _least(value) > limit:
        raise NotKept(_too_large(kind, limit))
    try:
        text = written(value)
    except Exception as error:  # noqa: BLE001 (a value's own code may raise anything)
        raise NotKept(
            f"The cell's result is of type {kind} and no JSON value, so null was kept: {error}"
        ) from None
    if len(text.encode()) > limit:
        raise NotKept(_too_large(kind, limit))
    return text


def written(value: Any) -> str:
    """The value as JSON. What a value's own code raises comes through."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    text.encode()  # refuses lone surrogates
    return text


def draws_itself(value: Any) -> bool:
    """A table or a figure is there to be looked at; that it is no result needs no word."""
    return any(hasattr(type(value), name) for name in _DRAWN)


_DRAWN = (
    "_ipython_display_",
    "_repr_mimebundle_",
    "_repr_html_",
    "_repr_svg_",
    "_repr_png_",
    "_repr_jpeg_",
    "_repr_markdown_",
    "_repr_latex_",
)
"""What IPython looks for in a value that knows how it is shown."""


def _least(value: Any) -> int:
    """A cheap lower bound of the JSON text's length, two levels deep."""
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, (list, tuple, dict)):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    if len(value) > DEEP:
        return 2 * len(value)
    return sum(len(item) for item in inner if isinstance(item, (str, list, tuple, dict)))


def _plain(value: Any) -> Any:
    """Scalars of numpy and its kin are numbers."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return value.item()
    raise TypeError(f"an object of type {type(value).__name__} can't be written as JSON")


def _too_large(kind: str, limit: int) -> str:
    return f"The cell's result (of type {kind}) is larger than {limit:,} bytes, so null was kept."
