"""What a cell finds bound (approvals.md section 3)."""

from jupyter_flows.core import commands as c
from jupyter_flows.core.bindings import bindings


def test_before_any_gate_only_the_input_is_bound(play):
    """G20."""
    p = play({"n": 1}, load=None, ask={}).begin()
    assert bindings(p.run) == {"flow_input": {"n": 1}}


def test_after_a_gate_the_newest_payload_all_payloads_and_the_names_are_bound(play):
    """G20."""
    p = play(ask={"required_events": 2}, publish=None).opened()
    p.vote("bob", payload={"n": 1})
    p.vote(link=p.gate().link, payload={"n": 2})
    bound = bindings(p.run)
    assert bound["resume"] == {"n": 2}
    assert bound["resumes"] == [{"n": 1}, {"n": 2}]
    assert bound["approvers"] == ["bob", "anonymous"]
    assert bound["gates"]["ask"]["status"] == "approved"
    assert [vote["approver"] for vote in bound["gates"]["ask"]["votes"]] == ["bob", None]


def test_the_text_box_of_a_gate_without_a_form_arrives_as_message(play):
    """G21."""
    p = play(ask={}, publish=None).opened()
    p.vote("bob", payload={"message": "fine"})
    assert bindings(p.run)["resume"]["message"] == "fine"


def test_names_stay_bound_and_the_later_gate_wins_also_at_the_same_moment(play):
    """G20."""
    p = play(ask={}, load=None, sign={}, publish=None).opened()
    p.vote("bob", payload={"n": 1})
    p.tell(c.Advance())
    p.finish("load")
    assert bindings(p.run)["resume"] == {"n": 1}
    p.tell(c.Advance())
    p.finish("sign")
    p.vote("alice", gate="sign", payload={"n": 2})
    assert bindings(p.run)["resume"] == {"n": 2}
    assert bindings(p.run)["approvers"] == ["alice"]
    assert bindings(p.run)["gates"]["ask"]["resume"] == {"n": 1}


def test_cells_that_run_again_find_what_they_found_the_first_time(play):
    """G20."""
    p = play(ask={}, sign={}, publish=None).opened()
    p.vote("bob", payload={"n": 1})
    p.tell(c.Advance())
    p.finish("sign")
    p.vote("alice", gate="sign", payload={"n": 2})
    assert bindings(p.run, before="ask") == {"flow_input": {}}
    assert bindings(p.run, before="sign")["resume"] == {"n": 1}
    assert bindings(p.run, before="publish")["resume"] == {"n": 2}


def test_after_a_rejection_that_lets_the_run_go_on_the_error_and_the_payload_are_bound(play):
    """G14."""
    p = play(ask={"continue_on_disapprove_timeout": True}, publish=None).opened()
    p.vote("eve", approved=False, reason="x", payload={"why": "x"})
    assert bindings(p.run)["resume"] == {
        "error": {
            "name": "SuspendedDisapproved",
            "message": "Disapproved by eve",
            "reason": "x",
        },
        "payload": {"why": "x"},
    }
    assert bindings(p.run)["approvers"] == []


def test_after_a_timeout_the_error_or_the_authors_answer_is_bound(play):
    """G13, G14."""
    p = play(ask={"continue_on_disapprove_timeout": True}, publish=None).opened()
    p.now = p.gate().deadline
    p.tell(c.CheckDeadline())
    assert bindings(p.run)["resume"]["error"]["name"] == "SuspendedTimedOut"

    p = play(ask={"on_timeout": {"resume": {"n": 1}}}, publish=None).opened()
    p.now = p.gate().deadline
    p.tell(c.CheckDeadline())
    assert bindings(p.run)["resume"] == {"n": 1}
    assert bindings(p.run)["approvers"] == ["timeout"]


def test_a_gate_that_is_asked_again_is_not_bound_for_its_own_rerun(play):
    """G6, G20."""
    p = play(ask={}, sign={}, publish=None).opened()
    p.vote("bob", payload={"n": 1})
    p.tell(c.Advance())
    p.finish("sign")
    p.vote("eve", approved=False, gate="sign")
    p.tell(c.Resume(by="owner"))
    assert bindings(p.run)["resume"] == {"n": 1}
    assert list(bindings(p.run)["gates"]) == ["ask"]
