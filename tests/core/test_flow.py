"""A notebook read as a flow, and every mistake in it named at once."""

import json

import jsonschema
import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_flows.core import codec, options
from jupyter_flows.core import events as e
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.errors import FlowInvalid
from jupyter_flows.core.flow import read_flow


def cell(source="1", name="a", kind="code", **metadata):
    extra = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": name, "source": source, "metadata": metadata, **extra}


def notebook(*cells, **metadata):
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}


def mistakes(*cells, **metadata):
    with pytest.raises(FlowInvalid) as refusal:
        read_flow(notebook(*cells, **metadata))
    return [str(mistake) for mistake in refusal.value.mistakes]


def step(*args, **metadata):
    return read_flow(notebook(cell(*args, **metadata))).steps[0]


def test_the_code_cells_are_the_steps():
    flow = read_flow(
        notebook(
            cell("# Title", "t", "markdown"), cell("x = 1", "a"), cell("y", "b"), flow={"name": "F"}
        )
    )
    assert [(s.id, s.index) for s in flow.steps] == [("a", 1), ("b", 2)]
    assert flow.name == "F"
    assert flow.steps[0].source_hash == sha256(b"x = 1")
    assert flow.warnings == ()


def test_an_empty_cell_is_no_step_unless_it_is_a_gate():
    flow = read_flow(notebook(cell("", "a"), cell(" \n", "b"), cell("", "g", tags=["suspend"])))
    assert [s.id for s in flow.steps] == ["g"]


def test_the_tag_alone_makes_a_gate():
    """G1."""
    gate = step(tags=["suspend"]).gate
    assert gate is not None
    assert (gate.required_events, gate.timeout) == (1, None)
    assert step().gate is None


def test_a_later_place_wins():
    gate = step(
        "#| suspend: {timeout: 3d}\n1",
        tags=["suspend"],
        flow={"suspend": {"required_events": 2, "timeout": 5}},
    ).gate
    assert (gate.required_events, gate.timeout) == (2, 3 * 86400)
    assert step("#| suspend: false", tags=["suspend"]).gate is None
    assert (
        step("#| suspend: true", flow={"suspend": {"required_events": 2}}).gate.required_events == 2
    )


def test_a_cell_says_its_name_its_title_and_its_time_limit():
    said = step("#| id: load\n#| summary: Load it\n#| timeout: 30m\n1", flow={"id": "other"})
    assert (said.id, said.summary, said.timeout) == ("load", "Load it", 1800)


def test_tags_have_their_meanings():
    said = step(tags=["evidence", "replay", "skip-execution", "raises-exception", "mine"])
    assert (said.evidence, said.replay, said.skipped, said.raises) == (True,) * 4


def test_a_gates_options_are_read():
    form = {"schema": {"properties": {"n": {"type": "integer"}}}}
    gate = step(
        flow={
            "suspend": {
                "resume_form": form,
                "default_args": {"n": 1},
                "hide_cancel": True,
                "on_timeout": {"resume": {"n": 0}},
                "required_events": 2.0,
            }
        }
    ).gate
    assert gate.form == form["schema"]
    assert gate.on_timeout == {"resume": {"n": 0}}
    assert isinstance(gate.required_events, int)


def test_every_mistake_is_named_at_once_with_cell_key_and_what_is_allowed():
    found = mistakes(
        cell(name="a", flow={"suspend": {"required_event": 2, "timeout": "soon"}, "sumary": "x"}),
        cell("#| id: no spaces\n", "b"),
        cell("# t", "c", "markdown", tags=["suspend"]),
        cell("# t", "d", "raw", flow={"summary": "x"}),
        cell(name="f", tags=["failure", "suspend"]),
        flow={"nam": 1},
    )
    text = "\n".join(found)
    assert (
        "cell 1 (id 'a'), key 'suspend.required_event': unknown (did you mean 'required_events'?)"
        in text
    )
    assert "allowed: approvers, continue_on_disapprove_timeout, default_args" in text
    assert "key 'suspend.timeout': must be seconds greater than 0" in text
    assert (
        "key 'sumary': unknown (did you mean 'summary'?); allowed: checkpoint, continue_on_error,"
        " id, retry, scripts, skip_if, sleep, stop_after_if, summary, suspend, test, timeout"
        in text
    )
    assert (
        "cell 2 (id 'b'), key 'id': must be 1 to 64 letters, digits, - or _; it is \"no spaces\""
        in text
    )
    assert "cell 3 (id 'c'), tag 'suspend': only code cells are steps; this is markdown" in text
    assert (
        "cell 4 (id 'd'), metadata.flow: only code cells are steps, and headings begin sections"
        in text
    )
    assert "cell 5 (id 'f'), key 'suspend': has no place in a cell tagged 'failure'" in text
    assert (
        "notebook metadata.flow, key 'nam': unknown (did you mean 'name'?);"
        " allowed: checkpoint, concurrency, name, queue, timeout" in text
    )


