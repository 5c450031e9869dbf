"""Messages by Slack and Teams to little servers of their kind, by the real client."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, urlsplit

import pytest
import wmill.client

from jupyter_flows.core.links import kernel_token

from .windmill_client import FakeResources

SLACK = "api/w/jupyter/jobs/slack_approval"


class Service:
    """Remembers what it was sent, and answers what it is told to."""

    def __init__(self):
        self.asked = []
        self.answer = (200, b'{"ok": true}')
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                said = self.headers.get("Authorization")
                service.asked.append((self.path, said, json.loads(body)))
                status, answer = service.answer
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", f"{service.url}/elsewhere")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def service():
    service = Service()
    yield service
    service.stop()


@pytest.fixture
def flows_config(service):
    return {
        "slack_url": f"{service.url}/slack/",
        "teams_webhooks": {"19:team": f"{service.url}/hook", "closed": "http://127.0.0.1:9/"},
    }


@pytest.fixture
def resources(house, monkeypatch):
    found = FakeResources({"u/alex/slack": {"token": "xoxb-1"}, "f/s3": {"bucket": "b"}})
    monkeypatch.setattr(house.notices, "_resources", found)
    return found


@pytest.fixture
def of_kernel(park, house, windmill_of, monkeypatch):
    """A run that waits, and a client as its kernel has it in the gate's step."""

    async def of_kernel():
        run = await park()
        monkeypatch.setenv("WM_FLOW_JOB_ID", run.id)
        monkeypatch.setenv("WM_JOB_ID", f"{run.id}.ask")
        monkeypatch.setenv("WM_FLOW_STEP_ID", "ask")
        return run, windmill_of(kernel_token(house.keys(), run.id))

    return of_kernel


async def test_slack_is_sent_the_way_to_the_page_and_never_a_vote(
    of_kernel, service, resources, reader
):
    run, kernel = await of_kernel()
    await kernel.request_interactive_slack_approval(
        "/u/alex/slack", "C123", message="<!channel> Pay *5 €* & go?", approver="carol"
    )
    [(path, token, message)] = service.asked
    assert (path, token, message["channel"]) == ("/slack/chat.postMessage", "Bearer xoxb-1", "C123")
    said, actions = message["blocks"]
    assert said["text"]["text"] == "&lt;!channel&gt; Pay *5 €* &amp; go?"
    [button] = actions["elements"]
    assert urlsplit(button["url"]).path == "/user/bob/jupyter-flows/approve"
    assert (await run.gate())["status"] == "open"
    await reader.enter(button["url"])
    await reader.press("approve")
    gate = await run.gate()
    assert (gate["status"], gate["votes"][0]["approver"]) == ("approved", "carol")
    assert [path for _, path in resources.asked] == ["u/alex/slack"]


async def test_a_message_of_ours_where_there_is_none(of_kernel, service, resources):
    _, kernel = await of_kernel()
    await kernel.request_interactive_slack_approval("$res:u/alex/slack", "C123")
    assert service.asked[0][2]["text"] == "A flow waits for your approval."


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((200, b'{"ok": false, "error": "channel_not_found"}'), "channel_not_found"),
        ((200, b"<html>"), "<html>"),
        ((200, b"[]"), "[]"),
        ((500, b"broken"), "Slack answered 500: broken"),
        ((302, b""), "Slack answered 302"),
    ],
)
async def test_what_slack_says_is_said(of_kernel, service, resources, answer, says):
    _, kernel = await of_kernel()
    service.answer = answer
    with pytest.raises(Exception, match="503") as refused:
        await kernel.request_interactive_slack_approval("u/alex/slack", "C123")
    assert says in json.dumps(str(refused.value)).replace('\\"', '"')
    assert len(service.asked) == 1, "no redirect is followed"


class TestNobodyThere:
    @pytest.fixture
    def flows_config(self):
        return {"slack_url": "http://127.0.0.1:9"}

    async def test_a_network_that_fails_is_said(self, of_kernel, resources):
        _, kernel = await of_kernel()
        with pytest.raises(Exception, match="Slack can't be reached"):
            await kernel.request_interactive_slack_approval("u/alex/slack", "C123")


