import logging
from dataclasses import replace

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.multikernelmanager import AsyncMultiKernelManager
from jupyter_client.session import Session

from jupyter_flows.core.model import RunId, StepId
from jupyter_flows.kernels.session import Limits
from jupyter_flows.kernels.sessions import KernelSessions
from jupyter_flows.ports import Cell, KernelRequest

LOG = logging.getLogger("tests.kernels")


class Runs:
    """Kernels for a test, with short ways to open one and to execute text in it."""

    def __init__(self, folder, manager=None, **options):
        if manager is None:  # an empty one is false
            manager = AsyncMultiKernelManager(connection_dir=str(folder))
        self.manager = manager
        self.folder = str(folder)
        options = {"limits": Limits(), "log": LOG, **options}
        self.kernels = KernelSessions(self.manager, **options)

    def request(self, run="run", **options):
        asked = KernelRequest(
            run=RunId(run),
            kernel_name="python3",
            kernel_id=None,
            path="flow.ipynb",
            folder=self.folder,
            env={"FLOWS_URL": "http://127.0.0.1:9/flows", "FLOWS_TOKEN": "secret"},
        )
        return replace(asked, **options)

    async def open(self, run="run", **options):
        await self.kernels.open(self.request(run, **options))

    async def execute(self, source, step="step", run="run", **options):
        cell = Cell(step=StepId(step), attempt=1, source=source)
        return await self.kernels.execute(RunId(run), replace(cell, **options))

    def client(self, kernel_id):
        """Somebody else's."""
        kernel = self.manager.get_kernel(kernel_id)
        return kernel.client(session=Session(config=kernel.session.config, key=kernel.session.key))

    async def printed(self, source, **options):
        """What the source prints."""
        outcome = await self.execute(source, **options)
        assert outcome.error is None, outcome.error
        return "".join(o["text"] for o in outcome.outputs if o["output_type"] == "stream")


@pytest.fixture
def make_runs(jp_asyncio_loop, tmp_path):
    made = []

    def make(**options):
        made.append(Runs(tmp_path, **options))
        return made[-1]

    yield make
    for runs in made:
        jp_asyncio_loop.run_until_complete(runs.kernels.stop())
        jp_asyncio_loop.run_until_complete(runs.manager.shutdown_all(now=True))


@pytest.fixture
def runs(make_runs):
    return make_runs()


@pytest.fixture
def bash():
    if "bash" not in KernelSpecManager().find_kernel_specs():
        pytest.skip("no bash kernel: python -m bash_kernel.install --sys-prefix")
    return "bash"
