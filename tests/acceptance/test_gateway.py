"""Flows on kernels that a gateway has: a plain Jupyter server, and Jupyter Enterprise Gateway."""

import contextlib
import uuid

import pytest
import websocket

from tests.proxy import Proxy

from ..s3 import (  # noqa: TID252 (the tests are no installed package)
    SECRET,
    bucket,
    options,
    s3_server,
)
from .conftest import ask, until
from .gateways import KINDS, GatewaysServer, needed

GATE = ("print('look')\n'Publish?'", [], {"id": "ask", "suspend": {}})
pytestmark = pytest.mark.timeout(300)

SLEEPS = "import time\nprint('began', flush=True)\ntime.sleep(600)"
THEN = "[x, resume['n'], same is rows]"
ENDS = ("succeeded", "failed", "interrupted", "cancelled")


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    needed(request.param)
    return KINDS[request.param]


@pytest.fixture(scope="module")
def shared_gateway(kind, tmp_path_factory):
    with running(kind(tmp_path_factory.mktemp("shared"))) as gateway:
        yield gateway


@pytest.fixture
def gateway(shared_gateway):
    """It has no kernels yet."""
    until(lambda: not shared_gateway.kernels())
    return shared_gateway


@pytest.fixture(scope="module")
def shared_server(shared_gateway, tmp_path_factory):
    home = tmp_path_factory.mktemp("server")
    with running(GatewaysServer(home, shared_gateway)) as server:
        yield server


@pytest.fixture
def server(shared_server, gateway):
    return shared_server


@contextlib.contextmanager
def running(server):
    try:
        yield server.start()
    finally:
        if hasattr(server, "process"):
            server.end()


@pytest.fixture
def make_gateway(kind, tmp_path):
    """For tests that need one of their own."""
    with contextlib.ExitStack() as stack:
        yield lambda *options: stack.enter_context(running(kind(tmp_path, *options)))


@pytest.fixture
def make_server(tmp_path, make_gateway):
    with contextlib.ExitStack() as stack:

        def make(gateway, url=None, **flows):
            server = GatewaysServer(tmp_path, gateway, url, **flows)
            return stack.enter_context(running(server))

        yield make


@pytest.fixture(scope="module")
def s3_url():
    with s3_server() as url:
        yield url


@pytest.fixture
def saving(s3_url):
    """Settings by which variables are saved where server and kernels come to."""
    name = uuid.uuid4().hex
    bucket(s3_url, name)
    return {"checkpoint_dir": f"s3://{name}/flows", "checkpoint_options": options(s3_url)}


def began(server, run):
    """The cell is heard to be at work."""
    kept = server.home / "flows" / "partial" / f"{run}.json"
    until(lambda: kept.exists() and b"began" in kept.read_bytes())


def parked(server, make_notebook, *then):
    """A run that waits at its gate, its variables saved."""
    run = server.started(make_notebook("x = 20\nrows = [1, 2]\nsame = rows", GATE, *then))
    waiting = server.reached(run, "suspended", *ENDS)
    assert waiting["status"] == "suspended", waiting["error"]
    until(lambda: server.run(run)["checkpoint"])
    return run


def approved(server, run):
    assert ask("POST", server.minted(run, "ask", "bob")["resume"], {"n": 22}).status == 201
    return server.reached(run, *ENDS)


# ---------------------------------------------------------------- cells


def test_a_flow_runs_to_its_gate_and_on_after_an_approval_by_link(server, gateway, make_notebook):
    run = server.started(
        make_notebook("x = 20\nprint('one')\nx", GATE, "print('three')\n[x, resume['n']]")
    )
    waiting = server.reached(run, "suspended", *ENDS)
    assert waiting["status"] == "suspended", waiting["error"]
    assert len(gateway.processes()) == 1, "the kernel is the gateway's"
    ended = approved(server, run)
    assert ended["status"] == "succeeded", ended["error"]
    assert ended["result"] == [20, 22]
    assert server.outputs(run) == ["one\n", "look\n", "three\n"]
    until(lambda: not gateway.kernels())


def test_a_cancelled_run_interrupts_its_cell(server, gateway, make_notebook):
    run = server.started(make_notebook(SLEEPS))
    began(server, run)
    assert server.call("POST", f"api/runs/{run}/cancel").status == 200
    assert server.reached(run, *ENDS)["status"] == "cancelled"
    until(lambda: not gateway.kernels())


def test_a_cell_that_takes_too_long_is_interrupted_and_the_run_says_so(server, make_notebook):
    run = server.started(make_notebook((SLEEPS, [], {"timeout": "1s"})))
    assert "was interrupted" in server.reached(run, *ENDS)["error"]["message"]


