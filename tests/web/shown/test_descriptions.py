"""A gate's description, drawn: every kind in its block, and nothing of an author's that acts."""

import base64
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_flows.core.descriptions import KINDS
from jupyter_flows.web.drawn import pages_in
from jupyter_flows.web.languages import ENGLISH
from jupyter_flows.web.shown.descriptions import description_blocks, description_frame
from jupyter_flows.web.shown.frames import STILL

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
TOKEN = "flow_token=eyJsaW5rIjoiMTIzIn0.abcdefghijklmnop"

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "[x](javascript:alert(1))",
    "![x](javascript:alert(1))",
    "<a href=' java\tscript:alert(1)'>x</a>",
    "javascript:alert(1)",
    "' onmouseover='alert(1)",
    "</div></main><form action=//evil><input>",
    "{{ 7 * 7 }}{% raw %}",
    SVG,
    base64.b64encode(b"\x89PNG\r\n\x1a\n<script>").decode(),
)


def base64_of(data):
    return base64.b64encode(data).decode()


PNG = b"\x89PNG\r\n\x1a\n"
FILE = {"file": {"content": base64_of(b"a,b"), "filename": "a.csv"}}


def drawn(description):
    blocks = description_blocks(description, "frames/")
    return str(pages_in(ENGLISH).get_template("blocks.html").module.draw(blocks))


def shapes(description):
    return [block.shape for block in description_blocks(description, "frames/")]


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (None, []),
        ("Publish?", ["said"]),
        ({"md": "# x"}, ["prose"]),
        ({"html": "x"}, ["frame"]),
        ({"svg": "<svg/>"}, ["picture"]),
        ({"png": base64_of(PNG)}, ["picture"]),
        ({"pdf": base64_of(b"%PDF-1.7")}, ["file"]),
        (FILE, ["file"]),
        ([{"a": 1}], ["table"]),
        ({"table-row": []}, ["notice"]),
        ({"map": {"lat": 1, "lon": 1}}, ["picture"]),
        ({"map": {"markers": [{"lat": 1, "lon": 1}]}}, ["picture", "table"]),
        ({"json": 1}, ["text"]),
        ({"error": {"name": "E"}}, ["error"]),
        ({"png": "!"}, ["notice", "text"]),
        (float("nan"), ["notice"]),
        ({"render_all": ["x", {"md": "y"}, [[1]]]}, ["said", "prose", "table"]),
        ("x" * 20_001, ["said", "notice"]),
        ({"md": "x" * 20_001}, ["prose", "notice"]),
        ({"error": {"name": "E", "stack": "x" * 20_001}}, ["error"]),
        ([[n] for n in range(501)], ["table", "notice"]),
        ([list(range(51))], ["table", "notice"]),
    ],
)
def test_each_kind_has_its_shape(description, expected):
    assert shapes(description) == expected


def test_that_json_is_cut_short_stands_in_a_line_of_its_own():
    assert "x\n[cut short here]</pre>" in drawn({"json": "x" * 30_000})


def test_markdown_is_drawn_and_not_spelled():
    page = drawn({"markdown": "**Publish** [it](https://example.org)"})
    assert "<strong>Publish</strong>" in page
    assert 'href="https://example.org"' in page


def test_svg_is_a_picture_and_never_part_of_the_page():
    """Within <img> no script of it runs."""
    page = drawn({"svg": SVG})
    assert "<svg" not in page
    assert f'src="data:image/svg+xml;base64,{base64_of(SVG.encode())}"' in page


def test_a_picture_is_named_for_those_who_do_not_see_it():
    assert 'alt="Picture, part 2 of the description"' in drawn(
        {"render_all": ["x", {"png": base64_of(PNG)}]}
    )


def test_a_table_has_a_header_and_numbers_to_the_right():
    page = drawn([{"name": "<b>", "n": 1}])
    assert '<th scope="col">name</th><th scope="col" class="number">n</th>' in page
    assert '<td>&lt;b&gt;</td><td class="number">1</td>' in page


def test_what_is_left_out_of_a_table_is_said():
    assert "1 more row is not shown." in drawn([[n] for n in range(501)])
    assert "2 more columns are not shown." in drawn([list(range(52))])


def test_the_markers_of_a_map_are_drawn_counted_and_listed():
    markers = [{"lat": 50.6, "lon": 3.1, "title": "Home"}, {"lat": 48, "lon": 2}]
    page = drawn({"map": {"markers": markers}})
    assert 'alt="A map with 2 markers"' in page
    svg = base64.b64decode(re.search(r"svg\+xml;base64,([^\"]+)", page)[1])
    assert len(ET.fromstring(svg).findall("{*}circle")) == 2
    assert [cell for cell in ("Home", "50.6", "3.1", "48", "2") if f">{cell}<" not in page] == []


