"""Kernels that their users have too: restarted, taken away, or left to them at the end."""

import asyncio
import os
import signal

import pytest
from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

from jupyter_flows.kernels import identity

from .test_sessions import RUN, is_error, until

NOW = pytest.mark.parametrize("now", [False, True], ids=["asked", "killed"])


@pytest.fixture(params=["jupyter_client", "jupyter_server"])
def shared(request, make_runs, tmp_path):
    """Kernels of a manager that others use too."""
    if request.param == "jupyter_client":
        return make_runs()
    return make_runs(manager=served(tmp_path))


@pytest.fixture
def server_runs(make_runs, tmp_path):
    return make_runs(manager=served(tmp_path))


def served(tmp_path):
    return AsyncMappingKernelManager(connection_dir=str(tmp_path), root_dir=str(tmp_path))


async def theirs(runs):
    return await ensure_async(runs.manager.start_kernel(kernel_name="python3"))


@pytest.fixture
def lost():
    return asyncio.Queue()


@NOW
async def test_a_foreign_kernel_that_is_restarted_while_no_cell_runs_is_lost(shared, lost, now):
    shared.kernels.on_lost(lost.put_nowait)
    kernel_id = await theirs(shared)
    await shared.open(kernel_id=kernel_id)
    await shared.execute("x = 1")
    assert shared.kernels.kernel_of(RUN) == kernel_id
    await ensure_async(shared.manager.restart_kernel(kernel_id, now=now))
    assert await asyncio.wait_for(lost.get(), 30) == RUN
    assert not shared.kernels.holds(RUN)
    assert shared.kernels.kernel_of(RUN) is None
    assert kernel_id in shared.manager.list_kernel_ids(), "it is its user's"


@NOW
async def test_a_run_goes_on_in_the_restarted_kernel(shared, lost, now):
    kernel_id = await theirs(shared)
    await shared.open(kernel_id=kernel_id)
    await shared.execute("x = 1")
    await ensure_async(shared.manager.restart_kernel(kernel_id, now=now))
    assert not shared.kernels.holds(RUN), "seen at once by who asks"
    await shared.open(kernel_id=kernel_id)
    outcome = await shared.execute("'x' in dir()")
    assert outcome.result is False, outcome
    assert (await shared.execute("2", step="b")).result == 2
    assert shared.kernels.holds(RUN)


@NOW
async def test_a_cell_whose_kernel_is_restarted_ends_as_lost(shared, now):
    kernel_id = await theirs(shared)
    await shared.open(kernel_id=kernel_id)
    going = asyncio.create_task(
        shared.execute("print('in', flush=True); import time; time.sleep(60)")
    )
    await until(lambda: any(shared.kernels.partial(RUN).values()))
    await ensure_async(shared.manager.restart_kernel(kernel_id, now=now))
    outcome = await asyncio.wait_for(going, 30)
    assert is_error(outcome, "KernelDied")
    assert outcome.lost
    assert outcome.outputs[0]["text"] == "in\n"
    assert kernel_id in shared.manager.list_kernel_ids()


async def test_a_foreign_kernel_that_is_ended_is_lost(shared, lost, monkeypatch):
    monkeypatch.setattr(identity, "LOOK", 0.05)
    shared.kernels.on_lost(lost.put_nowait)
    kernel_id = await theirs(shared)
    await shared.open(kernel_id=kernel_id)
    await ensure_async(shared.manager.shutdown_kernel(kernel_id, now=True))
    assert await asyncio.wait_for(lost.get(), 30) == RUN


async def test_a_kernel_that_lives_is_not_taken_for_another(shared, lost, monkeypatch):
    monkeypatch.setattr(identity, "LOOK", 0.01)
    shared.kernels.on_lost(lost.put_nowait)
    await shared.open(kernel_id=await theirs(shared))
    for number in range(20):
        assert (await shared.execute(f"print({number}); {number}")).result == number
    assert lost.empty()


async def test_a_kernel_of_ours_that_is_open_in_its_notebook_is_left_to_its_user(server_runs):
    runs = server_runs
    await runs.open(in_place=True)
    await runs.execute("kept = 7")
    (kernel_id,) = runs.manager.list_kernel_ids()
    assert runs.manager._kernel_connections[kernel_id] == 1
    runs.manager.notify_connect(kernel_id)  # a browser
    await runs.kernels.close(RUN)
    assert runs.manager.list_kernel_ids() == [kernel_id]
    assert runs.manager._kernel_connections[kernel_id] == 1
    kernel = runs.manager.get_kernel(kernel_id)
    assert kernel._restarter.restart_limit > 0
    assert kernel._activity_stream is not None
    await runs.open("next", kernel_id=kernel_id, env={})
    source = "import os; print(kept, 'FLOWS_TOKEN' in os.environ)"
    assert await runs.printed(source, run="next") == "7 False\n"


async def test_a_kernel_that_was_left_to_its_user_is_restarted_when_it_dies(server_runs):
    runs = server_runs
    await runs.open(in_place=True)
    (kernel_id,) = runs.manager.list_kernel_ids()
    runs.manager.notify_connect(kernel_id)
    await runs.kernels.close(RUN)
    kernel = runs.manager.get_kernel(kernel_id)
    before = kernel.provisioner.pid
    os.kill(before, signal.SIGKILL)
    await until(lambda: kernel.provisioner.pid not in (before, None) and kernel.ready.done())


@pytest.mark.parametrize(("in_place", "browsers"), [(True, 0), (False, 1)])
async def test_other_kernels_of_ours_end_with_their_run(server_runs, in_place, browsers):
    runs = server_runs
    await runs.open(in_place=in_place)
    (kernel_id,) = runs.manager.list_kernel_ids()
    for _ in range(browsers):
        runs.manager.notify_connect(kernel_id)
    await runs.kernels.close(RUN)
    assert runs.manager.list_kernel_ids() == []


async def test_a_busy_kernel_of_ours_is_killed_though_it_is_open_in_its_notebook(server_runs):
    """A cancelled cell that heeds no interrupt must not run on."""
    runs = server_runs
    await runs.open(in_place=True)
    (kernel_id,) = runs.manager.list_kernel_ids()
    runs.manager.notify_connect(kernel_id)
    going = asyncio.create_task(
        runs.execute("print('in', flush=True); import time; time.sleep(60)")
    )
    await until(lambda: any(runs.kernels.partial(RUN).values()))
    await runs.kernels.close(RUN)
    assert (await going).lost
    assert runs.manager.list_kernel_ids() == []


async def test_a_kernel_of_ours_that_its_user_restarts_is_lost_and_theirs(server_runs, lost):
    runs = server_runs
    runs.kernels.on_lost(lost.put_nowait)
    await runs.open(in_place=True)
    (kernel_id,) = runs.manager.list_kernel_ids()
    runs.manager.notify_connect(kernel_id)
    await ensure_async(runs.manager.restart_kernel(kernel_id))
    assert await asyncio.wait_for(lost.get(), 30) == RUN
    await runs.kernels.close(RUN)
    assert runs.manager.list_kernel_ids() == [kernel_id]
