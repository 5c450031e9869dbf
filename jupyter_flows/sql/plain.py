"""Values of DuckDB as JSON."""

import base64
import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from jupyter_flows.core.model import Json


def plain(value: object, column: str = "") -> Json:
    """Moments as ISO 8601, bytes as base64, what is no number as null; a decimal as a number where
    a float is exactly that, else as text. `column` is its type: what is JSON is read.
    """
    if column == "JSON" and isinstance(value, str):
        return _read(value)
    return _BY_TYPE.get(type(value), str)(value)


def _read(text: str) -> Json:
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return text


def _decimal(value: Decimal) -> Json:
    if not value.is_finite():
        return None
    near = float(value)
    return near if Decimal(repr(near)) == value else str(value)


def _float(value: float) -> Json:
    return value if math.isfinite(value) else None


def _bytes(value: bytes) -> Json:
    return base64.b64encode(value).decode()


def _object(value: Mapping[object, object]) -> Json:
    return {str(name): plain(inner) for name, inner in value.items()}


def _list(value: list[object]) -> Json:
    return [plain(inner) for inner in value]


def _same(value: Json) -> Json:
    return value


_BY_TYPE: Mapping[type, Callable[[Any], Json]] = {
    type(None): _same,
    bool: _same,
    int: _same,
    str: _same,
    float: _float,
    Decimal: _decimal,
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    bytes: _bytes,
    bytearray: _bytes,
    dict: _object,
    list: _list,
    tuple: _list,
}
"""All others are written as text."""
