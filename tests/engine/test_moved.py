"""Runs of a store that was copied to another database go on there."""

import itertools

import pytest

from jupyter_flows.store.moving.copying import move
from jupyter_flows.store.moving.places import place_of
from jupyter_flows.store.sql import SqlStore

from .conftest import vote

GATED = ("x = 20", ("'go?'", ["suspend"]), "x + resume['n']")


@pytest.fixture
def opened(tmp_path, jp_asyncio_loop):
    stores = []

    def opened(said):
        place = place_of(said)
        stores.append(SqlStore(place.url, place.folder or tmp_path))
        return stores[-1]

    yield opened
    for store in stores:
        jp_asyncio_loop.run_until_complete(store.close())


@pytest.mark.parametrize("back", [False, True], ids=["to PostgreSQL", "back to SQLite"])
async def test_a_waiting_and_a_broken_off_run_go_on_from_the_copy(
    world, opened, tmp_path, postgres_url, back
):
    places = [str(tmp_path / "old"), postgres_url, str(tmp_path / "new")][: 3 if back else 2]
    (tmp_path / "old").mkdir()
    world.store = opened(places[0])
    first = world.server()
    waits = await world.settled(first, *GATED)
    works = await world.started(first, "x = 1", "# hold\nx += 1", "x + 40")
    await first.kernels.begun(works)
    world.kill(first)
    before = [await world.store.chain(run) for run in (waits.id, works)]
    for source, target in itertools.pairwise(places):
        move(place_of(source), place_of(target), lambda *_: None)
    world.store = opened(places[-1])
    assert [await world.store.chain(run) for run in (waits.id, works)] == before
    second = world.server("srv_2")
    await second.start()
    assert await second.run(waits.id) == waits
    await second.vote(waits.id, vote(waits, payload={"n": 22}))
    await second.settled(waits.id)
    await second.resume(waits.id, "owner")
    assert (await second.settled(waits.id)).result == 42
    assert (await second.run(works)).status == "interrupted"
    await second.resume(works, "owner")
    await second.kernels.begun(works)
    second.kernels.go(works)
    assert (await second.settled(works)).result == 42
