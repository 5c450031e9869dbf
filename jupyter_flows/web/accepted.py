"""Which of the languages that are there an `Accept-Language` header asks for (RFC 9110, 12.5.4)."""

import re
from collections.abc import Collection, Iterator

MAX_CHARS = 1000
"""Of a header; browsers send fewer than 100."""

_PART = re.compile(
    r"\s*([a-z]{1,8}(?:-[a-z0-9]{1,8})*)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?",
    re.ASCII | re.IGNORECASE,
)


def preferred(header: str, known: Collection[str], default: str) -> str:
    """One of `known`, or else `default`. What can't be read in the header counts for nothing."""
    by_tag = {code.lower(): code for code in known}
    for tag in _wanted(header):
        for shorter in _shortened(tag.lower()):
            if shorter in by_tag:
                return by_tag[shorter]
    return default


def _wanted(header: str) -> list[str]:
    """The tags, the dearest first; those of one weight as they stand. `*` is the default's."""
    parts = (_PART.fullmatch(part) for part in header[:MAX_CHARS].split(","))
    weighed = [(float(found[2] or 1), found[1]) for found in parts if found]
    return [tag for weight, tag in sorted(weighed, key=lambda one: -one[0]) if weight > 0]


def _shortened(tag: str) -> Iterator[str]:
    """`zh-hant-tw`, `zh-hant`, `zh` (RFC 4647, 3.4)."""
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]
