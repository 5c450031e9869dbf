"""Every function of the client `wmill`'s listing, called in a cell, the package as it stands."""

# ruff: noqa: E501, PLR0917 (the cell's lines; fixtures are asked for by name)

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

BY_CLIENT = (
    "worker_has_internal_server get_mocked_api get_client get post create_token run_script_async"
    " run_script_by_path_async run_script_by_hash_async run_flow_async run_script"
    " run_script_by_path run_script_by_hash run_inline_script_preview wait_job cancel_job"
    " cancel_running get_job get_root_job_id get_id_token get_job_status get_result get_variable"
    " set_variable get_resource set_resource list_resources set_state get_state set_progress"
    " get_progress set_flow_user_state get_flow_user_state version get_duckdb_connection_settings"
    " get_polars_connection_settings get_boto3_connection_settings load_s3_file"
    " load_s3_file_reader write_s3_file delete_s3_object sign_s3_objects sign_s3_object"
    " get_presigned_s3_public_urls get_presigned_s3_public_url whoami user state_path state"
    " set_shared_state_pickle get_shared_state_pickle set_shared_state get_shared_state"
    " get_resume_urls request_interactive_slack_approval username_to_email send_teams_message"
    " datatable ducklake"
)
BY_MODULE = (
    "init_global_client deprecate get_workspace get_version run_script_sync"
    " run_script_by_path_sync duckdb_connection_settings polars_connection_settings"
    " boto3_connection_settings get_state_path parse_resource_syntax parse_s3_object"
    " parse_variable_syntax append_to_result_stream stream_result infer_sql_type"
    " parse_sql_client_name commit_kafka_offsets"
)
OF_QUERIES = "query fetch fetch_one fetch_one_scalar execute"
OF_WORKFLOWS = "task task_script task_flow workflow step sleep wait_for_approval parallel"
LISTED = f"{BY_CLIENT} {BY_MODULE} {OF_QUERIES} {OF_WORKFLOWS}".split()
TABLE = Path(__file__).parents[2] / "docs" / "windmill.md"
NOT_HERE = {"get_id_token", "commit_kafka_offsets"}
"""What answers 501."""

