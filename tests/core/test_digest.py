"""G70: each thing that a gate shows, and each of its rules, changes its digest."""

import pytest
from msgspec.structs import replace

from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.digest import gate_digest, shown_steps
from jupyter_flows.core.model import Gate, GateOptions, GroupNeed, Step, StepId, StepSpec

OPTIONS = GateOptions()


@pytest.fixture
def run(play):
    proof = StepSpec(StepId("proof"), 1, sha256(b"proof"), evidence=True)
    return play({"n": 1}, load=None, proof=proof, ask={}, publish=None).run


def with_step(run, step, **changes):
    return replace(run, steps={**run.steps, step: replace(run.steps[step], **changes)})


def with_spec(run, step, **changes):
    return with_step(run, step, spec=replace(run.steps[step].spec, **changes))


@pytest.mark.parametrize(
    "change",
    [
        lambda run: with_spec(run, "load", source_hash=sha256(b"other")),
        lambda run: with_spec(run, "ask", source_hash=sha256(b"other")),
        lambda run: with_step(run, "proof", outputs=sha256(b"other")),
        lambda run: with_step(run, "ask", outputs=sha256(b"other")),
        lambda run: with_spec(run, "load", evidence=True),
        lambda run: with_spec(run, "ask", scripts=True),
        lambda run: with_spec(run, "proof", scripts=True),
        lambda run: replace(run, parameters={"n": 2}),
        lambda run: replace(run, parameters={}),
    ],
)
def test_what_is_shown_changes_the_digest(run, change):
    assert gate_digest(change(run), "ask", OPTIONS) != gate_digest(run, "ask", OPTIONS)


@pytest.mark.parametrize(
    "change",
    [
        {"required_events": 2},
        {"timeout": 60.0},
        {"form": {}},
        {"default_args": {"n": 1}},
        {"enums": {"n": [1]}},
        {"description": "x"},
        {"hide_cancel": True},
        {"require_reason": True},
        {"continue_on_disapprove_timeout": True},
        {"on_timeout": {"resume": None}},
        {"pre_approvals": False},
        {"self_approval_disabled": True},
        {"user_auth_required": True},
        {"user_groups_required": ("finance",)},
        {"approvers": ("bob",)},
        {"groups": (GroupNeed("finance"),)},
        {"groups": (GroupNeed("finance", 2),)},
        {"sequential": True},
        {"validate": "check"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_rule_of_the_gate_changes_the_digest(run, change):
    assert gate_digest(run, "ask", GateOptions(**change)) != gate_digest(run, "ask", OPTIONS)


def test_every_option_of_a_gate_is_tried_above():
    tried = test_each_rule_of_the_gate_changes_the_digest.pytestmark[0].args[1]
    assert {key for change in tried for key in change} == set(GateOptions.__slots__)


@pytest.mark.parametrize(
    "change",
    [
        lambda run: with_spec(run, "publish", source_hash=sha256(b"other")),
        lambda run: with_step(run, "publish", outputs=sha256(b"other")),
        lambda run: with_step(run, "load", outputs=sha256(b"other")),
        lambda run: with_step(run, "load", started_at=5.0, attempts=3),
        lambda run: replace(run, created_at=5.0),
    ],
)
def test_what_is_not_shown_leaves_the_digest(run, change):
    assert gate_digest(change(run), "ask", OPTIONS) == gate_digest(run, "ask", OPTIONS)


def test_another_gate_has_another_digest(run):
    assert gate_digest(run, "load", OPTIONS) != gate_digest(run, "ask", OPTIONS)


def test_evidence_stands_with_the_next_gate_that_opens_and_with_no_later_one(run):
    """G72; a gate that did not open leaves its evidence to the next."""
    later = StepSpec(StepId("later"), 4, sha256(b"later"), evidence=True)
    last = StepSpec(StepId("last"), 5, sha256(b"last"), gate=OPTIONS)
    steps = {**run.steps, "later": Step(later), "last": Step(last)}
    run = replace(run, steps=steps)
    assert [step.id for step in shown_steps(run, "ask")] == ["proof", "ask"]
    unopened = replace(run, gates={})
    assert [step.id for step in shown_steps(unopened, "last")] == ["proof", "later", "last"]
    opened = replace(run, gates={("ask", 1): Gate("ask", 1, OPTIONS, opened_at=1.0)})
    assert [step.id for step in shown_steps(opened, "last")] == ["later", "last"]
