"""The fields of a gate's form as widgets: each shape that the server's tree names, drawn and read.

It runs in the user's kernel, as `prompt.py` does, and imports as little.
"""

from __future__ import annotations

import base64
import datetime as dt
import html
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    Entries = dict[str, list[str]]
    """What was typed, by the names of the fields."""

WRONG = "color: #d9534f; margin: 0; line-height: 1.4"
SOFT = "opacity: 0.75; margin: 0; line-height: 1.4"
PLAIN = "margin: 0; line-height: 1.5; white-space: pre-wrap"
_TYPE = re.compile(r"[\w.+-]{1,80}/[\w.+-]{1,80}", re.ASCII)


def line(text: str, style: str) -> str:
    return f'<p style="{style}">{html.escape(text)}</p>' if text else ""


class Field:
    """One control as widgets. `entries_of` gives its own entries, `inner` are those within it."""

    def __init__(
        self,
        node: dict[str, Any],
        widget: Any,
        entries_of: Callable[[], Entries],
        wrong: Any,
        *,
        inner: Any = (),
        buttons: Any = (),
    ) -> None:
        self._node = node
        self.widget = widget
        self._entries_of = entries_of
        self._wrong = wrong
        self._inner = list(inner)
        self._buttons = list(buttons)

    def entries(self) -> Entries:
        found = {f"{self._node['name']}?": [self._node["mark"]]} if self._node.get("mark") else {}
        found.update(self._entries_of())
        for field in self._inner:
            found.update(field.entries())
        return found

    def buttons(self) -> list[Any]:
        return [*self._buttons, *(button for field in self._inner for button in field.buttons())]

    def show_mistakes(self, mistakes: dict[str, list[str]]) -> None:
        said = mistakes.get(self._node["name"], ())
        self._wrong.value = line("; ".join(said), WRONG)
        for field in self._inner:
            field.show_mistakes(mistakes)


