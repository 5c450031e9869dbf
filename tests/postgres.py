"""A PostgreSQL of the tests' own, begun by the first test that asks, and a database for each test.

It has its own data folder and a Unix socket in it, and listens on no port; no other PostgreSQL of
the machine is touched. It ends with the pytest that began it, however that ends.
"""

import itertools
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

OLDEST = 13
"""The oldest version of PostgreSQL that is meant to work."""

DEBIAN = Path("/usr/lib/postgresql")
USER = "jupyter_flows"

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "log_line_prefix": "%m %d ",
}

# Whatever becomes of pytest, the pipe that is this script's input ends with it.
KEEPER = """
"$1/initdb" --pgdata="$2/data" --username="$3" --encoding=UTF8 --no-sync \
    --auth-local=trust $5 >"$2/initdb.log" 2>&1 &&
printf 'local all %s trust\\nlocal all all scram-sha-256\\n' "$3" >"$2/data/pg_hba.conf" &&
"$1/pg_ctl" start --silent --wait --pgdata="$2/data" --log="$2/log" --options="$4" >&2 &&
echo ready && cat
"$1/pg_ctl" stop --silent --mode=immediate --pgdata="$2/data" >/dev/null 2>&1
cd / && rm -rf "$2"
"""


class NoPostgresError(Exception):
    """There is none on this machine, or none that starts; the message says what to do."""


def programs():
    """The folder of `initdb`, `pg_ctl` and `postgres`: Debian's newest, else the path's."""
    found = [path.parent for path in DEBIAN.glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0))
    there = shutil.which("initdb")
    if there is None:
        raise NoPostgresError(
            "These tests need PostgreSQL: install Debian's package postgresql (make postgres)"
        )
    return Path(there).resolve().parent


def unprivileged():
    """PostgreSQL refuses to run as root: who it runs as instead, for `subprocess`."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise NoPostgresError(
        "PostgreSQL does not run as root, and there is no user postgres or nobody"
    )


def version_of(folder):
    said = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    return int(re.search(r"\d+", said)[0])


class Postgres:
    """A running PostgreSQL. Raises NoPostgresError."""

    def __init__(self):
        self._programs = programs()
        version = version_of(self._programs)
        if version < OLDEST:
            raise NoPostgresError(f"PostgreSQL {version} is too old for the tests: {OLDEST}")
        self._names = itertools.count(1)
        self.folder = Path(
            tempfile.mkdtemp(prefix="jf-pg-", dir="/tmp")
        )  # a socket's path is short
        self.keeper = self._started(version)

    def _started(self, version):
        who = unprivileged()
        if who:
            os.chown(self.folder, who["user"], who["group"])
        # Where a language rules the order of texts, a query that relies on bytes' order shows it.
        order = "--locale-provider=icu --icu-locale=en-US --locale=C" if version >= 15 else ""
        settings = SETTINGS | {"unix_socket_directories": str(self.folder)}
        self._options = options = " ".join(
            f"-c {name}='{value}'" for name, value in settings.items()
        )
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "keeper", self._programs, self.folder, USER, options, order],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            start_new_session=True,
            **who,
        )
        if keeper.stdout.readline() != "ready\n":
            logs = [path.read_text(errors="replace") for path in self.folder.glob("*log")]
            keeper.communicate()
            raise NoPostgresError("The tests' PostgreSQL does not start:\n" + "\n".join(logs))
        return keeper

    def url(self, database):
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def execute(self, statement, *names):
        """As its superuser, outside of any test's database."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def create(self, template="template1"):
        """The name of a new database."""
        name = f"test_{next(self._names)}"
        self.execute("create database {} template {}", name, template)
        return name

    def drop(self, database):
        """Whoever is connected to it."""
        self.execute("drop database if exists {} with (force)", database)

    def stop(self):
        """As by a crash, until `start`."""
        self._control("stop", "--mode=immediate")

    def start(self):
        """With what was committed."""
        self._control("start", f"--log={self.folder / 'log'}", f"--options={self._options}")

    def _control(self, what, *how):
        command = [self._programs / "pg_ctl", what, "--silent", "--wait"]
        subprocess.run(
            [*command, f"--pgdata={self.folder / 'data'}", *how],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            stdout=subprocess.DEVNULL,
            check=True,
            **unprivileged(),
        )

    def end(self):
        self.keeper.communicate()


@pytest.fixture(scope="session")
def postgres():
    """The PostgreSQL of this run of pytest. What can't be had is no reason to pass."""
    try:
        server = Postgres()
    except NoPostgresError as error:
        pytest.fail(str(error), pytrace=False)
    yield server
    server.end()


@pytest.fixture
def postgres_url(postgres):
    """The address of a fresh, empty database, which goes with the test."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)
