"""A gate's form: JSON Schema 2020-12, completed by defaults and choices, checked by one validator.

G60 to G62. Every way to vote comes through `completed` and `check`.
"""

import copy
from collections.abc import Mapping
from typing import Any

from jupyter_flows.core.errors import BadInput, FormInvalid, Mistake
from jupyter_flows.core.model import GateOptions, Json


def effective(options: GateOptions) -> dict[str, Json] | None:
    """The form's schema with the gate's `default_args` and `enums` put in (G60); None if there is
    no form.
    """
    if options.form is None:
        return None
    schema = copy.deepcopy(dict(options.form))
    properties = schema.setdefault("properties", {})
    for name, choices in options.enums.items():
        field = properties.setdefault(name, {})
        is_array = field.get("type") == "array" or "items" in field
        target = field.setdefault("items", {}) if is_array else field
        target["enum"] = list(choices)
    for name, default in options.default_args.items():
        properties.setdefault(name, {})["default"] = default
    return schema


def defaults(options: GateOptions) -> dict[str, Json]:
    """What the form holds before anybody has typed."""
    schema = effective(options) or {}
    properties: Mapping[str, Json] = schema.get("properties", {})
    own = {
        name: field["default"]
        for name, field in properties.items()
        if isinstance(field, dict) and "default" in field
    }
    return {**own, **options.default_args}


def completed(options: GateOptions, payload: Json) -> Json:
    """The payload with the form's defaults where it says nothing. Other than objects stay as they
    are.
    """
    if payload is None:
        payload = {}
    if not isinstance(payload, dict):
        return payload
    return {**defaults(options), **payload}


def _validator(schema: Mapping[str, Json]) -> Any:
    import jsonschema  # noqa: PLC0415 (slow to load; most votes carry no form)

    return jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def check_schema(options: GateOptions) -> None:
    """Raises BadInput when the form is not a JSON Schema."""
    schema = effective(options)
    if schema is None:
        return
    import jsonschema  # noqa: PLC0415

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        at = ".".join(map(str, error.absolute_path))
        raise BadInput(f"the form's schema is wrong at {at!r}: {error.message}") from None


def check(options: GateOptions, payload: Json) -> None:
    """Raises FormInvalid, naming every field that the form refuses (G62)."""
    schema = effective(options)
    if schema is None:
        return
    errors = sorted(_validator(schema).iter_errors(payload), key=lambda e: list(map(str, e.path)))
    if errors:
        raise FormInvalid(
            [Mistake(".".join(map(str, error.absolute_path)), error.message) for error in errors]
        )
