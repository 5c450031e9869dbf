"""Whose a path is, what may be one, and which progress is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.things import (
    MOST_NESTED,
    checked_key,
    checked_path,
    is_readable,
    is_too_deep,
)
from jupyter_flows.core.windmill import home_of

NAMES = st.text(min_size=1, max_size=12) | st.sampled_from(
    ["a", "/a", "a/b", "a_b", "A", "..", "a."]
)


@given(NAMES)
def test_a_home_has_two_parts_whatever_the_name_holds(name):
    top, own = home_of(name).split("/")
    assert top == "u"
    assert own.strip(".")
    assert checked_path(f"{home_of(name)}/x")


@given(NAMES, NAMES)
def test_nobody_reads_what_lies_in_anothers_home(one, other):
    path = f"{home_of(one)}/flow/state"
    assert is_readable(path, one)
    assert is_readable(path, other) == (one == other)


@pytest.mark.parametrize("path", ["f/finance/limit", "a/b", "f/ä b/c?d#e", "u/bob/x", "f/.hidden"])
def test_what_may_be_a_path(path):
    assert checked_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "a", "/a/b", "a/b/", "a//b", "a/./b", "a/../b", "u/bob", "a/\x00b", "a/ /b", "a/\ud800"],
)
def test_what_may_be_none(path):
    with pytest.raises(BadInput):
        checked_path(path)


def test_how_deep_a_value_may_be_nested():
    value = 1
    for _ in range(MOST_NESTED - 1):
        value = {"x": [value]} if isinstance(value, list) else [value]
    deepest = 1
    for _ in range(MOST_NESTED - 1):
        deepest = [deepest]
    assert not is_too_deep(deepest)
    assert is_too_deep([[deepest]])
    assert is_too_deep(value)


def test_paths_and_keys_are_no_longer_than_any_database_indexes():
    for check in (checked_path, checked_key):
        assert check("f/" + "💡" * 499)
        for text in ("f/" + "💡" * 500, "f/" + "x" * 1000):
            with pytest.raises(BadInput, match=r"has at most|has from 1 to"):
                check(text)
