"""The trail, the receipt and the key over REST (G71)."""

import json
import sqlite3

import pytest

from jupyter_flows.core.checking import Trusted, check
from jupyter_flows.core.signature import key_id, read_public

from .test_links import token_of


@pytest.fixture
def damage(data_dir):
    def damage(statement):
        connection = sqlite3.connect(data_dir / "flows.db")
        with connection:
            assert connection.execute(statement).rowcount
        connection.close()

    return damage


async def test_the_trail_says_what_happened_and_that_the_log_is_good(park, reader):
    """G71"""
    run = await park({"required_events": 2})
    links = await run.mint("bob")
    await reader.enter(links["approvalPage"])
    await reader.press("approve")
    await run.call("POST", f"api/runs/{run.id}/gates/ask/votes", {"approved": True})
    await run.settled(run.id)
    told = await run.call("GET", f"api/runs/{run.id}/audit")
    assert told.status == 200
    assert (told.json["run"], told.json["good"], told.json["findings"]) == (run.id, True, [])
    trail = told.json["trail"]
    assert [line["seq"] for line in trail] == list(range(1, told.json["rows"] + 1))
    assert told.json["head"]["seq"] == told.json["rows"]
    kinds = [line["kind"] for line in trail]
    assert kinds.index("GateOpened") < kinds.index("GateShown") < kinds.index("VoteCast")
    shown = trail[kinds.index("GateShown")]
    by = {"name": "bob", "verified": False, "route": "link", "link": links["id"]}
    by |= {"claimed": None, "groups": []}
    assert shown["who"] == by
    assert shown["digest"].startswith("sha256:")
    votes = [line["who"] for line in trail if line["kind"] == "VoteCast"]
    assert votes[0] == by
    assert (votes[1]["verified"], votes[1]["route"], votes[1]["link"]) == (True, "rest", None)
    for name in ("approvalPage", "resume", "cancel"):
        assert token_of(links[name]) not in told.text


async def test_a_receipt_checks_with_the_servers_public_key(park, call):
    """G71"""
    run = await park()
    links = await run.mint("bob")
    assert (await run.anyone("POST", links["resume"], {"limit": 2})).status == 201
    await run.settled(run.id)
    receipt = await call("GET", f"api/runs/{run.id}/receipt")
    assert receipt.status == 200
    assert receipt.headers["Content-Disposition"] == (
        f'attachment; filename="{run.id}.receipt.json"'
    )
    pem = await call("GET", "api/audit-key")
    assert pem.headers["Content-Type"].startswith("application/x-pem-file")
    checked = check(receipt.text.encode(), Trusted((pem.text,)))
    assert (checked.findings, checked.trusted, checked.run) == ((), True, run.id)
    (gate,) = receipt.json["receipt"]["gates"]
    assert gate["votes"][0]["payload"] == {"limit": 2}
    assert token_of(links["resume"]) not in receipt.text


async def test_a_receipt_without_payloads(park, call):
    run = await park()
    links = await run.mint("bob")
    await run.anyone("POST", links["resume"], {"limit": 271828})
    await run.settled(run.id)
    receipt = await call("GET", f"api/runs/{run.id}/receipt?payloads=false")
    assert "271828" not in receipt.text
    assert receipt.json["receipt"]["gates"][0]["votes"][0]["payload_digest"]
    wrong = await call("GET", f"api/runs/{run.id}/receipt?payloads=perhaps")
    assert (wrong.status, wrong.is_problem) == (400, True)


async def test_a_damaged_log_is_told_and_no_receipt_is_given_of_it(park, call, damage):
    """G71"""
    run = await park()
    damage("update events set body = replace(body, 'ask', 'asl') where kind = 'GateOpened'")
    told = (await call("GET", f"api/runs/{run.id}/audit")).json
    assert not told["good"]
    assert "it is not what was written" in told["findings"][0]["message"]
    refused = await call("GET", f"api/runs/{run.id}/receipt")
    assert (refused.status, refused.is_problem) == (409, True)
    assert refused.json["type"].endswith("LogBroken")
    assert f"row {told['findings'][0]['row']}" in refused.json["detail"]


async def test_an_unknown_run_has_neither(call, house):
    for path in ("audit", "receipt"):
        assert (await call("GET", f"api/runs/run_none/{path}")).status == 404


async def test_older_public_keys_are_given_by_their_id(call, engine):
    """G71"""
    old = (await call("GET", "api/audit-key")).text
    new = engine.audit.new_key()
    assert key_id(read_public((await call("GET", "api/audit-key")).text)) == new
    old_id = key_id(read_public(old))
    assert (await call("GET", f"api/audit-key?id={old_id}")).text == old
    unknown = await call("GET", "api/audit-key?id=0123456789abcdef")
    assert (unknown.status, unknown.is_problem) == (404, True)
    assert old_id in unknown.json["detail"]


async def test_a_damaged_key_file_is_said_so(park, call, data_dir):
    run = await park()
    await call("GET", "api/audit-key")
    (data_dir / "receipt-keys.pem").write_text("")
    for path in (f"api/runs/{run.id}/receipt", "api/audit-key"):
        refused = await call("GET", path)
        assert (refused.status, refused.is_problem) == (500, True)
        assert "receipt-keys.pem is damaged" in refused.json["detail"]


async def test_the_private_key_is_in_no_answer(park, call, data_dir):
    run = await park()
    answers = [
        await call("GET", path)
        for path in ("api/audit-key", f"api/runs/{run.id}/audit", f"api/runs/{run.id}/receipt")
    ]
    text = (data_dir / "receipt-keys.pem").read_text()
    private = text.split("-----")[2].strip()
    assert all(private not in json.dumps(answer.text) for answer in answers)
