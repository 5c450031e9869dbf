"""What `ports.DeliveryStore` promises, shown of both: a delivery stands if its event does."""

import asyncio
from functools import partial

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from jupyter_flows.core import errors, webhooks
from jupyter_flows.core.commands import Cancel
from jupyter_flows.core.completions import Endpoint, EventType
from jupyter_flows.core.model import RunId
from jupyter_flows.core.webhooks import Answer, DeliveryId, Status

from .story import Story, kept, put, suspended

ONE, OTHER = "https://one.example/", "https://other.example/"
EVERYWHERE = (Endpoint(ONE, tuple(EventType)), Endpoint(OTHER))


@pytest.fixture
def sending(store):
    store.outgoing = partial(webhooks.deliveries, EVERYWHERE)
    return store


async def approved(store, name="run_1", **options):
    story = await suspended(store, name, **options)
    await put(store, story.vote(), durable=True)
    return story


async def all_of(store):
    return {(each.type, each.url) for each in await store.deliveries.deliveries(100)}


async def test_it_is_written_with_the_event_that_it_tells_of(sending):
    await approved(sending)
    assert await all_of(sending) == {
        ("gate.opened", ONE),
        ("gate.approved", ONE),
        ("run.succeeded", ONE),
        ("run.succeeded", OTHER),
    }
    for each in await sending.deliveries.deliveries(100):
        assert await sending.deliveries.delivery(each.id) == each
        rows = await sending.events("run_1")
        assert (rows[each.seq - 1].seq, rows[each.seq - 1].at) == (each.seq, each.created_at)
        assert (each.owner, each.status, each.tries) == ("owner", "pending", 0)


async def test_nothing_is_written_of_an_event_that_was_refused(sending):
    story = await suspended(sending)
    run, events = story.tell(Cancel(by="ann"))
    for epoch, refusal, seqs in ((7, errors.Fenced, events), (None, errors.Conflict, [])):
        late = seqs or [replace(row, seq=row.seq + 5) for row in events]
        with pytest.raises(refusal):
            await sending.append(run, late, epoch=epoch, durable=True)
    assert await all_of(sending) == {("gate.opened", ONE)}


async def test_a_store_that_nobody_has_told_sends_nothing(store):
    await approved(store)
    assert await store.deliveries.deliveries(100) == []
    assert await store.deliveries.next_due() is None


async def test_making_the_lists_anew_leaves_them(sending):
    await approved(sending)
    before = await sending.deliveries.deliveries(100)
    await sending.rebuild()
    assert await sending.deliveries.deliveries(100) == before


async def test_due_are_those_whose_time_has_come_the_oldest_first(sending):
    await suspended(sending, "run_a", at=3000.0)
    await suspended(sending, "run_b", at=2000.0)
    deliveries = sending.deliveries
    assert await deliveries.next_due() == 2003.0
    assert await deliveries.due(2002.9, 10) == []
    assert [each.run for each in await deliveries.due(9000.0, 10)] == ["run_b", "run_a"]
    assert [each.run for each in await deliveries.due(9000.0, 1)] == ["run_b"]


async def test_full_addresses_are_passed_over(sending):
    await approved(sending)
    assert {each.url for each in await sending.deliveries.due(9000.0, 10, {ONE})} == {OTHER}
    assert await sending.deliveries.due(9000.0, 10, {ONE, OTHER}) == []


async def test_of_several_who_take_one_at_a_time_one_does(sending):
    await suspended(sending)
    (before,) = await sending.deliveries.due(9000.0, 10)
    taken = [webhooks.taken(before, 9000.0 + n) for n in range(6)]
    done = await asyncio.gather(*(sending.deliveries.change(before, each) for each in taken))
    assert done.count(True) == 1
    assert await sending.deliveries.delivery(before.id) == taken[done.index(True)]
    assert await sending.deliveries.due(9000.0, 10) == []
    assert await sending.deliveries.next_due() == taken[done.index(True)].due_at


