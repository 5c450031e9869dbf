"""What is tried, by name: a fleet, its people, the faults one after another, and then the count."""

import random
import time
from dataclasses import dataclass, field

from tests.chaos.faults import LEASE, Faults
from tests.chaos.fleet import Alone, Shared
from tests.chaos.ledger import Ledger, watch
from tests.chaos.people import People
from tests.conftest import notebook

LIMIT = 600.0
"""Seconds that runs may take to end when all faults are over; none needs nearly as long."""


@dataclass
class Report:
    """What a scenario came to; `wrong` is empty where nothing went wrong."""

    name: str
    counts: dict
    wrong: dict
    faults: list
    takeovers: list = field(default_factory=list)
    slowest: float = 0.0
    notes: list = field(default_factory=list)

    def __str__(self):
        lines = [f"{self.name}: {', '.join(self.faults) or 'no faults'}"]
        lines += [f"  {what:<52} {count:>6}" for what, count in self.counts.items()]
        if self.takeovers:
            said = f"{self.takeovers[0]:.1f} to {self.takeovers[-1]:.1f} s"
            lines.append(f"  {'takeovers of runs at work':<52} {len(self.takeovers):>6}  {said}")
        lines.append(f"  {'slowest answer that needs no database':<52} {self.slowest:>6.1f} s")
        lines += [f"  {note}" for note in self.notes]
        lines += [f"  WRONG {kind}: {found[:5]}" for kind, found in self.wrong.items()]
        return "\n".join(lines)


def played(name, fleet, runs, act, *, seed, work=0.2, limit=LIMIT):
    """Have this many runs driven while `act(faults, people)` goes on; then count."""
    chance = random.Random(seed)
    people = People(fleet, notebook, chance, work)
    faults = Faults(fleet, people, chance)
    try:
        fleet.start()
        watch(fleet)
        people.begin()
        for _ in range(runs):
            people.start_run()
        act(faults, people)
        people.all_ended(limit)
    finally:
        people.end()
    ledger = Ledger(fleet, people)
    wrong = ledger.check()
    takeovers = ledger.takeovers(faults.deaths) if fleet.is_shared else []
    notes = [f"refused: {dict(people.refused)}"] if people.refused else []
    notes.append(f"slowest answer to a vote: {people.slowest_vote:.1f} s")
    notes += [f"woken: {n} runs lost, kernels gone after {s:.1f} s" for n, s in faults.fenced_after]
    slowest = max(people.slowest.values(), default=0.0)
    return Report(
        f"{name} ({fleet.kind}, seed {seed})",
        ledger.counts(),
        wrong,
        faults.done,
        takeovers,
        slowest,
        notes,
    )


# ------------------------------------------------------------ several servers


def mixed(folder, postgres, *, seed, servers=3, runs=12):
    """Some of each, one after another; one server's clock is wrong by five minutes."""
    fleet = Shared(folder, postgres, servers, extras=[{}, {"skew": 300.0}])

    def act(faults, people):
        tried = [
            faults.double_jobs,
            faults.kill,
            faults.lose_jobs,
            lambda: faults.away(8.0),
            faults.sleep,
            faults.kill,
        ]
        for fault in tried:
            for _ in range(max(runs // len(tried), 1)):
                people.start_run()
            fault()

    return _ended(fleet, lambda: played("mixed", fleet, 0, act, seed=seed, work=1.5))


def kills(folder, postgres, *, seed, servers=3, runs=24, seconds=60.0):
    fleet = Shared(folder, postgres, servers)
    return _ended(fleet, lambda: played("kills", fleet, runs, _kills(seconds), seed=seed, work=1.0))


def _kills(seconds):
    def act(faults, people):
        end = time.monotonic() + seconds
        while time.monotonic() < end and people.unfinished():
            time.sleep(faults.chance.uniform(1.0, 5.0))
            faults.kill()

    return act


def sleepers(folder, postgres, *, seed, servers=3, runs=18, seconds=60.0):
    fleet = Shared(folder, postgres, servers)

    def act(faults, people):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            faults.sleep(seconds=LEASE + 5)

    return _ended(fleet, lambda: played("sleepers", fleet, runs, act, seed=seed, work=4.0))


def away(folder, postgres, *, seed, servers=3, runs=18, seconds=75.0, swallowed=False, stop=False):
    fleet = Shared(folder, postgres, servers)

    def act(faults, people):
        time.sleep(2.0)
        if stop:
            faults.stop_database(seconds)
        else:
            faults.away(seconds, swallowed=swallowed)

    def play():
        report = played("database away", fleet, runs, act, seed=seed, work=3.0)
        taken = fleet.rows("select count(*) from chaos_claims where epoch > 2")[0][0]
        report.notes.append(f"runs that another server took: {taken}")
        return report

    return _ended(fleet, play)


def anything(folder, postgres, *, seed, servers=3, runs=30, seconds=600.0):
    """Faults by chance, and new runs as others end, for so long."""
    extras = [{}, {"skew": 300.0}, {"skew": -180.0}]
    fleet = Shared(folder, postgres, servers, extras=extras)

    def act(faults, people):
        end = time.monotonic() + seconds
        tried = [
            faults.kill,
            faults.kill,
            faults.sleep,
            lambda: faults.away(8.0),
            lambda: faults.away(8.0, swallowed=True),
            lambda: faults.away(30.0, [faults.chance.choice(fleet.nodes)]),
            lambda: faults.away(75.0),
            lambda: faults.stop_database(8.0),
            faults.double_jobs,
            faults.lose_jobs,
        ]
        while time.monotonic() < end:
            time.sleep(faults.chance.uniform(1.0, 5.0))
            faults.chance.choice(tried)()
            for _ in range(runs - len(people.unfinished())):
                people.start_run()

    return _ended(fleet, lambda: played("anything", fleet, runs, act, seed=seed, work=1.0))


# ------------------------------------------------------------ one server


def alone(folder, *, seed, runs=8, kills=2, seconds=2.0):
    """One server on SQLite: kill -9 and restart, SIGSTOP and waking, pokes."""
    fleet = Alone(folder)

    def act(faults, people):
        for _ in range(kills):
            for fault in (faults.kill, lambda: faults.sleep(seconds=seconds)):
                for _ in range(max(runs // kills // 2, 1)):
                    people.start_run()
                faults.poke()
                fault()

    return _ended(fleet, lambda: played("alone", fleet, 0, act, seed=seed, work=1.0))


def _ended(fleet, play):
    try:
        return play()
    finally:
        fleet.end()
