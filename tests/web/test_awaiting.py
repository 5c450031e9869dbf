"""Which open gates somebody is shown: a page at a time, and no run looked at in vain (G45)."""

import asyncio
import logging

import pytest

from jupyter_flows.core.errors import BadInput, LogUnreadable, UnknownRun
from jupyter_flows.core.model import Voter
from jupyter_flows.store.memory import MemoryStore
from jupyter_flows.web.awaiting import awaiting, open_gates, search_words

from ..store.story import put, suspended  # noqa: TID252 (the tests are no installed package)

BOB = Voter("bob", verified=True, route="inbox")
LOG = logging.getLogger("tests")


class Looked:
    """An engine as far as lists go; `loaded` are the runs that were looked at."""

    def __init__(self):
        self.store = MemoryStore()
        self.loaded = []
        self.broken = {}

    async def open_gates(self, limit, after=None):
        return await self.store.open_gates(limit, after)

    async def run(self, run):
        self.loaded.append(run)
        if run in self.broken:
            raise self.broken[run]
        return await self.store.load(run)

    async def park(self, count, **options):
        for n in range(count):
            await suspended(self.store, f"run_{n:04}", at=1000.0 + n, **options)


@pytest.fixture
def engine():
    return Looked()


async def page(engine, cursor=None, *, limit=30, words=(), looks=None):
    found = await open_gates(
        engine, awaiting(BOB, words), limit=limit, cursor=cursor, looks=looks, log=LOG
    )
    return [each.run.id for each in found.gates], found.cursor


async def test_a_page_of_a_thousand_looks_at_its_own_runs_only(engine):
    await engine.park(1000)
    found, cursor = await page(engine)
    assert found == engine.loaded == [f"run_{n:04}" for n in range(30)]
    engine.loaded.clear()
    found, _ = await page(engine, cursor)
    assert found == engine.loaded == [f"run_{n:04}" for n in range(30, 60)]


@pytest.mark.parametrize("limit", [1, 7, 50, 100, 101])
async def test_the_pages_leave_none_out_and_end(engine, limit):
    await engine.park(101)
    seen, cursor = await page(engine, limit=limit)
    while cursor is not None:
        found, cursor = await page(engine, cursor, limit=limit)
        assert found
        seen += found
    assert seen == [f"run_{n:04}" for n in range(101)]


async def test_a_cursor_holds_though_its_own_gate_closes(engine):
    stories = [await suspended(engine.store, f"run_{n}", at=1000.0 + n) for n in range(4)]
    _, cursor = await page(engine, limit=2)
    await put(engine.store, stories[1].vote())
    assert await page(engine, cursor) == (["run_2", "run_3"], None)


async def test_a_search_looks_at_so_many_and_goes_on_from_there(engine):
    await engine.park(25)
    await suspended(engine.store, "run_x", at=2000.0, path="rare.ipynb")
    found, cursor = await page(engine, words=("rare",), looks=20)
    assert (found, len(engine.loaded)) == ([], 20)
    assert await page(engine, cursor, words=("rare",), looks=20) == (["run_x"], None)


async def test_what_others_must_vote_on_is_passed_over(engine):
    """G44, G45"""
    for n in range(6):
        await suspended(engine.store, f"run_{n}", at=1000.0 + n, approvers=(("eve", "bob")[n % 2],))
    assert await page(engine) == (["run_1", "run_3", "run_5"], None)


async def test_a_run_that_cannot_be_read_hides_no_other(engine, caplog):
    await engine.park(3)
    engine.broken = {"run_0000": LogUnreadable("damaged"), "run_0001": UnknownRun()}
    assert await page(engine) == (["run_0002"], None)
    assert "run_0000" in caplog.text


async def test_a_gate_that_has_just_closed_is_left_out(engine):
    story = await suspended(engine.store)
    rows = await engine.store.open_gates(10)
    await put(engine.store, story.vote())

    async def as_it_was(limit, after=None):
        return rows

    engine.open_gates = as_it_was
    assert await page(engine) == ([], None)


@pytest.mark.parametrize(
    "cursor",
    ["x", "é", "MS4wIGEgYiBj", "bmFuIGEgYiAx", "MS4wIGEgYiA5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"],
)
async def test_a_cursor_that_was_not_given_out_is_refused(engine, cursor):
    with pytest.raises(BadInput):
        await page(engine, cursor)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("", True),
        ("  ", True),
        ("REPORT", True),
        ("\uff32EPORT", True),
        ("owner publish", True),
        ("straße", True),
        ("STRASSE", True),
        ("report nothing", False),
        ("owner.*", False),
    ],
)
async def test_all_words_must_be_found_whatever_their_case(engine, said, found):
    options = {"description": {"markdown": "Publish to the Straße?"}}
    await suspended(engine.store, path="weekly/report.ipynb", **options)
    assert bool((await page(engine, words=search_words(said)))[0]) is found


async def test_nobody_finds_out_a_token_by_searching(engine):
    """G34"""
    token = "A" * 80 + "." + "B" * 43
    await suspended(engine.store, description=f"see http://h/resume?flow_token={token}")
    assert (await page(engine, words=("see",)))[0]
    assert not (await page(engine, words=("aaaa",)))[0]


def test_a_search_of_any_length_is_refused_by_its_length():
    search_words("x" * 200)
    with pytest.raises(BadInput):
        search_words("x" * 201)


async def test_others_are_served_between_any_two_gates_that_are_looked_at(engine):
    await engine.park(5)
    turns, seen = [0], []

    async def others():
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    def wanted(*_):
        seen.append(turns[0])
        return False

    task = asyncio.create_task(others())
    await open_gates(engine, wanted, limit=30, log=LOG)
    task.cancel()
    assert len(set(seen)) == len(seen) == 5
