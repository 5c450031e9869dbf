"""A gate's form: JSON Schema 2020-12, completed by defaults and choices, checked by one validator.

G60 to G62. Every way to vote comes through `completed` and `check`.
"""

import copy
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from jupyter_flows.core.canonical import canonical_json
from jupyter_flows.core.errors import BadInput, FormInvalid, Mistake
from jupyter_flows.core.model import GateOptions, Json

MAX_MISTAKES = 20
MAX_MESSAGE = 300
"""A refusal names this many mistakes, in this many characters each."""


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

    extend: Any = jsonschema.validators.extend
    kind = extend(jsonschema.Draft202012Validator, {"uniqueItems": _unique_items})
    return kind(
        schema,
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
        registry=referencing.Registry(),
    )


def _unique_items(validator: Any, wanted: Json, items: Json, _: Json) -> Iterator[Any]:
    """The keyword in time that grows with the number of items, not with its square."""
    from jsonschema import ValidationError  # noqa: PLC0415

    if not wanted or not validator.is_type(items, "array"):
        return
    if len({canonical_json(_plain_numbers(item)) for item in items}) < len(items):
        yield ValidationError("has items that are alike")


def _plain_numbers(value: Json) -> Json:
    """1 and 1.0 are one value in JSON Schema."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain_numbers(inner) for key, inner in value.items()}
    return [_plain_numbers(inner) for inner in value] if isinstance(value, list) else value


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
        found = islice(_validator(schema).iter_errors(payload), MAX_MISTAKES)
        return sorted(found, key=lambda e: list(map(str, e.path)))
    except Unresolvable as error:
        raise FormInvalid([Mistake("", f"the form refers to what it lacks: {error}")]) from None
    except RecursionError:
        raise FormInvalid([Mistake("", "the form or the payload is nested too deeply")]) from None


def _brief(message: str) -> str:
    """A validator's message repeats the value, however long it is."""
    return message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]} …"


def check(options: GateOptions, payload: Json) -> None:
    """Raises FormInvalid, naming every field that the form refuses (G62)."""
    schema = effective(options)
    if schema is None:
        return
    errors = _errors(schema, payload)
    if errors:
        raise FormInvalid(
            [
                Mistake(".".join(map(str, error.absolute_path)), _brief(error.message))
                for error in errors
            ]
        )
