import asyncio
import json
import os
import signal
import sys

import pytest
from jupyter_client.session import Session
from jupyter_core.utils import ensure_async

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import RunId, StepId
from jupyter_flows.kernels import late
from jupyter_flows.kernels.session import Limits

RUN = RunId("run")


async def until(condition):
    """Wait for something that is bound to come; the test's own timeout is the bound."""
    while not condition():
        await asyncio.sleep(0.01)


def is_error(outcome, name):
    return outcome.error is not None and outcome.error.name == name


async def test_a_cell_is_executed_and_the_kernel_kept_for_the_next(runs):
    await runs.open()
    assert runs.kernels.holds(RUN)
    first = await runs.execute("x = 20; x + 1")
    assert (first.result, first.execution_count, first.error, first.lost) == (21, 1, None, False)
    assert await runs.printed("print(x)", step="b") == "20\n"


async def test_two_runs_have_two_kernels(runs):
    await runs.open("one")
    await runs.open("two")
    await runs.execute("x = 1", run="one")
    assert is_error(await runs.execute("x", run="two"), "NameError")


async def test_opening_again_keeps_a_kernel_that_lives(runs):
    await runs.open()
    await runs.execute("x = 1")
    await runs.open()
    assert (await runs.execute("x", step="b")).result == 1


async def test_a_kernel_starts_in_its_folder_with_its_environment(runs, tmp_path):
    await runs.open()
    said = await runs.printed("import os; print(os.getcwd(), os.environ['FLOWS_TOKEN'])")
    assert said == f"{os.path.realpath(tmp_path)} secret\n"


async def test_an_error_names_its_class_and_message(runs):
    await runs.open()
    outcome = await runs.execute("print('before')\nraise ValueError('no good')")
    assert (outcome.error.name, outcome.error.message) == ("ValueError", "no good")
    assert [o["output_type"] for o in outcome.outputs] == ["stream", "error"]
    assert not outcome.lost


async def test_a_cell_that_may_raise_succeeds_with_its_error_shown(runs):
    await runs.open()
    outcome = await runs.execute("1 / 0", raises=True)
    assert outcome.error is None
    assert [o["ename"] for o in outcome.outputs] == ["ZeroDivisionError"]


async def test_a_cell_goes_on_after_another_has_failed(runs):
    await runs.open()
    failed, after = await runs.execute("1 / 0"), await runs.execute("2", step="b")
    assert (failed.error.name, after.result) == ("ZeroDivisionError", 2)


async def test_input_fails_at_once_and_the_kernel_goes_on(runs):
    await runs.open()
    assert is_error(await runs.execute("input('name? ')"), "StdinNotImplementedError")
    assert (await runs.execute("1", step="b")).result == 1


async def test_a_cell_over_its_time_is_interrupted_and_the_kernel_kept(runs):
    await runs.open()
    outcome = await runs.execute("x = 1\nimport time\ntime.sleep(1000)", timeout=0.5)
    assert is_error(outcome, "StepTimedOut")
    assert outcome.error.message == "The cell ran longer than 0.5 s and was interrupted."
    assert not outcome.lost
    assert (await runs.execute("x", step="b")).result == 1


async def test_a_cell_that_ignores_the_interrupt_loses_its_kernel(runs):
    await runs.open()
    source = (
        "import signal, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "print('so far', flush=True)\n"
        "time.sleep(1000)"
    )
    outcome = await runs.execute(source, timeout=0.5)
    assert is_error(outcome, "StepTimedOut")
    assert "killed" in outcome.error.message
    assert outcome.lost
    assert outcome.outputs[0]["text"] == "so far\n"
    assert not runs.kernels.holds(RUN)


