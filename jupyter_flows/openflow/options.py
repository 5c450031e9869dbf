"""A module's settings as the flow options of its cell: one table says which, and how.

What is Windmill's default is left out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jupyter_flows.core.errors import FlowInvalid
from jupyter_flows.core.flow import read_flow
from jupyter_flows.core.model import Json
from jupyter_flows.openflow.book import FAILURE_TAG, code_cell
from jupyter_flows.openflow.literal import literal, references
from jupyter_flows.openflow.place import Place, shortened
from jupyter_flows.openflow.refusal import Untranslatable
from jupyter_flows.openflow.scope import PRIMARY, Path, Text

MAX_SUMMARY = 200

Notes = list[str]
Carry = Callable[[Any, Place, Notes], Json]
"""A setting's value as that of the option; None where there is nothing to say."""


def _summary(said: str, _: Place, __: Notes) -> Json:
    return " ".join(said.split())[:MAX_SUMMARY]


def _seconds(said: Json, _: Place, __: Notes) -> Json:
    value = static(said)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Untranslatable(f"it is {value!r}, which is no number of seconds")
    return value if value > 0 else None


def static(said: Json) -> Json:
    """The value of an input that needs no flow to be known."""
    if not isinstance(said, dict):
        return said
    if said.get("type") == "static":
        return said.get("value")
    expression = str(said.get("expr", ""))
    try:
        return float(expression) if "." in expression else int(expression)
    except ValueError:
        raise Untranslatable(f"it is computed: {shortened(expression)}") from None


def _condition(said: Mapping[str, Json], place: Place, notes: Notes) -> str:
    text, found = place.condition(said["expr"])
    notes += found
    return text.text


def _stop(said: Mapping[str, Json], place: Place, notes: Notes) -> Json:
    if not said["expr"].strip():
        return None
    if place.inside:
        raise Untranslatable(f"in Windmill it ends {place.inside} only, here it would end the run")
    carried: dict[str, Json] = {"expr": _condition(said, place, notes)}
    if said.get("skip_if_stopped"):
        carried["skip_if_stopped"] = True
    if said.get("error_message") is not None:
        carried["error_message"] = said["error_message"] or "The flow was stopped early."
    return carried


def _skip(said: Mapping[str, Json], place: Place, notes: Notes) -> Json:
    return {"expr": _condition(said, place, notes)} if said["expr"].strip() else None


FAILED: Mapping[Path, Text] = {
    ("error",): Text("error", PRIMARY, "object"),
    ("result", "error"): Text("error", PRIMARY, "object"),
    ("result",): Text('{"error": error}', PRIMARY, "object"),
}
"""What a condition may say of a step that has failed."""


def _retry(said: Mapping[str, Json], place: Place, notes: Notes) -> Json:
    carried: dict[str, Json] = {
        kind: {key: value for key, value in said[kind].items() if value is not None}
        for kind in ("constant", "exponential")
        if said.get(kind) and said[kind].get("attempts")
    }
    if carried and said.get("retry_if"):
        carried["retry_if"] = {"expr": _condition(said["retry_if"], place.knows(FAILED), notes)}
    return carried or None


def _flag(said: bool, _: Place, __: Notes) -> Json:
    return said or None


def _suspend(said: Mapping[str, Json], place: Place, notes: Notes) -> Json:
    required = said.get("required_events")
    if required is not None and required < 1:
        notes.append("it asks for no approvals, so it has no gate")
        return None
    carried: dict[str, Json] = {"required_events": 1 if required is None else required}
    timeout = _seconds(said.get("timeout"), place, notes)
    if timeout is not None:
        carried["timeout"] = timeout
    form = (said.get("resume_form") or {}).get("schema")
    if form:
        carried["resume_form"] = {"schema": _without_empty(form)}
    carried |= {key: True for key in _GATE_FLAGS if said.get(key)}
    groups = static(said.get("user_groups_required"))
    if groups:
        if not isinstance(groups, list):
            raise Untranslatable("its groups are no list")
        carried["user_groups_required"] = groups
    return carried


_GATE_FLAGS = (
    "hide_cancel",
    "self_approval_disabled",
    "user_auth_required",
    "continue_on_disapprove_timeout",
)


