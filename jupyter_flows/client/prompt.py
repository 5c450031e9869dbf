"""A gate's form in the notebook, made of ipywidgets from what the server says, word for word.

This file runs in the user's kernel, as part of the installed package or from its source text
alone. So it imports nothing but the standard library and, when a form is made, ipywidgets; and it
must run on every Python that these run on. It decides nothing: what is typed goes to the server as
entries, and what comes of it is shown as the server says.
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import html
import importlib
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    Entries = dict[str, list[str]]

PROTOCOL = 2
"""Must be the server's number, or its own source text is sent in the place of this file."""

VIEW = "application/vnd.jupyter.widget-view+json"
VOTE, APPROVE, REJECT = (f"jupyter-flows-{what}" for what in ("vote", "approve", "reject"))
"""Classes of the buttons that vote: by them a front end knows what a person pressed."""

PATIENCE = 15.0
"""Seconds until the buttons can be pressed again, if nobody says what came of an answer."""

UNHEARD = "Nobody has said what came of that. Try again, or open the approval page."
TOO_LARGE = "This is too large to be sent; at most {:,} bytes."
WRONG = "color: #d9534f; margin: 0; line-height: 1.4"
SOFT = "opacity: 0.75; margin: 0; line-height: 1.4"
PLAIN = "margin: 0; line-height: 1.5; white-space: pre-wrap"
_TYPE = re.compile(r"[\w.+-]{1,80}/[\w.+-]{1,80}", re.ASCII)


# ---------------------------------------------------------------- for the server


def make(tree: dict[str, Any]) -> dict[str, Any]:
    """Make the form of a gate; the mime types of its view, or None without ipywidgets."""
    try:
        importlib.import_module("ipywidgets")
    except ImportError:
        return {"view": None}
    lock(tree["gate"], "")
    form = _FORMS[tree["gate"]] = Form(tree, _say)
    view = form.view()
    _display({**view, "text/plain": tree["told"]})
    return {"view": view}


def update(gate: str, said: dict[str, Any]) -> bool:
    """Show what has changed; False if there is no such form here."""
    form = _FORMS.get(gate)
    if form is None:
        return False
    form.update(said)
    return True


def lock(gate: str, text: str) -> bool:
    """Take the form away, and say why in its place; False if there is no such form here."""
    form = _FORMS.pop(gate, None)
    if form is None:
        return False
    form.lock(text)
    return True


_FORMS: dict[str, Form] = {}
_COMM: list[Any] = []
"""One comm for ever: one that is dropped says that it closes, and no front end knows of it."""


def _say(data: dict[str, Any]) -> None:
    """To whoever hears the kernel; no front end is told that the comm was opened."""
    if not _COMM:
        _COMM.append(_new_comm())
    _COMM[0].send(data)


def _new_comm() -> Any:
    named = {"target_name": "jupyter_flows", "primary": False, "comm_id": "jupyter_flows"}
    try:
        return importlib.import_module("comm").create_comm(**named)
    except ImportError:  # with ipykernel before 6.17
        return importlib.import_module("ipykernel.comm").Comm(**named)


def _display(bundle: dict[str, Any]) -> None:
    """For the clients that show what others have asked for."""
    shell = importlib.import_module("IPython").get_ipython()
    if shell is not None:
        shell.display_pub.publish(data=bundle)


# ---------------------------------------------------------------- the form


