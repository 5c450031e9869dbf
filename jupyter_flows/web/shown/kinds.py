"""The table of kinds: how each kind of an output's data is shown, best first.

Of a bundle the first kind that can be shown is; the reasons why a better one could not be stand
below it. The page and the doors of frames ask the same table, so that they agree.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from markupsafe import Markup

from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.sentences import sentence
from jupyter_flows.web.shown import charts, markup
from jupyter_flows.web.shown.assets import plotly_name
from jupyter_flows.web.shown.blocks import Block
from jupyter_flows.web.shown.clean import NO_PICTURE, markdown_html, plain_html
from jupyter_flows.web.shown.figures import plotly_frame, plotly_height
from jupyter_flows.web.shown.frames import Frame, html_frame
from jupyter_flows.web.shown.texts import MAX_TEXT, joined, text_block

MAX_IMAGE = 2_000_000
"""Bytes of one picture."""

MAX_HTML = 300_000
"""Characters of HTML that is cleaned and stands in the page; more of it goes into a frame."""

MAX_FRAME = 4_000_000
"""Characters of what is drawn in a frame."""

ASSETS = "../../../assets/"
"""The scripts' address as seen from a frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output with data, and what is needed to show it. `picture` and `box` are what a reader
    who doesn't see it is told; `address` is where its frame would be.
    """

    data: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    scripts: bool = False
    picture: str = ""
    box: str = ""
    address: str = ""
    budget: charts.Budget = field(default_factory=charts.Budget)


@dataclass(frozen=True, slots=True)
class Shown:
    """`frame` makes what the frame among the blocks is served as, if there is one; it is told where
    the policy lets scripts come from.
    """

    blocks: Sequence[Block]
    frame: Callable[[str], Frame] | None = None


Draw: TypeAlias = Callable[[Output, str], Shown | str]
"""Shows the data of this type; or says why not, in an empty text where that needs no saying."""


def shown(output: Output) -> Shown:
    """The best that can be shown of an output, with notices of what can't."""
    reasons: list[str] = []
    for mime, draw in _ways(output.data):
        found = draw(output, mime)
        if isinstance(found, Shown):
            return Shown([*found.blocks, *_notices(reasons)], found.frame)
        reasons.append(found)
    reasons.append(_left_out(output.data) if not any(reasons) else "")
    return Shown([_text_of(output.data), *_notices(reasons)])


def _ways(data: Mapping[str, Any]) -> Iterator[tuple[str, Draw]]:
    for pattern, draw in _KINDS:
        for mime in data:
            if pattern.fullmatch(mime):
                yield mime, draw


def _notices(reasons: Sequence[str]) -> Iterator[Block]:
    for reason in dict.fromkeys(reasons):
        if reason:
            yield Block(shape="notice", text=reason)


def _text_of(data: Mapping[str, Any]) -> Block:
    if "text/plain" in data:
        return text_block(data["text/plain"])
    return Block(shape="notice", text=sentence("This output has no text to show."))


def _left_out(data: Mapping[str, Any]) -> str:
    kinds = sorted(kind for kind in data if kind != "text/plain")
    if not kinds:
        return ""
    return sentence(
        "Left out, because this page can't show it: {kinds}.", kinds=", ".join(kinds)[:200]
    )


# ---------------------------------------------------------------- charts


def _plotly(output: Output, mime: str) -> Shown | str:
    figure, script = output.data[mime], plotly_name()
    if not output.scripts:
        return sentence(
            "This figure draws itself by a script, and scripts are off here. The author can allow"
            " them, in a box apart, by the option {option} of the cell.",
            option="scripts: true",
        )
    if script is None:
        return sentence("This figure can't be drawn: the server lacks the extra “charts”.")
    if not isinstance(figure, dict) or len(json.dumps(figure)) > MAX_FRAME:
        return sentence("This figure is too large to show here, with all its data.")
    block = _frame(output, plotly_height(figure) + 10)
    return Shown([block], lambda assets: plotly_frame(figure, f"{ASSETS}{script}", assets))


def _vega(output: Output, mime: str) -> Shown | str:
    return _chart(output, output.data[mime], mime.startswith("application/vnd.vegalite."))


def _chart(output: Output, spec: Any, lite: bool) -> Shown | str:
    try:
        svg = charts.draw(spec, lite, output.budget)
    except charts.Undrawable as error:
        return error.why
    return Shown([_picture(output, "image/svg+xml", hide_tokens(svg).encode())])


# ---------------------------------------------------------------- pictures


