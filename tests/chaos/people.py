"""Those who start runs, vote at whatever server answers, and resume what was interrupted."""

import random
import sqlite3
import threading
import time
from collections import Counter

import psycopg

from tests.acceptance.conftest import ask
from tests.chaos.ledger import ENDED, NOTE, VOTES

PAUSE = 0.1
"""Seconds between two looks at what waits; less than what anything here takes."""

VOTERS = ("ann", "bob", "cyd")
GATE = {"suspend": {"required_events": VOTES}}
TAKEN = (200, 201, 202)

MEANT = (409, 503)
"""The gate is closed, or has this vote; the store is away."""

AWAY = (psycopg.Error, sqlite3.Error)


def flow(make_notebook, fleet, number, work):
    """Five cells, two of them gates for two; each of the others takes `work` seconds."""
    begin, end = "note('begin')", f"time.sleep({work}); note('end')"
    return make_notebook(
        f"{NOTE.format(path=str(fleet.cells))}\n{begin}\nx = {number}\n{end}\nx",
        ("'one?'", ["suspend"], GATE),
        f"{begin}\nx += 1000\n{end}\nx",
        ("'two?'", ["suspend"], GATE),
        f"{begin}\nx += 1000\n{end}\nx",
    )


def _said(answer):
    """What a refusal says, where it is none of those that are meant."""
    if answer.status in MEANT:
        return answer.status
    return f"{answer.status} {answer.text[:300]}"


class People:
    """`runs` are the ids of runs by their numbers; `acknowledged` are the votes that were answered
    as taken.
    """

    def __init__(self, fleet, make_notebook, chance, work=0.2):
        self.fleet = fleet
        self.chance = chance
        self.runs = {}
        self.results = {}
        self.acknowledged = set()
        self.refused = Counter()
        self.resumed = []
        self.slowest = Counter()
        self.slowest_vote = 0.0
        self._links = {}
        self._make_notebook = make_notebook
        self._work = work
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = []
        self._numbers = iter(range(1, 10**6))
        self.errors = []

    # ------------------------------------------------------------ runs

    def start_run(self):
        """At a server that answers; asked again with the same key, whatever became of it before."""
        number = next(self._numbers)
        notebook = flow(self._make_notebook, self.fleet, number, self._work)
        asked = {"notebook": notebook, "idempotency_key": f"chaos {number}"}
        while True:
            answer = self._ask("POST", "api/runs", asked)
            if answer is not None and answer.status in TAKEN:
                run = answer.json["id"]
                with self._lock:
                    self.results[run] = number + 2000
                    self.runs[number] = run
                return run
            if self._over.wait(PAUSE):
                return None

    def _node(self):
        up = self.fleet.up()
        return self.chance.choice(up) if up else None

    def _ask(self, method, path, body=None):
        node = self._node()
        return None if node is None else node.patiently(method, path, body)

    # ------------------------------------------------------------ at work

    def begin(self, voters=2):
        for work in [self._votes] * voters + [self._resumes, self._watch]:
            thread = threading.Thread(target=self._for_ever, args=(work,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _for_ever(self, work):
        chance = random.Random(self.chance.random())
        while not self._over.wait(PAUSE):
            try:
                work(chance)
            except AWAY:
                continue
            except Exception as error:
                self.errors.append(repr(error))
                raise

    def end(self):
        self._over.set()
        for thread in self._threads:
            thread.join()
        assert not self.errors, self.errors

    def _votes(self, chance):
        """One vote, at a gate that is open by the database itself."""
        gates = self.fleet.rows("select run_id, step from gates where status = 'open'")
        if not gates:
            return
        run, gate = chance.choice(gates)
        voter = chance.choice(VOTERS)
        if (run, gate, voter) in self.acknowledged:
            return
        link, node = self._link(run, gate, voter), self._node()
        if link is None or node is None:
            return
        begun, life = time.monotonic(), (node.life, node.stops)
        if not node.is_up:
            return
        try:
            answer = ask("POST", node.here(link), {"by": voter})
        except OSError as error:
            told = "no answer" if isinstance(error, TimeoutError) else "nobody there"
            self.refused[told] += 1
            return
        if (node.life, node.stops) == life:
            self.slowest_vote = max(self.slowest_vote, time.monotonic() - begun)
        if answer.status in TAKEN:
            self.acknowledged.add((run, gate, voter))
        else:
            self.refused[_said(answer)] += 1

    def _link(self, run, gate, voter):
        """Of each there is one, of some server; None where none could be had."""
        links = self._links.setdefault((run, gate), {})
        for each in VOTERS:
            if each not in links:
                asked = {"run": run, "gate": gate, "approver": each}
                minted = self._ask("POST", "api/links", asked)
                if minted is not None and minted.status == 201:
                    links[each] = minted.json["resume"]
        return links.get(voter)

    def _resumes(self, _):
        """As a person would, whom the run tells what is to be chosen."""
        for (run,) in self.fleet.rows("select id from runs where status = 'interrupted'"):
            answer = self._ask("POST", f"api/runs/{run}/resume", {})
            if answer is not None and answer.status == 200:
                self.resumed.append(run)

    def _watch(self, _):
        """How long each server takes for what needs no database."""
        for node in self.fleet.up():
            begun, life = time.monotonic(), (node.life, node.stops)
            if not node.is_up:
                continue
            answer = node.patiently("GET", "openapi.json")
            if answer is not None and (node.life, node.stops) == life:
                self.slowest[node.name] = max(self.slowest[node.name], time.monotonic() - begun)

    # ------------------------------------------------------------ the end

    def unfinished(self):
        """Runs of theirs that have not ended."""
        try:
            rows = self.fleet.rows("select id, status from runs")
        except AWAY:
            return set(self.runs.values())
        ended = {run for run, status in rows if status in ENDED}
        return set(self.runs.values()) - ended

    def all_ended(self, seconds):
        """Wait; those that have not."""
        end = time.monotonic() + seconds
        while (left := self.unfinished()) and time.monotonic() < end:
            time.sleep(PAUSE)
        return left