async def test_a_kernel_that_dies_in_a_cell_loses_the_run_its_kernel(runs):
    await runs.open()
    pid = int(await runs.printed("import os; print(os.getpid())"))
    source = "print('so far', flush=True)\nimport time\ntime.sleep(1000)"
    going = asyncio.create_task(runs.execute(source))
    await until(lambda: runs.kernels.partial(RUN).get(StepId("step")))
    os.kill(pid, signal.SIGKILL)
    outcome = await going
    assert is_error(outcome, "KernelDied")
    assert "SIGKILL" in outcome.error.message
    assert outcome.lost
    assert outcome.outputs[0]["text"] == "so far\n"
    assert not runs.kernels.holds(RUN)
    await until(lambda: not runs.manager.list_kernel_ids())
    again = await runs.execute("1", step="b")
    assert again.lost
    await runs.open()
    assert (await runs.execute("1", step="c")).result == 1


async def test_a_kernel_that_dies_while_nothing_runs_is_noticed_and_not_restarted(runs):
    await runs.open()
    pid = int(await runs.printed("import os; print(os.getpid())"))
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not runs.kernels.holds(RUN))
    await until(lambda: not runs.manager.list_kernel_ids())


async def test_interrupting_ends_the_cell_and_without_one_does_nothing(runs):
    await runs.open()
    await runs.kernels.interrupt(RUN)
    going = asyncio.create_task(
        runs.execute("print('on', flush=True)\nimport time\ntime.sleep(99)")
    )
    await until(lambda: runs.kernels.partial(RUN).get(StepId("step")))
    await runs.kernels.interrupt(RUN)
    assert is_error(await going, "KeyboardInterrupt")
    assert (await runs.execute("1", step="b")).result == 1


async def test_outputs_so_far_are_seen_only_while_a_cell_runs(runs):
    await runs.open()
    assert runs.kernels.partial(RUN) == {}
    going = asyncio.create_task(
        runs.execute("print('on', flush=True)\nimport time\ntime.sleep(99)")
    )
    await until(lambda: runs.kernels.partial(RUN).get(StepId("step")))
    assert runs.kernels.partial(RUN)[StepId("step")][0]["text"] == "on\n"
    await runs.kernels.interrupt(RUN)
    await going
    assert runs.kernels.partial(RUN) == {}


async def test_closing_ends_a_running_cell_as_lost(runs):
    await runs.open()
    going = asyncio.create_task(
        runs.execute("print('on', flush=True)\nimport time\ntime.sleep(99)")
    )
    await until(lambda: runs.kernels.partial(RUN).get(StepId("step")))
    await runs.kernels.close(RUN)
    outcome = await going
    assert outcome.lost
    assert not runs.manager.list_kernel_ids()


async def test_what_a_thread_prints_later_amends_the_cell_that_started_it(runs):
    await runs.open()
    source = (
        "import sys, threading\n"
        "from ipykernel.iostream import OutStream\n"
        "go, said = threading.Event(), threading.Event()\n"
        "kernel = get_ipython().kernel\n"
        "parent = kernel.get_parent('shell')\n"
        "def late():\n"
        "    go.wait()\n"
        "    kernel.session.send(kernel.iopub_socket, 'stream',\n"
        "        {'name': 'stdout', 'text': 'late'}, parent=parent)\n"
        "    said.set()\n"
        "threading.Thread(target=late).start()\n"
        "print('early ')"
    )
    first = await runs.execute(source, step="a")
    assert first.amended == {}
    second = await runs.execute("go.set(); said.wait();", step="b")
    assert [o["text"] for o in second.amended[StepId("a")]] == ["early \nlate"]
    assert second.outputs == []
    assert (await runs.execute("pass", step="c")).amended == {}


async def test_what_comes_between_cells_is_in_the_next_outcome(runs):
    await runs.open()
    source = (
        "import asyncio\n"
        "async def late():\n"
        "    await asyncio.sleep(0.05)\n"
        "    handle.update('new')\n"
        "handle = display('old', display_id=True)\n"
        "task = asyncio.get_running_loop().create_task(late())"
    )
    await runs.execute(source, step="a")
    outcome = await runs.execute("await task", step="b")
    assert outcome.amended[StepId("a")][0]["data"]["text/plain"] == "'new'"


async def test_outputs_over_the_limit_are_cut_and_said(make_runs):
    runs = make_runs(limits=Limits(max_output_bytes=10_000))
    await runs.open()
    outcome = await runs.execute("for _ in range(100): print('x' * 1000)")
    assert outcome.error is None
    assert "more bytes were dropped" in outcome.outputs[-1]["text"]
    assert "bytes of output were dropped" in outcome.notice


