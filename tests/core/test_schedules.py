"""When a schedule is due, and what a due time leads to (G84)."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from jupyter_flows.core import schedules
from jupyter_flows.core.errors import BadInput, ScheduleInvalid
from jupyter_flows.core.schedules import CatchUp, Schedule, ScheduleId, Turn

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86400.0


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


NOW = at("2026-06-01 12:00")


def schedule(cron="0 7 * * *", zone="Europe/Berlin", now=NOW, **said):
    made = Schedule(
        id=ScheduleId("sch_1"),
        cron=cron,
        zone=zone,
        path="/home/bob/daily.ipynb",
        folder="/home/bob",
        owner="bob",
        created_at=now,
        **said,
    )
    return schedules.checked(made, now)


def test_a_new_schedule_is_due_at_its_next_time_in_its_zone():
    assert schedule().due_at == at("2026-06-02 07:00")
    assert schedule(zone="UTC").due_at == at("2026-06-02 09:00")


def test_a_time_that_is_just_now_has_been():
    assert schedule("0 12 * * *").due_at == at("2026-06-02 12:00")


def test_the_next_times_are_as_many_as_asked_for():
    found = schedules.next_times(schedule("0 7 * * MON"), NOW, 3)
    assert found == (at("2026-06-08 07:00"), at("2026-06-15 07:00"), at("2026-06-22 07:00"))


def test_spaces_in_the_expression_do_not_count():
    assert schedule("  0   7 * *\t* ").cron == "0 7 * * *"


def test_all_mistakes_are_said_at_once():
    with pytest.raises(ScheduleInvalid) as refused:
        schedule("60 7 * * 9", "Berlin", name="a\nb", parameters={"x": float("nan")})
    where = [mistake.where for mistake in refused.value.mistakes]
    assert where == ["cron, minute", "cron, day of week", "zone", "name", "parameters"]
    assert "Europe/Berlin" in str(refused.value)


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_name_is_neither_empty_nor_endless(name):
    with pytest.raises(ScheduleInvalid, match="name"):
        schedule(name=name)


# ---------------------------------------------------------------- pauses


def test_a_paused_schedule_is_not_due_and_goes_on_with_the_next_time():
    paused = schedules.pause(schedule(catch_up=CatchUp.ONCE))
    assert (paused.paused, paused.due_at) == (True, None)
    on = schedules.unpause(paused, NOW + 10 * DAY)
    assert (on.paused, on.due_at) == (False, at("2026-06-12 07:00"))


# ---------------------------------------------------------------- turns


@pytest.mark.parametrize("catch_up", CatchUp)
@pytest.mark.parametrize("late", [0.0, 0.3, 59.0])
def test_a_time_that_has_come_is_started_and_the_next_one_is_due(catch_up, late):
    due = at("2026-06-02 07:00")
    found = schedules.turn(schedule(catch_up=catch_up), due + late)
    assert found == Turn(due, at("2026-06-03 07:00"))


def test_missed_times_are_skipped():
    found = schedules.turn(schedule(catch_up=CatchUp.SKIP), at("2026-06-05 09:00"))
    assert found == Turn(None, at("2026-06-06 07:00"))


def test_missed_times_are_made_up_for_by_one_run_for_the_newest():
    found = schedules.turn(schedule(catch_up=CatchUp.ONCE), at("2026-06-05 09:00"))
    assert found == Turn(at("2026-06-05 07:00"), at("2026-06-06 07:00"))


def test_a_time_that_has_just_come_counts_whatever_was_missed_before():
    found = schedules.turn(schedule(catch_up=CatchUp.SKIP), at("2026-06-05 07:00") + 1)
    assert found == Turn(at("2026-06-05 07:00"), at("2026-06-06 07:00"))


def test_a_schedule_of_every_minute_that_was_left_alone_for_years_has_its_turn_at_once():
    """The newest is looked for from now back: a walk through all would be one of millions."""
    now = NOW + 4000 * DAY
    found = schedules.turn(schedule("* * * * *", catch_up=CatchUp.ONCE), now)
    assert found == Turn(now, now + 60)


CRONS = ["* * * * *", "*/7 * * * *", "30 2 * * *", "0 0 1 * *", "5 4 * * 7", "*/9 * 1-3 * *"]


@settings(deadline=None)
@given(
    st.sampled_from(CRONS),
    st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "UTC"]),
    st.floats(0, 2 * DAY) | st.floats(0, 70 * DAY),
    st.sampled_from(["2026-03-28", "2026-10-02", "2026-10-24"]),
)
def test_the_newest_missed_time_is_the_last_of_all_that_passed(cron, zone, gone, day):
    made = schedule(cron, zone, at(day), catch_up=CatchUp.ONCE)
    now = made.due_at + min(gone, 2 * DAY if cron.endswith("* * * *") else gone)
    every = [made.due_at, *schedules.next_times(made, made.due_at, 4000)]
    passed = [each for each in every if each <= now]
    assert schedules.turn(made, now) == Turn(passed[-1], every[len(passed)])


# ---------------------------------------------------------------- what a run is given


def test_the_output_names_the_time_it_was_due_on_the_clocks_there():
    made = schedule(output="/out/%Y-%m-%d %H.ipynb")
    assert schedules.output_of(made, at("2026-06-02 07:00")) == "/out/2026-06-02 07.ipynb"
    assert schedules.output_of(schedule(), NOW) is None


def test_a_run_is_known_by_its_key_as_the_schedules():
    key = schedules.key_of(ScheduleId("sch_1"), NOW)
    assert key == f"schedule:sch_1:{int(NOW)}"
    assert schedules.schedule_of(key) == "sch_1"
    assert key != schedules.key_of(ScheduleId("sch_1"), NOW + 60)


@pytest.mark.parametrize("key", [None, "", "daily", "schedule:", "schedule::1", "schedule:a:b"])
def test_other_keys_are_no_schedules(key):
    assert schedules.schedule_of(key) is None


def test_a_time_zone_that_is_gone_is_bad_input_not_a_crash():
    gone = replace(schedule(), zone="Europe/Atlantis")
    with pytest.raises(BadInput, match="Atlantis"):
        schedules.turn(gone, NOW + DAY)
