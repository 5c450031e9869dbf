"""Webhooks at work: each is sent until it is taken, by one server at a time."""

import asyncio
import json
import logging

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from jupyter_flows import composition
from jupyter_flows.core import webhooks as core
from jupyter_flows.core.completions import Addresses, Completion, Endpoint, EventType
from jupyter_flows.core.errors import BadInput, KeyUnusable, NotifyFailed, UnknownDelivery
from jupyter_flows.core.webhooks import Answer
from jupyter_flows.engine.webhooks import AT_ONCE, OF_ONE, Webhooks
from jupyter_flows.ports import RunFilter

from .conftest import vote

URL, OTHER = "https://one.example/done", "https://other.example/"
SECRET = core.secret_of(b"s" * 32)
ALL = tuple(EventType)


class FakePoster:
    """What was sent, in order; an address answers what `answers` has for it, or 200. A held one
    answers when the test says `go`.
    """

    def __init__(self):
        self.sent = []
        self.answers = {}
        self.held = set()
        self.waiting = []
        self.at_work = asyncio.Condition()

    async def post(self, url, content, headers, *, public):
        self.sent.append((url, content, dict(headers), public))
        await asyncio.sleep(0)
        if url in self.held:
            held = asyncio.get_running_loop().create_future()
            self.waiting.append(held)
            async with self.at_work:
                self.at_work.notify_all()
            await held
        answer = self.answers.get(url, 200)
        if isinstance(answer, Exception):
            raise answer
        return Answer(answer)

    async def begun(self, count):
        """Wait until so many are held."""
        async with self.at_work:
            await self.at_work.wait_for(lambda: len(self.waiting) >= count)

    def go(self):
        for held in self.waiting:
            held.set_result(None)
        self.waiting = []


class Sending:
    """A world whose webhooks are sent when a test says so."""

    def __init__(self, world):
        self.world = world
        self.poster = FakePoster()
        self.endpoints = [Endpoint(URL)]
        self.secrets = [SECRET]
        self.addresses = Addresses(trusted=frozenset({URL, OTHER}))
        world.store.outgoing = lambda *told: core.deliveries(self.endpoints, *told)
        self.webhooks = self.beside()

    def beside(self):
        """Those of another server."""
        made = Webhooks(
            store=self.world.store,
            deliveries=self.world.store.deliveries,
            poster=self.poster,
            secrets=self.signing,
            addresses=self.addresses,
            clock=self.world.clock,
            log=logging.getLogger("tests.engine"),
        )
        made._doors = "https://hub.example/jupyter-flows"
        return made

    def signing(self, url, now):
        if not self.secrets:
            raise KeyUnusable("It is damaged.")
        return self.secrets

    async def runs(self, count=1, *sources, **options):
        engine = self.world.server(f"srv_of_{self.world.chance.given}")
        sources = sources or ("20 + 2",)
        return [await self.world.settled(engine, *sources, **options) for _ in range(count)]

    async def tick(self):
        await self.webhooks.tick()
        await self.webhooks.settled()

    async def known(self):
        return {each.url: each for each in await self.webhooks.deliveries(100)}


@pytest.fixture
def sending(world, jp_asyncio_loop):
    async def made():
        return Sending(world)

    return jp_asyncio_loop.run_until_complete(made())


async def test_a_runs_end_is_sent_once(sending):
    (run,) = await sending.runs()
    await sending.tick()
    await sending.tick()
    ((url, content, headers, public),) = sending.poster.sent
    assert (url, public) == (URL, False)
    assert b'"run.succeeded"' in content
    assert f'"url":"https://hub.example/jupyter-flows/api/runs/{run.id}"'.encode() in content
    (delivery,) = (await sending.known()).values()
    assert headers["webhook-id"] == delivery.id
    assert (delivery.status, delivery.tries) == ("delivered", 1)