SCRIPT = "def main(n: int = 1):\n    return n + 1\n"
CELL = """
import datetime, json, os, wmill
client = wmill.Windmill()
calls, found = {}, {}
HASH = ""

def path(name):
    return f"/w/{client.workspace}/{name}"

calls["worker_has_internal_server"] = lambda: client.worker_has_internal_server()
calls["get_mocked_api"] = lambda: client.get_mocked_api()
calls["get_client"] = lambda: type(client.get_client()).__name__
calls["get"] = lambda: client.get("version").status_code
calls["post"] = lambda: client.post(path("variables/create"), json={"path": "f/a/b", "value": "v"}).status_code
calls["version"] = lambda: client.version
calls["get_version"] = lambda: wmill.get_version()
calls["get_workspace"] = lambda: wmill.get_workspace()
calls["whoami"] = lambda: wmill.whoami()["username"]
calls["user"] = lambda: client.user["username"]
calls["username_to_email"] = lambda: wmill.username_to_email("ann")
calls["create_token"] = lambda: wmill.Windmill(token=client.create_token()).whoami()["username"]

calls["set_variable"] = lambda: wmill.set_variable("f/x/secret", "hush", is_secret=True)
calls["get_variable"] = lambda: wmill.get_variable("f/x/secret")
calls["set_resource"] = lambda: wmill.set_resource("f/x/db", {"password": "$var:f/x/secret"}, "db")
calls["get_resource"] = lambda: [wmill.get_resource("f/x/db"), wmill.get_resource("f/none", True)]
calls["list_resources"] = lambda: [each["path"] for each in wmill.list_resources("db")]
calls["set_state"] = lambda: wmill.set_state({"n": 1})
calls["get_state"] = lambda: wmill.get_state()
calls["state"] = lambda: client.state
calls["state_path"] = lambda: client.state_path == os.environ["WM_STATE_PATH"]
calls["get_state_path"] = lambda: wmill.get_state_path() == os.environ["WM_STATE_PATH"]
calls["set_flow_user_state"] = lambda: wmill.set_flow_user_state("k", [1])
calls["get_flow_user_state"] = lambda: wmill.get_flow_user_state("k")
calls["set_progress"] = lambda: wmill.set_progress(40)
calls["get_progress"] = lambda: wmill.get_progress()

calls["run_flow_async"] = lambda: found.setdefault("job", wmill.run_flow_async("f/add", {"n": 4}))[:4]
calls["wait_job"] = lambda: client.wait_job(found["job"])
calls["get_result"] = lambda: wmill.get_result(found["job"])
calls["get_job"] = lambda: wmill.get_job(found["job"])["type"]
calls["get_job_status"] = lambda: [
    wmill.get_job_status(found["job"]), wmill.get_job_status(os.environ["WM_JOB_ID"])
]
calls["get_root_job_id"] = lambda: wmill.get_root_job_id() == os.environ["WM_FLOW_JOB_ID"]
calls["run_script_async"] = lambda: client.wait_job(client.run_script_async(path="f/add", args={"n": 5}))
calls["run_script_by_path_async"] = lambda: client.wait_job(
    wmill.run_script_by_path_async("f/script.py", {"n": 6})
)
calls["run_script_by_hash_async"] = lambda: client.wait_job(
    wmill.run_script_by_hash_async(HASH, {"n": 7})
)
calls["run_script"] = lambda: client.run_script(path="f/add", args={"n": 8})
calls["run_script_by_path"] = lambda: wmill.run_script_by_path("f/add", {"n": 9})
calls["run_script_by_hash"] = lambda: wmill.run_script_by_hash(HASH, {"n": 10})
calls["run_script_sync"] = lambda: wmill.run_script_sync(HASH, {"n": 11})
calls["run_script_by_path_sync"] = lambda: wmill.run_script_by_path_sync("f/add", {"n": 12})
calls["run_inline_script_preview"] = lambda: wmill.run_inline_script_preview(
    "def main(n):\\n    return n * 2", "python3", {"n": 21}
)
calls["cancel_job"] = lambda: [
    bool(wmill.cancel_job(wmill.run_flow_async("f/add", scheduled_in_secs=3600), "enough"))
]
calls["cancel_running"] = lambda: wmill.cancel_running()

s3 = {"bucket": "bucket", "region": "r", "endPoint": "s3.example.org", "useSSL": True,
      "accessKey": "AK", "secretKey": "SK", "pathStyle": True}
wmill.set_resource("f/x/s3", s3, "s3")
calls["write_s3_file"] = lambda: found.setdefault("s3", wmill.write_s3_file("s3:///a/b.txt", b"hi"))["s3"]
calls["load_s3_file"] = lambda: wmill.load_s3_file(found["s3"]).decode()
def read():
    with wmill.load_s3_file_reader(found["s3"]) as file:
        return file.read(1).decode()
calls["load_s3_file_reader"] = read
calls["sign_s3_object"] = lambda: sorted(wmill.sign_s3_object(found["s3"]))
calls["sign_s3_objects"] = lambda: len(wmill.sign_s3_objects([found["s3"]]))
calls["get_presigned_s3_public_url"] = lambda: wmill.get_presigned_s3_public_url(found["s3"])
calls["get_presigned_s3_public_urls"] = lambda: wmill.get_presigned_s3_public_urls([found["s3"]])
calls["delete_s3_object"] = lambda: wmill.delete_s3_object(wmill.write_s3_file("s3:///gone", b"x"))
for kind in ("duckdb", "polars", "boto3"):
    calls[f"get_{kind}_connection_settings"] = lambda kind=kind: "AK" in json.dumps(
        getattr(client, f"get_{kind}_connection_settings")("f/x/s3")
    )
    calls[f"{kind}_connection_settings"] = lambda kind=kind: "AK" in json.dumps(
        getattr(wmill, f"{kind}_connection_settings")("$res:f/x/s3")
    )

calls["get_resume_urls"] = lambda: sorted(wmill.get_resume_urls("bob", True))
calls["request_interactive_slack_approval"] = lambda: wmill.request_interactive_slack_approval(
    "f/x/slack", "C1", message="Go?", approver="ann"
)
calls["send_teams_message"] = lambda: wmill.send_teams_message("19:x", "done", True).status_code

calls["datatable"] = lambda: type(wmill.datatable("main")).__name__
calls["ducklake"] = lambda: wmill.ducklake().query("SELECT $n + 1", n=1).fetch_one_scalar()
calls["execute"] = lambda: wmill.datatable().query("CREATE TABLE t AS SELECT 7 AS n").execute()
calls["query"] = lambda: type(wmill.datatable().query("SELECT $1", 1)).__name__
calls["fetch"] = lambda: wmill.datatable().query("SELECT n + $1 AS n FROM t", 1).fetch()
calls["fetch_one"] = lambda: wmill.datatable().query("SELECT * FROM t").fetch_one()
calls["fetch_one_scalar"] = lambda: wmill.datatable().query("SELECT * FROM t").fetch_one_scalar()
calls["infer_sql_type"] = lambda: wmill.infer_sql_type(1)
calls["parse_sql_client_name"] = lambda: list(wmill.parse_sql_client_name("main:s"))

calls["init_global_client"] = lambda: wmill.init_global_client(lambda: 1)()
calls["deprecate"] = lambda: wmill.deprecate("x")(lambda: 2)()
calls["parse_resource_syntax"] = lambda: wmill.parse_resource_syntax("$res:f/x")
calls["parse_s3_object"] = lambda: wmill.parse_s3_object("s3:///k")["s3"]
calls["parse_variable_syntax"] = lambda: wmill.parse_variable_syntax("var://f/x")
calls["append_to_result_stream"] = lambda: wmill.append_to_result_stream("a")
calls["stream_result"] = lambda: wmill.stream_result(["b", "c"])
for kind in ("set_shared_state", "set_shared_state_pickle"):
    calls[kind] = lambda kind=kind: getattr(wmill, kind)({"n": 1})
for kind in ("get_shared_state", "get_shared_state_pickle"):
    calls[kind] = lambda kind=kind: getattr(wmill, kind)()
calls["get_id_token"] = lambda: wmill.get_id_token("vault")
calls["commit_kafka_offsets"] = lambda: wmill.commit_kafka_offsets("f/t", "topic", 0, 1)

def called(call):
    try:
        return ["ok", call()]
    except Exception as error:
        return [type(error).__name__, str(error)]
"""
WORKFLOW = """
import wmill
add, script = wmill.task_flow("f/add"), wmill.task_script("f/script.py")
@wmill.task
async def double(n: int):
    return n * 2
@wmill.workflow
async def main():
    kept = await wmill.step("kept", lambda: 1)
    doubled = await wmill.parallel([1, 2], double)
    await wmill.sleep(1)
    answer = await wmill.wait_for_approval(timeout=600, self_approval=True)
    return [kept, doubled, await add(n=1), await script(n=2), answer["approved"]]
"""

