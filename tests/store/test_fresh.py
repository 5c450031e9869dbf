"""Whether a remembered run is still what its log says: what is asked of SQLite at once."""

import sqlite3

import sqlalchemy as sa

from jupyter_flows.core.model import RunId
from jupyter_flows.store.fresh import Fresh

RUN = RunId("run_1")


def at(path):
    return Fresh(sa.create_engine(sa.URL.create("sqlite", database=str(path))))


def test_it_knows_what_another_has_committed(tmp_path):
    path = tmp_path / "a folder #1?" / "flows.db"
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("create table events (run_id text, seq integer)")
        other.execute("insert into events values ('run_1', 1)")
    fresh = at(path)
    assert fresh.holds(RUN, 1)
    with sqlite3.connect(path) as other:
        other.execute("insert into events values ('run_1', 2)")
    assert not fresh.holds(RUN, 1)
    assert fresh.holds(RUN, 2)
    fresh.close()
    assert not fresh.holds(RUN, 2), "closed for good: no file is opened again"


def test_a_file_that_is_not_there_is_not_made(tmp_path):
    path = tmp_path / "flows.db"
    assert not at(path).holds(RUN, 1)
    assert not path.exists()
