"""A gate's record: what an executed notebook says of it, behind the outputs of the gate's cell, or
in the place of a last value that only describes the gate to us.

It comes from the run's state alone, so that it is the same whoever draws it, and it is in English:
it stands in a file that everybody reads.
"""

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jupyter_flows.core import moments, policy, saved
from jupyter_flows.core.descriptions.plain import plain_description
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.machine.checkpoints import stand_in
from jupyter_flows.core.machine.gates import TIMEOUT_VOTER, gate_error
from jupyter_flows.core.model import Gate, GateStatus, Json, Run, RunStatus, StepId, Vote, Voter

KEY = "jupyter_flows"
"""Under which a record's metadata says which gate it is of."""

MAX_DESCRIPTION = 2_000
MAX_LINES = 40
MAX_TEXT = 500
MAX_VOTES = 30

MAY_BE_SHUT_DOWN = "You can shut the kernel down: the run comes back with its variables."
"""Of a notebook's own kernel, which is never released under its user's hands."""

HOW_TO_ANSWER = "To answer, open the approval page or the flows panel."


@dataclass(frozen=True, slots=True)
class Telling:
    """What is said of a gate: a heading, lines below it, and the author's description. `mood` is
    yes, no or "" (neither).
    """

    heading: str
    lines: tuple[str, ...] = ()
    description: str = ""
    mood: str = ""


def gate_name(run: Run, gate: Gate) -> str:
    return f"{run.id}.{gate.step}.{gate.generation}"


def gate_records(run: Run) -> Mapping[StepId, dict[str, Json]]:
    """The record of each step's newest gate, once it has opened."""
    newest = (run.gate(step) for step in dict.fromkeys(gate.step for gate in run.gates.values()))
    return {
        gate.step: gate_record(run, gate)
        for gate in newest
        if gate is not None and gate.opened_at is not None
    }


def with_record(
    outputs: Sequence[Mapping[str, Json]], record: Mapping[str, Json] | None, *, covers: bool
) -> list[Mapping[str, Json]]:
    """What the gate's cell shows. A record that `covers` stands in the place of the last value: its
    links are for us and for those whom they are sent to, and no reader of the notebook needs them.
    """
    if record is None:
        return list(outputs)
    place = last_value(outputs) if covers else None
    if place is None:
        return [*outputs, record]
    return [*outputs[:place], record, *outputs[place + 1 :]]


def last_value(outputs: Sequence[Mapping[str, Json]]) -> int | None:
    """Where the cell's last value stands in its outputs, if it is shown."""
    places = (n for n, one in enumerate(outputs) if one.get("output_type") == "execute_result")
    return next(places, None)


def is_record(output: Mapping[str, Json]) -> bool:
    """Whether a notebook's output is the record of a gate."""
    metadata = output.get("metadata")
    ours = metadata.get(KEY) if isinstance(metadata, Mapping) else None
    return isinstance(ours, Mapping) and "gate" in ours


def gate_record(run: Run, gate: Gate) -> dict[str, Json]:
    """A display_data output without scripts, tokens of links, and anything of an author's that
    would be read as more than text.
    """
    telling = told(run, gate)
    return {
        "output_type": "display_data",
        "data": {
            "text/html": _html(telling),
            "text/markdown": _markdown(telling),
            "text/plain": _plain(telling),
        },
        "metadata": {KEY: {"gate": gate_name(run, gate)}},
    }


def told(run: Run, gate: Gate) -> Telling:
    """How the gate stands, in sentences; nothing in them is escaped yet."""
    if gate.status is GateStatus.OPEN:
        return _open(run, gate)
    if gate.status is GateStatus.EXPECTED:
        return Telling("The gate opens when this cell has ended.")
    return _closed(run, gate)


# ---------------------------------------------------------------- open


def _open(run: Run, gate: Gate) -> Telling:
    lines = [awaited(run, gate), *_votes(gate)]
    lines += [*_interrupted(run, gate), deadline(gate), HOW_TO_ANSWER, *_variables(run)]
    description = _bounded(_steady(plain_description(gate.options.description)))
    return Telling("Waits for approval", _clean_lines(lines), description)


