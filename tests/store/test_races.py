"""Several servers on one database at one moment: what is promised holds for all together."""

import asyncio

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core.model import Failure, LinkId, RunId, RunStatus, StepId
from jupyter_flows.core.registry import RegisteredFlow, Version
from jupyter_flows.core.things import Progress, Resource, Variable
from jupyter_flows.ports import RunFilter
from jupyter_flows.store.sql import SqlStore

from .story import Story, kept, put, suspended


@pytest.fixture
def servers(open_store):
    return [open_store() for _ in range(3)]


LIMITS = {
    "a flow's": {"concurrency": 2, "name": "one at a time"},
    "a flow's by its path": {"concurrency": 2},
    "a starter's": {"started_by": RunId("run_parent"), "at_once": 2},
}


@pytest.mark.parametrize("limit", LIMITS)
async def test_no_two_servers_take_one_place(servers, limit):
    path = "a long folder's name/" * 100 + "report.ipynb"
    stories = [Story(f"run_{n}", path=path, first=LIMITS[limit]) for n in range(9)]
    for story in stories:
        await kept(servers[0], story)
    told = [story.start() for story in stories]
    done = await asyncio.gather(
        *(put(servers[n % 3], each, epoch=1) for n, each in enumerate(told)), return_exceptions=True
    )
    assert [type(each) for each in done if each is not None] == [errors.FlowBusy] * 7
    running = RunFilter(status=frozenset({RunStatus.RUNNING}))
    assert len((await servers[1].runs(running, None, 20)).rows) == 2
    if "flow" in limit:
        assert len(await servers[2].queued(stories[0].run.flow)) == 7


async def test_one_key_makes_one_run_on_all_servers(servers):
    made = await asyncio.gather(
        *(kept(servers[n % 3], Story(f"run_{n}"), key="once") for n in range(12))
    )
    assert len(set(made)) == 1
    assert len((await servers[0].runs(RunFilter(), None, 20)).rows) == 1


async def test_of_servers_that_claim_one_run_one_has_it(servers):
    await kept(servers[0], Story(), server=None)
    claims = (servers[n % 3].claim(RunId("run_1"), f"srv_{n}", 1) for n in range(9))
    done = await asyncio.gather(*claims, return_exceptions=True)
    assert done.count(2) == 1
    assert sum(isinstance(each, errors.Fenced) for each in done) == 8
    assert (await servers[0].row(RunId("run_1"))).server == f"srv_{done.index(2)}"


async def test_what_is_written_over_by_many_is_what_one_of_them_wrote(servers):
    run = RunId("run_1")

    async def writes(store, n):
        flow = RegisteredFlow(name="router", path=f"/{n}.ipynb", owner="bob", registered_at=1.0)
        await store.flows.put(flow)
        await store.flows.note(Version(hash="0" * 16, name="a", path="/a.ipynb", notebook=b"{}"))
        await store.things.set_state(run, "key", n)
        await store.things.set_progress("run_1.a", Progress(n, None, 1.0))
        await store.save_partial(run, b"%d" % n)

    await asyncio.gather(*(writes(servers[n % 3], n) for n in range(12)))
    wrote = set(range(12))
    assert (await servers[0].things.states(run))["key"] in wrote
    assert (await servers[0].things.progress("run_1.a")).percent in wrote
    assert int(await servers[0].partial(run)) in wrote
    assert len(await servers[0].flows.flows()) == 1


async def test_a_path_is_taken_by_one_of_many(servers):
    resources = [Resource(path="f/a/b", value=n, resource_type="x") for n in range(9)]
    added = await asyncio.gather(
        *(servers[n % 3].things.resources.add(each) for n, each in enumerate(resources))
    )
    assert added.count(True) == 1
    assert await servers[0].things.resources.at("f/a/b") == resources[added.index(True)]


async def test_a_remembered_state_is_not_older_than_what_another_server_wrote(servers):
    one, other, _ = servers
    story = await suspended(one)
    for store in servers:
        assert await store.load(story.run.id) == story.run
    await put(other, story.vote(), durable=True)
    for store in servers:
        assert await store.load(story.run.id) == story.run


# ---------------------------------------------------------------- texts

TEXTS = st.text(max_size=12)


async def written(store, texts, numbers):
    """Whatever people write, into all columns that take it; and all of it, as it is read again."""
    names = sorted(texts)
    for n, (number, text) in enumerate(zip(numbers, names, strict=True)):
        story = Story(f"run_{number}_{n}", owner=text, path=text, first={"name": text})
        key = await kept(store, story, key=text)
        await store.things.set_state(RunId("run_1"), text, {"text": text})
        await store.things.set_progress(f"run_{n}.a", Progress(n, text, 1.0))
        await store.things.resources.add(Resource(path=f"f/{text}", value=text, resource_type=text))
        await store.things.resources.add(Resource(path=f"u/{text}/x", description=text))
        variable = Variable(path=f"f/{text}", value=text, description=text)
        await store.things.variables.add(variable)
        await store.flows.put(RegisteredFlow(name=text, path=text, owner=text, registered_at=1.0))
        assert await kept(store, Story("run_else", owner=text), key=text) == key
        assert await store.load(key) == story.run
        await put(store, story.tell(*_failing(text)), durable=True)
    return [
        (await store.runs(RunFilter(), None, 99)).rows,
        [(await store.runs(RunFilter(flow=t, owner=t, path=t), None, 99)).rows for t in names],
        await store.things.states(RunId("run_1")),
        [await store.things.progress(f"run_{n}.a") for n in range(len(names))],
        [await store.things.resources.shared_and(f"u/{text}") for text in names],
        await store.things.variables.shared_and("u/x"),
        await store.flows.flows(),
        [await store.flows.flow(text) for text in names],
        [await store.chain(row.id) for row in (await store.runs(RunFilter(), None, 99)).rows],
    ]


def _failing(text):
    failure = Failure(text, text, text)
    finish = c.FinishStep(step=StepId("load"), link=LinkId("l"), error=failure)
    return c.Start(), c.Advance(), finish, c.Advance()


def test_whatever_is_written_is_read_again_and_ordered_alike(
    postgres, template, tmp_path_factory, jp_asyncio_loop
):
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sets(TEXTS, min_size=1, max_size=5), st.permutations(range(5)))
    @example({"a", "B", "ä", "Z", "_"}, [4, 3, 2, 1, 0])
    @example({"\0", "\1", "\1\1", "\2", "\0\1"}, [0, 1, 2, 3, 4])
    @example({"a\0b", "a\1b", "a%b", "a_b", "a\\b"}, [0, 1, 2, 3, 4])
    def alike(texts, numbers):
        name, folder = postgres.create(template), tmp_path_factory.mktemp("texts")
        found = []
        for url in (f"sqlite:///{folder / 'flows.db'}", postgres.url(name)):
            store = SqlStore(url, folder)
            told = written(store, texts, numbers[: len(texts)])
            found.append(jp_asyncio_loop.run_until_complete(told))
            jp_asyncio_loop.run_until_complete(store.close())
        postgres.drop(name)
        assert found[0] == found[1]

    alike()
