"""Cursors of pages: what was given out is read back, and nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flows.core import cursors
from jupyter_flows.core.errors import BadInput

NAMES = st.lists(st.text("abcXYZ019_.-", min_size=1), min_size=1, max_size=3)


@given(st.floats(allow_nan=False, allow_infinity=False), NAMES)
def test_a_cursor_is_read_as_it_was_written(at, names):
    assert cursors.read(cursors.written(at, *names), len(names)) == (at, names)


@pytest.mark.parametrize("said", ["", "1.0", "1.0 a b", "nan a", "inf a", "x a", "1.0  "])
def test_a_cursor_that_was_not_given_out_is_refused(said):
    with pytest.raises(BadInput):
        cursors.read(base64.urlsafe_b64encode(said.encode()).decode(), 1)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        at, (name,) = cursors.read(text, 1)
    except BadInput:
        return
    assert cursors.read(cursors.written(at, name), 1) == (at, [name])
