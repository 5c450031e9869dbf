"""Variables saved in one kernel and loaded into another, by the checkpointer itself."""

import pytest

from jupyter_flows.core.errors import CheckpointUnusable
from jupyter_flows.core.model import RunId, StepId
from jupyter_flows.ports import Cell, SaveRequest

from .test_sessions import RUN, until

OTHER = RunId("other")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "checkpoints"
    made.mkdir()
    return str(made)


async def saved(runs, folder):
    return await runs.kernels.save(RUN, SaveRequest(folder=folder))


async def restored(runs, folder, told, *cells):
    await runs.open(OTHER)
    told = {**told, "flow": {**told["flow"], "run": OTHER}}
    await runs.kernels.restore(OTHER, folder, told, cells)


async def seen(runs, source):
    outcome = await runs.execute(source, step="seen", run=OTHER)
    assert outcome.error is None, outcome.error
    return outcome.result


def again(step, source):
    return Cell(step=StepId(step), attempt=1, source=source, rebuilding=True, replay=True)


async def test_all_is_there_with_what_tagged_cells_made_anew(runs, folder):
    connect = "import sqlite3\ncon = sqlite3.connect(':memory:')"
    bound = {"flow_input": {"n": 1}}
    await runs.open()
    await runs.execute("import numpy as np\nbig = np.arange(100_000)\nview = big[10:20]", step="a")
    await runs.execute(connect, step="b", replay=True)
    source = "class Job:\n    pass\njob = Job()\njob.con = con\nflow_input['n'] = 2\n42"
    await runs.execute(source, step="c", bindings=bound)
    told = await saved(runs, folder)
    assert told["unsaved"] == []
    assert told["replayed"] == ["con", "sqlite3"] or set(told["replayed"]) == {"con", "sqlite3"}
    await restored(runs, folder, told, again("b", connect))
    source = (
        "view[0] = -1\n[int(big[10]), job.con is con, con.execute('select 7').fetchone()[0],"
        " flow_input, results['c'], previous_result]"
    )
    outcome = await runs.execute(source, step="d", run=OTHER, bindings=bound)
    assert outcome.result == [-1, True, 7, {"n": 2}, 42, 42], outcome.error


async def test_the_environment_is_that_of_the_kernel(runs):
    await runs.open()
    said = await runs.kernels.environment(RUN, ["numpy", "no-such-thing"], [__file__, "/nowhere"])
    assert said["python"]["implementation"] == "cpython"
    assert said["distributions"]["numpy"]
    assert said["distributions"]["no-such-thing"] is None
    assert said["files"]["/nowhere"] is None


async def test_what_saves_but_does_not_load_is_found_by_a_rehearsal(runs, folder):
    await runs.open()
    await runs.execute("x = 1")
    await runs.kernels.rehearse(runs.request(), folder, await saved(runs, folder))
    source = (
        "class Odd:\n    def __reduce__(self):\n        return (Odd.make, ())\n"
        "    @staticmethod\n    def make():\n        raise RuntimeError('never again')\n"
        "odd = Odd()"
    )
    await runs.execute(source)
    with pytest.raises(CheckpointUnusable, match="never again") as raised:
        await runs.kernels.rehearse(runs.request(), folder, await saved(runs, folder))
    assert raised.value.variable == "odd"
    await until(lambda: len(runs.manager.list_kernel_ids()) == 1)


async def test_it_works_where_the_package_is_not_installed(runs, folder):
    """All is sent as text, in both kernels, which lack cloudpickle, too."""
    hide = "import sys\nsys.modules['jupyter_flows'] = sys.modules['cloudpickle'] = None\n"
    forget = (
        "for name in [n for n in sys.modules if n.startswith('jupyter_flows')]:\n"
        "    del sys.modules[name]\n"
    )
    kernels = []
    for _ in range(2):
        kernel_id = await runs.manager.start_kernel(kernel_name="python3")
        await runs.open("first", kernel_id=kernel_id)
        await runs.execute("import sys\n" + forget + hide, run="first")
        await runs.kernels.close("first")
        kernels.append(kernel_id)
    await runs.open(kernel_id=kernels[0])
    await runs.execute("x = {'a': [1]}; y = x['a']")
    told = await saved(runs, folder)
    await runs.open(OTHER, kernel_id=kernels[1])
    flow = {**told["flow"], "run": OTHER}
    await runs.kernels.restore(OTHER, folder, {**told, "flow": flow}, [])
    source = "import jupyter_flows\n[x, y is x['a'], jupyter_flows.__file__]"
    assert await seen(runs, source) == [{"a": [1]}, True, "<jupyter_flows.client.flows>"]


# ---------------------------------------------------------------- what goes on


async def told_unsaved(runs, folder):
    return [(each["path"], each["reason"]) for each in (await saved(runs, folder))["unsaved"]]


async def test_a_kernel_with_nothing_but_its_own_names_nothing(runs, folder):
    await runs.open()
    await runs.execute("import asyncio, ipywidgets\nawait asyncio.sleep(0)\nipywidgets.IntSlider()")
    assert await told_unsaved(runs, folder) == []


async def test_what_still_runs_is_named_though_no_variable_has_it(runs, folder):
    source = (
        "import asyncio, subprocess, threading\nrows = []\n"
        "async def poll():\n    while True: await asyncio.sleep(0.05); rows.append(1)\n"
        "def start(): asyncio.get_running_loop().create_task(poll())\n"
        "start()\nthreading.Thread(target=threading.Event().wait, daemon=True, name='t').start()\n"
        "def program(): subprocess.Popen(['sleep', '600']).__del__ and None\nprogram()"
    )
    await runs.open()
    assert (await runs.execute(source)).error is None
    (thread, why), (task, _), (program, _) = await told_unsaved(runs, folder)
    assert thread == "thread 't'"
    assert why.startswith("it still runs")
    assert task.startswith("task 'Task-")
    assert task.endswith("(poll)'")
    assert program.endswith("(sleep)")


async def test_what_a_tagged_cell_has_started_is_not_named(runs, folder):
    source = (
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()"
    )
    await runs.open()
    await runs.execute(source, replay=True)
    assert await told_unsaved(runs, folder) == []
    await runs.execute(source, step="other")
    assert len(await told_unsaved(runs, folder)) == 1


# ---------------------------------------------------------------- what tagged cells made


@pytest.mark.parametrize("sent", [False, True])
async def test_what_later_cells_changed_in_it_is_named(runs, folder, sent):
    await runs.open()
    if sent:
        hide = "import sys; sys.modules['jupyter_flows.client.checkpoint'] = None; None"
        await runs.execute(hide, step="hide")
    await runs.execute("cfg = {'threshold': 1}; same = {}", step="a", replay=True)
    assert await told_unsaved(runs, folder) == []
    await runs.execute("cfg['threshold'] = 5", step="b")
    ((path, why),) = await told_unsaved(runs, folder)
    assert path == "cfg"
    assert "has changed since" in why
