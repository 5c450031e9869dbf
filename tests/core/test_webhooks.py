"""What webhooks are sent, how they are signed, and when they are tried again."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from msgspec.structs import replace

from jupyter_flows.core import events as e
from jupyter_flows.core import machine, webhooks
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.completions import Completion, Endpoint, EventType
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Failure, GateOptions, RunId, StepId, StepSpec
from jupyter_flows.core.webhooks import PAUSES, Answer, Delivery, DeliveryId, Status
from jupyter_flows.store import projection

URL = "https://ci.example.org/done"
DOORS = "https://hub.example.org/user/bob/jupyter-flows"
ASK = StepId("ask")
ALL = tuple(EventType)


def told(*events, completion=None):
    """A run of one gate after these events, and its log."""
    step = StepSpec(ASK, 0, sha256(b"ask"), gate=GateOptions(required_events=2))
    first = e.RunCreated(
        path="report.ipynb",
        owner="bob",
        parameters={"secret": "p"},
        snapshot=sha256(b"nb"),
        steps=(step,),
        kernel_name="python3",
        default_timeout=60.0,
        completion=completion,
    )
    rows = [e.Recorded(n, 1000.0 + n, event) for n, event in enumerate((first, *events), 1)]
    return machine.replay(RunId("run_1"), rows), rows


OPENED = (
    e.RunStarted(),
    e.StepStarted(step=ASK, attempt=1),
    e.StepSucceeded(step=ASK, result="figures"),
    e.GateOpened(
        gate=ASK,
        generation=1,
        options=GateOptions(required_events=2),
        deadline=2000.0,
        prompt=False,
        digest=sha256(b"d"),
    ),
)
PASSED = (*OPENED, e.GateApproved(gate=ASK, generation=1), e.RunSucceeded(result={"rows": 3}))


def sent(*events, url=URL):
    """The payload of the last of these events."""
    run, rows = told(*events, completion=Completion(url, ALL))
    delivery = webhooks.deliveries([], run, rows)[-1]
    assert delivery.seq == len(rows)
    return json.loads(webhooks.body(delivery, run, rows[-1], DOORS))


def test_of_which_events_something_is_sent():
    run, rows = told(*PASSED, completion=Completion(URL, ALL))
    found = webhooks.deliveries([], run, rows)
    assert [(each.seq, each.type) for each in found] == [
        (5, "gate.opened"),
        (6, "gate.approved"),
        (7, "run.succeeded"),
    ]
    assert len({each.id for each in found}) == 3
    assert {(each.run, each.url, each.owner) for each in found} == {("run_1", URL, "bob")}
    assert found == webhooks.deliveries([], run, rows)


def test_by_default_only_of_a_runs_ends():
    run, rows = told(*PASSED, completion=Completion(URL))
    assert [each.type for each in webhooks.deliveries([], run, rows)] == ["run.succeeded"]
    unasked, rows = told(*PASSED)
    assert webhooks.deliveries([], unasked, rows) == []
    everywhere = [Endpoint("https://a.example/"), Endpoint(URL, (EventType.GATE_OPENED,))]
    found = webhooks.deliveries(everywhere, unasked, rows)
    assert [(each.url, each.type) for each in found] == [
        (URL, "gate.opened"),
        ("https://a.example/", "run.succeeded"),
    ]


def test_an_address_is_told_once_though_both_name_it():
    run, rows = told(*PASSED, completion=Completion(URL))
    found = webhooks.deliveries([Endpoint(URL)], run, rows)
    assert [each.type for each in found] == ["run.succeeded"]


def test_every_event_that_is_told_changes_the_lists_too():
    """Those that change no list are written by a quicker way, which sends nothing."""
    for kind in webhooks.KINDS:
        assert issubclass(kind, projection.RUN_KINDS)
    assert set(webhooks.KINDS.values()) == set(EventType)


def test_the_payload_of_a_success():
    assert sent(*PASSED) == {
        "type": "run.succeeded",
        "timestamp": "1970-01-01T00:16:47.000Z",
        "data": {
            "run": {
                "id": "run_1",
                "status": "succeeded",
                "path": "report.ipynb",
                "name": None,
                "owner": "bob",
                "created_at": "1970-01-01T00:16:41.000Z",
                "finished_at": "1970-01-01T00:16:47.000Z",
                "result": {"rows": 3},
                "result_left_out": False,
                "error": None,
                "started_by": None,
                "url": f"{DOORS}/api/runs/run_1",
            }
        },
    }


def test_the_payload_of_a_gate_names_its_page_and_no_link():
    payload = sent(*OPENED)
    assert payload["data"]["run"]["status"] == "suspended"
    assert payload["data"]["gate"] == {
        "id": "run_1.ask.1",
        "step": "ask",
        "generation": 1,
        "status": "open",
        "required_events": 2,
        "approvals": 0,
        "deadline": "1970-01-01T00:33:20.000Z",
        "page": f"{DOORS}/page/run_1.ask.1",
    }
    assert "flow_token" not in json.dumps(payload)
    assert "figures" not in json.dumps(payload)


@pytest.mark.parametrize(
    ("events", "type_", "status"),
    [
        ((e.RunCancelled(by="ann"),), "run.cancelled", "cancelled"),
        (
            (e.RunStarted(), e.RunInterrupted(why="The server died.")),
            "run.interrupted",
            "interrupted",
        ),
        ((*OPENED, e.GateRejected(gate=ASK, generation=1)), "gate.rejected", "running"),
        ((*OPENED, e.GateTimedOut(gate=ASK, generation=1)), "gate.timed_out", "running"),
    ],
)
def test_the_payloads_of_other_events(events, type_, status):
    payload = sent(*events)
    assert (payload["type"], payload["data"]["run"]["status"]) == (type_, status)


def test_a_failure_says_what_failed_and_not_at_any_length():
    payload = sent(e.RunStarted(), e.RunFailed(error=Failure("ValueError", "no rows" * 9999)))
    error = payload["data"]["run"]["error"]
    assert error["name"] == "ValueError"
    assert error["message"].startswith("no rows")
    assert len(error["message"]) == 2000


def test_a_large_result_is_left_out():
    run = sent(*OPENED, e.GateApproved(gate=ASK, generation=1), e.RunSucceeded(result="x" * 20000))
    assert (run["data"]["run"]["result"], run["data"]["run"]["result_left_out"]) == (None, True)


# ---------------------------------------------------------------- signed


def test_the_signature_of_the_specifications_own_example():
    """The secret, the message and the signature that the specification's test vectors have."""
    headers = webhooks.headers(
        DeliveryId("msg_p5jXN8AQM9LWM0D4loKWxJek"),
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        1614265330.7,
    )
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_it_is_signed_by_each_secret_over_the_very_bytes():
    keys = [b"a" * 32, b"b" * 24]
    body = '{"name":"Zoë 💡"}'.encode()
    now = 1_900_000_000.9
    secrets = [webhooks.secret_of(key) for key in keys]
    headers = webhooks.headers(DeliveryId("msg_1"), body, secrets, now)
    expected = [
        "v1,"
        + base64.b64encode(
            hmac.new(key, b"msg_1.1900000000." + body, hashlib.sha256).digest()
        ).decode()
        for key in keys
    ]
    assert headers["webhook-signature"].split(" ") == expected