def _variables(run: Run) -> list[str]:
    """What was saved of them, only while the run waits: a notebook that is kept has no such line,
    and is the same whenever it was run.
    """
    if run.status is not RunStatus.SUSPENDED:
        return []
    said = saved.told(run)
    can_go = run.kernel_id is not None and stand_in(run) is not None
    return [f"{said} {MAY_BE_SHUT_DOWN}" if can_go else said]


def awaited(run: Run, gate: Gate) -> str:
    """Who may vote, how many must, and how many have."""
    options = gate.options
    given, needed = len(gate.approvals), options.required_events
    count = f"{given} of {needed} approvals" if needed > 1 else ""
    who = _whom(run, gate)
    return ": ".join(filter(None, (f"Awaited from {who}", count))) + "."


def _whom(run: Run, gate: Gate) -> str:
    options = gate.options
    in_turn = ", in this order" if options.sequential else ""
    if options.groups:
        owed = policy.missing(gate)
        said = ", ".join(f"{need.required} more of {need.group}" for need in owed)
        who = said + in_turn
    elif options.approvers:
        who = (", " if options.sequential else " or ").join(options.approvers) + in_turn
    elif options.user_groups_required:
        who = "a member of " + " or ".join(options.user_groups_required)
    elif options.user_auth_required:
        who = "anybody who is logged in"
    else:
        here = gate.prompt and not options.self_approval_disabled
        who = "anybody who has this notebook, or a link" if here else "anybody who has a link"
    return f"{who}, but not from {run.owner}" if options.self_approval_disabled else who


def deadline(gate: Gate) -> str:
    """Until when, and what happens then."""
    if gate.deadline is None:
        return ""
    if gate.options.on_timeout is not None:
        then = "it counts as approved, as the author has set it"
    elif gate.options.continue_on_disapprove_timeout:
        then = "the run goes on without"
    else:
        then = "the run fails"
    return f"Until {_moment(gate.deadline)}; then {then}."


# ---------------------------------------------------------------- closed


def _closed(run: Run, gate: Gate) -> Telling:
    votes = list(gate.votes)
    if gate.status is GateStatus.REJECTED:
        veto = next(vote for vote in votes if not vote.approved)
        votes.remove(veto)
        heading, mood = _vote(veto), "no"
    elif gate.status is GateStatus.APPROVED and len(gate.approvals) == 1:
        heading, mood = _vote(votes.pop()), "yes"
    elif gate.status is GateStatus.APPROVED:
        heading, mood = f"Approved on {_moment(gate.closed_at)}", "yes"
    elif gate.status is GateStatus.TIMED_OUT:
        heading, mood = _timed_out(gate)
    else:
        heading, mood = _superseded(run, gate), "no"
    lines = _bounded_votes([_vote(vote) for vote in votes if vote.voter != TIMEOUT_VOTER])
    lines += _interrupted(run, gate)
    return Telling(_clean(heading), _clean_lines(lines), mood=mood)


def _timed_out(gate: Gate) -> tuple[str, str]:
    passed = f"The deadline passed on {_moment(gate.closed_at)}"
    if gate_error(gate) is None:
        return f"{passed}; as the author has set it, that counts as an approval", "yes"
    if gate.options.continue_on_disapprove_timeout:
        return f"{passed}; the run went on without an approval", "no"
    return f"{passed} without an approval", "no"


def _superseded(run: Run, gate: Gate) -> str:
    if run.gate(gate.step) is not gate:
        return "This request was replaced by a newer one"
    if run.status is RunStatus.CANCELLED:
        error = run.error
        by = error.message.removesuffix(".") if error else "The run was cancelled"
        reason = f": “{error.reason}”" if error and error.reason else ""
        return f"{by}{reason}; nothing is awaited any more"
    return "The run ended before an answer came; nothing is awaited any more"


def _interrupted(run: Run, gate: Gate) -> list[str]:
    """What can be done where the run could not go on from here."""
    closed = gate.closed_at or 0.0
    goes_on = any((step.started_at or 0.0) > closed for step in run.steps.values())
    if run.status is not RunStatus.INTERRUPTED or (gate.closed_at and goes_on):
        return []
    why = run.error.message if run.error else "Its kernel is gone."
    return [f"The run was interrupted: {why}", "Its owner can resume it, or cancel it."]


