"""Fields by their plain names, `limit=3&tags=a&tags=b`, as programs and command lines send them."""

from collections.abc import Mapping, Sequence

from jupyter_flows.core.forms import names
from jupyter_flows.core.forms.blank import ABSENT
from jupyter_flows.core.forms.kinds import Choice, Field, Kind
from jupyter_flows.core.forms.names import Entries
from jupyter_flows.core.forms.parse import Reader
from jupyter_flows.core.forms.texts import json_text, json_value
from jupyter_flows.core.model import Json

_YES = frozenset({"true", "on", "yes", "1"})
_NO = frozenset({"false", "off", "no", "0"})


def parse_plain(form: Field, said: Mapping[str, Sequence[str]]) -> Json:
    """The payload: each value read as its field reads it, a nested one as JSON. What no field
    expects, and what can't be read, stays text: the validator says what is wrong with it.
    """
    children = {child.key: child for child in _all_children(form)}
    payload: dict[str, Json] = {}
    for key, values in said.items():
        child = children.get(key)
        value = _read(child, values) if child else ABSENT
        payload[key] = _as_text(values) if value is ABSENT else value
    return payload


def _all_children(form: Field) -> list[Field]:
    variants = [child for variant in form.variants for child in variant.children]
    return [*variants, *form.children]


def _as_text(values: Sequence[str]) -> Json:
    return values[0] if len(values) == 1 else list(values)


def _read(field: Field, values: Sequence[str]) -> Json:
    if field.kind is Kind.LIST and field.items and not _is_json(values[-1], list):
        rows = [_read(field.items, [one]) for one in values]
        return ABSENT if ABSENT in rows else rows
    entries = _entries(field, values)
    if entries is None:
        return list(values) if field.kind is Kind.CHOICES else ABSENT
    reader = Reader(entries)
    value, _ = reader.read(field, names.ROOT, ())
    return ABSENT if reader.mistakes else value


def _entries(field: Field, values: Sequence[str]) -> Entries | None:
    """The same as entries of this field; None where that can't be."""
    said = values[-1]
    match field.kind:
        case Kind.BOOLEAN:
            return {names.ROOT: ["true"]} if said.lower() in _YES else _no(said)
        case Kind.CHOICES if _is_json(said, list):
            return {names.ROOT: [said], names.mark(names.ROOT): [names.JSON]}
        case Kind.CHOICE | Kind.CHOICES:
            found = [_index(field.choices, one) for one in values]
            known = [index for index in found if index is not None]
            return {names.ROOT: known} if len(known) == len(found) else None
        case Kind.OBJECT | Kind.LIST | Kind.VARIANTS | Kind.CONST | Kind.JSON:
            text = said if _is_json(said) else json_text(said)
            return {names.ROOT: [text], names.mark(names.ROOT): [names.JSON]}
        case _:
            return {names.ROOT: [said]} if said else {names.mark(names.ROOT): [names.GIVEN]}


def _no(said: str) -> Entries | None:
    if said.lower() not in _NO:
        return None
    return {names.ROOT: ["false"], names.mark(names.ROOT): [names.JSON]}


def _index(choices: Sequence[Choice], said: str) -> str | None:
    wanted = [said]
    if _is_json(said):
        wanted.append(json_text(json_value(said)))
    for index, choice in enumerate(choices):
        written = choice.value if isinstance(choice.value, str) else json_text(choice.value)
        if written in wanted:
            return str(index)
    return None


def _is_json(said: str, kind: type = object) -> bool:
    try:
        return isinstance(json_value(said), kind)
    except (ValueError, RecursionError):
        return False