def test_a_kernel_killed_at_the_gateway_fails_the_cell(server, gateway, make_notebook):
    run = server.started(make_notebook(SLEEPS))
    began(server, run)
    for kernel in gateway.processes():
        kernel.kill()
    ended = server.reached(run, *ENDS)
    assert "The kernel died while the cell ran" in ended["error"]["message"]
    until(lambda: not gateway.kernels())  # it has put another one in its place


def test_a_flood_of_output_is_no_other_kernel(server, make_notebook):
    """A gateway drops what is too much at a time, and says so in the cell's output."""
    flood = "for _ in range(30):\n    print('x' * 100_000, flush=True)\n42"
    run = server.started(make_notebook(flood, "43"))
    ended = server.reached(run, *ENDS)
    assert ended["status"] == "succeeded", ended["error"]
    assert ended["result"] == 43


def test_an_unknown_kernel_is_named_with_those_that_the_gateway_has(server, make_notebook):
    run = server.started(make_notebook("1", kernel="fortran"))
    said = server.reached(run, *ENDS)["error"]["message"]
    assert "There is no kernel named 'fortran'. Installed: " in said
    assert "python3" in said


# ---------------------------------------------------------------- what cells and gates ask

CALLS = (
    "import os\nimport jupyter_flows as flows\nprint(os.environ['FLOWS_URL'])\n"
    "flows.get_resume_urls('bob')"
)


def test_a_cell_asks_the_server_by_its_public_address(make_server, gateway, make_notebook):
    server = make_server(gateway, public_url="http://localhost:{port}/")
    run = server.started(make_notebook((CALLS, [], {"id": "ask", "suspend": {}}), "resume"))
    waiting = server.reached(run, "suspended", *ENDS)
    assert waiting["status"] == "suspended", waiting["error"]
    assert server.outputs(run)[0] == f"http://localhost:{server.port}/jupyter-flows\n"
    links = waiting["steps"][0]["result"]
    assert ask("POST", server.here(links["resume"]), {"n": 1}).status == 201
    assert server.reached(run, *ENDS)["result"] == {"n": 1}


