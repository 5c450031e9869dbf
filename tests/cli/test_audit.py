"""`audit`: the trail, the check of a log, receipts, and their keys (G71)."""

import sqlite3
from io import StringIO

import pytest
from rich.console import Console

from jupyter_flows.cli import trails
from jupyter_flows.core.trail import Line, Who


@pytest.fixture
def ran(flows):
    """A run that was approved and has ended, in one process."""
    running = flows.start("run", flows.notebook(("'go?'", ["suspend"]), "resume"), "--json")
    running.await_event("suspended")
    assert flows("approve", "last", "--data", '{"n": 271828}').status == 0
    assert running.end() == 0
    flows.run = running.events[0]["run"]
    return flows


def changed(flows, statement):
    connection = sqlite3.connect(flows.data / "flows.db")
    with connection:
        assert connection.execute(statement).rowcount
    connection.close()


def test_the_trail_is_a_line_an_event_with_who_and_what(ran):
    """G71"""
    said = ran("audit", "last")
    assert said.status == 0
    assert [line.split()[0] for line in said.lines] == [
        str(number) for number in range(1, len(said.lines) + 1)
    ]
    (voted,) = [line for line in said.lines if "approved gate s1" in line]
    assert "(logged in, by cli)" in voted
    assert "flow_token" not in "\n".join(said.lines)
    (told,) = ran("audit", ran.run[:9], "--json").events
    assert (told["run"], told["good"], told["rows"]) == (ran.run, True, len(said.lines))


def test_a_good_log_is_good_and_a_changed_byte_is_found(ran):
    """G71"""
    good = ran("audit", "last", "--verify")
    assert (good.status, " good: " in good.lines[0]) == (0, True)
    changed(ran, "update events set body = replace(body, '2718', '2719') where kind = 'VoteCast'")
    broken = ran("audit", "last", "--verify")
    assert broken.status == 1
    assert "broken, 1 findings:" in broken.lines[0]
    assert "it is not what was written: its hash is another" in broken.lines[1]
    assert ran("audit", "last", "--verify", "--json").status == 1
    trail = ran("audit", "last")
    assert trail.status == 0
    assert "This log does not stand as it was written:" in trail.errors
    refused = ran("audit", "last", "--receipt")
    assert (refused.status, "no receipt is given" in refused.errors) == (1, True)
    assert list(ran.folder.glob("*.receipt.json")) == []


def test_a_byte_that_makes_the_row_no_text_is_found_and_the_rest_is_told(ran):
    """G71"""
    changed(
        ran,
        "update events set body = cast(x'7bff' || body as text) where kind = 'VoteCast'",
    )
    broken = ran("audit", "last", "--verify")
    assert (broken.status, "its body is no text" in broken.lines[1]) == (1, True)
    assert any("run succeeded" in line for line in ran("audit", "last").lines)


def test_a_receipt_is_written_and_checks_where_there_is_no_store(ran, tmp_path):
    """G71"""
    written = ran("audit", "last", "--verify", "--receipt")
    assert written.status == 0
    file = ran.folder / f"{ran.run}.receipt.json"
    key = ran("audit", "--public-key")
    (ran.folder / "server.pem").write_text("\n".join(key.lines) + "\n")
    key_id = key.errors.split()[-1]
    ran.data.rename(tmp_path / "moved")
    unknown = ran("audit", "--check", file)
    assert unknown.status == 1
    assert "anybody can make a key" in "".join(unknown.lines)
    for trust in (("--key", "server.pem"), ("--key-id", key_id)):
        good = ran("audit", "--check", file, *trust)
        assert (good.status, good.lines[-1]) == (0, "good")
        assert any("approved by" in line for line in good.lines)
    assert not ran.data.exists()
    file.write_bytes(file.read_bytes().replace(b'"approved":true', b'"approved":null'))
    bad = ran("audit", "--check", file, "--key", "server.pem")
    assert (bad.status, bad.lines[-1]) == (1, "broken")
    told = ran("audit", "--check", file, "--key", "server.pem", "--json")
    assert (told.status, told.events[0]["good"]) == (1, False)