def test_frames_and_files_are_numbered_in_drawing_order():
    description = {
        "render_all": ["x", {"html": "one"}, {"render_all": [FILE]}, {"png": "!"}, {"html": "two"}]
    }
    blocks = description_blocks(description, "frames/")
    served = [block.source for block in blocks if block.shape in ("frame", "file")]
    assert served == ["frames/d.0", "frames/d.1", "frames/d.2"]
    assert b"one" in description_frame(description, 0).body
    assert description_frame(description, 1).body == b"a,b"
    assert b"two" in description_frame(description, 2).body
    assert description_frame(description, 3) is None
    assert description_frame(description, -1) is None
    assert description_frame(None, 0) is None


@pytest.mark.parametrize(
    ("description", "content_type", "filename"),
    [
        (FILE, "application/octet-stream", "a.csv"),
        (
            {"file": {"content": base64_of(b"<script>"), "filename": "a.html"}},
            "application/octet-stream",
            "a.html",
        ),
        ({"pdf": base64_of(b"%PDF-1.7")}, "application/pdf", "document.pdf"),
    ],
)
def test_a_file_is_served_to_be_saved_and_never_as_a_page(description, content_type, filename):
    frame = description_frame(description, 0)
    assert (frame.content_type, frame.filename, frame.policy) == (content_type, filename, STILL)


def test_html_is_served_in_a_box_without_scripts_or_tokens():
    frame = description_frame({"html": f"<script>x</script>{TOKEN}"}, 0)
    assert frame.policy == STILL
    assert frame.filename is None
    assert TOKEN not in frame.body.decode()
    block = description_blocks({"html": "x"}, "")[0]
    assert not block.scripts


@pytest.mark.parametrize(
    "description",
    [TOKEN, {"md": TOKEN}, [{"a": TOKEN}], {"json": TOKEN}, {TOKEN: 1}, {"png": TOKEN}],
)
def test_tokens_of_links_are_on_no_page(description):
    assert TOKEN not in drawn(description)


def test_a_terminals_colours_are_not_spelled():
    page = drawn({"error": {"name": "E", "message": "no", "stack": "\x1b[31mline 1\x1b[0m"}})
    assert ">line 1<" in page


def test_pictures_without_end_are_cut_and_it_is_said():
    picture = {"png": base64_of(PNG + bytes(1_900_000))}
    blocks = description_blocks({"render_all": [picture] * 20}, "")
    assert [block.shape for block in blocks] == ["picture"] * 4 + ["notice"]
    assert "too large" in blocks[-1].text


# ---------------------------------------------------------------- whatever it is


class Seen(HTMLParser):
    """What a browser would act on."""

    def __init__(self, page):
        super().__init__()
        self.acting = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "svg", "style", "form", "input", "object", "embed", "link", "base"):
            self.acting.append(tag)
        for name, value in attrs:
            bare = re.sub(r"[\s\x00-\x20]", "", value or "").lower()
            if (
                name.startswith("on")
                or name in ("style", "srcdoc")
                or bare.startswith("javascript:")
            ):
                self.acting.append((tag, name, value))
            if tag == "iframe" and name == "sandbox" and value:
                self.acting.append((tag, name, value))
            if name == "src" and not bare.startswith(("data:image/", "frames/d.")):
                self.acting.append((tag, name, value))


def acting(description):
    return Seen(drawn(description)).acting


texts = st.sampled_from(HOSTILE) | st.text(max_size=20)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(texts | st.sampled_from(KINDS), inner, max_size=4)
        | st.builds(lambda kind, value: {kind: value}, st.sampled_from(KINDS), inner)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("kind", [*KINDS, "unknown"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_do_nothing_under_any_kind(kind, text):
    given = [
        {kind: text},
        {kind: {"content": text, "filename": text}},
        {kind: [text]},
        {kind: [{text: text}]},
        {kind: {text: [text]}},
        {kind: {"name": text, "message": text, "stack": text}},
        {kind: {"markers": [{"lat": 1, "lon": 1, "title": text, "color": text}]}},
    ]
    assert acting({"render_all": given}) == []
    assert acting(text) == []


def test_what_would_act_is_seen_by_these_tests():
    assert Seen("<p onclick=x><script></script><a href='JavaScript:x'><img src='//x'>").acting == [
        ("p", "onclick", "x"),
        "script",
        ("a", "href", "JavaScript:x"),
        ("img", "src", "//x"),
    ]


@settings(deadline=None)
@given(anything)
def test_any_json_is_drawn_and_does_nothing(description):
    assert json.loads(json.dumps(description)) == description
    assert acting(description) == []
    for number in range(3):
        description_frame(description, number)
