"""How a gate closes, and who may answer how (approvals.md sections 2 and 4)."""

import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core.model import GateStatus, Purpose, RunStatus

FORM = {"properties": {"n": {"type": "integer"}}, "required": ["n"]}


def test_one_approver_is_counted_once_however_often_she_votes(play):
    """G10."""
    p = play(ask={"required_events": 2}).opened()
    first, second = p.mint("bob"), p.mint("Bob ")
    p.vote("bob", link=first)
    assert p.vote("Bob ", link=second) == []
    assert p.vote("bob", verified=True) == []
    with pytest.raises(errors.AlreadyVoted):
        p.vote("BOB", payload={"other": 1})
    assert p.run.status is RunStatus.SUSPENDED
    assert p.vote("alice")[:2] == ["VoteCast", "GateApproved"]


def test_a_name_written_with_other_code_points_is_the_same_approver(play):
    """G10."""
    p = play(ask={"required_events": 2}).opened()
    p.vote("Jos\u00e9")
    assert p.vote("Jose\u0301") == []


def test_anonymous_links_are_distinct_by_link(play):
    """G10."""
    p = play(ask={"required_events": 2}).opened()
    first, second = p.mint(), p.mint()
    p.vote(link=first)
    assert p.vote(link=first) == []
    assert p.vote(link=second)[:2] == ["VoteCast", "GateApproved"]


def test_an_empty_name_is_no_approver_of_its_own(play):
    """G10."""
    p = play(ask={"required_events": 2}).opened()
    link = p.mint("")
    p.vote("", link=link)
    assert p.vote(None, link=link) == []


@pytest.mark.parametrize("name", [None, "bob"])
def test_one_link_does_not_count_twice_because_its_holder_also_logs_in(play, name):
    """G10."""
    p = play(ask={"required_events": 2}).opened()
    link = p.mint(name)
    p.vote(name, link=link, verified=False)
    assert p.vote("alice", link=link, verified=True) == []
    assert p.run.status is RunStatus.SUSPENDED


def test_two_logged_in_users_who_share_a_link_are_two_approvers(play):
    """G10."""
    p = play(ask={"required_events": 2}).opened()
    link = p.mint()
    p.vote("alice", link=link, verified=True)
    assert p.vote("bob", link=link, verified=True)[:2] == ["VoteCast", "GateApproved"]


def test_one_rejection_closes_the_gate_whatever_else_has_arrived(play):
    """G11, G13."""
    p = play(ask={"required_events": 3}, publish=None).opened()
    p.vote("bob")
    p.vote("alice")
    assert p.vote("eve", approved=False, reason="too early") == [
        "VoteCast",
        "GateRejected",
        "RunFailed",
    ]
    assert p.run.error.as_json() == {
        "name": "SuspendedDisapproved",
        "message": "Disapproved by eve",
        "reason": "too early",
    }


def test_an_approver_may_still_reject_before_the_gate_closes(play):
    """G11."""
    p = play(ask={"required_events": 2}).opened()
    p.vote("bob")
    assert "GateRejected" in p.vote("bob", approved=False)


def test_the_deadline_is_fixed_at_the_opening_and_approvals_do_not_move_it(play):
    """G12."""
    p = play(ask={"required_events": 2, "timeout": 60.0}).opened()
    deadline = p.gate().deadline
    assert deadline == p.now + 60
    p.now += 30
    p.vote("bob")
    assert p.gate().deadline == deadline
    assert p.run.due_at == deadline


@pytest.mark.parametrize("late", [0, 1, 1e6])
def test_a_vote_at_or_after_the_deadline_is_refused_though_no_tick_has_come(play, late):
    """G12."""
    p = play(ask={"timeout": 60.0}).opened()
    p.now += 60 + late
    for approved in (True, False):
        with pytest.raises(errors.GateClosed):
            p.vote("bob", approved)
    with pytest.raises(errors.LinkExpired):
        p.vote(link=p.gate().link)


def test_a_flow_level_vote_after_the_open_gates_deadline_is_refused(play):
    """G12, G36."""
    p = play(ask={"timeout": 60.0}).opened()
    link = p.mint_flow_level("bob")
    p.now += 60
    with pytest.raises(errors.GateClosed):
        p.pre_vote(link)


def test_the_clock_closes_no_gate_before_its_deadline(play):
    """G12."""
    p = play(ask={"timeout": 60.0}).opened()
    p.now += 59.9
    assert p.tell(c.CheckDeadline()) == []


