"""When two JSON values are one."""

import json

from jupyter_flows.core.model import Json


def _plain_numbers(value: Json) -> Json:
    """1 and 1.0 are one value in JSON Schema."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain_numbers(inner) for key, inner in value.items()}
    return [_plain_numbers(inner) for inner in value] if isinstance(value, list) else value


def identity(value: Json) -> str:
    """Equal for values that are one to JSON Schema, and for no others."""
    return json.dumps(_plain_numbers(value), sort_keys=True)
