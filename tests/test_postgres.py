"""The tests' own PostgreSQL: each test has an empty database, and none outlives pytest."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from tests import postgres as own

KILLED = """
from tests.postgres import Postgres
server = Postgres()
print(server.keeper.pid, server.folder, flush=True)
input()
"""


def test_each_test_has_an_empty_database_on_no_port(postgres, postgres_url):
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("select count(*) from pg_tables where schemaname = 'public'")
        assert found.fetchone() == (0,)
        assert connection.execute("show listen_addresses").fetchone() == ("",)
        assert connection.execute("show fsync").fetchone() == ("on",)
    assert postgres.url("postgres") != postgres_url


def test_it_ends_with_a_killed_pytest():
    root = Path(__file__).parents[1]
    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    ) as begun:
        keeper, folder = begun.stdout.readline().split()
        server = (Path(folder) / "data" / "postmaster.pid").read_text().split()[0]
        os.kill(begun.pid, signal.SIGKILL)
    while any(lives(int(pid)) for pid in (keeper, server)):
        time.sleep(0.05)
    assert not Path(folder).exists()


def lives(pid):
    """Nobody may be there who fetches what an orphan has to say."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_without_postgresql_the_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(own, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(own.NoPostgresError, match="install Debian's package postgresql"):
        own.Postgres()
