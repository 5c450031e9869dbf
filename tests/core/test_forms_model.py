"""Each family of schemas is drawn, filled, read back, and checked, by one model."""
# ruff: noqa: E501 (the tables' rows stand in one line each)

import json

import pytest

from jupyter_flows.core import forms
from jupyter_flows.core.errors import FormInvalid
from jupyter_flows.core.model import GateOptions

from .forms_families import FAMILIES, form_with


def options(schema, *, required=True, **more):
    return GateOptions(form=form_with(schema, required=required), **more)


def only(gate):
    (field,) = forms.form_of(gate).children
    return field


def read(gate, **entries):
    """What is read where these entries (`it` for the one field) were typed."""
    said = {
        name.replace("__", "f/it", 1): value if isinstance(value, list) else [value]
        for name, value in entries.items()
    }
    return forms.parse(forms.form_of(gate), said)


@pytest.mark.parametrize("required", [True, False], ids=["required", "optional"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_drawn_filled_and_read_back_as_it_was(family, required):
    """G60, G61"""
    schema, value, kind = FAMILIES[family]
    gate = options(schema, required=required)
    forms.check_schema(gate)
    assert only(gate).kind == kind
    payload = {"it": value}
    forms.check(gate, payload)
    form = forms.form_of(gate)
    parsed = forms.parse(form, forms.filled(form, payload))
    assert parsed.payload == payload
    assert json.dumps(parsed.payload, sort_keys=True) == json.dumps(payload, sort_keys=True)
    assert parsed.mistakes == ()


@pytest.mark.parametrize("family", FAMILIES)
def test_an_optional_field_that_is_left_out_stays_out(family):
    """G61"""
    gate = options(FAMILIES[family][0], required=False)
    form = forms.form_of(gate)
    parsed = forms.parse(form, forms.filled(form, {}))
    assert parsed.payload == {}
    assert parsed.mistakes == ()


@pytest.mark.parametrize(
    "value",
    [None, "", "a\r\nb", "nul\0", "  ", 0, -0.5, 1e300, 10**400, [], {}, [[]], {"": ""}, True],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_field_cannot_show_stands_there_as_json(family, value):
    """G61: also what doesn't fit, such as a default of the wrong type."""
    form = forms.form_of(options(FAMILIES[family][0]))
    assert forms.parse(form, forms.filled(form, {"it": value})).payload == {"it": value}


def test_no_file_of_the_core_writes_markup():
    """The widgets draw the same model."""
    field = only(options({"type": "string", "title": "<b>", "description": "&"}))
    assert (field.title, field.description) == ("<b>", "&")


# ---------------------------------------------------------------- what a field says


def test_titles_descriptions_and_the_order_are_kept():
    """G60"""
    schema = {
        "properties": {n: {"title": n.upper(), "description": f"the {n}"} for n in "abc"},
        "order": ["c", "nowhere", 3, "a"],
        "required": ["a"],
    }
    form = forms.form_of(GateOptions(form=schema))
    assert [(x.key, x.title, x.required) for x in form.children] == [
        ("c", "C", False),
        ("a", "A", True),
        ("b", "B", False),
    ]
    assert form.children[0].description == "the c"


def test_two_forms_that_differ_in_their_order_alone_are_two():
    one = {"properties": {"a": {}, "b": {}}}
    two = {"properties": {"b": {}, "a": {}}}
    keys = [[x.key for x in forms.form_of(GateOptions(form=form)).children] for form in (one, two)]
    assert keys == [["a", "b"], ["b", "a"]]


def test_the_cells_choices_and_defaults_are_drawn():
    """G60"""
    gate = options(
        {"type": "array", "items": {"type": "string"}},
        enums={"it": ["x", "y"]},
        default_args={"it": ["y"], "more": 5},
    )
    form = forms.form_of(gate)
    assert [x.kind for x in form.children] == ["choices", "number"]
    assert [x.label for x in form.children[0].choices] == ["x", "y"]
    assert forms.initial(form) == {"f/it": ["1"], "f/more": ["5"]}


@pytest.mark.parametrize("labels", [{"a": "Alpha", "2": "Two"}, ["Alpha", "Two"]], ids=str)
def test_labels_of_choices_are_shown(labels):
    field = only(options({"enum": ["a", 2], "enumLabels": labels}))
    assert [choice.label for choice in field.choices] == ["Alpha", "Two"]


def test_a_nested_objects_defaults_stand_in_their_fields():
    gate = options({"properties": {"city": {"default": "Bonn"}, "flag": {"type": "boolean"}}})
    assert forms.initial(forms.form_of(gate)) == {"f/it/city": ["Bonn"]}


def test_variants_are_named_by_their_title_or_what_tells_them_apart():
    field = only(options(FAMILIES["oneOf"][0]))
    assert [variant.title for variant in field.variants] == ["By card", "bank"]


def test_what_all_variants_share_is_drawn_once():
    field = only(options(FAMILIES["oneOf beside properties"][0]))
    assert [child.key for child in field.children] == ["amount"]
    assert [[c.key for c in v.children] for v in field.variants] == [
        ["kind", "number"],
        ["kind", "iban"],
    ]


def test_a_reference_to_itself_ends_in_json():
    field = only(options({"$ref": "#/$defs/tree"}))
    assert field.children[1].kind == "list"
    assert field.children[1].items.kind == "json"


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/nowhere"},
        {"$ref": "https://example.org/form.json"},
        {"$ref": "#/properties/it"},
        {"$ref": "#"},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {"allOf": [False]},
        {"oneOf": [{"type": "string"}], "anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"type": "object", "patternProperties": {"^a": {}}},
        {"type": "array"},
        {"type": "array", "items": False},
        {"type": "object"},
        {"minimum": 1, "pattern": "x"},
        {"$id": "https://example.org/x", "type": "string"},
        {"anyOf": [False]},
    ],
    ids=str,
)
def test_what_cannot_be_drawn_is_json_with_its_title(schema):
    """G61"""
    field = only(options({"title": "Some", **schema}))
    assert field.kind == "json"
    assert field.title == "Some"


def test_references_that_grow_without_end_are_cut_short():
    """2^30 fields in some lines."""
    defs = {
        f"d{n}": {"properties": {x: {"$ref": f"#/$defs/d{n + 1}"} for x in "ab"}} for n in range(30)
    }
    form = {"$defs": {**defs, "d30": {"type": "string"}}, "$ref": "#/$defs/d0"}
    assert forms.form_of(GateOptions(form=form)).kind == "object"


# ---------------------------------------------------------------- what is typed


@pytest.mark.parametrize(
    ("schema", "typed", "value"),
    [
        ({"type": "integer"}, " 12 ", 12),
        ({"type": "number"}, "1e3", 1000.0),
        ({"type": "number"}, ".5", 0.5),
        ({"type": "string"}, " kept ", " kept "),
        ({"type": "string"}, "a\r\nb", "a\nb"),
        ({"type": "string", "format": "email"}, " bob@example.org ", "bob@example.org"),
        ({"type": "string", "format": "time"}, "14:05", "14:05:00Z"),
        ({"type": "string", "format": "time"}, "14:05:30", "14:05:30Z"),
        ({"type": "string", "format": "time"}, "14:05:30+02:00", "14:05:30+02:00"),
        ({"type": "string", "format": "date-time"}, "2026-11-25T14:05", "2026-11-25T14:05:00Z"),
        ({"type": "boolean"}, "true", True),
        ({"enum": ["a", "b"]}, "1", "b"),
        ({}, '{"a": [1]}', {"a": [1]}),
    ],
    ids=str,
)
def test_a_value_is_read_as_its_field_says(schema, typed, value):
    gate = options(schema)
    parsed = read(gate, __=typed)
    assert parsed.payload == {"it": value}
    assert parsed.mistakes == ()
    forms.check(gate, parsed.payload)


@pytest.mark.parametrize(
    "typed", ["abc", "12,5", "1_000", "NaN", "inf", "1e999", "٣", "0x1", "9" * 5000]
)
def test_a_number_that_is_none_is_a_mistake_at_its_field(typed):
    for kind in ("integer", "number"):
        (mistake,) = read(options({"type": kind}), __=typed).mistakes
        assert mistake.path == ("it",)
        assert "must be a" in mistake.message
        assert len(mistake.message) < 200


@pytest.mark.parametrize("typed", ["{", "[" * 30_000, "NaN", "Infinity", "'x'"])
def test_json_that_is_none_is_a_mistake_at_its_field(typed):
    (mistake,) = read(options({}), __=typed).mistakes
    assert mistake.path == ("it",)
    assert "is not JSON" in mistake.message


@pytest.mark.parametrize("typed", ["2", "-1", "x", "²", "9" * 5000])
def test_a_choice_that_there_is_not_is_a_mistake(typed):
    for schema in ({"enum": ["a", "b"]}, {"type": "array", "items": {"enum": ["a", "b"]}}):
        (mistake,) = read(options(schema), __=typed).mistakes
        assert mistake.path == ("it",)


BLANK = [
    ({"type": "string"}, "required", {}),
    ({"type": "string"}, "optional", {}),
    ({"type": "integer"}, "optional", {}),
    ({"type": "boolean"}, "optional", {"it": False}),
    ({"type": "boolean", "const": True}, "required", {}),
    ({"type": ["string", "null"]}, "optional", {"it": None}),
    ({"enum": ["a", "b"]}, "optional", {}),
    ({"const": 5}, "required", {"it": 5}),
    (FAMILIES["multi-select"][0], "optional", {"it": []}),
    ({**FAMILIES["multi-select"][0], "minItems": 1}, "optional", {}),
    (FAMILIES["list"][0], "required", {"it": []}),
    (FAMILIES["nested object"][0], "optional", {}),
    (FAMILIES["nested object"][0], "required", {"it": {}}),
    (FAMILIES["nullable object"][0], "optional", {"it": None}),
    (FAMILIES["oneOf"][0], "optional", {}),
    ({}, "optional", {}),
]


@pytest.mark.parametrize(("schema", "need", "payload"), BLANK, ids=str)
def test_what_a_field_that_was_left_blank_stands_for(schema, need, payload):
    """Absent is not empty, and neither is null."""
    parsed = read(options(schema, required=need == "required"))
    assert parsed.payload == payload
    assert parsed.mistakes == ()


@pytest.mark.parametrize(
    ("schema", "default", "payload"),
    [
        ({"type": "string"}, "x", {"it": ""}),
        ({"type": ["integer", "null"]}, 3, {"it": None}),
        (FAMILIES["multi-select"][0], ["a"], {"it": []}),
        (FAMILIES["list"][0], [1], {"it": []}),
        ({"type": "boolean"}, True, {"it": False}),
        ({"type": "boolean", "const": True}, True, {"it": False}),
    ],
    ids=str,
)
def test_a_default_that_was_cleared_does_not_come_back(schema, default, payload):
    """The gate puts its defaults in where the payload says nothing."""
    for required in (True, False):
        gate = options(schema, required=required, default_args={"it": default})
        parsed = read(gate)
        assert parsed.mistakes == ()
        assert forms.completed(gate, parsed.payload) == payload


def test_a_default_that_cannot_be_cleared_is_a_mistake_when_it_was():
    (mistake,) = read(options({"type": "integer"}, default_args={"it": 3})).mistakes
    assert "left blank" in mistake.message


def test_rows_that_were_left_blank_are_left_out_and_mistakes_name_the_others():
    gate = options(FAMILIES["list"][0])
    parsed = read(gate, **{"__#": ["4", "7", "9"], "__/4": "1", "__/9": "x"})
    assert parsed.payload == {"it": [1, "x"]}
    (mistake,) = parsed.mistakes
    assert mistake.path == ("it", 1)
    assert parsed.place(("it", 1)) == "f/it/9"
    assert parsed.place(("it", 1, "deeper")) == "f/it/9"


def test_only_the_chosen_variant_is_read():
    gate = options(FAMILIES["oneOf"][0])
    entries = {"__@": "1", "__@0/number": "4", "__@1/iban": "DE1"}
    parsed = read(gate, **entries)
    assert parsed.payload == {"it": {"kind": "bank", "iban": "DE1"}}
    assert parsed.place(("it", "iban")) == "f/it@1/iban"


def test_an_optional_object_that_nobody_touched_is_left_out_with_its_mistakes():
    gate = options(FAMILIES["nested object"][0], required=False)
    assert read(gate, **{"__/street": "", "__/geo/lat": ""}).payload == {}
    assert read(gate, **{"__/street": "x"}).payload == {"it": {"street": "x"}}


NAMES = [
    "",
    " ",
    ".",
    "a.b",
    "a/b",
    "a[0]",
    "a?",
    "a#",
    "a@1",
    "a!",
    "ä€",
    "%2F",
    '"',
    "\n",
    "0",
    "__",
]


def test_any_property_name_makes_a_name_of_its_own():
    fields = {name: {"type": "string"} for name in NAMES}
    schema = {"properties": {**fields, "in": {"type": "object", "properties": fields}}}
    form = forms.form_of(GateOptions(form=schema))
    payload = {
        **{name: f"<{name}>".replace("\n", "-") for name in NAMES},
        "in": {"": "x", "a/b": "y"},
    }
    entries = forms.filled(form, payload)
    assert forms.parse(form, entries).payload == payload
    assert all(name.isascii() and '"' not in name and "\n" not in name for name in entries)


def test_any_entries_at_all_are_read_without_raising():
    for family, (schema, _, _) in FAMILIES.items():
        form = forms.form_of(options(schema))
        for typed in ("", "x", "\0", "99", "[" * 3000):
            for mark in ("", "json", "given", "null", "absent", "?"):
                entries = {
                    **{name: [typed] for name in ("f/it", "f/it@", "f/it@0", "f/it/street")},
                    "f/it#": [typed, "0", "0"],
                    "f/it/0": [typed],
                    "f/it?": [mark],
                }
                assert forms.parse(form, entries).places, family


# ---------------------------------------------------------------- rows and files


def test_a_row_is_added_with_its_defaults_and_removed_with_its_entries():
    gate = options({"type": "array", "items": {"type": "integer", "default": 7}, "maxItems": 2})
    form = forms.form_of(gate)
    one = forms.with_row(form, {"f/it/0": ["left over"]}, "f/it")
    assert one == {"f/it#": ["0"], "f/it/0": ["7"]}
    two = forms.with_row(form, {**one, "f/it/0": ["1"]}, "f/it")
    assert forms.with_row(form, two, "f/it") == two, "there may be no third"
    assert forms.without_row(two, "f/it/0") == {"f/it#": ["1"], "f/it/1": ["7"]}


@pytest.mark.parametrize(
    "name", ["", "f", "f/nothing", "f/it/0", "f@0", "f@x", "g/it", "f/it@9", "f/it/0/0/0"]
)
def test_a_row_of_no_list_changes_nothing(name):
    form = forms.form_of(options({"type": "array", "items": {"type": "integer"}}))
    assert forms.with_row(form, {"f/it": ["x"]}, name) == {"f/it": ["x"]}
    assert forms.parse(form, forms.without_row({"f/it": ["x"]}, name)).payload == {"it": []}


def test_a_list_may_begin_with_the_rows_that_it_needs():
    form = forms.form_of(options({"type": "array", "items": {"type": "integer"}, "minItems": 2}))
    assert forms.initial(form) == {"f/it#": ["0", "1"]}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"contentEncoding": "base64"}, "aGVsbG8="),
        ({"type": "string", "format": "byte"}, "aGVsbG8="),
        (
            {"type": "string", "format": "data-url"},
            "data:text/plain;name=a%20b.txt;base64,aGVsbG8=",
        ),
    ],
    ids=str,
)
def test_an_uploaded_file_is_its_fields_text(schema, text):
    """G61"""
    gate = options(schema)
    form = forms.form_of(gate)
    upload = {"f/it": [forms.Upload("a b.txt", "text/plain", b"hello")]}
    entries = forms.with_uploads(form, {"f/it": ["old"], "f/it!": ["drop"]}, upload)
    assert forms.parse(form, entries).payload == {"it": text}
    kept = forms.with_uploads(form, entries, {})
    assert forms.parse(form, kept).payload == {"it": text}, "an earlier file stays"
    left_out = forms.with_uploads(form, {**entries, "f/it!": ["drop"]}, {})
    assert forms.parse(form, left_out).payload == {}


