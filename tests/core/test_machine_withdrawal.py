"""A voter takes an approval back until the gate closes (G18)."""

import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core.model import RunStatus, Voter


def withdraw(p, name=None, link=None, *, verified=None, generation=1):
    logged_in = link is None if verified is None else verified
    voter = Voter(name, verified=logged_in, route="test", link=link)
    return p.tell(c.WithdrawVote(gate="ask", generation=generation, voter=voter))


def names(p):
    return [vote.voter.name for vote in p.gate().votes]


@pytest.fixture
def p(play):
    return play(ask={"required_events": 2}, publish=None).opened()


def test_a_withdrawn_approval_does_not_count_and_may_be_given_again(p):
    p.vote("bob")
    assert withdraw(p, "Bob") == ["VoteWithdrawn"]
    p.vote("alice")
    assert p.run.status is RunStatus.SUSPENDED
    assert "GateApproved" in p.vote("bob", payload={"n": 2})


def test_the_others_approvals_stay(p):
    p.vote("bob")
    withdraw(p, "bob")
    p.vote("alice")
    with pytest.raises(errors.NothingToWithdraw):
        withdraw(p, "bob")
    assert names(p) == ["alice"]


def test_an_approval_from_before_the_opening_is_withdrawn_too(play):
    p = play(ask={}, publish=None).begin()
    p.vote("bob")
    assert withdraw(p, "bob") == ["VoteWithdrawn"]
    p.finish("ask")
    assert p.run.status is RunStatus.SUSPENDED
    assert names(p) == []


def test_an_anonymous_approval_is_withdrawn_by_its_own_link(p):
    mine, other = p.mint(), p.mint()
    p.vote(link=mine)
    with pytest.raises(errors.NothingToWithdraw):
        withdraw(p, link=other)
    assert withdraw(p, link=mine) == ["VoteWithdrawn"]


def test_a_claimed_approval_is_withdrawn_by_the_user_of_that_name(p):
    p.vote("bob", link=p.mint("bob"))
    assert withdraw(p, "bob") == ["VoteWithdrawn"]


@pytest.mark.parametrize("same_link", [True, False])
def test_what_a_logged_in_user_gave_is_not_taken_back_by_a_link(p, same_link):
    """G41: a claimed identity does not undo a verified one."""
    link = p.mint("bob")
    p.vote("bob", link=link if same_link else None, verified=True)
    with pytest.raises(errors.LoginNeeded):
        withdraw(p, "bob", link)
    assert names(p) == ["bob"]
    assert withdraw(p, "bob") == ["VoteWithdrawn"]


@pytest.mark.parametrize("end", ["approved", "rejected", "timed out", "cancelled"])
def test_a_gate_that_is_over_gives_nothing_back(p, end):
    p.vote("bob")
    {
        "approved": lambda: p.vote("alice"),
        "rejected": lambda: p.vote("eve", approved=False),
        "timed out": p.time_comes,
        "cancelled": lambda: p.tell(c.Cancel(by="owner")),
    }[end]()
    before = p.run
    with pytest.raises(errors.GateSuperseded if end == "cancelled" else errors.GateClosed):
        withdraw(p, "bob")
    assert p.run == before


def test_at_the_deadline_it_is_too_late_though_no_tick_has_come(p):
    """G12."""
    p.vote("bob")
    p.now = p.gate().deadline
    with pytest.raises(errors.GateClosed, match="deadline"):
        withdraw(p, "bob")


def test_a_rejection_is_not_withdrawn(play):
    p = play(ask={}, publish=None).begin()
    p.vote("bob", approved=False)
    with pytest.raises(errors.NothingToWithdraw):
        withdraw(p, "bob")


def test_nobody_withdraws_from_a_gate_that_is_not_there_nor_from_an_older_one(play):
    """G6."""
    p = play(ask={"required_events": 2}).opened()
    with pytest.raises(errors.UnknownGate):
        withdraw(p, "bob", generation=2)
    p.vote("bob")
    p.vote("eve", approved=False)
    p.resume()
    with pytest.raises(errors.GateSuperseded):
        withdraw(p, "bob", generation=1)


@pytest.mark.parametrize(
    ("ready", "refusal"),
    [
        (lambda p, link: p.tell(c.RevokeLink(link=link, by="owner")), errors.LinkRevoked),
        (lambda p, link: setattr(p, "now", p.now + 5), errors.LinkExpired),
    ],
)
def test_a_link_that_is_gone_withdraws_nothing(p, ready, refusal):
    """G33."""
    link = p.mint(expires_at=p.now + 5)
    p.vote(link=link)
    ready(p, link)
    with pytest.raises(refusal):
        withdraw(p, link=link)


def test_a_flow_level_vote_is_withdrawn_and_its_link_stays_consumed(p):
    """G36: each one is consumed once."""
    link = p.mint_flow_level()
    p.pre_vote(link)
    assert withdraw(p, link=link) == ["VoteWithdrawn"]
    assert p.run.links[link].consumed_by == "ask"
    with pytest.raises(errors.LinkConsumed):
        p.pre_vote(link)
