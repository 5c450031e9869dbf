"""Servers that are killed, sleep, and lose their database and their jobs: no vote is lost, no gate
passes with too few, nothing lands that a fenced server writes, and every run ends.

Longer, and with more servers: `python -m tests.chaos --seconds 600 --servers 3`.
"""

import pytest

from tests.chaos import scenarios
from tests.chaos.conftest import SEED


@pytest.mark.timeout(900)
def test_several_servers(tmp_path, postgres, told):
    report = told(scenarios.mixed(tmp_path, postgres, seed=SEED))
    assert report.counts["votes acknowledged"] >= 4 * report.counts["runs started"]
    assert report.takeovers, "no server died at work"


@pytest.mark.timeout(900)
def test_one_server(tmp_path, told):
    report = told(scenarios.alone(tmp_path, seed=SEED))
    assert report.counts["runs started"] == report.counts["runs that succeeded"]
