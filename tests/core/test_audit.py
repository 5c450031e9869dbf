"""Whatever is changed in a log is found, and nothing in a good one is (G71)."""

import json
import re
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_flows.core import commands as c
from jupyter_flows.core.audit import Head, verify
from jupyter_flows.core.events import KINDS
from jupyter_flows.core.model import RunId, StepId, Voter

from .conftest import Play, chained_rows, rechained

RUN = RunId("r1")


def told() -> list:
    """A log with much in it: early votes, links, two gates, a page shown, a rejection."""
    run = Play({"name": "Zoë 💡"}, load=None, ask={"required_events": 2}, last={"timeout": 60.0})
    kept = run.begin().mint_flow_level("ann")
    run.pre_vote(kept)
    run.finish("load", {"rows": 3})
    run.tell(c.Advance())
    run.finish("ask", {"description": "Go?"})
    link = run.mint("bob")
    gate = run.gate()
    by = {"gate": StepId("ask"), "generation": 1, "digest": gate.digest}
    run.tell(c.ShowGate(**by, voter=Voter("bob", verified=False, route="link", link=link)))
    run.now += 5.25
    run.vote("bob", link=link, payload={"n": 1}, digest=gate.digest)
    run.tell(c.Advance())
    run.finish("last")
    run.vote("eve", False, gate="last", reason="no")
    return chained_rows(run.log)


ROWS = told()


def test_a_log_of_the_machine_is_good():
    verdict = verify(RUN, ROWS)
    assert verdict.findings == ()
    assert verdict.good
    assert verdict.rows == len(ROWS) == len(verdict.events)
    assert verdict.head == Head(len(ROWS), ROWS[-1][4])
    assert verdict.run is not None
    assert verdict.run.status == "failed"


# ---------------------------------------------------------------- changes