async def test_who_comes_back_too_late_writes_nothing(sending):
    """Its lease was over, and another has sent it meanwhile."""
    await suspended(sending)
    (before,) = await sending.deliveries.due(9000.0, 10)
    first = webhooks.taken(before, 9000.0)
    await sending.deliveries.change(before, first)
    second = webhooks.taken(first, 9060.0)
    assert await sending.deliveries.change(first, second)
    done = webhooks.after(second, Answer(200), 9061.0)
    assert await sending.deliveries.change(second, done)
    assert not await sending.deliveries.change(first, webhooks.after(first, "away", 9062.0))
    assert await sending.deliveries.delivery(before.id) == done


async def test_everything_that_is_known_of_one_is_kept(sending):
    await suspended(sending)
    (before,) = await sending.deliveries.due(9000.0, 10)
    after = replace(
        before,
        status=Status.FAILED,
        due_at=None,
        tries=12,
        tries_before=2,
        last_error="Zoë 💡",
        last_at=9000.5,
        done_at=9001.25,
    )
    assert await sending.deliveries.change(before, after)
    assert await sending.deliveries.delivery(before.id) == after


async def test_they_are_listed_newest_first_by_owner_and_by_run(sending):
    await suspended(sending, "run_a", at=1000.0)
    await suspended(sending, "run_b", owner="else", at=2000.0)

    async def listed(limit=10, **wanted):
        return [each.run for each in await sending.deliveries.deliveries(limit, **wanted)]

    assert await listed() == ["run_b", "run_a"]
    assert await listed(1) == ["run_b"]
    assert await listed(owner="owner") == ["run_a"]
    assert await listed(run=RunId("run_b")) == ["run_b"]
    assert await listed(run=RunId("run_b"), owner="owner") == []


async def test_one_that_is_not_there_is_unknown(store):
    with pytest.raises(errors.UnknownDelivery):
        await store.deliveries.delivery(DeliveryId("msg_none"))


async def test_an_address_is_gone_until_it_is_trusted_again(sending):
    await approved(sending)
    deliveries = sending.deliveries
    first, *_ = [each for each in await deliveries.due(9000.0, 10) if each.url == ONE]
    assert not await deliveries.is_gone(ONE)
    await deliveries.change(first, webhooks.gone(first, "410", 9000.0))
    assert await deliveries.is_gone(ONE)
    assert not await deliveries.is_gone(OTHER)
    await deliveries.trust(OTHER)
    assert await deliveries.is_gone(ONE)
    await deliveries.trust(ONE)
    assert not await deliveries.is_gone(ONE)
    assert (await deliveries.delivery(first.id)).status == "failed"


# ---------------------------------------------------------------- on disk


async def test_another_process_sees_them_and_one_of_two_takes_one(open_sql):
    one, other = open_sql(), open_sql()
    one.outgoing = partial(webhooks.deliveries, EVERYWHERE)
    await suspended(one)
    (before,) = await other.deliveries.due(9000.0, 10)
    done = await asyncio.gather(
        *(
            each.deliveries.change(before, webhooks.taken(before, 9000.0 + n))
            for n, each in enumerate((one, other))
        )
    )
    assert sorted(done) == [False, True]


async def test_an_event_whose_delivery_cannot_be_written_is_not_written_either(open_sql):
    store = open_sql()
    story = await suspended(store)
    store.outgoing = partial(webhooks.deliveries, EVERYWHERE)
    with store._engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE deliveries RENAME TO away"))
    seq = story.run.seq
    with pytest.raises(errors.StoreUnavailable):
        await put(store, story.tell(Cancel(by="ann")), durable=True)
    assert (await store.events(RunId("run_1")))[-1].seq == seq
    assert (await store.row(RunId("run_1"))).status == "suspended"


async def test_nothing_of_a_new_run_is_sent(sending):
    await kept(sending, Story("run_1"))
    assert await all_of(sending) == set()