def test_a_log_that_was_cut_off_is_found_with_an_earlier_receipt(ran):
    """G71"""
    ran("audit", "last", "--receipt", "r.json")
    same = ran("audit", "last", "--check", "r.json")
    assert (same.status, same.lines[-1]) == (0, "good")
    changed(ran, "delete from events where kind = 'RunSucceeded'")
    assert ran("audit", "last", "--verify").status == 0, "what is left is a good log"
    cut = ran("audit", "last", "--check", "r.json")
    assert cut.status == 1
    assert "cut off or replaced" in "".join(cut.lines)


def test_a_receipt_of_another_run_is_not_this_runs(ran):
    ran("audit", "last", "--receipt", "r.json")
    assert ran("run", ran.notebook("1", name="other")).status == 0
    other = ran("audit", "last", "--check", "r.json")
    assert (other.status, f"is a receipt of {ran.run}" in other.errors) == (2, True)


def test_a_receipt_without_payloads_goes_to_standard_output(ran):
    said = ran("audit", "last", "--receipt", "-", "--without-payloads")
    assert said.status == 0
    (receipt,) = said.events
    assert receipt["receipt"]["run"]["id"] == ran.run
    assert "271828" not in said.lines[0]


def test_a_new_key_signs_and_the_old_receipts_still_check(ran):
    """G71"""
    ran("audit", "last", "--receipt", "old.json")
    first = ran("audit", "--public-key").errors.split()[-1]
    assert ran("audit", "--new-key").status == 0
    second = ran("audit", "--public-key").errors.split()[-1]
    assert second != first
    ran("audit", "last", "--receipt", "new.json")
    for file, key in (("old.json", first), ("new.json", second)):
        assert ran("audit", "--check", file, "--key-id", key).status == 0
        assert ran("audit", "last", "--check", file).status == 0
    assert ran("audit", "--check", "old.json", "--key-id", second).status == 1
    assert ran("audit", "--public-key", "--key-id", first).status == 0
    assert ran("audit", "--public-key", "--key-id", "0" * 16).status == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Name a RUN"),
        (("last", "--key-id", "0" * 16), "whom --check trusts"),
        (("last", "--without-payloads"), "is for --receipt"),
        (("last", "--verify", "--public-key"), "Give one of"),
        (("last", "--check", "none.json"), "does not exist"),
        (("--check", "text", "--key", "text"), "can't be used as a key: it holds no key in PEM"),
        (("--check", "text", "--key-id", "12"), "from 16 to 64 hex digits"),
        (("last",), "There are no runs yet."),
        (("run_none", "--verify"), "run_none"),
    ],
)
def test_what_cannot_be_done_is_said_with_status_2(flows, arguments, says):
    (flows.folder / "text").write_text("no key and no receipt")
    ended = flows("audit", *arguments)
    assert (ended.status, says in ended.errors) == (2, True), ended.errors


def test_what_is_no_receipt_is_broken(flows):
    (flows.folder / "text").write_text("no receipt")
    ended = flows("audit", "--check", "text", "--key-id", "0" * 16)
    assert (ended.status, ended.lines[-1]) == (1, "broken")
    assert "it is no receipt" in ended.lines[0]


def test_a_terminal_gets_a_table_that_control_characters_do_not_break(monkeypatch):
    screen = StringIO()
    console = Console(file=screen, width=100)
    monkeypatch.setattr("rich.console.Console", lambda: console)
    trails._print_table(
        [
            Line(
                seq=7,
                at=1000.0,
                kind="VoteCast",
                who=Who("b\x1b[2Job", verified=False, route="link", link="0123456789" * 4),
                what="approved [bold]gate\nask",
            )
        ]
    )
    shown = screen.getvalue()
    assert "bob (claimed, by link 01234567…)" in shown
    assert "approved [bold]gate ask" in shown
