"""What cells keep, without a kernel and at a server that is a dict."""

import json
import pickle
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import unquote

import pytest

import jupyter_flows
from jupyter_flows.client import flows
from jupyter_flows.client.links import NOWHERE
from jupyter_flows.client.state import flow

W = "/flows/api/w/jupyter/"
STATE = "u/bob/report one.ipynb/state"


class Server(BaseHTTPRequestHandler):
    """`kept` is by the place in the address."""

    def _answer(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def _told(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append((self.path, told))
        return told

    def do_GET(self):
        place = self.path.removeprefix(W)
        if place == "jobs/flow/user_states/run_root":
            self._answer(200, json.dumps(self.server.states).encode())
        elif place.startswith("resources/get_value/"):
            path = unquote(place.removeprefix("resources/get_value/"))
            found = path in self.server.resources
            told = self.server.resources.get(path, {"detail": "There is no resource."})
            self._answer(200 if found else 404, json.dumps(told).encode())

    def do_POST(self):
        place, told = self.path.removeprefix(W), self._told()
        if place == "resources/create?update_if_exists=true":
            self.server.resources[told["path"]] = told["value"]
        elif place.startswith("jobs/flow/user_states/run_root/"):
            self.server.states[unquote(place.rpartition("/")[2])] = told
        self._answer(201, b"ok", "text/plain; charset=utf-8")

    def do_DELETE(self):
        self.server.states.pop(unquote(self.path.rpartition("/")[2]))
        self._answer(200, b"ok", "text/plain; charset=utf-8")

    def log_message(self, *args):
        pass


@pytest.fixture
def env(monkeypatch):
    monkeypatch.setattr(flow, "run_id", None)
    flow.forget()
    for name, value in {
        "FLOWS_TOKEN": "secret",
        "FLOWS_RUN_ID": "run_1",
        "FLOWS_STEP_ID": "a step",
        "FLOWS_ATTEMPT": "1",
        "WM_ROOT_FLOW_JOB_ID": "run_root",
        "WM_STATE_PATH": STATE,
    }.items():
        monkeypatch.setenv(name, value)
    yield monkeypatch
    flow.forget()


@pytest.fixture
def server(env):
    made = HTTPServer(("127.0.0.1", 0), Server)
    made.resources, made.states, made.told = {}, {}, []
    env.setenv("FLOWS_URL", f"http://127.0.0.1:{made.server_port}/flows")
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def nowhere(env):
    env.setenv("FLOWS_URL", NOWHERE)


@pytest.fixture(params=["server", "nowhere"])
def kept(request):
    """Both of them, with a server and without."""
    request.getfixturevalue(request.param)
    return [jupyter_flows.state, jupyter_flows.user_state]


def test_each_is_a_dict_that_starts_empty(kept):
    for one in kept:
        assert (dict(one), len(one), list(one), "n" in one, one.get("n", 7)) == (
            {},
            0,
            [],
            False,
            7,
        )
        one["n"] = {"deep": (1, 2)}
        one.update(a=1, b=None)
        one.update({"a b/ä?": [True]})
        assert one["n"] == {"deep": [1, 2]}
        assert (set(one), len(one), "b" in one) == ({"n", "a", "b", "a b/ä?"}, 4, True)
        assert 1 in one.values()
        assert one.setdefault("a", 9) == 1
        assert one.pop("a") == 1
        del one["a b/ä?"]
        with pytest.raises(KeyError):
            del one["a"]
        with pytest.raises(KeyError):
            one["a"]
        assert one == {"n": {"deep": [1, 2]}, "b": None}
        one.clear()
        assert not one


def test_what_is_no_json_is_refused_and_nothing_is_changed(kept):
    for one in kept:
        with pytest.raises(ValueError, match=rf"flows.{one.name}\['x'\] is no JSON value"):
            one.update(y=1, x=object())
        with pytest.raises(TypeError, match="is a text; this is int"):
            one[1] = 2
        assert dict(one) == {}


def test_the_state_is_the_resource_that_wmill_has(server):
    jupyter_flows.state["n"] = 1
    assert server.resources == {STATE: {"n": 1}}
    assert server.told[0][1]["resource_type"] == "state"
    server.resources[STATE] = {"n": 2, "others": 3}
    jupyter_flows.state["n"] += 1
    assert server.resources == {STATE: {"n": 3, "others": 3}}
    server.resources[STATE] = None
    assert dict(jupyter_flows.state) == {}
    server.resources[STATE] = [1]
    with pytest.raises(flows.FlowsClientError, match="no dict but list"):
        jupyter_flows.state.get("n")


def test_user_state_is_the_familys(server):
    jupyter_flows.user_state["n"] = 1
    assert server.states == {"n": 1}
    assert jupyter_flows.state == {}


def test_another_run_in_the_same_kernel_finds_nothing_of_before(nowhere):
    jupyter_flows.state["n"] = 1
    flow.forget()
    assert dict(jupyter_flows.state) == {}


def test_they_come_back_from_a_pickle_as_what_they_are(server):
    jupyter_flows.state["n"] = 1
    state, user_state = pickle.loads(pickle.dumps([jupyter_flows.state, jupyter_flows.user_state]))
    assert (dict(state), dict(user_state)) == ({"n": 1}, {})


def test_progress_is_told_once_for_each_percent(server):
    for percent in (0, 0.5, 41.9, 41, 100):
        jupyter_flows.progress(percent)
    jupyter_flows.progress(100, "done")
    place = W + "job_metrics/set_progress/run_1.a%20step"
    assert [path for path, _ in server.told] == [place] * 4
    told = [(one["percent"], one["message"]) for _, one in server.told]
    assert told == [(0, None), (41, None), (100, None), (100, "done")]


@pytest.mark.parametrize("percent", [-1, 101, float("nan")])
def test_progress_beyond_its_bounds_is_refused(nowhere, percent):
    with pytest.raises(ValueError, match=r"percent|NaN"):
        jupyter_flows.progress(percent)


def test_progress_needs_no_server(nowhere, env):
    jupyter_flows.progress(42, "loading")
    env.setenv("FLOWS_URL", "http://127.0.0.1:9/flows")
    jupyter_flows.progress(43)
    with pytest.raises(flows.FlowsClientError, match="can't be reached"):
        jupyter_flows.user_state["n"]


def test_outside_a_run_the_error_says_how_to_run(env):
    for name in (
        "FLOWS_URL",
        "FLOWS_TOKEN",
        "FLOWS_RUN_ID",
        "WM_STATE_PATH",
        "WM_ROOT_FLOW_JOB_ID",
    ):
        env.delenv(name, raising=False)
    for use in (
        lambda: jupyter_flows.progress(1),
        lambda: jupyter_flows.state["n"],
        lambda: len(jupyter_flows.user_state),
    ):
        with pytest.raises(flows.FlowsClientError, match="jupyter flows run NOTEBOOK"):
            use()
