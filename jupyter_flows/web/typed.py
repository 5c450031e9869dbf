"""What a reader has typed into a gate's page, and where each mistake in it belongs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jupyter_flows.core import forms
from jupyter_flows.core.errors import Mistake
from jupyter_flows.core.forms import ROOT, Entries
from jupyter_flows.core.forms.parse import Path
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import GateOptions
from jupyter_flows.web.form import Control, controls, hidden_options
from jupyter_flows.web.languages import Language


@dataclass(frozen=True, slots=True)
class Typed:
    """What the reader had typed, to be shown again beside the mistakes.

    `fields` are the form's, and None before anybody has typed; `place` names the field that a
    mistake's path leads to, and `no_reason` says that a rejection needs one.
    """

    text: str = ""
    reason: str = ""
    fields: Entries | None = None
    mistakes: Sequence[Mistake] = ()
    place: Callable[[Path], str] = lambda _: ROOT
    no_reason: str = ""


def form_of(options: GateOptions, typed: Typed, language: Language) -> Control | None:
    """The form's controls, its tokens hidden; None where the gate has no form."""
    field = forms.form_of(hidden_options(options, hide_tokens))
    if field is None:
        return None
    by_place: dict[str, list[str]] = {}
    for mistake in typed.mistakes:
        by_place.setdefault(typed.place(_path(mistake)), []).append(mistake.message)
    fields = forms.initial(field) if typed.fields is None else typed.fields
    return controls(field, fields, by_place, language)


def _path(mistake: Mistake) -> Path:
    """Where it belongs; an author's own validator names a field by its dotted path."""
    if mistake.path is not None:
        return mistake.path
    parts = mistake.where.split(".") if mistake.where else []
    return tuple(int(part) if part.isdecimal() and len(part) < 10 else part for part in parts)


def placed(form: Control | None, typed: Typed) -> list[tuple[str, str, str]]:
    """Each mistake as the id of its control, that one's label and what is wrong, in the page's
    order; those that belong to no control come first, and a missing reason last.
    """
    every = {control.name: control for control in form.every()} if form else {}
    order = list(every)
    found: list[tuple[int, str, str, str]] = []
    for mistake in typed.mistakes:
        name = typed.place(_path(mistake))
        control = every.get(name)
        if control is None or name == ROOT:
            found.append((-1, "answer", mistake.where, mistake.message))
        else:
            found.append((order.index(name), control.id, control.label, mistake.message))
    if typed.no_reason:
        found.append((len(order), "reason", "", typed.no_reason))
    return [(place, label, text) for _, place, label, text in sorted(found, key=lambda x: x[0])]
