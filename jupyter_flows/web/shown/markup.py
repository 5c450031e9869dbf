"""What an output's HTML is: a plain table, or something that needs a box of its own.

Nothing here makes anything safe: a plain table is cleaned, and a box has its policy.
"""

import re

import nh3

# Whatever an author writes, these take time by its length alone: where two parts of a pattern could
# share a text, the first one keeps all that it took.
_TAG = re.compile(r"<(/?[a-zA-Z][^\s<>/]*+)([^<>]*+)>")
_BEGIN = re.compile(r"<[a-zA-Z/!?]")
_ATTRIBUTE = re.compile(r"([^\s=\"'/]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"']+))?")
_PLAIN_TAGS = frozenset(
    re.findall(
        r"\w+",
        "a b br caption code col colgroup div em i p pre small span strong sub sup table tbody td"
        " tfoot th thead tr",
    )
)
_HARMLESS = frozenset(
    re.findall(r"\w+", "align border class colspan halign href id rowspan scope span target valign")
)
_ONLY_ALIGNED = re.compile(r"\s*+(?:text-align\s*+:\s*+\w++\s*+;?\s*+)*+", re.IGNORECASE)

_SCRIPT = re.compile(r"<script\b|<[^<>]{1,300}\son\w+\s*=", re.IGNORECASE)
_SCRIPT_ELSEWHERE = re.compile(
    r"<script\b[^<>]{0,300}\ssrc\s*+=\s*+[\"']?+\s*+(?:https?:)?//", re.IGNORECASE
)
_DRAWN = re.compile(r"<(?:img|svg|table)\b", re.IGNORECASE)

_PX_OF: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"<tr\b", re.IGNORECASE), 31),
    (re.compile(r"<(?:p|h[1-6]|caption)\b", re.IGNORECASE), 36),
    (re.compile(r"<(?:br|li|dt|dd|div)\b", re.IGNORECASE), 21),
    (re.compile(r"<(?:svg|canvas)\b|<img\b[^<>]{0,200}?\ssrc=[\"']?data:", re.IGNORECASE), 320),
)
"""What stands under one another in a box, and roughly how high each is."""

_HEIGHT = re.compile(r"[^-\w]height\s*[:=]\s*[\"']?(\d{2,4})(?:px|[\"';\s>])", re.IGNORECASE)

MOST_NESTED = 500
"""Elements within one another; browsers draw no more either, and cleaning takes time by its square.
"""

_STEP = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)")
_ENDS_BY_ITSELF = frozenset(
    re.findall(
        r"\w+",
        "area base br col colgroup dd dt embed hr img input li link meta option p param path source"
        " tbody td tfoot th thead tr track wbr",
    )
)

LOWEST, HIGHEST = 80, 900
"""Pixels of a box; its reader can drag it higher."""


def is_plain_table(html: str) -> bool:
    """Whether there is a table and nothing that cleaning would take away: colours, positions,
    scripts. pandas' own `<style scoped>` is no loss.
    """
    tags = _TAG.findall(html)
    names = {name.lower().lstrip("/") for name, _ in tags}
    return (
        "table" in names
        and len(tags) == len(_BEGIN.findall(html))  # no comment, and no "<" within a value
        and all(_is_plain(name.lower(), rest) for name, rest in tags)
    )


def _is_plain(name: str, rest: str) -> bool:
    if name.startswith("/"):
        return name[1:] in _PLAIN_TAGS | {"style"}
    attributes = {key.lower(): value.strip("\"'") for key, value in _ATTRIBUTE.findall(rest)}
    if name == "style":
        return "scoped" in attributes
    style = attributes.pop("style", "")
    return (
        name in _PLAIN_TAGS
        and attributes.keys() <= _HARMLESS
        and _ONLY_ALIGNED.fullmatch(style) is not None
    )


def is_nested_too_deeply(html: str) -> bool:
    """Whether more elements than `MOST_NESTED` stand open somewhere."""
    depth = 0
    for end, name in _STEP.findall(html):
        if name.lower() not in _ENDS_BY_ITSELF:
            depth = max(depth - 1, 0) if end else depth + 1
            if depth > MOST_NESTED:
                return True
    return False


def has_scripts(html: str) -> bool:
    return _SCRIPT.search(html) is not None


def asks_for_scripts(html: str) -> bool:
    """Whether it asks for scripts from other addresses."""
    return _SCRIPT_ELSEWHERE.search(html) is not None


def shows_without_scripts(html: str) -> bool:
    """Whether there is anything to see before a script has drawn it."""
    left = nh3.clean(html, tags=set(), clean_content_tags={"script", "style", "title", "noscript"})
    return bool(left.strip()) or _DRAWN.search(html) is not None


def height_of(html: str) -> int:
    """A guess in px, from the rows and the heights that stand in it."""
    rows = sum(px * len(pattern.findall(html)) for pattern, px in _PX_OF)
    said = max((int(px) for px in _HEIGHT.findall(html)), default=0)
    return bounded(max(40 + rows, said + 40))


def bounded(px: float) -> int:
    return int(min(max(px, LOWEST), HIGHEST))