class Form:
    """One gate's. `say` sends what is to be said to the server."""

    def __init__(self, tree: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> None:
        self._w = importlib.import_module("ipywidgets")
        self._draw = _Drawing(self._w, self._row)
        self._say = say
        self._gate = tree["gate"]
        self._most = tree["most"]
        self._waiting: Any = None
        self.digest = tree.get("digest")
        self.about, self.notice, self.status = (self._w.HTML() for _ in range(3))
        self.body = self._w.VBox()
        self.field: _Field = self._draw.field(tree["form"])
        self.body.children = [self.field.widget]
        self.approve = self._button(tree["approve"], "success", True)
        self.reject = self._button(tree["reject"], "danger", False) if tree["reject"] else None
        self.reason = self._reason(tree["reason"]) if tree["reject"] else None
        votes = [button for button in (self.approve, self.reject) if button is not None]
        last = [self.reason] if self.reason is not None else []
        parts = [self.about, self.notice, self.body, *last, self._w.HBox(votes), self.status]
        self.root = self._w.VBox(parts)
        self.update(tree)

    def view(self) -> dict[str, Any]:
        named = {"version_major": 2, "version_minor": 0, "model_id": self.root.model_id}
        return {VIEW: named}

    def _button(self, label: str, style: str, approved: bool) -> Any:
        button = self._w.Button(description=label, button_style=style, tooltip=label)
        button.add_class(VOTE)
        button.add_class(APPROVE if approved else REJECT)
        button.on_click(lambda _: self._answer(approved))
        return button

    def _reason(self, label: str) -> Any:
        return self._draw.labelled(self._w.Textarea, label, "", rows=2)

    # ------------------------------------------------------------ what the user does

    def entries(self) -> Entries:
        return self.field.entries()

    def _answer(self, approved: bool) -> None:
        said = {"kind": "answer", "approved": approved, "digest": self.digest}
        self._send({**said, "reason": "" if self.reason is None else self.reason.value})

    def _row(self, what: str, name: str) -> None:
        self._send({"kind": "rows", "what": what, "name": name})

    def _send(self, said: dict[str, Any]) -> None:
        """The buttons wait until the server has said what came of it."""
        if self.approve.disabled:
            return
        said = {**said, "gate": self._gate, "entries": self.entries()}
        if len(json.dumps(said)) > self._most:
            self.status.value = _line(TOO_LARGE.format(self._most), WRONG)
            return
        self._enable(False)
        self.status.value = _line("Sent …", SOFT)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            pass  # where no loop runs, nobody clicks
        else:
            self._waiting = loop.call_later(PATIENCE, self._unheard)
        self._say(said)

    def _unheard(self) -> None:
        self._enable(True)
        self.status.value = _line(UNHEARD, WRONG)

    def _enable(self, on: bool) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        for button in (self.approve, self.reject, *self.field.buttons()):
            if button is not None:
                button.disabled = not on

    # ------------------------------------------------------------ what the server says

    def update(self, said: dict[str, Any]) -> None:
        """What was typed stays, but where the fields themselves come anew."""
        if "about" in said:
            self.about.value = _about(said["about"])
        if "digest" in said:
            self.digest = said["digest"]
        if said.get("drawn"):
            self._redraw(said["drawn"])
        if "mistakes" in said:
            self.field.show_mistakes(said["mistakes"])
        if "notice" in said:
            self.notice.value = _notice(said["notice"], said.get("summary", ()))
        self.status.value = ""
        self._enable(True)

    def _redraw(self, node: dict[str, Any]) -> None:
        before, self.field = self.field, self._draw.field(node)
        self.body.children = [self.field.widget]
        _close(before.widget)

    def lock(self, text: str) -> None:
        self._enable(False)
        before = self.root.children
        self.root.children = [self._w.HTML(_line(text, PLAIN))] if text else []
        for widget in before:
            _close(widget)
        if not text:
            _close(self.root)


def _close(widget: Any) -> None:
    """With all within it, so that no front end keeps what was typed."""
    for inner in getattr(widget, "children", ()):
        _close(inner)
    parts: list[Any] = [getattr(widget, "style", None), widget.layout, widget]
    for part in parts:
        if hasattr(part, "close"):
            part.close()


# ---------------------------------------------------------------- texts


def _line(text: str, style: str) -> str:
    return f'<p style="{style}">{html.escape(text)}</p>' if text else ""


def _about(said: dict[str, Any]) -> str:
    """Heading, description and lines."""
    heading = f'<p style="{PLAIN}"><strong>{html.escape(said["heading"])}</strong></p>'
    lines = [_line(line, SOFT) for line in said["lines"]]
    return heading + _line(said["description"], PLAIN) + "".join(lines)


def _notice(text: str, summary: Any) -> str:
    """What went wrong, for who looks and for who listens."""
    if not text and not summary:
        return ""
    items = "".join(f"<li>{html.escape(each)}</li>" for each in summary)
    listed = f'<ul style="margin: 0">{items}</ul>' if items else ""
    return f'<div role="alert">{_line(text, WRONG)}<div style="{WRONG}">{listed}</div></div>'


# ---------------------------------------------------------------- fields


class _Field:
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
        self._wrong.value = _line("; ".join(said), WRONG)
        for field in self._inner:
            field.show_mistakes(mistakes)


class _Drawing:
    """From a node of the server's tree to widgets."""

    def __init__(self, widgets: Any, row: Callable[[str, str], None]) -> None:
        self._w = widgets
        self._row = row
        self._interprets = int(str(widgets.__version__).split(".")[0]) < 8

    def field(self, node: dict[str, Any]) -> _Field:
        draw: Callable[[dict[str, Any]], _Field] = getattr(self, "draw_" + node["shape"])
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
    ) -> _Field:
        """A control with its hint, and room for what is wrong with it."""
        hint = [self._w.HTML(_line(node["hint"], SOFT))] if node["hint"] else []
        wrong = self._w.HTML()
        return _Field(node, self._w.VBox([*widgets, *hint, wrong]), entries, wrong, **more)

    def _text(self, node: dict[str, Any], kind: Any, **more: Any) -> _Field:
        more["placeholder"] = node.get("placeholder", "")
        control = self.labelled(kind, node["label"], node["text"], **more)
        return self._one(node, [control], lambda: {node["name"]: [control.value]})

    # ------------------------------------------------------------ one value

    def draw_input(self, node: dict[str, Any]) -> _Field:
        if node["type"] == "password":
            return self._text(node, self._w.Password)
        moment = _MOMENTS.get(node["type"])
        picker = getattr(self._w, moment[0], None) if moment else None
        if moment is None or picker is None:
            return self._text(node, self._w.Text)
        return self._moment(node, picker, *moment[1:])

    def _moment(self, node: dict[str, Any], picker: Any, read: Any, write: Any) -> _Field:
        """A picker drops what it can't show: then it is a field for text."""
        try:
            value = read(node["text"]) if node["text"] else None
        except ValueError:
            return self._text(node, self._w.Text)
        control = self.labelled(picker, node["label"], value)

        def entries() -> Entries:
            return {node["name"]: ["" if control.value is None else write(control.value)]}

        return self._one(node, [control], entries)

    def draw_area(self, node: dict[str, Any]) -> _Field:
        return self._text(node, self._w.Textarea, rows=4)

    def draw_json(self, node: dict[str, Any]) -> _Field:
        return self._text(node, self._w.Textarea, rows=6)

    def draw_box(self, node: dict[str, Any]) -> _Field:
        control = self._tick(node["label"], "true" in node["ticked"])
        return self._one(node, [control], lambda: {node["name"]: ["true"]} if control.value else {})

    def _tick(self, label: str, on: bool) -> Any:
        return self.labelled(self._w.Checkbox, label, on, indent=False)

    def draw_select(self, node: dict[str, Any]) -> _Field:
        said = [str(place) for place in range(len(node["choices"])) if str(place) in node["ticked"]]
        control = self._dropdown(node["label"], node["choices"], said[0] if said else "", node)
        return self._one(node, [control], lambda: {node["name"]: [control.value]})

    def _dropdown(self, label: str, choices: list[str], value: str, node: dict[str, Any]) -> Any:
        options = [(node["empty"], ""), *((text, str(n)) for n, text in enumerate(choices))]
        return self.labelled(self._w.Dropdown, label, value, options=options)

    def draw_boxes(self, node: dict[str, Any]) -> _Field:
        ticks = [
            self._tick(text, str(n) in node["ticked"]) for n, text in enumerate(node["choices"])
        ]

        def entries() -> Entries:
            ticked = [str(n) for n, tick in enumerate(ticks) if tick.value]
            return {node["name"]: ticked} if ticked else {}

        return self._one(node, [self._title(node), *ticks], entries)

    def draw_constant(self, node: dict[str, Any]) -> _Field:
        shown = self._w.HTML(_line(f"{node['label']}: {node['choices'][0]}", PLAIN))
        return self._one(node, [shown], dict)

    def draw_file(self, node: dict[str, Any]) -> _Field:
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

        kept = [] if drop is None else [self._w.HTML(_line(node["kept"], SOFT)), drop]
        return self._one(node, [self._title(node), *kept, control], entries)

    # ------------------------------------------------------------ many values

    def draw_group(self, node: dict[str, Any]) -> _Field:
        inner = [self.field(child) for child in node["children"]]
        widgets = [field.widget for field in inner]
        own: Callable[[], Entries] = dict
        if node["variants"]:
            variants, choice, own = self._variants(node)
            inner += variants
            widgets += choice
        return self._around(node, widgets, own, inner)

    def draw_variants(self, node: dict[str, Any]) -> _Field:
        variants, widgets, own = self._variants(node)
        return self._around(node, widgets, own, variants)

    def _variants(
        self, node: dict[str, Any]
    ) -> tuple[list[_Field], list[Any], Callable[[], Entries]]:
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

    def draw_list(self, node: dict[str, Any]) -> _Field:
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
    ) -> _Field:
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
