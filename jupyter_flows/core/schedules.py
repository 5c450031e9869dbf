"""Schedules: when a notebook is due by its cron expression, and what a due time leads to (G84).

A due time is a moment in POSIX seconds. `due_at` is the next one that has not been seen to; a
paused schedule has none.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice, takewhile
from typing import NewType
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from jupyter_flows.core import cron
from jupyter_flows.core.errors import BadInput, Mistake, ScheduleInvalid
from jupyter_flows.core.model import NOTHING, Json, RunId
from jupyter_flows.core.plain import plain_json

ScheduleId = NewType("ScheduleId", str)

LATE_SECONDS = 60.0
"""A due time that passed longer ago than this was missed: no server was there to see to it."""

MAX_NAME = 200

_HOUR = 3600.0
RUN_KEYS = "schedule:"
"""What the idempotency keys of scheduled runs begin with, and no other's."""

_KEY = re.compile(r"schedule:(?P<id>[^:]+):\d+")


class CatchUp(StrEnum):
    """What becomes of missed due times: nothing, or one run for the newest of them."""

    SKIP = "skip"
    ONCE = "once"


class Schedule(Struct, frozen=True, kw_only=True):
    """`path` is the notebook, absolute; its runs' kernels start in `folder`. `output` is where the
    executed notebook goes, with strftime's codes for the due time on the clocks of `zone`.

    `last_due`, `last_run` and `last_error` tell of the last due time that was seen to: its run, or
    why there is none (`last_run` is then of an earlier one).
    """

    id: ScheduleId
    cron: str
    zone: str
    path: str
    folder: str
    owner: str
    created_at: float
    due_at: float | None = None
    name: str | None = None
    parameters: Mapping[str, Json] = NOTHING
    kernel_name: str | None = None
    output: str | None = None
    catch_up: CatchUp = CatchUp.SKIP
    paused: bool = False
    last_due: float | None = None
    last_run: RunId | None = None
    last_error: str | None = None


class Turn(Struct, frozen=True):
    """What a schedule is to do now: start a run for the due time `start`, or (None) nothing; and
    its next due time.
    """

    start: float | None
    due_at: float | None


def checked(schedule: Schedule, now: float) -> Schedule:
    """The schedule with its first due time. Raises ScheduleInvalid with all mistakes."""
    mistakes = list(_mistakes(schedule))
    if mistakes:
        raise ScheduleInvalid(mistakes)
    tidy = replace(schedule, cron=" ".join(schedule.cron.split()))
    return unpause(tidy, now)


def _mistakes(schedule: Schedule) -> Iterator[Mistake]:
    yield from cron.mistakes(schedule.cron)
    try:
        cron.zone_of(schedule.zone)
    except BadInput as error:
        yield Mistake("zone", str(error))
    name = schedule.name
    if name is not None and not (0 < len(name) <= MAX_NAME and name.isprintable()):
        yield Mistake("name", f"must have 1 to {MAX_NAME} characters that can be printed")
    try:
        plain_json(dict(schedule.parameters), "value of a parameter")
    except BadInput as error:
        yield Mistake("parameters", str(error))
    yield from _mistakes_of_output(schedule)


def _mistakes_of_output(schedule: Schedule) -> Iterator[Mistake]:
    if schedule.output is None:
        return
    try:
        datetime.fromtimestamp(schedule.created_at, UTC).strftime(schedule.output)
    except ValueError as error:
        yield Mistake("output", f"{schedule.output!r} can't be used as a pattern: {error}")


def next_times(schedule: Schedule, after: float, count: int) -> tuple[float, ...]:
    """The next due times behind `after`, as if it were not paused: `count`, or all there are.
    Raises BadInput where the time zone is not known (any more).
    """
    zone = cron.zone_of(schedule.zone)
    return tuple(islice(cron.times(schedule.cron, zone, after), count))


def _next(schedule: Schedule, after: float) -> float | None:
    return next(iter(next_times(schedule, after, 1)), None)


def pause(schedule: Schedule) -> Schedule:
    return replace(schedule, paused=True, due_at=None)


def unpause(schedule: Schedule, now: float) -> Schedule:
    """Going on with the next due time behind `now`: what passed during the pause is not missed."""
    return replace(schedule, paused=False, due_at=_next(schedule, now))


def turn(schedule: Schedule, now: float) -> Turn:
    """For a schedule whose due time has come. Of several times that have passed the newest counts,
    if it has just come or missed ones are caught up with. Raises BadInput as `next_times`.
    """
    due = schedule.due_at if schedule.due_at is not None else now
    newest = _newest(schedule, due, now)
    counts = schedule.catch_up is CatchUp.ONCE or now - newest <= LATE_SECONDS
    return Turn(newest if counts else None, _next(schedule, now))


def _newest(schedule: Schedule, due: float, now: float) -> float:
    """The newest due time from `due` to `now`. It is looked for in ever longer stretches before
    now: a schedule of every minute may have been left alone for years.
    """
    zone = cron.zone_of(schedule.zone)
    reach = _HOUR
    while True:
        start = max(due, now - reach)
        passed = takewhile(lambda at: at <= now, cron.times(schedule.cron, zone, start))
        newest = deque(passed, maxlen=1)
        if newest or start == due:
            return newest[0] if newest else due
        reach *= 2


def output_of(schedule: Schedule, due: float) -> str | None:
    """Where the executed notebook of this due time's run goes."""
    if schedule.output is None:
        return None
    return datetime.fromtimestamp(due, ZoneInfo(schedule.zone)).strftime(schedule.output)


def key_of(schedule: ScheduleId, due: float) -> str:
    """The idempotency key of the run for this due time: whoever starts it, there is one."""
    return f"schedule:{schedule}:{int(due)}"


def schedule_of(key: str | None) -> ScheduleId | None:
    """The schedule that started the run with this idempotency key, if one did."""
    found = _KEY.fullmatch(key or "")
    return ScheduleId(found["id"]) if found else None
