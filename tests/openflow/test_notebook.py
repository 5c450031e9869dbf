"""Whole flows as notebooks: what they do, and what the report says of them."""

import pytest

from .conftest import cells, lines, options, play

PYTHON = """
- id: {id}
  value:
    type: rawscript
    language: python3
    content: |
      {code}
    input_transforms: {inputs}
"""


def python(step, code="def main(x=1): return x", inputs="{}", more=""):
    written = PYTHON.format(id=step, code=code.replace("\n", "\n      "), inputs=inputs).lstrip()
    return written + "".join(f"  {line}\n" for line in more.splitlines())


def js(**inputs):
    return (
        "{" + ", ".join(f"{k}: {{type: javascript, expr: '{v}'}}" for k, v in inputs.items()) + "}"
    )


def test_the_dynamic_enum_example_becomes_a_gate_and_a_step(imports_file):
    made = imports_file("dynamic_enum.yaml")
    assert [cell["id"] for cell in made.notebook["cells"]] == ["openflow", "a", "b"]
    assert made.carried == len(made.lines) == 2
    assert options(made, "a") == {
        "summary": "Approval step with dynamic enum",
        "suspend": {
            "required_events": 1,
            "timeout": 1800,
            "resume_form": {
                "schema": {
                    "properties": {
                        "Customers to send to": {
                            "items": {"type": "string"},
                            "type": "array",
                            "description": "",
                        }
                    },
                    "required": [],
                    "order": ["Customers to send to"],
                }
            },
        },
    }
    assert cells(made)["b"]["source"].endswith('main(x=resume.get("Customers to send to"))')


@pytest.mark.parametrize(("number", "asked"), [(20, True), (1, False)])
def test_the_order_goes_through_loop_branches_and_gate(imports_file, number, asked):
    made = imports_file("order.flow/flow.yaml")
    assert made.carried == len(made.lines) == 12
    results = play(made, {"number": number}, {"ask": {"ok": asked}})
    assert results["flow_input"] == {"number": number, "limit": 100}
    assert results["fetch"]["currency"] == "EUR"
    assert results["totals"] == [10 * number, 3]
    answer = {"asked": asked, "ok": True}
    assert results["decide"] == answer
    assert ("ask" in results, "small" in results) == (asked, not asked)
    assert results["both"] == [f"{number}-yes", answer]
    assert results["last"] == {"all": results["both"], "note": "none"}
    assert made.notebook["metadata"]["flow"] == {"name": "Handle an order", "concurrency": 2}


def test_the_input_s_defaults_hold_before_and_behind_gates(of_modules):
    schema = """schema:
  required: [b]
  properties:
    a: {type: string, default: "x"}
    b: {type: integer}
    c d: {type: array, default: [1]}
    results: {type: object}
"""
    step = python(
        "s",
        "def main(**all): return all",
        js(a="flow_input.a", b="flow_input.b", c='flow_input["c d"]'),
    )
    made = of_modules(step, schema=schema)
    assert cells(made)["parameters"]["source"] == 'a: str = "x"\nb: int | None = None  # (required)'
    assert play(made, {"b": 2})["s"] == {"a": "x", "b": 2, "c": [1]}
    assert play(made, {"b": 2, "a": "y"})["s"] == {"a": "y", "b": 2, "c": [1]}
    assert len(made.notes) == 2  # of the two that can be no variables


def test_settings_become_options_of_the_cell(of_modules):
    more = """summary: "A  step"
timeout: {type: static, value: 90}
sleep: {type: javascript, expr: "5"}
continue_on_error: true
retry:
  constant: {attempts: 3, seconds: 5}
  exponential: {attempts: 2, multiplier: 1, seconds: 2, random_factor: 10}
skip_if: {expr: "flow_input.n === 0"}
stop_after_if: {expr: "!result.ok", error_message: "", skip_if_stopped: false}
suspend:
  {required_events: 2, timeout: 60, self_approval_disabled: true, user_auth_required: true,
  hide_cancel: true, continue_on_disapprove_timeout: true,
  user_groups_required: {type: static, value: [finance]}}
cache_ttl: 5
oddity: 1
"""
    made = of_modules(python("a", more=more))
    assert options(made, "a") == {
        "summary": "A step",
        "timeout": 90,
        "sleep": 5,
        "continue_on_error": True,
        "retry": {
            "constant": {"attempts": 3, "seconds": 5},
            "exponential": {"attempts": 2, "multiplier": 1, "seconds": 2, "random_factor": 10},
        },
        "skip_if": {"expr": 'results["flow_input"].get("n") == 0'},
        "stop_after_if": {
            "expr": 'result.get("ok") in (None, False, 0, "")',
            "error_message": "The flow was stopped early.",
        },
        "suspend": {
            "required_events": 2,
            "timeout": 60,
            "hide_cancel": True,
            "self_approval_disabled": True,
            "user_auth_required": True,
            "continue_on_disapprove_timeout": True,
            "user_groups_required": ["finance"],
        },
    }
    assert lines(made)["a"].notes == (
        "its result is not cached",
        "the setting 'oddity' is not known",
    )