@pytest.mark.parametrize(
    "said",
    [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_!!!",
        webhooks.secret_of(b"short"),
        webhooks.secret_of(b"x" * 65),
    ],
)
def test_a_secret_that_is_none_is_refused_and_not_shown(said):
    with pytest.raises(BadInput) as refused:
        webhooks.check_secret(said)
    assert "24 to 64" in str(refused.value)
    assert said[6:] == "" or said[6:] not in str(refused.value)


# ---------------------------------------------------------------- again

DELIVERY = Delivery(
    id=DeliveryId("msg_1"),
    run=RunId("run_1"),
    seq=7,
    type=EventType.RUN_FAILED,
    url=URL,
    owner="bob",
    created_at=1000.0,
    due_at=1000.0,
)


def tried(delivery, answer, now):
    return webhooks.after(webhooks.taken(delivery, now), answer, now)


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_every_2xx_is_a_success_and_nothing_else(status):
    done = tried(DELIVERY, Answer(status), 1001.0)
    assert (done.status, done.due_at, done.done_at, done.tries) == ("delivered", None, 1001.0, 1)
    assert done.last_error is None


@pytest.mark.parametrize("answer", [Answer(n) for n in (199, 301, 302, 400, 404, 500)] + ["away"])
def test_whatever_else_comes_is_tried_again(answer):
    again = tried(DELIVERY, answer, 1001.0)
    assert again.status == "pending"
    assert 1006.0 <= again.due_at <= 1006.5
    assert again.last_error.startswith("away" if answer == "away" else "The receiver answered")


def test_it_is_tried_ten_times_in_three_days_and_then_given_up():
    now, delivery, pauses = 1000.0, DELIVERY, []
    while delivery.status is Status.PENDING:
        delivery = tried(delivery, Answer(500), now)
        if delivery.due_at is not None:
            pauses.append(delivery.due_at - now)
            now = delivery.due_at
    assert (delivery.status, delivery.tries) == ("failed", 10)
    assert delivery.last_error == "The receiver answered 500."
    for pause, least in zip(pauses, PAUSES, strict=True):
        assert least <= pause <= least * 1.1
    assert now - 1000.0 > 3 * 86400


def test_not_all_come_back_at_once():
    dues = {tried(replace(DELIVERY, id=f"msg_{n}"), "away", 1000.0).due_at for n in range(20)}
    assert len(dues) == 20


def test_410_ends_it_at_once():
    gone = tried(DELIVERY, Answer(410), 1001.0)
    assert (gone.status, gone.due_at, gone.done_at) == ("gone", None, 1001.0)


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        ("120", 120),
        ("999999999999999", 86400),
        ("0", 5),
        (format_datetime(datetime.fromtimestamp(1601, UTC), usegmt=True), 600),
        ("Wed, 21 Oct 1970 07:28:00 GMT", 86400),
        ("soon", 5),
        ("-7", 5),
        ("١٢٠", 5),
    ],
)
def test_a_receiver_may_ask_for_a_longer_pause(said, pause):
    again = tried(DELIVERY, Answer(503, said), 1001.0)
    assert pause <= again.due_at - 1001.0 <= pause + 0.5


def test_while_one_sends_it_it_is_due_again_only_when_that_should_be_done():
    taken = webhooks.taken(DELIVERY, 1001.0)
    assert (taken.tries, taken.due_at, taken.status) == (1, 1061.0, "pending")


def test_sent_anew_it_has_all_its_tries_again():
    failed = replace(DELIVERY, status=Status.FAILED, due_at=None, tries=10, done_at=5.0)
    again = webhooks.again(failed, 9000.0)
    assert (again.status, again.due_at, again.done_at) == ("pending", 9000.0, None)
    once = tried(again, Answer(500), 9000.0)
    assert (once.tries, once.status) == (11, "pending")
    assert 9005.0 <= once.due_at <= 9005.5
