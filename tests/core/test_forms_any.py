"""Any valid schema is drawn without raising, and any payload goes through its form and back."""

import json

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from jupyter_flows.core import forms
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import GateOptions

from .forms_families import DEFS, FAMILIES
from .forms_generator import from_schema

calm = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

texts = st.text(max_size=6)
keys = st.sampled_from(["a", "b", "", "x.y", "x/0", "ä", "@"])
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | texts, inner, max_size=3),
    max_leaves=5,
)
counts = st.integers(0, 4)
TYPES = ["string", "integer", "number", "boolean", "null", "array", "object"]
FORMATS = [
    "date", "time", "date-time", "email", "uri", "password", "textarea", "data-url", "byte",
]  # fmt: skip


def lists_of(inner, *, least=1):
    return st.lists(inner, min_size=least, max_size=3)


def schemas_of(inner):
    """Each keyword by itself, in any company."""
    named = st.dictionaries(keys, inner, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(TYPES)
            | st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True),
            "properties": named,
            "required": st.lists(keys, max_size=2, unique=True),
            "order": st.lists(keys, max_size=3) | json_values,
            "items": inner,
            "prefixItems": lists_of(inner),
            "additionalProperties": inner,
            "oneOf": lists_of(inner),
            "anyOf": lists_of(inner),
            "allOf": lists_of(inner),
            "not": inner,
            "if": inner,
            "enum": lists_of(json_values, least=0),
            "const": json_values,
            "default": json_values,
            "title": texts,
            "description": texts,
            "placeholder": json_values,
            "enumLabels": json_values,
            "password": json_values,
            "format": st.sampled_from(FORMATS) | texts,
            "contentEncoding": st.just("base64") | texts,
            "pattern": st.sampled_from(["^a", "[0-9]+"]),
            "minLength": counts,
            "maxLength": counts | st.just(2.0),
            "minimum": st.floats(-5, 5),
            "maximum": st.integers(-5, 5),
            "minItems": counts,
            "maxItems": counts,
            "uniqueItems": st.booleans(),
            "$ref": st.sampled_from(
                ["#", "#/$defs/tree", "#/$defs/address", "#/properties/a", "x"]
            ),
            "$id": st.just("https://example.org/a"),
        },
    )


def families():
    return st.sampled_from([schema for schema, _, _ in FAMILIES.values()])


any_schema = st.recursive(
    st.booleans() | families() | schemas_of(st.just({})), schemas_of, max_leaves=6
)


@settings(calm, max_examples=150)
@given(schemas_of(any_schema), st.dictionaries(keys, json_values, max_size=3))
def test_any_valid_schema_is_drawn_and_any_payload_comes_back(form, payload):
    """G61"""
    gate = GateOptions(form={"$defs": DEFS, **form})
    try:
        forms.check_schema(gate)
    except BadInput:
        assume(False)
    drawn = forms.form_of(gate)
    entries = forms.filled(drawn, payload)
    assert same(forms.parse(drawn, entries).payload, payload)
    forms.parse(drawn, forms.initial(drawn))
    forms.parse(drawn, {})
    forms.parse_plain(drawn, {key: ["x", "1"] for key in payload})


def same(one, two):
    return json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)


# ---------------------------------------------------------------- valid instances

scalars = st.sampled_from(
    [
        schema
        for name, (schema, _, _) in FAMILIES.items()
        if "reference" not in name and name not in ("tuple", "condition")
    ]
)


def objects_of(inner):
    return st.builds(
        lambda properties, required, closed: {
            "type": "object",
            "properties": properties,
            "required": sorted(set(required) & set(properties)),
            **({"additionalProperties": False} if closed else {}),
        },
        st.dictionaries(keys, inner, max_size=3),
        st.lists(keys, max_size=3),
        st.sampled_from([True, True, True, False]),
    )


def grown(inner):
    arrays = st.builds(lambda items: {"type": "array", "items": items, "maxItems": 3}, inner)
    nullable = st.builds(lambda one: {"anyOf": [one, {"type": "null"}]}, inner)
    either = st.builds(lambda *each: {"anyOf": list(each)}, inner, inner)
    return objects_of(inner) | arrays | nullable | either


form_schemas = objects_of(st.recursive(scalars, grown, max_leaves=4))


@settings(calm, max_examples=120)
@given(st.data(), form_schemas)
def test_each_valid_instance_is_rendered_and_parsed_back(data, form):
    """G61, G62: and it is still valid then."""
    gate = GateOptions(form=form)
    payload = forms.completed(gate, data.draw(from_schema(form), label="payload"))
    try:
        forms.check(gate, payload)
    except BadInput:
        assume(False)  # the generator knows some formats more loosely
    drawn = forms.form_of(gate)
    parsed = forms.parse(drawn, forms.filled(drawn, payload))
    assert parsed.mistakes == ()
    assert same(parsed.payload, payload)
    forms.check(gate, parsed.payload)


@pytest.mark.parametrize("family", ["string", "integer", "list", "nested object", "oneOf"])
def test_the_generator_reaches_what_it_should(family):
    """A form of one field is filled field by field, not as one piece of JSON."""
    schema, value, _ = FAMILIES[family]
    gate = GateOptions(form={"properties": {"it": schema}})
    entries = forms.filled(forms.form_of(gate), {"it": value})
    assert "f" not in entries
    assert "json" not in [value for values in entries.values() for value in values]
