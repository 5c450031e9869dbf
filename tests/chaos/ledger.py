"""Counts what happened, from the database's own rows and from what the cells have written, never
from what a server says of itself.

On PostgreSQL triggers note who claimed which run when, and which server's connection wrote which
event: what a server wrote that was fenced is seen so, whatever the servers think.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise

from jupyter_flows.core.audit import verify
from jupyter_flows.core.model import RunId
from jupyter_flows.store.bodies import whole

WATCH = """
create table if not exists chaos_claims
  (run text, epoch int, server text, at float8 default extract(epoch from clock_timestamp()));
create table if not exists chaos_writes
  (run text, seq int, kind text, life text, owner text,
   at float8 default extract(epoch from clock_timestamp()));
create table if not exists chaos_servers (server text, life text, pid int);
create or replace function chaos_claim() returns trigger language plpgsql as $$ begin
  insert into chaos_claims values (new.id, new.epoch, new.server); return null; end $$;
create or replace function chaos_write() returns trigger language plpgsql as $$ begin
  insert into chaos_writes values (new.run_id, new.seq, new.kind,
    current_setting('application_name'), (select server from runs where id = new.run_id));
  return null; end $$;
create or replace function chaos_server() returns trigger language plpgsql as $$ begin
  insert into chaos_servers values (new.id, current_setting('application_name'), new.pid);
  return null; end $$;
create trigger chaos_claim after insert or update of epoch, server on runs
  for each row execute function chaos_claim();
create trigger chaos_write after insert on events
  for each row execute function chaos_write();
create trigger chaos_server after insert on servers
  for each row execute function chaos_server();
"""

DRIVERS = (
    "RunStarted",
    "StepStarted",
    "StepSucceeded",
    "StepFailed",
    "StepRetried",
    "StepSkipped",
    "GateOpened",
    "CheckpointSaved",
    "KernelReleased",
    "KernelRebuilt",
)
"""Events that only the server may write that has the run."""

VOTES = 2

ENDED = ("succeeded", "failed", "cancelled")

NOTE = """
import os, time
def note(what):
    parts = [os.environ["FLOWS_RUN_ID"], os.environ["FLOWS_STEP_ID"], os.environ["FLOWS_ATTEMPT"]]
    parts += [str(os.getpid()), str(os.getppid()), str(time.time()), what]
    with open({path!r}, "a") as file:
        file.write(" ".join(parts) + "\\n")
