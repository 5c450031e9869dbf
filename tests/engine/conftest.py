"""An engine on fakes, with a clock that tests move."""

import asyncio
import logging

import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core.checkpoint import CheckpointOptions, When
from jupyter_flows.core.links import Keyring
from jupyter_flows.core.model import Voter
from jupyter_flows.engine.asked import Limits, NewRun
from jupyter_flows.engine.engine import Engine

from .fakes import (
    FakeChance,
    FakeCheckpoints,
    FakeClock,
    FakeDocuments,
    FakeKernels,
    FakePeers,
    UnsteadyStore,
)

KEYS = Keyring((b"k" * 32,))
LOG = logging.getLogger("tests.engine")


class World:
    """A store that outlives its servers, and the servers on it."""

    def __init__(self, make_notebook):
        self.make_notebook = make_notebook
        self.store = UnsteadyStore()
        self.clock = FakeClock()
        self.chance = FakeChance()
        self.documents = FakeDocuments()
        self.peers = FakePeers()
        self.checkpoints = FakeCheckpoints()
        self.receipt_keys = None
        self.servers = []

    def server(self, name="srv_1", saves="never", **options):
        """A new engine; not started, so that nothing is recovered and no time is seen to. `saves`
        is when variables are saved.
        """
        kernels = FakeKernels()
        engine = Engine(
            server=name,
            store=self.store,
            kernels=kernels,
            checkpoints=self.checkpoints,
            documents=self.documents,
            peers=self.peers,
            keyring=lambda: KEYS,
            receipt_keys=lambda: self.receipt_keys,
            address=lambda: "http://127.0.0.1:1/flows",
            clock=self.clock,
            chance=self.chance,
            limits=Limits(timeout=3600.0, checkpointing=CheckpointOptions(when=When(saves))),
            log=LOG,
            **options,
        )
        engine.kernels = kernels
        self.peers.living.add(name)
        self.peers.engines[name] = engine
        self.servers.append(engine)
        return engine

    def kill(self, engine):
        """As `kill -9`: nothing of it is told any more, its kernels are gone."""
        self.peers.living.discard(engine._server)
        self.peers.engines.pop(engine._server, None)
        for task in [
            *getattr(engine._dispatcher, "_tasks", {}).values(),
            *engine._background,
            *engine.boards._tasks,
        ]:
            task.cancel()

    async def started(self, engine, *sources, **options):
        notebook = self.make_notebook(*sources)
        new = NewRun(notebook=notebook, path="f.ipynb", owner="owner", parameters={}, **options)
        return (await engine.create(new)).id

    async def created(self, engine, notebook, **options):
        new = NewRun(notebook=notebook, path="f.ipynb", owner="owner", parameters={}, **options)
        return await engine.create(new)

    async def settled(self, engine, *sources, **options):
        """A run of these cells, driven to its first wait."""
        return await engine.settled(await self.started(engine, *sources, **options))


@pytest.fixture
def world(make_notebook, jp_asyncio_loop):
    async def made():
        return World(make_notebook)

    async def ended(world):
        world.store.away = lambda _: False
        for engine in world.servers:
            world.kill(engine)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=5)

    world = jp_asyncio_loop.run_until_complete(made())
    yield world
    jp_asyncio_loop.run_until_complete(ended(world))


def vote(run, name="bob", *, approved=True, **said):
    gate = run.open_gate
    voter = Voter(name, verified=True, route="rest")
    return c.CastVote(
        gate=gate.step, generation=gate.generation, voter=voter, approved=approved, **said
    )