def _without_empty(schema: Json) -> Json:
    """A form as JSON Schema has it: Windmill's editor leaves keywords empty that may not be."""
    if not isinstance(schema, dict):
        return schema
    kept = {key: of for key, of in schema.items() if key in _FREE or not _is_empty(key, of)}
    for key in ("properties", "$defs"):
        if isinstance(kept.get(key), dict):
            kept[key] = {name: _without_empty(of) for name, of in kept[key].items()}
    for key in ("items", "additionalProperties"):
        if key in kept:
            kept[key] = _without_empty(kept[key])
    for key in ("oneOf", "anyOf", "allOf"):
        if isinstance(kept.get(key), list):
            kept[key] = [_without_empty(of) for of in kept[key]]
    return kept


def _is_empty(key: str, said: Json) -> bool:
    return (
        said is None
        or (key in ("format", "pattern", "type") and said == "")
        or (key == "enum" and said == [])
    )


_FREE = ("default", "const", "examples")

CARRIED: Mapping[str, Carry] = {
    "summary": _summary,
    "timeout": _seconds,
    "sleep": _seconds,
    "retry": _retry,
    "skip_if": _skip,
    "stop_after_if": _stop,
    "continue_on_error": _flag,
    "suspend": _suspend,
}
"""Each setting, which has the same name as the option."""

FAILURE = ("summary", "timeout", "retry", "skip_if")
"""Those that make sense where the run ends behind the step."""

AFTER = ("summary", "sleep", "suspend", "stop_after_if")
"""Those that make sense on the cell behind branches: the others are about the branches' steps."""

NOT_CARRIED: Mapping[str, str] = {
    "cache_ttl": "its result is not cached",
    "priority": "its priority is not carried over",
    "delete_after_use": "its result is not deleted after use, it stays with the run",
    "stop_after_all_iters_if": "`stop_after_all_iters_if` is not carried over",
}
"""What the reader is told of settings without a counterpart."""

IGNORED = ("id", "value", "mock")


def carried(
    module: Mapping[str, Json],
    place: Place,
    tags: Sequence[str] = (),
    keys: tuple[str, ...] = tuple(CARRIED),
) -> tuple[dict[str, Json], list[str], Notes]:
    """The flow options of a module's cell, why some could not be, and notes."""
    if FAILURE_TAG in tags:
        keys = FAILURE
    options: dict[str, Json] = {}
    refused: list[str] = []
    notes: Notes = []
    for key, said in module.items():
        if said is None or said is False or key in IGNORED:
            continue
        if key not in CARRIED:
            notes.append(NOT_CARRIED.get(key, f"the setting {key!r} is not known"))
        elif key not in keys:
            notes.append(f"`{key}` is not carried over")
        else:
            try:
                options |= _option(key, said, module["id"], place, notes)
            except Untranslatable as error:
                refused.append(f"`{key}`: {error}")
    if (module.get("mock") or {}).get("enabled"):
        notes.append("its mocked result is not carried over: the step itself runs")
    return options, refused, notes


def _option(key: str, said: Json, step: str, place: Place, notes: Notes) -> dict[str, Json]:
    if key == "stop_after_if":
        own = Text("result")
        place = replace(place, results={**place.results, step: own}).knows({("result",): own})
    value = CARRIED[key](said, place, notes)
    return {} if value in (None, "") else allowed({key: value})


def allowed(options: dict[str, Json]) -> dict[str, Json]:
    """The options, if a cell may have them. Raises Untranslatable."""
    try:
        read_flow({"metadata": {}, "cells": [code_cell("a", "1", options)]})
    except FlowInvalid as error:
        raise Untranslatable("; ".join(found.message for found in error.mistakes)) from None
    return options


def inputs(
    transforms: Mapping[str, Json] | None, place: Place
) -> Iterator[tuple[str, str | None, list[str], str | None]]:
    """Each input: its name, its Python text (None where it has no value), notes, and why it can't
    be said in Python.
    """
    for name, transform in (transforms or {}).items():
        try:
            yield name, *_input(transform, place), None
        except Untranslatable as error:
            yield name, None, [], str(error)


def _input(transform: Mapping[str, Json], place: Place) -> tuple[str | None, list[str]]:
    match transform["type"]:
        case "javascript":
            text, notes = place.value(transform["expr"])
            return text.text, list(notes)
        case "static":
            value = transform.get("value")
            for reference in references(value):
                raise Untranslatable(f"{reference!r} stands in Windmill's workspace")
            return None if value is None else literal(value, "    "), []
    raise Untranslatable(f"an input of type {transform['type']!r} is not known")