def test_on_timeout_the_run_fails_and_says_so(play):
    """G13."""
    p = play(ask={"timeout": 60.0, "required_events": 2}, publish=None).opened()
    p.vote("bob")
    p.now += 60
    assert p.tell(c.CheckDeadline()) == ["GateTimedOut", "RunFailed"]
    assert p.run.error.name == "SuspendedTimedOut"
    assert "1 of 2 approvals" in p.run.error.message
    assert p.gate().status is GateStatus.TIMED_OUT
    assert p.tell(c.CheckDeadline()) == []


def test_a_timeout_means_approved_only_where_the_author_wrote_so(play):
    """G13."""
    p = play(ask={"timeout": 60.0, "on_timeout": {"resume": {"n": 1}}}, publish=None).opened()
    p.now += 60
    assert p.tell(c.CheckDeadline()) == ["VoteCast", "GateTimedOut"]
    assert p.gate().status is GateStatus.TIMED_OUT
    assert p.gate().votes[-1].voter.shown == "timeout"
    assert not p.gate().votes[-1].voter.verified
    assert p.tell(c.Advance()) == ["StepStarted"]


def test_a_rejection_is_not_softened_by_on_timeout(play):
    """G11, G13."""
    p = play(ask={"on_timeout": {"resume": {}}}).opened()
    assert p.vote("eve", approved=False)[-1] == "RunFailed"


def test_the_run_goes_on_after_a_rejection_or_timeout_where_the_author_wrote_so(play):
    """G14."""
    p = play(ask={"continue_on_disapprove_timeout": True}, publish=None).opened()
    assert p.vote("eve", approved=False, payload={"why": "x"}) == ["VoteCast", "GateRejected"]
    assert p.tell(c.Advance()) == ["StepStarted"]

    late = play(ask={"continue_on_disapprove_timeout": True}).opened()
    late.now = late.gate().deadline
    assert late.tell(c.CheckDeadline()) == ["GateTimedOut", "RunSucceeded"]


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_gate_that_requires_a_reason_takes_no_rejection_without(play, reason):
    """G15."""
    p = play(ask={"require_reason": True}).opened()
    with pytest.raises(errors.ReasonRequired):
        p.vote("eve", approved=False, reason=reason)
    p.vote("eve", approved=False, reason="because")
    assert p.run.error.reason == "because"


def test_a_gate_that_requires_a_reason_takes_an_approval_without(play):
    """G15."""
    assert "GateApproved" in play(ask={"require_reason": True}).opened().vote("bob")


def test_a_gate_without_cancel_takes_no_rejection_by_any_way(play):
    """G16."""
    p = play(ask={"hide_cancel": True}).opened()
    with pytest.raises(errors.CancelHidden):
        p.vote("eve", approved=False)
    with pytest.raises(errors.CancelHidden):
        p.vote(approved=False, link=p.gate().link, purpose=Purpose.CANCEL)
    with pytest.raises(errors.CancelHidden):
        p.pre_vote(p.mint_flow_level("eve"), approved=False)


@pytest.mark.parametrize(("purpose", "approved"), [(Purpose.RESUME, False), (Purpose.CANCEL, True)])
def test_a_link_of_one_purpose_does_not_give_the_other_vote(play, purpose, approved):
    """G31."""
    p = play(ask={}, publish=None).begin()
    early, pre = p.mint("bob"), p.mint_flow_level("bob")
    for vote in (
        lambda: p.vote("bob", approved, early, purpose=purpose),
        lambda: p.pre_vote(pre, approved, purpose=purpose),
    ):
        with pytest.raises(errors.NotAllowed):
            vote()
    p.finish("ask")
    with pytest.raises(errors.NotAllowed):
        p.pre_vote(pre, approved, purpose=purpose)


@pytest.mark.parametrize("approved", [True, False])
def test_the_approval_pages_link_gives_both_votes(play, approved):
    """G31."""
    p = play(ask={}).opened()
    assert p.vote(approved=approved, link=p.gate().link, purpose=Purpose.APPROVE)


def test_the_owner_cancels_a_parked_run_and_that_is_no_vote(play):
    """G17."""
    p = play(ask={}).opened()
    assert p.tell(c.Cancel(by="owner", reason="enough")) == ["RunCancelled"]
    assert p.gate().status is GateStatus.SUPERSEDED
    assert p.gate().votes == ()
    assert p.run.error.as_json()["reason"] == "enough"
    assert p.tell(c.Cancel(by="owner")) == []


def test_the_owner_cancels_a_running_cell(play):
    """G17."""
    p = play(ask={}).begin()
    p.tell(c.Cancel(by="owner"))
    assert p.run.steps["ask"].status == "cancelled"
    assert p.gate().status is GateStatus.SUPERSEDED


