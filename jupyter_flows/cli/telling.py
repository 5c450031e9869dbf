"""An event told in a line: for a person, and as JSON for a machine."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from jupyter_flows.cli import words
from jupyter_flows.core import events as e
from jupyter_flows.core import machine, saved
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.model import Json, Run, StepId
from jupyter_flows.web.checkpoint_views import unsaved_views

Said: TypeAlias = dict[str, Json]


def as_json(run: Run, event: e.Event) -> Said | None:
    """The line of an event; None for one that a reader need not know."""
    tell = _JSON.get(type(event))
    if tell is None:
        return None
    said = tell(run, event)
    return {"event": said.pop("event"), "run": run.id, **said}


def as_line(run: Run, event: e.Event) -> str:
    """The line of an event; empty for one that a reader need not know."""
    tell = _LINES.get(type(event))
    return words.plain(tell(run, event)) if tell else ""


# ---------------------------------------------------------------- for machines


def _of_step(event: str, run: Run, step: StepId) -> Said:
    return {"event": event, "step": step, "index": run.steps[step].spec.index}


def _started(run: Run, event: e.StepStarted) -> Said:
    spec = run.steps[event.step].spec
    said = _of_step("step_started", run, event.step)
    return {**said, "attempt": event.attempt, "summary": spec.summary}


def _failed(run: Run, event: e.StepFailed) -> Said:
    return {**_of_step("step_failed", run, event.step), "error": event.error.as_json()}


def _retried(run: Run, event: e.StepRetried) -> Said:
    return {**_of_step("step_retried", run, event.step), "error": event.error.as_json()}


def _vote(_: Run, event: e.VoteCast) -> Said:
    return {
        "event": "vote",
        "gate": event.gate,
        "approver": event.voter.name,
        "verified": event.voter.verified,
        "approved": event.approved,
        "reason": event.reason,
    }


def _closed(run: Run, event: Any) -> Said:
    status = run.gates[event.gate, event.generation].status
    said: Said = {"event": "gate_closed", "gate": event.gate, "status": status}
    return {**said, "generation": event.generation}


def _saved(run: Run, event: e.CheckpointSaved) -> Said:
    made = event.checkpoint
    return {
        "event": "checkpoint_saved",
        "variables": made.variables,
        "bytes": made.size,
        "new_bytes": made.new,
        "seconds": made.seconds,
        "complete": made.complete,
        "unsaved": [msgspec.to_builtins(each) for each in unsaved_views(run, made)],
    }


def _restored(_: Run, event: e.KernelRestored) -> Said:
    said: Said = {"event": "kernel_restored", "replayed": list(event.replayed)}
    return {**said, "changes": list(event.changes)}


_JSON: Mapping[type[e.Event], Callable[[Run, Any], Said]] = {
    e.RunCreated: lambda _, x: {"event": "created", "path": x.path, "cells": len(x.steps)},
    e.StepStarted: _started,
    e.StepSucceeded: lambda run, x: {**_of_step("step_succeeded", run, x.step), "result": x.result},
    e.StepSkipped: lambda run, x: {**_of_step("step_skipped", run, x.step), "result": None},
    e.StepFailed: _failed,
    e.StepRetried: _retried,
    e.SectionEntered: lambda _, x: {"event": "section", "cell": x.section, "skipped": x.skipped},
    e.VoteCast: _vote,
    e.VoteWithdrawn: lambda _, x: {"event": "withdrawn", "gate": x.gate, "approver": x.voter.name},
    e.GateApproved: _closed,
    e.GateRejected: _closed,
    e.GateTimedOut: _closed,
    e.RunSlept: lambda _, x: {"event": "sleeping", "step": x.step, "until": x.until},
    e.RunWoken: lambda _, __: {"event": "woken"},
    e.RunStopped: lambda _, x: {"event": "stopped", "step": x.step},
    e.RunFailing: lambda _, x: {"event": "failing", "step": x.step, "error": x.error.as_json()},
    e.RunInterrupted: lambda _, x: {
        "event": "interrupted",
        "why": x.why,
        "choices": list(x.choices),
    },
    e.RunResumed: lambda _, x: {"event": "resumed", "step": x.step, "with": x.choice},
    e.CheckpointSaved: _saved,
    e.CheckpointFailed: lambda _, x: {"event": "checkpoint_failed", "why": x.why},
    e.CheckpointDoubted: lambda _, x: {"event": "checkpoint_doubted", "why": x.why},
    e.KernelReleased: lambda _, __: {"event": "kernel_released"},
    e.KernelRestored: _restored,
}

# ---------------------------------------------------------------- for people


def _place(run: Run, step_id: StepId) -> str:
    step = run.steps[step_id]
    return f"{words.place(run, step)} {words.title(step)}"


def _start_line(run: Run, event: e.StepStarted) -> str:
    again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
    return _place(run, event.step) + again


def _notice_line(run: Run, event: e.StepSucceeded) -> str:
    notice = run.steps[event.step].notice
    return f"{_place(run, event.step)}: {notice}" if notice else ""


def _failure_line(run: Run, event: e.StepFailed | e.StepRetried) -> str:
    error, cell = event.error, words.cell(run.steps[event.step])
    again = ", to be tried again" if isinstance(event, e.StepRetried) else ""
    return f"failed in {cell}{again}: {error.name}: {error.message}"


def _created_line(run: Run, event: e.RunCreated) -> str:
    name = event.name or event.path
    return f"{run.id} {name}: {len(event.steps)} cells, kernel {event.kernel_name}"


def _closed_line(run: Run, event: Any) -> str:
    gate = run.gates[event.gate, event.generation]
    return f"gate {gate.step} {gate.status.replace('_', ' ')}"


def _section_line(_: Run, event: e.SectionEntered) -> str:
    return f"the section of {event.section} is skipped" if event.skipped else ""


def _failing_line(_: Run, event: e.RunFailing) -> str:
    return f"fails: {event.error.name}: {event.error.message}; its failure cells run now"


def _saved_line(run: Run, event: e.CheckpointSaved) -> str:
    """Of what is saved between two cells nobody need know."""
    if run.status not in machine.WAITS:
        return ""
    return " ".join(saved.of_checkpoint(event.checkpoint, run))


def _restored_line(_: Run, event: e.KernelRestored) -> str:
    again = f"; run again for it: {', '.join(event.replayed)}" if event.replayed else ""
    changed = f", though {'; '.join(event.changes)}" if event.changes else ""
    return f"the saved variables are back{again}{changed}"


def _resumed_line(_: Run, event: e.RunResumed) -> str:
    return f"resumed by {event.by} from step {event.step}{_WITH[event.choice]}"


_WITH: Mapping[Choice, str] = {
    Choice.CHECKPOINT: " with the saved variables",
    Choice.CHANGED: " with the saved variables, whatever has changed since",
    Choice.KERNEL: " in its kernel as that is now",
    Choice.RERUN: "",
}

_LINES: Mapping[type[e.Event], Callable[[Run, Any], str]] = {
    e.RunCreated: _created_line,
    e.StepStarted: _start_line,
    e.StepSkipped: lambda run, x: f"{_place(run, x.step)}: skipped",
    e.StepSucceeded: _notice_line,
    e.StepFailed: _failure_line,
    e.StepRetried: _failure_line,
    e.SectionEntered: _section_line,
    e.VoteCast: lambda _, x: words.voted(x.voter, x.approved, x.reason),
    e.VoteWithdrawn: lambda _, x: f"{x.voter.shown} has withdrawn the approval",
    e.GateApproved: _closed_line,
    e.GateRejected: _closed_line,
    e.GateTimedOut: _closed_line,
    e.RunSlept: lambda _, x: f"sleeps until {words.when(x.until)}",
    e.RunStopped: lambda run, x: f"stopped early behind {words.cell(run.steps[x.step])}",
    e.RunFailing: _failing_line,
    e.RunInterrupted: lambda _, x: f"interrupted: {x.why}",
    e.RunResumed: _resumed_line,
    e.CheckpointSaved: _saved_line,
    e.CheckpointFailed: lambda _, x: f"the variables are not saved: {x.why}",
    e.CheckpointDoubted: lambda _, x: (
        f"the kernel is kept: loading the saved variables was tried, and failed: {x.why}"
    ),
    e.KernelReleased: lambda _, __: "the kernel is released; it comes back when the run goes on",
    e.KernelRestored: _restored_line,
}
