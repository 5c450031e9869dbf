"""The form's schema with the gate's own defaults and choices put in (G60)."""

import functools
import json
from collections.abc import Mapping

from jupyter_flows.core.model import GateOptions, Json

KEPT = 64
"""So many forms are kept as they were worked out; every vote on a gate needs them."""


def effective(options: GateOptions) -> dict[str, Json] | None:
    """The form's schema with the gate's `default_args` and `enums` put in (G60); None if there is
    no form. It is shared between calls: read it only.
    """
    return None if options.form is None else effective_of(key_of(options))


def key_of(options: GateOptions) -> str:
    """What the schema is made of, as text: equal texts have equal schemas, in the same order."""
    return json.dumps([options.form, options.enums, options.default_args])


@functools.lru_cache(KEPT)
def effective_of(key: str) -> dict[str, Json]:
    """The schema of a `key_of`."""
    form, enums, default_args = json.loads(key)
    schema = {"type": "object", **form}
    properties = schema.setdefault("properties", {})
    for name, choices in enums.items():
        field = _subschema(properties, name)
        is_array = _is_array(field.get("type")) or "items" in field
        target = _subschema(field, "items") if is_array else field
        target["enum"] = choices
    for name, default in default_args.items():
        _subschema(properties, name)["default"] = default
    return schema


def _is_array(kind: Json) -> bool:
    return kind == "array" or (isinstance(kind, list) and set(kind) == {"array", "null"})


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