WANTED = {
    "worker_has_internal_server": True, "get_mocked_api": None, "get_client": "Client",
    "get": 200, "post": 201, "get_workspace": "jupyter", "username_to_email": "ann",
    "set_variable": None, "get_variable": "hush", "set_resource": None,
    "get_resource": [{"password": "hush"}, None], "list_resources": ["f/x/db"], "set_state": None,
    "get_state": {"n": 1}, "state": {"n": 1}, "state_path": True, "get_state_path": True,
    "set_flow_user_state": None, "get_flow_user_state": [1], "set_progress": None,
    "get_progress": 40, "run_flow_async": "run_", "wait_job": 5, "get_result": 5,
    "get_job": "CompletedJob", "get_job_status": ["COMPLETED", "RUNNING"],
    "get_root_job_id": True, "run_script_async": 6, "run_script_by_path_async": 7,
    "run_script_by_hash_async": 8, "run_script": 9, "run_script_by_path": 10,
    "run_script_by_hash": 11, "run_script_sync": 12, "run_script_by_path_sync": 13,
    "run_inline_script_preview": 42, "cancel_job": [True], "cancel_running": {},
    "write_s3_file": "a/b.txt", "load_s3_file": "hi", "load_s3_file_reader": "h",
    "sign_s3_objects": 1, "delete_s3_object": None, "get_duckdb_connection_settings": True,
    "get_polars_connection_settings": True, "get_boto3_connection_settings": True,
    "duckdb_connection_settings": True, "polars_connection_settings": True,
    "boto3_connection_settings": True, "get_resume_urls": ["approvalPage", "cancel", "resume"],
    "request_interactive_slack_approval": None, "send_teams_message": 200,
    "datatable": "DataTableClient", "ducklake": 2, "execute": None, "query": "SqlQuery",
    "fetch": [{"n": 8}], "fetch_one": {"n": 7}, "fetch_one_scalar": 7, "infer_sql_type": "BIGINT",
    "parse_sql_client_name": ["main", "s"], "init_global_client": 1, "deprecate": 2,
    "parse_resource_syntax": "f/x", "parse_s3_object": "k", "parse_variable_syntax": "f/x",
    "append_to_result_stream": None, "stream_result": None,
}  # fmt: skip
"""What each call comes to; what differs from server to server is looked at below."""


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.server.received.append(json.loads(self.rfile.read(length)))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"ok": true}')

    def log_message(self, *said):
        """Nothing."""


@pytest.fixture(scope="module")
def receiver():
    """Slack and Teams."""
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    server.received = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def flows_config(receiver):
    url = f"http://127.0.0.1:{receiver.server_port}/"
    return {"slack_url": url, "teams_webhooks": {"19:x": url}}


