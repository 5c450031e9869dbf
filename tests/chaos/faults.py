"""What is done to a fleet, each as a call that begins it, waits, and sets all right again."""

import contextlib
import json
import time

import psycopg

from jupyter_flows import composition
from tests.acceptance.conftest import ask, until

LEASE = 15.0


class Faults:
    """`done` counts them; `deaths` are (server life, POSIX time)."""

    def __init__(self, fleet, people, chance):
        self.fleet = fleet
        self.people = people
        self.chance = chance
        self.done = []
        self.deaths = []
        self.fenced_after = []

    def _one(self, busy=False):
        """Any server that is up; with `busy` the one that executes the most cells just now, as soon
        as one does.
        """
        up = self.fleet.up()
        if not busy or not self.fleet.is_shared:
            return self.chance.choice(up)
        at_work = until(lambda: self._at_work() or not self.people.unfinished())
        if at_work is True:
            return self.chance.choice(up)
        return max(up, key=lambda node: at_work.get(node.process.pid, 0))

    def _at_work(self):
        """How many cells each server executes, by its process."""
        return dict(
            self.fleet.rows(
                "select s.pid, count(*) from runs r join servers s on s.id = r.server"
                " join events e on e.run_id = r.id and e.kind = 'StepStarted' where not exists"
                " (select from events f where f.run_id = r.id and f.seq > e.seq)"
                " and r.status = 'running' group by s.pid"
            )
        )

    # ------------------------------------------------------------ servers

    def kill(self, node=None, *, restart=True):
        """kill -9 of a server; its kernels end by themselves."""
        node = node or self._one(busy=True)
        self.deaths.append((node.life, composition.clock()))
        node.kill()
        self.done.append("kill -9")
        if restart:
            node.start()
        return node

    def sleep(self, node=None, seconds=LEASE + 4):
        """A server is stopped for longer than its lease, and wakes."""
        node = node or self._one(busy=True)
        held = self._held(node)
        self.deaths.append((node.life, composition.clock()))
        node.stop()
        time.sleep(seconds)
        node.wake()
        self.done.append(f"SIGSTOP for {seconds:.0f} s")
        self._wait_until_let_go(node, held)

    def _held(self, node):
        """The runs that a server has, and the processes of its kernels."""
        if not self.fleet.is_shared:
            return []
        pid = node.process.pid
        return self.fleet.rows(
            "select r.id, r.epoch from runs r join servers s on s.id = r.server"
            " where s.pid = {} and r.status = 'running'",
            pid,
        )

    def _wait_until_let_go(self, node, held):
        """Who woke has to end the kernels of the runs that others took meanwhile."""
        if not held:
            return
        taken = [
            run
            for run, epoch in held
            if self.fleet.rows("select 1 from runs where id = {} and epoch > {}", run, epoch)
        ]
        begun = time.monotonic()
        until(lambda: not taken or not set(taken) & node.kernels())
        self.fenced_after.append((len(taken), time.monotonic() - begun))

    # ------------------------------------------------------------ the database

    def away(self, seconds, nodes=None, *, swallowed=False):
        """The database can't be reached by these servers; by none, if none is named."""
        nodes = nodes or self.fleet.nodes
        for node in nodes:
            node.proxy.swallow() if swallowed else node.proxy.down()
        time.sleep(seconds)
        for node in nodes:
            node.proxy.up()
        how = "swallowed" if swallowed else "cut off"
        self.done.append(f"database {how} for {seconds:.0f} s from {len(nodes)} servers")

    def stop_database(self, seconds):
        """The database itself is stopped, as by a crash, and started again."""
        self.fleet.postgres.stop()
        time.sleep(seconds)
        self.fleet.postgres.start()
        self.done.append(f"PostgreSQL stopped for {seconds:.0f} s")

    # ------------------------------------------------------------ jobs

    def double_jobs(self):
        """Each job that waits comes three times, and each unfinished run gets one more."""
        self.fleet.rows(
            "insert into procrastinate_jobs (queue_name, task_name, args)"
            " select queue_name, task_name, args from procrastinate_jobs, generate_series(1, 2)"
            " where status = 'todo'"
        )
        self.fleet.rows(
            "insert into procrastinate_jobs (queue_name, task_name, args)"
            " select 'default', 'drive', jsonb_build_object('run', id) from runs"
            " where finished_at is null"
        )
        self.done.append("jobs doubled")

    def lose_jobs(self):
        with contextlib.suppress(psycopg.errors.DeadlockDetected):
            self.fleet.rows("delete from procrastinate_jobs where status = 'todo'")
        self.done.append("jobs lost")

    def poke(self):
        """On one machine: as another process of the user does, of each run, twice."""
        for node in self.fleet.up():
            (card,) = (node.home / "flows" / "servers").glob("*.json")
            headers = {"Authorization": f"Bearer {json.loads(card.read_bytes())['secret']}"}
            for run in self.people.unfinished():
                for _ in range(2):
                    answer = ask("POST", f"{node.address}/peers/drive/{run}", {}, headers)
                    assert answer.status == 204, answer.text
        self.done.append("runs poked twice")
