"""One function decides every vote: its table, way by way."""

import pytest

from jupyter_flows.core import errors, policy
from jupyter_flows.core.commands import CastVote
from jupyter_flows.core.model import Gate, GateOptions, GateStatus, Purpose, StepId, Vote, Voter

BOB = Voter("bob", verified=True, route="api")


def gate(status=GateStatus.OPEN, votes=(), **options):
    return Gate(
        StepId("ask"),
        1,
        GateOptions(**options),
        status,
        0.0,
        60.0,
        votes=votes,
        digest="sha256:now",
    )


def vote(approved=True, voter=BOB, **more):
    return CastVote(gate=StepId("ask"), generation=1, voter=voter, approved=approved, **more)


def cast(voter=BOB, approved=True, payload=None):
    return Vote(voter, approved, 0.0, payload)


@pytest.mark.parametrize(
    ("found", "asked", "refusal"),
    [
        (gate(), vote(), None),
        (gate(GateStatus.EXPECTED), vote(), None),
        (gate(GateStatus.APPROVED), vote(), errors.GateClosed),
        (gate(GateStatus.REJECTED), vote(), errors.GateClosed),
        (gate(GateStatus.TIMED_OUT), vote(), errors.GateClosed),
        (gate(GateStatus.SUPERSEDED), vote(), errors.GateSuperseded),
        (gate(votes=(cast(),)), vote(), errors.AlreadyVoted),
        (gate(votes=(cast(),)), vote(approved=False), None),
        (gate(votes=(cast(approved=False),)), vote(approved=False), errors.AlreadyVoted),
        (gate(hide_cancel=True), vote(approved=False), errors.CancelHidden),
        (gate(hide_cancel=True), vote(), None),
        (gate(require_reason=True), vote(approved=False), errors.ReasonRequired),
        (gate(require_reason=True), vote(approved=False, reason="x"), None),
        (gate(), vote(digest="sha256:old"), errors.StaleDigest),
        (gate(), vote(digest="sha256:now"), None),
    ],
)
def test_a_vote_counts_or_is_refused(found, asked, refusal):
    """G10, G11, G15, G16, G35, G70."""
    if refusal is None:
        policy.check_vote(found, asked, 59.9)
    else:
        with pytest.raises(refusal):
            policy.check_vote(found, asked, 59.9)


def test_the_deadline_itself_is_too_late():
    """G12."""
    with pytest.raises(errors.GateClosed, match="deadline"):
        policy.check_vote(gate(), vote(), 60.0)


@pytest.mark.parametrize("purpose", [None, *Purpose])
@pytest.mark.parametrize("approved", [True, False])
def test_each_purpose_gives_its_own_votes(purpose, approved):
    """G31."""
    given = {Purpose.RESUME: {True}, Purpose.CANCEL: {False}}.get(purpose, {True, False})
    if approved in given:
        policy.check_purpose(vote(approved, purpose=purpose))
    else:
        with pytest.raises(errors.NotAllowed):
            policy.check_purpose(vote(approved, purpose=purpose))


@pytest.mark.parametrize(
    ("before", "asked", "repeated"),
    [
        ((), vote(), False),
        ((cast(),), vote(), True),
        ((cast(payload={"n": 1}),), vote(payload={"n": 1}), True),
        ((cast(payload={"n": 1}),), vote(), True),
        ((cast(payload={"n": 1, "more": 2}),), vote(payload={"n": 1}), True),
        ((cast(payload={"n": 1}),), vote(payload={"n": 2}), False),
        ((cast(),), vote(approved=False), False),
        ((cast(), cast(approved=False)), vote(), False),
    ],
)
def test_a_vote_is_a_repeat_when_it_says_the_same(before, asked, repeated):
    """G35."""
    assert policy.is_repeated(gate(votes=before, default_args={"more": 2}), asked) is repeated


ONE = [
    (Voter("bob", True, "api"), Voter("Bob ", False, "link", "l1")),
    (Voter(None, False, "link", "l1"), Voter(None, False, "page", "l1")),
    (Voter(None, False, "link", "l1"), Voter("bob", True, "page", "l1")),
    (Voter("bob", False, "link", "l1"), Voter("alice", True, "page", "l1")),
    (Voter("", False, "link", "l1"), Voter(None, False, "page", "l1")),
    (Voter("stra\u00dfe", True, "api"), Voter("STRASSE", True, "api")),
]
TWO = [
    (Voter("bob", True, "api"), Voter("alice", True, "api")),
    (Voter(None, False, "link", "l1"), Voter(None, False, "link", "l2")),
    (Voter("bob", True, "page", "l1"), Voter("alice", True, "page", "l1")),
    (Voter("link:l1", True, "api"), Voter(None, False, "link", "l1")),
]


@pytest.mark.parametrize(
    ("one", "other", "same"), [(*p, True) for p in ONE] + [(*p, False) for p in TWO]
)
def test_who_counts_as_one_approver(one, other, same):
    """G10."""
    assert one.same_as(other) is other.same_as(one) is same
