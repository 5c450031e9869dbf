"""From a payload to the entries that are read back as that payload. What a field can't show stands
there as JSON.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from msgspec import UNSET

from jupyter_flows.core.forms import names
from jupyter_flows.core.forms.blank import ABSENT, blank
from jupyter_flows.core.forms.kinds import NUMBERS, TEXTS, Choice, Field, Kind
from jupyter_flows.core.forms.names import Entries
from jupyter_flows.core.forms.same import identity
from jupyter_flows.core.forms.texts import is_sendable, json_text, number, text_value
from jupyter_flows.core.model import Json


def filled(form: Field, payload: Json) -> Entries:
    """Entries that `parse` reads as this very payload."""
    return _filled(form, names.ROOT, payload)


def initial(form: Field, name: str = names.ROOT) -> Entries:
    """What stands in a field before anybody has typed: its default, or its parts' defaults."""
    if form.default is not UNSET:
        return _filled(form, name, form.default)
    entries: dict[str, Sequence[str]] = {}
    for child in form.children:
        entries |= initial(child, names.child(name, child.key))
    for index, variant in enumerate(form.variants):
        entries |= initial(variant, names.variant(name, index))
    if form.variants and form.required:
        entries[names.chosen(name)] = ["0"]
    if form.kind is Kind.LIST and form.items is not None and form.limits.min_rows:
        count = min(form.limits.min_rows, names.MAX_ROWS)
        entries[names.rows(name)] = [str(number_) for number_ in range(count)]
        for number_ in range(count):
            entries |= initial(form.items, names.row(name, str(number_)))
    return entries


def _filled(field: Field, name: str, value: Json) -> Entries:
    natural = _natural(field, name, value)
    if natural is not None:
        return natural
    return {name: [json_text(value)], names.mark(name): [names.JSON]}


def _natural(field: Field, name: str, value: Json) -> Entries | None:
    """The field's own entries for this value; None where it has none."""
    if value is ABSENT or value is None or value in ("", [], {}):
        empty = _empty(field, name, value)
        if empty is not None:
            return empty
    return _FILL.get(field.kind, _single)(field, name, value)


def _json(_: Field, name: str, value: Json) -> Entries | None:
    return None if value is ABSENT else {name: [json_text(value)]}


def _box(_: Field, name: str, value: Json) -> Entries | None:
    return {name: ["true"]} if value is True else None


def _choice(field: Field, name: str, value: Json) -> Entries | None:
    index = _index(field.choices, value)
    return None if index is None else {name: [index]}


def _empty(field: Field, name: str, value: Json) -> Entries | None:
    """No entries, or a mark alone, where that is read as this value. What an object gives unasked
    is written out: a mark alone would not say it.
    """
    if field.kind is Kind.OBJECT and value == {}:
        return None
    if _is(blank(field), value) and not (value is ABSENT and field.kept):
        return {}
    for mark in (names.ABSENT, names.NULL, names.GIVEN):
        if _is(blank(field, mark), value):
            return {names.mark(name): [mark]}
    return None


def _is(one: Json, two: Json) -> bool:
    return one is two or (type(one) is type(two) and one == two)


def _index(choices: Sequence[Choice], value: Json) -> str | None:
    wanted = identity(value)
    found = (str(i) for i, choice in enumerate(choices) if identity(choice.value) == wanted)
    return next(found, None)


def _single(field: Field, name: str, value: Json) -> Entries | None:
    if field.kind is Kind.CONST:
        return {} if identity(field.value) == identity(value) else None
    if field.kind in NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
        text = repr(value)
        is_plain = len(text) < 400 and math.isfinite(value)
        return {name: [text]} if is_plain and number(text) == value else None
    if field.kind in TEXTS and isinstance(value, str) and is_sendable(value):
        is_kept = bool(value.strip()) or field.kind is Kind.TEXT
        return {name: [value]} if is_kept and text_value(field.kind, value) == value else None
    return None


def _choices(field: Field, name: str, value: Json) -> Entries | None:
    """Ticks have no order and come once: other lists are written as JSON."""
    if not isinstance(value, list) or not value:
        return None
    found = [_index(field.choices, one) for one in value]
    places = [int(index) for index in found if index is not None]
    if len(places) < len(found) or places != sorted(set(places)):
        return None
    return {name: [str(place) for place in places]}


