"""A server in this process, with all its real parts: SQLite, the folder, and kernels to kill."""

import asyncio
import logging
import os
import signal

from jupyter_client.multikernelmanager import AsyncMultiKernelManager

from jupyter_flows import composition
from jupyter_flows.core import commands as c
from jupyter_flows.core.model import Voter
from jupyter_flows.engine.asked import NewRun
from jupyter_flows.settings import FlowsSettings

SECONDS = 60
LOG = logging.getLogger("tests.faults")
GATE = ("'go?'", ["suspend"])
STATE = "import numpy\nbig = numpy.arange({n}, {n} + 300_000)\nx = {n}\nwords = ['a', 'b'] * x"
SUM = "int(big.sum()) + x + len(words)"


def cells(n):
    """A flow that waits with this state; its result says that it came back."""
    return STATE.format(n=n), GATE, SUM


def result(n):
    return sum(range(n, n + 300_000)) + n + 2 * n


class House:
    def __init__(self, folder, make_notebook, data=None, **settings):
        self.folder, self.make_notebook = folder, make_notebook
        self.ahead = 0.0
        self.manager = AsyncMultiKernelManager(connection_dir=str(folder))
        self.house = composition.compose(
            FlowsSettings(
                data_dir=str(data or folder / "flows"), checkpoint_min_free=0, **settings
            ),
            manager=self.manager,
            address=lambda: "http://127.0.0.1:9/jupyter-flows",
            adopts=True,
            log=LOG,
            clock=lambda: composition.clock() + self.ahead,
        )
        self.engine, self.checkpoints = self.house.engine, self.house.checkpoints

    async def start(self):
        await self.house.start("http://127.0.0.1:9", "http://127.0.0.1:9")
        return self

    async def stop(self):
        await self.house.stop()
        await self.manager.shutdown_all(now=True)

    async def started(self, *sources):
        new = NewRun(
            notebook=self.make_notebook(*sources),
            path="flow.ipynb",
            owner="owner",
            parameters={},
            folder=str(self.folder),
        )
        return await self.engine.create(new)

    async def waiting(self, *sources):
        """A run that waits at its gate, with its variables saved."""
        run = await self.started(*sources)
        await self.engine.settled(run.id)
        run = await self.engine.saved(run.id)
        assert run.status == "suspended", run.error
        return run

    def pid(self, run):
        kernel = self.house.kernels.kernel_of(run.id)
        return self.manager.get_kernel(kernel).provisioner.pid

    async def lose_kernel(self, run):
        """kill -9, and the server finds it out."""
        os.kill(self.pid(run), signal.SIGKILL)
        await until(lambda: not self.engine.has_kernel(run.id))

    async def vote(self, run):
        gate = run.open_gate
        voter = Voter("bob", verified=True, route="rest")
        vote = c.CastVote(gate=gate.step, generation=gate.generation, voter=voter, approved=True)
        await self.engine.vote(run.id, vote)

    async def ended(self, run, *, choice=None):
        """After a resume, if there is a choice."""
        if choice is not None:
            await self.engine.resume(run.id, "bob", choice=choice)
        return await self.engine.settled(run.id)

    async def approved(self, run):
        await self.vote(run)
        return await self.ended(run)


async def until(holds):
    """Look until it holds, for what a process does and doesn't announce."""
    async with asyncio.timeout(SECONDS):
        while not holds():
            await asyncio.sleep(0.01)
