"""One schema of each family that a form may be made of, with a payload that fits it."""

FILE = "data:text/plain;name=a%20b.txt;base64,aGVsbG8="

ADDRESS = {
    "type": "object",
    "title": "Address",
    "properties": {
        "street": {"type": "string"},
        "zip": {"type": "string", "pattern": "^[0-9]{5}$"},
        "geo": {"type": "object", "properties": {"lat": {"type": "number"}}},
    },
    "required": ["street"],
    "order": ["zip", "street"],
}
TREE = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "inner": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
    },
    "required": ["name"],
    "additionalProperties": False,
}
BY_CARD = {
    "title": "By card",
    "type": "object",
    "properties": {"kind": {"const": "card"}, "number": {"type": "string"}},
    "required": ["kind", "number"],
}
BY_BANK = {
    "type": "object",
    "properties": {"kind": {"const": "bank"}, "iban": {"type": "string"}},
    "required": ["kind", "iban"],
}

FAMILIES = {
    "string": ({"type": "string"}, "two words", "text"),
    "text area": ({"type": "string", "format": "textarea"}, "one\ntwo", "area"),
    "password": ({"type": "string", "format": "password"}, "s3cret", "password"),
    "windmill's password": ({"type": "string", "password": True}, "s3cret", "password"),
    "email": ({"type": "string", "format": "email"}, "bob@example.org", "email"),
    "uri": ({"type": "string", "format": "uri"}, "https://example.org/a?b=c#d", "uri"),
    "date": ({"type": "string", "format": "date"}, "2026-11-25", "date"),
    "time": ({"type": "string", "format": "time"}, "14:05:00Z", "time"),
    "date-time": ({"type": "string", "format": "date-time"}, "2026-11-25T14:05:00Z", "date-time"),
    "date-time with a zone": (
        {"type": "string", "format": "date-time"},
        "2026-11-25T14:05:00.123456+02:00",
        "date-time",
    ),
    "pattern": ({"type": "string", "pattern": "^[A-Z]{3}$"}, "ABC", "text"),
    "length": ({"type": "string", "minLength": 2, "maxLength": 3}, "ab", "text"),
    "integer": ({"type": "integer", "minimum": 1, "maximum": 9}, 3, "integer"),
    "number": ({"type": "number", "exclusiveMinimum": 0}, 0.25, "number"),
    "boolean": ({"type": "boolean"}, False, "boolean"),
    "consent": ({"type": "boolean", "const": True}, True, "boolean"),
    "choice": ({"enum": ["a", "b", 3, True]}, 3, "choice"),
    "choice of titles": (
        {"oneOf": [{"const": 1, "title": "One"}, {"const": 2, "title": "Two"}]},
        2,
        "choice",
    ),
    "const": ({"const": {"version": 2}}, {"version": 2}, "const"),
    "multi-select": (
        {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True},
        ["a", "c"],
        "choices",
    ),
    "list": ({"type": "array", "items": {"type": "integer"}}, [3, 1, 3], "list"),
    "list of objects": (
        {"type": "array", "items": ADDRESS},
        [{"street": "x"}, {"street": "", "zip": "12345"}],
        "list",
    ),
    "nested object": (ADDRESS, {"street": "Main St", "geo": {"lat": 1.5}}, "object"),
    "oneOf": ({"oneOf": [BY_CARD, BY_BANK]}, {"kind": "bank", "iban": "DE1"}, "variants"),
    "oneOf beside properties": (
        {
            "type": "object",
            "properties": {"amount": {"type": "integer"}},
            "required": ["amount"],
            "oneOf": [BY_CARD, BY_BANK],
        },
        {"amount": 1, "kind": "card", "number": "4"},
        "object",
    ),
    "anyOf of types": ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "x", "variants"),
    "list of types": ({"type": ["integer", "string", "boolean"]}, True, "variants"),
    "nullable": ({"type": ["string", "null"]}, None, "text"),
    "nullable by anyOf": ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, None, "integer"),
    "nullable choice": ({"enum": ["a", None]}, None, "choice"),
    "nullable boolean": ({"type": ["boolean", "null"]}, False, "choice"),
    "nullable object": ({"anyOf": [ADDRESS, {"type": "null"}]}, {"street": "x"}, "object"),
    "file": ({"type": "string", "contentEncoding": "base64"}, "aGVsbG8=", "file"),
    "file as a data URL": ({"type": "string", "format": "data-url"}, FILE, "file"),
    "reference": ({"$ref": "#/$defs/address"}, {"street": "x"}, "object"),
    "recursive reference": (
        {"$ref": "#/$defs/tree"},
        {"name": "a", "inner": [{"name": "b", "inner": [{"name": "c"}]}]},
        "object",
    ),
    "allOf": (
        {"allOf": [ADDRESS, {"properties": {"country": {"enum": ["DE", "AT"]}}}]},
        {"street": "x", "country": "AT"},
        "object",
    ),
    "anything": ({}, {"any": ["thing", 1.5, None]}, "json"),
    "free object": (
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"a": 1, "b": 2},
        "json",
    ),
    "tuple": ({"type": "array", "prefixItems": [{"type": "string"}]}, ["a", 1], "json"),
    "condition": ({"type": "object", "if": {}, "then": {}}, {"a": 1}, "json"),
}
"""Schema, payload, and the kind that it is drawn as."""

DEFS = {"address": ADDRESS, "tree": TREE}


def form_with(schema, *, required=True):
    """A form with this one field."""
    form = {"type": "object", "properties": {"it": schema}, "$defs": DEFS}
    return {**form, "required": ["it"]} if required else form