class Drawing:
    """From a node of the server's tree to widgets."""

    def __init__(self, widgets: Any, row: Callable[[str, str], None]) -> None:
        self._w = widgets
        self._row = row
        self._interprets = int(str(widgets.__version__).split(".")[0]) < 8

    def field(self, node: dict[str, Any]) -> Field:
        draw: Callable[[dict[str, Any]], Field] = getattr(self, "draw_" + node["shape"])
        return draw(node)

    def labelled(self, kind: Any, label: str, value: Any, **more: Any) -> Any:
        """A control with its label, which ipywidgets before 8 take for HTML."""
        text = html.escape(label) if self._interprets else label
        style = {"description_width": "initial"}
        layout = {"width": "auto", "max_width": "48em"}
        if kind in (self._w.Text, self._w.Textarea, self._w.Password):
            more = {"continuous_update": False, **more}
        return kind(description=text, value=value, style=style, layout=layout, **more)

    def _one(
        self, node: dict[str, Any], widgets: Any, entries: Callable[[], Entries], **more: Any
    ) -> Field:
        """A control with its hint, and room for what is wrong with it."""
        hint = [self._w.HTML(line(node["hint"], SOFT))] if node["hint"] else []
        wrong = self._w.HTML()
        return Field(node, self._w.VBox([*widgets, *hint, wrong]), entries, wrong, **more)

    def _text(self, node: dict[str, Any], kind: Any, **more: Any) -> Field:
        more["placeholder"] = node.get("placeholder", "")
        control = self.labelled(kind, node["label"], node["text"], **more)
        return self._one(node, [control], lambda: {node["name"]: [control.value]})

    # ------------------------------------------------------------ one value

    def draw_input(self, node: dict[str, Any]) -> Field:
        if node["type"] == "password":
            return self._text(node, self._w.Password)
        moment = _MOMENTS.get(node["type"])
        picker = getattr(self._w, moment[0], None) if moment else None
        if moment is None or picker is None:
            return self._text(node, self._w.Text)
        return self._moment(node, picker, *moment[1:])

    def _moment(self, node: dict[str, Any], picker: Any, read: Any, write: Any) -> Field:
        """A picker drops what it can't show: then it is a field for text."""
        try:
            value = read(node["text"]) if node["text"] else None
        except ValueError:
            return self._text(node, self._w.Text)
        control = self.labelled(picker, node["label"], value)

        def entries() -> Entries:
            return {node["name"]: ["" if control.value is None else write(control.value)]}

        return self._one(node, [control], entries)

    def draw_area(self, node: dict[str, Any]) -> Field:
        return self._text(node, self._w.Textarea, rows=4)

    def draw_json(self, node: dict[str, Any]) -> Field:
        return self._text(node, self._w.Textarea, rows=6)

    def draw_box(self, node: dict[str, Any]) -> Field:
        control = self._tick(node["label"], "true" in node["ticked"])
        return self._one(node, [control], lambda: {node["name"]: ["true"]} if control.value else {})

    def _tick(self, label: str, on: bool) -> Any:
        return self.labelled(self._w.Checkbox, label, on, indent=False)

    def draw_select(self, node: dict[str, Any]) -> Field:
        said = [str(place) for place in range(len(node["choices"])) if str(place) in node["ticked"]]
        control = self._dropdown(node["label"], node["choices"], said[0] if said else "", node)
        return self._one(node, [control], lambda: {node["name"]: [control.value]})

    def _dropdown(self, label: str, choices: list[str], value: str, node: dict[str, Any]) -> Any:
        options = [(node["empty"], ""), *((text, str(n)) for n, text in enumerate(choices))]
        return self.labelled(self._w.Dropdown, label, value, options=options)

    def draw_boxes(self, node: dict[str, Any]) -> Field:
        ticks = [
            self._tick(text, str(n) in node["ticked"]) for n, text in enumerate(node["choices"])
        ]

        def entries() -> Entries:
            ticked = [str(n) for n, tick in enumerate(ticks) if tick.value]
            return {node["name"]: ticked} if ticked else {}

        return self._one(node, [self._title(node), *ticks], entries)

    def draw_constant(self, node: dict[str, Any]) -> Field:
        shown = self._w.HTML(line(f"{node['label']}: {node['choices'][0]}", PLAIN))
        return self._one(node, [shown], dict)

    def draw_file(self, node: dict[str, Any]) -> Field:
        """A file that was given before is kept, unless it is left out or another one comes."""
        control = self._w.FileUpload(
            accept=node["accept"],
            multiple=False,
            description=node["upload"],
            layout={"width": "auto"},
        )
        drop = self._tick(node["drop"], False) if node["text"] else None

        def entries() -> Entries:
            content = _uploaded(control.value, node["encoding"])
            if content is None and drop is not None and not drop.value:
                content = node["text"]
            return {} if content is None else {node["name"]: [content]}

        kept = [] if drop is None else [self._w.HTML(line(node["kept"], SOFT)), drop]
        return self._one(node, [self._title(node), *kept, control], entries)

    # ------------------------------------------------------------ many values

    def draw_group(self, node: dict[str, Any]) -> Field:
        inner = [self.field(child) for child in node["children"]]
        widgets = [field.widget for field in inner]
        own: Callable[[], Entries] = dict
        if node["variants"]:
            variants, choice, own = self._variants(node)
            inner += variants
            widgets += choice
        return self._around(node, widgets, own, inner)

    def draw_variants(self, node: dict[str, Any]) -> Field:
        variants, widgets, own = self._variants(node)
        return self._around(node, widgets, own, variants)

    def _variants(
        self, node: dict[str, Any]
    ) -> tuple[list[Field], list[Any], Callable[[], Entries]]:
        """The choice, and below it the fields of what is chosen; the others wait unseen."""
        fields = [self.field(variant) for variant in node["variants"]]
        chosen = node["chosen"] if node["chosen"] in map(str, range(len(fields))) else ""
        control = self._dropdown(node["which"], node["titles"], chosen, node)

        def show(_: Any = None) -> None:
            for place, field in enumerate(fields):
                field.widget.layout.display = "" if control.value == str(place) else "none"

        control.observe(show, names="value")
        show()
        widgets = [control, *(field.widget for field in fields)]
        return fields, widgets, lambda: {f"{node['name']}@": [control.value]}

    def draw_list(self, node: dict[str, Any]) -> Field:
        rows = [self.field(row) for row in node["rows"]]
        buttons, widgets = [], []
        for row, field in zip(node["rows"], rows):  # noqa: B905 (Python 3.8 knows no `strict`)
            remove = self._small(row["remove"], "remove", row["name"])
            buttons.append(remove)
            widgets += [field.widget, remove]
        if not node["full"]:
            add = self._small(node["add"], "add", node["name"])
            buttons.append(add)
            widgets.append(add)
        numbers = [row["number"] for row in node["rows"]]

        def own() -> Entries:
            return {f"{node['name']}#": list(numbers)} if numbers else {}

        return self._around(node, widgets, own, rows, buttons)

    def _small(self, label: str, what: str, name: str) -> Any:
        button = self._w.Button(description=label, layout={"width": "auto"})
        button.on_click(lambda _: self._row(what, name))
        return button

    def _around(
        self,
        node: dict[str, Any],
        widgets: Any,
        own: Callable[[], Entries],
        inner: Any,
        buttons: Any = (),
    ) -> Field:
        """What belongs together, indented below its title; the whole form has neither."""
        title = [self._title(node)] if node["label"] else []
        field = self._one(node, [*title], own, inner=inner, buttons=buttons)
        within = self._w.VBox(list(widgets))
        if node["label"]:
            within.layout.margin = "0 0 0 1.5em"
        field.widget.children = [*field.widget.children, within]
        return field

    def _title(self, node: dict[str, Any]) -> Any:
        return self._w.HTML(f'<strong style="{PLAIN}">{html.escape(node["label"])}</strong>')


def _date(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def _time(text: str) -> dt.time:
    """Raises ValueError also for what the picker would cut off."""
    found = dt.time.fromisoformat(text)
    if found.second or found.microsecond or found.tzinfo:
        raise ValueError(text)
    return found


def _moment(text: str) -> dt.datetime:
    """Raises ValueError also for what the picker would cut off."""
    found = dt.datetime.fromisoformat(text)
    if found.second or found.microsecond or found.tzinfo:
        raise ValueError(text)
    return found


def _seconds(value: Any) -> str:
    said: str = value.isoformat(timespec="seconds")
    return said


_MOMENTS: dict[str, tuple[str, Any, Any]] = {
    "date": ("DatePicker", _date, lambda value: value.isoformat()),
    "time": ("TimePicker", _time, _seconds),
    "datetime-local": ("NaiveDatetimePicker", _moment, _seconds),
}
"""The pickers, and between them and the texts that the server reads."""


def _uploaded(value: Any, encoding: str) -> str | None:
    """The file that was chosen, as text; ipywidgets before 8 have it by its name."""
    if not value:
        return None
    file = next(iter(value.values())) if isinstance(value, dict) else value[0]
    about = file.get("metadata", file)
    content = base64.b64encode(bytes(file["content"])).decode("ascii")
    if encoding == "base64":
        return content
    kind = about["type"] if _TYPE.fullmatch(about["type"]) else "application/octet-stream"
    return "data:{};name={};base64,{}".format(kind, quote(about["name"], safe=""), content)
