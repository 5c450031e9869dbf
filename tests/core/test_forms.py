"""Forms: defaults and choices put in, and every payload checked."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_flows.core import forms
from jupyter_flows.core.errors import BadInput, FormInvalid
from jupyter_flows.core.model import GateOptions

FORM = {
    "properties": {
        "amount": {"type": "integer", "minimum": 0, "default": 10},
        "tags": {"type": "array", "items": {"type": "string"}},
        "mail": {"type": "string", "format": "email"},
    },
    "required": ["amount"],
    "order": ["amount", "tags"],
}


def gate(form=FORM, **options):
    return GateOptions(form=form, **options)


def wrong(options, payload):
    with pytest.raises(FormInvalid) as refusal:
        forms.check(options, payload)
    return {mistake.where: mistake.message for mistake in refusal.value.mistakes}


def test_without_a_form_there_is_no_schema_and_everything_fits():
    """G21."""
    assert forms.effective(GateOptions()) is None
    for payload in (None, 1, "x", {"message": "fine"}):
        forms.check(GateOptions(), payload)


def test_default_args_replace_the_forms_defaults():
    """G60."""
    assert forms.defaults(gate()) == {"amount": 10}
    assert forms.defaults(gate(default_args={"amount": 5, "tags": ["a"]})) == {
        "amount": 5,
        "tags": ["a"],
    }
    schema = forms.effective(gate(default_args={"amount": 5}))
    assert schema["properties"]["amount"]["default"] == 5


def test_enums_replace_a_fields_choices_and_an_array_fields_items():
    """G60."""
    schema = forms.effective(gate(enums={"amount": [1, 2], "tags": ["a", "b"], "new": [True]}))
    assert schema["properties"]["amount"]["enum"] == [1, 2]
    assert schema["properties"]["tags"]["items"]["enum"] == ["a", "b"]
    assert schema["properties"]["new"]["enum"] == [True]
    options = gate(enums={"tags": ["a"]})
    assert set(wrong(options, {"amount": 1, "tags": ["a", "z"]})) == {"tags.1"}


def test_the_authors_form_is_left_as_it_is():
    before = repr(FORM)
    forms.effective(gate(enums={"amount": [1]}, default_args={"amount": 1}))
    assert repr(FORM) == before


def test_a_payload_is_completed_by_the_defaults_where_it_says_nothing():
    options = gate(default_args={"tags": ["a"]})
    assert forms.completed(options, None) == {"amount": 10, "tags": ["a"]}
    assert forms.completed(options, {"amount": 0}) == {"amount": 0, "tags": ["a"]}
    assert forms.completed(options, "text") == "text"


def test_every_field_that_does_not_fit_is_named():
    """G62."""
    found = wrong(gate(), {"amount": -1, "tags": [1], "mail": "nobody"})
    assert set(found) == {"amount", "tags.0", "mail"}
    assert found["amount"] == "must be at least 0; it is -1"


@pytest.mark.parametrize("payload", ["x", 1, [], [{"amount": 1}], True])
def test_what_is_no_object_does_not_fit_a_form(payload):
    """G62."""
    assert "must be an object" in wrong(gate(), payload)[""]


@pytest.mark.parametrize(
    "form",
    [
        {"type": "nonsense"},
        {"properties": 5},
        {"properties": {"n": 5}},
        {"properties": {"n": {"pattern": "("}}},
        {"required": "n"},
    ],
)
def test_a_form_that_is_no_schema_is_refused(form):
    """G60."""
    with pytest.raises(BadInput, match="schema is wrong"):
        forms.check_schema(gate(form, enums={"n": [1]}, default_args={"n": 1}))


@pytest.mark.parametrize("field", [True, False, {"items": True}, {"type": ["array", "null"]}])
def test_any_field_takes_choices_and_defaults(field):
    """G60."""
    options = gate({"properties": {"n": field}}, enums={"n": [1]}, default_args={"n": 1})
    forms.check_schema(options)
    assert forms.defaults(options) == {"n": 1}


@pytest.mark.parametrize(
    "form",
    [
        {"$ref": "#/nowhere"},
        {"properties": {"n": {"$ref": "http://127.0.0.1:9/form.json"}}},
        {"properties": {"n": {"$ref": "file:///etc/hostname"}}},
        {"properties": {"n": {"$ref": "#/properties/n"}}},
    ],
)
def test_a_form_that_refers_to_what_it_lacks_refuses_and_fetches_nothing(form):
    """G62."""
    assert wrong(gate(form), {"n": 1})[""]


def test_a_form_may_refer_to_its_own_parts():
    """G60."""
    form = {"$defs": {"n": {"type": "integer"}}, "properties": {"n": {"$ref": "#/$defs/n"}}}
    forms.check(gate(form), {"n": 1})
    assert set(wrong(gate(form), {"n": "x"})) == {"n"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
keywords = st.sampled_from([
    "properties", "type", "items", "enum", "$ref", "oneOf", "required", "format", "pattern",
    "multipleOf", "minimum", "amount", "additionalProperties", "allOf", "#", "string", "$id",
])  # fmt: skip
schemas = st.dictionaries(
    keywords,
    st.recursive(
        json_values | keywords,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keywords, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


choices = st.dictionaries(st.text(), st.lists(json_values, max_size=2), max_size=2)


@settings(max_examples=300, deadline=None)
@given(
    schemas, json_values, st.dictionaries(st.text(), st.lists(json_values, max_size=2), max_size=2)
)
def test_any_form_is_refused_or_checks_any_payload(form, payload, enums):
    options = gate(form, enums=enums, default_args={"amount": 1})
    try:
        forms.check_schema(options)
        forms.check(options, forms.completed(options, payload))
    except BadInput as refusal:
        assert str(refusal)  # noqa: PT017 (it may also fit)
