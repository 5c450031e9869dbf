"""The approval page as HTML: from a run, a gate and who holds the link, to text. It never votes."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec.structs import replace

from jupyter_flows.core import durations, forms, policy
from jupyter_flows.core.errors import Mistake
from jupyter_flows.core.forms import ROOT, Entries
from jupyter_flows.core.forms.parse import Path
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.machine.gates import gate_error
from jupyter_flows.core.model import (
    Gate,
    GateOptions,
    GateStatus,
    Json,
    Purpose,
    Run,
    RunStatus,
    Vote,
)
from jupyter_flows.web.form import Control, controls, hidden_options
from jupyter_flows.web.shown.blocks import Block
from jupyter_flows.web.views import time

STYLE = (resources.files("jupyter_flows.web") / "templates" / "page.css").read_text("utf-8")
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""The page's one style, by its hash: the policy of the page allows this and no other."""

_pages = Environment(
    loader=PackageLoader("jupyter_flows.web"), autoescape=True, undefined=StrictUndefined
)


@dataclass(frozen=True, slots=True)
class Typed:
    """What the reader had typed, to be shown again beside the mistakes.

    `fields` are the form's, and None before anybody has typed; `place` names the field that a
    mistake's path leads to.
    """

    text: str = ""
    reason: str = ""
    fields: Entries | None = None
    mistakes: Sequence[Mistake] = ()
    place: Callable[[Path], str] = lambda _: ROOT


def gate_page(
    run: Run,
    gate: Gate | None,
    *,
    purpose: Purpose,
    own_vote: Vote | None,
    refusal: Exception | None,
    description: Sequence[Block],
    evidence: Sequence[Block],
    form_token: str,
    now: float,
    typed: Typed | None = None,
) -> str:
    """The page for one reader. `gate` None is a flow-level link whose gate is to come; `refusal`
    says why the reader can't vote, where something is against it.
    """
    typed = typed or Typed()
    options = gate.options if gate else None
    form = _form(options, typed) if options else None
    is_open = run.finished is False and (gate is None or gate.status is GateStatus.OPEN)
    may_vote = is_open and own_vote is None and refusal is None
    return _pages.get_template("gate.html").render(
        style=STYLE,
        run=run,
        gate=gate,
        notebook=run.path.rpartition("/")[2] if run.path.startswith("/") else run.path,
        title=_title(run, gate),
        state=_state(run, gate),
        description=description,
        parameters=[(name, hide_tokens(_brief(value))) for name, value in run.parameters.items()],
        evidence=evidence,
        votes=[_hidden_vote(vote) for vote in gate.votes] if gate else (),
        own_vote=own_vote,
        missing=policy.missing(gate) if gate else (),
        refusal=str(refusal) if refusal is not None and is_open and own_vote is None else "",
        may_withdraw=is_open and gate is not None and own_vote is not None and own_vote.approved,
        may_approve=may_vote and purpose is not Purpose.CANCEL,
        may_reject=may_vote
        and purpose is not Purpose.RESUME
        and not (options and options.hide_cancel),
        form=form,
        text=typed.text,
        reason=typed.reason,
        mistakes=_placed(form, typed),
        require_reason=bool(options and options.require_reason),
        form_token=form_token,
        deadline=_deadline(gate, now),
        on_timeout=_on_timeout(gate),
        outcome=_outcome(run, gate),
        time=time,
        spoken_time=spoken_time,
    )


def message_page(title: str, text: str, login: str | None = None) -> str:
    """A page that says one thing: a link that is unknown, expired or revoked, an error. `login` is
    the address where the reader can log in, if that may help.
    """
    return _pages.get_template("message.html").render(
        style=STYLE, title=title, text=text, login=login
    )


def _title(run: Run, gate: Gate | None) -> str:
    name = run.name or run.path.rpartition("/")[2] or "notebook"
    summary = run.steps[gate.step].spec.summary if gate else ""
    return f"{summary} · {name}" if summary else f"Approval for {name}"


def _state(run: Run, gate: Gate | None) -> str:
    if run.status == "cancelled":
        return "cancelled"
    if gate is None:
        return "closed" if run.finished else "early"
    return gate.status.value


def _outcome(run: Run, gate: Gate | None) -> str:
    """What the closing led to, for the reader who comes back."""
    error = gate_error(gate) if gate else None
    if error:
        return error.message + (f": {error.reason}" if error.reason else "")
    return _GOES_ON.get(run.status, f"The run is {run.status} now.")


_GOES_ON = {
    RunStatus.RUNNING: "The run goes on.",
    RunStatus.SUCCEEDED: "The run has ended well.",
    RunStatus.FAILED: "The run has failed since.",
    RunStatus.INTERRUPTED: "The run was interrupted; its owner has to resume it.",
    RunStatus.SUSPENDED: "The run waits for another approval now.",
    RunStatus.SLEEPING: "The run goes on after a pause.",
}


def _deadline(gate: Gate | None, now: float) -> tuple[float, str] | None:
    if gate is None or gate.deadline is None:
        return None
    left = gate.deadline - now
    return gate.deadline, f"{durations.spoken(left)} left" if left > 0 else "passed"


def spoken_time(at: float) -> str:
    """As in "25 Nov 2026, 14:05 UTC"."""
    return datetime.fromtimestamp(at, UTC).strftime("%-d %b %Y, %H:%M UTC")


def _on_timeout(gate: Gate | None) -> str:
    if gate is None:
        return ""
    if gate.options.on_timeout is not None:
        return "Nobody's answer by then counts as an approval, as the author has set it."
    if gate.options.continue_on_disapprove_timeout:
        return "The run goes on without an approval then, and its next steps see that."
    return "The run fails then."


def _form(options: GateOptions, typed: Typed) -> Control | None:
    """The form's controls, its tokens hidden; None where the gate has no form."""
    field = forms.form_of(hidden_options(options, hide_tokens))
    if field is None:
        return None
    by_place: dict[str, list[str]] = {}
    for mistake in typed.mistakes:
        by_place.setdefault(typed.place(_path(mistake)), []).append(mistake.message)
    fields = forms.initial(field) if typed.fields is None else typed.fields
    return controls(field, fields, by_place)


def _path(mistake: Mistake) -> Path:
    """Where it belongs; an author's own validator names a field by its dotted path."""
    if mistake.path is not None:
        return mistake.path
    parts = mistake.where.split(".") if mistake.where else []
    return tuple(int(part) if part.isdecimal() and len(part) < 10 else part for part in parts)


def _placed(form: Control | None, typed: Typed) -> list[tuple[str, str]]:
    """Each mistake with the id of its control, in the page's order; the others come first."""
    every = {control.name: control for control in form.every()} if form else {}
    order = list(every)
    found: list[tuple[int, str, str]] = []
    for mistake in typed.mistakes:
        name = typed.place(_path(mistake))
        control = every.get(name)
        if control is None or name == ROOT:
            found.append((-1, "answer", str(mistake)))
        else:
            found.append((order.index(name), control.id, f"{control.label}: {mistake.message}"))
    return [(place, text) for _, place, text in sorted(found, key=lambda one: one[0])]


def _brief(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 500 else text[:500] + " …"


def _hidden_vote(vote: Vote) -> Vote:
    return replace(vote, reason=vote.reason and hide_tokens(vote.reason))
