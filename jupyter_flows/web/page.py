"""The approval page as HTML: from a run, a gate and who holds the link, to text. It never votes."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec.structs import replace

from jupyter_flows.core import durations, forms
from jupyter_flows.core.errors import Mistake
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.machine.gates import gate_error
from jupyter_flows.core.model import Gate, GateStatus, Json, Purpose, Run, RunStatus, Vote
from jupyter_flows.ports import Outputs
from jupyter_flows.web.views import time

STYLE = (resources.files("jupyter_flows.web") / "templates" / "page.css").read_text("utf-8")
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""The page's one style, by its hash: the policy of the page allows this and no other."""

MAX_TEXT = 20_000
MAX_IMAGE_BYTES = 2_000_000
MAX_OUTPUTS = 20

_pages = Environment(
    loader=PackageLoader("jupyter_flows.web"), autoescape=True, undefined=StrictUndefined
)


@dataclass(frozen=True, slots=True)
class Entries:
    """What the reader had typed, to be shown again beside the mistakes."""

    text: str = ""
    reason: str = ""
    mistakes: Sequence[Mistake] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """One output as the page draws it: `text` escaped, or an image's data URI."""

    text: str | None = None
    image: str | None = None
    cut: bool = False


def gate_page(
    run: Run,
    gate: Gate | None,
    *,
    purpose: Purpose,
    own_vote: Vote | None,
    outputs: Outputs,
    form_token: str,
    now: float,
    entries: Entries | None = None,
) -> str:
    """The page for the holder of a link. `gate` None is a flow-level link whose gate is to come."""
    entries = entries or Entries()
    options = gate.options if gate else None
    schema = forms.effective(options) if options else None
    is_open = run.finished is False and (gate is None or gate.status is GateStatus.OPEN)
    return _pages.get_template("gate.html").render(
        style=STYLE,
        run=run,
        gate=gate,
        notebook=run.path.rpartition("/")[2] if run.path.startswith("/") else run.path,
        title=_title(run, gate),
        state=_state(run, gate),
        description=_described(options.description if options else None),
        parameters=[(name, hide_tokens(_brief(value))) for name, value in run.parameters.items()],
        outputs=list(shown_outputs(outputs)),
        votes=[_hidden_vote(vote) for vote in gate.votes] if gate else (),
        own_vote=own_vote,
        may_approve=is_open and own_vote is None and purpose is not Purpose.CANCEL,
        may_reject=is_open
        and own_vote is None
        and purpose is not Purpose.RESUME
        and not (options and options.hide_cancel),
        schema=hide_tokens(json.dumps(schema, indent=2, ensure_ascii=False)) if schema else None,
        text=entries.text or (_default_text(gate) if schema else ""),
        reason=entries.reason,
        mistakes=entries.mistakes,
        require_reason=bool(options and options.require_reason),
        form_token=form_token,
        deadline=_deadline(gate, now),
        on_timeout=_on_timeout(gate),
        outcome=_outcome(run, gate),
        time=time,
        spoken_time=spoken_time,
    )


def message_page(title: str, text: str) -> str:
    """A page that says one thing: a link that is unknown, expired or revoked, an error."""
    return _pages.get_template("message.html").render(style=STYLE, title=title, text=text)


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


def _default_text(gate: Gate | None) -> str:
    return json.dumps(forms.defaults(gate.options), indent=2, ensure_ascii=False) if gate else ""


def _described(description: Json) -> str | None:
    """Text as it is, `{"markdown": text}` as its text, anything else as JSON."""
    if description is None:
        return None
    if isinstance(description, dict) and set(description) == {"markdown"}:
        description = description["markdown"]
    if isinstance(description, str):
        return hide_tokens(description)
    return hide_tokens(json.dumps(description, indent=2, ensure_ascii=False))


def _brief(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 500 else text[:500] + " …"


def shown_outputs(outputs: Iterable[Mapping[str, Json]]) -> Iterable[Shown]:
    """The outputs as safe text and pictures, bounded in number and size."""
    for number, output in enumerate(outputs):
        if number >= MAX_OUTPUTS:
            yield Shown(text=f"More outputs than the {MAX_OUTPUTS} shown here.", cut=True)
            return
        yield _shown(output)


def _shown(output: Mapping[str, Json]) -> Shown:
    kind = output["output_type"]
    if kind == "stream":
        return _text(output["text"])
    if kind == "error":
        return _text(f"{output['ename']}: {output['evalue']}")
    data: Mapping[str, Any] = output["data"]
    for mime in ("image/png", "image/jpeg"):
        if mime in data and len(data[mime]) <= MAX_IMAGE_BYTES:
            return Shown(image=f"data:{mime};base64,{''.join(_joined(data[mime]).split())}")
    return _text(data.get("text/plain", "This output has no text to show."))


def _hidden_vote(vote: Vote) -> Vote:
    return replace(vote, reason=vote.reason and hide_tokens(vote.reason))


def _joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def _text(text: Any) -> Shown:
    whole = hide_tokens(_joined(text))
    return Shown(text=whole[:MAX_TEXT], cut=len(whole) > MAX_TEXT)
