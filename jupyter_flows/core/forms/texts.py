"""Single values as they are typed: from text to value, and back."""

import json
import math
import re
from typing import NoReturn

from jupyter_flows.core.forms.kinds import FREE_TEXTS, Kind
from jupyter_flows.core.model import Json

MAX_DIGITS = 1000

_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
_TIME = re.compile(r"(\d\d:\d\d)(:\d\d(?:\.\d+)?)?", re.ASCII)
_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?", re.ASCII)


def number(text: str) -> int | float:
    """Raises ValueError for what is no plain, finite number."""
    said = text.strip()
    if len(said) > MAX_DIGITS:
        raise ValueError("too long for a number")
    if _INTEGER.fullmatch(said):
        return int(said)
    if not _NUMBER.fullmatch(said) or not math.isfinite(value := float(said)):
        raise ValueError(said)
    return value


def text_value(kind: Kind, text: str) -> str:
    """The value of a text of this kind. A browser's clock names no zone: it is taken for UTC."""
    said = text.replace("\r\n", "\n")
    if kind in FREE_TEXTS:
        return said
    said = said.strip()
    if kind is Kind.TIME and (found := _TIME.fullmatch(said)):
        return f"{found[1]}{found[2] or ':00'}Z"
    if kind is Kind.DATE_TIME and (found := _DATE_TIME.fullmatch(said)):
        return f"{found[1]}T{found[2]}{found[3] or ':00'}Z"
    return said


def json_value(text: str) -> Json:
    """Raises ValueError (also for NaN and the infinities) and RecursionError."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def json_text(value: Json) -> str:
    """JSON as a person reads it, safe to be sent by a browser and come back the same."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return text if is_sendable(text) else json.dumps(value, indent=2)


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def is_sendable(text: str) -> bool:
    """Whether a browser sends this text back as it is."""
    return not _CONTROL.search(text)
