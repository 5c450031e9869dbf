"""When a gate opens (approvals.md section 1)."""

import pytest
from msgspec.structs import replace

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core.machine import StartStep, Wait, plan
from jupyter_flows.core.model import GateStatus, LinkId, RunStatus

FORM = {"properties": {"n": {"type": "integer"}}, "required": ["n"]}


def test_a_gate_needs_one_approval_and_has_the_runs_default_timeout(play):
    """G1, G12."""
    p = play(ask={}).opened()
    assert p.gate().options.required_events == 1
    assert p.gate().deadline == p.now + p.run.default_timeout


def test_a_gate_opens_after_its_cell_has_finished(play):
    """G2."""
    p = play(ask={}, publish=None).begin()
    assert p.gate().status is GateStatus.EXPECTED
    assert p.finish("ask") == ["StepSucceeded", "GateOpened", "LinkMinted"]
    assert p.run.status is RunStatus.SUSPENDED
    assert p.gate().status is GateStatus.OPEN


def test_the_gate_is_given_a_link_of_its_own(play):
    """G30."""
    p = play(ask={}).opened()
    assert p.gate().link is not None
    assert p.run.links[p.gate().link].gate == "ask"


def test_the_cells_last_value_configures_the_gate(play):
    """G2."""
    p = play(ask={"description": "old"}).opened(
        result={"description": "new", "schema": FORM, "default_args": {"n": 3}, "resume": "url"}
    )
    assert p.gate().options.description == "new"
    assert p.gate().options.form == FORM
    assert p.gate().options.default_args == {"n": 3}
    assert p.gate().prompt


def test_another_last_value_is_just_the_result(play):
    """G2."""
    p = play(ask={"description": "old"}).opened(result={"rows": 3})
    assert p.gate().options.description == "old"
    assert p.run.steps["ask"].result == {"rows": 3}
    assert not p.gate().prompt


@pytest.mark.parametrize(
    "result",
    [
        {"schema": "text"},
        {"default_args": [1]},
        {"enums": {"n": 1}},
        {"schema": {"type": "nonsense"}},
        {"schema": {"properties": 5}},
        {"default_args": {"n": float("nan")}},
        {"schema": {"properties": {"n": {"pattern": "("}}}},
    ],
)
def test_a_gate_configured_wrongly_fails_the_step_and_never_opens(play, result):
    """G2, G3."""
    p = play(ask={}).begin()
    assert p.finish("ask", result) == ["StepFailed", "RunFailed"]
    assert p.run.error.name == "GateConfigInvalid"
    assert p.gate().status is GateStatus.SUPERSEDED


def test_a_gate_opens_on_the_last_cell_too(play):
    """G3."""
    p = play(load=None, ask={}).opened()
    assert p.run.status is RunStatus.SUSPENDED
    assert p.vote("bob") == ["VoteCast", "GateApproved", "RunSucceeded"]


def test_no_gate_opens_when_its_cell_failed(play):
    """G3."""
    p = play(ask={}).begin()
    assert p.fail("ask") == ["StepFailed", "RunFailed"]
    assert p.run.open_gate is None


def test_no_gate_opens_when_its_cell_is_skipped(play):
    """G3."""
    spec = replace(play(ask={}).run.steps["ask"].spec, skipped=True)
    p = play(ask=spec, publish=None).begin()
    assert p.run.gates == {}
    assert p.run.running_step.id == "publish"


def test_votes_from_before_the_opening_count_and_the_run_never_parks(play):
    """G4."""
    p = play(ask={"required_events": 2}, publish=None).begin()
    assert p.vote("bob") == ["VoteCast"]
    assert p.vote("alice") == ["VoteCast"]
    assert p.finish("ask")[-1] == "GateApproved"
    assert p.run.status is RunStatus.RUNNING
    assert plan(p.run) == StartStep()


def test_too_few_early_votes_leave_the_gate_open(play):
    """G4."""
    p = play(ask={"required_events": 2}).begin()
    p.vote("bob")
    p.finish("ask")
    assert p.run.status is RunStatus.SUSPENDED
    assert plan(p.run) == Wait(p.gate().deadline)
    assert p.vote("alice")[:2] == ["VoteCast", "GateApproved"]


def test_an_early_rejection_closes_the_gate_as_it_opens(play):
    """G4, G11."""
    p = play(ask={"required_events": 2}).begin()
    p.vote("bob")
    p.vote("eve", approved=False, reason="no")
    assert p.finish("ask")[-2:] == ["GateRejected", "RunFailed"]


def test_an_early_vote_is_completed_by_the_form_it_did_not_know(play):
    """G4, G60."""
    p = play(ask={"default_args": {"n": 1}}).begin()
    p.vote("bob", payload={"note": "go"})
    p.finish("ask", {"schema": FORM, "default_args": {"n": 5}})
    assert p.gate().votes[0].payload == {"n": 5, "note": "go"}


def test_an_early_vote_that_does_not_fit_the_form_is_dismissed_and_may_be_given_again(play):
    """G4, G62."""
    p = play(ask={}).begin()
    link = p.mint("bob")
    p.vote("bob", link=link, payload={"n": "three"})
    assert "VoteDismissed" in p.finish("ask", {"schema": FORM})
    assert p.gate().votes == ()
    assert p.vote("bob", link=link, payload={"n": 3})[:2] == ["VoteCast", "GateApproved"]


