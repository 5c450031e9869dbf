"""A description as a terminal shows it."""

import base64

import pytest

from jupyter_flows.core.descriptions import plain_description

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


@pytest.mark.parametrize(
    ("description", "text"),
    [
        (None, ""),
        ("Publish?", "Publish?"),
        ({"markdown": "# Publish?\n\n- *now*\n"}, "# Publish?\n\n- *now*"),
        ({"html": "<b>x</b>"}, "[HTML, to be seen on the page]"),
        ({"png": PNG}, "[a picture]"),
        ({"svg": "<svg/>"}, "[a drawing]"),
        ({"file": {"content": "eA==", "filename": "a.csv"}}, "[the file a.csv]"),
        ({"error": {"name": "E", "message": "no", "stack": "line 1"}}, "E: no\nline 1"),
        ({"json": {"ä": 1}}, '{\n  "ä": 1\n}'),
        ({"map": {"lat": 1, "lon": 2}}, "[a map]"),
        ({"render_all": ["a", {"md": "b"}]}, "a\n\nb"),
        ({"table-row": []}, ""),
    ],
)
def test_each_kind_has_its_words(description, text):
    assert plain_description(description) == text


def test_a_table_is_aligned_with_its_numbers_to_the_right():
    said = plain_description([{"name": "a", "n": 1}, {"name": "bcd", "n": 1.25}, {"n": 10}])
    assert said.splitlines() == [
        "name     n",
        "----  ----",
        "a        1",
        "bcd   1.25",
        "        10",
    ]


def test_a_long_table_says_how_much_more_there_is():
    lines = plain_description([[n] for n in range(600)]).splitlines()
    assert lines[19:] == ["19", "(580 rows more)"]


def test_a_cell_keeps_to_its_line():
    assert plain_description([["a\nb", "x" * 100]]) == f"a b  {'x' * 39}…"


def test_the_markers_of_a_map_are_listed():
    said = plain_description({"map": {"markers": [{"lat": 50.6, "lon": 3, "title": "Home"}]}})
    assert said.splitlines()[-1].split() == ["1", "Home", "50.6", "3"]


def test_what_does_not_fit_is_shown_with_what_is_wrong():
    said = plain_description({"png": "!"})
    assert said.startswith('{\n  "png": "!"\n}')
    assert "must be base64" in said


def test_a_text_without_end_is_cut():
    assert len(plain_description("x" * 100_000)) == 5_000
