"""Cron on the clocks of a time zone, through the nights in which they are changed (G84)."""

import string
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flows.core import cron
from jupyter_flows.core.errors import BadInput

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
"""The clocks of Lord Howe are put forward, and back, by half an hour."""


def days(zone, first, expression, count=2):
    """The times that come in so many days from that one on, as the clocks there show them."""
    clocks = ZoneInfo(zone)
    start = datetime.fromisoformat(first).replace(tzinfo=clocks)
    end = (start + timedelta(days=count)).timestamp()
    found = takewhile(lambda at: at < end, cron.times(expression, clocks, start.timestamp() - 1))
    return [f"{datetime.fromtimestamp(at, clocks):%d %H:%M%z}" for at in found]


# ---------------------------------------------------------------- put forward


@pytest.mark.parametrize(
    ("zone", "day", "expression", "come"),
    [
        (BERLIN, "2026-03-29", "30 2 * * *", ["29 03:00+0200", "30 02:30+0200"]),
        (NEW_YORK, "2026-03-08", "30 2 * * *", ["08 03:00-0400", "09 02:30-0400"]),
        (LORD_HOWE, "2026-10-04", "15 2 * * *", ["04 02:30+1100", "05 02:15+1100"]),
        (LORD_HOWE, "2026-10-04", "0 2 * * *", ["04 02:30+1100", "05 02:00+1100"]),
        ("Africa/Cairo", "2026-04-24", "0 0 * * *", ["24 01:00+0300", "25 00:00+0300"]),
    ],
)
def test_a_fixed_time_that_the_clocks_skip_comes_just_after(zone, day, expression, come):
    assert days(zone, day, expression) == come


def test_fixed_times_that_come_together_after_the_gap_come_once():
    """Also with one that was due there anyway."""
    assert days(BERLIN, "2026-03-29", "0,30 2,3 * * *", 1) == ["29 03:00+0200", "29 03:30+0200"]


@pytest.mark.parametrize(
    ("zone", "day", "expression", "come"),
    [
        (BERLIN, "2026-03-29", "*/30 1-3 * * *", ["01:00", "01:30", "03:00", "03:30"]),
        (NEW_YORK, "2026-03-08", "*/30 2 * * *", []),
        (LORD_HOWE, "2026-10-04", "*/15 2 * * *", ["02:30", "02:45"]),
        (LORD_HOWE, "2026-10-04", "30 * * * *", [f"{hour:02}:30" for hour in range(24)]),
    ],
)
def test_a_time_with_a_star_that_the_clocks_skip_does_not_come(zone, day, expression, come):
    assert [shown[3:8] for shown in days(zone, day, expression, 1)] == come


# ---------------------------------------------------------------- put back


@pytest.mark.parametrize(
    ("zone", "day", "expression", "come"),
    [
        (BERLIN, "2026-10-25", "30 2 * * *", ["25 02:30+0200", "26 02:30+0100"]),
        (NEW_YORK, "2026-11-01", "30 1 * * *", ["01 01:30-0400", "02 01:30-0500"]),
        (LORD_HOWE, "2026-04-05", "45 1 * * *", ["05 01:45+1100", "06 01:45+1030"]),
        (LORD_HOWE, "2026-04-05", "0 2 * * *", ["05 02:00+1030", "06 02:00+1030"]),
    ],
)
def test_a_fixed_time_that_the_clocks_show_twice_comes_the_first_time(zone, day, expression, come):
    assert days(zone, day, expression) == come


@pytest.mark.parametrize(
    ("zone", "day", "expression", "come"),
    [
        (BERLIN, "2026-10-25", "*/30 2 * * *", ["02:00+0200", "02:30+0200", "02:00+0100"]),
        (NEW_YORK, "2026-11-01", "20 * * * *", ["00:20-0400", "01:20-0400", "01:20-0500"]),
        (LORD_HOWE, "2026-04-05", "*/20 1 * * *", ["01:00+1100", "01:20+1100", "01:40+1100"]),
        (LORD_HOWE, "2026-04-05", "30 * * * *", ["00:30+1100", "01:30+1100", "01:30+1030"]),
        (LORD_HOWE, "2026-04-05", "0 */2 * * *", ["00:00+1100", "02:00+1030", "04:00+1030"]),
    ],
)
def test_a_time_with_a_star_that_the_clocks_show_twice_comes_twice(zone, day, expression, come):
    assert [shown[3:] for shown in days(zone, day, expression, 1)][: len(come)] == come


def test_asking_in_the_second_pass_does_not_go_back_to_the_first():
    """At 2:10 for the second time, 2:30 has been, and the next one is tomorrow's."""
    clocks = ZoneInfo(BERLIN)
    after = datetime(2026, 10, 25, 2, 10, tzinfo=clocks, fold=1).timestamp()
    at = next(cron.times("30 2 * * *", clocks, after))
    assert datetime.fromtimestamp(at, clocks) == datetime(2026, 10, 26, 2, 30, tzinfo=clocks)


def test_asking_in_the_first_pass_finds_what_the_second_shows_earlier():
    """At 2:50 for the first time, 2:00 comes once more."""
    clocks = ZoneInfo(BERLIN)
    after = datetime(2026, 10, 25, 2, 50, tzinfo=clocks).timestamp()
    at = next(cron.times("*/30 * * * *", clocks, after))
    assert at == after + 600


# ---------------------------------------------------------------- minute by minute

