"""A receipt verifies by itself, with a key that the reader trusts (G71)."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_flows.core import commands as c
from jupyter_flows.core import signature
from jupyter_flows.core.canonical import canonical_json, sha256
from jupyter_flows.core.checking import Trusted, check
from jupyter_flows.core.errors import KeyUnusable
from jupyter_flows.core.model import RunId, StepId, Voter
from jupyter_flows.core.receipt import Signer, document, signed_bytes, written

from .conftest import Play, chained_rows

TOKEN = "A" * 80 + "." + "B" * 43
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PEM = signature.pem_of(KEY.public_key())
ID = signature.key_id(KEY.public_key())
TRUST = Trusted((PEM,))
OTHER = signature.pem_of(Ed25519PrivateKey.from_private_bytes(b"o" * 32).public_key())


def signed(rows, *, key=KEY, pem=PEM, key_id=ID, **how):
    signer = Signer("2026-11-22T05:17:41.223Z", key_id, pem)
    receipt = written(RunId("r1"), rows, signer, **how)
    return document(receipt, signature.sign(key, signed_bytes(receipt)))


def resigned(receipt):
    """A receipt that the server itself has signed, whatever it says."""
    sign = signature.sign(KEY, canonical_json(receipt))
    return canonical_json({"receipt": receipt, "signature": sign})


def story():
    run = Play({"name": "Zoë 💡"}, load=None, ask={"required_events": 2}, last={})
    run.begin()
    run.vote("carl", gate=None, link=run.mint_flow_level("carl"), payload={"n": 7})
    run.finish("load", {"resume": f"http://h/resume?flow_token={TOKEN}"})
    run.tell(c.Advance())
    run.vote("early", payload={"n": "not a number"})
    run.finish("ask", {"schema": {"properties": {"n": {"type": "integer"}}}})
    link = run.mint("bob")
    gate = run.gate()
    by = {"gate": StepId("ask"), "generation": 1, "digest": gate.digest}
    run.tell(c.ShowGate(**by, voter=Voter("bob", verified=False, route="link", link=link)))
    run.now += 60
    run.vote("bob", link=link, payload={"n": 1}, digest=gate.digest)
    run.tell(c.Advance())
    run.finish("last", {"n": 1})
    run.mint_flow_level("dora")
    run.vote("eve", False, gate="last", reason="no")
    return run


PLAYED = story()
ROWS = chained_rows(PLAYED.log)
FILE = signed(ROWS)


def said(**changes):
    """The receipt, with some of its members changed."""
    return {**json.loads(FILE)["receipt"], **changes}


def found(content, trusted=TRUST):
    return "\n".join(map(str, check(content, trusted).findings))


# ---------------------------------------------------------------- what it says


def test_a_receipt_says_what_was_asked_who_answered_and_what_came_of_it():
    """G71"""
    receipt = said()
    ask, last = receipt["gates"]
    assert receipt["format"] == "jupyter-flows-receipt-1"
    assert receipt["run"]["id"] == "r1"
    assert (receipt["run"]["path"], receipt["run"]["status"]) == ("report.ipynb", "failed")
    assert receipt["run"]["snapshot"] == sha256(b"notebook")
    assert ask["asked"]["digest"] == PLAYED.gate().digest
    assert ask["asked"]["options"]["required_events"] == 2
    assert ask["asked"]["deadline"] == "1970-01-31T00:16:40.000Z"
    assert [(shown["by"]["name"], shown["digest"]) for shown in ask["shown"]] == [
        ("bob", PLAYED.gate().digest)
    ]
    votes = {vote["by"]["name"]: vote for vote in ask["votes"]}
    assert set(votes) == {"carl", "early", "bob"}
    assert (votes["early"]["counts"], votes["early"]["by"]["verified"]) == (False, True)
    assert (votes["carl"]["counts"], votes["carl"]["by"]["verified"]) == (True, False)
    bob = votes["bob"]
    assert (bob["by"]["link"], bob["by"]["route"]) == (ask["shown"][0]["by"]["link"], "test")
    assert (bob["payload"], bob["digest"]) == ({"n": 1}, PLAYED.gate().digest)
    assert bob["payload_digest"] == sha256(canonical_json({"n": 1}))
    assert bob["at"] == "1970-01-01T00:17:40.000Z"
    assert ROWS[bob["seq"] - 1][2] == "VoteCast"
    assert ask["outcome"]["status"] == "approved"
    assert ROWS[ask["outcome"]["seq"] - 1][2] == "GateApproved"
    assert last["outcome"]["status"] == "rejected"
    assert (last["votes"][0]["approved"], last["votes"][0]["reason"]) == (False, "no")
    assert receipt["head"] == {"seq": len(ROWS), "hash": ROWS[-1][4]}
    assert len(receipt["log"]) == len(ROWS)
    assert receipt["signed"]["key_id"] == ID


def test_votes_that_no_gate_has_counted_are_kept_apart(play):
    """G36"""
    run = play(ask={}).begin()
    run.pre_vote(run.mint_flow_level("ann"))
    receipt = json.loads(signed(chained_rows(run.log)))["receipt"]
    assert receipt["gates"] == []
    assert [vote["by"]["name"] for vote in receipt["early_votes"]] == ["ann"]
    assert check(signed(chained_rows(run.log)), TRUST).good


def test_a_receipt_of_an_open_gate_says_so(play):
    run = play(ask={"required_events": 2}).opened()
    run.vote("ann")
    (gate,) = json.loads(signed(chained_rows(run.log)))["receipt"]["gates"]
    assert gate["outcome"] == {"status": "open", "seq": None, "at": None}
    assert check(signed(chained_rows(run.log)), TRUST).good


def test_a_cancelled_run_has_superseded_its_gate(play):
    run = play(ask={}).opened()
    run.tell(c.Cancel(by="owner"))
    (gate,) = json.loads(signed(chained_rows(run.log)))["receipt"]["gates"]
    assert (gate["outcome"]["status"], gate["outcome"]["seq"]) == ("superseded", len(run.log))


def test_an_approval_that_was_withdrawn_stands_there_and_does_not_count(play):
    """G18"""
    run = play(ask={"required_events": 2}).opened()
    bob = Voter("bob", verified=True, route="test")
    run.vote("bob")
    run.tell(c.WithdrawVote(gate=StepId("ask"), generation=1, voter=bob))
    run.vote("bob")
    file = signed(chained_rows(run.log))
    (gate,) = json.loads(file)["receipt"]["gates"]
    assert [vote["counts"] for vote in gate["votes"]] == [False, True]
    assert check(file, TRUST).good


def test_a_receipt_is_one_canonical_line():
    assert canonical_json(json.loads(FILE)) + b"\n" == FILE
    assert FILE.startswith(b'{"receipt":{')
    assert b'},"signature":"' in FILE[-120:]


# ---------------------------------------------------------------- what is left out


def test_no_token_of_a_link_is_in_a_receipt_and_the_row_says_so():
    """G34, G71"""
    assert b"B" * 10 not in FILE
    (row,) = [row for row in said()["log"] if row.get("left_out")]
    assert (row["kind"], row["left_out"]) == ("StepSucceeded", ["tokens"])
    assert json.loads(row["body"])["result"] == {"resume": "http://h/resume?flow_token=[hidden]"}
    checked = check(FILE, TRUST)
    assert (checked.good, checked.left_out) == (True, 1)


def test_payloads_can_be_left_out_and_their_digests_stay():
    """G71"""
    file = signed(ROWS, payloads=False)
    receipt = json.loads(file)["receipt"]
    votes = [vote for gate in receipt["gates"] for vote in gate["votes"]]
    assert [vote["payload"] for vote in votes] == [None] * len(votes)
    digests = {vote["by"]["name"]: vote["payload_digest"] for vote in votes}
    assert digests["bob"] == sha256(canonical_json({"n": 1}))
    assert '"n":1' not in "".join(row["body"] for row in receipt["log"])
    assert ["payload"] in [row.get("left_out") for row in receipt["log"]]
    assert ["tokens", "result"] in [row.get("left_out") for row in receipt["log"]]
    checked = check(file, TRUST)
    assert checked.findings == ()
    assert checked.left_out == 6


# ---------------------------------------------------------------- whose signature


def test_a_receipt_is_good_by_a_key_that_the_reader_trusts():
    """G71"""
    checked = check(FILE, TRUST)
    assert (checked.good, checked.trusted, checked.key_id) == (True, True, ID)
    assert check(FILE, Trusted((OTHER, PEM))).trusted
    assert check(FILE, Trusted(key_id=ID)).trusted
    assert check(FILE, Trusted(key_id=signature.fingerprint(KEY.public_key()).upper())).trusted


def test_a_receipt_that_fits_the_key_it_carries_is_not_trusted_for_that():
    """G71"""
    checked = check(FILE, Trusted())
    assert (checked.good, checked.trusted) == (True, False)


@pytest.mark.parametrize("trusted", [Trusted((OTHER,)), Trusted(key_id="0" * 16)])
def test_a_receipt_of_another_key_is_refused(trusted):
    checked = check(FILE, trusted)
    assert (checked.good, checked.trusted) == (False, False)


def test_a_receipt_that_names_anothers_key_is_found():
    forged = signed(ROWS, key=Ed25519PrivateKey.generate())
    assert "not one by the key that you named: it is forged, or was changed" in found(forged)
    assert "not one by the key that it carries" in found(forged, Trusted(key_id=ID))
    assert "key id that it names is not that" in found(signed(ROWS, key_id="0" * 16))


def test_keys_of_other_kinds_are_refused():
    rsa = generate_private_key(65537, 2048).public_key()
    pem = rsa.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for wrong in (pem, "", "no key", PEM[:60]):
        with pytest.raises(KeyUnusable):
            check(FILE, Trusted((wrong,)))
        assert "can't be used" in found(signed(ROWS, pem=wrong))


# ---------------------------------------------------------------- changes


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(FILE) - 2), st.integers(0, 7))
def test_any_bit_of_the_file_that_is_changed_is_found(place, bit):
    """G71"""
    changed = bytearray(FILE)
    changed[place] ^= 1 << bit
    checked = check(bytes(changed), TRUST)
    assert not checked.good
    assert not checked.trusted


def test_a_file_that_is_only_laid_out_otherwise_is_the_same_receipt():
    assert check(json.dumps(json.loads(FILE), indent=2).encode(), TRUST).good


def forged(path, value):
    receipt = said()
    place = receipt
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return resigned(receipt)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("gates", 0, "votes", 0, "by", "name"), "mallory", "'gates' does not follow"),
        (("gates", 0, "votes", 0, "by", "verified"), True, "'gates' does not follow"),
        (("gates", 0, "votes", 2, "payload"), {"n": True}, "'gates' does not follow"),
        (("gates", 0, "votes", 2, "payload_digest"), None, "'gates' does not follow"),
        (("gates", 0, "votes"), [], "'gates' does not follow"),
        (("gates", 0, "shown"), [], "'gates' does not follow"),
        (("gates", 0, "asked", "options", "required_events"), 1, "'gates' does not follow"),
        (("gates", 1, "outcome", "status"), "approved", "'gates' does not follow"),
        (("gates",), [], "'gates' does not follow"),
        (("run", "owner"), "mallory", "'run' does not follow"),
        (("run", "status"), "succeeded", "'run' does not follow"),
        (("early_votes",), [said()["gates"][0]["votes"][0]], "'early_votes' does not follow"),
        (("head", "seq"), 3, "head is not the last row"),
        (("log", 3, "hash"), "0" * 64, "row 4: it is not what was written"),
        (("log", 3, "body"), "{}", "row 4: "),
        (("log", 3, "at"), "1e3", "row 4: its time is no time"),
        (("log", 3, "at"), "soon", "row 4: its time is no time"),
        (("log",), [], "the log is empty"),
        (("format",), "jupyter-flows-receipt-9", "this version knows"),
    ],
)
def test_a_signature_does_not_help_a_receipt_that_does_not_follow_from_its_log(path, value, says):
    """G71"""
    assert says in found(forged(path, value))


def test_a_receipt_of_a_log_that_was_cut_off_has_another_head():
    receipt = said()
    whole, part = receipt["head"], {**receipt, "log": receipt["log"][:-2]}
    assert "head is not the last row" in found(resigned(part))
    shorter = json.loads(signed(ROWS[:-2]))["receipt"]
    assert shorter["head"] != whole


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    st.binary()
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.sampled_from([b"", b"{}", b"[" * 100_000, b'{"receipt":' * 5000, b"1" * 5000])
    | st.sampled_from([b'{"receipt":{}}', b'{"receipt":{},"signature":""}', b'{"receipt":NaN}'])
)
def test_what_is_no_receipt_is_said_to_be_none(content):
    checked = check(content, TRUST)
    assert "it is no receipt" in str(checked.findings[0])
    assert not checked.trusted


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        [
            *((name,) for name in said()),
            *(("log", place) for place in range(len(ROWS))),
            ("gates", 0, "votes", 0),
            ("signed", "public_key"),
            ("run", "id"),
        ]
    ),
    json_values,
)
def test_nothing_in_a_receipt_makes_the_check_raise(path, value):
    try:
        content = forged(path, value)
    except ValueError:  # what canonical JSON does not have
        return
    check(content, TRUST)
