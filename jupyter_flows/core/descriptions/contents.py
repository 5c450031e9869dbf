"""Pictures, drawings and files in a description: base64 and SVG, judged by what is in them."""

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from xml.parsers import expat

from jupyter_flows.core.descriptions.parts import Attached, Drawing, Picture
from jupyter_flows.core.model import Json
from jupyter_flows.core.sentences import Sentence, sentence

MAX_PICTURE_BYTES = 2_000_000
MAX_FILENAME = 100

_BEGINNINGS: Mapping[str, tuple[bytes, ...]] = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
}
_SVG_TAG = re.compile(r"<svg(?=[\s>/])")
_SVG = "http://www.w3.org/2000/svg"


def content_of(value: Json) -> Json:
    """What stands alone, or under `content`."""
    return value.get("content") if isinstance(value, dict) else value


def read_picture(kind: str, value: Json) -> Picture | Sentence:
    data = _decoded(content_of(value))
    if data is None:
        return _not_base64(kind)
    if len(data) > MAX_PICTURE_BYTES:
        return _too_large()
    if not data.startswith(_BEGINNINGS[kind]):
        return sentence(
            "What was given as `{kind}` is base64, but no picture of that kind.", kind=kind
        )
    return Picture(f"image/{kind}", data)


def read_file(value: Json) -> Attached | Sentence:
    data = _decoded(content_of(value))
    if data is None:
        return _not_base64("file")
    return Attached(_filename(value, "file"), "application/octet-stream", data)


def read_pdf(value: Json) -> Attached | Sentence:
    data = _decoded(content_of(value))
    if data is None:
        return _not_base64("pdf")
    if b"%PDF-" not in data[:1024]:
        return sentence("What was given as `pdf` is base64, but no PDF document.")
    filename = _filename(value, "document.pdf")
    ending = "" if filename.lower().endswith(".pdf") else ".pdf"
    return Attached(filename + ending, "application/pdf", data)


def _not_base64(kind: str) -> Sentence:
    return sentence(
        "What was given as `{kind}` must be base64, as a text or under `content`.", kind=kind
    )


def _too_large() -> Sentence:
    return sentence(
        "The picture is too large to be shown; it may have {size} kB.",
        size=MAX_PICTURE_BYTES // 1000,
    )


def _decoded(content: Json) -> bytes | None:
    """Padding may be missing, as browsers have it; an empty content is none."""
    if not isinstance(content, str):
        return None
    text = "".join(content.split())
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _filename(value: Json, default: str) -> str:
    """The last part of the path that was given, without anything that hides or ends a name."""
    given = value.get("filename") if isinstance(value, dict) else None
    if not isinstance(given, str):
        return default
    last = re.split(r"[/\\:]", given)[-1]
    kept = "".join(c for c in last if c not in '"<>|?*' and unicodedata.category(c)[0] != "C")
    return kept.strip(" .")[-MAX_FILENAME:].strip(" .") or default


# ---------------------------------------------------------------- SVG


def read_svg(value: Json) -> Drawing | Sentence:
    """As a picture it can neither run scripts nor fetch anything; so it must be whole XML."""
    svg = content_of(value)
    if not isinstance(svg, str):
        return _no_svg()
    if len(svg.encode()) > MAX_PICTURE_BYTES:
        return _too_large()
    svg = svg.strip()
    for attempt in (svg, _SVG_TAG.sub(f'<svg xmlns="{_SVG}"', svg, count=1)):
        if _root(attempt) == f"{_SVG} svg":
            return Drawing(attempt)
    return _no_svg()


def _no_svg() -> Sentence:
    return sentence(
        "What was given as `svg` must be one whole <svg> element as a text, without entities of"
        " its own."
    )


class _OwnEntity(Exception):
    """Entities can grow a short text without bounds."""


def _root(svg: str) -> str | None:
    """The namespace and name of the outermost element; None for what is no whole XML."""
    seen: list[str] = []
    parser: Any = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, _: seen.append(name) if not seen else None
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(svg.encode(), True)
    except (expat.ExpatError, _OwnEntity):
        return None
    return seen[0]


def _refuse(*_: object) -> None:
    raise _OwnEntity
