"""Fields with a few values to choose from, or with one alone."""

import json
from collections.abc import Sequence

from msgspec import UNSET

from jupyter_flows.core.forms.flatten import Schema
from jupyter_flows.core.forms.kinds import Choice, Field, Kind
from jupyter_flows.core.model import Json
from jupyter_flows.core.sentences import sentence


def choice(value: Json, label: Json = None) -> Choice:
    if isinstance(label, str) and label:
        return Choice(value, label)
    if isinstance(value, bool):
        return Choice(value, sentence("Yes") if value else sentence("No"))
    if isinstance(value, str):
        return Choice(value, value or sentence("(empty)"))
    return Choice(value, json.dumps(value, ensure_ascii=False))


YES_NO = (choice(True), choice(False))


def constant(value: Json, schema: Schema) -> Field:
    """A box that must be ticked is asked; any other constant is only shown."""
    if value is True and schema.get("type") == "boolean":
        return Field(Kind.BOOLEAN, off=UNSET)
    return Field(Kind.CONST, value=value, choices=(choice(value),))


def choice_field(values: Sequence[Json], schema: Schema) -> Field:
    if list(values) == [True] and schema.get("type") == "boolean":
        return constant(True, schema)
    labels = schema.get("enumLabels")
    if isinstance(labels, list):
        labels = dict(zip(map(str, values), labels, strict=False))
    said = labels if isinstance(labels, dict) else {}
    return Field(Kind.CHOICE, choices=tuple(choice(x, said.get(str(x))) for x in values))


def is_one_value(flat: Schema) -> bool:
    return "const" in flat or len(flat.get("enum", ())) == 1


def choice_of(flat: Schema) -> Choice:
    value = flat["const"] if "const" in flat else flat["enum"][0]
    return choice(value, flat.get("title"))
