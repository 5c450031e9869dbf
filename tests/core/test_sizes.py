"""Bytes as people read them."""

import pytest

from jupyter_flows.core import sizes


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1_234, "1.23 kB"),
        (999_400, "999 kB"),
        (999_600, "1 MB"),
        (1_160_000_000, "1.16 GB"),
        (3 * 10**18, "3e+03 PB"),
    ],
)
def test_sizes(size, said):
    assert sizes.shown(size) == said