@pytest.mark.parametrize(
    "more",
    [
        "skip_if: {expr: 'variable(1)'}",
        "stop_after_if: {expr: 'later.x'}",
        "sleep: {type: javascript, expr: 'flow_input.n'}",
        "suspend: {user_groups_required: {type: javascript, expr: 'flow_input.g'}}",
        "suspend: {resume_form: {schema: {properties: {a: {type: nonsense}}}}}",
        "retry: {constant: {attempts: 1}, retry_if: {expr: 'variable(1)'}}",
        "retry: {constant: {attempts: 2000}}",
        "timeout: 1e30",
        "stop_after_if: {expr: 'result', error_message: \"" + "x" * 3000 + '"}',
    ],
)
def test_a_step_runs_only_with_all_of_its_settings(of_modules, more):
    made = of_modules(python("a", more=more))
    assert not lines(made)["a"].carried
    assert "openflow-untranslated" in cells(made)["a"]["metadata"]["tags"]
    with pytest.raises(NotImplementedError, match="step 'a' was not carried over"):
        play(made)


def test_an_input_that_can_t_be_said_is_kept_as_a_comment(of_modules):
    made = of_modules(python("a") + python("b", inputs=js(x="results.a.match(/x/)", y="results.a")))
    source = cells(made)["b"]["source"]
    assert "#   x = results.a.match(/x/)    (as it was in Windmill)" in source
    assert "def main(x=1): return x" in source
    assert lines(made)["b"].why[0].startswith("the input 'x': ")
    assert "**To be done by hand:**\n\n- `b`: the input 'x'" in cells(made)["openflow"]["source"]


@pytest.mark.parametrize("value", ["$res:u/ann/db", "{a: [$var:u/ann/key]}"])
def test_references_to_the_workspace_are_not_passed_on_as_texts(of_modules, value):
    made = of_modules(python("a", inputs=f"{{x: {{type: static, value: {value}}}}}"))
    assert "stands in Windmill's workspace" in lines(made)["a"].why[0]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (
            "{type: rawscript, language: bash, content: 'echo $1', input_transforms: {}}",
            "it is written in bash",
        ),
        (
            "{type: rawscript, language: bun, content: 'export function main() { while (1) {} }'}",
            "`while`",
        ),
        ("{type: rawscript, language: python3, content: 'def f(): pass'}", "no function `main`"),
        ("{type: script, path: f/a/b}", "the script 'f/a/b'"),
        ("{type: flow, path: f/a/b}", "the flow 'f/a/b'"),
        ("{type: whileloopflow, modules: [{id: b, value: {type: identity}}]}", "a while loop"),
        ("{type: aiagent, tools: []}", "a language model"),
        ("{type: novelty}", "'novelty' is no type"),
    ],
)
def test_what_can_t_be_carried_over_is_marked_and_fails_when_it_is_run(of_modules, value, why):
    made = of_modules(f"- id: a\n  value: {value}\n  suspend: {{required_events: 2}}\n")
    assert why in "; ".join(lines(made)["a"].why)
    assert options(made, "a") == {"suspend": {"required_events": 2}}
    with pytest.raises(NotImplementedError, match="step 'a' was not carried over"):
        play(made)
    assert made.carried == 0


