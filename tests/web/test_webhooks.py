"""Webhooks over HTTP, from a real server to real receivers."""

import asyncio
import base64
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook

from jupyter_flows import composition
from jupyter_flows.core.errors import NotifyFailed
from jupyter_flows.core.webhooks import DeliveryId, headers, secret_of
from jupyter_flows.notify import webhooks as notify
from jupyter_flows.notify.webhooks import WebhookPosts

from .receiving import Receiver

OWN = secret_of(b"o" * 32)


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def flows_config(receiver, monkeypatch):
    monkeypatch.setenv("CI_WEBHOOK_SECRET", OWN)
    everywhere = {
        "url": f"{receiver.url}/everywhere",
        "events": ["run.failed", "gate.opened"],
        "secret_env": "CI_WEBHOOK_SECRET",
    }
    return {"webhooks": [everywhere], "webhook_hosts": ["127.0.0.1"]}


@pytest.fixture
def received(receiver, house, base_url, jp_asyncio_loop):
    """Wait until so many were sent, by a server that sends."""

    async def start():
        house.webhooks.start(base_url)

    async def received(count):
        return await asyncio.to_thread(receiver.wait, count, 20)

    jp_asyncio_loop.run_until_complete(start())
    yield received
    jp_asyncio_loop.run_until_complete(house.webhooks.stop())

    return received


@pytest.fixture
def ran(kernels, call, reached, make_notebook):
    """`await ran("1/0", completion_url=…)` gives the run when it has ended."""

    async def ran(*sources, **asked):
        started = await call("POST", "api/runs", {"notebook": make_notebook(*sources), **asked})
        assert started.status == 201, started.text
        return await reached(started.json["id"], "succeeded", "failed", "suspended", "cancelled")

    return ran


async def test_the_end_of_a_run_is_told_where_its_owner_says(ran, receiver, received, house):
    run = await ran("[3, 4]", completion_url=f"{receiver.url}/done?job=7")
    (told,) = await received(1)
    assert told.path == "/done?job=7"
    (secret,) = house.webhook_secrets.signing(0.0)
    payload = Webhook(secret).verify(told.body, told.headers)
    assert payload["type"] == "run.succeeded"
    assert payload["data"]["run"]["id"] == run.id
    assert payload["data"]["run"]["result"] == [3, 4]
    assert told.headers["Content-Type"] == "application/json"


async def test_what_an_administrator_asks_for_is_signed_with_its_own_secret(ran, received):
    run = await ran("1/0")
    (told,) = await received(1)
    assert told.path == "/everywhere"
    payload = Webhook(OWN).verify(told.body, told.headers)
    assert payload["type"] == "run.failed"
    assert payload["data"]["run"]["error"]["name"] == "ZeroDivisionError"
    assert payload["data"]["run"]["id"] == run.id


async def test_a_gate_is_told_with_the_address_of_its_page(park, receiver, received, anyone):
    run = await park()
    (told,) = await received(1)
    gate = told.json["data"]["gate"]
    assert (told.json["type"], gate["id"]) == ("gate.opened", (await run.gate())["id"])
    page = await anyone("GET", gate["page"])
    assert page.status == 404, "who has neither login nor link learns nothing of it"
    shown = await run.call("GET", gate["page"].partition("/jupyter-flows/")[2])
    assert shown.status == 200
    assert "Approve" in shown.text


async def test_a_run_that_was_handed_over_keeps_what_it_was_asked(  # noqa: PLR0917 (fixtures)
    kernels, house, anyone, receiver, received, make_notebook
):
    asked = {
        "notebook": make_notebook("1"),
        "path": "/home/bob/f.ipynb",
        "owner": "bob",
        "completion": {"url": f"{receiver.url}/done", "events": ["run.succeeded"]},
    }
    bearer = {"Authorization": f"Bearer {house.secret}"}
    assert (await anyone("POST", "/peers/runs", asked, bearer)).status == 201
    (told,) = await received(1)
    assert told.path == "/done"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"completion_url": "http://10.0.0.1/"}, "FlowsApp.webhook_hosts allows 127.0.0.1"),
        ({"completion_url": "ftp://127.0.0.1/"}, "no address of a webhook"),
        ({"completion_url": "http://127.0.0.1/" + "x" * 2000}, "length <= 2000"),
        ({"completion_events": ["run.failed"]}, "an address"),
        ({"completion_url": "http://127.0.0.1/", "completion_events": ["run.won"]}, "run.won"),
        ({"completion_url": "http://127.0.0.1/", "completion_events": []}, "length >= 1"),
    ],
)
async def test_what_cannot_be_told_starts_no_run(call, make_notebook, asked, says):
    answer = await call("POST", "api/runs", {"notebook": make_notebook("1"), **asked})
    assert answer.status == 400
    assert answer.is_problem
    assert says in answer.json["detail"]
    assert (await call("GET", "api/runs")).json["runs"] == []


# ---------------------------------------------------------------- seen, and sent anew


