"""What may come in from outside."""

import pytest

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.plain import MAX_DEPTH, plain_json


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def test_what_is_nested_as_deep_as_allowed_comes_in():
    assert plain_json(nested(MAX_DEPTH), "payload").startswith(b"[[")


@pytest.mark.parametrize(
    "value", [nested(MAX_DEPTH + 1), nested(5000), float("nan"), "\ud800", {1: object()}]
)
def test_what_some_reader_cannot_follow_is_refused_by_its_name(value):
    with pytest.raises(BadInput, match="The payload"):
        plain_json(value, "payload")


def test_a_notebook_may_be_as_deep_as_it_is():
    plain_json(nested(MAX_DEPTH + 100), "notebook", depth=None)