@pytest.mark.parametrize(
    ("flow", "said"),
    [
        (5, "must be an object"),
        ({"suspend": "yes"}, 'must be true, false or an object; it is "yes"'),
        ({"suspend": None}, "must be true, false or an object"),
        ({"suspend": {"required_events": 0}}, "suspend.required_events"),
        ({"suspend": {"required_events": "2"}}, "suspend.required_events"),
        ({"suspend": {"enums": {"n": 1}}}, "suspend.enums.n"),
        ({"suspend": {"resume_form": {}}}, "suspend.resume_form"),
        ({"suspend": {"resume_form": {"schema": {"type": "x"}}}}, "suspend.resume_form"),
        ({"suspend": {"resume_form": {"schema": {"properties": 1}}}}, "suspend.resume_form"),
        ({"suspend": {"on_timeout": {}}}, "suspend.on_timeout"),
        ({"suspend": {"description": float("nan")}}, "plain JSON"),
        ({"suspend": {"description": "\ud800"}}, "plain JSON"),
        ({"id": "a\n"}, "key 'id'"),
        ({"id": "a" * 65}, "key 'id'"),
        ({"id": 1}, "key 'id'"),
    ],
)
def test_a_wrong_value_is_named(flow, said):
    assert said in "\n".join(mistakes(cell(flow=flow)))


@pytest.mark.parametrize(
    "timeout",
    [0, -1, True, None, [], "", "0s", "s", "1.2.3s", ".5h", "5.h", "-5s", "5y", "5 m 3 s",
     float("nan"), float("inf"), 1e300, 10**400, "9" * 400 + "w", "101000000000s"],
    ids=lambda value: str(value)[:12],
)  # fmt: skip
def test_what_is_no_duration_is_refused(timeout):
    """G12."""
    assert mistakes(cell(flow={"timeout": timeout}))
    assert mistakes(cell(flow={"suspend": {"timeout": timeout}}))


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        (90, 90),
        (0.5, 0.5),
        ("90s", 90),
        ("30m", 1800),
        (" 1.5 h ", 5400),
        ("10d", 864000),
        ("2w", 1209600),
    ],
)
def test_durations_are_read(timeout, seconds):
    """G12."""
    assert step(flow={"timeout": timeout}).timeout == seconds
    assert step(flow={"suspend": {"timeout": timeout}}).gate.timeout == seconds