@pytest.fixture
def around(jp_root_dir, make_notebook, call):
    """The flows that the cells name; what `f/add` is by its hash."""

    async def around():
        (jp_root_dir / "flows").mkdir()
        child = make_notebook(("n = 0", ["parameters"]), "n + 1")
        (jp_root_dir / "flows" / "add.ipynb").write_text(json.dumps(child))
        (jp_root_dir / "flows" / "script.py").write_text(SCRIPT)
        (jp_root_dir / "add.ipynb").write_text(json.dumps(child))
        put = await call("PUT", "api/flows/added", json.dumps({"path": "add.ipynb"}))
        assert put.status == 200, put.text
        return put.json["hash"]

    return around


async def test_every_function_of_the_listing(
    around, call, reached, make_notebook, receiver, anyone
):
    slack = 'import wmill\nwmill.set_resource("f/x/slack", {"token": "xoxb"}, "slack")'
    hash_ = await around()
    cell = CELL.replace('HASH = ""', f"HASH = {hash_!r}")
    ask = ("results = {n: called(c) for n, c in calls.items()}\nresults", [], {"suspend": {}})
    notebook = make_notebook(slack, cell, ask)
    run = (await call("POST", "api/runs", {"notebook": notebook})).json["id"]
    state = await reached(run, "suspended", "failed", "interrupted")
    assert state.status == "suspended", state.error
    told = state.steps["c2"].result
    assert set(told) == {*f"{BY_CLIENT} {BY_MODULE} {OF_QUERIES}".split()}
    for name, value in WANTED.items():
        assert told[name] == ["ok", value], name
    me = state.owner
    assert [told[name] for name in ("whoami", "user", "create_token")] == [["ok", me]] * 3
    assert told["version"] == told["get_version"]
    assert told["version"][1].startswith("jupyter_flows ")
    assert "presigned" in told["sign_s3_object"][1]
    url = told["get_presigned_s3_public_url"][1]
    assert re.sub("flow_token=.*", "", url) in told["get_presigned_s3_public_urls"][1][0]
    assert (await anyone("GET", url)).text == "hi"
    _check_not_here(told)
    _check_shared(told)
    assert "WM_STREAM: b" in json.dumps((await call("GET", f"api/runs/{run}/notebook")).json)
    sent = json.dumps(receiver.received)
    assert "Go?" in sent
    assert "done" in sent
    assert set(told) - set(WANTED) <= {
        *NOT_HERE, "whoami", "user", "create_token", "version", "get_version", "sign_s3_object",
        "get_presigned_s3_public_url", "get_presigned_s3_public_urls", "set_shared_state",
        "get_shared_state", "set_shared_state_pickle", "get_shared_state_pickle",
    }  # fmt: skip


def _check_not_here(told):
    """501, with a sentence that says what to do instead."""
    for name in NOT_HERE:
        kind, said = told[name]
        assert (kind, ": 501, " in said) == ("Exception", True), (name, said)
        assert len(json.loads(said.split(": 501, ", 1)[1])["detail"]) > 40


def _check_shared(told):
    """They never ask the server: they read and write the folder `/shared`, where there is one."""
    for name in ("shared_state", "shared_state_pickle"):
        if Path("/shared").is_dir():
            assert told[f"get_{name}"] == ["ok", {"n": 1}]
        else:
            assert told[f"set_{name}"][0] == "FileNotFoundError"


async def test_workflows_as_code(around, call, reached, make_notebook, clock, engine):
    await around()
    run = (await call("POST", "api/runs", {"notebook": make_notebook(WORKFLOW)})).json["id"]
    state = await reached(run, "sleeping", "failed", "interrupted")
    assert state.status == "sleeping", state.error
    clock.ahead += 2
    await engine.see_to_due()
    state = await reached(run, "suspended", "failed", "interrupted")
    assert state.status == "suspended", state.error
    key = f"{run}.c0.{state.open_gate.generation}"
    voted = await call("POST", f"api/runs/{run}/gates/{key}/votes", {"approved": True})
    assert voted.status in (200, 201), voted.text
    state = await reached(run, "succeeded", "failed", "interrupted")
    assert state.result == [1, [2, 4], 2, 3, True], state.error


def test_the_table_of_the_docs_has_every_function():
    text = TABLE.read_text()
    rows = set(re.findall(r"`([a-z_0-9]+)`", "\n".join(re.findall(r"^\|.*$", text, re.MULTILINE))))
    assert set(LISTED) - rows == set()
    refused = re.findall(r"^\| (.*?) \| 501 ", text, re.MULTILINE)
    assert {name for row in refused for name in re.findall(r"`([a-z_0-9]+)`", row)} == NOT_HERE
