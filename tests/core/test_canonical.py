"""One way to write a value as bytes."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flows.core.canonical import canonical_json, chained, length_prefixed, sha256

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", max_size=3), inner),
    max_leaves=10,
)
fields = st.lists(st.binary(max_size=6), max_size=5)


@given(values)
def test_a_value_is_read_back_from_its_bytes(value):
    assert json.loads(canonical_json(value)) == value


def test_the_order_of_keys_does_not_matter():
    assert canonical_json({"b": 1, "a": [1, "é"]}) == '{"a":[1,"é"],"b":1}'.encode()
    assert canonical_json({"a": [1, "é"], "b": 1}) == canonical_json({"b": 1, "a": [1, "é"]})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")], "\ud800"])
def test_what_json_does_not_have_is_refused(value):
    with pytest.raises(ValueError):
        canonical_json(value)


@given(fields, fields)
def test_no_two_lists_of_fields_write_the_same_bytes(one, other):
    """G31."""
    assert (length_prefixed(one) == length_prefixed(other)) == (one == other)


def test_a_hash_names_its_kind():
    assert sha256(b"x") == "sha256:" + hashlib.sha256(b"x").hexdigest()


def test_a_row_of_the_log_is_hashed_over_each_of_its_parts_and_the_row_before():
    """G71."""
    row = ("00", 1, 2.0, "VoteCast", "{}")
    changed = [("01", *row[1:]), ("00", 2, *row[2:]), ("00", 1, 2.5, *row[3:]),
               (*row[:3], "VoteCas", "t{}"), (*row[:4], "{ }")]  # fmt: skip
    assert len({chained(*row), *(chained(*other) for other in changed)}) == 6
    assert chained(*row) == chained(*row)