# ---------------------------------------------------------------- votes


def _votes(gate: Gate) -> list[str]:
    return _bounded_votes([_vote(vote) for vote in gate.votes])


def _bounded_votes(lines: list[str]) -> list[str]:
    if len(lines) <= MAX_VOTES:
        return lines
    return [*lines[:MAX_VOTES], f"… and {len(lines) - MAX_VOTES} more"]


def _vote(vote: Vote) -> str:
    """As in "Approved by ann (logged in) on 2026-11-22 at 10:03 UTC"."""
    act = "Approved" if vote.approved else "Rejected"
    reason = f": “{vote.reason.strip()}”" if vote.reason and vote.reason.strip() else ""
    return f"{act} by {_voter(vote.voter)} on {_moment(vote.at)}{reason}"


def _voter(voter: Voter) -> str:
    name = _clean(voter.name) if voter.name else "somebody"
    return f"{name} ({_how(voter)})"


def _how(voter: Voter) -> str:
    """What the name is worth (G41)."""
    if voter.verified:
        other = voter.claimed and voter.claimed != voter.name
        return f"logged in; by the link for {voter.claimed}" if other else "logged in"
    if voter.route == "kernel":
        return "in the notebook, not verified"
    if voter.link is None:
        return f"by {voter.route}, not verified"
    return "by a link, not verified" if voter.name else "by a link that names nobody"


# ---------------------------------------------------------------- texts


def _moment(at: float | None) -> str:
    if at is None:
        return "an unknown day"
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d at %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return moments.said(at)


def _clean_lines(lines: list[str]) -> tuple[str, ...]:
    return tuple(_clean(line) for line in lines if line)


def _clean(text: str) -> str:
    """One line, without tokens and signs that steer a screen."""
    line = _steady(" ".join(hide_tokens(text).split()))
    return line if len(line) <= MAX_TEXT else f"{line[: MAX_TEXT - 1]}…"


def _steady(text: str) -> str:
    return "".join(c for c in text if c in _JOINERS or unicodedata.category(c) not in _STEERING)


_STEERING = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_JOINERS = "\n\t\u200c\u200d"


def _bounded(text: str) -> str:
    lines = text.splitlines()
    cut = "\n".join(lines[:MAX_LINES])[:MAX_DESCRIPTION]
    return cut if len(cut) == len("\n".join(lines)) else f"{cut}\n…"


def _plain(telling: Telling) -> str:
    parts = ["\n".join((telling.heading, *telling.lines)), telling.description]
    return "\n\n".join(filter(None, parts))


def _markdown(telling: Telling) -> str:
    """The description is a block of code, so that nothing in it has a meaning."""
    lines = [f"- {_escaped(line)}" for line in telling.lines]
    code = "\n".join(f"    {line}" for line in telling.description.splitlines())
    parts = [f"**{_escaped(telling.heading)}**", code, "\n".join(lines)]
    return "\n\n".join(filter(None, parts))


def _escaped(text: str) -> str:
    """As character references: a backslash would itself mean something before some signs."""
    return _MEANT.sub(lambda found: f"&#{ord(found[0])};", text)


_MEANT = re.compile(r"[\\`*_{}\[\]<>#+!|$~^&@=]")

_COLOURS = {"yes": "#2e8b57", "no": "#d9534f", "": "#d08700"}
"""Seen on white and on black."""


def _html(telling: Telling) -> str:
    return "".join(_elements(telling))


def _elements(telling: Telling) -> Iterator[str]:
    colour = _COLOURS[telling.mood]
    yield f'<div style="border-left: 4px solid {colour}; margin: 4px 0; padding: 2px 12px">'
    yield f'<p style="margin: 2px 0"><strong>{html.escape(telling.heading)}</strong></p>'
    if telling.description:
        said = html.escape(telling.description)
        yield f'<p style="margin: 6px 0; white-space: pre-wrap">{said}</p>'
    for line in telling.lines:
        yield f'<p style="margin: 2px 0">{html.escape(line)}</p>'
    yield "</div>"