async def test_a_delivery_is_seen_by_its_runs_owner_and_sent_anew(  # noqa: PLR0917 (fixtures)
    ran, receiver, received, call, become, house
):
    receiver.statuses = [500, 204]
    run = await ran("1", completion_url=f"{receiver.url}/done")
    await received(1)
    await house.webhooks.settled()
    (shown,) = (await call("GET", f"api/deliveries?run={run.id}")).json["deliveries"]
    assert (shown["status"], shown["tries"], shown["type"]) == ("pending", 1, "run.succeeded")
    assert shown["last_error"] == "The receiver answered 500."
    assert shown["url"] == f"{receiver.url}/done"
    sent = await call("POST", f"api/deliveries/{shown['id']}/send")
    assert sent.status == 202
    first, second = await received(2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == shown["id"]
    assert first.body == second.body
    await house.webhooks.settled()
    done = (await call("GET", f"api/deliveries/{shown['id']}")).json
    assert (done["status"], done["due_at"], done["last_error"]) == ("delivered", None, None)
    become("eve")
    assert (await call("GET", "api/deliveries")).json["deliveries"] == []
    assert (await call("GET", f"api/deliveries/{shown['id']}")).status == 404
    assert (await call("POST", f"api/deliveries/{shown['id']}/send")).status == 404


async def test_it_is_tried_again_when_its_time_has_come(ran, receiver, received, house, clock):
    receiver.statuses = [503, 204]
    await ran("1", completion_url=f"{receiver.url}/done")
    await received(1)
    await house.webhooks.settled()
    clock.ahead += 6
    house.webhooks.waiting.look()
    first, second = await received(2)
    stamps = [int(each.headers["webhook-timestamp"]) for each in (first, second)]
    assert stamps[1] >= stamps[0] + 6


async def test_no_redirect_is_followed(ran, receiver, received, house):
    receiver.statuses = [302]
    receiver.headers["Location"] = f"{receiver.url}/elsewhere"
    await ran("1", completion_url=f"{receiver.url}/done")
    await received(1)
    await house.webhooks.settled()
    (delivery,) = await house.webhooks.deliveries(9)
    assert delivery.last_error == "The receiver answered 302, and no redirect is followed."
    assert [each.path for each in receiver.received] == ["/done"]


# ---------------------------------------------------------------- the network

NAME = "hooks.example.org"


@pytest.fixture
def certificate(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.fromtimestamp(composition.clock(), UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return tmp_path / "cert.pem", tmp_path / "key.pem"


@pytest.fixture
def resolves(monkeypatch, jp_asyncio_loop):
    """`resolves(NAME, "127.0.0.1")`: what a name is looked up to, here."""
    known = {}

    async def getaddrinfo(self, host, port, **kwargs):
        if host not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in known[host]]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return lambda host, *addresses: known.update({host: addresses})


SIGNED = headers(DeliveryId("msg_1"), b"{}", [OWN], 1.0)


async def test_a_name_that_leads_to_a_private_address_is_not_asked(resolves, receiver):
    for addresses in (["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::1%lo"]):
        resolves(NAME, *addresses)
        with pytest.raises(NotifyFailed, match="no public address"):
            await WebhookPosts().post(f"http://{NAME}:{receiver.port}/", b"{}", SIGNED, public=True)
    assert receiver.received == []


async def test_the_address_that_was_looked_at_is_the_one_that_is_asked(
    resolves, certificate, monkeypatch
):
    """By TLS, with the name of the host in the certificate, in the greeting and in `Host`; and the
    next of its addresses where one does not answer.
    """
    trusting = ssl.create_default_context(cafile=certificate[0])
    monkeypatch.setattr(notify, "_certificates", lambda: trusting)
    monkeypatch.setattr(notify, "is_public", lambda _: True)
    resolves(NAME, "127.0.0.77", "127.0.0.1")
    receiver = Receiver(certificate=certificate)
    try:
        answer = await WebhookPosts().post(
            f"https://{NAME}:{receiver.port}/done", b"{}", SIGNED, public=True
        )
        assert answer.status == 204
        assert receiver.received[0].headers["Host"] == f"{NAME}:{receiver.port}"
        resolves("other.example.org", "127.0.0.1")
        with pytest.raises(NotifyFailed, match=r"(?i)hostname mismatch"):
            await WebhookPosts().post(
                f"https://other.example.org:{receiver.port}/done", b"{}", SIGNED, public=True
            )
        assert len(receiver.received) == 1
    finally:
        receiver.stop()


async def test_who_cannot_be_reached_is_said(resolves, receiver):
    with pytest.raises(NotifyFailed, match=r"can't be reached.*Name or service"):
        await WebhookPosts().post("http://nowhere.example.org/", b"{}", SIGNED, public=True)
    receiver.stop()
    with pytest.raises(NotifyFailed, match="can't be reached: ConnectError"):
        await WebhookPosts().post(receiver.url, b"{}", SIGNED, public=False)


async def test_a_receiver_that_does_not_answer_is_given_up(monkeypatch):
    monkeypatch.setattr(notify, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(NotifyFailed):
            await WebhookPosts().post(url, b"{}", SIGNED, public=False)


async def test_a_huge_answer_is_not_read():
    """Only its head counts."""

    async def endless(reader, writer):
        await reader.readuntil(b"{}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\nRetry-After: 7\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        answer = await WebhookPosts().post(url, b"{}", SIGNED, public=False)
        assert (answer.status, answer.retry_after) == (200, "7")


def test_the_secret_that_is_made_is_of_32_bytes(house):
    (secret,) = house.webhook_secrets.signing(0.0)
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
