"""Both stores behind one fixture: what holds for one must hold for the other."""

import pytest

from jupyter_flows.store.memory import MemoryStore
from jupyter_flows.store.sql import SqlStore


@pytest.fixture
def open_sql(tmp_path, jp_asyncio_loop):
    """Open the database of this test once more, as another process would."""
    opened = []

    def open_sql():
        opened.append(SqlStore(f"sqlite:///{tmp_path / 'flows.db'}", tmp_path))
        return opened[-1]

    yield open_sql
    for store in opened:
        jp_asyncio_loop.run_until_complete(store.close())


@pytest.fixture(params=["memory", "sql"])
def store(request, open_sql):
    return MemoryStore() if request.param == "memory" else open_sql()