@pytest.mark.parametrize(
    ("changed", "status", "says"),
    [
        ({"channel_id": ""}, 400, "channel_id is missing"),
        ({"slack_resource_path": ""}, 400, "slack_resource_path is missing"),
        ({"slack_resource_path": "f/s3"}, 400, "it has no `token`"),
        ({"slack_resource_path": "f/none"}, 404, "f/none"),
        ({"message": "x" * 1501}, 400, "at most 1500 characters; it has 1501"),
        ({"flow_step_id": "other"}, 400, "must be a step of run"),
        ({"default_args_json": "[1]"}, 400, "must be a JSON object"),
        ({"default_args_json": "{"}, 400, "is not JSON"),
        ({"default_args_json": '{"a": 1}'}, 400, "can't change the form of a gate"),
        ({"dynamic_enums_json": '{"a": ["x"]}'}, 400, "can't change the form of a gate"),
    ],
)
async def test_what_cant_be_sent_is_refused_before_anything_is(  # noqa: PLR0917 (fixtures)
    park, call, service, resources, changed, status, says
):
    run = await park()
    before = await run.seq()
    asked = {
        "channel_id": "C1",
        "slack_resource_path": "u/alex/slack",
        "flow_step_id": "ask",
        "default_args_json": "{}",
        **changed,
    }
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    refused = await call("GET", f"{SLACK}/{run.id}.ask?{query}")
    assert (refused.status, refused.is_problem) == (status, True), refused.text
    assert says in refused.json["detail"]
    assert service.asked == []
    assert await run.seq() == before, "no link was minted"


async def test_a_page_of_somebody_else_sends_nothing(
    park, jp_serverapp, service, resources, anyone
):
    """What a browser sends by itself is not enough for a GET that does something."""
    run = await park()
    logged_in = f"token={jp_serverapp.identity_provider.token}"
    query = f"channel_id=C1&slack_resource_path={quote('u/alex/slack')}&{logged_in}"
    refused = await anyone("GET", f"/{SLACK}/{run.id}.ask?{query}")
    assert (refused.status, service.asked) == (403, [])
    assert "a cookie is not enough" in refused.json["detail"]


async def test_nobody_else_asks_for_a_runs_approval(park, call, service, resources, become):
    run = await park()
    become("mallory")
    query = "channel_id=C1&slack_resource_path=u/alex/slack"
    refused = await call("GET", f"{SLACK}/{run.id}.ask?{query}")
    assert (refused.status, service.asked) == (404, [])


async def test_teams_is_sent_a_card(windmill, service):
    await windmill.send_teams_message("19:team", "Done", True)
    await windmill.send_teams_message(
        "19:team", "Failed", False, {"type": "TextBlock", "text": "x"}
    )
    card = {"type": "AdaptiveCard", "version": "1.2", "body": [{"type": "Image", "url": "u"}]}
    await windmill.send_teams_message("19:team", "Look", True, card)
    assert [path for path, _, _ in service.asked] == ["/hook"] * 3
    done, failed, own = (message["attachments"][0]["content"] for _, _, message in service.asked)
    assert [(x["type"], x["text"], x["color"]) for x in done["body"]] == [
        ("TextBlock", "Done", "Good")
    ]
    assert (failed["body"][0]["color"], failed["body"][1]["text"]) == ("Attention", "x")
    assert (own["version"], [x["type"] for x in own["body"]]) == ("1.2", ["TextBlock", "Image"])


async def test_a_conversation_that_nobody_has_set_is_not_found(call, service):
    sent = {"conversation_id": "other", "text": "x"}
    refused = await call("POST", "api/teams/activities", sent)
    assert (refused.status, service.asked) == (404, [])
    assert "FlowsApp.teams_webhooks" in refused.json["detail"]
    refused = await call("POST", "api/teams/activities", {**sent, "conversation_id": "closed"})
    assert (refused.status, refused.json["title"]) == (503, "The message was not delivered.")
    for wrong in ({"text": "x"}, {**sent, "card_block": "x"}, {**sent, "conversation_id": ""}):
        assert (await call("POST", "api/teams/activities", wrong)).status == 400


async def test_what_is_out_of_reach_says_what_to_do_instead(windmill, call, monkeypatch):
    with pytest.raises(Exception, match="501") as refused:
        await windmill.get_id_token("https://vault.example.org/x")
    assert "get_variable" in str(refused.value)
    monkeypatch.setattr(wmill.client, "_client", windmill.client)
    with pytest.raises(Exception, match="no Kafka triggers"):
        await asyncio.to_thread(wmill.client.commit_kafka_offsets, "f/topic/a", "t", 0, 1)
    dropped = await call("POST", "api/w/jupyter/assets/record_materialization", {})
    assert (dropped.status, dropped.is_problem) == (501, True)
