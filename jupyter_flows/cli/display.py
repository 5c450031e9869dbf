"""What a run in the foreground says: to a machine as JSON, to a file or pipe as plain lines."""

import json
import sys
from collections.abc import Mapping
from typing import Protocol

from jupyter_flows.cli import words
from jupyter_flows.core import events as e
from jupyter_flows.core.model import Gate, Json, Run, RunId, RunStatus, StepId
from jupyter_flows.ports import Outputs
from jupyter_flows.web import views

JSON_HELP = """\b
With --json each line of standard output is one object:
  {"event": "created", "run", "path", "cells"}
  {"event": "step_started", "run", "step", "index", "attempt", "summary"}
  {"event": "step_succeeded" | "step_skipped", "run", "step", "index", "result"}
  {"event": "step_failed", "run", "step", "index", "error"}
  {"event": "suspended", "run", "gate", "generation", "required_events", "votes",
   "deadline", "description", "links": {"approvalPage", "resume", "cancel"} | null}
  {"event": "vote", "run", "gate", "approver", "verified", "approved", "reason"}
  {"event": "gate_closed", "run", "gate", "generation", "status"}
  {"event": "interrupted", "run", "why"}      {"event": "resumed", "run", "step"}
  {"event": "notice", "run", "message"}
and the last line, always:
  {"event": "finished", "run", "status", "result", "error"}
Its status is the run's when the command ends; so it can be suspended or interrupted too.
"""


class Display(Protocol):
    """Told of every event in order, with the run as it is after it."""

    def happened(self, run: Run, event: e.Event) -> None: ...

    def awaits(self, run: Run, gate: Gate, urls: Mapping[str, str] | None) -> None:
        """The run is suspended. `urls` None: no server that has it is up."""

    def notice(self, run: Run, message: str) -> None: ...

    def ended(self, run: Run, outputs: Mapping[StepId, Outputs]) -> None:
        """The last word; `outputs` are those of the step that failed, if one did."""

    def close(self) -> None:
        """Leave the terminal as it was."""


# ---------------------------------------------------------------- JSON


class JsonLines:
    """Small and stable; documented in `JSON_HELP`."""

    def happened(self, run: Run, event: e.Event) -> None:
        line = as_json(run, event)
        if line is not None:
            _write(json.dumps(line, ensure_ascii=False))

    def awaits(self, run: Run, gate: Gate, urls: Mapping[str, str] | None) -> None:
        line = {
            "event": "suspended",
            "run": run.id,
            "gate": gate.step,
            "generation": gate.generation,
            "required_events": gate.options.required_events,
            "votes": len(gate.approvals),
            "deadline": views.time_or_none(gate.deadline),
            "description": gate.options.description,
            "links": dict(urls) if urls else None,
        }
        _write(json.dumps(line, ensure_ascii=False))

    def notice(self, run: Run, message: str) -> None:
        line = {"event": "notice", "run": run.id, "message": message}
        _write(json.dumps(line, ensure_ascii=False))

    def ended(self, run: Run, outputs: Mapping[StepId, Outputs]) -> None:  # noqa: ARG002
        line = {
            "event": "finished",
            "run": run.id,
            "status": run.status,
            "result": run.result,
            "error": run.error.as_json() if run.error else None,
        }
        _write(json.dumps(line, ensure_ascii=False))

    def close(self) -> None:
        """Nothing to tidy up."""


def as_json(run: Run, event: e.Event) -> dict[str, Json] | None:
    """The line of an event; None for one that a reader need not know."""
    match event:
        case e.RunCreated():
            said: dict[str, Json] = {
                "event": "created",
                "path": event.path,
                "cells": len(event.steps),
            }
        case e.StepStarted():
            spec = run.steps[event.step].spec
            said = _of_step("step_started", run, event.step)
            said |= {"attempt": event.attempt, "summary": spec.summary}
        case e.StepSucceeded():
            said = {**_of_step("step_succeeded", run, event.step), "result": event.result}
        case e.StepSkipped():
            said = {**_of_step("step_skipped", run, event.step), "result": None}
        case e.StepFailed():
            said = {**_of_step("step_failed", run, event.step), "error": event.error.as_json()}
        case e.VoteCast():
            said = {
                "event": "vote",
                "gate": event.gate,
                "approver": event.voter.name,
                "verified": event.voter.verified,
                "approved": event.approved,
                "reason": event.reason,
            }
        case e.GateApproved() | e.GateRejected() | e.GateTimedOut():
            status = run.gates[event.gate, event.generation].status
            said = {"event": "gate_closed", "gate": event.gate, "status": status}
            said["generation"] = event.generation
        case e.RunInterrupted():
            said = {"event": "interrupted", "why": event.why}
        case e.RunResumed():
            said = {"event": "resumed", "step": event.step}
        case _:
            return None
    return {"event": said.pop("event"), "run": run.id, **said}


