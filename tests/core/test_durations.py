"""Durations as people write them, and as they are said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flows.core.durations import LONGEST, UNITS, seconds, spoken


@pytest.mark.parametrize(
    ("written", "expected"),
    [(0, 0), (30, 30), (1.5, 1.5), ("90s", 90), ("30m", 1800), ("12h", 43200), ("3d", 259200),
     ("2w", 1209600), (" 1.5 h ", 5400), ("0s", 0), (LONGEST, LONGEST)],
)  # fmt: skip
def test_a_duration_is_read(written, expected):
    assert seconds(written) == expected
    assert isinstance(seconds(written), float)


@pytest.mark.parametrize(
    "written",
    ["", "s", "5", "5x", "-5s", ".5h", "5.h", "1.2.3s", "1h30m", "five", "5 s s", -1, LONGEST + 1,
     float("nan"), float("inf"), float("-inf"), 10**400, "9" * 400 + "s", "101000d"],
    ids=lambda value: str(value)[:12],
)  # fmt: skip
def test_what_is_none_is_refused(written):
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(written)


@given(st.integers(0, 5_000), st.sampled_from(sorted(UNITS)))
def test_a_number_with_a_unit_is_as_many_of_it(number, unit):
    assert seconds(f"{number}{unit}") == number * UNITS[unit]


@pytest.mark.parametrize(
    ("duration", "said"),
    [(0, "0 s"), (0.4, "0 s"), (59.6, "1 min"), (90, "1 min 30 s"), (3600, "1 h"),
     (273600, "3 d 4 h"), (30 * 86400, "30 d"), (90061, "1 d 1 h")],
)  # fmt: skip
def test_a_duration_is_said_in_its_two_largest_units(duration, said):
    assert spoken(duration) == said
