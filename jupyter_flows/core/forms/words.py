"""A validator's error in words for whoever has filled in the form: what is allowed, what it is."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_flows.core.model import Json

MAX_SHOWN = 60
MAX_CHOICES = 10

_TYPES: Mapping[str, str] = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "yes or no (true or false)",
    "null": "empty (null)",
    "array": "a list",
    "object": "an object",
}

_FORMATS: Mapping[str, str] = {
    "date": "a date, as in 2026-11-25",
    "time": "a time with its zone, as in 14:05:00Z",
    "date-time": "a date and time with its zone, as in 2026-11-25T14:05:00Z",
    "email": "an e-mail address, as in name@example.org",
    "idn-email": "an e-mail address, as in name@example.org",
    "uri": "a whole address, as in https://example.org/page",
    "iri": "a whole address, as in https://example.org/page",
    "uuid": "a UUID",
    "hostname": "the name of a host",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
    "duration": "a duration, as in P3D",
    "regex": "a regular expression",
}


def said(error: Any) -> str:
    """What is wrong, without the place."""
    own = error.schema.get("customErrorMessage") if isinstance(error.schema, dict) else None
    if error.validator == "pattern" and isinstance(own, str):
        return own
    words = _WORDS.get(error.validator)
    if words is None:
        return str(error.message)
    rule = words(error.validator_value)
    return f"{rule}; it is {shown(error.instance)}" if _may_repeat(error) else rule


def _may_repeat(error: Any) -> bool:
    schema = error.schema if isinstance(error.schema, dict) else {}
    secret = schema.get("format") == "password" or schema.get("password") is True
    return error.validator in _REPEATS and not secret


def shown(value: Json) -> str:
    """The value, cut short."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def _type(wanted: Json) -> str:
    names = [wanted] if isinstance(wanted, str) else wanted
    return "must be " + " or ".join(_TYPES[name] for name in names)


def _enum(choices: Json) -> str:
    named = ", ".join(map(shown, choices[:MAX_CHOICES]))
    return f"must be one of: {named}" + (", …" if len(choices) > MAX_CHOICES else "")


def _count(of: str, bound: str) -> Callable[[Json], str]:
    return lambda count: f"must have {bound} {count} {of}{'' if count == 1 else 's'}"


def _says(text: str) -> Callable[[Json], str]:
    return lambda value: text.format(value if isinstance(value, str) else shown(value))


_WORDS: Mapping[str, Callable[[Json], str]] = {
    "required": lambda _: "is required",
    "type": _type,
    "enum": _enum,
    "const": lambda value: f"must be {shown(value)}",
    "minimum": _says("must be at least {}"),
    "maximum": _says("must be at most {}"),
    "exclusiveMinimum": _says("must be more than {}"),
    "exclusiveMaximum": _says("must be less than {}"),
    "multipleOf": _says("must be a multiple of {}"),
    "minLength": _count("character", "at least"),
    "maxLength": _count("character", "at most"),
    "minItems": _count("item", "at least"),
    "maxItems": _count("item", "at most"),
    "minProperties": _count("field", "at least"),
    "maxProperties": _count("field", "at most"),
    "pattern": _says("must fit the pattern {}"),
    "format": lambda name: f"must be {_FORMATS.get(name, f'of the format {name!r}')}",
    "uniqueItems": lambda _: "has items that are alike",
    "oneOf": lambda each: f"must fit one of {len(each)} alternatives",
    "anyOf": lambda each: f"must fit one of {len(each)} alternatives",
}

_REPEATS = frozenset(
    {
        "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
        "multipleOf", "pattern", "format",
    }
)  # fmt: skip
"""The rules whose refusal repeats what was sent."""
