"""Keeping what was drawn, within bounds."""

from markupsafe import Markup

from jupyter_flows.web.sheets import Sheet, Sheets


def of(size):
    return Sheet(Markup("x" * size))


def test_what_was_looked_at_longest_ago_goes_first():
    sheets = Sheets(most=100)
    for name in "abcd":
        sheets.put((name,), of(25))
    assert sheets.get(("a",)) == of(25)
    sheets.put(("e",), of(25))
    assert sheets.get(("b",)) is None
    assert all(sheets.get((name,)) for name in "acde")


def test_one_large_page_does_not_drive_out_the_rest():
    sheets = Sheets(most=100)
    sheets.put(("a",), of(25))
    sheets.put(("b",), of(26))
    assert sheets.get(("a",)) is not None
    assert sheets.get(("b",)) is None
