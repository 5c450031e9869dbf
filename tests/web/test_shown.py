"""That the approval page was shown stands in the log, and shows on nothing else (G71)."""

import asyncio

import pytest

from jupyter_flows.core.errors import StoreUnavailable


@pytest.fixture
def told(engine):
    """What the log has of pages that were shown, as (name, link, digest)."""

    async def told(run):
        while engine._background - engine_tasks:
            await asyncio.wait(engine._background - engine_tasks)
        log = await engine._store.events(run.id)
        shown = [row.event for row in log if type(row.event).__name__ == "GateShown"]
        return [(event.voter.name, event.voter.link, event.digest) for event in shown]

    engine_tasks = set(engine._background)
    return told


async def test_a_page_that_was_shown_is_in_the_log_once_for_each_link(park, reader, told):
    """G71"""
    run = await park({"required_events": 2})
    bob, eve = await run.mint("bob"), await run.mint("eve")
    digest = (await run.gate())["digest"]
    for name in ("approvalPage", "resume", "cancel"):
        await reader.enter(bob[name])
    await reader.look()
    assert await told(run) == [("bob", bob["id"], digest)]
    await reader.enter(eve["approvalPage"])
    assert await told(run) == [("bob", bob["id"], digest), ("eve", eve["id"], digest)]


async def test_entering_and_head_show_nothing(park, reader, told):
    run = await park()
    links = await run.mint("bob")
    for name in ("approvalPage", "resume", "cancel"):
        await run.anyone("GET", links[name])
        await run.anyone("HEAD", links[name])
    await reader.enter(links["resume"])
    assert len(await told(run)) == 1
    other = await run.mint("eve")
    reader._anyone = lambda method, *a, **k: run.anyone(
        "HEAD" if "/page/" in a[0] else method, *a, **k
    )
    await reader.enter(other["resume"])
    assert len(await told(run)) == 1


async def test_the_page_of_a_gate_that_is_closed_is_not_recorded(park, reader, told):
    run = await park()
    links = await run.mint("bob")
    await reader.enter(links["approvalPage"])
    assert (await reader.press("approve")).status == 200
    await run.settled(run.id)
    await reader.look()
    assert len(await told(run)) == 1


async def test_a_flow_level_link_is_shown_the_open_gate(park, reader, told):
    run = await park()
    links = await run.mint("bob", gate=None, flow_level=True)
    await reader.enter(links["approvalPage"])
    assert [link for _, link, _ in await told(run)] == [links["id"]]


async def test_a_store_that_is_away_keeps_no_page_from_being_shown(
    park, reader, told, engine, monkeypatch
):
    run = await park()
    links = await run.mint("bob")
    store = engine._store

    async def away(*_, **__):
        raise StoreUnavailable

    with monkeypatch.context() as broken:
        broken.setattr(store, "append", away)
        assert (await reader.enter(links["approvalPage"])).status == 200
        assert await told(run) == []
    await reader.look()
    assert len(await told(run)) == 1


async def test_looking_drives_nothing_and_wakes_no_kernel(park, reader, told, kernels, engine):
    """G32, G71"""
    run = await park()
    links = await run.mint("bob")
    executed = list(kernels.executed)
    enqueued = []
    engine._dispatcher.enqueue = enqueued.append
    await reader.enter(links["approvalPage"])
    assert len(await told(run)) == 1
    assert enqueued == []
    assert kernels.executed == executed
    assert engine._dispatcher.driving() == []


async def test_a_vote_after_the_page_was_shown_counts_as_ever(park, reader, told):
    run = await park()
    links = await run.mint("bob")
    await reader.enter(links["approvalPage"])
    pressed = await reader.press("approve", message="fine")
    assert pressed.status == 200, pressed.text
    ended = await run.settled(run.id)
    assert (ended.status, ended.result) == ("succeeded", {"message": "fine"})
    kinds = [type(row.event).__name__ for row in await run.engine._store.events(run.id)]
    assert kinds.index("GateShown") < kinds.index("VoteCast")


async def test_a_logged_in_reader_without_a_link_is_recorded_as_verified(
    park, call, told, become, reader
):
    """G41, G71"""
    run = await park({"user_auth_required": True})
    key = (await run.gate())["id"]
    await reader.enter((await run.mint("bob"))["approvalPage"])
    assert await told(run) == [], "who is sent to the login was shown nothing"
    become("ann")
    for _ in range(2):
        assert (await call("GET", f"page/{key}")).status == 200
    assert [(name, link) for name, link, _ in await told(run)] == [("ann", None)]
