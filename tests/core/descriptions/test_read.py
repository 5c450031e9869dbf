"""What an author gave as description, read into parts."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_flows.core.descriptions import (
    KINDS,
    MAX_PARTS,
    Attached,
    Drawing,
    Failure,
    Html,
    Map,
    Markdown,
    Picture,
    Table,
    Unfit,
    Value,
    Words,
    plain_description,
    read_description,
)
from jupyter_flows.core.hiding import HIDDEN

PNG = b"\x89PNG\r\n\x1a\n and more"
JPEG = b"\xff\xd8\xff\xe0 and more"
GIF = b"GIF89a and more"
PDF = b"%PDF-1.7 and more"
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>'
TOKEN = "flow_token=eyJsaW5rIjoiMTIzIn0.abcdefghijklmnop"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text() | st.sampled_from(KINDS), inner, max_size=4)
        | st.builds(lambda kind, value: {kind: value}, st.sampled_from(KINDS), inner)
    ),
    max_leaves=25,
)


def base64_of(data):
    return base64.b64encode(data).decode()


def only(description):
    (part,) = read_description(description)
    return part


@pytest.mark.parametrize(
    ("description", "part"),
    [
        ("Publish?", Words("Publish?")),
        ("", Words("")),
        ({"text": "Publish?"}, Words("Publish?")),
        ({"markdown": "**x**"}, Markdown("**x**")),
        ({"md": "**x**"}, Markdown("**x**")),
        ({"html": "<b>x</b>"}, Html("<b>x</b>")),
        ({"html": {"content": "<b>x</b>"}}, Html("<b>x</b>")),
        ({"svg": SVG}, Drawing(SVG)),
        ({"svg": {"content": SVG}}, Drawing(SVG)),
        ({"png": base64_of(PNG)}, Picture("image/png", PNG)),
        ({"png": {"content": base64_of(PNG)}}, Picture("image/png", PNG)),
        ({"png": base64_of(PNG).rstrip("=")}, Picture("image/png", PNG)),
        ({"png": base64.encodebytes(PNG * 20).decode()}, Picture("image/png", PNG * 20)),
        ({"jpeg": base64_of(JPEG)}, Picture("image/jpeg", JPEG)),
        ({"gif": base64_of(GIF)}, Picture("image/gif", GIF)),
        ({"pdf": base64_of(PDF)}, Attached("document.pdf", "application/pdf", PDF)),
        (
            {"pdf": {"content": base64_of(PDF), "filename": "offer"}},
            Attached("offer.pdf", "application/pdf", PDF),
        ),
        (
            {"file": {"content": base64_of(b"x"), "filename": "a.csv"}},
            Attached("a.csv", "application/octet-stream", b"x"),
        ),
        (
            {"file": base64_of(b"x"), "filename": "a.csv"},
            Attached("a.csv", "application/octet-stream", b"x"),
        ),
        (
            {"file": base64_of(b"x"), "filename": "a.csv", "autodownload": True},
            Attached("a.csv", "application/octet-stream", b"x"),
        ),
        ({"file": base64_of(b"x")}, Attached("file", "application/octet-stream", b"x")),
        ({"json": [{"a": 1}]}, Value([{"a": 1}])),
        ({"json": None}, Value(None)),
        ({"amount": 3}, Value({"amount": 3})),
        ({"errors": 3}, Value({"errors": 3})),
        ({"cmd": "rm"}, Value({"cmd": "rm"})),
        ({"title": "x", "html": "y"}, Value({"title": "x", "html": "y"})),
        ([], Value([])),
        ({}, Value({})),
        ([1, "x"], Value([1, "x"])),
        (3, Value(3)),
        (
            {"error": {"name": "418", "message": "I'm a teapot", "stack": "line 1"}},
            Failure("418", "I'm a teapot", "line 1"),
        ),
        ({"error": {"message": "no", "extra": {"a": 1}}}, Failure("", "no", '{"a": 1}')),
        ({"error": "no"}, Failure("", "no", "")),
    ],
)
def test_each_kind_is_read_in_the_shapes_that_windmill_has(description, part):
    assert only(description) == part


@pytest.mark.parametrize(
    ("description", "what", "allowed"),
    [
        ({"markdown": 3}, "markdown", "text"),
        ({"html": ["x"]}, "html", "text"),
        ({"png": 3}, "png", "base64"),
        ({"png": "no base64!"}, "png", "base64"),
        ({"png": ""}, "png", "base64"),
        ({"png": "ä"}, "png", "base64"),
        ({"png": {"filename": "x"}}, "png", "base64"),
        ({"png": base64_of(JPEG)}, "png", "of that kind"),
        ({"jpeg": base64_of(b"<svg/>")}, "jpeg", "of that kind"),
        ({"gif": base64_of(PDF)}, "gif", "of that kind"),
        ({"png": base64_of(PNG + bytes(2_000_000))}, "picture", "2000 kB"),
        ({"pdf": base64_of(b"MZ")}, "pdf", "PDF"),
        ({"pdf": [1]}, "pdf", "base64"),
        ({"file": {"content": "%%%", "filename": "x"}}, "file", "base64"),
        ({"file": 3, "filename": 4}, "file", "base64"),
        ({"svg": "no drawing"}, "svg", "<svg>"),
        ({"svg": "<svg><path></svg>"}, "svg", "whole"),
        ({"svg": "<html xmlns='http://www.w3.org/1999/xhtml'/>"}, "svg", "<svg>"),
        ({"svg": f'<!DOCTYPE svg [<!ENTITY a "aa">]>{SVG}'}, "svg", "entities"),
        ({"svg": 3}, "svg", "text"),
        ({"svg": f"{SVG}<!--{'x' * 2_000_000}-->"}, "picture", "2000 kB"),
        ({"html": "x" * 4_000_001}, "HTML", "4000 kB"),
        ({"error": {}}, "error", "`message`"),
        ({"error": [1]}, "error", "`message`"),
        ({"table-row": 3}, "rows", "list of lists"),
        ({"table-row": [[1], [1, 2]]}, "rows", "one length"),
        ({"table-row-object": [{"a": 1}, 2]}, "objects", "list of objects"),
        ({"table-col": {"a": [1], "b": []}}, "columns", "one length"),
        ({"map": 3}, "map", "`markers`"),
        ({"map": {"zoom": 3}}, "map", "`lat` and `lon`"),
        ({"map": {"markers": [{"lat": 1, "lon": 1}, {"lat": 1}]}}, "Marker 2", "`lon`"),
        ({"map": {"markers": [{"lat": "1", "lon": 1}]}}, "Marker 1", "numbers"),
        ({"map": {"markers": [{"lat": 90.5, "lon": 1}]}}, "Marker 1", "-90 to 90"),
        ({"map": {"markers": [{"lat": True, "lon": 1}]}}, "Marker 1", "numbers"),
        ({"map": {"markers": ["x"]}}, "Marker 1", "numbers"),
        ({"map": {"markers": {"a": 1}}}, "map", "list of `markers`"),
        ({"markdwon": "x"}, "`markdwon`", "markdown, md, text"),
        ({"HTML": "x"}, "`HTML`", "html"),
        ({"s3": "bucket/file"}, "`s3`", "file"),
        ({"render_all": "x"}, "`render_all`", "list"),
    ],
)
def test_what_does_not_fit_its_kind_is_kept_and_told(description, what, allowed):
    part = only(description)
    assert part.given == description
    assert what in part.why
    assert allowed in part.why


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.exe", "a.exe"),
        ('a"; filename="b.exe', "a; filename=b.exe"),
        ("a\r\nSet-Cookie: x", "x"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        (" ..  ", "file"),
        (".bashrc", "bashrc"),
        ("/", "file"),
        (7, "file"),
        ("x" * 200 + ".csv", "x" * 96 + ".csv"),
    ],
)
def test_a_file_is_given_a_name_that_is_safe_to_save_it_under(given, safe):
    assert only({"file": base64_of(b"x"), "filename": given}).filename == safe


def test_svg_without_its_namespace_is_given_it():
    """Within HTML it needs none; as a picture it does."""
    assert only({"svg": '<svg width="1"/>'}) == Drawing(
        '<svg xmlns="http://www.w3.org/2000/svg" width="1"/>'
    )


def test_render_all_is_read_in_drawing_order_however_it_is_nested():
    nested = {"render_all": ["a", {"render_all": [{"md": "b"}, [{"x": 1}]]}, {"map": MAP}]}
    assert [type(part) for part in read_description(nested)] == [Words, Markdown, Table, Map]


MAP = {"lat": 40, "lon": 0, "zoom": 3, "markers": [{"lat": 50.6, "lon": 3.1, "title": "Home"}]}


def test_more_parts_than_the_bound_are_told_and_not_read():
    parts = read_description({"render_all": ["x"] * 100})
    assert parts[:-1] == (Words("x"),) * MAX_PARTS
    assert str(MAX_PARTS) in parts[-1].why


def test_render_all_within_itself_ends():
    deep = "x"
    for _ in range(30):
        deep = {"render_all": [deep]}
    assert "8 times" in only(deep).why


@pytest.mark.parametrize("description", [float("nan"), {"a": {1, 2}}, "\ud800", {"a": [object()]}])
def test_what_is_no_json_is_told(description):
    assert "no plain JSON" in only(description).why


def test_what_is_nested_without_bounds_is_told():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert "nested too deeply" in only(deep).why


@pytest.mark.parametrize(
    "description",
    [
        TOKEN,
        {"md": TOKEN},
        {"html": f"<a href='?{TOKEN}'>"},
        {"svg": SVG.replace("M0", TOKEN)},
        [{TOKEN: TOKEN}],
        {TOKEN: 3},
        {"file": base64_of(b"x"), "filename": TOKEN},
        {"error": {"name": TOKEN, "message": TOKEN, "stack": TOKEN, "extra": TOKEN}},
        {"map": {"markers": [{"lat": 1, "lon": 1, "title": TOKEN}]}},
        {"table-row": TOKEN},
    ],
)
def test_tokens_of_links_are_hidden_in_every_kind(description):
    part = only(description)
    assert TOKEN not in repr(part)
    assert HIDDEN.removeprefix("flow_token=") in repr(part)
    assert TOKEN not in plain_description(description)


@given(JSON)
@example({"render_all": [{"render_all": []}]})
@example({"file": None, "filename": None})
def test_any_json_can_be_read_and_said(description):
    for part in read_description(description):
        assert not isinstance(part, Unfit) or part.why
    plain_description(description).encode()
