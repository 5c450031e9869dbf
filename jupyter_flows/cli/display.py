"""What a run in the foreground says: to a machine as JSON, to a file or pipe as plain lines."""

import json
import sys
from collections.abc import Mapping
from typing import Protocol

from jupyter_flows.cli import words
from jupyter_flows.cli.choosing import has_to_choose, how_to_choose
from jupyter_flows.cli.telling import as_json, as_line
from jupyter_flows.core import events as e
from jupyter_flows.core import machine
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.model import Gate, Run, RunStatus, StepId
from jupyter_flows.core.things import Progress
from jupyter_flows.ports import Outputs
from jupyter_flows.web.times import time_or_none

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
  {"event": "interrupted", "run", "why", "choices"}
  {"event": "resumed", "run", "step", "with"}
  {"event": "checkpoint_saved", "run", "variables", "bytes", "new_bytes", "seconds", "complete",
   "unsaved": [{"name", "type", "path", "reason", "step", "cell"}]}
  {"event": "checkpoint_failed" | "checkpoint_doubted", "run", "why"}
  {"event": "kernel_released", "run"}
  {"event": "kernel_restored", "run", "replayed", "changes"}
  {"event": "notice", "run", "message"}
and the last line, always:
  {"event": "finished", "run", "status", "result", "error"}
Its status is the run's when the command ends; so it can be suspended or interrupted too.
"""


class Display(Protocol):
    """Told of every event in order, with the run as it is after it; one that `is_live` also of how
    far the running step is.
    """

    is_live: bool

    def happened(self, run: Run, event: e.Event) -> None: ...

    def progressed(self, run: Run, progress: Mapping[StepId, Progress]) -> None:
        """What the steps that run say of themselves."""

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

    is_live = False

    def happened(self, run: Run, event: e.Event) -> None:
        line = as_json(run, event)
        if line is not None:
            _write(json.dumps(line, ensure_ascii=False))

    def progressed(self, run: Run, progress: Mapping[StepId, Progress]) -> None:
        """It is told of events alone."""

    def awaits(self, run: Run, gate: Gate, urls: Mapping[str, str] | None) -> None:
        line = {
            "event": "suspended",
            "run": run.id,
            "gate": gate.step,
            "generation": gate.generation,
            "required_events": gate.options.required_events,
            "votes": len(gate.approvals),
            "deadline": time_or_none(gate.deadline),
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


def _write(line: str) -> None:
    """At once, whoever reads."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


# ---------------------------------------------------------------- plain lines


class PlainLines:
    """One line an event that matters; a link stands on a line of its own, in full."""

    is_live = False

    def happened(self, run: Run, event: e.Event) -> None:
        line = as_line(run, event)
        if line:
            _write(line)

    def progressed(self, run: Run, progress: Mapping[StepId, Progress]) -> None:
        """It is told of events alone."""

    def awaits(self, run: Run, gate: Gate, urls: Mapping[str, str] | None) -> None:
        for line in awaited_lines(run, gate, urls):
            _write(line)

    def notice(self, run: Run, message: str) -> None:  # noqa: ARG002
        _write(message)

    def ended(self, run: Run, outputs: Mapping[StepId, Outputs]) -> None:
        for text in traceback_of(run, outputs):
            _write(words.plain(text))
        _write(f"{run.id} {words.ended(run)}")
        if advice := how_to_go_on(run, run.status):
            _write(advice)

    def close(self) -> None:
        """Nothing to tidy up."""


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


def how_to_go_on(run: Run, status: RunStatus) -> str:
    """What the reader can do once no server has the run."""
    if status in (RunStatus.SUCCEEDED, RunStatus.CANCELLED):
        return ""
    if has_to_choose(run):
        return how_to_choose(run)
    what = "wait for it here" if status in machine.WAITS else "go on from there"
    saved = machine.stand_in(run) is not None or Choice.CHECKPOINT in machine.choices(run)
    how = ", with the variables that are saved" if saved else ""
    return f"To {what}{how}: jupyter flows resume {run.id}"


def choose_display(as_json: bool) -> Display:
    """A live one on a terminal only."""
    if as_json:
        return JsonLines()
    if not sys.stdout.isatty():
        return PlainLines()
    from rich.console import Console  # noqa: PLC0415 (slow to load)

    from jupyter_flows.cli.live import LiveDisplay  # noqa: PLC0415

    return LiveDisplay(Console())
