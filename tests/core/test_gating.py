"""A gate as its author describes it, in the options and by the cell's last value (G2, G44)."""

import pytest

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.gating import (
    configured_gate,
    configures_gate,
    gate_mistake,
    gate_options,
    is_prompt,
)
from jupyter_flows.core.model import GateOptions, GroupNeed


@pytest.mark.parametrize("said", [None, False])
def test_where_nothing_is_said_there_is_no_gate(said):
    """G1."""
    assert gate_options(said) is None


@pytest.mark.parametrize("said", [True, {}])
def test_a_gate_may_be_plain(said):
    """G1."""
    assert gate_options(said) == GateOptions()


@pytest.mark.parametrize(
    ("said", "required", "more"),
    [
        ({"required_events": 2.0}, 2, {}),
        ({"approvers": ["a", "b"]}, 1, {"approvers": ("a", "b")}),
        ({"approvers": ["a", "b"], "order": "any"}, 1, {"approvers": ("a", "b")}),
        (
            {"approvers": ["a", "b"], "order": "sequential"},
            2,
            {"approvers": ("a", "b"), "sequential": True},
        ),
        (
            {"approvers": ["a", "b"], "order": "sequential", "required_events": 1},
            2,
            {"approvers": ("a", "b"), "sequential": True},
        ),
        ({"user_groups_required": ["a"]}, 1, {"user_groups_required": ("a",)}),
        (
            {"required_events": [{"group": "a"}, {"group": "b", "required": 2}]},
            3,
            {"groups": (GroupNeed("a"), GroupNeed("b", 2))},
        ),
        (
            {"required_events": [{"group": "a"}], "approvers": ["x", "y"], "order": "sequential"},
            1,
            {"groups": (GroupNeed("a"),), "approvers": ("x", "y"), "sequential": True},
        ),
        ({"self_approval_disabled": True}, 1, {"self_approval_disabled": True}),
        ({"user_auth_required": True}, 1, {"user_auth_required": True}),
        ({"validate": "check.dates"}, 1, {"validate": "check.dates"}),
    ],
)
def test_who_must_approve_is_read(said, required, more):
    """G44: whose turn comes is needed."""
    assert gate_options(said) == GateOptions(required_events=required, **more)


@pytest.mark.parametrize(
    ("gate", "key"),
    [
        (GateOptions(sequential=True), "order"),
        (GateOptions(sequential=True, user_groups_required=("a",)), "order"),
        (GateOptions(approvers=("a",), required_events=2), "required_events"),
        (GateOptions(approvers=("a", " A")), "approvers"),
        (GateOptions(groups=(GroupNeed("a"), GroupNeed("a"))), "required_events"),
        (GateOptions(), None),
        (GateOptions(approvers=("a", "b"), required_events=2), None),
        (GateOptions(sequential=True, groups=(GroupNeed("a"),)), None),
    ],
)
def test_a_gate_that_could_never_be_approved_is_a_mistake(gate, key):
    """G44."""
    found = gate_mistake(gate)
    assert (found and found[0]) == key


@pytest.mark.parametrize(
    ("result", "configures"),
    [
        ({"approvers": ["a"]}, True),
        ({"description": "x", "n": 1}, True),
        ({"rows": 3}, False),
        (["approvers"], False),
        (None, False),
    ],
)
def test_a_last_value_configures_the_gate_by_its_keys(result, configures):
    """G2."""
    assert configures_gate(result) is configures


def test_the_cell_may_say_who_approves():
    """G44."""
    gate = GateOptions(approvers=("a",), required_events=1)
    found = configured_gate(gate, {"approvers": ["b", "c"], "user_groups_required": ["g"]})
    assert (found.approvers, found.user_groups_required) == (("b", "c"), ("g",))
    assert configured_gate(gate, {"approvers": None}) == gate
    assert configured_gate(gate, {"rows": 1}) is gate


@pytest.mark.parametrize("count", [1, 3])
def test_all_of_those_whom_the_cell_lets_vote_in_turn_are_needed(count):
    """G44."""
    gate = GateOptions(approvers=("a", "b"), sequential=True, required_events=2)
    assert configured_gate(gate, {"approvers": ["x", "y", "z"][:count]}).required_events == count


@pytest.mark.parametrize("key", ["approvers", "user_groups_required"])
@pytest.mark.parametrize("value", ["bob", [], [1], [""], [" "], {"bob": 1}, 5, ["bob", None]])
def test_a_cell_that_names_nobody_rightly_has_no_gate_for_everybody(key, value):
    """G44: an empty list, say, of a query that found nobody."""
    with pytest.raises(BadInput, match=f"`{key}` must be a list of names"):
        configured_gate(GateOptions(), {key: value})


@pytest.mark.parametrize(
    ("gate", "result"),
    [
        (GateOptions(required_events=2), {"approvers": ["bob"]}),
        (GateOptions(required_events=2), {"approvers": ["bob", "Bob"]}),
        (GateOptions(), {"approvers": ["bob", "BOB "]}),
    ],
)
def test_a_cell_can_not_name_fewer_approvers_than_are_needed(gate, result):
    """G10, G44."""
    with pytest.raises(BadInput):
        configured_gate(gate, result)


@pytest.mark.parametrize(
    ("result", "prompt"),
    [({"resume": "url"}, True), ({"resume": ""}, False), ({"cancel": "u"}, False), (None, False)],
)
def test_a_prompt_is_a_gate_whose_cell_returned_its_link(result, prompt):
    """G50."""
    assert is_prompt(result) is prompt
