"""How a run takes its course, as a notebook says it: every option read, every mistake named."""

import pytest

from jupyter_flows.core.errors import FlowInvalid
from jupyter_flows.core.flow import read_flow
from jupyter_flows.core.model import EarlyStop, GroupNeed, Retry, Section, StepSpec

BASH = {"kernelspec": {"name": "bash", "language": "bash"}}


def cell(source="1", name="a", kind="code", tags=(), **flow):
    return {
        "cell_type": kind,
        "id": name,
        "source": source,
        "metadata": {"tags": list(tags), **({"flow": flow} if flow else {})},
    }


def heading(source="# Section", name="h", **flow):
    return cell(source, name, "markdown", **flow)


def read(*cells, **metadata):
    return read_flow({"nbformat": 4, "metadata": metadata, "cells": list(cells)})


def step(**flow):
    return read(cell(**flow)).steps[0]


def mistakes(*cells, **metadata):
    with pytest.raises(FlowInvalid) as refusal:
        read(*cells, **metadata)
    return [str(mistake) for mistake in refusal.value.mistakes]


@pytest.mark.parametrize(
    ("said", "field", "value"),
    [
        ({"skip_if": "x > 1"}, "skip_if", "x > 1"),
        ({"skip_if": {"expr": " x "}}, "skip_if", " x "),
        ({"stop_after_if": {"expr": "x"}}, "stop_after_if", EarlyStop("x")),
        (
            {"stop_after_if": {"expr": "x", "skip_if_stopped": True, "error_message": "m"}},
            "stop_after_if",
            EarlyStop("x", skip_if_stopped=True, error_message="m"),
        ),
        ({"sleep": "10m"}, "sleep", 600),
        ({"sleep": 0.5}, "sleep", 0.5),
        ({"continue_on_error": True}, "continue_on_error", True),
        ({"timeout": "1h"}, "timeout", 3600),
        ({"retry": {"constant": {"attempts": 2}}}, "retry", Retry(constant_attempts=2)),
        (
            {
                "retry": {
                    "constant": {"attempts": 2.0, "seconds": "5s"},
                    "exponential": {
                        "attempts": 3,
                        "seconds": 10,
                        "multiplier": 2,
                        "random_factor": 25,
                    },
                    "retry_if": {"expr": "error['name'] == 'X'"},
                }
            },
            "retry",
            Retry(2, 5.0, 3, 10.0, 2.0, 25.0, "error['name'] == 'X'"),
        ),
        ({"retry": {"constant": {"attempts": 1, "seconds": 0}}}, "retry", Retry(1)),
        ({"retry": "never"}, "once", True),
        ({"retry": "never"}, "retry", None),
    ],
)
def test_an_option_is_read(said, field, value):
    """G80 to G83."""
    assert getattr(step(**said), field) == value


def test_options_stand_in_lines_too():
    found = read(cell("#| skip_if: n == 0\n#| sleep: 1m\n#| retry: {constant: {attempts: 1}}\n1"))
    said = found.steps[0]
    assert (said.skip_if, said.sleep, said.retry) == ("n == 0", 60, Retry(1))


def test_a_plain_cell_has_every_option_at_its_default():
    plain = step()
    assert plain == StepSpec(plain.id, plain.index, plain.source_hash)


def test_a_gates_people_are_read():
    """G42, G43, G44."""
    gate = step(
        suspend={
            "required_events": [{"group": "finance"}, {"group": "risk", "required": 2}],
            "order": "sequential",
            "self_approval_disabled": True,
            "user_auth_required": True,
            "user_groups_required": ["staff"],
            "validate": "check",
        }
    ).gate
    assert gate.groups == (GroupNeed("finance"), GroupNeed("risk", 2))
    assert (gate.required_events, gate.sequential, gate.validate) == (3, True, "check")
    assert (gate.self_approval_disabled, gate.user_auth_required) == (True, True)
    assert gate.user_groups_required == ("staff",)


def test_a_cell_for_failure_is_read_and_stands_in_no_section():
    """G83."""
    found = read(
        heading(skip_if="x"),
        cell("1", "a"),
        cell("1", "b", tags=["failure"], retry={"constant": {"attempts": 1}}, skip_if="y"),
    )
    assert [each.failure for each in found.steps] == [False, True]
    assert [len(each.sections) for each in found.steps] == [1, 0]
    assert found.steps[1].skip_if == "y"


