"""Schedules as a reader sees them: a table, with times on the clocks of each one's zone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from jupyter_flows.cli.runs import true_status
from jupyter_flows.cli.words import plain
from jupyter_flows.composition import House
from jupyter_flows.core import cron
from jupyter_flows.core.errors import BadInput, UnknownRun
from jupyter_flows.core.model import RunId, RunStatus
from jupyter_flows.core.schedules import Schedule

HEADS = ("ID", "NOTEBOOK", "CRON", "NEXT", "LAST RUN")


def moment(schedule: Schedule, at: float | None) -> str:
    """As in `2026-03-29 03:00 CEST (Europe/Berlin)`."""
    if at is None:
        return "never"
    try:
        zone = cron.zone_of(schedule.zone)
    except BadInput:
        zone = cron.zone_of("UTC")
    local = datetime.fromtimestamp(at, zone)
    return f"{local:%Y-%m-%d %H:%M %Z} ({zone.key})"


def named(schedule: Schedule) -> str:
    return plain(f"{schedule.id} ({schedule.name or Path(schedule.path).name})")


async def last_runs(house: House, known: Iterable[Schedule]) -> dict[RunId, RunStatus]:
    """How the schedules' last runs stand."""
    found: dict[RunId, RunStatus] = {}
    for run in {schedule.last_run for schedule in known if schedule.last_run}:
        try:
            found[run] = await true_status(house, await house.engine.row(run))
        except UnknownRun:
            continue
    return found


def table(known: Sequence[Schedule], statuses: Mapping[RunId, RunStatus]) -> list[str]:
    """The lines; a schedule's last error stands below it."""
    rows = [HEADS, *(_row(schedule, statuses) for schedule in known)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    found = lines[:1]
    for schedule, line in zip(known, lines[1:], strict=True):
        found.append(line)
        if schedule.last_error:
            found += _error(schedule, schedule.last_error)
    return found


def _row(schedule: Schedule, statuses: Mapping[RunId, RunStatus]) -> tuple[str, ...]:
    name = Path(schedule.path).name
    run = schedule.last_run
    last = f"{run} {statuses.get(run, '')}".rstrip() if run else "-"
    due = "paused" if schedule.paused else moment(schedule, schedule.due_at)
    shown = f"{schedule.name}: {name}" if schedule.name else name
    return schedule.id, plain(shown), schedule.cron, due, last


def _error(schedule: Schedule, error: str) -> Iterable[str]:
    when = "" if schedule.last_due is None else f" at {moment(schedule, schedule.last_due)}"
    yield f"  no run{when}:"
    for line in plain(error).splitlines():
        yield f"    {line}"
