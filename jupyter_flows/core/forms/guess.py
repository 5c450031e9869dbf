"""Which type an author means who names none."""

from collections.abc import Mapping

from jupyter_flows.core.forms.flatten import Schema

_HINTS: Mapping[str, str] = {
    "properties": "object",
    "additionalProperties": "object",
    "required": "object",
    "items": "array",
    "pattern": "string",
    "minLength": "string",
    "maxLength": "string",
    "format": "string",
    "contentEncoding": "string",
    "password": "string",
    "minimum": "number",
    "maximum": "number",
    "exclusiveMinimum": "number",
    "exclusiveMaximum": "number",
    "multipleOf": "number",
}
"""A keyword that is about one type only, and that type."""


def guessed(schema: Schema) -> list[str]:
    found = {kind for keyword, kind in _HINTS.items() if keyword in schema}
    if not found and "default" in schema:
        default = schema["default"]
        if isinstance(default, bool):
            return ["boolean"]
        if isinstance(default, int | float):
            return ["number"]
        return ["string"] if isinstance(default, str) else []
    return list(found) if len(found) == 1 else []