def test_sections_are_read_from_headings():
    """G83."""
    found = read(
        cell("1", "a"),
        heading("# One", "one", skip_if="x"),
        cell("1", "b"),
        heading("## Two", "two", skip_if={"expr": "y"}),
        cell("1", "d"),
        heading("text", "t"),
        cell("1", "f"),
        heading("## Three", "three"),
        cell("1", "g"),
        heading("# Four", "four", summary="x"),
        cell("1", "k"),
    )
    one, two = Section("one", "x"), Section("two", "y")
    assert {each.id: each.sections for each in found.steps} == {
        "a": (),
        "b": (one,),
        "d": (one, two),
        "f": (one, two),
        "g": (one,),
        "k": (),
    }


def test_what_the_notebook_says_of_the_whole_run_is_read():
    found = read(cell(), flow={"name": "F", "timeout": "2h", "concurrency": 2.0})
    assert (found.name, found.timeout, found.concurrency) == ("F", 7200, 2)
    assert (read(cell(), flow={"queue": "gpu"}).queue, found.queue) == ("gpu", None)
    assert isinstance(found.concurrency, int)
    assert (read(cell()).timeout, read(cell()).concurrency) == (None, None)


@pytest.mark.parametrize(
    ("flow", "key", "says"),
    [
        ({"skip_if": "x >"}, "skip_if", "is no Python expression"),
        ({"skip_if": {"expr": "x = 1"}}, "skip_if", "is no Python expression"),
        ({"skip_if": "import os"}, "skip_if", 'it is "import os"'),
        ({"skip_if": ""}, "skip_if", "must be {expr: <Python expression>}"),
        ({"skip_if": 5}, "skip_if", "must be {expr"),
        ({"skip_if": {"exp": "x"}}, "skip_if", "must be {expr"),
        ({"skip_if": "(" * 3000}, "skip_if", "is no Python expression"),
        ({"skip_if": "x\x00"}, "skip_if", "is no Python expression"),
        ({"stop_after_if": "x"}, "stop_after_if", "must be an object with expr"),
        ({"stop_after_if": {"expr": "x +"}}, "stop_after_if", "is no Python expression"),
        ({"stop_after_if": {"error_message": "m"}}, "stop_after_if", "must be an object with expr"),
        ({"stop_after_if": {"expr": "x", "eror": 1}}, "stop_after_if.eror", "unknown"),
        ({"sleep": 0}, "sleep", "greater than 0"),
        ({"sleep": "soon"}, "sleep", "30m"),
        ({"sleep": "9999999w"}, "sleep", "100 years"),
        ({"continue_on_error": "yes"}, "continue_on_error", "yes"),
        ({"retry": {}}, "retry", "must be never, or an object with constant or exponential"),
        ({"retry": {"retry_if": "x"}}, "retry", "must be never, or an object with constant"),
        ({"retry": {"constant": {}}}, "retry.constant", "attempts"),
        ({"retry": {"constant": {"attempts": 0}}}, "retry.constant.attempts", "0"),
        ({"retry": {"constant": {"attempts": 1001}}}, "retry.constant.attempts", "1001"),
        ({"retry": {"constant": {"attempts": 1, "seconds": -1}}}, "retry.constant.seconds", "-1"),
        (
            {"retry": {"constant": {"attempts": 1, "seconds": "9999999w"}}},
            "retry.constant.seconds",
            "100 years",
        ),
        ({"retry": {"exponential": {"attempts": 1}}}, "retry.exponential", "seconds"),
        (
            {"retry": {"exponential": {"attempts": 1, "seconds": "1 hour"}}},
            "retry.exponential.seconds",
            "90s",
        ),
        (
            {"retry": {"exponential": {"attempts": 1, "seconds": 1, "random_factor": 101}}},
            "retry.exponential.random_factor",
            "101",
        ),
        ({"retry": {"constant": {"attempts": 1}, "retry_if": "x +"}}, "retry.retry_if", "Python"),
        ({"suspend": {"approvers": []}}, "suspend.approvers", "[]"),
        ({"suspend": {"approvers": "bob"}}, "suspend.approvers", "bob"),
        ({"suspend": {"approvers": ["bob", "bob"]}}, "suspend.approvers", "bob"),
        ({"suspend": {"approvers": ["bob", "Bob"]}}, "suspend.approvers", "names 'bob' twice"),
        (
            {"suspend": {"approvers": ["bob"], "required_events": 2}},
            "suspend.required_events",
            "2 approvals can't come from 1 approvers",
        ),
        ({"suspend": {"order": "sequential"}}, "suspend.order", "sequential needs `approvers`"),
        ({"suspend": {"order": "random"}}, "suspend.order", "random"),
        (
            {"suspend": {"required_events": [{"group": "a"}, {"group": "a"}]}},
            "suspend.required_events",
            "names the group 'a' twice",
        ),
        ({"suspend": {"required_events": []}}, "suspend.required_events", "list of {group"),
        (
            {"suspend": {"required_events": [{"required": 1}]}},
            "suspend.required_events",
            "list of {group",
        ),
        ({"suspend": {"user_groups_required": []}}, "suspend.user_groups_required", "[]"),
        ({"suspend": {"user_auth_required": 1}}, "suspend.user_auth_required", "1"),
        ({"suspend": {"validate": "a b"}}, "suspend.validate", "name of a function"),
        ({"suspend": {"validate": "f()\n"}}, "suspend.validate", "name of a function"),
    ],
)
def test_a_mistake_is_named_with_its_cell_and_key(flow, key, says):
    found = mistakes(cell(**flow))
    assert found[0].startswith(f"cell 1 (id 'a'), key '{key}")
    assert says in found[0]