def test_a_vote_after_the_cancel_is_refused(play):
    """G17, G35."""
    p = play(ask={"required_events": 2}).opened()
    p.vote("bob")
    p.tell(c.Cancel(by="owner"))
    for name in ("alice", "bob"):
        with pytest.raises(errors.GateSuperseded):
            p.vote(name)


def test_a_finished_run_is_not_cancelled(play):
    """G17."""
    p = play(load=None).begin()
    p.finish("load")
    with pytest.raises(errors.RunFinished):
        p.tell(c.Cancel(by="owner"))


def test_of_two_final_votes_one_closes_the_gate_and_the_other_is_refused(play):
    """G19."""
    p = play(ask={}, publish=None).opened()
    p.vote("bob")
    closed = p.gate()
    for approved in (True, False):
        with pytest.raises(errors.GateClosed, match="it was approved"):
            p.vote("alice", approved)
    assert p.gate() == closed
    assert sum(type(row.event).__name__ == "GateApproved" for row in p.log) == 1


@pytest.mark.parametrize("payload", [None, {}, {"n": 1}, {"n": 1, "more": 2}])
def test_the_same_vote_again_is_answered_and_makes_no_second_event(play, payload):
    """G35."""
    p = play(ask={"default_args": {"more": 2}, "required_events": 2}).opened()
    p.vote("bob", payload={"n": 1})
    seq = p.run.seq
    assert p.vote("bob", payload=payload) == []
    assert p.run.seq == seq


def test_the_same_vote_again_after_closing_is_answered(play):
    """G35."""
    p = play(ask={}).opened()
    p.vote("bob")
    assert p.vote("bob") == []


def test_a_different_vote_by_the_same_approver_after_closing_is_refused(play):
    """G35."""
    p = play(ask={}).opened()
    p.vote("bob")
    with pytest.raises(errors.Refused):
        p.vote("bob", approved=False)


def test_a_revoked_link_is_gone_and_so_is_an_expired_one(play):
    """G33, G35."""
    p = play(ask={}).opened()
    revoked, expired = p.mint("bob"), p.mint("bob", expires_at=p.now + 5)
    assert p.tell(c.RevokeLink(link=revoked, by="owner")) == ["LinkRevoked"]
    assert p.tell(c.RevokeLink(link=revoked, by="owner")) == []
    with pytest.raises(errors.LinkRevoked):
        p.vote("bob", link=revoked)
    p.now += 5
    with pytest.raises(errors.LinkExpired):
        p.vote("bob", link=expired)
    with pytest.raises(errors.UnknownLink):
        p.tell(c.RevokeLink(link="made-up", by="owner"))


def test_a_link_that_expired_at_the_epoch_is_expired(play):
    """G33."""
    p = play(ask={}).opened()
    with pytest.raises(errors.LinkExpired):
        p.vote("bob", link=p.mint("bob", expires_at=0.0))


def test_a_payload_that_the_form_refuses_is_no_vote(play):
    """G35, G62."""
    p = play(ask={"form": FORM}).opened()
    link = p.mint_flow_level("bob")
    for vote in (lambda: p.vote("bob", payload={"n": "x"}), lambda: p.pre_vote(link)):
        with pytest.raises(errors.FormInvalid):
            vote()
    assert p.gate().votes == ()
    assert p.run.pre_votes == ()


def test_a_vote_on_what_the_gate_no_longer_shows_is_refused(play):
    """G70."""
    p = play(ask={}).opened()
    with pytest.raises(errors.StaleDigest):
        p.vote("bob", digest="sha256:old")
    p.vote("bob", digest=p.gate().digest)
    assert p.gate().votes[0].digest == p.gate().digest


def test_outputs_that_change_while_the_gate_is_open_make_the_screen_stale(play):
    """G70."""
    p = play(load=None, ask={}).opened()
    seen = p.gate().digest
    p.tell(c.AmendOutputs(outputs={"load": "sha256:1"}))
    assert p.gate().digest == seen
    p.tell(c.AmendOutputs(outputs={"ask": "sha256:2"}))
    with pytest.raises(errors.StaleDigest):
        p.vote("bob", digest=seen)
    assert p.vote("bob", digest=p.gate().digest)


def test_a_flow_level_vote_waits_for_the_first_gate_and_is_consumed_once(play):
    """G36."""
    p = play(load=None, ask={}, sign={}).begin()
    link = p.mint_flow_level("bob")
    assert p.pre_vote(link, payload={"n": 1}) == ["VoteCast"]
    p.finish("load")
    p.tell(c.Advance())
    assert p.finish("ask")[-2:] == ["PreVoteCounted", "GateApproved"]
    assert p.run.links[link].consumed_by == "ask"
    p.tell(c.Advance())
    p.finish("sign")
    assert p.run.status is RunStatus.SUSPENDED
    assert p.gate("sign").votes == ()
    assert p.pre_vote(link, payload={"n": 1}) == []
    with pytest.raises(errors.LinkConsumed):
        p.pre_vote(link, payload={"n": 2})
    with pytest.raises(errors.LinkConsumed):
        p.pre_vote(link, approved=False)


