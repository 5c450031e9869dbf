"""Checks that neither a hostile answer nor an unlucky pattern can make long.

The validator works in the server's loop, and whoever holds a link can send it a payload.
"""

import functools
import re
from collections.abc import Iterator
from typing import Any

from jupyter_flows.core.model import Json

PATTERN_SECONDS = 0.25
"""How long one text may be held against one pattern."""

MAX_FORMATTED = 1000
"""Characters of a text whose format takes longer to check the longer it is."""

MAX_VALUES = 10_000
"""Values in a payload, those within lists and objects included."""

_SLOW = ("iri", "iri-reference", "uri-template", "regex", "idn-hostname", "idn-email")


class TooLong(Exception):
    """A pattern took too long; str is the pattern."""


def too_many(payload: Json) -> bool:
    """Whether the payload has more than MAX_VALUES values."""
    waiting, count = [payload], 0
    while waiting:
        value = waiting.pop()
        count += 1
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        if count + len(waiting) > MAX_VALUES:
            return True
    return False


def matches(pattern: str, text: str) -> bool:
    """Raises TooLong."""
    import regex  # noqa: PLC0415 (slow to load; few forms have a pattern)

    try:
        return regex.search(pattern, text, timeout=PATTERN_SECONDS) is not None
    except TimeoutError:
        raise TooLong(pattern) from None
    except regex.error:
        return re.search(pattern, text) is not None


def pattern(validator: Any, wanted: Json, value: Json, _: Json) -> Iterator[Any]:
    """The keyword, with an end."""
    from jsonschema import ValidationError  # noqa: PLC0415

    if validator.is_type(value, "string") and not matches(wanted, value):
        yield ValidationError(f"{value!r} does not match {wanted!r}")


def pattern_properties(validator: Any, wanted: Json, value: Json, _: Json) -> Iterator[Any]:
    """The keyword, with an end."""
    if not validator.is_type(value, "object"):
        return
    for each, subschema in wanted.items():
        for name, inner in value.items():
            if matches(each, name):
                yield from validator.descend(inner, subschema, path=name, schema_path=each)


@functools.cache
def format_checker() -> Any:
    """The drafts' own checker, which gives up on long texts of the slow kinds."""
    import jsonschema  # noqa: PLC0415

    class Bounded(jsonschema.FormatChecker):
        def check(self, instance: object, format: str) -> None:  # noqa: A002 (its name there)
            if format in _SLOW and isinstance(instance, str) and len(instance) > MAX_FORMATTED:
                raise jsonschema.FormatError(f"is longer than {MAX_FORMATTED} characters")
            try:
                super().check(instance, format)
            except (ArithmeticError, RecursionError, MemoryError):
                raise jsonschema.FormatError(f"is not a {format!r}") from None

    checker = Bounded()
    checker.checkers = jsonschema.Draft202012Validator.FORMAT_CHECKER.checkers
    return checker
