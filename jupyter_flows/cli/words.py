"""How runs, gates and times are said to a reader."""

import re
from datetime import datetime

from jupyter_flows.core import durations, policy
from jupyter_flows.core.descriptions import plain_description
from jupyter_flows.core.model import Gate, Run, RunStatus, Step, StepStatus, Voter
from jupyter_flows.core.things import Progress

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

COLOURS = {
    RunStatus.SUCCEEDED: "green",
    RunStatus.FAILED: "red",
    RunStatus.INTERRUPTED: "red",
    RunStatus.CANCELLED: "yellow",
    RunStatus.SUSPENDED: "cyan",
    RunStatus.SLEEPING: "cyan",
}


def plain(text: str) -> str:
    """Without colours and other control sequences."""
    return _CONTROL.sub("", _ANSI.sub("", text))


def when(at: float | None) -> str:
    """A moment in the reader's own time zone."""
    if at is None:
        return "-"
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def took(step: Step) -> str:
    if step.started_at is None or step.finished_at is None or step.status is StepStatus.PENDING:
        return ""
    return seconds(step.finished_at - step.started_at)


def how_far(progress: Progress | None) -> str:
    """As in `42 % (loading)`; empty where nothing is known."""
    if progress is None:
        return ""
    return plain(f"{progress.percent} %" + (f" ({progress.message})" if progress.message else ""))


def seconds(duration: float) -> str:
    return durations.spoken(duration) if duration >= 60 else f"{duration:.1f} s"


def title(step: Step) -> str:
    """The step's name and, if it has one, its summary."""
    return plain(f"{step.id}: {step.spec.summary}" if step.spec.summary else step.id)


def cell(step: Step) -> str:
    return f"cell {step.spec.index + 1}, step {plain(step.id)!r}"


def place(run: Run, step: Step) -> str:
    """As in [3/10]."""
    return f"[{list(run.steps).index(step.id) + 1}/{len(run.steps)}]"


def awaited(gate: Gate) -> str:
    """What is missing, and until when."""
    options = gate.options
    until = f"until {when(gate.deadline)}"
    return (
        f"waits for approval: {len(gate.approvals)} of {options.required_events}{whose(gate)},"
        f" {until}; then {on_timeout(gate)}"
    )


def whose(gate: Gate) -> str:
    """From whom it must come, where the author says so (G42 to G44)."""
    options = gate.options
    groups = [f"{need.required} of {need.group}" for need in policy.missing(gate)]
    said = groups or list(options.approvers) or list(options.user_groups_required)
    joined = " then " if options.sequential else (" and " if groups else " or ")
    who = f" ({joined.join(said)})" if said else ""
    return who + (", not by the run's owner" if options.self_approval_disabled else "")


def on_timeout(gate: Gate) -> str:
    if gate.options.on_timeout is not None:
        return "it counts as approved"
    if gate.options.continue_on_disapprove_timeout:
        return "the run goes on without"
    return "the run fails"


def described(gate: Gate) -> str:
    """What the author says of the gate, as far as a terminal shows it; it may be several lines."""
    return plain(plain_description(gate.options.description))


def voted(voter: Voter, approved: bool, reason: str | None) -> str:
    act = "approved" if approved else "rejected"
    how = "logged in" if voter.verified else f"by {voter.route}"
    why = f": {reason}" if reason else ""
    return plain(f"{act} by {voter.shown} ({how}){why}")


def ended(run: Run) -> str:
    """The run's last word."""
    if run.status is RunStatus.FAILED and run.error is not None:
        reason = f" ({run.error.reason})" if run.error.reason else ""
        return plain(f"failed: {run.error.name}: {run.error.message}{reason}")
    if run.finished_at is not None and run.started_at is not None:
        return f"{run.status} in {seconds(run.finished_at - run.started_at)}"
    return str(run.status)


def failed_step(run: Run) -> Step | None:
    """The one that the run failed at; not one that was allowed to fail."""
    failed = (s for s in run.steps.values() if s.status is StepStatus.FAILED)
    return next((step for step in failed if not step.spec.continue_on_error), None)