@pytest.mark.parametrize("payload", [None, {}, {"n": 1}])
def test_a_flow_level_vote_again_is_answered_though_defaults_completed_it(play, payload):
    """G35, G36."""
    p = play(ask={"default_args": {"more": 2}}, publish=None).opened()
    link = p.mint_flow_level("bob")
    p.pre_vote(link, payload=payload)
    assert p.gate().votes[0].payload == {"more": 2, **(payload or {})}
    assert p.pre_vote(link, payload=payload) == []


def test_a_flow_level_vote_while_a_gate_is_open_is_counted_at_once(play):
    """G36."""
    p = play(ask={"required_events": 2}).opened()
    assert p.pre_vote(p.mint_flow_level("bob")) == ["VoteCast", "PreVoteCounted"]
    assert p.pre_vote(p.mint_flow_level("alice"))[-2:] == ["GateApproved", "RunSucceeded"]


def test_only_as_many_pre_approvals_are_consumed_as_are_needed(play):
    """G36."""
    p = play(ask={}, sign={}).begin()
    for name in ("bob", "alice"):
        p.pre_vote(p.mint_flow_level(name))
    assert p.finish("ask").count("PreVoteCounted") == 1
    p.tell(c.Advance())
    assert p.finish("sign")[-1] == "RunSucceeded"


def test_two_flow_level_links_of_one_approver_are_one_approver(play):
    """G10, G36."""
    p = play(ask={"required_events": 2}).begin()
    p.vote("bob", link=p.mint("bob"))
    p.pre_vote(p.mint_flow_level("bob"))
    assert "PreVoteCounted" not in p.finish("ask")
    with pytest.raises(errors.AlreadyVoted):
        p.pre_vote(p.mint_flow_level("bob"))
    assert p.run.status is RunStatus.SUSPENDED


def test_a_pre_rejection_counts_whatever_else_has_arrived(play):
    """G11, G36."""
    p = play(ask={}, sign={}).begin()
    p.pre_vote(p.mint_flow_level("bob"))
    p.pre_vote(p.mint_flow_level("eve"), approved=False)
    assert p.finish("ask")[-3:] == ["PreVoteCounted", "GateRejected", "RunFailed"]
    assert p.run.error.message == "Disapproved by eve"


def test_pre_approvals_are_not_wasted_on_a_gate_that_is_rejected_anyway(play):
    """G36."""
    p = play(ask={"continue_on_disapprove_timeout": True}, sign={}).begin()
    p.pre_vote(p.mint_flow_level("bob"))
    p.vote("eve", approved=False)
    assert "PreVoteCounted" not in p.finish("ask")
    p.tell(c.Advance())
    assert p.finish("sign")[-1] == "RunSucceeded"


def test_a_gate_may_refuse_pre_approvals(play):
    """G36."""
    p = play(ask={"pre_approvals": False}, sign={}).begin()
    p.pre_vote(p.mint_flow_level("bob"))
    p.finish("ask")
    assert p.run.status is RunStatus.SUSPENDED
    assert p.pre_vote(p.mint_flow_level("alice")) == ["VoteCast"]
    p.vote("carol")
    p.tell(c.Advance())
    assert p.finish("sign")[-1] == "RunSucceeded"


@pytest.mark.parametrize("options", [{"hide_cancel": True}, {"require_reason": True}])
def test_a_pre_rejection_that_the_gate_does_not_take_is_not_counted(play, options):
    """G15, G16, G36."""
    p = play(ask=options).begin()
    p.pre_vote(p.mint_flow_level("eve"), approved=False)
    p.finish("ask")
    assert p.run.status is RunStatus.SUSPENDED


def test_a_gates_link_is_no_flow_level_link_nor_the_other_way_round(play):
    """G31, G36."""
    p = play(ask={}).opened()
    with pytest.raises(errors.UnknownLink):
        p.pre_vote(p.gate().link)
    with pytest.raises(errors.UnknownLink):
        p.vote("bob", link=p.mint_flow_level("bob"))


def test_no_flow_level_vote_is_kept_for_a_run_that_has_ended(play):
    """G35, G36."""
    p = play(load=None).begin()
    link = p.mint_flow_level("bob")
    p.finish("load")
    with pytest.raises(errors.RunFinished):
        p.pre_vote(link)
