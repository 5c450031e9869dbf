"""The pages as HTML: from a run, a gate and who reads, to text. They never vote."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import Gate, GateOptions, Json, Purpose, Run
from jupyter_flows.core.sentences import sentence
from jupyter_flows.web.live import Live, spoken_time
from jupyter_flows.web.shown.blocks import Block
from jupyter_flows.web.shown.changes import Change
from jupyter_flows.web.typed import Typed, form_of, placed
from jupyter_flows.web.views import time

MAX_BRIEF = 500
"""Characters of a parameter that the page shows."""


def _file(name: str) -> str:
    return (resources.files("jupyter_flows.web") / "templates" / name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


STYLE, SCRIPT = _file("page.css"), _file("page.js")
STYLE_HASH, SCRIPT_HASH = _hash(STYLE), _hash(SCRIPT)
"""The pages' one style and one script: their policy allows these and no others."""


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("jupyter_flows.web"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    made.filters["say"] = str
    made.globals.update(style=STYLE, script=SCRIPT, time=time, spoken_time=spoken_time)
    return made


_pages = _environment()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """All that the page of one reader is made of. `evidence` is what the gate shows, `changes` what
    is different in it since the reader looked; `form_token` shows that a form is ours. `refused`
    says why an answer was not counted that nothing is wrong with.
    """

    live: Live
    purpose: Purpose
    description: Sequence[Block]
    evidence: Sequence[Block]
    form_token: str
    typed: Typed
    changes: Sequence[Change] | None = None
    refused: str = ""


def gate_page(asked: Asked) -> str:
    live, run, gate = asked.live, asked.live.run, asked.live.gate
    options = gate.options if gate else None
    form = form_of(options, asked.typed) if options else None
    return _pages.get_template("gate.html").render(
        live=live,
        run=run,
        gate=gate,
        title=_title(run, gate),
        notebook=run.path.rpartition("/")[2] if run.path.startswith("/") else run.path,
        description=asked.description,
        parameters=[(name, hide_tokens(_brief(value))) for name, value in run.parameters.items()],
        evidence=asked.evidence,
        changes=asked.changes,
        refused=asked.refused,
        may_approve=live.may_vote and asked.purpose is not Purpose.CANCEL,
        may_reject=live.may_vote and _rejectable(asked.purpose, options),
        form=form,
        typed=asked.typed,
        mistakes=placed(form, asked.typed),
        require_reason=bool(options and options.require_reason),
        form_token=asked.form_token,
    )


def _rejectable(purpose: Purpose, options: GateOptions | None) -> bool:
    return purpose is not Purpose.RESUME and not (options and options.hide_cancel)


def live_page(live: Live) -> str:
    """The parts of the page that change while it is open, for its script."""
    return _pages.get_template("live.html").render(live=live, run=live.run, gate=live.gate)


def message_page(title: str, text: str, login: str | None = None) -> str:
    """A page that says one thing: a link that is unknown, expired or revoked, an error. `login` is
    the address where the reader can log in, if that may help.
    """
    return _pages.get_template("message.html").render(title=title, text=text, login=login)


def _title(run: Run, gate: Gate | None) -> str:
    name = run.name or run.path.rpartition("/")[2]
    summary = run.steps[gate.step].spec.summary if gate else ""
    if summary:
        return f"{summary} · {name}" if name else summary
    return sentence("Approval for {name}", name=name) if name else sentence("Approval")


def _brief(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_BRIEF else text[:MAX_BRIEF] + " …"
