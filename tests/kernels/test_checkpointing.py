"""How kernels are asked to save and to load; the checkpointer in them is a plain one."""

import asyncio
from pathlib import Path

import pytest

from jupyter_flows.client.checkpoint import errors
from jupyter_flows.core.errors import CheckpointRefused, CheckpointUnusable, KernelUnavailable
from jupyter_flows.core.model import RunId, StepId
from jupyter_flows.kernels import checkpoint_source, checkpointing, session
from jupyter_flows.kernels.session import Limits
from jupyter_flows.kernels.warm import WarmKernels
from jupyter_flows.ports import Cell, Expression, SaveRequest

from .test_sessions import RUN, until

OTHER = RunId("other")
CHECKPOINTER = (
    "import sys, types\n"
    "module = sys.modules['jupyter_flows.client.checkpoint'] = types.ModuleType('checkpoint')\n"
    f"exec({Path(__file__).with_name('checkpointer.py').read_text()!r}, module.__dict__)\n"
    "module.get_ipython = get_ipython\n"
)


@pytest.fixture(autouse=True)
def checkpointer(monkeypatch):
    code = f"__import__('builtins').exec({CHECKPOINTER!r}, {{'get_ipython': get_ipython}})"
    monkeypatch.setattr(checkpoint_source, "opening", lambda: code)
    monkeypatch.setattr(checkpoint_source, "installed", lambda: "False")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "checkpoint"
    made.mkdir()
    return str(made)


async def saved(runs, folder, *exclude, run=RUN, **more):
    asked = SaveRequest(folder=folder, exclude=exclude, **more)
    return await runs.kernels.save(run, asked)


async def restored(runs, folder, told, *replays):
    """In the kernel of another run, as that of the same one is there still."""
    await runs.open(OTHER)
    flow = {**told["flow"], "run": OTHER}
    cells = [
        Cell(step=StepId(step), attempt=1, source=source, rebuilding=True, replay=True, **more)
        for step, source, more in replays
    ]
    await runs.kernels.restore(OTHER, folder, {**told, "flow": flow}, cells)


async def seen(runs, source):
    outcome = await runs.execute(source, step="seen", run=OTHER)
    assert outcome.error is None, outcome.error
    return outcome.result


async def test_the_variables_are_in_the_other_kernel(runs, folder):
    await runs.open()
    await runs.execute("x = [1, 2]; y = x")
    told = await saved(runs, folder, limit_bytes=7, budget=2.5)
    assert {"x", "y"} <= set(told["names"])
    assert told["asked"] == {
        "folder": folder,
        "limit_bytes": 7,
        "budget_seconds": 2.5,
        "exclude": [],
        "drop_unsaved": True,
    }
    await restored(runs, folder, told)
    assert await seen(runs, "[x, x is y]") == [[1, 2], True]


async def test_tagged_cells_run_again_between_the_two_parts(runs, folder):
    await runs.open()
    con = "import types; con = types.ModuleType(base)"
    await runs.execute("base = 'con'", step="a")
    await runs.execute(con, step="b", replay=True)
    await runs.execute("second = [base]", step="c")
    told = await saved(runs, folder)
    assert "con" not in told["names"]
    await restored(runs, folder, told, ("b", con, {}))
    assert await seen(runs, "[con.__name__, second]") == ["con", ["con"]]
    again = await saved(runs, folder, run=OTHER)
    assert set(again["replayed"]) == {"con", "types"}


async def test_what_the_flow_knows_is_there_too(runs, folder):
    await runs.open()
    bound = {"flow_input": {"n": 1}, "resume": {"ok": True}, "gates": {"g": {"status": "approved"}}}
    await runs.execute("flow_input['n'] = 2; resume = 'mine'; 41", step="a", bindings=bound)
    await runs.execute("42", step="b", bindings=bound)
    told = await saved(runs, folder)
    replay = ("b", "import jupyter_flows; kept = len(jupyter_flows.results)", {"bindings": bound})
    await restored(runs, folder, told, replay)
    source = "[flow_input, resume, results, previous_result, kept]"
    outcome = await runs.execute(source, step="c", run=OTHER, bindings=bound)
    results = {"a": 41, "b": None}
    assert outcome.result == [{"n": 2}, "mine", results, 42, 2], "what the cell had is what it has"
    source = "import jupyter_flows as f\n[f.flow_input, f.gate('g'), f.results is results, resume]"
    outcome = await runs.execute(
        source, step="d", run=OTHER, bindings={**bound, "resume": {"ok": False}}
    )
    assert outcome.result == [{"n": 2}, {"status": "approved"}, True, {"ok": False}]
    source = "[previous_result == results['d'], 'c' in results]"
    assert await seen(runs, source) == [True, True]


