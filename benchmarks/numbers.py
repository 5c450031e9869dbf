"""Times as samples: medians, high percentiles, and ratios of rounds that ran side by side."""

import statistics
from collections.abc import Sequence


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]


def paired_ratio(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> float:
    """The median over rounds of (our median / their median): what else the machine did in a round
    it did to both.
    """
    return median([median(a) / median(b) for a, b in zip(ours, theirs, strict=True)])


def flat(rounds: Sequence[Sequence[float]]) -> list[float]:
    return [value for values in rounds for value in values]


def ms(seconds: float) -> str:
    value = seconds * 1000
    return f"{value:.2f} ms" if value < 100 else f"{value:,.0f} ms"


def spread(seconds: Sequence[float]) -> str:
    """Median and p90."""
    return f"{ms(median(seconds))} (p90 {ms(percentile(seconds, 90))})"


def times(ratio: float) -> str:
    return f"{ratio:.2f}x"
