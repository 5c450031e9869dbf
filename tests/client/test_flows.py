"""The client on its own; tests/kernels/test_prelude.py has it in a kernel."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_flows.client import flows, links
from jupyter_flows.kernels import prelude

LINKS = {"id": "l", "approvalPage": "http://a", "resume": "http://r", "cancel": "http://c"}
PROBLEM = {"type": "about:blank", "title": "Conflict", "detail": "This gate is closed."}


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, dict(self.headers), body))
        status, kind, answer = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    made = HTTPServer(("127.0.0.1", 0), Server)
    made.asked = []
    made.answer = (201, "application/json", json.dumps(LINKS).encode())
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def run(server, monkeypatch):
    """The environment of a cell of a run."""
    monkeypatch.setenv("FLOWS_URL", f"http://127.0.0.1:{server.server_port}/base/jupyter-flows")
    monkeypatch.setenv("FLOWS_TOKEN", "secret")
    monkeypatch.setenv("FLOWS_RUN_ID", "run")
    monkeypatch.setenv("FLOWS_STEP_ID", "ask")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    return server


@pytest.fixture
def nowhere(monkeypatch):
    for name in ("FLOWS_URL", "FLOWS_TOKEN", "FLOWS_RUN_ID", "FLOWS_STEP_ID"):
        monkeypatch.delenv(name, raising=False)


def test_links_are_asked_for_this_step_with_the_runs_token_and_past_any_proxy(run):
    urls = flows.get_resume_urls("bo@example.org")
    assert urls == {name: LINKS[name] for name in ("approvalPage", "resume", "cancel")}
    path, headers, body = run.asked[0]
    assert path == "/base/jupyter-flows/api/links"
    assert headers["Authorization"] == "Bearer secret"
    assert body == {
        "run": "run",
        "gate": "ask",
        "approver": "bo@example.org",
        "flow_level": False,
    }


def test_links_of_the_whole_flow_can_be_asked_for(run):
    flows.get_resume_urls(flow_level=True)
    assert run.asked[0][2]["flow_level"] is True
    assert run.asked[0][2]["approver"] is None


def test_a_refusal_is_raised_with_the_servers_words(run):
    run.answer = (409, "application/problem+json", json.dumps(PROBLEM).encode())
    with pytest.raises(flows.FlowsClientError, match="This gate is closed"):
        flows.get_resume_urls()


def test_an_answer_that_is_no_problem_document_is_told_by_its_status(run):
    run.answer = (502, "text/html", b"<h1>")
    with pytest.raises(flows.FlowsClientError, match="answered 502"):
        flows.get_resume_urls()


def test_a_server_that_is_gone_is_said_so(run, monkeypatch):
    monkeypatch.setenv("FLOWS_URL", "http://127.0.0.1:9/jupyter-flows")
    with pytest.raises(flows.FlowsClientError, match="can't be reached"):
        flows.get_resume_urls()


def test_a_run_without_server_is_said_so(run, monkeypatch):
    monkeypatch.delenv("FLOWS_URL")
    with pytest.raises(flows.FlowsClientError, match="no server"):
        flows.get_resume_urls()


def test_outside_a_run_the_error_says_how_to_run(nowhere):
    for ask in (flows.get_resume_urls, lambda: flows.gate("a")):
        with pytest.raises(flows.FlowsClientError, match="jupyter flows run NOTEBOOK"):
            ask()
    assert (flows.run_id, flows.flow_input, flows.results) == (None, {}, {})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_only_this_machine_is_reached_past_proxies(host, loopback):
    assert links.is_loopback(host) is loopback


def test_the_extension_binds_names_that_are_missing_in_a_plain_shell(nowhere):
    shell = InteractiveShell()
    shell.user_ns["resume"] = "mine"
    shell.run_cell("%load_ext jupyter_flows")
    assert shell.user_ns["flows"].flow_input == {}
    assert shell.user_ns["resume"] == "mine"
    assert (shell.user_ns["resumes"], shell.user_ns["approvers"]) == ([], [])
    assert shell.user_ns["results"] == {}


def test_the_client_runs_from_its_texts_with_the_standard_library_alone():
    code = (
        "import sys\nfound = set(sys.modules)\nsys.modules['IPython'] = None\n"
        f"names = {prelude.texts()!r}\n"
        f"exec({prelude.LOADER!r}.replace('.install(', ' and (lambda *_: None)('),"
        " {**names, 'PROTOCOL': -1, 'SHELL': None, 'ENV': {}, 'FOLDER': None})\n"
        "loaded = {m.split('.')[0] for m in set(sys.modules) - found} - sys.stdlib_module_names\n"
        "print(sys.modules['jupyter_flows.client.flows'].PROTOCOL, loaded - {'IPython'})"
    )
    command = [sys.executable, "-I", "-c", code]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == f"{flows.PROTOCOL} {{'jupyter_flows'}}\n"


def test_importing_the_package_in_a_kernel_loads_nothing_else():
    root = str(Path(flows.__file__).parents[2])
    code = (
        f"import sys\nsys.path.insert(0, {root!r})\n"
        "import jupyter_flows\njupyter_flows.get_resume_urls\n"
        "print(sorted(n for n in sys.modules if n.startswith('jupyter_flows')))"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    loaded = {"jupyter_flows", "jupyter_flows.client"}
    parts = {f"jupyter_flows.client.{part}" for part in prelude.PARTS}
    parts.remove("jupyter_flows.client.workflow")  # that is for Windmill's workflows alone
    assert said == f"{sorted(loaded | parts)}\n"
