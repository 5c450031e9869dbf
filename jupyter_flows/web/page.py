"""The pages as HTML: from a run, a gate and who reads, to text. They never vote."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING

from markupsafe import Markup

from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import Gate, GateOptions, Json, Purpose, Run, Voter
from jupyter_flows.core.sentences import sentence
from jupyter_flows.web.drawn import drawn
from jupyter_flows.web.form import Control
from jupyter_flows.web.languages import Language
from jupyter_flows.web.live import Live
from jupyter_flows.web.sheets import Sheet
from jupyter_flows.web.shown.blocks import Block
from jupyter_flows.web.typed import Typed, form_of, placed

if TYPE_CHECKING:
    from jupyter_flows.web.shown.changes import Change

MAX_BRIEF = 500
"""Characters of a parameter that the page shows."""


def _file(name: str) -> str:
    return (resources.files("jupyter_flows.web") / "templates" / name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


STYLE, SCRIPT = _file("page.css"), _file("page.js")
STYLE_HASH, SCRIPT_HASH = _hash(STYLE), _hash(SCRIPT)
"""The pages' one style and one script: their policy allows these and no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """All that the page of one reader is made of. `voter` is as whom they vote, `sheet` what the
    gate shows to everybody, `changes` what is different in it since the reader looked, and
    `form_token` shows that a form is ours. `refused` says why an answer was not counted that
    nothing is wrong with, `done` what a button has done that the page would not show by itself.
    """

    live: Live
    purpose: Purpose
    voter: Voter
    sheet: Sheet
    form_token: str
    typed: Typed
    changes: "Sequence[Change] | None" = None
    refused: str = ""
    done: str = ""


def sheet_of(
    run: Run,
    gate: Gate | None,
    *,
    description: Sequence[Block],
    evidence: Sequence[Block],
    language: Language,
) -> Sheet:
    options = gate.options if gate else None
    shown = drawn(
        language,
        "shown.html",
        description=description,
        parameters=[(name, hide_tokens(brief(value))) for name, value in run.parameters.items()],
        evidence=evidence,
    )
    bound = drawn(language, "bound.html", run=run, gate=gate)
    sheet = Sheet(Markup(shown), Markup(bound))  # noqa: S704 (templates of ours made them)
    form = form_of(options, Typed(), language) if options else None
    return _with_form(sheet, form, language)


def _with_form(sheet: Sheet, form: Control | None, language: Language) -> Sheet:
    if form is None:
        return sheet
    fields = drawn(language, "fields.html", form=form)
    return replace(sheet, form=Markup(fields), has_files=form.has_files)  # noqa: S704 (as above)


def gate_page(asked: Asked, language: Language) -> str:
    live, run, gate = asked.live, asked.live.run, asked.live.gate
    options = gate.options if gate else None
    sheet, form = asked.sheet, None
    if options and asked.typed != Typed():
        form = form_of(options, asked.typed, language)
        sheet = _with_form(sheet, form, language)
    return drawn(
        language,
        "gate.html",
        style=STYLE,
        script=SCRIPT,
        live=live,
        run=run,
        gate=gate,
        voter=asked.voter,
        title=_title(run, gate),
        notebook=notebook(run),
        sheet=sheet,
        changes=asked.changes,
        refused=asked.refused,
        done=asked.done,
        may_approve=live.may_vote and asked.purpose is not Purpose.CANCEL,
        may_reject=live.may_vote and _rejectable(asked.purpose, options),
        typed=asked.typed,
        mistakes=placed(form, asked.typed),
        require_reason=bool(options and options.require_reason),
        form_token=asked.form_token,
    )


def _rejectable(purpose: Purpose, options: GateOptions | None) -> bool:
    return purpose is not Purpose.RESUME and not (options and options.hide_cancel)


def live_page(live: Live, language: Language) -> str:
    """The parts of the page that change while it is open, for its script."""
    return drawn(language, "live.html", live=live, run=live.run, gate=live.gate)


def message_page(language: Language, title: str, text: str, login: str | None = None) -> str:
    """A page that says one thing: a link that is unknown, expired or revoked, an error. `login` is
    the address where the reader can log in, if that may help.
    """
    return drawn(language, "message.html", style=STYLE, title=title, text=text, login=login)


def _title(run: Run, gate: Gate | None) -> str:
    name = hide_tokens(run.name or run.path.rpartition("/")[2])
    summary = hide_tokens(run.steps[gate.step].spec.summary) if gate else ""
    if summary:
        return f"{summary} · {name}" if name else summary
    return sentence("Approval for {name}", name=name) if name else sentence("Approval")


def notebook(run: Run) -> str:
    """Its path; of a file that is not the server's, the name alone."""
    return run.path.rpartition("/")[2] if run.path.startswith("/") else run.path


def brief(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_BRIEF else text[:MAX_BRIEF] + " …"
