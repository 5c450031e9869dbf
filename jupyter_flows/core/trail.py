"""The log told to a reader: one line an event, with when, who and what (G71)."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from jupyter_flows.core import events as e
from jupyter_flows.core import moments, sizes
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import GateOptions, Voter


class Who(Struct, frozen=True):
    """`verified` says of an approver that they were logged in, and False that their link claims
    the name (G41); it is None for a name that the log has by itself (an owner, who revoked).
    `claimed` is the name in the link of somebody who was logged in.
    """

    name: str | None
    verified: bool | None = None
    route: str | None = None
    link: str | None = None
    claimed: str | None = None
    groups: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.verified is None:
            return self.name or "anonymous"
        how = "logged in" if self.verified else "claimed"
        link = f" {self.link}" if self.link else ""
        claimed = f" for {self.claimed}" if self.claimed else ""
        return f"{self.name or 'anonymous'} ({how}, by {self.route}{link}{claimed})"


class Line(Struct, frozen=True):
    """`digest` is that of what a gate showed or was asked with (G70). No token is in a line."""

    seq: int
    at: float
    kind: str
    who: Who | None
    what: str
    digest: str | None = None


def trail(events: Iterable[e.Recorded]) -> list[Line]:
    return [_line(row) for row in events]


def _line(row: e.Recorded) -> Line:
    kind = type(row.event)
    say = _SAY.get(kind, _plainly)
    return Line(
        seq=row.seq,
        at=row.at,
        kind=kind.__name__,
        who=_who(row.event),
        what=hide_tokens(say(row.event)),
        digest=getattr(row.event, "digest", None),
    )


def _who(event: e.Event) -> Who | None:
    voter = getattr(event, "voter", None)
    if isinstance(voter, Voter):
        name = None if voter.name is None else hide_tokens(voter.name)
        claimed = None if voter.claimed is None else hide_tokens(voter.claimed)
        return Who(name, voter.verified, voter.route, voter.link, claimed, voter.groups)
    by = getattr(event, "by", getattr(event, "owner", None))
    return None if by is None else Who(hide_tokens(by))


def _plainly(event: e.Event) -> str:
    """For a kind without words of its own: its name, and the step or gate that it concerns."""
    said = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(event).__name__).lower()
    where = getattr(event, "gate", None) or getattr(event, "step", None)
    return f"{said}: {where}" if where else said


def _gate(event: Any) -> str:
    opening = f" (opening {event.generation})" if event.generation > 1 else ""
    return f"gate {event.gate}{opening}"


def _reason(reason: str | None) -> str:
    return f": {reason}" if reason else ""


def _created(event: e.RunCreated) -> str:
    return f"run created: {event.path or 'a notebook'}, {len(event.steps)} steps"


def _started(event: e.StepStarted) -> str:
    attempt = f", attempt {event.attempt}" if event.attempt > 1 else ""
    return f"step {event.step} started{attempt}"


def _entered(event: e.SectionEntered) -> str:
    return f"section {event.section} {'skipped' if event.skipped else 'entered'}"


def _interrupted(event: e.RunInterrupted) -> str:
    asks = f" (to choose: {', '.join(event.choices)})" if len(event.choices) > 1 else ""
    return f"run interrupted: {event.why}{asks}"


def _resumed(event: e.RunResumed) -> str:
    resumed = f"run resumed from step {event.step}{_WITH[event.choice]}"
    if event.steps is None:
        return resumed
    return f"{resumed}, with the notebook as it was edited; approvals ahead of gates count no more"


_WITH: Mapping[Choice, str] = {
    Choice.CHECKPOINT: ", with the variables that were saved",
    Choice.CHANGED: ", with the variables that were saved, whatever has changed since",
    Choice.KERNEL: ", in its kernel as that is now",
    Choice.RERUN: "",
}


def _saved(event: e.CheckpointSaved) -> str:
    made = event.checkpoint
    saved = f"variables saved: {made.variables} ({sizes.shown(made.size)})"
    return f"{saved}, and {len(made.unsaved)} that cannot be" if made.unsaved else saved


def _restored(event: e.KernelRestored) -> str:
    again = f"; run again for it: {', '.join(event.replayed)}" if event.replayed else ""
    changed = f"; changed since, and accepted: {'; '.join(event.changes)}" if event.changes else ""
    return f"saved variables restored into the kernel{again}{changed}"


def _failed(event: e.StepFailed | e.StepRetried | e.RunFailing | e.RunFailed) -> str:
    what = f"step {event.step}" if isinstance(event, e.StepFailed | e.StepRetried) else "run"
    return f"{what} failed: {event.error.name}: {event.error.message}{_reason(event.error.reason)}"


def _opened(event: e.GateOpened) -> str:
    needed = _needed(event.options)
    return f"{_gate(event)} opened: {needed} until {moments.said(event.deadline)}"


def _shown(event: e.GateShown) -> str:
    what = "its card in the inbox" if event.voter.route == "inbox" else "its page"
    return f"{_gate(event)}: {what} was shown"


def _needed(options: GateOptions) -> str:
    count = options.required_events
    return f"{count} {'approval' if count == 1 else 'approvals'} needed"


def _voted(event: e.VoteCast) -> str:
    act = "approved" if event.approved else "rejected"
    what = "in advance, by a link for the whole run" if event.gate is None else _gate(event)
    return f"{act} {what}{_reason(event.reason)}"


def _dismissed(event: e.VoteDismissed) -> str:
    return (
        f"{'approval' if event.approved else 'rejection'} for {_gate(event)} does not count: "
        + (event.why)
    )


def _minted(event: e.LinkMinted) -> str:
    where = "the whole run" if event.gate is None else _gate(event)
    for_whom = f" for {event.approver}" if event.approver else ""
    return f"link {event.link} for {where} made{for_whom}"


def _amended(event: e.OutputsAmended) -> str:
    return f"outputs changed of {', '.join(event.outputs) or 'no step'}"


_SAY: Mapping[type[e.Event], Callable[[Any], str]] = {
    e.RunCreated: _created,
    e.RunStarted: lambda _: "run started",
    e.StepStarted: _started,
    e.StepSkipped: lambda event: f"step {event.step} skipped",
    e.SectionEntered: _entered,
    e.StepSucceeded: lambda event: f"step {event.step} succeeded",
    e.StepFailed: _failed,
    e.StepRetried: lambda event: f"{_failed(event)}; it is to be tried again",
    e.StepPaused: lambda event: f"step {event.step} waits in its midst, at {event.key!r}",
    e.InnerStepKept: lambda event: (
        f"{event.key!r} of step {event.step} {'failed' if event.failed else 'done'}, and kept"
    ),
    e.InnerGateExpected: lambda event: (
        f"step {event.step} is going to ask{f', at {event.key!r}' if event.key else ''}"
    ),
    e.RunSlept: lambda event: (
        f"run sleeps behind step {event.step} until {moments.said(event.until)}"
    ),
    e.RunWoken: lambda _: "run woken",
    e.RunStopped: lambda event: f"run ended early behind step {event.step}",
    e.RunFailing: _failed,
    e.OutputsAmended: _amended,
    e.WidgetsSaved: lambda _: "widgets' state saved",
    e.GateOpened: _opened,
    e.GateShown: _shown,
    e.VoteCast: _voted,
    e.PreVoteCounted: lambda event: f"vote by link {event.link} counted by {_gate(event)}",
    e.VoteDismissed: _dismissed,
    e.VoteWithdrawn: lambda event: f"approval of {_gate(event)} withdrawn",
    e.GateApproved: lambda event: f"{_gate(event)} approved",
    e.GateRejected: lambda event: f"{_gate(event)} rejected",
    e.GateTimedOut: lambda event: f"{_gate(event)} timed out",
    e.LinkMinted: _minted,
    e.LinkRevoked: lambda event: f"link {event.link} revoked",
    e.RunInterrupted: _interrupted,
    e.RunResumed: _resumed,
    e.KernelRebuilt: lambda _: "kernel rebuilt: what the earlier cells had made is in it again",
    e.CheckpointSaved: _saved,
    e.CheckpointFailed: lambda event: f"variables not saved: {event.why}",
    e.CheckpointDoubted: lambda event: (
        f"kernel kept: loading the saved variables was tried, and failed: {event.why}"
    ),
    e.KernelReleased: lambda _: "kernel released: all that was in it is saved",
    e.KernelRestored: _restored,
    e.RunSucceeded: lambda _: "run succeeded",
    e.RunFailed: _failed,
    e.RunCancelled: lambda event: f"run cancelled{_reason(event.reason)}",
    e.NotebookMoved: lambda event: f"notebook moved to {event.path}",
}
