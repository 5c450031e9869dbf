"""Authors' Markdown and HTML made harmless, so that it can stand within our own page.

What is left has no style, class, id or name: it can neither look like a part of the page nor stand
in for one (DOM clobbering). Its links lead to absolute addresses; its pictures are in the text.
"""

import functools
import re
from collections.abc import Sequence

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from jupyter_flows.core.hiding import hide_tokens

_TAGS = frozenset(
    re.findall(
        r"\w+",
        "a abbr b blockquote br caption cite code col colgroup dd del dfn div dl dt em figcaption"
        " figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strike"
        " strong sub sup table tbody td tfoot th thead tr tt u ul var wbr",
    )
)
_GONE_WITH_ITS_TEXT = frozenset(
    re.findall(
        r"\w+",
        "applet audio canvas embed frame frameset iframe math noembed noframes noscript object"
        " script select style svg template textarea title video xmp",
    )
)
_ALIGNED = dict.fromkeys(("td", "th", "tr"), frozenset({"align", "style"}))
_ATTRIBUTES: dict[str, frozenset[str]] = {
    **_ALIGNED,
    "a": frozenset({"href"}),
    "img": frozenset({"src", "alt"}),
    "ol": frozenset({"start"}),
    "td": _ALIGNED["td"] | {"colspan", "rowspan"},
    "th": _ALIGNED["th"] | {"colspan", "rowspan", "scope"},
}

_LINK = re.compile(r"\s*((?:https?://|mailto:)[^\s\"'<>\\]+)\s*", re.IGNORECASE)
_PICTURE = re.compile(
    r"\s*(data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]+)", re.IGNORECASE
)
_WORD = re.compile("left|right|center", re.IGNORECASE)
_TEXT_ALIGN = re.compile(
    r"(?:.*;)?\s*text-align:\s*(left|right|center)\b.*", re.IGNORECASE | re.DOTALL
)
_PLAIN_NUMBER = re.compile("[0-9]{1,4}")
_SCOPE = re.compile("col|row|colgroup|rowgroup")

# These read what nh3 has written, where "<" and quotes in texts and values are entities.
_STYLE_LEFT = re.compile(r'(<t[dhr][^<>]*?) style="text-align:(\w+)"')
_HEADING = re.compile("(</?h)([1-6])>")
_NO_PICTURE = re.compile(r'<img(?: alt="([^"<>]*)")?>')

NO_PICTURE = '<span class="no-picture">'
"""What stands around the words of a picture that was left out: one from another address, mostly.
Only we can have written it; an author's own class is gone.
"""


def markdown_html(text: str) -> Markup:
    """CommonMark with tables and ~~strikethrough~~, rendered and then cleaned."""
    return plain_html(_markdown().render(hide_tokens(text)))


def plain_html(html: str) -> Markup:
    """HTML cleaned, for what has no colours or positions to lose. Headings go two levels down, for
    those above are the page's own.
    """
    cleaned = nh3.clean(
        hide_tokens(html),
        tags=set(_TAGS),
        clean_content_tags=set(_GONE_WITH_ITS_TEXT),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_kept,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    # An entity may have kept a token from being seen before.
    cleaned = hide_tokens(cleaned)
    cleaned = _STYLE_LEFT.sub(r'\1 align="\2"', cleaned)
    cleaned = _HEADING.sub(lambda found: f"{found[1]}{min(6, int(found[2]) + 2)}>", cleaned)
    return Markup(_NO_PICTURE.sub(rf"{NO_PICTURE}[\1]</span>", cleaned))  # noqa: S704 (cleaned)


@functools.cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    markdown.validateLink = _any_link  # type: ignore[method-assign, assignment]
    return markdown


def _any_link(_: str) -> bool:
    """The cleaning decides about addresses, and lets more pictures through."""
    return True


def _kept(tag: str, name: str, value: str) -> str | None:
    """The attribute's value, if it may stay."""
    if name == "style":
        found = _TEXT_ALIGN.fullmatch(value)
        return f"text-align:{found[1].lower()}" if found and tag in _ALIGNED else None
    if name in ("alt", "rel"):  # `rel` is ours: an author's own does not come so far
        return value
    if name in _ATTRIBUTES.get(tag, ()):
        return _matched(name, value)
    return None


_FORMS: Sequence[tuple[str, re.Pattern[str]]] = (
    ("href", _LINK),
    ("src", _PICTURE),
    ("align", _WORD),
    ("colspan", _PLAIN_NUMBER),
    ("rowspan", _PLAIN_NUMBER),
    ("start", _PLAIN_NUMBER),
    ("scope", _SCOPE),
)


def _matched(name: str, value: str) -> str | None:
    found = dict(_FORMS)[name].fullmatch(value)
    return value.strip() if found else None
