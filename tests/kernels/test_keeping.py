"""Kernels of runs that wait, on a server that culls idle ones: also those with a connection."""

import asyncio

import pytest
from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

from .test_sessions import RUN


class Culling(AsyncMappingKernelManager):
    """Notes each kernel that it culls."""

    def __init__(self, folder):
        super().__init__(
            connection_dir=str(folder),
            root_dir=str(folder),
            cull_idle_timeout=3,
            cull_interval=1,
            cull_connected=True,
        )
        self.culled = asyncio.Queue()
        self.watches = []

    def start_watching_activity(self, kernel_id):
        super().start_watching_activity(kernel_id)
        self.watches.append(self.get_kernel(kernel_id)._activity_stream)

    async def cull_kernel_if_idle(self, kernel_id):
        await super().cull_kernel_if_idle(kernel_id)
        if kernel_id not in self:
            self.culled.put_nowait(kernel_id)


@pytest.fixture(params=[True, False], ids=["kept", "not kept"])
def keeps(request):
    return request.param


async def test_a_held_kernel_is_not_culled_if_it_is_to_be_kept(make_runs, tmp_path, keeps):
    runs = make_runs(manager=Culling(tmp_path), keep_alive=keeps)
    runs.kernels.start()
    await runs.open()
    ours = runs.kernels.kernel_of(RUN)
    theirs = await ensure_async(runs.manager.start_kernel(kernel_name="python3"))
    state = runs.manager.get_kernel(ours).execution_state
    culled = {await runs.manager.culled.get()}
    if not keeps:
        culled.add(await runs.manager.culled.get())
        assert [watch.closed() for watch in runs.manager.watches] == [True] * 2
    assert culled == ({theirs} if keeps else {ours, theirs})
    assert runs.kernels.holds(RUN) is keeps
    if keeps:
        assert runs.manager.get_kernel(ours).execution_state == state
        names = [t.get_name() for t in asyncio.all_tasks()]
        assert names.count("jupyter-flows keeps kernels") == 1


async def test_a_kernel_that_was_let_go_is_kept_no_more(make_runs, tmp_path):
    runs = make_runs(manager=Culling(tmp_path))
    runs.kernels.start()
    theirs = await ensure_async(runs.manager.start_kernel(kernel_name="python3"))
    await runs.open(kernel_id=theirs)
    await runs.kernels.close(RUN)
    assert await runs.manager.culled.get() == theirs


async def test_where_nobody_culls_there_is_no_task(runs):
    runs.kernels.start()
    assert not any("keeps" in t.get_name() for t in asyncio.all_tasks())
