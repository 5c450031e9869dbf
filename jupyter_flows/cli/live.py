"""What a run in the foreground shows on a terminal: one bar for cells, and what is awaited."""

from collections.abc import Mapping

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from jupyter_flows.cli import words
from jupyter_flows.cli.display import awaited_lines, how_to_go_on, traceback_of
from jupyter_flows.cli.telling import as_line
from jupyter_flows.core import events as e
from jupyter_flows.core import things
from jupyter_flows.core.model import Gate, Run, RunStatus, StepId, StepStatus
from jupyter_flows.ports import Outputs

PERCENT = len("100 %")
"""Characters that a terminal of any width has for how far a step is."""

_DONE = (StepStatus.SUCCEEDED, StepStatus.SKIPPED)
_TOLD = (
    e.RunCreated,
    e.StepFailed,
    e.VoteCast,
    e.GateApproved,
    e.GateRejected,
    e.GateTimedOut,
    e.StepRetried,
    e.SectionEntered,
    e.RunSlept,
    e.RunStopped,
    e.RunFailing,
    e.VoteWithdrawn,
    e.RunInterrupted,
    e.RunResumed,
    e.CheckpointSaved,
    e.CheckpointFailed,
    e.CheckpointDoubted,
    e.KernelReleased,
    e.KernelRestored,
)
"""Events that leave a line above the bar; the others only move it."""


class LiveDisplay:
    """Implements `display.Display` with rich."""

    is_live = True

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[far]}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._bar = self._progress.add_task("starting", total=None, far="")
        self._told: Mapping[StepId, things.Progress] = {}
        self._status = Text("")
        self._live = Live(
            Group(self._progress, self._status),
            console=console,
            refresh_per_second=8,
            transient=True,
        )
        self._live.start()

    def happened(self, run: Run, event: e.Event) -> None:
        if isinstance(event, _TOLD):
            line = as_line(run, event)
            if line:
                self._say(line)
        self._show(run)

    def _show(self, run: Run) -> None:
        done = sum(step.status in _DONE for step in run.steps.values())
        now = run.running_step
        what = words.title(now) if now else str(run.status)
        far = words.how_far(self._told.get(now.id)) if now else ""
        width = max(self._console.width - 60, 10)
        self._progress.update(
            self._bar,
            completed=done,
            total=len(run.steps),
            description=what[:width],
            far=far[: max(width - len(what), PERCENT)].rstrip(),
        )
        if run.status is not RunStatus.SUSPENDED:
            self._status.plain = ""

    def progressed(self, run: Run, progress: Mapping[StepId, things.Progress]) -> None:
        self._told = progress
        self._show(run)

    def awaits(self, run: Run, gate: Gate, urls: Mapping[str, str] | None) -> None:
        self._show(run)
        for line in awaited_lines(run, gate, urls):
            self._say(line)
        self._status.plain = f"awaiting {len(gate.approvals)} of {gate.options.required_events}"

    def _say(self, line: str, style: str = "") -> None:
        """Never wrapped or cut, so that a link can be copied."""
        self._console.print(Text(line, style=style), soft_wrap=True)

    def notice(self, run: Run, message: str) -> None:  # noqa: ARG002
        self._say(message, "dim")

    def ended(self, run: Run, outputs: Mapping[StepId, Outputs]) -> None:
        self.close()
        for text in traceback_of(run, outputs):
            self._console.print(Text.from_ansi(text), soft_wrap=True)
        self._say(f"{run.id} {words.ended(run)}", words.COLOURS.get(run.status, ""))
        if advice := how_to_go_on(run, run.status):
            self._say(advice)

    def close(self) -> None:
        self._live.stop()
