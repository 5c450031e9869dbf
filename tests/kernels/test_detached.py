"""Kernels that outlive their servers: these are processes of their own, and are killed."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import RunId
from jupyter_flows.kernels import greeting
from jupyter_flows.kernels.cards import CardFolder
from jupyter_flows.kernels.warm import WarmKernels

from .test_restarts import served
from .test_sessions import RUN, is_error, until

PID = ("x = 41; import os; os.getpid()", {})


def lives(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


class Server:
    """One that has executed these cells; `said` are their results."""

    def __init__(self, folder, *cells):
        command = [sys.executable, Path(__file__).with_name("server.py"), folder]
        self.process = subprocess.Popen(
            [*map(str, command), json.dumps(cells)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.said = [json.loads(self.process.stdout.readline() or "null") for _ in cells]

    def die(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.communicate("stop\n")


@pytest.fixture
def serve(tmp_path, cards):
    servers = []

    def serve(*cells):
        servers.append(Server(tmp_path, *cells))
        return servers[-1]

    yield serve
    for server in servers:
        server.die()
    for run in cards.runs():
        card = cards.read(run)
        if card is not None and lives(card.pid):
            os.kill(card.pid, signal.SIGKILL)


@pytest.fixture
def cards(tmp_path):
    return CardFolder(tmp_path / "kernels")


@pytest.fixture
def runs(make_runs, tmp_path):
    return make_runs(detached=tmp_path / "kernels")


async def test_the_kernel_of_a_server_that_was_killed_goes_on(serve, runs, cards):
    server = serve(PID)
    (pid,) = server.said
    server.die()
    assert await runs.kernels.returns(RUN)
    await runs.open(env={"FLOWS_TOKEN": "new"})
    source = "import os\n[x, os.getpid(), os.environ['FLOWS_TOKEN'], results['step0']]"
    assert (await runs.execute(source)).result == [41, pid, "new", pid]
    assert await runs.kernels.visitors(RUN) == 0
    assert await runs.kernels.is_free(RUN)
    await runs.kernels.close(RUN)
    await until(lambda: not lives(pid))
    assert cards.runs() == []
    assert not await runs.kernels.returns(RUN)


async def test_a_jupyter_server_has_it_as_any_other_kernel(serve, make_runs, tmp_path, cards):
    server = serve(PID)
    server.die()
    manager = served(tmp_path)
    runs = make_runs(manager=manager, detached=tmp_path / "kernels")
    await runs.open()
    kernel_id = runs.kernels.kernel_of(RUN)
    model = manager.kernel_model(kernel_id)
    assert (model["name"], model["execution_state"], model["connections"]) == ("python3", "idle", 1)
    going = asyncio.create_task(runs.execute("print(1, flush=True); import time; time.sleep(600)"))
    await until(lambda: any(runs.kernels.partial(RUN).values()))
    await runs.kernels.interrupt(RUN)
    assert is_error(await going, "KeyboardInterrupt")
    await runs.kernels.stop()
    await manager.shutdown_all(now=True)
    assert lives(server.said[0]), "as a server does when it stops"


async def test_one_that_its_user_restarts_is_no_longer_the_runs(serve, make_runs, tmp_path, cards):
    server = serve(PID)
    server.die()
    manager = served(tmp_path)
    runs = make_runs(manager=manager, detached=tmp_path / "kernels")
    await runs.open()
    kernel_id = runs.kernels.kernel_of(RUN)
    await manager.restart_kernel(kernel_id)
    assert not runs.kernels.holds(RUN)
    assert not lives(server.said[0])
    assert cards.runs() == []
    await manager.shutdown_kernel(kernel_id)


async def test_a_server_that_stops_in_order_leaves_it_alive(serve, runs):
    server = serve(PID)
    server.stop()
    await runs.open()
    assert (await runs.execute("[x, os.getpid()]")).result == [41, *server.said]


async def test_it_can_be_left_and_found_again_and_again(make_runs, tmp_path):
    pids = set()
    for _ in range(3):
        runs = make_runs(detached=tmp_path / "kernels")
        await runs.open()
        pids.add((await runs.execute("import os; os.getpid()")).result)
        await runs.execute("count = globals().get('count', 0) + 1", step="b")
        await runs.kernels.stop()
        assert runs.manager.list_kernel_ids() == []
    runs = make_runs(detached=tmp_path / "kernels")
    await runs.open()
    assert (await runs.execute("count")).result == 3
    (pid,) = pids
    await runs.kernels.close(RUN)
    await until(lambda: not lives(pid))


async def test_names_that_cells_have_rebound_stay_so(serve, runs):
    bound = {"flow_input": {"n": 1}, "resume": 1}
    serve(("flow_input = 'mine'; 0", bound)).die()
    await runs.open()
    outcome = await runs.execute("[flow_input, resume]", bindings={**bound, "resume": 2})
    assert outcome.result == ["mine", 2]


async def test_a_cell_that_was_left_running_is_interrupted(serve, runs, tmp_path, monkeypatch):
    monkeypatch.setattr(greeting, "CALM", 0.2)
    flag = tmp_path / "running"
    source = f"import pathlib, time; pathlib.Path({str(flag)!r}).touch(); time.sleep(600); x = 0"
    server = serve(PID)
    server.die()
    await runs.open()
    going = asyncio.create_task(runs.execute(source))
    await until(flag.exists)
    await runs.kernels.stop()
    assert (await going).lost
    await runs.open()
    outcome = await runs.execute("[x, os.getpid()]", step="b")
    assert outcome.result == [41, *server.said]
    await runs.kernels.interrupt(RUN)


async def test_one_that_heeds_no_interrupt_does_not_return(serve, runs, monkeypatch, tmp_path):
    for name in ("CALM", "INTERRUPT_GRACE"):
        monkeypatch.setattr(greeting, name, 0.2)
    flag = tmp_path / "running"
    source = (
        "import pathlib, signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"pathlib.Path({str(flag)!r}).touch()\ntime.sleep(600)"
    )
    server = serve(PID)
    server.die()
    await runs.open()
    going = asyncio.create_task(runs.execute(source))
    await until(flag.exists)
    await runs.kernels.stop()
    await going
    with pytest.raises(KernelUnavailable, match="does not stop"):
        await runs.open()
    await until(lambda: not lives(server.said[0]))
    await runs.open()
    assert (await runs.execute("'x' in dir()")).result is False


async def test_another_nonce_is_another_kernel(serve, runs, cards):
    server = serve(PID)
    server.die()
    cards.write(replace(cards.read(RUN), nonce="other"))
    with pytest.raises(KernelUnavailable, match="another one"):
        await runs.open()
    await until(lambda: not lives(server.said[0]))
    assert not await runs.kernels.returns(RUN)
    await runs.open()
    assert (await runs.execute("'x' in dir()")).result is False


async def test_cells_that_others_ran_meanwhile_are_told(serve, runs, make_runs, tmp_path, cards):
    serve(PID).die()
    await runs.open()
    await runs.kernels.stop()
    client = visitor_of(cards.read(RUN))
    client.start_channels(stdin=False, hb=False)
    await client.wait_for_ready()
    await client._async_execute_interactive("x = 0", output_hook=len)
    client.stop_channels()
    await runs.open()
    assert await runs.kernels.visitors(RUN) == 1


def visitor_of(card):
    client = AsyncKernelClient()
    client.load_connection_info(dict(card.connection))
    return client


async def test_a_process_that_has_its_number_now_is_left_alone(serve, runs, cards):
    server = serve(PID)
    server.die()
    os.kill(server.said[0], signal.SIGKILL)
    await until(lambda: not lives(server.said[0]))
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    cards.write(replace(cards.read(RUN), pid=other.pid))
    try:
        assert not await runs.kernels.returns(RUN)
        await runs.kernels.close(RUN)
        assert lives(other.pid)
        assert cards.runs() == []
    finally:
        other.kill()
        other.wait()


async def test_what_is_left_of_ended_runs_is_collected(serve, runs, cards):
    server = serve(PID)
    server.die()
    assert runs.kernels.left() == [RUN]
    await runs.kernels.collect([RUN])
    assert lives(server.said[0])
    await runs.kernels.collect([RunId("other")])
    await until(lambda: not lives(server.said[0]))
    assert cards.runs() == []


async def test_a_card_of_a_dead_kernel_is_removed(serve, runs, cards):
    server = serve(PID)
    server.die()
    os.kill(server.said[0], signal.SIGKILL)
    await until(lambda: not lives(server.said[0]))
    await runs.kernels.collect([RUN])
    assert cards.runs() == []
    await runs.open()
    assert (await runs.execute("'x' in dir()")).result is False


async def test_a_kernel_that_dies_while_it_is_held_has_no_card_any_more(serve, runs, cards):
    server = serve(PID)
    server.die()
    await runs.open()
    os.kill(server.said[0], signal.SIGKILL)
    await until(lambda: not runs.kernels.holds(RUN))
    await until(lambda: cards.runs() == [])


async def test_the_kernel_of_another_server_that_lives_is_its_own(serve, runs, cards):
    server = serve(PID)
    assert not await runs.kernels.returns(RUN)
    await runs.kernels.close(RUN)
    await runs.kernels.collect([])
    assert lives(server.said[0])
    await runs.open()
    assert (await runs.execute("'x' in dir()")).result is False
    await runs.kernels.close(RUN)
    assert cards.read(RUN) is not None


async def test_what_is_on_disk_is_private(serve, tmp_path):
    serve(PID)
    folder = tmp_path / "kernels"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in folder.iterdir():
        if file.suffix != ".lock":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


async def test_others_do_not_outlive_their_server(make_runs, tmp_path, cards, bash):
    folder = tmp_path / "kernels"
    runs = make_runs(detached=folder, warm=[WarmKernels("python3", 1)])
    await runs.open("shown", in_place=True)
    await runs.open("bash", kernel_name=bash)
    theirs = await runs.manager.start_kernel(kernel_name="python3")
    await runs.open("theirs", kernel_id=theirs)
    assert cards.runs() == []
    await runs.kernels.stop()
    assert runs.manager.list_kernel_ids() == [theirs]
    plain = make_runs()
    assert not await plain.kernels.returns(RUN)
