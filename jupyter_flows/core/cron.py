"""The moments that a cron expression names on the clocks of a time zone (G84).

cronsim reads the expression and names the clocks' times; which moments those are, where the clocks
are put forward or back, is said here, since cronsim counts on shifts of whole hours. The rule is
Debian cron's. An expression whose minute or hour begins with `*` goes by the clock on the wall: a
time that the clocks skip does not come, one that they show twice comes twice. Any other one names
fixed times of the day: what is skipped comes at once when the clocks have been put forward, what is
shown twice comes the first time only.
"""

import difflib
import functools
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from jupyter_flows.core.errors import BadInput, Mistake

FIELDS = (
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of month", "1-31, L (the last), LW (the last weekday)"),
    ("month", "1-12, JAN-DEC"),
    ("day of week", "0-7 (0 and 7 are Sunday), SUN-SAT, 5#2 (the second Friday), 5L (the last)"),
)
_ALSO = "*, lists as in 1,2, ranges as in 1-5, steps as in */2"

MAX_CHARS = 200

_ANY_DAY = datetime(2000, 1, 1)  # noqa: DTZ001 (a clock on the wall has no zone)
_MINUTE = timedelta(minutes=1)


def times(cron: str, zone: ZoneInfo, after: float) -> Iterator[float]:
    """The moments behind `after` in POSIX seconds, rising; none for 50 years is the end. `cron` is
    one without `mistakes`.
    """
    walls = _walls(cron, zone, after)
    last = after
    for moment in _by_the_wall(walls, zone) if _is_wildcard(cron) else _fixed(walls, zone):
        if moment > last:
            last = moment
            yield moment


def _is_wildcard(cron: str) -> bool:
    minute, hour, *_ = cron.split()
    return minute.startswith("*") or hour.startswith("*")


def _walls(cron: str, zone: ZoneInfo, after: float) -> Iterator[datetime]:
    """The times on the wall from `after` on; a bit earlier where they will be shown again."""
    at = datetime.fromtimestamp(after, zone)
    first, again = (at.replace(fold=fold).timestamp() for fold in (0, 1))
    shown_again = timedelta(seconds=max(again - first, 0.0))
    return CronSim(cron, at.replace(tzinfo=None) - shown_again)


def _fixed(walls: Iterator[datetime], zone: ZoneInfo) -> Iterator[float]:
    for wall in walls:
        shown = wall
        while _is_skipped(shown, zone):
            shown += _MINUTE
        yield shown.replace(tzinfo=zone).timestamp()


def _is_skipped(wall: datetime, zone: ZoneInfo) -> bool:
    first, again = _moments(wall, zone)
    return first > again


def _moments(wall: datetime, zone: ZoneInfo) -> tuple[float, float]:
    """When the clocks show this first, and when the last time: the same but where they are put
    back. Where they skip it, the first is later than the last.
    """
    shown = wall.replace(tzinfo=zone)
    return shown.timestamp(), shown.replace(fold=1).timestamp()


def _by_the_wall(walls: Iterator[datetime], zone: ZoneInfo) -> Iterator[float]:
    to_come_again: deque[float] = deque()
    for wall in walls:
        first, again = _moments(wall, zone)
        if first > again:
            continue
        while to_come_again and to_come_again[0] < first:
            yield to_come_again.popleft()
        yield first
        if again > first:
            to_come_again.append(again)
    yield from to_come_again


# ---------------------------------------------------------------- checking


def mistakes(cron: str) -> Iterator[Mistake]:
    """All that is wrong with the expression, field by field."""
    if len(cron) > MAX_CHARS:
        yield Mistake("cron", f"has {len(cron)} characters; at most {MAX_CHARS}")
        return
    fields = cron.split()
    if len(fields) != len(FIELDS):
        named = ", ".join(name for name, _ in FIELDS)
        yield Mistake("cron", f"must have five fields ({named}); it has {len(fields)}: {cron!r}")
        return
    wrong = [found for found in map(_mistake, range(len(FIELDS)), fields) if found]
    yield from wrong
    if not wrong and next(_from_any_day(cron), None) is None:
        yield Mistake("cron", f"{cron!r} names no day that ever comes")


def _mistake(place: int, field: str) -> Mistake | None:
    name, allowed = FIELDS[place]
    alone = ["*"] * len(FIELDS)
    alone[place] = field
    try:
        CronSim(" ".join(alone), _ANY_DAY)
    except CronSimError:
        return Mistake(f"cron, {name}", f"{field!r} can't be used; allowed: {allowed}, {_ALSO}")
    return None


def _from_any_day(cron: str) -> Iterator[datetime]:
    """The times on the wall, if there are any."""
    try:
        return CronSim(cron, _ANY_DAY)
    except CronSimError:  # as for the 30th of February
        return iter(())


# ---------------------------------------------------------------- time zones


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this IANA name. Raises BadInput, with a name that may be meant."""
    if name not in _zones():
        near = near_zone(name)
        hint = f" (did you mean {near!r}?)" if near else ""
        raise BadInput(
            f"{name[:80]!r} is no time zone{hint}; allowed: names such as Europe/Berlin, UTC"
        )
    return ZoneInfo(name)


@functools.cache
def _zones() -> frozenset[str]:
    """All, but those that mean something else on each machine, or nothing."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def near_zone(name: str) -> str | None:
    """The zone that is meant by a name in other letters, a city alone, or a slip. Abbreviations
    have no near ones: CEST is not EST.
    """
    said = name[:80].strip().replace(" ", "_").casefold()
    places = sorted(zone for zone in _zones() if "/" in zone or zone == "UTC")
    known = {zone.casefold(): zone for zone in places}
    cities = {zone.rpartition("/")[2].casefold(): zone for zone in reversed(places)}
    if said in known or said in cities:
        return known.get(said) or cities[said]
    near = difflib.get_close_matches(said, known, 1) or difflib.get_close_matches(said, cities, 1)
    return (known.get(near[0]) or cities[near[0]]) if near else None
