"""A server that counts as in use while runs of its own are unfinished."""

import asyncio
import logging
from types import SimpleNamespace

import pytest

from jupyter_flows.core.errors import StoreUnavailable
from jupyter_flows.engine import staying
from jupyter_flows.engine.staying import Staying
from jupyter_flows.ports import Page


class Runs:
    """A store that has pages of runs, given by their servers; it tells of each look."""

    def __init__(self, *pages):
        self.pages = pages
        self.looked = asyncio.Queue()

    async def runs(self, wanted, cursor, limit):
        if self.pages == ():
            self.looked.put_nowait("away")
            raise StoreUnavailable
        at = int(cursor or 0)
        last = at + 1 == len(self.pages)
        if last:
            self.looked.put_nowait("looked")
        rows = tuple(SimpleNamespace(server=server) for server in self.pages[at])
        return Page(rows=rows, cursor=None if last else str(at + 1))


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(staying, "EVERY", 0.001)


@pytest.fixture
def stay(jp_asyncio_loop):
    made = []

    def stay(store):
        said = asyncio.Queue()
        staying = Staying(store, "me", lambda: said.put_nowait("active"), logging.getLogger())
        staying.start()
        made.append(staying)
        return said

    yield stay
    for each in made:
        jp_asyncio_loop.run_until_complete(each.stop())


async def test_an_unfinished_run_of_its_own_counts_on_whatever_page_it_is(stay):
    said = stay(Runs(["other", None], ["other", "me"]))
    for _ in range(3):
        await said.get()


async def test_other_servers_runs_do_not_count(stay):
    store = Runs(["other", None], ["third"])
    said = stay(store)
    for _ in range(3):
        await store.looked.get()
    assert said.empty()


async def test_it_goes_on_when_the_store_is_back(stay):
    store = Runs()
    said = stay(store)
    assert await store.looked.get() == "away"
    store.pages = (["me"],)
    await said.get()