def test_other_languages_keep_their_source_and_inputs_as_comments(of_modules):
    made = of_modules(
        '- id: a\n  value: {type: rawscript, language: bash, content: "x=$1\\necho $x\\n",'
        " input_transforms: {x: {type: javascript, expr: flow_input.n}}}"
    )
    source = cells(made)["a"]["source"]
    assert '#   x = results["flow_input"].get("n")\n#\n# x=$1\n# echo $x\n' in source


def test_a_skipped_step_passes_on_what_came_before_it(of_modules):
    steps = python("a") + python("b", inputs=js(x="7"), more="skip_if: {expr: flow_input.skip}")
    made = of_modules(
        steps + python("c", inputs=js(x="previous_result")) + python("d", inputs=js(x="results.b"))
    )
    for skip, passed in ((True, 1), (False, 7)):
        results = play(made, {"skip": skip})
        assert (results["c"], results["d"]) == (passed, passed)


EACH = """- id: e
  value: {type: branchall, branches: [{modules: [{id: f, value: {type: identity}}]}]}
"""

BRANCHES = """- id: k
  value:
    type: branchone
    branches:
      - expr: flow_input.n === 1
        modules:
          - id: p
            value: {type: identity}
          - id: inner
            value:
              type: branchone
              branches: [{expr: flow_input.m, modules: [{id: q, value: {type: identity}}]}]
              default: []
      - expr: flow_input.n >= 1
        modules: []
    default:
      - id: r
        value: {type: rawscript, language: python3, content: "def main(): return 'r'"}
"""


@pytest.mark.parametrize(
    ("given", "result", "ran"),
    [
        ({"n": 1, "m": True}, 1, {"p", "q", "inner"}),
        ({"n": 1, "m": False}, 1, {"p", "inner"}),
        ({"n": 2}, 1, set()),
        ({"n": 0}, "r", {"r"}),
    ],
)
def test_the_first_matching_branch_runs_and_no_other(of_modules, given, result, ran):
    made = of_modules(python("a") + BRANCHES + python("z", inputs=js(x="results.k")))
    results = play(made, given)
    assert results["k"] == results["z"] == result
    assert {"p", "q", "r", "inner"} & set(results) == ran


def test_a_whole_branching_can_be_skipped(of_modules):
    skip = "  skip_if: {expr: flow_input.skip}\n"
    made = of_modules(python("a") + BRANCHES + skip + EACH + skip)
    results = play(made, {"skip": True, "n": 0})
    assert (results["k"], results["e"]) == (1, 1)
    assert not {"p", "r", "f"} & set(results)
    assert play(made, {"skip": False, "n": 0})["e"] == ["r"]


def test_branches_nested_deeper_than_headings_are_marked(of_modules):
    def nested(depth):
        inner = nested(depth - 1) if depth else "[]"
        return f"[{{id: n{depth}, value: {{type: branchall, branches: [{{modules: {inner}}}]}}}}]"

    made = of_modules(
        f"- id: top\n  value: {{type: branchall, branches: [{{modules: {nested(6)}}}]}}"
    )
    assert [line.step for line in made.lines if not line.carried] == ["n2", "n1", "n0"]


LOOP = """- id: l
  value:
    type: forloopflow
    skip_failures: {skips}
    iterator: {{type: javascript, expr: "flow_input.items"}}
    modules:
      - id: one
        value:
          type: rawscript
          language: python3
          content: "def main(x, i): return 10 / x + i"
          input_transforms:
            x: {{type: javascript, expr: flow_input.iter.value}}
            i: {{type: javascript, expr: flow_input.iter.index}}
      - id: two
        value:
          type: rawscript
          language: bun
          content: "export function main(y: number) {{ return {{y, twice: y * 2}} }}"
          input_transforms: {{y: {{type: javascript, expr: previous_result}}}}
{more}"""


def test_a_loop_is_one_cell(of_modules):
    made = of_modules(
        LOOP.format(skips="false", more="  stop_after_all_iters_if: {expr: result.length > 1}")
    )
    assert play(made, {"items": [1, 2]})["l"] == [{"y": 10, "twice": 20}, {"y": 6, "twice": 12}]
    assert options(made, "l") == {"stop_after_if": {"expr": "len(result) > 1"}}
    assert {line.step: line.cell for line in made.lines} == {"l": "l", "one": "l", "two": "l"}