def _of_step(event: str, run: Run, step: StepId) -> dict[str, Json]:
    return {"event": event, "step": step, "index": run.steps[step].spec.index}


def _write(line: str) -> None:
    """At once, whoever reads."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


# ---------------------------------------------------------------- plain lines


class PlainLines:
    """One line an event that matters; a link stands on a line of its own, in full."""

    def happened(self, run: Run, event: e.Event) -> None:
        line = as_line(run, event)
        if line:
            _write(line)

    def awaits(self, run: Run, gate: Gate, urls: Mapping[str, str] | None) -> None:
        for line in awaited_lines(run, gate, urls):
            _write(line)

    def notice(self, run: Run, message: str) -> None:  # noqa: ARG002
        _write(message)

    def ended(self, run: Run, outputs: Mapping[StepId, Outputs]) -> None:
        for text in traceback_of(run, outputs):
            _write(words.plain(text))
        _write(f"{run.id} {words.ended(run)}")
        if advice := how_to_go_on(run.status, run.id):
            _write(advice)

    def close(self) -> None:
        """Nothing to tidy up."""


def as_line(run: Run, event: e.Event) -> str:
    """The line of an event; empty for one that a reader need not know."""
    return _line_of_step(run, event) or _line_of_run(run, event)


def _line_of_step(run: Run, event: e.Event) -> str:
    if not isinstance(event, e.StepStarted | e.StepSkipped | e.StepSucceeded | e.StepFailed):
        return ""
    step = run.steps[event.step]
    at = f"{words.place(run, step)} {words.title(step)}"
    match event:
        case e.StepStarted():
            return f"{at} (attempt {event.attempt})" if event.attempt > 1 else at
        case e.StepSkipped():
            return f"{at}: skipped"
        case e.StepSucceeded():
            return f"{at}: {step.notice}" if step.notice else ""
        case e.StepFailed():
            return words.plain(
                f"failed in {words.cell(step)}: {event.error.name}: {event.error.message}"
            )


def _line_of_run(run: Run, event: e.Event) -> str:
    line = ""
    match event:
        case e.RunCreated():
            name = event.name or event.path
            line = f"{run.id} {name}: {len(event.steps)} cells, kernel {event.kernel_name}"
        case e.VoteCast():
            line = words.voted(event.voter, event.approved, event.reason)
        case e.GateApproved() | e.GateRejected() | e.GateTimedOut():
            gate = run.gates[event.gate, event.generation]
            line = f"gate {gate.step} {gate.status.replace('_', ' ')}"
        case e.RunInterrupted():
            line = f"interrupted: {event.why}"
        case e.RunResumed():
            line = f"resumed by {event.by} from step {event.step}"
    return words.plain(line)


def awaited_lines(run: Run, gate: Gate, urls: Mapping[str, str] | None) -> list[str]:
    """What is awaited, and every way to give it."""
    lines = [f"{run.id} {words.awaited(gate)}"]
    if words.described(gate):
        lines.append(words.described(gate))
    for name, url in (urls or {}).items():
        if name != "cancel" or not gate.options.hide_cancel:
            lines += [f"{_LINKS[name]}:", url]
    if not urls:
        lines.append("Its links work once its server is up again.")
    return [*lines, f"Or: jupyter flows approve {run.id}"]


_LINKS = {"approvalPage": "To look and decide", "resume": "To approve", "cancel": "To reject"}


def traceback_of(run: Run, outputs: Mapping[StepId, Outputs]) -> list[str]:
    """The failed step's traceback, with its colours."""
    step = words.failed_step(run)
    found = outputs.get(step.id, ()) if step else ()
    return [
        "\n".join(map(str, output.get("traceback", ())))
        for output in found
        if output.get("output_type") == "error"
    ]


def how_to_go_on(status: RunStatus, run: RunId) -> str:
    """What the reader can do once no server has the run."""
    if status in (RunStatus.SUCCEEDED, RunStatus.CANCELLED):
        return ""
    what = "wait for it here" if status is RunStatus.SUSPENDED else "go on from there"
    return f"To {what}: jupyter flows resume {run}"


def choose_display(as_json: bool) -> Display:
    """A live one on a terminal only."""
    if as_json:
        return JsonLines()
    if not sys.stdout.isatty():
        return PlainLines()
    from rich.console import Console  # noqa: PLC0415 (slow to load)

    from jupyter_flows.cli.live import LiveDisplay  # noqa: PLC0415

    return LiveDisplay(Console())