async def test_many_chunks_arrive_complete_and_in_order(runs):
    await runs.open()
    said = await runs.printed("for n in range(3000): print(n, flush=True)")
    assert said == "".join(f"{n}\n" for n in range(3000))


async def test_no_reply_is_missed_while_widgets_are_told_of_their_outputs(runs):
    await runs.open()
    await runs.execute("import ipywidgets; o = ipywidgets.Output()", step="before")
    source = "with o:\n    print('x')\n    o.clear_output(wait=True)\n    print('z')"
    for number in range(200):
        assert (await runs.execute(source, step=f"step {number}")).error is None
    assert "'z" in await runs.printed("print(o.outputs)", step="after")


# ---------------------------------------------------------------- which kernel


async def test_a_kernel_that_dies_at_once_is_refused(runs, tmp_path, monkeypatch):
    spec = tmp_path / "kernels" / "broken"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-c", "import sys; sys.exit(3)", "{connection_file}"]
    told = {"argv": argv, "display_name": "Broken", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(told))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    with pytest.raises(KernelUnavailable, match=r"died while it started \(exit status 3\)"):
        await runs.open(kernel_name="broken")
    assert not runs.manager.list_kernel_ids()


async def test_an_unknown_kernel_is_refused_with_the_names_of_the_known(runs):
    with pytest.raises(KernelUnavailable, match=r"no kernel named 'nope'. Installed: .*python3"):
        await runs.open(kernel_name="nope")
    assert not runs.kernels.holds(RUN)


async def test_a_kernel_id_that_nobody_has_is_refused(runs):
    with pytest.raises(KernelUnavailable, match="no running kernel 'x'"):
        await runs.open(kernel_id="x")


async def test_a_run_without_a_kernel_can_not_execute(runs):
    with pytest.raises(KernelUnavailable, match="no kernel"):
        await runs.execute("1")


async def test_somebody_elses_kernel_is_used_and_left_as_it_was(runs):
    kernel_id = await ensure_async(runs.manager.start_kernel(kernel_name="python3"))
    await runs.open(kernel_id=kernel_id)
    assert (await runs.execute("theirs = 1; theirs")).result == 1
    await runs.kernels.close(RUN)
    assert runs.manager.list_kernel_ids() == [kernel_id]
    await runs.open("next", kernel_id=kernel_id, env={})
    source = "import os; print(theirs, 'FLOWS_TOKEN' in os.environ)"
    assert await runs.printed(source, run="next") == "1 False\n"


async def test_another_clients_cells_disturb_neither_result_nor_outputs(runs):
    kernel_id = await ensure_async(runs.manager.start_kernel(kernel_name="python3"))
    await runs.open(kernel_id=kernel_id)
    theirs = runs.manager.get_kernel(kernel_id)
    session = Session(config=theirs.session.config, key=theirs.session.key)
    client = theirs.client(session=session)
    client.start_channels(stdin=False, hb=False)
    await client.wait_for_ready()
    going = asyncio.create_task(runs.execute("import time; time.sleep(0.2); 'ours'"))
    reply = await client._async_execute_interactive("print('theirs')\n'x'", output_hook=len)
    outcome = await going
    assert (outcome.result, outcome.outputs[0]["output_type"]) == ("ours", "execute_result")
    assert len(outcome.outputs) == 1
    assert reply["content"]["status"] == "ok"
    assert (await runs.execute("results", step="b")).result == {"step": "ours"}
    client.stop_channels()


async def test_a_bash_kernel_runs_cells_and_says_once_that_it_has_no_results(runs, bash):
    await runs.open(kernel_name=bash)
    first = await runs.execute("echo $FLOWS_TOKEN", bindings={"flow_input": {"a": 1}})
    assert first.outputs[0]["text"] == "secret\n"
    assert first.result is None
    assert first.notice == "Results and bound names need a Python kernel; this one runs bash."
    assert (await runs.execute("echo 2", step="b")).notice is None
    failed = await runs.execute("false", step="c")
    assert failed.error is not None


