"""Webhooks by the command line: real processes, and receivers as the documentation has them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from ..web.receiving import Receiver  # noqa: TID252 (the tests are no installed package)

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "orchestrators"


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def allowed(flows):
    """Webhooks may go to this machine."""
    (flows.folder / "config").mkdir(exist_ok=True)
    config = flows.folder / "config" / "jupyter_flows_config.py"
    config.write_text("c.FlowsApp.webhook_hosts = ['127.0.0.1', 'localhost']\n")
    return flows


def until(holds):
    end = time.monotonic() + 60
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def told(received):
    """What a message says, but for the address of the server that has sent it."""
    payload = received.json
    assert payload["data"]["run"].pop("url").startswith("http://")
    return payload


def secret(flows):
    return flows("webhooks", "secret").lines[0]


def test_a_run_in_the_foreground_tells_of_its_end_before_the_command_ends(allowed, receiver):
    nb = allowed.notebook("20 + 2")
    ended = allowed("run", nb, "--webhook", f"{receiver.url}/done", "--json")
    assert ended.status == 0, ended.errors
    (message,) = receiver.received
    payload = Webhook(secret(allowed)).verify(message.body, message.headers)
    assert (payload["type"], payload["data"]["run"]["result"]) == ("run.succeeded", 22)
    (line,) = allowed("webhooks", "list", "--json").events
    assert (line["status"], line["id"]) == ("delivered", message.headers["webhook-id"])
    assert line["run"] == allowed.show()["id"]


def test_what_it_is_told_of_can_be_said(allowed, receiver):
    nb = allowed.notebook("'go?'", ("1", ["suspend"]), "1/0")
    going = allowed.start(
        *("run", nb, "--webhook", receiver.url, "--json"),
        *("--webhook-event", "gate.opened", "--webhook-event", "run.failed"),
    )
    going.await_event("suspended")
    assert receiver.wait(1)[0].json["type"] == "gate.opened"
    assert allowed("approve", "last").status == 0
    assert going.end() == 1
    assert [each.json["type"] for each in receiver.received] == ["gate.opened", "run.failed"]


def test_an_address_that_may_not_be_named_is_refused_before_anything_runs(flows):
    nb = flows.notebook("open('ran', 'w')")
    ended = flows("run", nb, "--webhook", "http://127.0.0.1:9/")
    assert ended.status == 2
    assert "FlowsApp.webhook_hosts" in ended.errors
    assert flows("run", nb, "--webhook-event", "run.failed").status == 2
    assert not (flows.folder / "ran").exists()


def test_what_was_not_delivered_is_listed_and_sent_anew_by_a_server(allowed, receiver):
    receiver.statuses = [500, 204]
    nb = allowed.notebook("1")
    assert allowed("run", nb, "--webhook", receiver.url).status == 0
    listed = allowed("webhooks", "list").lines
    assert "run.succeeded" in listed[0]
    assert "pending, again" in listed[0]
    assert listed[1].strip() == "The receiver answered 500."
    (before,) = allowed("webhooks", "list", "last", "--json").events
    assert allowed("webhooks", "send", before["id"][:12]).status == 0
    assert allowed("webhooks", "send", "msg_none").status == 2
    server = allowed.start("serve", "--allow-root")
    first, second = receiver.wait(2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == before["id"]
    assert told(first) == told(second)
    until(lambda: allowed("webhooks", "list", "--json").events[0]["status"] == "delivered")
    server.kill(signal.SIGTERM)
    server.end()


@pytest.mark.timeout(240)
def test_a_server_that_is_killed_while_it_sends_loses_nothing(allowed, receiver):
    """It dies when the receiver has the message and has not answered: the next one sends it again,
    under the same id.
    """
    killed = allowed.start("serve", "--allow-root")
    until(lambda: list((allowed.data / "servers").glob("*.json")))
    keep = receiver.keep

    def kill_and_keep(received):
        if killed.process.poll() is None:
            killed.kill(signal.SIGKILL)
            killed.process.wait()
        return keep(received)

    receiver.keep = kill_and_keep
    nb = allowed.notebook("1")
    allowed.start("run", nb, "--detach", "--webhook", receiver.url)
    (first,) = receiver.wait(1)
    (left,) = allowed("webhooks", "list", "--json").events
    assert (left["status"], left["tries"]) == ("pending", 1)
    server = allowed.start("serve", "--allow-root")
    second = receiver.wait(2, seconds=120)[1]
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == left["id"]
    assert told(first) == told(second)
    until(lambda: allowed("webhooks", "list", "--json").events[0]["status"] == "delivered")
    server.kill(signal.SIGTERM)
    server.end()


def test_for_a_day_the_old_secret_signs_beside_the_new_one(allowed, receiver):
    old = secret(allowed)
    new = allowed("webhooks", "rotate").lines[0]
    assert secret(allowed) == new != old
    allowed("run", allowed.notebook("1"), "--webhook", receiver.url)
    (message,) = receiver.received
    for each in (new, old):
        Webhook(each).verify(message.body, message.headers)
    printed = allowed("webhooks", "secret", "--new").lines[0]
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", printed)
    assert secret(allowed) == new


def test_a_secret_of_the_settings_signs_and_is_rotated_there(allowed, receiver):
    given = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    allowed.env["JUPYTER_FLOWS_WEBHOOK_SECRET"] = given
    assert secret(allowed) == given
    rotated = allowed("webhooks", "rotate")
    assert rotated.status == 1
    assert "JUPYTER_FLOWS_WEBHOOK_SECRET" in rotated.errors
    allowed("run", allowed.notebook("1"), "--webhook", receiver.url)
    Webhook(given).verify(receiver.received[0].body, receiver.received[0].headers)


@pytest.fixture
def receiving(allowed):
    """`receiving(name)` starts a receiver of the documentation; what it prints, and its address."""
    started = []

    def receiving(name):
        env = {**os.environ, "WEBHOOK_SECRET": secret(allowed)}
        process = subprocess.Popen(
            [sys.executable, EXAMPLES / name, "0"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process, process.stderr.readline().strip()

    yield receiving
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name", ["receiver_plain.py", "receiver_tornado.py"])
def test_the_receivers_of_the_documentation_take_ours_and_no_other(allowed, receiving, name):
    process, address = receiving(name)
    nb = allowed.notebook("20 + 2")
    assert allowed("run", nb, "--webhook", address).status == 0
    (line,) = allowed("webhooks", "list", "--json").events
    assert line["status"] == "delivered"
    printed = process.stdout.readline()
    run = allowed.show()["id"]
    if name == "receiver_plain.py":
        assert json.loads(printed)["data"]["run"]["id"] == run
    else:
        assert printed.split() == ["run.succeeded", run, "succeeded"]
    allowed.env["JUPYTER_FLOWS_WEBHOOK_SECRET"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert allowed("run", nb, "--webhook", address).status == 0
    newest = allowed("webhooks", "list", "--json").events[0]
    assert (newest["status"], newest["last_error"]) == ("pending", "The receiver answered 401.")