RULES = {
    "* * * * *": lambda _: True,
    "*/20 * * * *": lambda wall: wall.minute % 20 == 0,
    "30 * * * *": lambda wall: wall.minute == 30,
    "0 */2 * * *": lambda wall: wall.minute == 0 and wall.hour % 2 == 0,
    "*/10 1 * * *": lambda wall: wall.minute % 10 == 0 and wall.hour == 1,
    "15 2 * * *": lambda wall: (wall.hour, wall.minute) == (2, 15),
    "0,30 1-3 * * *": lambda wall: wall.minute in (0, 30) and wall.hour in (1, 2, 3),
    "0 0 * * *": lambda wall: wall.hour == wall.minute == 0,
    "59 23 * * 0": lambda wall: (wall.hour, wall.minute, wall.weekday()) == (23, 59, 6),
}

NIGHTS = [
    *((BERLIN, day) for day in ("2026-03-28", "2026-10-24", "2026-06-01")),
    *((NEW_YORK, day) for day in ("2026-03-07", "2026-10-31")),
    *((LORD_HOWE, day) for day in ("2026-10-03", "2026-04-04")),
    *(("America/Havana", day) for day in ("2026-03-07", "2026-10-31")),
]


def by_the_minute(expression, clocks, start, end):
    """What a person would start who looks at the clock on the wall, minute by minute."""
    shown = {at: datetime.fromtimestamp(at, clocks) for at in range(start, end, 60)}
    walls = {at: wall.replace(tzinfo=None, fold=0) for at, wall in shown.items()}
    rule = RULES[expression]
    if "*" in "".join(field[0] for field in expression.split()[:2]):
        return [at for at, wall in walls.items() if rule(wall)]
    first = min(walls.values())
    every = (first + timedelta(minutes=n) for n in range((end - start) // 60))
    wanted = [wall for wall in every if rule(wall)]
    return sorted({next(at for at, wall in walls.items() if wall >= want) for want in wanted})


@pytest.mark.parametrize("expression", RULES)
@pytest.mark.parametrize(("zone", "day"), NIGHTS)
def test_what_comes_is_what_somebody_at_the_clock_would_start(zone, day, expression):
    clocks = ZoneInfo(zone)
    start = int(datetime.fromisoformat(day).replace(tzinfo=clocks).timestamp())
    end = start + 2 * 86400
    wanted = by_the_minute(expression, clocks, start, end + 86400)
    for after in range(start - 1, end, 1801):
        found = list(islice(cron.times(expression, clocks, after), 3))
        expected = [at for at in wanted if at > after][:3]
        assert found[: len(expected)] == expected, after


# ---------------------------------------------------------------- expressions

fields = st.text(string.digits + "*,-/#LW " + "SUNMONDECJAN", max_size=12)


@given(st.lists(fields | st.text(max_size=4), min_size=4, max_size=6).map(" ".join))
def test_any_text_is_refused_or_has_rising_times(expression):
    if list(cron.mistakes(expression)):
        return
    found = list(islice(cron.times(expression, ZoneInfo(BERLIN), 1.7e9 + 0.5), 4))
    assert found
    assert all(one < other for one, other in pairwise([1.7e9 + 0.5, *found]))
    assert all(at % 60 == 0 for at in found)


@pytest.mark.parametrize(
    ("expression", "where"),
    [
        ("60 * * * *", ["cron, minute"]),
        ("* 24 * * *", ["cron, hour"]),
        ("* * 0 * *", ["cron, day of month"]),
        ("* * * 13 *", ["cron, month"]),
        ("* * * * 8", ["cron, day of week"]),
        ("*/0 1-x * FOO *", ["cron, minute", "cron, hour", "cron, month"]),
        ("0 0 30 2 *", ["cron"]),
        ("0 0 31 4,6,9,11 *", ["cron"]),
        ("* * */20 * 1L", ["cron"]),
        ("@daily", ["cron"]),
        ("", ["cron"]),
        ("0 0 0 * * *", ["cron"]),
        ("9" * 5000 + " * * * *", ["cron"]),
    ],
)
def test_each_field_that_is_wrong_is_named(expression, where):
    assert [mistake.where for mistake in cron.mistakes(expression)] == where


def test_what_is_allowed_is_said():
    (mistake,) = cron.mistakes("0 7 * * MON-SUNDAY")
    assert "'MON-SUNDAY'" in mistake.message
    assert "SUN-SAT" in mistake.message


def test_where_both_days_are_given_either_will_do():
    assert days("UTC", "2026-06-12", "0 7 13 * MON", 4) == ["13 07:00+0000", "15 07:00+0000"]


def test_a_day_that_comes_every_28_years_does_come():
    at = next(cron.times("0 0 * 2 MON#5", ZoneInfo("UTC"), 1.7e9))
    assert datetime.fromtimestamp(at, UTC) == datetime(2044, 2, 29, tzinfo=UTC)


# ---------------------------------------------------------------- zones


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("europe/berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("Europe/Belrin", "Europe/Berlin"),
        ("utc", "UTC"),
    ],
)
def test_a_zone_that_is_near_is_suggested(said, meant):
    with pytest.raises(BadInput, match=f"did you mean '{meant}'"):
        cron.zone_of(said)


@pytest.mark.parametrize(
    "said", ["CEST", "", "Europe", "../UTC", "/etc/passwd", "localtime", "x" * 9999, "\0", "\ud800"]
)
def test_what_is_no_zone_is_refused_and_nothing_far_is_suggested(said):
    with pytest.raises(BadInput, match="is no time zone") as refused:
        cron.zone_of(said)
    assert len(str(refused.value)) < 600


def test_a_zone_that_counts_leap_seconds_is_none():
    with pytest.raises(BadInput):
        cron.zone_of("right/Europe/Berlin")
