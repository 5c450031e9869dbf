"""A validator's error in words for whoever has filled in the form: what is allowed, what it is."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_flows.core.model import Json
from jupyter_flows.core.sentences import Sentence, either, sentence

MAX_SHOWN = 60
MAX_CHOICES = 10
MAX_RULE = 200
"""Characters of an author's pattern, or list of choices."""

_TYPES: Mapping[str, Sentence] = {
    "string": sentence("a text"),
    "number": sentence("a number"),
    "integer": sentence("a whole number"),
    "boolean": sentence("yes or no (true or false)"),
    "null": sentence("empty (null)"),
    "array": sentence("a list"),
    "object": sentence("an object"),
}

_FORMATS: Mapping[str, Sentence] = {
    "date": sentence("a date, as in 2026-11-25"),
    "time": sentence("a time with its zone, as in 14:05:00Z"),
    "date-time": sentence("a date and time with its zone, as in 2026-11-25T14:05:00Z"),
    "email": sentence("an e-mail address, as in name@example.org"),
    "idn-email": sentence("an e-mail address, as in name@example.org"),
    "uri": sentence("a whole address, as in https://example.org/page"),
    "iri": sentence("a whole address, as in https://example.org/page"),
    "uuid": sentence("a UUID"),
    "hostname": sentence("the name of a host"),
    "ipv4": sentence("an IPv4 address"),
    "ipv6": sentence("an IPv6 address"),
    "duration": sentence("a duration, as in P3D"),
    "regex": sentence("a regular expression"),
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
    if not _may_repeat(error):
        return rule
    return sentence("{rule}; it is {value}", rule=rule, value=shown(error.instance))


def _may_repeat(error: Any) -> bool:
    schema = error.schema if isinstance(error.schema, dict) else {}
    secret = schema.get("format") == "password" or schema.get("password") is True
    return error.validator in _REPEATS and not secret


def shown(value: Json) -> str:
    """The value, cut short."""
    text = json.dumps(value, ensure_ascii=False)
    return _cut(text, MAX_SHOWN)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "…"


def _type(wanted: Json) -> str:
    names = [wanted] if isinstance(wanted, str) else wanted
    return sentence("must be {kind}", kind=either([_TYPES[name] for name in names]))


def _enum(choices: Json) -> str:
    named = _cut(", ".join(map(shown, choices[:MAX_CHOICES])), MAX_RULE)
    more = ", …" if len(choices) > MAX_CHOICES else ""
    return sentence("must be one of: {choices}", choices=named + more)


def _format(name: Json) -> str:
    kind = _FORMATS.get(name) or sentence("of the format {name}", name=repr(name))
    return sentence("must be {kind}", kind=kind)


_WORDS: Mapping[str, Callable[[Json], str]] = {
    "required": lambda _: sentence("is required"),
    "type": _type,
    "enum": _enum,
    "const": lambda value: sentence("must be {value}", value=shown(value)),
    "minimum": lambda bound: sentence("must be at least {bound}", bound=shown(bound)),
    "maximum": lambda bound: sentence("must be at most {bound}", bound=shown(bound)),
    "exclusiveMinimum": lambda bound: sentence("must be more than {bound}", bound=shown(bound)),
    "exclusiveMaximum": lambda bound: sentence("must be less than {bound}", bound=shown(bound)),
    "multipleOf": lambda of: sentence("must be a multiple of {value}", value=shown(of)),
    "minLength": lambda count: sentence(
        "must have at least {n} character", "must have at least {n} characters", n=count
    ),
    "maxLength": lambda count: sentence(
        "must have at most {n} character", "must have at most {n} characters", n=count
    ),
    "minItems": lambda count: sentence(
        "must have at least {n} item", "must have at least {n} items", n=count
    ),
    "maxItems": lambda count: sentence(
        "must have at most {n} item", "must have at most {n} items", n=count
    ),
    "minProperties": lambda count: sentence(
        "must have at least {n} field", "must have at least {n} fields", n=count
    ),
    "maxProperties": lambda count: sentence(
        "must have at most {n} field", "must have at most {n} fields", n=count
    ),
    "pattern": lambda value: sentence(
        "must fit the pattern {pattern}", pattern=_cut(value, MAX_RULE)
    ),
    "format": _format,
    "uniqueItems": lambda _: sentence("has items that are alike"),
    "oneOf": lambda each: sentence("must fit one of {count} alternatives", count=len(each)),
    "anyOf": lambda each: sentence("must fit one of {count} alternatives", count=len(each)),
}

_REPEATS = frozenset(
    {
        "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
        "multipleOf", "pattern", "format",
    }
)  # fmt: skip
"""The rules whose refusal repeats what was sent."""