def _object(field: Field, name: str, value: Json) -> Entries | None:
    if not isinstance(value, dict):
        return None
    entries: dict[str, Sequence[str]] = {names.mark(name): [names.GIVEN]}
    own = {child.key for child in field.children}
    rest = {key: inner for key, inner in value.items() if key not in own}
    if field.variants:
        index = _suited(field.variants, rest)
        if index is None:
            return None
        entries[names.chosen(name)] = [str(index)]
        inner = names.variant(name, index)
        entries |= _children(field.variants[index], inner, rest)
    elif rest:
        return None
    return entries | _children(field, name, value)


def _children(field: Field, name: str, value: Mapping[str, Json]) -> dict[str, Sequence[str]]:
    entries: dict[str, Sequence[str]] = {}
    for child in field.children:
        at = names.child(name, child.key)
        inner = value.get(child.key, ABSENT)
        if inner is ABSENT:
            entries |= _natural(child, at, ABSENT) or {}
        else:
            entries |= _filled(child, at, inner)
    return entries


def _suited(variants: Sequence[Field], value: Json) -> int | None:
    return next((i for i, one in enumerate(variants) if suits(one, value)), None)


def _variants(field: Field, name: str, value: Json) -> Entries | None:
    index = None if value is ABSENT else _suited(field.variants, value)
    if index is None:
        return None
    inner = _filled(field.variants[index], names.variant(name, index), value)
    return {names.chosen(name): [str(index)], **inner}


def _list(field: Field, name: str, value: Json) -> Entries | None:
    if field.items is None or not isinstance(value, list):
        return None
    if not value or len(value) > names.MAX_ROWS:
        return None
    entries: dict[str, Sequence[str]] = {names.rows(name): [str(i) for i in range(len(value))]}
    for i, inner in enumerate(value):
        entries |= _filled(field.items, names.row(name, str(i)), inner)
    return entries


def suits(field: Field, value: Json) -> bool:
    """Whether the field can show this value, by its kind and parts."""
    if value is None and field.nullable:
        return True
    return _SUITS.get(field.kind, _is_text)(field, value)


def _is_text(_: Field, value: Json) -> bool:
    return isinstance(value, str)


def _is_number(field: Field, value: Json) -> bool:
    kinds = int if field.kind is Kind.INTEGER else int | float
    return isinstance(value, kinds) and not isinstance(value, bool)


def _is_choice(field: Field, value: Json) -> bool:
    return _index(field.choices, value) is not None


def _is_constant(field: Field, value: Json) -> bool:
    return identity(field.value) == identity(value)


def _suits_list(field: Field, value: Json) -> bool:
    item = field.items or Field(Kind.CHOICE, choices=field.choices)
    return isinstance(value, list) and all(suits(item, one) for one in value)


def _suits_object(field: Field, value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    own = {child.key: child for child in field.children}
    if any(child.required and key not in value for key, child in own.items()):
        return False
    if not all(suits(own[key], inner) for key, inner in value.items() if key in own):
        return False
    rest = {key: inner for key, inner in value.items() if key not in own}
    return any(suits(one, rest) for one in field.variants) if field.variants else not rest


_FILL: Mapping[Kind, Callable[[Field, str, Json], Entries | None]] = {
    Kind.JSON: _json,
    Kind.BOOLEAN: _box,
    Kind.CHOICE: _choice,
    Kind.CHOICES: _choices,
    Kind.OBJECT: _object,
    Kind.LIST: _list,
    Kind.VARIANTS: _variants,
}
"""All others are one text each."""

_SUITS: Mapping[Kind, Callable[[Field, Json], bool]] = {
    Kind.JSON: lambda _field, _value: True,
    Kind.CONST: _is_constant,
    Kind.BOOLEAN: lambda field, value: value is True or (value is False and field.off is False),
    Kind.CHOICE: _is_choice,
    Kind.CHOICES: _suits_list,
    Kind.LIST: _suits_list,
    Kind.OBJECT: _suits_object,
    Kind.VARIANTS: lambda field, value: any(suits(one, value) for one in field.variants),
    Kind.INTEGER: _is_number,
    Kind.NUMBER: _is_number,
}
"""All others are texts."""
