"""No payload keeps the validator at work for long, and none makes it raise (G62)."""

import pytest

from jupyter_flows.core import forms
from jupyter_flows.core.errors import FormInvalid
from jupyter_flows.core.forms import bounded
from jupyter_flows.core.model import GateOptions


def refused(field, value):
    options = GateOptions(form={"properties": {"x": field}})
    with pytest.raises(FormInvalid) as refusal:
        forms.check(options, {"x": value})
    return str(refusal.value)


@pytest.mark.parametrize("pattern", ["^(\\w+\\s?)*$", "^(a+)+$", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_an_unlucky_pattern_is_held_against_a_text_no_longer_than_it_may(pattern):
    """With `re` each of these takes longer than anybody lives."""
    assert refused({"type": "string", "pattern": pattern}, "a" * 80 + "!")
    forms.check(GateOptions(form={"patternProperties": {pattern: False}}), {"a" * 60 + "!": 1})


def test_a_pattern_that_takes_too_long_refuses_the_text(monkeypatch):
    monkeypatch.setattr(bounded, "PATTERN_SECONDS", 1e-9)
    assert "took too long" in refused({"pattern": "^(([a-z])+.)+[A-Z]$"}, "a" * 100_000 + "!")


@pytest.mark.parametrize("kind", ["iri", "iri-reference", "uri-template", "regex"])
def test_a_long_text_of_a_format_that_is_slow_to_check_is_refused(kind):
    value = "http://" + "a" * bounded.MAX_FORMATTED
    assert refused({"type": "string", "format": kind}, value)


def test_a_payload_of_very_many_values_is_refused():
    assert "more than 10,000 values" in refused({"type": "array"}, [0] * bounded.MAX_VALUES)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ({"multipleOf": 0.01}, 10**400),
        ({"type": "string", "format": "regex"}, "a{99999999999999999999}"),
    ],
)
def test_what_the_validator_trips_over_is_a_mistake(field, value):
    assert refused(field, value)


def test_patterns_still_mean_what_they_meant():
    options = GateOptions(form={"properties": {"x": {"pattern": "^[A-Z]{2}\\d+$"}}})
    forms.check(options, {"x": "AB12"})
    with pytest.raises(FormInvalid):
        forms.check(options, {"x": "ab12"})