"""
"""Each cell says when it begins and when it ends: a line so short is written whole."""


def watch(fleet):
    """Before the first run; the tables are there."""
    if fleet.is_shared and not fleet.rows("select 1 from pg_trigger where tgname = 'chaos_claim'"):
        for server, pid in fleet.rows("select id, pid from servers"):
            node = next(node for node in fleet.nodes if node.process.pid == pid)
            fleet.rows("create table if not exists chaos_servers (server text, life text, pid int)")
            fleet.rows("insert into chaos_servers values ({}, {}, {})", server, node.life, pid)
        fleet.rows(WATCH)


@dataclass(frozen=True)
class Execution:
    """A cell that was begun, of a kernel that the server of process `parent` has; `end` is None
    where it was cut short.
    """

    run: str
    step: str
    attempt: str
    pid: str
    parent: str
    begin: float
    end: float | None


def executions(fleet):
    found, open_ones = [], {}
    for line in fleet.cells.read_text().splitlines():
        run, step, attempt, pid, parent, at, what = line.split()
        if what == "begin":
            open_ones[run, step, pid] = len(found)
            found.append(Execution(run, step, attempt, pid, parent, float(at), None))
        else:
            place = open_ones.pop((run, step, pid))
            begun = found[place]
            found[place] = Execution(run, step, attempt, pid, parent, begun.begin, float(at))
    return found


class Ledger:
    def __init__(self, fleet, people):
        self.fleet = fleet
        self.people = people
        self.verdicts = {run: self._verdict(run) for run in people.runs.values()}
        self.executions = executions(fleet)
        self.wrong = defaultdict(list)

    def _verdict(self, run):
        rows = self.fleet.rows(
            "select seq, at, kind, body, hash from events where run_id = {} order by seq", run
        )
        return verify(RunId(run), [(*row[:3], whole(row[3], self._blob), row[4]) for row in rows])

    def _blob(self, digest):
        found = self.fleet.rows("select data from blobs where digest = {}", digest)
        if found:
            return bytes(found[0][0])
        raise KeyError(digest)

    # ------------------------------------------------------------ what must be nought

    def check(self):
        """What is wrong, by its kind; empty where nothing is."""
        self._check_logs()
        self._check_votes()
        if self.fleet.is_shared:
            self._check_writes()
            self._check_overlaps()
        return {kind: found for kind, found in self.wrong.items() if found}

    def _check_logs(self):
        for run, verdict in self.verdicts.items():
            self.wrong["logs out of order"] += [f"{run}: {found}" for found in verdict.findings]
            if verdict.run is None:
                continue
            if verdict.run.status not in ENDED:
                self.wrong["runs that did not end"].append(f"{run}: {verdict.run.status}")
            elif verdict.run.result != self.people.results.get(run):
                said = f"{run}: {verdict.run.status}, {verdict.run.result!r}, {verdict.run.error}"
                self.wrong["runs with a wrong result"].append(said)
            for gate in verdict.run.gates.values():
                voters = {vote.voter.name for vote in gate.votes if vote.approved}
                if gate.status == "approved" and len(voters) < VOTES:
                    self.wrong["gates with too few votes"].append(f"{run} {gate.step}")

    def _check_votes(self):
        told = Counter()
        for run, verdict in self.verdicts.items():
            for row in verdict.events:
                if type(row.event).__name__ == "VoteCast":
                    told[run, row.event.gate, row.event.voter.name] += 1
        lost = [vote for vote in self.people.acknowledged if not told[vote]]
        self.wrong["votes lost"] += map(str, lost)

    def _check_writes(self):
        query = (
            "select w.run, w.seq, w.kind, w.life, s.life from chaos_writes w"
            " left join chaos_servers s on s.server = w.owner"
            " where s.life is distinct from w.life"
        )
        for row in self.fleet.rows(query):
            if row[2] in DRIVERS:
                self.wrong["writes by a fenced server"].append(" ".join(map(str, row)))

    def _check_overlaps(self):
        for one, other in self._overlapping():
            if self._epoch(one) == self._epoch(other):
                self.wrong["one step in two kernels at once"].append(f"{one} {other}")

    def _overlapping(self):
        """Pairs of executions of one step, at the same time."""
        by_step = defaultdict(list)
        for each in self.executions:
            by_step[each.run, each.step].append(each)
        for same in by_step.values():
            same.sort(key=lambda each: each.begin)
            for one, other in pairwise(same):
                if one.pid != other.pid and one.end is not None and other.begin < one.end:
                    yield one, other

    def _epoch(self, execution):
        """That of the run when the cell began."""
        claims = self.fleet.rows(
            "select at, epoch from chaos_claims where run = {} order by at", execution.run
        )
        place = bisect_right([at for at, _ in claims], execution.begin)
        return claims[place - 1][1] if place else None

    # ------------------------------------------------------------ what is counted

    def counts(self):
        begun = Counter((each.run, each.step) for each in self.executions)
        statuses = Counter(v.run.status.value for v in self.verdicts.values() if v.run is not None)
        votes = self.people
        counted = {
            "runs started": len(self.verdicts),
            "runs that succeeded": statuses["succeeded"],
            "runs that needed a person": len(votes.resumed),
            "steps run": len(begun),
            "steps run twice or more": sum(count > 1 for count in begun.values()),
            "votes acknowledged": len(votes.acknowledged),
            "votes refused or unanswered": sum(votes.refused.values()),
        }
        if self.fleet.is_shared:
            overlaps = sum(1 for _ in self._overlapping())
            counted["cells that a fenced server's kernel still ran beside"] = overlaps
        return counted

    def takeovers(self, deaths):
        """Seconds from each death of a server to the moments at which others took the runs that it
        was driving. `deaths` are (server life, time).
        """
        found = []
        for life, at in deaths:
            taken = self.fleet.rows(
                "select min(c.at) from chaos_claims c where c.at > {} and exists (select from"
                " chaos_claims b join chaos_servers s on s.server = b.server where b.run = c.run"
                " and b.epoch = c.epoch - 1 and s.life = {}) and c.server is not null"
                " and exists (select from chaos_writes w where w.run = c.run and w.at < {}"
                " and w.kind = 'StepStarted' and w.seq = (select max(v.seq) from chaos_writes v"
                " where v.run = c.run and v.at < {})) group by c.run",
                at,
                life,
                at,
                at,
            )
            found += [row[0] - at for row in taken]
        return sorted(found)