def changed_bit(value, bit):
    """The value as it is with one bit of its bytes another, as a damaged disk gives it back."""
    if isinstance(value, str):
        raw = bytearray(value.encode())
        raw[bit // 8 % len(raw)] ^= 1 << bit % 8
        return raw.decode("utf-8", "surrogateescape")
    if isinstance(value, float):
        raw = bytearray(struct.pack("<d", value))
        raw[bit // 8 % 8] ^= 1 << bit % 8
        return struct.unpack("<d", raw)[0]
    return value ^ (1 << bit % 40)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(range(len(ROWS))), st.integers(0, 4), st.integers(0, 8000))
def test_any_bit_that_is_changed_is_found(place, column, bit):
    """G71"""
    row = list(ROWS[place])
    row[column] = changed_bit(row[column], bit)
    verdict = verify(RUN, [*ROWS[:place], tuple(row), *ROWS[place + 1 :]])
    assert not verdict.good
    if column:
        assert place + 1 in {finding.seq for finding in verdict.findings}


@pytest.mark.parametrize("place", range(len(ROWS) - 1))
def test_a_row_that_is_missing_is_found(place):
    """G71"""
    verdict = verify(RUN, [*ROWS[:place], *ROWS[place + 1 :]])
    assert any("is missing" in finding.what for finding in verdict.findings)


@given(st.data())
def test_rows_that_changed_places_are_found(data):
    """G71"""
    places = st.integers(0, len(ROWS) - 1)
    one, other = data.draw(places), data.draw(places)
    rows = list(ROWS)
    rows[one], rows[other] = rows[other], rows[one]
    assert verify(RUN, rows).good == (one == other)
    renumbered = [(number, *row[1:]) for number, row in enumerate(rows, 1)]
    assert verify(RUN, renumbered).good == (one == other)


@given(st.integers(0, len(ROWS)), st.sampled_from(ROWS))
def test_a_row_that_was_put_in_is_found(place, row):
    """G71"""
    rows = [*ROWS[:place], row, *ROWS[place:]]
    assert not verify(RUN, rows).good
    renumbered = [(number, *row[1:]) for number, row in enumerate(rows, 1)]
    assert not verify(RUN, renumbered).good


@pytest.mark.parametrize("left", range(1, len(ROWS)))
def test_a_log_that_was_cut_off_is_found_by_the_head_that_a_receipt_keeps(left):
    """G71: the chain alone can't, for what is left is a good log."""
    head = Head(len(ROWS), ROWS[-1][4])
    assert verify(RUN, ROWS, holds=head).good
    assert verify(RUN, ROWS, holds=Head(left, ROWS[left - 1][4])).good, "it went on since"
    verdict = verify(RUN, ROWS[:left], holds=head)
    assert [finding.seq for finding in verdict.findings] == [None]
    assert "cut off or replaced" in str(verdict.findings[0])


def test_a_log_that_was_chained_anew_is_found_by_the_head_that_a_receipt_keeps():
    body = json.loads(ROWS[0][3]) | {"owner": "mallory"}
    forged = rechained([(*ROWS[0][:3], json.dumps(body)), *ROWS[1:]])
    assert verify(RUN, forged).good, "the chain has no secret"
    assert not verify(RUN, forged, holds=Head(len(ROWS), ROWS[-1][4])).good


def test_an_empty_log_is_no_log():
    assert [str(finding) for finding in verify(RUN, []).findings] == ["the log is empty"]


def test_one_change_is_one_finding_at_its_row():
    row = ROWS[3]
    rows = [*ROWS[:3], (*row[:3], row[3] + " ", row[4]), *ROWS[4:]]
    (finding,) = verify(RUN, rows).findings
    assert str(finding) == "row 4: it is not what was written: its hash is another"


# ---------------------------------------------------------------- right hashes, wrong story


def without(*kinds):
    """The log without these rows, numbered and chained anew."""
    kept = [row for row in ROWS if row[2] not in kinds]
    return rechained([(number, *row[1:]) for number, row in enumerate(kept, 1)])


def found(rows):
    verdict = verify(RUN, rows)
    assert len(verdict.findings) == 1, verdict.findings
    return str(verdict.findings[0])


def test_an_approval_that_nobody_gave_is_found_though_its_hashes_are_right():
    """G10, G71"""
    assert "the votes before it do not decide so" in found(without("VoteCast", "PreVoteCounted"))


def test_a_rejection_turned_into_an_approval_is_found():
    forged = rechained([
        (*row[:2], "GateApproved", row[3]) if row[2] == "GateRejected" else row for row in ROWS
    ])  # fmt: skip
    assert "the votes before it do not decide so" in found(forged)


def test_a_vote_after_the_closing_is_found():
    closed = next(n for n, row in enumerate(ROWS) if row[2] == "GateApproved")
    vote = next(row for row in ROWS if row[2] == "VoteCast" and '"gate":"ask"' in row[3])
    rows = [*ROWS[: closed + 1], vote, *ROWS[closed + 1 :]]
    forged = rechained([(number, *row[1:]) for number, row in enumerate(rows, 1)])
    assert "a vote came when the gate was approved" in found(forged)


def test_a_vote_by_a_link_that_was_never_made_is_found():
    forged = rechained([
        (*row[:3], re.sub('"link\\d"', '"link9"', row[3])) if row[2] == "VoteCast" else row
        for row in ROWS
    ])  # fmt: skip
    assert "that was never made" in found(forged)


def test_a_timeout_before_its_time_is_found(play):
    run = play(ask={"timeout": 60.0}).opened()
    run.now += 60
    assert run.tell(c.CheckDeadline())[0] == "GateTimedOut"
    rows = chained_rows(run.log)
    assert verify(RUN, rows).good
    early = [(row[0], min(row[1], 1059.0), *row[2:4]) for row in rows]
    assert "the deadline had not come" in found(rechained(early))


def test_a_step_out_of_turn_is_found():
    assert "the step 'load' was still running" in found(without("StepSucceeded"))


def test_a_gate_that_the_run_does_not_have_is_a_finding_and_no_fault():
    forged = rechained([
        (*row[:3], row[3].replace('"ask"', '"nope"')) if row[2] == "GateShown" else row
        for row in ROWS
    ])  # fmt: skip
    assert "the machine can't have told it: KeyError" in found(forged)


def test_a_log_begins_with_the_runs_creation():
    said = found(without("RunCreated"))
    assert "the log begins with RunStarted, not with RunCreated" in said


def test_a_kind_of_another_version_is_named():
    rows = [*ROWS, (len(ROWS) + 1, 2.0, "Nonsense", "{}")]
    assert "event kind 'Nonsense' is not known to this version" in found(rechained(rows))


def test_a_row_that_is_not_whole_is_taken_by_its_hash_where_the_reader_says_so():
    place = next(n for n, row in enumerate(ROWS) if row[2] == "StepSucceeded")
    row = ROWS[place]
    cut = (*row[:3], row[3].replace('{"rows":3}', "null"), row[4])
    rows = [*ROWS[:place], cut, *ROWS[place + 1 :]]
    assert not verify(RUN, rows).good
    assert verify(RUN, rows, left_out={cut[0]}).good


# ---------------------------------------------------------------- anything

anything = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=4)
    | st.sampled_from(["\udcff", "{}", "[" * 5000, "9" * 5000, float("inf"), float("nan"), 1e300])
)
columns = st.tuples(
    anything | st.integers(1, 9),
    anything | st.floats(0, 1e9),
    anything | st.sampled_from(sorted(KINDS)),
    anything | st.sampled_from([row[3] for row in ROWS]),
    anything | st.text("0123456789abcdef", min_size=64, max_size=64),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(ROWS) | columns, max_size=12))
def test_no_rows_make_it_raise(rows):
    verdict = verify(RUN, rows)
    assert verdict.good == (rows == ROWS[: len(rows)] and bool(rows))
    assert all(str(finding) for finding in verdict.findings)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(ROWS)), max_size=12))
def test_no_rows_with_right_hashes_make_it_raise(said):
    forged = [
        (number, row[1], kind if number % 2 else row[2], row[3])
        for number, (kind, row) in enumerate(said, 2)
    ]
    verify(RUN, rechained([ROWS[0], *forged]))
