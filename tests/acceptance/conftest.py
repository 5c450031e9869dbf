"""Real servers as processes of their own, that can be killed and started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.front_ends import FRONT_ENDS

TELLING = ("gates", "scene", "states", "attacks_links", "attacks_outputs", "attacks_sites")
pytest.register_assert_rewrite(*(f"{__package__}.{name}" for name in TELLING))

from .chromium import chromium, watched  # noqa: E402 (after their asserts were made to tell)

QUICKLY = str(Path(__file__).parents[1] / "quickly.py")
TOKEN = "the-servers-own-token"
LONG = 60.0
"""Seconds that a wait may take before the test gives up; none is expected to take long."""


def unused_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Answer:
    def __init__(self, status, body):
        self.status = status
        self.text = body.decode()

    @property
    def json(self):
        return json.loads(self.text)


def ask(method, url, body=None, headers=None):
    """An HTTP request by somebody without an account; an error's answer is an answer too."""
    data = None if body is None else json.dumps(body).encode()
    if method == "POST" and data is None:
        data = b""
    sent = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, sent, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=LONG) as response:
            return Answer(response.status, response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read())


class Server:
    """A server with its data in `home`; started again, it finds the same data and port."""

    program = "jupyter_server"
    quickly = True

    def __init__(self, home, port=None, base="/", **flows):
        """`base` is its base URL; `flows` are traits of FlowsApp."""
        self.home = Path(home)
        self.port = port or unused_port()
        self.base = base
        self.flows = flows
        self.token = TOKEN
        self.address = f"http://127.0.0.1:{self.port}{base}jupyter-flows"
        self.lines = []

    def environment(self):
        """The front ends that may be installed beside are not loaded: most stories need none."""
        for name in ("config", "root", "runtime", "data", "first/jupyter_server_config.d"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        chosen = {"ServerApp": {"jpserver_extensions": self.extensions()}}
        config = self.home / "first/jupyter_server_config.d/chosen.json"
        config.write_text(json.dumps(chosen))
        return {
            **os.environ,
            "JUPYTER_FLOWS_DATA_DIR": str(self.home / "flows"),
            "JUPYTER_CONFIG_PATH": str(self.home / "first"),
            "JUPYTER_CONFIG_DIR": str(self.home / "config"),
            "JUPYTER_RUNTIME_DIR": str(self.home / "runtime"),
            "JUPYTER_DATA_DIR": str(self.home / "data"),
            "IPYTHONDIR": str(self.home / "ipython"),
        }

    def extensions(self):
        """Which server extensions are loaded; others that are installed are, too."""
        return {"jupyter_flows": True, **dict.fromkeys(FRONT_ENDS, False)}

    def command(self):
        begins = [QUICKLY] if self.quickly else ["-m"]
        command = [sys.executable, *begins, self.program, "--no-browser", "--allow-root", "--debug"]
        command += [
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.base_url={self.base}",
            f"--ServerApp.root_dir={self.home / 'root'}",
            f"--IdentityProvider.token={TOKEN}",
        ]
        return command + [f"--FlowsApp.{trait}={value}" for trait, value in self.flows.items()]

    def start(self):
        self.process = subprocess.Popen(
            self.command(),
            cwd=self.home,
            env=self.environment(),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        serving = threading.Event()
        self._reading = threading.Thread(target=self._read, args=(serving,), daemon=True)
        self._reading.start()
        assert serving.wait(LONG), "".join(self.lines)
        until(self._answers)
        return self

    def _answers(self):
        """The server says that it is running a moment before it takes connections."""
        assert self.process.poll() is None, "".join(self.lines)
        try:
            return self.call("GET", "api/runs?limit=1").status == 200
        except OSError:
            return False

    def _read(self, serving):
        for line in self.process.stderr:
            self.lines.append(line)
            if "is running at" in line:
                serving.set()
        serving.set()

    def kill(self, with_signal=signal.SIGKILL):
        """End the process so, and wait until it is gone."""
        self.process.send_signal(with_signal)
        self.process.wait(LONG)
        self._reading.join(LONG)

    def end(self):
        """For after a test. The server logs in its signal handler: a signal that comes while it
        writes a log line, of which there are many at this level, can be lost.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def call(self, method, path, body=None):
        """Ask as the logged-in owner."""
        headers = {"Authorization": f"token {self.token}"}
        return ask(method, f"{self.address}/{path}", body, headers)

    def started(self, notebook):
        answer = self.call("POST", "api/runs", {"notebook": notebook})
        assert answer.status == 201, answer.text
        return answer.json["id"]

    def run(self, run):
        return self.call("GET", f"api/runs/{run}").json

    def reached(self, run, *statuses):
        """Follow the run's events until it has one of the statuses; the run as it is then."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.address}/api/runs/{run}/events", headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=LONG) as stream:
            for line in stream:
                if not line.strip() and (shown := self.run(run))["status"] in statuses:
                    return shown
        raise AssertionError(f"the run ended as {self.run(run)}")

    def minted(self, run, gate, approver=None):
        asked = {"run": run, "gate": gate, "approver": approver}
        answer = self.call("POST", "api/links", asked)
        assert answer.status == 201, answer.text
        return answer.json

    def here(self, link):
        """The same link, at this server."""
        return f"{self.address}/{link.rpartition('/')[2]}"

    def outputs(self, run):
        """What each cell of the executed notebook has printed."""
        notebook = self.call("GET", f"api/runs/{run}/notebook").json
        return [
            "".join("".join(output.get("text", "")) for output in cell["outputs"])
            for cell in notebook["cells"]
        ]

    def logged_none_of(self, *secrets):
        log = "".join(self.lines)
        assert log
        own = [json.loads(p.read_bytes()) for p in (self.home / "flows/servers").glob("*.json")]
        keys = (self.home / "flows/keys").read_text().splitlines()[1:]
        for secret in (*secrets, *keys, *(server["secret"] for server in own)):
            assert secret not in log


def token_of(link):
    return parse_qs(urlsplit(link).query)["flow_token"][0]


@pytest.fixture(autouse=True)
def jp_asyncio_loop():
    """Servers are processes of their own here; a browser has its loop in this one for a while."""


@pytest.fixture(autouse=True)
def jp_server_cleanup():
    """There is no server in this process."""


@pytest.fixture
def make_server(tmp_path):
    made = []

    def make(**flows):
        server = Server(tmp_path, **flows)
        server.quickly = False  # as users begin theirs
        made.append(server)
        return server.start()

    yield make
    for server in made:
        server.end()


@pytest.fixture
def server(make_server):
    return make_server()


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    """One server for all tests of a module, each of which has runs of its own."""
    server = Server(tmp_path_factory.mktemp("server"))
    yield server.start()
    server.end()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser):
    """A reader's browser, without a cookie."""
    context = browser.new_context()
    yield watched(context.new_page())
    context.close()


def until(holds):
    """Look until it holds; for what another process does and does not announce."""
    end = time.monotonic() + LONG
    while not (found := holds()):
        assert time.monotonic() < end, "this never came to hold"
        time.sleep(0.02)
    return found
