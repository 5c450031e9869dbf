"""A schema with what it refers to put in its place: `$ref` and `allOf`, where that can be done."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from jupyter_flows.core.model import Json

Schema = dict[str, Json]

ANNOTATIONS = frozenset(
    {
        "title", "description", "default", "examples", "placeholder", "order", "deprecated",
        "readOnly", "writeOnly", "$comment", "$schema", "$defs", "definitions", "enumLabels",
        "customErrorMessage", "$id",
    }
)  # fmt: skip
"""Keywords that refuse nothing: of two, the outer one counts."""


def flattened(
    schema: Schema, root: Schema, seen: frozenset[str]
) -> tuple[Schema, frozenset[str]] | None:
    """The schema without `$ref` and `allOf`, and the references that led here. None where it refers
    to itself or to what is not here, or where its parts can't be made one.
    """
    rest = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
    if "$ref" in schema:
        reference = schema["$ref"]
        target = referred(root, reference)
        if reference in seen or not isinstance(target, dict):
            return None
        inner = flattened(target, root, seen | {reference})
        if inner is None:
            return None
        found, seen = inner
        united = merged(found, rest)
        if united is None:
            return None
        rest = united
    for part in schema.get("allOf", ()):
        if part is True:
            continue
        inner = flattened(part, root, seen) if isinstance(part, dict) else None
        if inner is None:
            return None
        found, seen = inner
        united = merged(found, rest)
        if united is None:
            return None
        rest = united
    return rest, seen


def referred(root: Schema, reference: Json) -> Json:
    """What `#` or `#/…` points to; None for any other reference, and where nothing is."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        return None
    found: Json = root
    for part in unquote(reference).split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
        if isinstance(found, dict) and "$id" in found:
            return None
    return found


def merged(inner: Schema, outer: Schema) -> Schema | None:
    """One schema that says what both say; None where that can't be written simply."""
    result = dict(inner)
    for key, value in outer.items():
        if key not in result or key in ANNOTATIONS or result[key] == value:
            result[key] = value
            continue
        unite = _UNITE.get(key)
        united = None if unite is None else unite(result[key], value)
        if united is None:
            return None
        result[key] = united
    return result


def _properties(one: Mapping[str, Json], two: Mapping[str, Json]) -> Schema | None:
    result = dict(one)
    for name, field in two.items():
        before = result.get(name, True)
        if before is True or before == field:
            result[name] = field
        elif field is not True:
            united = (
                merged(before, field)
                if isinstance(before, dict) and isinstance(field, dict)
                else None
            )
            if united is None:
                return None
            result[name] = united
    return result


def types_of(said: Json) -> list[str]:
    return [said] if isinstance(said, str) else list(said)


def _types(one: Json, two: Json) -> Json:
    both = [name for name in types_of(one) if name in types_of(two)]
    if {"integer", "number"} <= {*types_of(one), *types_of(two)} and "integer" not in both:
        both.append("integer")
    return both or None


_UNITE: Mapping[str, Callable[[Any, Any], Any]] = {
    "properties": _properties,
    "required": lambda one, two: list(dict.fromkeys([*one, *two])),
    "type": _types,
    "minimum": max,
    "minLength": max,
    "minItems": max,
    "maximum": min,
    "maxLength": min,
    "maxItems": min,
}
