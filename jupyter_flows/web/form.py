"""A form's fields as controls of a page: what the template draws, entries and mistakes in place.

Nothing of an author's text is cleaned here: the template escapes; `hidden_options` hides tokens.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from msgspec.structs import replace

from jupyter_flows.core import forms
from jupyter_flows.core.forms import Entries, Field, Kind, Limits, names
from jupyter_flows.core.model import GateOptions, Json
from jupyter_flows.core.sentences import Sentence, sentence
from jupyter_flows.web.languages import Language

AREA_ROWS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One field as it is drawn. `shape` is the template's word; `attributes` are the input's."""

    shape: str
    id: str
    name: str
    label: str
    field: Field
    attributes: Mapping[str, str]
    mark: str = ""
    text: str = ""
    ticked: frozenset[str] = frozenset()
    hint: str = ""
    mistakes: Sequence[str] = ()
    children: Sequence["Control"] = ()
    variants: Sequence["Control"] = ()
    chosen: str = ""
    rows: Sequence["Control"] = ()
    number: str = ""
    full: bool = False

    @property
    def is_optional(self) -> bool:
        return not (self.field.required or self.field.kept or self.number)

    @property
    def described_by(self) -> str:
        """The ids of its hint and its mistakes."""
        said = [f"{self.id}-hint"] * bool(self.hint) + [f"{self.id}-error"] * bool(self.mistakes)
        return " ".join(said)

    def every(self) -> Iterator["Control"]:
        """This control and all within it, in the page's order."""
        yield self
        for inner in (*self.children, *self.variants, *self.rows):
            yield from inner.every()

    @property
    def has_files(self) -> bool:
        return any(control.shape == "file" for control in self.every())


def controls(
    form: Field, entries: Entries, mistakes: Mapping[str, Sequence[str]], language: Language
) -> Control:
    """Labels and hints are in the reader's language; of the mistakes, the template makes so."""
    return _Drawing(entries, mistakes, language).control(form, names.ROOT, form.shown)


class _Drawing:
    def __init__(
        self, entries: Entries, mistakes: Mapping[str, Sequence[str]], language: Language
    ) -> None:
        self._entries = entries
        self._mistakes = mistakes
        self._say = language.say
        self._ids = (f"field-{number}" for number in count(1))

    def control(self, of: Field, name: str, label: str, number: str = "") -> Control:
        mark = names.first(self._entries, names.mark(name))
        said = self._entries.get(name, ())
        text = next(filter(None, said), "")
        shape, attributes = _shape(of, mark, text)
        own: dict[str, Any] = {
            "shape": shape,
            "id": next(self._ids),
            "name": name,
            "label": self._say(label),
            "field": of,
            "mark": mark,
            "text": _shown_text(text, attributes),
            "ticked": frozenset(said),
            "attributes": attributes,
            "hint": " ".join(map(self._say, _hints(of, attributes))),
            "mistakes": self._mistakes.get(name, ()),
            "number": number,
        }
        if shape == "group":
            own["children"] = self._children(of, name)
        if shape in ("group", "variants"):
            own["chosen"] = names.first(self._entries, names.chosen(name))
            own["variants"] = [
                self._variant(variant, names.variant(name, index))
                for index, variant in enumerate(of.variants)
            ]
        if shape == "list" and of.items is not None:
            numbers = names.row_numbers(self._entries, name)
            most = of.limits.max_rows
            own["full"] = len(numbers) >= (names.MAX_ROWS if most is None else most)
            own["rows"] = [
                self.control(of.items, names.row(name, n), f"{own['label']} {place}", n)
                for place, n in enumerate(numbers, 1)
            ]
        return Control(**own)

    def _children(self, of: Field, name: str) -> list[Control]:
        return [
            self.control(child, names.child(name, child.key), child.shown or sentence("(no name)"))
            for child in of.children
        ]

    def _variant(self, of: Field, name: str) -> Control:
        """Always a group, so that what belongs to it is seen."""
        drawn = self.control(of, name, of.title)
        if drawn.shape == "group":
            return drawn
        around = Field(Kind.OBJECT, title=of.title, required=True)
        return Control(
            shape="group",
            id=next(self._ids),
            name=name,
            label=self._say(of.title),
            field=around,
            attributes={},
            children=[drawn],
        )


# ---------------------------------------------------------------- shapes and attributes

