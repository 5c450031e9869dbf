"""Every event is read from the log as it was written."""

import json

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import NODEFAULT
from msgspec.structs import fields

from jupyter_flows.core import codec
from jupyter_flows.core import events as e
from jupyter_flows.core.checkpoint import (
    Checkpoint,
    CheckpointOptions,
    Choice,
    OnUnsaved,
    Unsaved,
    When,
)
from jupyter_flows.core.completions import Completion, EventType
from jupyter_flows.core.model import (
    EarlyStop,
    Failure,
    GateOptions,
    GroupNeed,
    Json,
    Retry,
    Section,
    StepSpec,
    Voter,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(text, values, max_size=3)
voters = st.builds(
    Voter,
    name=st.none() | text,
    verified=st.booleans(),
    route=text,
    link=st.none() | text,
    claimed=st.none() | text,
    groups=st.lists(text, max_size=2).map(tuple),
)
gates = st.builds(
    GateOptions,
    required_events=st.integers(1, 9),
    timeout=st.none() | numbers,
    form=st.none() | objects,
    default_args=objects,
    enums=objects,
    description=values,
    hide_cancel=st.booleans(),
    require_reason=st.booleans(),
    continue_on_disapprove_timeout=st.booleans(),
    on_timeout=st.none() | objects,
    pre_approvals=st.booleans(),
    self_approval_disabled=st.booleans(),
    user_auth_required=st.booleans(),
    user_groups_required=st.lists(text, max_size=2).map(tuple),
    approvers=st.lists(text, max_size=2).map(tuple),
    groups=st.lists(st.builds(GroupNeed, text, st.integers(1, 9)), max_size=2).map(tuple),
    sequential=st.booleans(),
    validate=st.none() | text,
)
names = st.lists(text, max_size=2).map(tuple)
options = st.builds(
    CheckpointOptions,
    when=st.none() | st.sampled_from(When),
    on_unsaved=st.none() | st.sampled_from(OnUnsaved),
    grace=st.none() | numbers,
    exclude=names,
)
checkpoints = st.builds(
    Checkpoint,
    digest=text,
    saved_at=numbers,
    covers=names,
    attempts=st.lists(st.integers(0, 9), max_size=2).map(tuple),
    tried=st.integers(0, 9),
    variables=st.integers(0, 99),
    size=st.integers(0, 2**50),
    new=st.integers(0, 2**50),
    seconds=numbers,
    unsaved=st.lists(st.builds(Unsaved, text, text, text, text, st.none() | text), max_size=2).map(
        tuple
    ),
    drops=st.booleans(),
    doubt=st.none() | text,
)
specs = st.builds(
    StepSpec,
    id=text,
    index=st.integers(0, 99),
    source_hash=text,
    summary=text,
    gate=st.none() | gates,
    timeout=st.none() | numbers,
    evidence=st.booleans(),
    replay=st.booleans(),
    skipped=st.booleans(),
    raises=st.booleans(),
    skip_if=st.none() | text,
    sections=st.lists(st.builds(Section, text, text), max_size=2).map(tuple),
    stop_after_if=st.none() | st.builds(EarlyStop, text, st.booleans(), st.none() | text),
    sleep=st.none() | numbers,
    retry=st.none() | st.builds(Retry, st.integers(0, 9), numbers, retry_if=st.none() | text),
    continue_on_error=st.booleans(),
    failure=st.booleans(),
    checkpoint=st.none() | options,
)
failures = st.builds(Failure, name=text, message=text, reason=st.none() | text)
FIELDS = {
    "parameters": objects,
    "steps": st.lists(specs, max_size=3).map(tuple),
    "default_timeout": numbers,
    "attempt": st.integers(1, 9),
    "generation": st.integers(0, 9),
    "error": failures,
    "outputs": st.dictionaries(text, text, max_size=3),
    "options": gates,
    "deadline": numbers,
    "prompt": st.booleans(),
    "approved": st.booleans(),
    "voter": voters,
    "result": values,
    "payload": values,
    "execution_count": st.none() | st.integers(0, 9),
    "expires_at": st.none() | numbers,
    "timeout": st.none() | numbers,
    "concurrency": st.none() | st.integers(1, 9),
    "until": numbers,
    "at_once": st.none() | st.integers(1, 9),
    "wake_at": st.none() | numbers,
    "skipped": st.booleans(),
    "failed": st.booleans(),
    "goes_on": st.booleans(),
    "in_place": st.booleans(),
    "checkpointing": options,
    "choices": st.lists(st.sampled_from(Choice), max_size=2).map(tuple),
    "changed": st.booleans(),
    "live": st.booleans(),
    "replayed": names,
    "changes": names,
    "completion": st.none()
    | st.builds(Completion, text, st.lists(st.sampled_from(EventType), max_size=3).map(tuple)),
    "CheckpointSaved.checkpoint": checkpoints,
}
"""By a field's name, alone or behind its kind's; the others are texts, or None where that is their
default."""


def events(kind: type[e.Event]) -> st.SearchStrategy[e.Event]:
    said = {}
    for field in fields(kind):
        absent = field.default is None
        found = FIELDS.get(field.name, st.none() | text if absent else text)
        found = FIELDS.get(f"{kind.__name__}.{field.name}", found)
        said[field.name] = st.none() | text if field.name == "outputs" and absent else found
    return st.builds(kind, **said)


@pytest.mark.parametrize("kind", e.KINDS.values(), ids=lambda kind: kind.__name__)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_kind_of_event_is_read_as_it_was_written(kind, data):
    event = data.draw(events(kind))
    name, body = codec.encode(event)
    assert name == kind.__name__
    assert codec.decode(name, body) == event
    assert codec.encode(codec.decode(name, body)) == (name, body)


@pytest.mark.parametrize("kind", e.KINDS.values(), ids=lambda kind: kind.__name__)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_row_that_lacks_fields_with_a_default_is_read(kind, data):
    event = data.draw(events(kind))
    body = json.loads(codec.encode(event)[1])
    for field in fields(kind):
        if field.default is not NODEFAULT or field.default_factory is not NODEFAULT:
            body.pop(field.name, None)
    assert type(codec.decode(kind.__name__, json.dumps(body))) is kind


def test_a_kind_from_another_version_is_named():
    with pytest.raises(codec.UnknownKind, match=r"'Nonsense'.*known: RunCreated"):
        codec.decode("Nonsense", "{}")


@pytest.mark.parametrize(
    "body", ["{}", "[]", '{"step": 1, "attempt": 1}', '{"step": "a", "attempt": "1"}']
)
def test_a_body_that_does_not_fit_its_kind_is_refused(body):
    with pytest.raises(msgspec.ValidationError):
        codec.decode("StepStarted", body)


def test_text_that_is_no_json_is_refused():
    with pytest.raises(msgspec.DecodeError):
        codec.decode("StepStarted", "{")


@given(st.sampled_from(sorted(e.KINDS)), values)
def test_any_json_is_read_or_refused(kind: str, body: Json):
    try:
        read = codec.decode(kind, json.dumps(body))
    except msgspec.ValidationError:
        return
    assert type(read).__name__ == kind