@pytest.mark.parametrize(
    "lines",
    ["#| [", "#| a: b: c", "#| just text", "#| - a", "#| false", "#| suspend: {timeout: .nan}",
     "#| suspend: {timeout: .inf}", "#| x: 2024-13-45", "#| x: !!int x", "#| x: !!timestamp x",
     "#| x: !!bool x", "#| suspend: &a [*a]", "#| suspend: {description: &a [1], enums: *a}",
     "#| {1: 2, x: 3}", "#| suspend: {1: 2, x: 3}", "#| ? [a]\n#| : 1", "#| x: " + "[" * 5000,
     "#| x: " + "9" * 5000, "#| {2024-01-01: 1}"],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_option_lines_that_can_not_be_used_are_named(lines):
    assert mistakes(cell(lines))


def test_option_lines_stand_at_the_top_and_may_be_of_other_languages():
    assert step("//| summary: x\n1").summary == "x"
    assert step("--| summary: x\n1").summary == "x"
    assert step("1\n#| summary: x").summary == ""
    assert step("#|\n#| summary: x").summary == "x"


def test_a_date_in_option_lines_is_text():
    assert step("#| suspend: {description: 2024-01-31}").gate.description == "2024-01-31"


def test_quartos_own_options_are_not_judged():
    said = step(
        "#| echo: false\n#| fig-cap: A figure\n#| label: fig-a\n#| layout-ncol: 2\n#| summary: x\n1"
    )
    assert said.summary == "x"


def test_a_tag_that_is_nearly_ours_is_warned_of():
    flow = read_flow(notebook(cell(tags=["suspended", "Suspend", "mine", "evidence"])))
    assert len(flow.warnings) == 2
    assert "the tag 'suspended' means nothing here; did you mean 'suspend'?" in flow.warnings[0]


def test_a_description_that_the_page_can_not_draw_is_warned_of():
    flow = read_flow(notebook(cell(flow={"suspend": {"description": {"markdwon": "Publish?"}}})))
    (warning,) = flow.warnings
    assert warning.startswith("cell 1 (id 'a'), key 'suspend.description': `markdwon` is no kind")
    assert "markdown" in warning
    good = {"render_all": ["Publish?", {"md": "x"}, [{"a": 1}], {"amount": 3}]}
    assert read_flow(notebook(cell(flow={"suspend": {"description": good}}))).warnings == ()


def test_ids_that_occur_twice_are_named():
    found = mistakes(cell(name="a"), cell("#| id: a\n1", "b"))
    assert "the step 'a' is already cell 1" in found[0]


def test_a_form_of_shapes_that_defaults_and_choices_do_not_meet_is_still_read():
    """G60."""
    gate = {
        "resume_form": {"schema": {"properties": {"a": True, "b": {"items": True}}}},
        "enums": {"a": [1], "b": [2]},
        "default_args": {"a": 1, "c": 3},
    }
    assert step(flow={"suspend": gate}).gate.enums == {"a": [1], "b": [2]}


def test_the_schema_that_ships_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(options.schema())


words = st.sampled_from([
    "skip_if", "stop_after_if", "expr", "sleep", "retry", "constant", "exponential", "attempts",
    "seconds", "retry_if", "continue_on_error", "approvers", "order", "sequential", "group",
    "suspend", "timeout", "id", "summary", "required_events", "resume_form", "schema", "enums",
    "default_args", "description", "on_timeout", "resume", "properties", "type", "items", "$ref",
    "pre_approvals", "hide_cancel", "3d", "30m", "1.1.1s", "object", "array", "name", "#/x",
])  # fmt: skip
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | words
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)
gates = st.dictionaries(words, anything, max_size=4)
flows = anything | st.dictionaries(words, anything) | st.fixed_dictionaries({"suspend": gates})
tags = st.lists(words | st.text(), max_size=3, unique=True)
yaml_bits = st.sampled_from([
    "suspend", ": ", "{", "}", "[", "]", "!!int ", "!!timestamp ", "&a", " *a", "? ", "- ", "<<",
    ".nan", "1e999", "2024-13-13", "|", ">", "'", '"', ", ", "timeout", "3d", "true", "null", "=",
    "!!binary ", "!!set ", "!!omap ", "0x", "1:99", "%", "@", "\t", "~",
])  # fmt: skip
lines = st.lists(yaml_bits | st.text(max_size=5), max_size=8).map("".join)
kinds = st.sampled_from(["code", "markdown"])
sources = st.lists(lines, max_size=3).map(lambda said: "".join(f"#| {line}\n" for line in said))


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.tuples(sources, flows, tags, kinds), max_size=3),
    flows,
)
def test_reading_raises_nothing_but_flow_invalid_and_what_it_reads_can_be_stored(cells, settings_):
    said = notebook(
        *(cell(source, f"c{i}", kind, flow=flow, tags=tagged)
          for i, (source, flow, tagged, kind) in enumerate(cells)),
        flow=settings_,
    )  # fmt: skip
    try:
        flow = read_flow(said)
    except FlowInvalid as refusal:
        assert refusal.mistakes  # noqa: PT017 (it may also be read)
        return
    event = e.RunCreated(
        path="a", owner="o", parameters={}, snapshot=sha256(b""), steps=flow.steps,
        kernel_name="k", default_timeout=1.0, name=flow.name,
    )  # fmt: skip
    assert codec.decode(*codec.encode(event)) == event


@settings(max_examples=300, deadline=None)
@given(gates)
def test_any_gate_in_metadata_is_read_or_refused(gate):
    try:
        read_flow(notebook(cell(flow={"suspend": gate})))
    except FlowInvalid as refusal:
        assert all(m.where.startswith("cell 1 (id 'a')") for m in refusal.mistakes)  # noqa: PT017


def test_a_notebook_as_nbformat_reads_it_is_read():
    text = json.dumps(
        notebook(cell(["x = 1\n", "y"], "a"), kernelspec={"name": "p", "display_name": "P"})
    )
    read = nbformat.reads(text, as_version=4)
    assert read_flow(read).steps[0].source_hash == sha256(b"x = 1\ny")


def test_half_a_character_in_a_source_does_not_stop_the_reading():
    assert step("'\ud800'").id == "a"


def test_a_step_that_the_author_has_named_still_knows_its_cell():
    named, plain = step(name="c7", flow={"id": "ask"}), step(name="c7")
    assert (named.id, named.cell_id) == ("ask", "c7")
    assert (plain.id, plain.cell_id, plain.cell) == ("c7", "c7", None)
