"""`check`, `link`, `reindex`, `serve`, and what every command must not load."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest


def test_check_says_every_mistake_at_once(flows):
    asks = "flows.wait_for_approval()"
    good = flows.notebook("#| summary: First\n1", ("2", ["suspend"]), asks, name="good")
    bad = flows.notebook("#| suspnd: 1\nx", "#| timeout: never\n1", name="bad")
    ended = flows("check", good, bad)
    assert ended.status == 2
    assert len(ended.errors.splitlines()) == 2
    assert "did you mean 'suspend'" in ended.errors
    said = "\n".join(ended.lines)
    assert "3 steps, 1 gates" in said
    assert "s3; its code may wait for an approval" in said
    assert "cell 1  s1: First" in said
    assert "1 approval within the default time" in said


def test_check_warns_and_is_content(flows):
    ended = flows("check", flows.notebook(("1", ["suspende"])))
    assert ended.status == 0
    assert "did you mean 'suspend'" in ended.errors


def test_run_refuses_what_check_refuses_before_anything_runs(flows):
    ended = flows("run", flows.notebook("#| suspnd: 1\nx", "#| timeout: never\n1"))
    assert ended.status == 2
    assert len(ended.errors.splitlines()) == 2
    assert flows.list() == []


@pytest.fixture
def suspended(flows):
    assert flows("run", flows.notebook(("1", ["suspend"]), "2"), "--detach").status == 3
    return flows


def test_links_are_listed_and_revoked(suspended):
    link = suspended("link", "list", "last", "--json").events[0]
    assert (link["gate"], link["revoked_at"]) == ("s1", None)
    assert suspended("link", "revoke", link["id"]).status == 0
    assert suspended("link", "list", "--json").events[0]["revoked_at"]
    assert suspended("link", "revoke", "none").status == 2


def test_rotating_the_keys_says_what_becomes_of_old_links(suspended):
    kept = suspended("link", "rotate", "--keep", "2").lines
    assert kept[0] == "A new key signs from now on; 2 keys verify."
    assert "stay valid" in kept[1]
    dropped = suspended("link", "rotate", "--keep", "1").lines
    assert "2 older keys are gone" in dropped[1]


def test_the_lists_are_made_anew(suspended):
    before = suspended.list()
    assert suspended("reindex").lines == ["1 runs"]
    assert suspended.list() == before


def until(true):
    """Asks again and again, for at most a minute."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_lasting_server_takes_a_detached_run_and_drives_it_on(flows):
    server = flows.start("serve", "--allow-root")
    until(lambda: list((flows.data / "servers").glob("*.json")))
    inbox = r"Requests that await you:\s.*\s+http://\S+:\d+/jupyter-flows/inbox\?token=\w{20,}"
    until(lambda: re.search(inbox, server.errors))
    notebook = flows.notebook("x = 1", ("x", ["suspend"]), "x + 41")
    run = flows("run", notebook, "--detach", "--json")
    assert run.status == 3, run.errors
    assert [event["event"] for event in run.events[-2:]] == ["suspended", "finished"]
    following = flows.start("resume", "last", "--json")
    following.await_event("suspended")
    assert flows("approve", "last").lines[0].endswith("The run goes on.")
    assert following.end() == 0
    assert following.events[-1]["result"] == 42
    wrong = flows("run", flows.notebook("#| suspnd: 1"), "--detach")
    assert (wrong.status, "did you mean 'suspend'" in wrong.errors) == (2, True)
    server.kill(signal.SIGTERM)
    server.end()


def test_the_data_folder_comes_from_the_option_the_variable_or_the_configuration(flows):
    flows("run", flows.notebook("1"))
    assert flows("list", "--data-dir", "other").lines == ["No runs."]
    config = flows.folder / "config" / "jupyter_flows_config.json"
    config.parent.mkdir(exist_ok=True)
    config.write_text(json.dumps({"FlowsApp": {"data_dir": str(flows.data)}}))
    del flows.env["JUPYTER_FLOWS_DATA_DIR"]
    assert len(flows.list()) == 1
    config.write_text(json.dumps({"FlowsApp": {"default_timeout": "never"}}))
    wrong = flows("list")
    assert (wrong.status, "default_timeout" in wrong.errors) == (2, True)


@pytest.mark.parametrize(
    "command",
    ["listing", "show", "logs", "vote", "cancel", "links", "schedule", "audit", "webhooks"],
)
def test_asking_commands_load_nothing_slow(command):
    slow = ("jupyter_server", "papermill", "nbformat", "alembic", "zmq", "jupyter_client", "rich")
    slow += ("cryptography",)
    code = (
        f"import sys, json; import jupyter_flows.cli.main, jupyter_flows.cli.{command};"
        f"print(json.dumps([name for name in {slow!r} if name in sys.modules]))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(said.stdout) == []


def test_the_help_names_every_command(flows):
    said = "\n".join(flows("--help").lines)
    for command in ("run", "resume", "approve", "check", "serve", "schedule", "link", "reindex"):
        assert command in said
    assert '"event": "suspended"' in "\n".join(flows("run", "--help").lines)