def test_a_file_for_no_file_field_is_ignored():
    form = forms.form_of(options({"type": "string"}))
    upload = {
        "f/it": [forms.Upload("a", "b", b"c")],
        "f/nothing": [],
        "x@y": [forms.Upload("", "", b"")],
    }
    assert forms.with_uploads(form, {}, upload) == {}


# ---------------------------------------------------------------- plain names


@pytest.mark.parametrize(
    ("schema", "said", "value"),
    [
        ({"type": "integer"}, ["3"], 3),
        ({"type": "integer"}, ["x"], "x"),
        ({"type": "boolean"}, ["on"], True),
        ({"type": "boolean"}, ["false"], False),
        ({"type": "boolean"}, ["perhaps"], "perhaps"),
        ({"type": "string"}, [""], ""),
        ({"enum": ["a", 2]}, ["2"], 2),
        ({"enum": ["a", 2]}, ["z"], "z"),
        (FAMILIES["multi-select"][0], ["a", "b"], ["a", "b"]),
        (FAMILIES["multi-select"][0], ["z"], ["z"]),
        (FAMILIES["multi-select"][0], ['["a"]'], ["a"]),
        (FAMILIES["list"][0], ["1", "2"], [1, 2]),
        (FAMILIES["list"][0], ["[1, 2]"], [1, 2]),
        (FAMILIES["list"][0], ["1", "x"], ["1", "x"]),
        (ADDRESS := FAMILIES["nested object"][0], ['{"street": "x"}'], {"street": "x"}),
        (ADDRESS, ["x"], "x"),
        (FAMILIES["anyOf of types"][0], ["x"], "x"),
        (FAMILIES["anyOf of types"][0], ["3"], 3),
    ],
    ids=str,
)
def test_plain_names_are_read_by_the_same_fields(schema, said, value):
    """G61"""
    form = forms.form_of(options(schema))
    assert forms.parse_plain(form, {"it": said}) == {"it": value}
    assert forms.parse_plain(form, {"other": ["x"]}) == {"other": "x"}


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("schema", "value", "where", "message"),
    [
        ({"type": "integer"}, "abc", "it", 'must be a whole number; it is "abc"'),
        ({"type": ["integer", "null"]}, "a", "it", 'must be a whole number or empty (null); it is "a"'),
        ({"minimum": 3}, 2, "it", "must be at least 3; it is 2"),
        ({"type": "string", "minLength": 1}, "", "it", "must have at least 1 character"),
        ({"maxItems": 2}, [1, 2, 3], "it", "must have at most 2 items"),
        ({"enum": ["a", "b"]}, "c", "it", 'must be one of: "a", "b"; it is "c"'),
        ({"format": "date"}, "x", "it", 'must be a date, as in 2026-11-25; it is "x"'),
        ({"format": "email"}, "x", "it", 'must be an e-mail address, as in name@example.org; it is "x"'),
        ({"format": "uri"}, "x y", "it", 'must be a whole address, as in https://example.org/page; it is "x y"'),
        ({"pattern": "^a", "customErrorMessage": "begin with a"}, "b", "it", "begin with a"),
        ({"format": "password", "pattern": "^a"}, "b", "it", "must fit the pattern ^a"),
        (ADDRESS, {}, "it.street", "is required"),
        (FAMILIES["oneOf"][0], {"kind": "card"}, "it.number", "is required"),
        (FAMILIES["anyOf of types"][0], [], "it", "must fit one of 2 alternatives"),
        (FAMILIES["nullable by anyOf"][0], 1.5, "it", "must fit one of 2 alternatives"),
        ({"type": "array", "items": ADDRESS}, [{"street": "x", "zip": 1}], "it.0.zip", "must be a text; it is 1"),
    ],
    ids=str,
)  # fmt: skip
def test_a_refusal_says_in_words_what_is_allowed(schema, value, where, message):
    """G62"""
    with pytest.raises(FormInvalid) as refused:
        forms.check(
            options({"type": "string", **schema} if "format" in schema else schema), {"it": value}
        )
    (mistake,) = refused.value.mistakes
    assert (mistake.where, mistake.message) == (where, message)
    assert mistake.path == tuple(int(x) if x.isdigit() else x for x in where.split("."))
