"""Null beside other values: told apart from the rest of a schema, and put back."""

from jupyter_flows.core.forms.flatten import Schema, types_of
from jupyter_flows.core.model import Json


def is_null(schema: Json) -> bool:
    """Whether this alternative is null and nothing else."""
    if not isinstance(schema, dict):
        return False
    return (
        schema.get("type") in ("null", ["null"])
        or schema.get("const", ...) is None
        or schema.get("enum") == [None]
    )


def without_null(schema: Schema) -> tuple[Schema, bool]:
    """The schema of the values that are not null, and whether null is allowed besides. A schema
    that allows nothing but null stays as it is.
    """
    result, allowed, stripped = dict(schema), True, False
    types = types_of(schema.get("type", []))
    if "type" in schema:
        allowed &= "null" in types
        if "null" in types and len(types) > 1:
            rest = [name for name in types if name != "null"]
            result["type"] = rest[0] if len(rest) == 1 else rest
            stripped = True
    if "enum" in schema:
        rest = [value for value in schema["enum"] if value is not None]
        allowed &= len(rest) < len(schema["enum"])
        if rest and allowed:
            result["enum"] = rest
            stripped = True
    if "const" in schema:
        allowed &= schema["const"] is None
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            rest = [one for one in schema[keyword] if not is_null(one)]
            allowed &= len(rest) < len(schema[keyword])
            if rest:
                stripped |= len(rest) < len(schema[keyword])
                result[keyword] = rest
    return result, allowed and stripped


def with_null(schema: Schema) -> Schema:
    """The schema with null allowed besides."""
    result = dict(schema)
    if "type" in schema:
        result["type"] = list(dict.fromkeys([*types_of(schema["type"]), "null"]))
    if "enum" in schema:
        result["enum"] = [*schema["enum"], *([] if None in schema["enum"] else [None])]
    if "const" in schema:
        value = result.pop("const")
        result["enum"] = [value, None]
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            result[keyword] = [*schema[keyword], {"type": "null"}]
    return result
