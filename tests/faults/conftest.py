"""How often each fault is tried, and the table at the end of what was tried and what was lost.

`JUPYTER_FLOWS_FAULTS` is how often a save is killed (60); all else is in proportion to it.
`JUPYTER_FLOWS_FAULTS_SEED` repeats the choices of a run that failed: its seed stands above the
table, and in the message.
"""

import os
import random
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.forks import Forks

TRIALS = int(os.environ.get("JUPYTER_FLOWS_FAULTS", "60"))
SEED = int(os.environ.get("JUPYTER_FLOWS_FAULTS_SEED") or random.SystemRandom().randrange(10**6))
MEMORY = "/dev/shm"
TALLIES = pytest.StashKey[list]()


def trials(of_sixty):
    """So many where a save is killed sixty times; at least one."""
    return max(1, round(TRIALS * of_sixty / 60))


class Tally:
    """What was tried of one fault, what came of it, and what was lost."""

    def __init__(self, fault):
        self.fault = fault
        self.tried = 0
        self.outcomes = Counter()
        self.lost = []

    def add(self, outcome, *lost):
        self.tried += 1
        self.outcomes[outcome] += 1
        self.lost += [f"seed {SEED}, trial {self.tried}: {each}" for each in lost if each]

    def check(self, least):
        """So many were tried, and nothing was lost."""
        assert not self.lost, self.lost[:5]
        assert self.tried >= least, f"{self.tried} of {least} were tried"

    def __str__(self):
        came = ", ".join(f"{count} {what}" for what, count in sorted(self.outcomes.items()))
        return f"{self.fault:<58} {self.tried:>6} {len(self.lost):>5}  {came}"


@pytest.fixture
def tally(request):
    """A function that gives the count of a fault; one for all tests that try it."""

    def opened(fault):
        tallies = request.config.stash.setdefault(TALLIES, [])
        found = next((each for each in tallies if each.fault == fault), None)
        if found is None:
            tallies.append(found := Tally(fault))
        return found

    return opened


@pytest.fixture
def chance(request):
    """The test's own, the same for the same seed."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture(scope="session")
def forks(tmp_path_factory):
    """A process with a kernel's shell, which forks one for each trial."""
    forks = Forks(tmp_path_factory.mktemp("forks"))
    yield forks
    forks.close()


@pytest.fixture
def quick_path(tmp_path):
    """A folder in memory, where there is one: what a process has written outlives its death, on
    whatever disk, and a thousand deaths need not wait for one.
    """
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


def pytest_terminal_summary(terminalreporter, config):
    tallies = config.stash.get(TALLIES, [])
    if tallies:
        terminalreporter.section(f"faults, seed {SEED}")
        terminalreporter.write_line(f"{'fault':<58} {'tried':>6} {'lost':>5}  what came of it")
    for each in tallies:
        terminalreporter.write_line(str(each))