def test_a_loop_may_skip_failures(of_modules):
    made = of_modules(LOOP.format(skips="true", more=""))
    error = {"error": {"name": "ZeroDivisionError", "message": "division by zero"}}
    assert play(made, {"items": [0, 2]})["l"] == [error, {"y": 6, "twice": 12}]


@pytest.mark.parametrize(
    "more",
    [
        "        suspend: {required_events: 1}",
        "        retry: {constant: {attempts: 1, seconds: 1}}",
        "      - id: three\n        value: {type: script, path: f/a}",
        "      - id: three\n        value: {type: rawscript, language: go, content: x}",
        "  stop_after_if: {expr: result.y > 1}",
    ],
)
def test_a_loop_with_more_than_functions_is_marked(of_modules, more):
    made = of_modules(LOOP.format(skips="false", more=more))
    assert not any(line.carried for line in made.lines)
    assert lines(made)["one"].why == ("it is inside of 'l'",)
    assert "type: forloopflow" in cells(made)["l"]["source"]


def test_the_failure_s_step_sees_the_error(of_modules):
    failure = """  failure_module:
    id: failure
    value:
      type: rawscript
      language: python3
      content: "def main(message, name): return [message, name]"
      input_transforms:
        message: {type: javascript, expr: error.message}
        name: {type: javascript, expr: previous_result.error.name}
"""
    made = of_modules(python("a"), before=failure)
    cell = made.notebook["cells"][-1]
    assert cell["metadata"]["tags"] == ["failure"]
    assert cell["source"].endswith('main(message=error.get("message"), name=error.get("name"))')


def test_a_failure_s_step_has_no_settings_for_a_run_that_goes_on(of_modules):
    failure = """  failure_module:
    {id: failure, value: {type: identity}, sleep: 5, suspend: {required_events: 1}, timeout: 9}
"""
    made = of_modules(python("a"), before=failure)
    assert options(made, "failure") == {"timeout": 9}
    assert len(lines(made)["failure"].notes) == 2


def test_a_retry_may_ask_for_the_error(of_modules):
    retry = "retry: {constant: {attempts: 1}, retry_if: {expr: result.error.name !== 'Fatal'}}"
    made = of_modules(python("a", more=retry))
    assert options(made, "a")["retry"]["retry_if"] == {"expr": 'error.get("name") != "Fatal"'}


def test_what_is_said_of_the_whole_flow(of_modules):
    before = """  preprocessor_module: {id: preprocessor, value: {type: identity}}
  skip_expr: flow_input.n < 1
  concurrent_limit: 2
  concurrency_time_window_s: 60
  early_return: a
"""
    made = of_modules(python("a"), before=before)
    assert options(made, "flow_input")["stop_after_if"]["skip_if_stopped"] is True
    assert "a" in play(made, {"n": 1})
    assert "a" not in play(made, {"n": 0})
    assert len(made.notes) == 2
    assert "skip-execution" in cells(made)["preprocessor"]["metadata"]["tags"]
    assert "concurrency" not in made.notebook["metadata"]["flow"]


def test_stopping_early_inside_of_a_branch_is_not_stopping_the_run(of_modules):
    inner = "{id: f, value: {type: identity}, stop_after_if: {expr: result}}"
    made = of_modules(f"- id: e\n  value: {{type: branchall, branches: [{{modules: [{inner}]}}]}}")
    assert "ends the branch only" in lines(made)["f"].why[0]


def test_names_that_cells_share_are_told_of(of_modules):
    made = of_modules(
        python("a", "K = 1\ndef main(): ...") + python("b", "K = 2\nresults = 3\ndef main(): ...")
    )
    assert lines(made)["a"].notes == ()
    assert lines(made)["b"].notes == (
        "it sets 'K', as step 'a' does; cells share their names",
        "it sets 'results', which the flow binds",
    )


def test_ids_of_made_cells_step_aside(of_modules):
    ids = ("openflow", "parameters", "flow_input", "e-branch-1", "e-end")
    steps = "".join(python(step, inputs=js(x="flow_input.n")) for step in ids)
    made = of_modules(steps + EACH, schema="schema: {properties: {n: {}}}\n")
    written = [cell["id"] for cell in made.notebook["cells"]]
    assert len(set(written)) == len(written)
    assert {*ids, "flow_input-2", "e-end-2"} <= set(written)
    assert play(made, {"n": 4})["flow_input"] == 4
