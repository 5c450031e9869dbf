"""All stores behind one fixture: what holds for one must hold for the others."""

import itertools

import pytest
import sqlalchemy as sa

from jupyter_flows.store.engine import open_engine
from jupyter_flows.store.memory import MemoryStore
from jupyter_flows.store.sql import SqlStore


@pytest.fixture(scope="session")
def template(postgres):
    """A database with all tables and no rows, to make others of: to migrate each takes longer."""
    name = postgres.create()
    open_engine(postgres.url(name)).dispose()
    return name


@pytest.fixture
def empty_postgres(postgres, template):
    """The address of a database with all tables and no rows, which goes with the test."""
    name = postgres.create(template)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def opener(tmp_path, jp_asyncio_loop):
    """Open a store at an address, as a process of its own would; SQLite's files are the test's."""
    opened = []

    def open_at(url, folder=tmp_path, **more):
        opened.append(SqlStore(url, folder, **more))
        return opened[-1]

    yield open_at
    for store in opened:
        jp_asyncio_loop.run_until_complete(store.close())


@pytest.fixture
def open_sql(opener, tmp_path):
    """Open the database of this test once more, as another process would: SQLite's."""
    return lambda **more: opener(f"sqlite:///{tmp_path / 'flows.db'}", **more)


@pytest.fixture
def open_postgres(opener, tmp_path, empty_postgres):
    """As `open_sql`, on PostgreSQL, and as another machine would: no two share a folder."""
    numbers = itertools.count()

    def open_postgres(**more):
        folder = tmp_path / f"server_{next(numbers)}"
        folder.mkdir()
        return opener(empty_postgres, folder, **more)

    return open_postgres


@pytest.fixture(params=["sql", "postgres"])
def open_store(request):
    """Open the database of this test once more, on each kind of database."""
    return request.getfixturevalue(f"open_{request.param}")


@pytest.fixture(params=["memory", "sql", "postgres"])
def store(request):
    if request.param == "memory":
        return MemoryStore()
    return request.getfixturevalue(f"open_{request.param}")()


@pytest.fixture
def beside(tmp_path):
    """`beside(store)`: a connection to its database, as somebody with a database tool has it."""

    def beside(store):
        return sa.create_engine(store._engine.url).begin()

    return beside
