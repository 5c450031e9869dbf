import asyncio

from jupyter_flows.kernels.warm import WarmKernels


async def filled(runs, count):
    while runs.kernels.warm("python3") < count:
        await asyncio.sleep(0.02)


async def test_a_run_takes_a_warm_kernel_and_another_takes_its_place(make_runs):
    runs = make_runs(warm=[WarmKernels("python3", 1)])
    runs.kernels.start()
    await filled(runs, 1)
    (warm,) = runs.manager.list_kernel_ids()
    await runs.open()
    source = "import os; [os.getcwd(), os.environ['FLOWS_TOKEN'], os.environ['FLOWS_RUN_ID']]"
    assert (await runs.execute(source)).result == [runs.folder, "secret", "run"]
    await filled(runs, 1)
    assert warm in runs.manager.list_kernel_ids()
    assert len(runs.manager.list_kernel_ids()) == 2
    await runs.kernels.close("run")
    assert warm not in runs.manager.list_kernel_ids()


async def test_two_runs_never_share_a_warm_kernel(make_runs):
    runs = make_runs(warm=[WarmKernels("python3", 1)])
    runs.kernels.start()
    await filled(runs, 1)
    await asyncio.gather(runs.open("one"), runs.open("two"))
    await runs.execute("x = 1", run="one")
    assert (await runs.execute("x", run="two")).error.name == "NameError"


async def test_a_count_of_none_starts_nothing(make_runs):
    runs = make_runs(warm=[WarmKernels("python3", 0)])
    runs.kernels.start()
    await asyncio.sleep(0)
    assert not any("warm" in task.get_name() for task in asyncio.all_tasks())


async def test_an_old_warm_kernel_is_replaced(make_runs):
    runs = make_runs(warm=[WarmKernels("python3", 1, max_age=0.2)])
    runs.kernels.start()
    await filled(runs, 1)
    (old,) = runs.manager.list_kernel_ids()
    while old in runs.manager.list_kernel_ids():
        await asyncio.sleep(0.02)
    await filled(runs, 1)


async def test_kernels_of_other_languages_are_not_kept_warm(make_runs, bash):
    runs = make_runs(warm=[WarmKernels(bash, 1)])
    runs.kernels.start()
    await runs.open(kernel_name=bash)
    assert runs.kernels.warm(bash) == 0
    assert len(runs.manager.list_kernel_ids()) == 1


async def test_stopping_lets_warm_kernels_go_too(make_runs):
    runs = make_runs(warm=[WarmKernels("python3", 2)])
    runs.kernels.start()
    await filled(runs, 1)
    await runs.kernels.stop()
    assert not runs.manager.list_kernel_ids()
    assert not any("warm" in task.get_name() for task in asyncio.all_tasks())
