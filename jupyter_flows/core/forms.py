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
    schema = {"type": "object", **copy.deepcopy(dict(options.form))}
    properties = schema.setdefault("properties", {})
    for name, choices in options.enums.items():
        field = _subschema(properties, name)
        is_array = field.get("type") == "array" or "items" in field
        target = _subschema(field, "items") if is_array else field
        target["enum"] = list(choices)
    for name, default in options.default_args.items():
        _subschema(properties, name)["default"] = default
    return schema


def _subschema(parent: dict[str, Json], key: str) -> dict[str, Json]:
    """The schema at `key`, made if there is none; `true` and `false` are schemas too."""
    if not isinstance(parent.get(key), dict):
        parent[key] = {}
    found: dict[str, Json] = parent[key]
    return found


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
    """The empty registry keeps it from fetching what a form refers to by URL."""
    import jsonschema  # noqa: PLC0415 (slow to load; most votes carry no form)
    import referencing  # noqa: PLC0415

    return jsonschema.Draft202012Validator(
        schema,
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
        registry=referencing.Registry(),
    )


def check_schema(options: GateOptions) -> None:
    """Raises BadInput when the form is not a JSON Schema."""
    if options.form is None:
        return
    import jsonschema  # noqa: PLC0415

    try:
        jsonschema.Draft202012Validator.check_schema(dict(options.form))
        jsonschema.Draft202012Validator.check_schema(effective(options) or {})
    except jsonschema.SchemaError as error:
        at = ".".join(map(str, error.absolute_path))
        raise BadInput(f"the form's schema is wrong at {at!r}: {error.message}") from None
    except RecursionError:
        raise BadInput("the form's schema is nested too deeply") from None


def _errors(schema: Mapping[str, Json], payload: Json) -> list[Any]:
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    try:
        return sorted(_validator(schema).iter_errors(payload), key=lambda e: list(map(str, e.path)))
    except Unresolvable as error:
        raise FormInvalid([Mistake("", f"the form refers to what it lacks: {error}")]) from None
    except RecursionError:
        raise FormInvalid([Mistake("", "the form or the payload is nested too deeply")]) from None


def check(options: GateOptions, payload: Json) -> None:
    """Raises FormInvalid, naming every field that the form refuses (G62)."""
    schema = effective(options)
    if schema is None:
        return
    errors = _errors(schema, payload)
    if errors:
        raise FormInvalid(
            [Mistake(".".join(map(str, error.absolute_path)), error.message) for error in errors]
        )