async def test_names_of_the_flow_that_the_user_has_taken_stay_the_users(runs, folder):
    await runs.open()
    await runs.execute("results = 'mine'; previous_result = 'too'; 1", step="a")
    told = await saved(runs, folder)
    await restored(runs, folder, told)
    assert await seen(runs, "[results, previous_result]") == ["mine", "too"]
    source = "import jupyter_flows as f; [f.results['a'], results]"
    assert await seen(runs, source) == [1, "mine"]


async def test_a_kernel_says_what_it_is(runs):
    await runs.open()
    said = await runs.kernels.environment(RUN, ["pandas"], ["/x"])
    assert said == {"python": {"version": "3"}, "distributions": ["pandas"]}


@pytest.mark.parametrize("there", ["True", "1 / 0"])
async def test_the_texts_are_sent_to_a_kernel_without_the_package_only(
    runs, folder, monkeypatch, there
):
    await runs.open()
    await runs.execute(CHECKPOINTER if there == "True" else "x = 1")
    monkeypatch.setattr(checkpoint_source, "installed", lambda: there)
    opened = [] if there == "True" else [checkpoint_source.opening()]
    monkeypatch.setattr(checkpoint_source, "opening", opened.pop)
    await saved(runs, folder)
    await saved(runs, folder)
    assert opened == []


async def test_what_the_kernel_refuses_is_told_in_its_words(runs, folder):
    await runs.open()
    with pytest.raises(CheckpointRefused, match=r"It is too large\."):
        await saved(runs, folder, "refused")
    with pytest.raises(CheckpointRefused, match="ZeroDivisionError: by zero"):
        await saved(runs, folder, "raising")
    assert (await runs.execute("1 + 1")).result == 2


async def test_a_save_that_takes_too_long_is_interrupted_and_the_kernel_kept(runs, folder):
    await runs.open()
    await runs.execute("x = 1")
    with pytest.raises(CheckpointRefused, match=r"longer than 0\.3 s"):
        await saved(runs, folder, "hang", timeout=0.3)
    assert (await runs.execute("x")).result == 1


async def test_a_kernel_that_dies_of_it_is_lost(runs, folder):
    await runs.open()
    with pytest.raises(KernelUnavailable):
        await saved(runs, folder, "deadly")
    assert not runs.kernels.holds(RUN)


async def test_a_cell_waits_for_a_save_that_goes_on(runs, folder):
    await runs.open()
    await runs.execute("x = 1")
    saving = asyncio.create_task(saved(runs, folder))
    await asyncio.sleep(0)
    assert (await runs.execute("x = 2; x", step="b")).result == 2
    assert (await saving)["names"]
    await restored(runs, folder, saving.result())
    assert await seen(runs, "x") == 1


async def test_a_users_own_cell_is_not_interrupted_for_a_save(runs, folder, visitor):
    going = await at_work(await visitor())
    with pytest.raises(KernelUnavailable, match="busy"):
        await saved(runs, folder, timeout=0.3)
    await going
    assert (await runs.execute("done")).result is True


async def test_other_languages_are_refused(runs, folder, bash):
    await runs.open(kernel_name=bash)
    with pytest.raises(CheckpointRefused, match="needs a Python kernel"):
        await saved(runs, folder)


# ---------------------------------------------------------------- what can't be loaded


async def test_a_variable_that_can_not_be_loaded_is_named(runs, folder):
    await runs.open()
    await runs.execute("broken = 1")
    told = await saved(runs, folder)
    with pytest.raises(CheckpointUnusable, match="broken is broken") as raised:
        await restored(runs, folder, told)
    assert raised.value.variable == "broken"


