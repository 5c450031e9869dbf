"""The store on disk against the one in memory: whatever is asked, both answer alike."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from jupyter_flows.core import commands as c
from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.model import Failure, LinkId, RunStatus
from jupyter_flows.ports import RunFilter
from jupyter_flows.store.memory import MemoryStore
from jupyter_flows.store.sql import SqlStore

from .story import Story

PICKS = st.lists(st.integers(0, 11), min_size=3, max_size=8)
reached = Counter()


def _finished(story, error=None):
    step = story.run.running_step
    if step is None:  # the earlier cells are to run again first
        return story.tell(c.FinishRebuild(), c.Advance())
    return story.finish(step.id, error=error)


def _revoked(story):
    links = [c.RevokeLink(link=LinkId(link), by="a") for link in story.run.links]
    return story.tell(*links[-1:])


def _ended(story):
    return story.tell(c.CheckDeadline() if story.run.open_gate else c.Cancel(by="a"))


TELLINGS = {
    "start": lambda story: story.start(),
    "finish": _finished,
    "fail": lambda story: _finished(story, Failure("ValueError", "no")),
    "approve": lambda story: story.vote(),
    "reject": lambda story: story.vote(approved=False),
    "mint": lambda story: story.mint(f"l_{story.run.id}_{story.at}", "bob"),
    "revoke": _revoked,
    "lose": lambda story: story.tell(c.LoseKernel(why="gone")),
    "resume": lambda story: story.tell(c.Resume(by="a")),
    "end": _ended,
}


def _possible(run):
    """The commands that make sense now, the likelier ones more than once."""
    match run.status:
        case "queued":
            return ["start", "start", "start", "mint", "end"]
        case "running":
            return ["finish", "finish", "finish", "finish", "fail", "lose", "mint"]
        case "suspended":
            return ["approve", "reject", "mint", "revoke", "end"]
        case _:
            return ["resume", "revoke"]


class Stores(RuleBasedStateMachine):
    stories = Bundle("stories")
    blobs = Bundle("blobs")

    @initialize()
    def opened(self):
        self.folder = tempfile.TemporaryDirectory()
        self.url, self.remove = self.made(Path(self.folder.name))
        self.loop = asyncio.new_event_loop()
        self.memory = MemoryStore()
        self.opened_sql()
        self.now = 1000.0
        self.runs = 0

    def opened_sql(self):
        self.sql = SqlStore(self.url, Path(self.folder.name))

    def teardown(self):
        self.loop.run_until_complete(self.sql.close())
        self.loop.close()
        self.remove()
        self.folder.cleanup()

    def both(self, ask, *, unordered=False):
        """What both answer: a value, or the kind of refusal."""
        answers = []
        for store in (self.memory, self.sql):
            try:
                answer = self.loop.run_until_complete(ask(store))
            except (FlowsError, KeyError) as error:
                answer = type(error)
            answers.append(sorted(answer, key=repr) if unordered else answer)
        assert answers[0] == answers[1]
        return answers[0]

    @rule(
        target=stories,
        owner=st.sampled_from("ab"),
        key=st.sampled_from([None, None, None, "k"]),
        picks=PICKS,
    )
    def create(self, owner, key, picks):
        self.runs += 1
        self.now += 10
        story = Story(f"run_{self.runs}", owner=owner, at=self.now, timeout=50.0)
        story.stored = self.both(lambda s: s.create(story.run, story.first, key, "srv_1"))
        reached["same key" if story.stored != story.run.id else "created"] += 1
        self.tell(story, picks, durable=False, epoch=None)
        return story

    @rule(
        story=stories,
        picks=PICKS,
        durable=st.booleans(),
        epoch=st.sampled_from([None, None, None, 1, 2]),
    )
    def tell_more(self, story, picks, durable, epoch):
        self.tell(story, picks, durable, epoch)

    def tell(self, story, picks, durable, epoch):
        if story.stored != story.run.id:
            return
        for pick in picks:
            possible = _possible(story.run)
            each, before = possible[pick % len(possible)], story.run
            told = self.told(story, each)
            if told is None or not told[1]:
                continue
            refused = self.both(lambda s, told=told: s.append(*told, epoch=epoch, durable=durable))
            reached[refused.__name__ if refused else each] += 1
            if refused:
                story.run = before

    def told(self, story, what):
        """What the command leads to; None where the machine refuses it."""
        self.now += 1
        story.at = self.now
        try:
            return TELLINGS[what](story)
        except FlowsError:
            return None

    @rule(story=stories, back=st.integers(1, 3))
    def tell_stale(self, story, back):
        """A writer that has not seen the last events."""
        if story.stored != story.run.id or story.run.seq <= back:
            return
        rows = self.both(lambda s: s.events(story.run.id))
        stale = rows[-back:]
        refused = self.both(lambda s: s.append(story.run, stale, epoch=None, durable=False))
        assert refused is not None
        reached["stale"] += 1

    @rule(
        story=stories,
        expected=st.sampled_from([1, 1, 1, 2, 3]),
        server=st.sampled_from(["srv_1", "srv_2"]),
    )
    def claim(self, story, expected, server):
        answer = self.both(lambda s: s.claim(story.stored, server, expected))
        reached["claimed" if isinstance(answer, int) else "not claimed"] += 1

    @rule(target=blobs, data=st.binary(max_size=8))
    def put(self, data):
        return self.both(lambda s: s.put(data))

    @rule(digest=blobs)
    def get(self, digest):
        self.both(lambda s: s.get(digest))

    @rule(story=stories, data=st.one_of(st.none(), st.binary(max_size=8)))
    def save_partial(self, story, data):
        self.both(lambda s: s.save_partial(story.run.id, data))
        assert self.both(lambda s: s.partial(story.run.id)) == data

    @rule()
    def rebuild(self):
        self.both(lambda s: s.rebuild())

    @rule(digest=consumes(blobs), story=consumes(stories))
    def open_again(self, digest, story):
        """What only memory kept of blobs may go; the rest stands."""
        self.loop.run_until_complete(self.sql.close())
        self.opened_sql()
        self.loop.run_until_complete(self.sql.put(b""))
        for data in list(self.memory._blobs.values()):
            self.loop.run_until_complete(self.sql.put(data))
        reached["opened again"] += 1

    @rule(
        limit=st.integers(1, 4),
        status=st.frozensets(st.sampled_from(RunStatus), max_size=3),
        owner=st.sampled_from([None, "a", "b"]),
    )
    def page(self, limit, status, owner):
        wanted, cursor, seen = RunFilter(status=status, owner=owner), None, []
        while True:
            page = self.both(lambda s, at=cursor: s.runs(wanted, at, limit))
            seen += [row.id for row in page.rows]
            cursor = page.cursor
            if cursor is None:
                break
        assert len(seen) == len(set(seen))

    @rule(ahead=st.integers(-100, 100))
    def due(self, ahead):
        self.both(lambda s: s.due(self.now + ahead), unordered=True)

    @rule(story=stories, after=st.integers(0, 20))
    def read(self, story, after):
        self.both(lambda s: s.events(story.run.id, after))
        self.both(lambda s: s.chain(story.run.id))
        if story.stored == story.run.id:
            assert self.both(lambda s: s.load(story.run.id)) == story.run

    @invariant()
    def lists_are_alike(self):
        self.both(lambda s: s.ready(), unordered=True)
        self.both(lambda s: s.next_due())
        self.both(lambda s: s.open_gates(100))
        self.both(lambda s: s.links(None, 100))


@pytest.fixture
def made(request):
    """`made(folder)`: the address of a new database, and how it is removed."""
    if request.param == "sqlite":
        return lambda folder: (f"sqlite:///{folder / 'flows.db'}", lambda: None)
    postgres, template = (request.getfixturevalue(name) for name in ("postgres", "template"))

    def made(folder):
        name = postgres.create(template)
        return postgres.url(name), lambda: postgres.drop(name)

    return made


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("made", "examples"), [("sqlite", 30), ("postgresql", 16)], indirect=["made"]
)
def test_the_store_on_disk_answers_as_the_one_in_memory(made, examples):
    reached.clear()
    few = settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    machine = type("Made", (Stores,), {"made": staticmethod(made)})
    run_state_machine_as_test(machine, settings=few)
    assert {*TELLINGS, "stale"} <= set(reached), reached