def test_dismissing_an_early_approval_keeps_the_rejection_that_followed_it(play):
    """G4, G11."""
    p = play(ask={"required_events": 2}).begin()
    p.vote("bob", payload={"n": "three"})
    p.vote("bob", approved=False, reason="on second thoughts")
    kinds = p.finish("ask", {"schema": FORM})
    assert "VoteDismissed" in kinds
    assert kinds[-2:] == ["GateRejected", "RunFailed"]


def test_a_rerun_of_the_gate_cell_opens_a_new_generation(play):
    """G6."""
    p = play(ask={}).opened()
    p.vote("bob", approved=False)
    resume(p)
    p.finish("ask")
    assert p.gate(generation=1).status is GateStatus.REJECTED
    assert p.gate(generation=2).status is GateStatus.OPEN


@pytest.mark.parametrize("approved", [True, False])
def test_a_vote_for_an_older_generation_is_refused_and_touches_nothing(play, approved):
    """G6."""
    p = play(ask={}).opened()
    link = p.mint("carol")
    p.vote("bob", approved=False)
    resume(p)
    p.finish("ask")
    before = p.run
    for name, by in (("carol", link), ("dave", None), ("bob", None)):
        with pytest.raises(errors.GateSuperseded):
            p.vote(name, approved, by, generation=1)
    assert p.run == before


def test_a_link_of_an_older_generation_does_not_open_the_newer_one(play):
    """G6, G31."""
    p = play(ask={}).opened()
    link = p.mint("carol")
    p.vote("bob", approved=False)
    resume(p)
    p.finish("ask")
    with pytest.raises(errors.GateSuperseded):
        p.vote("carol", link=link, generation=2)


def test_votes_of_a_cell_that_was_interrupted_do_not_count_for_its_rerun(play):
    """G6."""
    p = play(ask={}).begin()
    p.vote("bob")
    p.tell(c.LoseKernel(why="gone"))
    assert p.gate().status is GateStatus.SUPERSEDED
    resume(p)
    p.finish("ask")
    assert p.gate(generation=2).votes == ()
    assert p.run.status is RunStatus.SUSPENDED
    with pytest.raises(errors.GateSuperseded):
        p.vote("bob", generation=1)


def test_links_are_given_out_while_the_cell_runs_and_while_the_gate_is_open(play):
    """G30."""
    p = play(load=None, ask={}).begin()
    with pytest.raises(errors.NoGate, match="has not started"):
        p.mint("bob")
    with pytest.raises(errors.NoGate, match="tag its cell"):
        p.mint("bob", gate="load")
    with pytest.raises(errors.UnknownStep):
        p.mint("bob", gate="nope")
    p.opened()
    link = p.mint("bob")
    assert p.run.links[link].generation == 1
    p.vote("bob")
    with pytest.raises(errors.RunFinished):
        p.mint("bob")


def test_no_links_are_given_out_for_a_closed_gate(play):
    """G30."""
    p = play(ask={}, publish=None).opened()
    p.vote("bob")
    with pytest.raises(errors.NoGate, match="approved"):
        p.mint("bob")


def test_an_approvers_name_that_no_link_can_hold_is_refused(play):
    """G31."""
    with pytest.raises(errors.BadInput):
        play(ask={}).opened().mint("b" * 201)


def test_a_vote_for_a_gate_that_is_not_there_is_refused(play):
    p = play(load=None, ask={}).begin()
    for gate, generation in (("ask", 1), ("load", 1), ("nope", 1), ("ask", 0)):
        with pytest.raises(errors.UnknownGate):
            p.vote("bob", gate=gate, generation=generation)
    with pytest.raises(errors.UnknownGate, match="must name its gate"):
        p.vote("bob", gate=None)


def test_a_link_for_one_gate_does_not_open_another(play):
    """G31, G35."""
    p = play(ask={}, sign={}).opened()
    link = p.mint("bob")
    p.vote("alice")
    p.begin()
    p.finish("sign")
    for by in (link, LinkId("made-up")):
        with pytest.raises(errors.UnknownLink):
            p.vote("bob", link=by, gate="sign")


def resume(p):
    p.tell(c.Resume(by="owner"))
    p.tell(c.FinishRebuild())
    p.tell(c.Advance())


def test_a_flow_level_vote_on_what_one_gate_showed_never_counts_at_another(play):
    """G36, G70."""
    p = play(ask={"pre_approvals": False}, wipe={}).opened()
    link = p.mint_flow_level("ann")
    with pytest.raises(errors.StaleDigest):
        p.pre_vote(link, digest=p.gate().digest)
    assert not p.run.pre_votes


def test_a_pre_vote_that_names_another_gates_digest_is_not_counted_at_the_opening(play):
    """G36, G70. Such a vote is refused today; an old log may hold one."""
    p = play(ask={}).begin()
    link = p.mint_flow_level("ann")
    p.pre_vote(link)
    vote = replace(p.run.pre_votes[0], digest="sha256:another")
    p.run = replace(p.run, pre_votes=(vote,))
    assert "PreVoteCounted" not in p.finish("ask")
    assert p.gate().status is GateStatus.OPEN


def test_what_a_gates_cell_gave_before_never_stands_for_an_answer(play):
    """G5: a gate that is asked again waits again, though its cell gives the same."""
    p = play(ask={}, then=None).opened(result={"n": 1})
    p.vote("bob", approved=False)
    p.resume()
    events = p.finish("ask", {"n": 1})
    assert "GateOpened" in events
    assert p.run.open_gate.generation == 2
    assert p.run.open_gate.votes == ()
