"""Servers as processes: one on SQLite, or several on one PostgreSQL, each behind a proxy."""

import contextlib
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import psycopg

from tests.acceptance.conftest import LONG, Server, until
from tests.postgres import USER
from tests.proxy import Proxy

REPOSITORY = Path(__file__).resolve().parents[2]
KEY = "the-deployment-key-of-all-servers-of-these-tests"


class Node(Server):
    """A server. Each life of it has a name of its own at the database. `skew` is by how many
    seconds its clock is wrong; `inside` is the network namespace that it runs in.
    """

    def __init__(self, name, home, *, database=None, skew=0.0, worker=False, inside="", **flows):
        super().__init__(home, **flows)
        self.name = name
        self.lives = 0
        self.database = database
        self.skew = skew
        self.worker = worker
        self.inside = inside
        self.also = []
        self.process = None
        self.is_stopped = False
        self.stops = 0

    @property
    def life(self):
        return f"{self.name}.{self.lives}"

    @property
    def is_up(self):
        return self.process is not None and self.process.poll() is None and not self.is_stopped

    def environment(self):
        (self.home / "root").mkdir(parents=True, exist_ok=True)
        url = "" if self.database is None else self.database(self.life)
        return {
            **super().environment(),
            "JUPYTER_FLOWS_DATABASE_URL": url,
            "JUPYTER_FLOWS_DEPLOYMENT_KEY": KEY if url else "",
            "PYTHONPATH": str(REPOSITORY),
        }

    def command(self):
        program = ["jupyter_flows.cli.main"]
        if self.skew:
            program = ["tests.chaos.skewed", str(self.skew)]
        command = [sys.executable, "-m", *program, "worker" if self.worker else "serve"]
        command += [
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            "--allow-root",
            f"--ServerApp.root_dir={self.home / 'root'}",
            f"--IdentityProvider.token={self.token}",
        ]
        command += [f"--FlowsApp.{trait}={value}" for trait, value in self.flows.items()]
        command += self.also
        if self.inside:
            return ["ip", "netns", "exec", self.inside, *command, "--ServerApp.ip=0.0.0.0"]
        return command

    def start(self):
        self.lives += 1
        self.is_stopped = False
        self.process = subprocess.Popen(
            self.command(),
            cwd=self.home,
            env=self.environment(),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True).start()
        until(self._answers)
        return self

    def _read_log(self, stream):
        self.lines += stream

    def kill(self, with_signal=signal.SIGKILL):
        self.process.send_signal(with_signal)
        self.process.wait(LONG)

    def stop(self):
        """Not a step further, for now; its kernels go on."""
        self.is_stopped = True
        self.stops += 1
        self.process.send_signal(signal.SIGSTOP)

    def wake(self):
        self.process.send_signal(signal.SIGCONT)
        self.is_stopped = False

    def end(self):
        if self.process is None:
            return
        if self.is_stopped:
            self.wake()
        self._end_children()

    def _end_children(self):
        """Kernels whose server was killed end by themselves, but not at once."""
        kernels = []
        if self.process.poll() is None:
            kernels = psutil.Process(self.process.pid).children(recursive=True)
        super().end()
        for kernel in kernels:
            with contextlib.suppress(psutil.NoSuchProcess):
                kernel.kill()

    def tell(self, *arguments):
        """A command at this server's machine: its exit status, and what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "jupyter_flows.cli.main", *arguments],
            cwd=self.home,
            env=self.environment(),
            capture_output=True,
            check=False,
            text=True,
            timeout=LONG,
        )
        return done.returncode, done.stdout + done.stderr

    def kernels(self):
        """The ids of runs that have kernels here, by those processes themselves."""
        found = set()
        for kernel in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):
                found.add(kernel.environ().get("FLOWS_RUN_ID"))
        return found

    def patiently(self, method, path, body=None):
        """As `call`; None where nobody answers."""
        try:
            return self.call(method, path, body)
        except OSError:
            return None


class Fleet:
    """What both kinds of fleets have: `nodes`, and `rows` of their database, read past them."""

    is_shared = False

    def __init__(self, folder):
        self.folder = Path(folder)
        self.cells = self.folder / "cells"
        self.cells.touch()
        self.nodes = []
        self.others = []

    def up(self):
        return [node for node in self.nodes if node.is_up]

    def start(self):
        """All at once: they share what must be made first."""
        starting = [threading.Thread(target=node.start) for node in self.nodes]
        for each in starting:
            each.start()
        for each in starting:
            each.join()
        assert len(self.up()) == len(self.nodes), [node.lines[-20:] for node in self.nodes]
        return self

    def end(self):
        for node in (*self.nodes, *self.others):
            node.end()

    def status(self, run):
        return self.rows("select status from runs where id = {}", run)[0][0]

    def come_to(self, run, *statuses):
        """Wait, by the database itself, until the run has one of these; which one."""
        return until(lambda: (found := self.status(run)) in statuses and found)


class Alone(Fleet):
    """One server on SQLite. `extra` are more of them on the same folder."""

    kind = "local"

    def __init__(self, folder, **flows):
        super().__init__(folder)
        self.nodes = [Node("one", self.folder / "one", checkpoint_min_free=0, **flows)]

    def rows(self, query, *values):
        file = self.nodes[0].home / "flows" / "flows.db"
        with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as found:
            return found.execute(query.format(*"?" * len(values)), values).fetchall()


class Shared(Fleet):
    """Several on one database of `postgres`; `extras` are the settings of single ones."""

    kind = "procrastinate"
    is_shared = True

    def __init__(self, folder, postgres, count, extras=(), **flows):
        super().__init__(folder)
        self.postgres = postgres
        self.base = postgres.create()
        self.proxies = []
        flows = {
            "checkpoint_min_free": 0,
            "checkpoint_dir": self.folder / "checkpoints",
            **flows,
        }
        for number in range(count):
            extra = dict(extras[number]) if number < len(extras) else {}
            self.add(f"s{number}", **flows, **extra)

    def add(self, name, *, host="127.0.0.1", **said):
        proxy = Proxy(self.postgres.folder / ".s.PGSQL.5432", host)
        self.proxies.append(proxy)

        def database(life):
            named = f"application_name={life}&sslmode=disable&gssencmode=disable"
            return f"postgresql://{USER}@{host}:{proxy.port}/{self.base}?{named}"

        self.nodes.append(Node(name, self.folder / name, database=database, **said))
        self.nodes[-1].proxy = proxy
        return self.nodes[-1]

    def rows(self, query, *values):
        """A query that gives rows, or changes them."""
        with psycopg.connect(self.postgres.url(self.base), autocommit=True) as connection:
            done = connection.execute(query.format(*["%s"] * len(values)), values or None)
            return done.fetchall() if done.description else []

    def end(self):
        for proxy in self.proxies:
            proxy.up()
        super().end()
        for proxy in self.proxies:
            proxy.down()
        self.postgres.drop(self.base)
