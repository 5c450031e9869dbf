"""Signed tokens: G31, point by point."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flows.core.errors import UnknownLink
from jupyter_flows.core.links import (
    MAX_TOKEN_CHARS,
    Claims,
    Keyring,
    WeakKeyError,
    claims_of,
    read,
    write,
)
from jupyter_flows.core.model import Link, LinkId, Purpose, RunId, StepId

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
RING = Keyring((OLD, NEW))
CLAIMS = Claims(Purpose.RESUME, RunId("r1"), StepId("ask"), 1, LinkId("l1"), "bob", 1234.5)
TOKEN = write(RING, CLAIMS)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
claims = st.builds(
    Claims,
    purpose=st.sampled_from(Purpose),
    run=texts,
    gate=st.none() | texts,
    generation=st.integers(0, 1000),
    link=texts,
    approver=st.none() | texts,
    expires_at=st.none() | st.floats(allow_nan=False),
)


@given(claims)
def test_what_a_token_claims_is_read_from_it(said):
    assert read(RING, said.purpose, write(RING, said)) == said


@given(claims, claims)
def test_no_two_claims_are_written_alike(one, other):
    assert (write(RING, one) == write(RING, other)) == (repr(one) == repr(other))


def test_a_separator_within_a_field_does_not_shift_the_fields():
    one = Claims(Purpose.RESUME, RunId("r1a"), StepId("sk"), 1, LinkId("l"), None, None)
    other = Claims(Purpose.RESUME, RunId("r1"), StepId("ask"), 1, LinkId("l"), None, None)
    assert write(RING, one) != write(RING, other)


def test_absent_and_empty_are_not_the_same():
    empty = Claims(Purpose.RESUME, RunId("r"), StepId(""), 0, LinkId("l"), "", None)
    absent = Claims(Purpose.RESUME, RunId("r"), None, 0, LinkId("l"), None, None)
    assert write(RING, empty) != write(RING, absent)
    assert read(RING, Purpose.RESUME, write(RING, empty)) == empty


@given(claims, st.sampled_from(Purpose))
def test_a_link_of_one_purpose_does_not_verify_for_another(said, purpose):
    if purpose is not said.purpose:
        with pytest.raises(UnknownLink):
            read(RING, purpose, write(RING, said))


def test_each_use_has_a_key_of_its_own():
    signatures = {RING.sign(use, b"same data") for use in ("approve", "resume", "cancel", "run")}
    assert len(signatures) == 4
    with pytest.raises(UnknownLink):
        RING.unsign("resume", RING.sign("cancel", b"same data"))


def test_a_token_signed_by_the_right_key_for_other_claims_is_refused():
    said = RING.unsign("resume", TOKEN)
    with pytest.raises(UnknownLink):
        read(RING, Purpose.CANCEL, RING.sign("cancel", said))


def test_data_that_is_no_claims_is_refused_though_it_is_signed():
    for data in (b"", b"\0\0\0\0", b"\0\0\0\0" * 8, b"\0\0\0\2=x"):
        with pytest.raises(UnknownLink):
            read(RING, Purpose.RESUME, RING.sign("resume", data))


def test_an_old_key_still_verifies_and_the_newest_signs():
    old, new = Keyring((OLD,)), Keyring((NEW,))
    assert read(RING, Purpose.RESUME, write(old, CLAIMS)) == CLAIMS
    assert write(RING, CLAIMS) == write(new, CLAIMS)


def test_a_key_that_was_removed_no_longer_verifies():
    old = write(Keyring((OLD,)), CLAIMS)
    for ring in (Keyring((NEW,)), Keyring((NEW, OTHER))):
        with pytest.raises(UnknownLink):
            read(ring, Purpose.RESUME, old)


@pytest.mark.parametrize("keys", [(), (b"",), (b"k" * 31,), (NEW, b""), (b"short", NEW)])
def test_an_empty_or_short_key_refuses_to_start(keys):
    with pytest.raises(WeakKeyError):
        Keyring(keys)


def test_a_keyring_does_not_show_its_keys():
    assert "nnnn" not in repr(RING)
    assert "nnnn" not in str(RING)


def test_the_signature_is_a_sha256():
    _, _, signature = TOKEN.rpartition(".")
    assert len(signature) == 43  # 32 bytes in base64


def test_the_same_claims_give_the_same_token():
    assert write(RING, CLAIMS) == TOKEN


@pytest.mark.parametrize("length", range(len(TOKEN)))
def test_a_truncated_token_is_refused(length):
    with pytest.raises(UnknownLink):
        read(RING, Purpose.RESUME, TOKEN[:length])


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(string.printable + "é"))
def test_a_token_with_one_character_replaced_is_refused(at, char):
    forged = TOKEN[:at] + char + TOKEN[at + 1 :]
    if forged != TOKEN:
        with pytest.raises(UnknownLink):
            read(RING, Purpose.RESUME, forged)


def test_a_token_with_another_last_character_is_refused():
    for char in string.ascii_letters + string.digits + "-_+/=":
        if char != TOKEN[-1]:
            with pytest.raises(UnknownLink):
                read(RING, Purpose.RESUME, TOKEN[:-1] + char)


@given(st.integers(0, len(TOKEN)), st.sampled_from(string.printable + "é\0"))
def test_a_token_with_one_character_more_is_refused(at, char):
    with pytest.raises(UnknownLink):
        read(RING, Purpose.RESUME, TOKEN[:at] + char + TOKEN[at:])


@given(st.integers(0, len(TOKEN) - 1))
def test_a_token_with_one_character_less_is_refused(at):
    with pytest.raises(UnknownLink):
        read(RING, Purpose.RESUME, TOKEN[:at] + TOKEN[at + 1 :])


@given(st.text())
def test_any_other_text_is_refused(text):
    with pytest.raises(UnknownLink):
        read(RING, Purpose.RESUME, text)


def test_an_overlong_token_is_refused_unread():
    long = RING.sign("resume", b"x" * MAX_TOKEN_CHARS)
    with pytest.raises(UnknownLink):
        RING.unsign("resume", long)
    assert RING.unsign("resume", RING.sign("resume", b"x" * 1400)) == b"x" * 1400


def test_the_longest_claims_that_can_be_minted_fit_into_a_token():
    names = Claims(
        Purpose.APPROVE, RunId("r" * 64), StepId("s" * 64), 9999, LinkId("l" * 64),
        "\U0001f600" * 200, 1e9,
    )  # fmt: skip
    assert read(RING, Purpose.APPROVE, write(RING, names)) == names


def test_every_refusal_says_the_same():
    """G35."""
    forged = [
        "", "x", TOKEN[:-1], TOKEN + "A", "A" * 3000, "é", TOKEN.replace(".", ""),
        RING.sign("cancel", b"x"), RING.sign("resume", b""), write(Keyring((OTHER,)), CLAIMS),
    ]  # fmt: skip
    refusals = set()
    for token in forged:
        with pytest.raises(UnknownLink) as refusal:
            read(RING, Purpose.RESUME, token)
        refusals.add((type(refusal.value), str(refusal.value)))
        assert refusal.value.__cause__ is None
    assert len(refusals) == 1


def test_a_link_has_one_token_for_each_purpose():
    link = Link(LinkId("l1"), StepId("ask"), 2, "bob", 0.0, expires_at=9.0)
    tokens = {purpose: write(RING, claims_of(RunId("r1"), link, purpose)) for purpose in Purpose}
    assert len(set(tokens.values())) == len(Purpose)
    for purpose, token in tokens.items():
        said = read(RING, purpose, token)
        assert (said.run, said.gate, said.generation) == ("r1", "ask", 2)
        assert (said.link, said.approver, said.expires_at) == ("l1", "bob", 9.0)
