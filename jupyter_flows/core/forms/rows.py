"""Adding a row to a list, and removing one: new entries, of the same form."""

from jupyter_flows.core.forms import names
from jupyter_flows.core.forms.fill import initial
from jupyter_flows.core.forms.kinds import Field, Kind
from jupyter_flows.core.forms.names import Entries


def with_row(form: Field, entries: Entries, name: str) -> Entries:
    """The entries with one row more in the list of this name; unchanged where there is none."""
    field = found(form, name)
    if field is None or field.kind is not Kind.LIST or field.items is None:
        return entries
    numbers = names.row_numbers(entries, name)
    most = field.limits.max_rows
    if len(numbers) >= (names.MAX_ROWS if most is None else min(most, names.MAX_ROWS)):
        return entries
    new = str(max((int(number) for number in numbers), default=-1) + 1)
    at = names.row(name, new)
    return {
        **_without(entries, at),
        names.rows(name): [*numbers, new],
        **initial(field.items, at),
    }


def without_row(entries: Entries, name: str) -> Entries:
    """The entries without the row of this name. The other rows keep theirs."""
    parent, _, number = name.rpartition("/")
    numbers = [other for other in names.row_numbers(entries, parent) if other != number]
    return {**_without(entries, name), names.rows(parent): numbers}


def _without(entries: Entries, name: str) -> dict[str, list[str]]:
    """Without all that stands at this name and below."""
    inner = tuple(name + sign for sign in "/@?#!")
    return {
        key: list(value)
        for key, value in entries.items()
        if key != name and not key.startswith(inner)
    }


def found(form: Field, name: str) -> Field | None:
    """The field of this name; of a row, the list's items."""
    field: Field | None = form
    try:
        for step in names.steps(name):
            if field is None:
                return None
            field = _inner(field, step)
    except (ValueError, IndexError):
        return None
    return field


def _inner(field: Field, step: str | int) -> Field | None:
    if isinstance(step, int):
        return field.variants[step] if step >= 0 else None
    if field.kind is Kind.LIST:
        return field.items
    return next((child for child in field.children if child.key == step), None)
