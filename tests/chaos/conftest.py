"""The table of what was done and counted, at the end; servers are processes of their own here."""

import os
import random

import pytest

SEED = int(os.environ.get("JUPYTER_FLOWS_FAULTS_SEED") or random.SystemRandom().randrange(10**6))
REPORTS = pytest.StashKey[list]()


@pytest.fixture(autouse=True)
def jp_asyncio_loop():
    """None is needed in this process."""


@pytest.fixture(autouse=True)
def jp_server_cleanup():
    """There is no server in this process."""


@pytest.fixture
def told(request):
    """A function that puts a scenario's report into the table, and fails on what was wrong."""

    def tell(report):
        request.config.stash.setdefault(REPORTS, []).append(report)
        assert not report.wrong, str(report)
        return report

    return tell


def pytest_terminal_summary(terminalreporter, config):
    reports = config.stash.get(REPORTS, [])
    if reports:
        terminalreporter.section("chaos")
    for report in reports:
        terminalreporter.write_line(str(report))
