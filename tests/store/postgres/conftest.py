"""A migrated database for each test, and servers on it."""

import asyncio
import logging

import pytest

from jupyter_flows.store.engine import libpq_url, open_engine
from jupyter_flows.store.postgres.presence import Heard, Presence
from jupyter_flows.store.postgres.servers import ServerCard, SqlServers


@pytest.fixture
def database(postgres_url):
    engine = open_engine(postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture
def servers(database):
    return SqlServers(database)


def card(name, **said):
    values = {
        "url": f"http://{name}",
        "public_url": f"https://{name}",
        "host": "here",
        "pid": 1,
        "lasting": True,
        "queues": ("default",),
        "capacity": 4,
    }
    return ServerCard(id=name, **{**values, **said})


class Told:
    """What a server has heard, in order."""

    def __init__(self, evaluate=None):
        self.said = []
        self.evaluate = evaluate

    def heard(self):
        def note(kind):
            return lambda *what: self.said.append((kind, *what))

        kinds = ("events", "look", "schedules", "keys", "drained", "lost_touch")
        return Heard(
            **{kind: note(kind) for kind in kinds}, evaluate=self.evaluate, is_own=lambda _: False
        )


@pytest.fixture
def join(postgres_url, servers, jp_asyncio_loop):
    """Have a server join the others, and wait until it hears them."""
    joined = []

    async def join(name, evaluate=None, **said):
        presence = Presence(libpq_url(postgres_url), servers, logging.getLogger("tests.presence"))
        told = Told(evaluate)
        presence.announce(card(name, **said))
        presence.start(told.heard())
        joined.append(presence)
        await until(lambda: ("keys",) in told.said)
        told.said.clear()
        return presence, told

    yield join
    for presence in joined:
        jp_asyncio_loop.run_until_complete(presence.leave())


async def until(holds, seconds=20.0):
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture(name="until")
def the_waiting():
    return until


@pytest.fixture(name="card")
def the_card():
    return card
