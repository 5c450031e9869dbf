"""Flows on kernels of any provisioner that a kernelspec names."""

import asyncio
import json
import os
import signal
import sys

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.multikernelmanager import AsyncMultiKernelManager

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import StepId
from tests.faults.houses import GATE, House
from tests.kernels.provisioners import NAME, Far, registered

from .test_sessions import RUN, is_error, until

FAR = {"kernel_name": "far"}


@pytest.fixture
def specs(tmp_path, monkeypatch):
    """Where two kernelspecs are: `far`, and one whose provisioner nobody has installed."""
    registered(tmp_path / "packages")
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setattr(Far, "started", [])
    monkeypatch.setattr(Far, "signals", [])
    for name, provisioner in {"far": NAME, "nowhere": "tests-nowhere"}.items():
        folder = tmp_path / "kernels" / name
        folder.mkdir(parents=True)
        spec = {
            "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": name,
            "language": "python",
            "metadata": {"kernel_provisioner": {"provisioner_name": provisioner}},
        }
        folder.joinpath("kernel.json").write_text(json.dumps(spec))
    return KernelSpecManager(kernel_dirs=[str(tmp_path / "kernels")])


@pytest.fixture
def runs(make_runs, specs, tmp_path):
    manager = AsyncMultiKernelManager(connection_dir=str(tmp_path), kernel_spec_manager=specs)
    return make_runs(manager=manager)


async def test_its_kernel_executes_is_interrupted_and_ends(runs):
    await runs.open(**FAR)
    assert Far.started == [runs.kernels.kernel_of(RUN)]
    assert (await runs.execute("6 * 7")).result == 42
    sleeps = "print('on', flush=True)\nimport time\ntime.sleep(99)"
    going = asyncio.create_task(runs.execute(sleeps, step="b"))
    await until(lambda: runs.kernels.partial(RUN).get(StepId("b")))
    await runs.kernels.interrupt(RUN)
    assert is_error(await going, "KeyboardInterrupt")
    assert signal.SIGINT in Far.signals
    await runs.kernels.close(RUN)
    assert runs.manager.list_kernel_ids() == []


async def test_its_kernel_that_dies_is_lost_and_another_one_takes_its_place(runs):
    await runs.open(**FAR)
    outcome = await runs.execute("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    assert outcome.lost
    assert "The kernel died while the cell ran (SIGKILL" in outcome.error.message
    await runs.open(**FAR)
    assert len(Far.started) == 2
    assert (await runs.execute("1")).result == 1


async def test_its_kernel_that_somebody_restarts_is_another_one(runs):
    """No process tells it; the kernel's own session does."""
    kernel_id = await runs.manager.start_kernel(kernel_name="far")
    lost = asyncio.Queue()
    runs.kernels.on_lost(lost.put_nowait)
    await runs.open(kernel_id=kernel_id)
    await runs.execute("x = 1")
    await runs.manager.restart_kernel(kernel_id)
    assert await asyncio.wait_for(lost.get(), 30) == RUN


async def test_one_that_is_not_installed_is_named(runs):
    with pytest.raises(KernelUnavailable, match="'nowhere' needs a kernel provisioner"):
        await runs.open(kernel_name="nowhere")


@pytest.fixture
def open_house(tmp_path, specs, make_notebook, jp_asyncio_loop):
    opened = []

    def far(*sources):
        return make_notebook(*sources, kernel="far")

    async def start(after=None, **settings):
        """The house, or one in the place of another."""
        if after is not None:
            opened.remove(after)
            await after.stop()
        opened.append(House(tmp_path, far, **settings))
        opened[-1].manager.kernel_spec_manager = specs
        return await opened[-1].start()

    yield start
    for house in opened:
        jp_asyncio_loop.run_until_complete(house.stop())


async def test_a_run_waits_without_its_kernel_and_goes_on_in_another_one(open_house):
    house = await open_house(checkpoint="always")
    run = await house.waiting("x = [1]\nsame = x", GATE, "[x, same is x]")
    await until(lambda: not house.engine.has_kernel(run.id))
    assert len(Far.started) == 2, "its own, and the one that it was loaded into for a trial"
    ended = await house.approved(run)
    assert (ended.status, ended.result) == ("succeeded", [[1], True])
    assert len(Far.started) == 3


@pytest.mark.parametrize("what", ["kernel", "server"])
async def test_a_run_whose_kernel_is_gone_goes_on_in_another_one(open_house, what):
    house = await open_house()
    run = await house.waiting("x = [1]\nsame = x", GATE, "[x, same is x]")
    if what == "kernel":
        kernel = house.manager.get_kernel(house.house.kernels.kernel_of(run.id))
        os.kill(kernel.provisioner.far_pid, signal.SIGKILL)
        await until(lambda: not house.engine.has_kernel(run.id))
    else:
        house = await open_house(after=house)
    ended = await house.approved(run)
    assert (ended.status, ended.result) == ("succeeded", [[1], True])
