"""Headings, and the sections below them (G83)."""

import pytest

from jupyter_flows.core.model import Section
from jupyter_flows.core.sections import Outline, begins_with_heading, heading_levels


@pytest.mark.parametrize(
    ("source", "levels"),
    [
        ("# A", [1]),
        ("#", [1]),
        ("   ## A ##", [2]),
        ("#\tA", [1]),
        ("###### A", [6]),
        ("# A\n\ntext\n### B", [1, 3]),
        ("text", []),
        ("", []),
        ("#A", []),
        ("####### A", []),
        ("    # code", []),
        ("\\# A", []),
        ("```\n# no\n```\n# A", [1]),
        ("~~~ python\n# no\n```\n# no\n~~~\n## A", [2]),
        ("````\n```\n# no\n````\n# A", [1]),
        ("```\n```python\n# no\n```\n# A", [1]),
        ("```\n# no", []),
        ("```code``` and text\n# A", [1]),
        ("# A\r\n## B", [1, 2]),
    ],
)
def test_headings_are_found_and_code_is_not_taken_for_one(source, levels):
    assert list(heading_levels(source)) == levels


@pytest.mark.parametrize(
    ("source", "begins"),
    [
        ("# A", True),
        ("\n \n## A\ntext", True),
        ("text\n# A", False),
        ("", False),
        ("```\n# A", False),
    ],
)
def test_a_heading_cell_begins_with_a_heading(source, begins):
    assert begins_with_heading(source) is begins


def ids(outline):
    return [section.id for section in outline.sections]


def test_a_section_reaches_to_the_next_heading_of_its_level_or_a_higher_one():
    outline = Outline()
    outline.pass_heading("# A", None)
    outline.pass_heading("## B", Section("b", "x"))
    assert ids(outline) == ["b"]
    outline.pass_heading("text", None)
    outline.pass_heading("### C", None)
    assert ids(outline) == ["b"]
    outline.pass_heading("## D", None)
    assert ids(outline) == []


def test_sections_nest_from_the_outermost():
    outline = Outline()
    outline.pass_heading("# A", Section("a", "x"))
    outline.pass_heading("## B", Section("b", "x"))
    outline.pass_heading("### C", Section("c", "x"))
    assert ids(outline) == ["a", "b", "c"]
    outline.pass_heading("## D", Section("d", "x"))
    assert ids(outline) == ["a", "d"]
    outline.pass_heading("# E", None)
    assert ids(outline) == []


def test_a_cell_of_several_headings_begins_a_section_at_its_first():
    outline = Outline()
    outline.pass_heading("# A\n## B", Section("a", "x"))
    assert ids(outline) == ["a"]
    outline.pass_heading("# C\n# D", Section("c", "x"))
    assert ids(outline) == []
