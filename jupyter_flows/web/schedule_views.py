"""What the doors show of schedules."""

from collections.abc import Mapping

from msgspec import Struct

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Json
from jupyter_flows.core.schedules import CatchUp, Schedule
from jupyter_flows.engine.schedules import Schedules
from jupyter_flows.web.times import Time, time, time_or_none

SHOWN_TIMES = 5


class ScheduleView(Struct):
    """`due_at` is when a run starts next; `next_times` is what the cron expression says, also of a
    paused schedule. `last_due` is the last due time that was seen to, `last_error` why no run could
    be started then.
    """

    id: str
    name: str | None
    cron: str
    zone: str
    path: str
    owner: str
    parameters: Mapping[str, Json]
    kernel_name: str | None
    output: str | None
    catch_up: CatchUp
    paused: bool
    created_at: Time
    due_at: Time | None
    next_times: list[Time]
    last_due: Time | None
    last_run: str | None
    last_error: str | None


class ScheduleList(Struct):
    schedules: list[ScheduleView]


def schedule_view(schedules: Schedules, schedule: Schedule) -> ScheduleView:
    return ScheduleView(
        id=schedule.id,
        name=schedule.name,
        cron=schedule.cron,
        zone=schedule.zone,
        path=schedule.path,
        owner=schedule.owner,
        parameters=dict(schedule.parameters),
        kernel_name=schedule.kernel_name,
        output=schedule.output,
        catch_up=schedule.catch_up,
        paused=schedule.paused,
        created_at=time(schedule.created_at),
        due_at=time_or_none(schedule.due_at),
        next_times=_next_times(schedules, schedule),
        last_due=time_or_none(schedule.last_due),
        last_run=schedule.last_run,
        last_error=schedule.last_error,
    )


def _next_times(schedules: Schedules, schedule: Schedule) -> list[str]:
    """None where the time zone is not known any more: the rest is shown all the same."""
    try:
        return list(map(time, schedules.next_times(schedule, SHOWN_TIMES)))
    except BadInput:
        return []
