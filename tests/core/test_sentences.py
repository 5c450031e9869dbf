"""Sentences that remember how they were made."""

import pytest

from jupyter_flows.core.sentences import sentence


def test_a_sentence_is_the_text_that_it_says():
    said = sentence("{who} votes first.", who="eve")
    assert said == "eve votes first."
    assert (said.template, said.values) == ("{who} votes first.", {"who": "eve"})


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 votes"), (1, "1 vote"), (2, "2 votes")], ids=["none", "one", "two"]
)
def test_its_number_chooses_between_one_and_many(n, text):
    assert sentence("{n} vote", "{n} votes", n=n) == text


def test_what_the_values_hold_is_no_template():
    assert sentence("{who} votes", who="{x} {who}") == "{x} {who} votes"


def test_a_name_without_its_value_is_refused():
    with pytest.raises(KeyError):
        sentence("{who} votes")