_SVG = re.compile(r"<svg(?=[\s>])([^<>]*+)>")
_MAGIC: Mapping[str, re.Pattern[bytes]] = {
    "image/png": re.compile(rb"\x89PNG\r\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}


def _svg(output: Output, mime: str) -> Shown | str:
    """Only as an image: there it runs no script and loads nothing."""
    svg = hide_tokens(joined(output.data[mime]))
    found = _SVG.search(svg)
    if found is None:
        return sentence("A picture of this output is broken.")
    if "xmlns=" not in found[1]:
        svg = (
            f'{svg[: found.start()]}<svg xmlns="http://www.w3.org/2000/svg"{svg[found.start(1) :]}'
        )
    return _bounded_picture(output, mime, svg.encode(errors="replace"))


def _bitmap(output: Output, mime: str) -> Shown | str:
    try:
        picture = base64.b64decode("".join(joined(output.data[mime]).split()), validate=True)
    except (binascii.Error, ValueError):
        picture = b""
    if not _MAGIC[mime].match(picture):
        return sentence("A picture of this output is broken.")
    return _bounded_picture(output, mime, picture)


def _bounded_picture(output: Output, mime: str, picture: bytes) -> Shown | str:
    if len(picture) > MAX_IMAGE:
        return sentence(
            "A picture of {size} kB is left out; it may have {most} kB.",
            size=len(picture) // 1000,
            most=MAX_IMAGE // 1000,
        )
    return Shown([_picture(output, mime, picture)])


def _picture(output: Output, mime: str, picture: bytes) -> Block:
    source = f"data:{mime};base64,{base64.b64encode(picture).decode()}"
    return Block(shape="picture", source=source, label=_alt(output, mime) or output.picture)


def _alt(output: Output, mime: str) -> str:
    """The author's own words for the picture."""
    own = output.metadata.get(mime)
    for place in (own, output.metadata):
        if isinstance(place, dict) and isinstance(place.get("alt"), str):
            return hide_tokens(place["alt"])[:1000]
    return ""


# ---------------------------------------------------------------- words and tables


def _markdown(output: Output, mime: str) -> Shown | str:
    whole = joined(output.data[mime])
    text = whole if len(whole) <= MAX_TEXT else whole[:MAX_TEXT].rpartition("\n")[0]
    html = markdown_html(text)
    if len(html) > MAX_HTML:
        return sentence("The text of this output is too large to show here as it is meant.")
    reasons = [_cut(whole, text), _without_pictures(html)]
    return Shown([Block(shape="prose", html=html), *_notices(reasons)])


def _cut(whole: str, text: str) -> str:
    if len(text) == len(whole):
        return ""
    return sentence("Cut short here: at most {n} characters of an output are shown.", n=MAX_TEXT)


def _without_pictures(html: Markup) -> str:
    if NO_PICTURE not in html:
        return ""
    return sentence("Pictures from other addresses are not loaded; their names stand in brackets.")


_PANDAS = 'class="dataframe"'


def _html(output: Output, mime: str) -> Shown | str:
    html = joined(output.data[mime])
    chart = charts.chart_in_html(html)
    if chart is not None:
        return _chart(output, *chart)
    if len(html) > MAX_FRAME:
        return sentence("The HTML of this output is too large to show here.")
    if markup.is_nested_too_deeply(html):
        return sentence("The HTML of this output is nested too deeply to show here.")
    if len(html) <= MAX_HTML and markup.is_plain_table(html):
        cleaned = plain_html(html)
        if _PANDAS in html:  # which draws all its columns so
            cleaned = cleaned.replace("<tbody>", Markup('<tbody align="right">'))
        block = Block(shape="prose", html=cleaned, label=output.box)
        return Shown([block, *_notices([_without_pictures(cleaned)])])
    return _any_html(output, html)


def _any_html(output: Output, html: str) -> Shown | str:
    reason = ""
    if markup.has_scripts(html) and not output.scripts:
        reason = sentence(
            "This output has scripts, which are off here. The author can allow them, in a box"
            " apart, by the option {option} of the cell.",
            option="scripts: true",
        )
        if not markup.shows_without_scripts(html):
            return reason
    elif output.scripts and markup.asks_for_scripts(html):
        reason = sentence("This output asks for scripts from other addresses; none are loaded.")
    block = _frame(output, markup.height_of(html))
    scripts = output.scripts
    return Shown([block, *_notices([reason])], lambda assets: html_frame(html, scripts, assets))


def _frame(output: Output, height: int) -> Block:
    return Block(
        shape="frame",
        source=output.address,
        label=output.box,
        height=markup.bounded(height),
        scripts=output.scripts,
    )


def _json(output: Output, mime: str) -> Shown | str:
    """As much of it as is shown: a large value takes seconds to be written out."""
    text = ""
    for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(output.data[mime]):
        text += part
        if len(text) > MAX_TEXT:
            break
    return Shown([text_block(text)])


def _latex(output: Output, mime: str) -> Shown | str:
    """The plain text where somebody has written one; else the formula's source, not an object's
    mere name.
    """
    plain = joined(output.data.get("text/plain", ""))
    said = plain if plain and not re.fullmatch(r"<[\w.]+ object[^<>]*>", plain) else ""
    return Shown([text_block(said or output.data[mime])])


def _widget(_: Output, __: str) -> Shown | str:
    return sentence("This is a control of the notebook, which works only there.")


_KINDS: Sequence[tuple[re.Pattern[str], Draw]] = (
    (re.compile(r"application/vnd\.plotly\.v1\+json"), _plotly),
    (charts.MIME, _vega),
    (re.compile(r"image/svg\+xml"), _svg),
    (re.compile("image/(?:png|jpeg|gif|webp)"), _bitmap),
    (re.compile("text/markdown"), _markdown),
    (re.compile("text/html"), _html),
    (re.compile("application/json"), _json),
    (re.compile("text/latex"), _latex),
    (re.compile(r"application/vnd\.jupyter\.widget-view\+json"), _widget),
)
