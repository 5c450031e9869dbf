"""A gate's form for the run's kernel, as plain JSON: what `client/prompt.py` makes widgets of.

The fields come from the page's own controls, so that page and notebook ask for the same (G61). The
texts are in English: whoever has the notebook open sees the one form.
"""

from jupyter_flows.core.gating import takes_rejection
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import Gate, GateOptions, Json, Run
from jupyter_flows.core.records import HOW_TO_ANSWER, gate_name, told
from jupyter_flows.web.form import Control
from jupyter_flows.web.languages import ENGLISH
from jupyter_flows.web.typed import Typed, form_of, placed

Node = dict[str, Json]

MESSAGE = "message"
"""The one entry of a gate without a form (G21)."""

NONE = "\u2013"
NOT_COUNTED = "This could not be counted. Nothing is lost; please correct it and send it again."


def prompt_tree(run: Run, gate: Gate, page: str, most: int) -> Node:
    """The whole form before anybody has typed; `page` is the address of the approval page, `most`
    how many bytes an answer may have.
    """
    summary = hide_tokens(run.steps[gate.step].spec.summary)
    needed = " *" if gate.options.require_reason else " (optional)"
    return {
        "gate": gate_name(run, gate),
        "digest": gate.digest,
        "about": about(run, gate),
        "form": form_node(gate.options, Typed()),
        "approve": "Approve",
        "reject": "Reject" if takes_rejection(gate, run.steps[gate.step].result) else None,
        "reason": f"Reason for a rejection{needed}",
        "most": most,
        "told": f"Waits for approval{f' ({summary})' if summary else ''}. Answer at {page}",
    }


def about(run: Run, gate: Gate) -> Node:
    """What stands above the fields."""
    telling = told(run, gate)
    lines = [line for line in telling.lines if line != HOW_TO_ANSWER]
    return {"heading": telling.heading, "description": telling.description, "lines": lines}


def wrong(options: GateOptions, typed: Typed) -> Node:
    """What is wrong with what was typed, for the form's `update`: by the fields' names, and all of
    it once more on top.
    """
    form = form_of(options, typed, ENGLISH)
    found: dict[str, list[str]] = {}
    for control in form.every() if form else ():
        if control.mistakes:
            found[control.name] = list(control.mistakes)
    summary = [f"{label}: {text}" if label else text for _, label, text in placed(form, typed)]
    return {"mistakes": found, "summary": summary, "notice": NOT_COUNTED}


# ---------------------------------------------------------------- fields


def form_node(options: GateOptions, typed: Typed) -> Node:
    """The fields with what was typed in them; one for a message where the gate has no form."""
    form = form_of(options, typed, ENGLISH)
    if form is None:
        return _message(typed.text)
    return {**_node(form), "label": form.field.title}


def _message(text: str) -> Node:
    label = "Message to the notebook (optional)"
    return {"shape": "area", "name": MESSAGE, "label": label, "hint": "", "mark": "", "text": text}


def _node(control: Control) -> Node:
    node = {
        "shape": control.shape,
        "name": control.name,
        "label": _label(control),
        "hint": control.hint,
        "mark": control.mark,
        "text": control.text,
    }
    more = _MORE.get(control.shape)
    return {**node, **more(control)} if more else node


def _label(control: Control) -> str:
    if not control.label or control.shape == "constant":
        return control.label
    if control.is_optional and control.shape != "box":
        return f"{control.label} (optional)"
    asked = control.field.required and control.shape in _ASKED
    return f"{control.label} *" if asked else control.label


_ASKED = frozenset({"input", "area", "json", "select", "file"})
"""What can be left blank, so that it is said where it must not be."""


def _input(control: Control) -> Node:
    kind = control.attributes.get("type", "text")
    return {"type": kind, "placeholder": control.field.placeholder}


def _area(control: Control) -> Node:
    return {"placeholder": control.field.placeholder}


def _json(control: Control) -> Node:
    hint = f"{control.hint} As JSON.".strip()
    return {"placeholder": control.field.placeholder, "hint": hint}


def _ticked(control: Control) -> Node:
    return {"ticked": sorted(control.ticked)}


def _choices(control: Control) -> Node:
    choices = [str(choice.label) for choice in control.field.choices]
    free = control.field.nullable or not control.field.required
    return {**_ticked(control), "choices": choices, "empty": NONE if free else "Choose…"}


def _file(control: Control) -> Node:
    size = ENGLISH.size(len(control.text) * 3 // 4)
    return {
        "accept": control.field.accept,
        "encoding": control.field.encoding,
        "upload": "Choose a file",
        "kept": f"A file of about {size} is kept; choose another to replace it.",
        "drop": "Leave the file out",
    }


def _group(control: Control) -> Node:
    return {"children": [_node(child) for child in control.children], **_variants(control)}


def _variants(control: Control) -> Node:
    return {
        "variants": [_node(variant) for variant in control.variants],
        "titles": [variant.label for variant in control.variants],
        "chosen": control.chosen,
        "which": "Which of these",
        "empty": "Choose…" if control.field.required else NONE,
    }


def _list(control: Control) -> Node:
    rows = [
        {**_node(row), "number": row.number, "remove": f"Remove {row.label}"}
        for row in control.rows
    ]
    return {"rows": rows, "full": control.full, "add": f"Add to {control.label}"}


_MORE = {
    "input": _input,
    "area": _area,
    "json": _json,
    "box": _ticked,
    "select": _choices,
    "boxes": _choices,
    "constant": _choices,
    "file": _file,
    "group": _group,
    "variants": _variants,
    "list": _list,
}