async def test_a_kernel_that_cant_check_it_casts_no_doubt_on_what_was_saved(runs, folder):
    await runs.open()
    await runs.execute("unchecked = 1")
    told = await saved(runs, folder)
    with pytest.raises(KernelUnavailable, match=r"Install it\."):
        await restored(runs, folder, told)
    with pytest.raises(CheckpointUnusable, match=r"Install it\."):
        await runs.kernels.rehearse(runs.request(), folder, told)


def test_what_a_kernel_calls_that_is_what_we_know_it_by():
    assert errors.CannotCheck.__name__ == checkpointing._CANNOT_CHECK


async def test_a_cell_that_fails_when_it_runs_again_is_named(runs, folder):
    await runs.open()
    told = await saved(runs, folder)
    with pytest.raises(CheckpointUnusable, match=r"'con'.*ZeroDivisionError"):
        await restored(runs, folder, told, ("con", "1 / 0", {}))


async def test_a_cell_that_may_fail_may_do_so_again_but_not_for_the_first_time(runs, folder):
    await runs.open()
    told = await saved(runs, folder)
    again = {"goes_on": True, "failed_before": True}
    await restored(runs, folder, told, ("con", "1 / 0", again))
    await runs.kernels.close(OTHER)
    with pytest.raises(CheckpointUnusable, match=r"'con'.*ZeroDivisionError"):
        await restored(runs, folder, told, ("con", "1 / 0", {"goes_on": True}))


async def test_a_load_that_takes_too_long_is_given_up(make_runs, folder):
    runs = make_runs(limits=Limits(checkpoint_seconds=1.0))
    await runs.open()
    await runs.execute("hang = 1")
    told = await saved(runs, folder)
    with pytest.raises(CheckpointUnusable, match="longer than 1 s"):
        await restored(runs, folder, told)


async def test_a_rehearsal_leaves_nothing_behind(runs, folder):
    await runs.open()
    await runs.execute("x = 1")
    told = await saved(runs, folder)
    await runs.kernels.rehearse(runs.request(), folder, told)
    assert len(runs.manager.list_kernel_ids()) == 1
    for bad, said in (("broken", "is broken"), ("deadly", "died"), ("raising", "by zero")):
        await runs.execute(f"{bad} = 1")
        told = await saved(runs, folder)
        with pytest.raises(CheckpointUnusable, match=said):
            await runs.kernels.rehearse(runs.request(), folder, told)
        await runs.execute(f"del {bad}")
    await until(lambda: len(runs.manager.list_kernel_ids()) == 1)
    assert (await runs.execute("x")).result == 1


async def test_a_rehearsal_takes_a_warm_kernel(make_runs, folder):
    runs = make_runs(warm=[WarmKernels("python3", 1)])
    await runs.open()
    told = await saved(runs, folder)
    runs.kernels.start()
    await until(lambda: runs.kernels.warm("python3"))
    (warm,) = set(runs.manager.list_kernel_ids()) - {runs.kernels.kernel_of(RUN)}
    await runs.kernels.rehearse(runs.request(), folder, told)
    assert warm not in runs.manager.list_kernel_ids()


# ---------------------------------------------------------------- who was there


@pytest.fixture
def visitor(runs):
    """A function that opens the run on a kernel of the user's, who then runs cells in it."""
    made = []

    async def opened():
        kernel_id = await runs.manager.start_kernel(kernel_name="python3")
        await runs.open(kernel_id=kernel_id)
        client = runs.client(kernel_id)
        made.append(client)
        client.start_channels(stdin=False, hb=False)
        await client.wait_for_ready()

        def visit(source, heard=len, **options):
            task = client._async_execute_interactive(source, output_hook=heard, **options)
            return asyncio.ensure_future(task)

        def tell(kind, content):
            client.shell_channel.send(client.session.msg(kind, content))

        visit.tell = tell
        return visit

    yield opened
    for client in made:
        client.stop_channels()


async def at_work(visit):
    """A cell of theirs, that runs for a while from now on."""
    begun = asyncio.Event()
    source = "import time\nprint('begun', flush=True)\ntime.sleep(2)\ndone = True"
    going = visit(source, heard=lambda message: begun.set())
    await begun.wait()
    return going


