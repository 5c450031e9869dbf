"""What `ports.FlowStore` promises, shown of both."""

import pytest

from jupyter_flows.core.registry import RegisteredFlow, Version


@pytest.fixture
def flows(store):
    return store.flows


def flow(name="router", path="/home/bob/router.ipynb", owner="bob", at=1000.5):
    return RegisteredFlow(name=name, path=path, owner=owner, registered_at=at)


async def test_a_flow_is_found_by_its_name(flows):
    assert await flows.flow("router") is None
    await flows.put(flow())
    assert await flows.flow("router") == flow()
    assert await flows.flow("Router") is None


async def test_a_name_is_given_to_another_notebook(flows):
    await flows.put(flow())
    await flows.put(flow(path="/elsewhere.ipynb", owner="eve", at=2000.0))
    assert await flows.flows() == [flow(path="/elsewhere.ipynb", owner="eve", at=2000.0)]


async def test_all_are_listed_by_name_and_one_is_removed(flows):
    for name in ("b", "a", "c"):
        await flows.put(flow(name))
    assert [each.name for each in await flows.flows()] == ["a", "b", "c"]
    assert await flows.remove("b")
    assert not await flows.remove("b")
    assert [each.name for each in await flows.flows()] == ["a", "c"]


async def test_a_version_is_found_by_its_hash_and_stays_as_it_was(flows):
    first = Version(hash="0123456789abcdef", name="f/team/a", path="/a.ipynb", notebook=b"{}")
    assert await flows.version(first.hash) is None
    await flows.note(first)
    await flows.note(Version(hash=first.hash, name="b", path="/b.ipynb", notebook=b"[]"))
    assert await flows.version(first.hash) == first
