"""OpenFlow's YAML: what is read, and every mistake by its path."""

import pytest

from jupyter_flows.core.errors import BadInput, FlowInvalid
from jupyter_flows.openflow.reading import read

STEP = "{id: a, value: {type: identity}}"


def nothing(name):
    raise BadInput(f"{name!r} is not a file")


def mistakes(text, beside=nothing):
    with pytest.raises(FlowInvalid) as refusal:
        read(text, beside)
    return {mistake.where: mistake.message for mistake in refusal.value.mistakes}


def test_every_mistake_is_named_by_its_path():
    found = mistakes(
        """
        summary: 1
        value:
          modules:
            - {id: a b, value: {type: identity}}
            - {value: {type: rawscript, content: 1}}
            - id: c
              value:
                type: branchone
                branches: [{modules: [{id: d, value: {}}]}]
                default: nothing
              sleep: long
          failure_module: {id: f}
        """
    )
    assert set(found) == {
        "summary",
        "value.modules[0].id",
        "value.modules[1]",
        "value.modules[1].value",
        "value.modules[1].value.content",
        "value.modules[2].value.branches[0]",
        "value.modules[2].value.branches[0].modules[0].value",
        "value.modules[2].value.default",
        "value.modules[2].sleep",
        "value.failure_module",
    }
    assert found["value.modules[0].id"] == "must be 1 to 64 letters, digits, - or _"


def test_ids_must_differ_wherever_they_are():
    each = f"{{type: branchall, branches: [{{modules: [{STEP}]}}]}}"
    found = mistakes(f"value: {{modules: [{STEP}, {{id: b, value: {each}}}]}}")
    assert found == {
        "value.modules[1].value.branches[0].modules[0].id": "'a' is already value.modules[0]"
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        'a: "\\ud800"',
        "1",
        "[]",
        "value: 1",
        "value: {}",
        "a: [",
        "a: &x 1\nb: *x",
        "a: 1\na: 2",
        "!!python/object:os.system {}",
        "a: .nan",
        "\x00",
        "{" * 2000,
        "value: {modules: [], schema: " + "[" * 150 + "]" * 150 + "}",
        "? [a]\n: b",
        "--- 1\n--- 2",
    ],
)
def test_what_is_no_flow_is_refused_in_words(text):
    with pytest.raises(BadInput) as refusal:
        read(text, nothing)
    assert str(refusal.value)


def test_yaml_is_read_as_windmill_writes_it():
    flow = read(
        "value:\n  modules: []\n  flow_env:\n    {on: no, at: 12:30, day: 2024-01-02, octal: 010,"
        " hex: 0x10, exp: 1e3, yes: true, nothing: ~, empty: }",
        nothing,
    )
    assert flow["value"]["flow_env"] == {
        "on": "no",
        "at": "12:30",
        "day": "2024-01-02",
        "octal": 10,
        "hex": 16,
        "exp": 1000.0,
        "yes": True,
        "nothing": None,
        "empty": None,
    }


def test_the_value_alone_is_a_flow_too():
    assert read(f"modules: [{STEP}]", nothing)["value"]["modules"][0]["id"] == "a"


@pytest.mark.parametrize("content", ["'!inline a.py'", "!inline a.py"])
def test_files_beside_it_are_put_in(content):
    script = f"{{id: a, value: {{type: rawscript, language: python3, content: {content}}}}}"
    flow = read(f"value: {{modules: [{script}]}}", {"a.py": "def main(): ..."}.__getitem__)
    assert flow["value"]["modules"][0]["value"]["content"] == "def main(): ..."
    assert mistakes(f"value: {{modules: [{script}]}}") == {
        "value.modules[0].value.content": "'a.py' is not a file"
    }
