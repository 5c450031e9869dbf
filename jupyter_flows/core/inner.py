"""Inner steps: calls in a cell's code whose outcome is kept, and those that wait.

A cell that waits in its midst ends there, and runs again from the top when the wait is over. So
what such a call came to is kept under its key, and the call comes to that again.
"""

from collections.abc import Mapping

from jupyter_flows.core import durations, forms
from jupyter_flows.core.canonical import canonical_json
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import GateOptions, Json

MOST_KEY = 200
"""Characters."""

MOST_SECONDS = 366 * 86400.0

_SAID = frozenset({"timeout", "form", "self_approval", "description", "required_events"})


def checked_key(key: str) -> str:
    """Raises BadInput."""
    if not key or len(key) > MOST_KEY or not key.isprintable():
        raise BadInput(
            f"{key[:40]!r} can't be an inner step's name: from 1 to {MOST_KEY} printable characters"
        )
    return key


def ask_options(said: Mapping[str, Json]) -> GateOptions:
    """The gate that a call asks by. However it is closed, the cell goes on and is told.

    `form` is a JSON Schema, or an object with it under `schema`, or with its `properties` alone.
    Raises BadInput.
    """
    unknown = set(said) - _SAID
    if unknown:
        raise BadInput(
            f"unknown: {', '.join(sorted(unknown))}; allowed: {', '.join(sorted(_SAID))}"
        )
    _check_plain(said)
    options = GateOptions(
        timeout=_timeout(said.get("timeout")),
        required_events=_count(said.get("required_events")),
        form=_schema(said.get("form")),
        description=said.get("description"),
        self_approval_disabled=said.get("self_approval") is False,
        continue_on_disapprove_timeout=True,
    )
    forms.check_schema(options)
    return options


def _check_plain(said: Mapping[str, Json]) -> None:
    try:
        canonical_json(said)
    except (ValueError, TypeError, RecursionError):
        raise BadInput("what is asked must be plain JSON, without NaN") from None


def _timeout(said: Json) -> float | None:
    if said is None:
        return None
    try:
        seconds = durations.seconds(said)
    except ValueError as error:
        raise BadInput(f"timeout: {error}") from None
    if not 0 < seconds <= MOST_SECONDS:
        raise BadInput(f"timeout must be more than 0 s and at most a year; it is {seconds:g} s")
    return seconds


def _count(said: Json) -> int:
    if said is None:
        return 1
    if isinstance(said, bool) or not isinstance(said, int) or not 1 <= said <= 1000:
        raise BadInput(f"required_events must be a number from 1 to 1000; it is {said!r:.40}")
    return said


def _schema(said: Json) -> Mapping[str, Json] | None:
    if said is None:
        return None
    if not isinstance(said, dict):
        raise BadInput("form must be a JSON Schema, as an object")
    schema = said["schema"] if isinstance(said.get("schema"), dict) else said
    if "properties" in schema or not schema:
        return {"type": "object", "properties": {}, **schema}
    if "type" in schema or "$schema" in schema:
        return schema
    return {"type": "object", "properties": schema}