async def test_stopping_lets_every_kernel_go(make_runs):
    runs = make_runs()
    await runs.open("one")
    await runs.open("two")
    before = {task for task in asyncio.all_tasks() if "of kernel" in task.get_name()}
    assert len(before) == 4
    await runs.kernels.stop()
    assert not runs.manager.list_kernel_ids()
    assert not any("of kernel" in task.get_name() for task in asyncio.all_tasks())
    assert not runs.kernels.holds(RunId("one"))


async def test_a_held_kernel_costs_two_tasks_and_no_timer(runs):
    await runs.open()
    await runs.execute("1")
    names = sorted(
        t.get_name().split()[0] for t in asyncio.all_tasks() if "of kernel" in t.get_name()
    )
    assert names == ["iopub", "shell"]


async def test_what_changes_while_no_cell_runs_is_told_by_itself(runs, tmp_path):
    """G70: an open gate's page must not show what is there no more."""
    told = asyncio.Queue()
    runs.kernels.on_amended(lambda run, outputs: told.put_nowait((run, outputs)))
    flag = tmp_path / "now"
    await runs.open()
    await runs.execute(
        "import pathlib, threading, time\n"
        f"flag = pathlib.Path({str(flag)!r})\n"
        "def later():\n"
        "    while not flag.exists():\n"
        "        time.sleep(0.01)\n"
        "    print('late')\n"
        "print('early')\n"
        "threading.Thread(target=later, daemon=True).start()",
        step="a",
    )
    assert told.empty()
    flag.touch()
    run, outputs = await asyncio.wait_for(told.get(), 30)
    assert run == "run"
    assert [o["text"] for o in outputs[StepId("a")]] == ["early\nlate\n"]
    assert (await runs.execute("pass", step="b")).amended == {}


async def test_what_prints_for_ever_is_told_ever_more_seldom(runs, monkeypatch):
    """G70: else each vote would be about what was there a moment ago."""
    monkeypatch.setattr(late, "LATE", 0.01)
    monkeypatch.setattr(late, "LATE_MOST", 0.04)
    told, waits = asyncio.Queue(), []
    runs.kernels.on_amended(lambda *late: told.put_nowait(late))
    loop = asyncio.get_running_loop()
    call_later = loop.call_later

    def noted(delay, callback, *args):
        if getattr(callback, "__name__", "") == "_tell_late":
            waits.append(delay)
        return call_later(delay, callback, *args)

    monkeypatch.setattr(loop, "call_later", noted)
    await runs.open()
    printing = (
        "import threading, time\n"
        "def ever():\n"
        "    while True:\n"
        "        print('.', flush=True)\n"
        "        time.sleep(0.001)\n"
        "threading.Thread(target=ever, daemon=True).start()"
    )
    await runs.execute(printing, step="a")
    for _ in range(4):
        await asyncio.wait_for(told.get(), 30)
    assert waits[:4] == [0.01, 0.02, 0.04, 0.04]
    waits.clear()
    await runs.execute("pass", step="b")
    while not waits:
        await asyncio.wait_for(told.get(), 30)
    assert waits[0] <= 0.02, "a telling that was under way may be the first one"


async def test_what_a_cell_that_ran_again_puts_out_late_amends_nothing(runs, tmp_path):
    """Of a cell that runs again for a fresh kernel, the first outputs stand."""
    told = []
    runs.kernels.on_amended(lambda run, outputs: told.append(outputs))
    flag = tmp_path / "now"
    await runs.open()
    source = (
        "import pathlib, threading, time\n"
        f"flag = pathlib.Path({str(flag)!r})\n"
        "def later():\n"
        "    while not flag.exists():\n"
        "        time.sleep(0.01)\n"
        "    print('late')\n"
        "thread = threading.Thread(target=later, daemon=True)\n"
        "thread.start()"
    )
    await runs.execute(source, step="a", rebuilding=True)
    flag.touch()
    outcome = await runs.execute("thread.join()", step="b")
    assert outcome.amended == {}
    assert (await runs.execute("print('first')", step="a")).outputs
    assert told == []