def test_expressions_are_for_python_kernels():
    found = mistakes(
        cell(
            "ls",
            skip_if="x",
            stop_after_if={"expr": "[ -e x ]"},
            retry={"constant": {"attempts": 1}, "retry_if": "x"},
            suspend={"validate": "check"},
        ),
        heading(skip_if="x"),
        **BASH,
    )
    keys = ["skip_if", "stop_after_if", "retry.retry_if", "suspend.validate"]
    assert [mistake.partition(": ")[0] for mistake in found] == [
        *(f"cell 1 (id 'a'), key '{key}'" for key in keys),
        "cell 2 (id 'h'), key 'skip_if'",
    ]
    assert all("needs a Python kernel" in mistake for mistake in found)


def test_what_needs_no_python_is_for_every_kernel():
    said = {"sleep": 5, "continue_on_error": True, "retry": {"constant": {"attempts": 1}}}
    assert read(cell("ls", suspend={"approvers": ["bob"]}, **said), **BASH).steps[0].sleep == 5


@pytest.mark.parametrize(
    "metadata",
    [{}, {"language_info": {"name": "python"}}, {"kernelspec": {"language": "Python"}}],
)
def test_a_kernel_of_which_nothing_is_said_is_taken_for_python(metadata):
    assert read(cell(skip_if="x"), **metadata).steps[0].skip_if == "x"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("suspend", {"required_events": 2}),
        ("suspend", True),
        ("stop_after_if", {"expr": "x"}),
        ("sleep", 5),
        ("continue_on_error", True),
    ],
)
def test_a_cell_for_failure_takes_nothing_that_decides_how_the_run_goes_on(key, value):
    """G83."""
    found = mistakes(cell(tags=["failure"], **{key: value}))
    assert found[0].startswith(f"cell 1 (id 'a'), key '{key}': has no place in a cell tagged")
    assert read(cell(tags=["failure"], suspend=False, continue_on_error=False)).steps[0].failure


@pytest.mark.parametrize(
    ("said", "where", "says"),
    [
        (heading("text\n# Later", skip_if="x"), "metadata.flow", "begins with no heading"),
        (heading("Title\n===", skip_if="x"), "metadata.flow", "begins with no heading"),
        (cell("# A", "h", "raw", skip_if="x"), "metadata.flow", "this is raw"),
        (heading(skip_if="x +"), "key 'skip_if'", "is no Python expression"),
        (heading(sleep=5), "key 'sleep'", "unknown"),
        (heading(suspend=True), "key 'suspend'", "allowed: skip_if, summary"),
        (heading(skip_if=5), "key 'skip_if'", "must be {expr"),
        (cell("# A", "h", "markdown", tags=["failure"]), "tag 'failure'", "only code cells"),
        (cell("# A", "h", "markdown", tags=["suspend"]), "tag 'suspend'", "only code cells"),
    ],
)
def test_a_mistake_in_a_heading_is_named(said, where, says):
    """G83."""
    found = mistakes(said)
    assert found[0].startswith(f"cell 1 (id 'h'), {where}")
    assert says in found[0]


@pytest.mark.parametrize(
    ("flow", "key"),
    [
        ({"timeout": "soon"}, "timeout"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": "9999999w"}, "timeout"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": 1.5}, "concurrency"),
        ({"concurency": 1}, "concurency"),
        ({"queue": "a b"}, "queue"),
    ],
)
def test_a_mistake_in_what_the_notebook_says_is_named(flow, key):
    assert mistakes(cell(), flow=flow)[0].startswith(f"notebook metadata.flow, key '{key}'")


def test_all_mistakes_are_named_at_once():
    found = mistakes(
        cell(name="a", skip_if="x +", retry={"constant": {"attempts": 1}, "retry_if": ")"}),
        cell(name="b", sleep="soon", suspend={"order": "sequential"}),
        cell(name="d", suspend={"order": "sequential"}),
        heading("text", "h", skip_if="x"),
        cell(name="f", tags=["failure"], sleep=1),
        flow={"timeout": 0},
    )
    assert len(found) == 7
