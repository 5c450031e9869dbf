"""A gate's form in the notebook, made of ipywidgets from what the server says, word for word.

This file and `controls.py` run in the user's kernel, as part of the installed package or from their
source texts alone. So they import nothing but the standard library, one another and, when a form is
made, ipywidgets; and they must run on every Python that these run on. They decide nothing: what is
typed goes to the server as entries, and what comes of it is shown as the server says.
"""

from __future__ import annotations

import asyncio
import html
import importlib
import json
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.controls import PLAIN, SOFT, WRONG, Drawing, Field, line

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_flows.client.controls import Entries

PROTOCOL = 2
"""Must be the server's number, or the source texts are sent in the place of these files."""

VIEW = "application/vnd.jupyter.widget-view+json"
VOTE, APPROVE, REJECT = (f"jupyter-flows-{what}" for what in ("vote", "approve", "reject"))
"""Classes of the buttons that vote: by them a front end knows what a person pressed."""

PATIENCE = 15.0
"""Seconds until the buttons can be pressed again, if nobody says what came of an answer."""

UNHEARD = "Nobody has said what came of that. Try again, or open the approval page."
TOO_LARGE = "This is too large to be sent; at most {:,} bytes."


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
        self._draw = Drawing(self._w, self._row)
        self._say = say
        self._gate = tree["gate"]
        self._most = tree["most"]
        self._waiting: Any = None
        self.digest = tree.get("digest")
        self.about, self.notice, self.status = (self._w.HTML() for _ in range(3))
        self.body = self._w.VBox()
        self.field: Field = self._draw.field(tree["form"])
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
            self.status.value = line(TOO_LARGE.format(self._most), WRONG)
            return
        self._enable(False)
        self.status.value = line("Sent …", SOFT)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            pass  # where no loop runs, nobody clicks
        else:
            self._waiting = loop.call_later(PATIENCE, self._unheard)
        self._say(said)

    def _unheard(self) -> None:
        self._enable(True)
        self.status.value = line(UNHEARD, WRONG)

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
        self.root.children = [self._w.HTML(line(text, PLAIN))] if text else []
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


def _about(said: dict[str, Any]) -> str:
    """Heading, description and lines."""
    heading = f'<p style="{PLAIN}"><strong>{html.escape(said["heading"])}</strong></p>'
    lines = [line(each, SOFT) for each in said["lines"]]
    return heading + line(said["description"], PLAIN) + "".join(lines)


def _notice(text: str, summary: Any) -> str:
    """What went wrong, for who looks and for who listens."""
    if not text and not summary:
        return ""
    items = "".join(f"<li>{html.escape(each)}</li>" for each in summary)
    listed = f'<ul style="margin: 0">{items}</ul>' if items else ""
    return f'<div role="alert">{line(text, WRONG)}<div style="{WRONG}">{listed}</div></div>'