async def test_cells_that_others_run_are_counted_until_the_runs_next_cell(runs, visitor):
    visit = await visitor()
    assert await runs.kernels.visitors(RUN) == 0
    await runs.execute("x = 1")
    assert await runs.kernels.visitors(RUN) == 0
    await visit("x = 2")
    await visit("y = 3")
    await visit("look_only = 1", silent=True)
    assert await runs.kernels.visitors(RUN) == 2
    await runs.execute("x")
    assert await runs.kernels.visitors(RUN) == 0


async def test_another_run_in_the_same_kernel_is_a_visitor(runs, visitor):
    await visitor()
    await runs.execute("x = 1")
    await runs.open(OTHER, kernel_id=runs.kernels.kernel_of(RUN))
    await runs.execute("x = 2", run=OTHER)
    assert await runs.kernels.visitors(RUN) == 1
    assert await runs.kernels.visitors(OTHER) == 0
    await runs.kernels.close(OTHER)
    assert await runs.kernels.visitors(RUN) >= 1


WIDGETS = """
import ipywidgets
seen = []
def pressed(button): seen.append(button.description)
button, output = ipywidgets.Button(description="b"), ipywidgets.Output()
button.on_click(pressed)
[button.comm.comm_id, output.comm.comm_id]
"""
CONTROL = {"comm_id": "control", "target_name": "jupyter.widget.control", "data": {}}
FORM = "__import__('ipywidgets').Text().comm.comm_id"


def to(comm, method, **data):
    return "comm_msg", {"comm_id": comm, "data": {"method": method, **data}}


async def test_what_others_tell_the_runs_widgets_is_a_visit(runs, visitor):
    visit = await visitor()
    button, output = (await runs.execute(WIDGETS)).result
    form = (await runs.kernels.evaluate(RUN, Expression(expr=FORM))).value
    caught = {"msg_id": "", "outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}]}
    for kind, content in (
        ("comm_open", CONTROL),
        to("control", "request_states"),
        to(button, "request_state"),
        to(output, "update", state=caught, buffer_paths=[]),
        to(form, "update", state={"value": "secret"}, buffer_paths=[]),
    ):
        visit.tell(kind, content)
    await visit("", silent=True)
    assert await runs.kernels.visitors(RUN) == 0
    visit.tell(*to(button, "custom", content={"event": "click"}))
    visit.tell(*to(button, "update", state={"description": "c"}, buffer_paths=[]))
    await visit("", silent=True)
    assert await runs.kernels.visitors(RUN) == 2
    assert (await runs.execute("seen")).result == ["b"]
    assert await runs.kernels.visitors(RUN) == 0


async def test_what_the_run_itself_tells_an_output_widget_is_no_visit(runs):
    await runs.open()
    await runs.execute("import ipywidgets; output = ipywidgets.Output()")
    await runs.execute("with output: print('caught')", step="b")
    await runs.execute("0", step="c")
    assert await runs.kernels.visitors(RUN) == 0


async def test_a_kernel_that_a_run_has_left_is_as_it_was(runs, visitor):
    visit = await visitor()
    theirs = "[str(get_ipython().kernel.shell_handlers[kind].__module__) for kind in kinds]"
    source = f"kinds = ['comm_open', 'comm_msg']\n{theirs}"
    assert set((await runs.execute(source)).result) == {"jupyter_flows.client.comms"}
    await runs.kernels.close(RUN)
    heard = []
    await visit(theirs, heard=heard.append)
    (shown,) = [m["content"]["data"] for m in heard if m["msg_type"] == "execute_result"]
    assert "jupyter_flows" not in shown["text/plain"]


async def test_who_keeps_the_kernel_busy_is_a_visitor(runs, visitor, monkeypatch):
    monkeypatch.setattr(session, "VISIT", 0.3)
    visit = await visitor()
    going = await at_work(visit)
    assert await runs.kernels.visitors(RUN) == 1
    await going


async def test_other_languages_have_no_visitors(runs, bash):
    await runs.open(kernel_name=bash)
    assert await runs.kernels.visitors(RUN) == 0


async def test_a_kernel_is_free_if_it_is_ours_alone(runs, visitor):
    await runs.open(OTHER)
    assert await runs.kernels.is_free(OTHER)
    await visitor()
    assert not await runs.kernels.is_free(RUN)
    assert not await runs.kernels.is_free(RunId("none"))