def test_a_gates_own_check_and_a_form_in_the_notebook(server, make_notebook):
    """The check is asked in the kernel; what a widget is comes with the executed notebook."""
    check = "def check(payload):\n    if payload['n'] < 10:\n        raise ValueError('too few')"
    form = "import ipywidgets\nipywidgets.IntSlider(value=7)"
    gate = ("'go?'", [], {"id": "ask", "suspend": {"validate": "check"}})
    run = server.started(make_notebook(check, form, gate, "resume['n']"))
    waiting = server.reached(run, "suspended", *ENDS)
    assert waiting["status"] == "suspended", waiting["error"]
    link = server.minted(run, "ask", "bob")["resume"]
    refused = ask("POST", link, {"n": 1})
    assert refused.status in {400, 422}
    assert "too few" in refused.text
    assert ask("POST", link, {"n": 22}).status == 201
    assert server.reached(run, *ENDS)["result"] == 22
    notebook = server.call("GET", f"api/runs/{run}/notebook").json
    state = notebook["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert any(each["state"].get("value") == 7 for each in state.values())


# ---------------------------------------------------------------- while it waits


def test_a_kernel_is_let_go_and_another_one_goes_on_with_its_variables(
    make_server, gateway, make_notebook, saving
):
    server = make_server(gateway, checkpoint="always", **saving)
    run = parked(server, make_notebook, THEN)
    until(lambda: not gateway.kernels())
    ended = approved(server, run)
    assert ended["status"] == "succeeded", ended["error"]
    assert ended["result"] == [20, 22, True]


def test_a_kernel_that_somebody_has_open_is_not_let_go(
    make_server, gateway, make_notebook, saving, tmp_path
):
    """As a notebook in the lab has it, which is connected through the server."""
    server, go = make_server(gateway, checkpoint="always", **saving), tmp_path / "go"
    waits = (
        "import pathlib, time\nprint('began', flush=True)\n"
        f"while not pathlib.Path({str(go)!r}).exists():\n    time.sleep(0.02)"
    )
    run = server.started(make_notebook(waits, GATE, "resume['n']"))
    began(server, run)
    (kernel,) = gateway.kernels()
    address = f"ws://127.0.0.1:{server.port}/api/kernels/{kernel}/channels?token={server.token}"
    with contextlib.closing(websocket.create_connection(address)):
        until(lambda: gateway.connections(kernel) == 2)
        go.touch()
        server.reached(run, "suspended", *ENDS)
        until(lambda: server.run(run)["checkpoint"])
        asked = gateway.asked_of(kernel)
        until(lambda: gateway.asked_of(kernel) > asked)  # who has it open
        assert gateway.kernels() == [kernel]
        assert server.run(run)["released_at"] is None
    assert approved(server, run)["result"] == 22


def test_a_server_killed_while_a_run_waits_goes_on_with_its_variables(
    make_gateway, make_server, make_notebook, saving
):
    """The kernel that it had stays at the gateway, and is nobody's."""
    server = make_server(make_gateway(), detached_kernels=True, **saving)
    assert any("detached_kernels is off" in line for line in server.lines)
    run = parked(server, make_notebook, THEN)
    server.kill()
    server.start()
    ended = approved(server, run)
    assert ended["status"] == "succeeded", ended["error"]
    assert ended["result"] == [20, 22, True]


def test_no_secret_of_the_storage_comes_into_the_kernels_environment_or_the_notebook(
    make_server, gateway, make_notebook, saving
):
    server = make_server(gateway, **saving)
    # In two parts: the whole is in the cell's source, and that in the gateway's log.
    look = f"import os\n({SECRET[:5]!r} + {SECRET[5:]!r}) in repr(dict(os.environ))"
    run = parked(server, make_notebook, look)
    assert approved(server, run)["result"] is False
    assert SECRET not in str(server.call("GET", f"api/runs/{run}/notebook").json)
    assert SECRET not in "".join(gateway.lines)
    told = [line for line in server.lines if "Config changed" not in line and "argv" not in line]
    assert SECRET not in "".join(told), "but for how Jupyter itself logs its settings"


def culls(seconds):
    """Options of a gateway that ends idle kernels after so many."""
    manager = "--MappingKernelManager"
    return f"{manager}.cull_idle_timeout={seconds}", f"{manager}.cull_interval=1"


def test_a_gateway_that_culls_leaves_the_kernel_of_a_run_that_waits(
    make_gateway, make_server, make_notebook
):
    gateway = make_gateway(*culls(2))
    server = make_server(gateway)
    run = server.started(make_notebook("x = 20", GATE, "[x, resume['n']]"))
    server.reached(run, "suspended", *ENDS)
    asked = {"env": {"KERNEL_USERNAME": "eve"}}
    other = gateway.call("POST", "api/kernels", asked).json["id"]
    until(lambda: other not in gateway.kernels())
    assert len(gateway.kernels()) == 1
    assert approved(server, run)["result"] == [20, 22]


def test_of_a_kernel_that_was_culled_all_the_same_the_variables_are_loaded(
    make_gateway, make_server, make_notebook, saving
):
    late = culls(10)  # the variables are saved before
    gateway = make_gateway(*late, "--MappingKernelManager.cull_connected=True")
    server = make_server(gateway, **saving)
    run = parked(server, make_notebook, THEN)
    until(lambda: not gateway.kernels())
    ended = approved(server, run)
    assert ended["status"] == "succeeded", ended["error"]
    assert ended["result"] == [20, 22, True]


# ---------------------------------------------------------------- connections


def test_a_cell_goes_on_through_a_lost_connection(gateway, make_server, make_notebook, tmp_path):
    line = Proxy(gateway.port)
    server = make_server(gateway, f"http://127.0.0.1:{line.port}")
    go = tmp_path / "go"
    waits = (
        "import pathlib, time\nprint('began', flush=True)\n"
        f"while not pathlib.Path({str(go)!r}).exists():\n    time.sleep(0.02)\n"
        "print('whole')\n42"
    )
    run = server.started(make_notebook(waits))
    began(server, run)
    line.cut()
    go.touch()
    ended = server.reached(run, *ENDS)
    assert ended["status"] == "succeeded", ended["error"]
    assert ended["result"] == 42
    assert server.outputs(run) == ["began\nwhole\n"]
    until(lambda: not gateway.kernels())  # no other line leads there
    line.down()


def test_a_gateway_that_comes_back_without_the_kernel_fails_the_cell(
    make_gateway, make_server, make_notebook
):
    gateway = make_gateway()
    server = make_server(gateway)
    run = server.started(make_notebook(SLEEPS))
    began(server, run)
    for process in [*gateway.processes(), gateway.process]:
        process.kill()
    gateway.process.wait()
    gateway.start()
    ended = server.reached(run, *ENDS)
    assert "The kernel died while the cell ran" in ended["error"]["message"]


def test_without_a_gateway_no_kernel_can_be_had_and_the_run_says_so(gateway, server, make_notebook):
    gateway.end()
    run = server.started(make_notebook("1"))
    assert "gateway" in server.reached(run, *ENDS)["error"]["message"].lower()