async def test_the_same_is_sent_under_the_same_id_until_it_is_taken(sending):
    await sending.runs()
    sending.poster.answers[URL] = 500
    for pause in (0, 6, 331):
        sending.world.clock.now += pause
        await sending.tick()
    sending.poster.answers[URL] = 204
    sending.world.clock.now += 2000
    await sending.tick()
    assert len(sending.poster.sent) == 4
    assert (
        len({(content, headers["webhook-id"]) for _, content, headers, _ in sending.poster.sent})
        == 1
    )
    assert len({headers["webhook-timestamp"] for _, _, headers, _ in sending.poster.sent}) == 4
    assert (await sending.known())[URL].status == "delivered"


async def test_what_the_network_says_is_kept(sending):
    await sending.runs()
    sending.poster.answers[URL] = NotifyFailed("The receiver can't be reached: no route")
    await sending.tick()
    assert (await sending.known())[URL].last_error == "The receiver can't be reached: no route"


async def test_the_reference_library_accepts_it_with_the_old_and_the_new_secret(sending):
    sending.world.clock.now = composition.clock()
    new = core.secret_of(b"n" * 32)
    sending.secrets = [new, SECRET]
    await sending.runs()
    await sending.tick()
    ((_, content, headers, _),) = sending.poster.sent
    for secret in (new, SECRET):
        assert Webhook(secret).verify(content, headers)["type"] == "run.succeeded"
    with pytest.raises(WebhookVerificationError):
        Webhook(core.secret_of(b"x" * 32)).verify(content, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(content.replace(b"succeeded", b"failed"), headers)


async def test_a_gate_is_told_to_who_asked_for_it(sending):
    sending.endpoints = []
    gate = ("'go?'", [], {"id": "ask", "suspend": {}})
    completion = Completion(OTHER, ALL)
    engine = sending.world.server()
    run = await sending.world.settled(engine, gate, completion=completion)
    await sending.tick()
    await engine.vote(run.id, vote(run))
    await engine.settled(run.id)
    await sending.tick()
    types = [json.loads(content)["type"] for _, content, _, _ in sending.poster.sent]
    assert types[0] == "gate.opened"
    assert sorted(types[1:]) == ["gate.approved", "run.succeeded"]
    opened = json.loads(sending.poster.sent[0][1])
    assert opened["data"]["run"]["status"] == "suspended"


# ---------------------------------------------------------------- several, and deaths


async def test_two_servers_send_each_once(sending):
    await sending.runs(7)
    others = [sending.beside() for _ in range(3)]
    await asyncio.gather(*(each.tick() for each in (sending.webhooks, *others)))
    for each in (sending.webhooks, *others):
        await each.settled()
    ids = [headers["webhook-id"] for _, _, headers, _ in sending.poster.sent]
    assert len(ids) == len(set(ids)) == 7


async def test_what_a_server_was_sending_when_it_died_is_sent_by_another(sending):
    await sending.runs()
    sending.poster.held.add(URL)
    await sending.webhooks.tick()
    await sending.poster.begun(1)
    for task in list(sending.webhooks._sending):
        task.cancel()
    sending.poster.held.clear()
    other = sending.beside()
    sending.world.clock.now += core.LEASE_SECONDS - 1
    await other.tick()
    assert len(sending.poster.sent) == 1
    sending.world.clock.now += 1
    await other.tick()
    await other.settled()
    first, second = sending.poster.sent
    assert first[2]["webhook-id"] == second[2]["webhook-id"]
    assert (await sending.known())[URL].status == "delivered"


async def test_a_slow_address_does_not_hold_up_the_others(sending):
    sending.endpoints = [Endpoint(URL), Endpoint(OTHER)]
    await sending.runs(AT_ONCE + 2)
    sending.poster.held.add(URL)
    tick = asyncio.create_task(sending.webhooks.tick())
    await sending.poster.begun(OF_ONE)
    while sum(each[0] == OTHER for each in sending.poster.sent) < AT_ONCE + 2:
        assert not tick.done() or not tick.exception()
        await asyncio.sleep(0)
        if tick.done():
            tick = asyncio.create_task(sending.webhooks.tick())
    assert sum(each[0] == URL for each in sending.poster.sent) == OF_ONE
    sending.poster.held.clear()
    sending.poster.go()
    await tick
    while any(each.status == "pending" for each in await sending.webhooks.deliveries(100)):
        await sending.webhooks.tick()
        await sending.webhooks.settled()
    assert sum(each[0] == URL for each in sending.poster.sent) == AT_ONCE + 2


async def test_a_commit_wakes_the_task_and_its_end_sends_what_is_due(sending):
    engine = sending.world.server()
    engine.listen(sending.webhooks.committed)
    sending.webhooks.start("https://hub.example/jupyter-flows/")
    await sending.world.settled(engine, "1")
    while not sending.poster.sent:
        await asyncio.sleep(0)
    await sending.webhooks.settled()
    await sending.world.settled(engine, "2")
    await sending.webhooks.stop()
    assert len(sending.poster.sent) == 2
    assert {each.status for each in await sending.webhooks.deliveries(9)} == {"delivered"}


# ---------------------------------------------------------------- gone, and anew


async def test_after_410_nothing_is_sent_there_until_somebody_sends_anew(sending):
    sending.endpoints = [Endpoint(URL), Endpoint(OTHER)]
    await sending.runs()
    sending.poster.answers[URL] = 410
    await sending.tick()
    await sending.runs()
    await sending.tick()
    assert [each[0] for each in sending.poster.sent].count(URL) == 1
    assert [each[0] for each in sending.poster.sent].count(OTHER) == 2
    gone = [each for each in await sending.webhooks.deliveries(9) if each.url == URL]
    assert {each.status for each in gone} == {"gone"}
    sending.poster.answers[URL] = 200
    await sending.webhooks.again(gone[0].id)
    await sending.tick()
    assert (await sending.webhooks.delivery(gone[0].id)).status == "delivered"
    await sending.runs()
    await sending.tick()
    assert [each[0] for each in sending.poster.sent].count(URL) == 3


async def test_a_delivered_one_is_sent_anew_under_its_id(sending):
    await sending.runs()
    await sending.tick()
    (delivery,) = await sending.webhooks.deliveries(9)
    await sending.webhooks.again(delivery.id)
    await sending.tick()
    assert [each[2]["webhook-id"] for each in sending.poster.sent] == [delivery.id] * 2
    with pytest.raises(UnknownDelivery):
        await sending.webhooks.again("msg_none")


# ---------------------------------------------------------------- what can't be sent


async def test_an_address_that_may_not_be_named_begins_no_run(sending):
    engine = sending.world.server()
    private = Completion("http://169.254.169.254/latest/meta-data")
    with pytest.raises(BadInput, match="no public address"):
        await sending.world.started(engine, "1", completion=private)
    assert (await engine.runs(RunFilter(), None, 10)).rows == ()


async def test_one_that_is_allowed_no_more_is_not_asked(sending):
    """The setting has changed since the run was started."""
    sending.endpoints = []
    await sending.runs(1, completion=Completion("https://ci.example.org/"))
    sending.webhooks._addresses = Addresses(hosts=("other.example",))
    await sending.tick()
    assert sending.poster.sent == []
    (delivery,) = await sending.webhooks.deliveries(9)
    assert delivery.status == "pending"
    assert "FlowsApp.webhook_hosts" in delivery.last_error


async def test_what_an_owner_names_is_sent_to_public_addresses_alone(sending):
    sending.endpoints = []
    await sending.runs(1, completion=Completion("https://ci.example.org/"))
    await sending.tick()
    assert [each[3] for each in sending.poster.sent] == [True]


async def test_without_a_secret_nothing_is_sent_and_it_is_tried_again(sending):
    await sending.runs()
    sending.secrets = []
    await sending.tick()
    assert sending.poster.sent == []
    assert (await sending.known())[URL].last_error == "It is damaged."
    sending.secrets = [SECRET]
    sending.world.clock.now += 6
    await sending.tick()
    assert (await sending.known())[URL].status == "delivered"


async def test_one_deliverys_defect_does_not_stop_the_others(sending):
    sending.endpoints = [Endpoint(URL), Endpoint(OTHER)]
    await sending.runs()
    sending.poster.answers[URL] = ZeroDivisionError("oh")
    await sending.tick()
    known = await sending.known()
    assert known[URL].last_error == "ZeroDivisionError: oh"
    assert known[OTHER].status == "delivered"