_SHAPES: Mapping[Kind, str] = {
    Kind.AREA: "area",
    Kind.JSON: "json",
    Kind.BOOLEAN: "box",
    Kind.CHOICE: "select",
    Kind.CHOICES: "boxes",
    Kind.FILE: "file",
    Kind.CONST: "constant",
    Kind.OBJECT: "group",
    Kind.LIST: "list",
    Kind.VARIANTS: "variants",
}
"""All others are an input of one line."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z?", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z?", re.ASCII)

_CLOCKS: Mapping[Kind, tuple[str, re.Pattern[str]]] = {
    Kind.DATE: ("date", _DATE),
    Kind.TIME: ("time", _TIME),
    Kind.DATE_TIME: ("datetime-local", _DATE_TIME),
}
"""A browser's own input for these drops a text that it can't show: then it is one for text."""

_INPUTS: Mapping[Kind, Mapping[str, str]] = {
    Kind.EMAIL: {"type": "email", "autocomplete": "email"},
    Kind.URI: {"type": "url", "autocomplete": "url"},
    Kind.PASSWORD: {"type": "password", "autocomplete": "off"},
    Kind.INTEGER: {"inputmode": "numeric"},
    Kind.NUMBER: {"inputmode": "decimal"},
}


def _shape(of: Field, mark: str, text: str) -> tuple[str, Mapping[str, str]]:
    if mark == names.JSON:
        return "json", {}
    shape = _SHAPES.get(of.kind, "input")
    if shape == "input" and "\n" in text:
        shape = "area"
    return shape, _attributes(of, text) if shape == "input" else {}


def _attributes(of: Field, text: str) -> Mapping[str, str]:
    """Numbers are typed as text: of what is no number, a browser's own input sends nothing."""
    given = {"type": "text", "autocomplete": "off", **_INPUTS.get(of.kind, {})}
    if of.kind in _CLOCKS:
        clock, fits = _CLOCKS[of.kind]
        if not text or fits.fullmatch(text):
            given["type"] = clock
    if "inputmode" in given and (of.limits.least is None or of.limits.least < 0):
        del given["inputmode"]  # a phone's keyboard for numbers has no minus
    if of.placeholder:
        given["placeholder"] = of.placeholder
    return given


def _shown_text(text: str, attributes: Mapping[str, str]) -> str:
    """A browser's clock knows no zone; the parser puts the Z back."""
    return text.removesuffix("Z") if attributes.get("type") in ("time", "datetime-local") else text


def _hints(of: Field, attributes: Mapping[str, str]) -> Iterator[str]:
    """The author's own words first."""
    if of.description:
        yield of.description if of.description[-1] in ".!?:" else f"{of.description}."
    if attributes.get("type") in ("time", "datetime-local"):
        yield sentence("In UTC.")
    elif of.kind is Kind.DATE_TIME:
        yield sentence("With its zone, as in 2026-11-25T14:05:00Z.")
    elif of.kind is Kind.TIME:
        yield sentence("With its zone, as in 14:05:00Z.")
    yield from _bounds(of.limits)


def _bounds(limits: Limits) -> Iterator[Sentence]:
    least, most = str(limits.least), str(limits.most)
    if limits.least is not None and limits.most is not None:
        yield sentence("From {least} to {most}.", least=least, most=most)
    elif limits.least is not None:
        yield sentence("{least} or more.", least=least)
    elif limits.most is not None:
        yield sentence("{most} or less.", most=most)
    if limits.max_length is not None:
        yield sentence("At most {count} characters.", count=limits.max_length)


# ---------------------------------------------------------------- tokens


def hidden_options(options: GateOptions, hide: Callable[[str], str]) -> GateOptions:
    """The options with every text of the form hidden where it must be; names stay as they are."""
    form, enums, defaults = (
        _hidden(value, hide) for value in (options.form, options.enums, options.default_args)
    )
    return replace(options, form=form, enums=enums, default_args=defaults)


def _hidden(value: Json, hide: Callable[[str], str]) -> Json:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {key: _hidden(inner, hide) for key, inner in value.items()}
    return [_hidden(inner, hide) for inner in value] if isinstance(value, list) else value


def restored(entries: Entries, form: Field, shown: Field) -> Entries:
    """What was typed; the default where it was shown with something hidden, and came back so."""
    true, hidden = forms.initial(form), forms.initial(shown)
    kept = {
        name: values
        for name, values in true.items()
        if values != hidden.get(name) and _typed(entries, name) == hidden.get(name)
    }
    return {**entries, **kept}


def _typed(entries: Entries, name: str) -> list[str]:
    return [text.replace("\r\n", "\n") for text in entries.get(name, ())]
