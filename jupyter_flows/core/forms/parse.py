"""From what was typed to the payload, by the form's own fields. What can't be read is a mistake at
its field; nothing raises.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct

from jupyter_flows.core.errors import Mistake
from jupyter_flows.core.forms import names
from jupyter_flows.core.forms.blank import ABSENT, blank
from jupyter_flows.core.forms.kinds import NUMBERS, Field, Kind
from jupyter_flows.core.forms.names import Entries
from jupyter_flows.core.forms.texts import json_value, number, text_value
from jupyter_flows.core.forms.words import shown
from jupyter_flows.core.model import Json
from jupyter_flows.core.sentences import sentence

Path: TypeAlias = tuple[str | int, ...]
"""The way to a value in the payload."""


class Parsed(Struct, frozen=True):
    """`places` says by which name each value was read: mistakes come by their path."""

    payload: Json
    mistakes: tuple[Mistake, ...]
    places: Mapping[Path, str]

    def place(self, path: Path) -> str:
        """The name of the field at this path, or of the nearest one around it."""
        while path not in self.places:
            if not path:
                return names.ROOT
            path = path[:-1]
        return self.places[path]


def parse(form: Field, entries: Entries) -> Parsed:
    reader = Reader(entries)
    payload, _ = reader.read(form, names.ROOT, ())
    return Parsed({} if payload is ABSENT else payload, tuple(reader.mistakes), reader.places)


class Reader:
    """Reads fields one by one; `mistakes` and `places` grow with them."""

    def __init__(self, entries: Entries) -> None:
        self.mistakes: list[Mistake] = []
        self.places: dict[Path, str] = {}
        self._entries = entries

    def read(self, field: Field, name: str, path: Path) -> tuple[Json, bool]:
        """The value (UNSET for none), and whether anything was entered there."""
        self.places[path] = name
        mark = names.first(self._entries, names.mark(name))
        if mark == names.JSON or field.kind is Kind.JSON:
            return self._json(field, name, path)
        read = _READ.get(field.kind, Reader.read_single)
        return read(self, field, name, path, mark)

    def mistake(self, path: Path, message: str) -> None:
        self.mistakes.append(Mistake(".".join(map(str, path)), message, path))

    def read_constant(self, field: Field, _name: str, _path: Path, mark: str) -> tuple[Json, bool]:
        return blank(field, mark), False

    def read_box(self, field: Field, name: str, _path: Path, mark: str) -> tuple[Json, bool]:
        if "true" in self._entries.get(name, ()):
            return True, True
        return blank(field, mark), False

    def _blank(self, field: Field, path: Path, mark: str) -> tuple[Json, bool]:
        value = blank(field, mark)
        if value is ABSENT and field.kept and not mark:
            self.mistake(path, sentence("is required: left blank, its default would count"))
        return value, bool(mark) and value is not ABSENT

    def read_single(self, field: Field, name: str, path: Path, mark: str) -> tuple[Json, bool]:
        said = next(filter(None, self._entries.get(name, ())), "")
        if not said or (field.kind is not Kind.TEXT and not said.strip()):
            return self._blank(field, path, mark)
        if field.kind is Kind.CHOICE:
            return self._chosen(field, said, path), True
        if field.kind not in NUMBERS:
            return text_value(field.kind, said), True
        try:
            return number(said), True
        except ValueError:
            self.mistake(path, _not_a_number(field.kind, said))
            return said, True

    def _chosen(self, field: Field, said: str, path: Path) -> Json:
        index = _index(said, len(field.choices))
        if index is None:
            self.mistake(path, sentence("must be one of the choices"))
            return ABSENT
        return field.choices[index].value

    def read_choices(self, field: Field, name: str, path: Path, mark: str) -> tuple[Json, bool]:
        ticked = self._entries.get(name, ())
        if not ticked:
            return self._blank(field, path, mark)
        values = [self._chosen(field, said, path) for said in ticked]
        return [value for value in values if value is not ABSENT], True

    def _json(self, field: Field, name: str, path: Path) -> tuple[Json, bool]:
        said = names.first(self._entries, name)
        if not said.strip():
            return self._blank(field, path, names.first(self._entries, names.mark(name)))
        try:
            return json_value(said), True
        except (ValueError, RecursionError) as error:
            self.mistake(path, _not_json(error))
            return said, True

    def read_object(self, field: Field, name: str, path: Path, mark: str) -> tuple[Json, bool]:
        value: dict[str, Json] = {}
        is_touched = self._children(field, name, path, value)
        if field.variants:
            is_touched |= self._variant_children(field, name, path, value)
        if not is_touched:
            empty, is_touched = self._blank(field, path, mark)
            if empty is None or empty is ABSENT:
                self._forget(path)
                return empty, is_touched
        return value, is_touched

    def _children(self, field: Field, name: str, path: Path, value: dict[str, Json]) -> bool:
        is_touched = False
        for child in field.children:
            at = (*path, child.key)
            found, touched = self.read(child, names.child(name, child.key), at)
            is_touched |= touched
            if found is not ABSENT:
                value[child.key] = found
        return is_touched

    def _variant_children(
        self, field: Field, name: str, path: Path, value: dict[str, Json]
    ) -> bool:
        said = names.first(self._entries, names.chosen(name))
        index = _index(said, len(field.variants))
        if index is None:
            if said or field.required:
                self.mistake(path, sentence("choose one of the variants"))
            return bool(said)
        self._children(field.variants[index], names.variant(name, index), path, value)
        return True

    def _forget(self, path: Path) -> None:
        """What is wrong in an object that is not there is not wrong."""
        self.mistakes = [
            found for found in self.mistakes if (found.path or ())[: len(path)] != path
        ]

    def read_variants(self, field: Field, name: str, path: Path, mark: str) -> tuple[Json, bool]:
        said = names.first(self._entries, names.chosen(name))
        if not said:
            return self._blank(field, path, mark)
        index = _index(said, len(field.variants))
        if index is None:
            self.mistake(path, sentence("choose one of the variants"))
            return ABSENT, True
        inner = names.variant(name, index)
        value, _ = self.read(field.variants[index], inner, path)
        return value, True

    def read_list(self, field: Field, name: str, path: Path, mark: str) -> tuple[Json, bool]:
        items = field.items
        values: list[Json] = []
        is_touched = False
        for number_ in names.row_numbers(self._entries, name) if items else ():
            at = (*path, len(values))
            value, touched = self.read(items, names.row(name, number_), at)  # type: ignore[arg-type]
            is_touched |= touched
            if value is not ABSENT:
                values.append(value)
        if not values:
            return self._blank(field, path, mark)
        return values, True


def _not_a_number(kind: Kind, said: str) -> str:
    value = shown(said)
    if kind is Kind.INTEGER:
        return sentence("must be a whole number; it is {value}", value=value)
    return sentence("must be a number, as in 12.5; it is {value}", value=value)


def _not_json(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return sentence("is not JSON: nested too deeply")
    return sentence("is not JSON: {why}", why=str(error))


def _index(said: str, count: int) -> int | None:
    is_one = said.isascii() and said.isdigit() and len(said) < 7 and int(said) < count
    return int(said) if is_one else None


_READ: Mapping[Kind, Callable[..., tuple[Json, bool]]] = {
    Kind.OBJECT: Reader.read_object,
    Kind.LIST: Reader.read_list,
    Kind.VARIANTS: Reader.read_variants,
    Kind.CHOICES: Reader.read_choices,
    Kind.CONST: Reader.read_constant,
    Kind.BOOLEAN: Reader.read_box,
}
"""All others are one text each."""
