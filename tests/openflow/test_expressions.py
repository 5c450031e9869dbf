"""JavaScript expressions in Python: what they become, what they give, and what is refused."""

import ast
import json
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_flows.openflow import python
from jupyter_flows.openflow.place import Place, result_of
from jupyter_flows.openflow.refusal import Untranslatable
from jupyter_flows.openflow.script import script

RESULTS = {
    "a": {"b": {"c": 3}, "n": 2, "zero": 0, "none": None, "text": "it's", "yes": True},
    "list": [3, 1, 2],
    "names": ["bo", "al", "bo"],
    "empty": [],
    "people": [{"name": "al", "age": 30}, {"name": "bo", "age": 17}],
    "flow_input": {"x": 5, "name": "", "flag": False, "tags": []},
}
PLACE = Place(
    "flow_input",
    results={name: result_of(name) for name in RESULTS if name != "flow_input"},
    previous=result_of("a"),
    inputs={"x": "number", "name": "text", "flag": "truth", "tags": "list"},
    env={"REGION": "eu"},
)
NAMES = {
    "results": RESULTS,
    "resume": {"x": 1, "Customers to send to": ["Dallas"]},
    "resumes": [{"x": 1}],
    "approvers": ["ann"],
}


def said(source):
    return PLACE.value(source)[0].text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("results.a", 'results["a"]'),
        ("results['a']", 'results["a"]'),
        ("results.a.b.c", 'results["a"].get("b").get("c")'),
        ("results.list[0]", 'results["list"][0]'),
        ("flow_input", 'results["flow_input"]'),
        ("flow_input.x", 'results["flow_input"]["x"]'),
        ("flow_input.other", 'results["flow_input"].get("other")'),
        ("previous_result", 'results["a"]'),
        ("flow_env.REGION", '"eu"'),
        ('resume["Customers to send to"]', 'resume.get("Customers to send to")'),
        ("resume.x", 'resume.get("x")'),
        ("resumes[0].x", 'resumes[0].get("x")'),
        ("approvers.length", "len(approvers)"),
        ("'a\\'b'", '"a\'b"'),
        ("null", "None"),
        ("undefined", "None"),
        ("0x1F", "31"),
        ("1.50", "1.5"),
        ("(1 + 2) * 3", "(1 + 2) * 3"),
        ("1 - (2 - 3)", "1 - (2 - 3)"),
        ("flow_input.x === 5 && !flow_input.flag", None),
        ("results.a.yes === true", 'results["a"].get("yes") is True'),
        ("results.a.none == null", 'results["a"].get("none") is None'),
        ("`${flow_input.x} of ${results.list.length}`", None),
        ("{a: 1, 'b c': [2], ...resume}", '{"a": 1, "b c": [2], **resume}'),
        ("// why\nresults.a; ", 'results["a"]'),
    ],
)
def test_an_expression_reads_as_one_would_write_it(source, text):
    assert text is None or said(source) == text
    ast.parse(said(source), mode="eval")


VALUES = [
    ("results.a.missing", None),
    ("results.a.missing ?? 'x'", "x"),
    ("results.a.zero ?? 1", 0),
    ("results.a.zero || 7", 7),
    ("results.empty || 'x'", []),  # an empty list is true in JavaScript
    ("results.empty ? 1 : 2", 1),
    ("!results.empty", False),
    ("!!results.a.text", True),
    ("!!results.a.zero", False),
    ("flow_input.tags ? 1 : 2", 1),
    ("flow_input.name || 'World'", "World"),
    ("flow_input.name ? 1 : 2", 2),
    ("results.a.b && results.a.b.c", 3),
    ("results.a.none && results.a.none.c", None),
    ("results.a.none?.c", None),
    ("results.a.none?.c.d", None),
    ("results.a.none?.length > 0", False),
    ("1 === true", False),
    ("'1' + 2 + 3", "123"),
    ("1 + 2 + 'a' + 1 + 2", "3a12"),
    ("'a' + results.a.n", "a2"),
    ("`is ${flow_input.flag}`", "is false"),
    ("`{${results.a.n}}`", "{2}"),
    ('`it\'s "${results.a.text}"`', "it's \"it's\""),
    ("`${results.a.n === 2 ? 'two' : \"'\"}`", "two"),
    ("10 / 4", 2.5),
    ("7 % 4", 3),
    ("-2 * -3", 6),
    ("results.list.includes(3)", True),
    ("results.names.map(n => n.toUpperCase()).join('-')", "BO-AL-BO"),
    ("Array.from(new Set(results.names)).sort()", ["al", "bo"]),
    ("[...new Set(results.names)]", ["bo", "al"]),
    ("[10, 9, 1].map(n => n).sort()", [1, 10, 9]),  # JavaScript sorts texts
    ("results.people.filter(p => p.age >= 18).map(p => p.name)", ["al"]),
    ("results.people.map((p, i) => ({i, name: p.name}))[1].i", 1),
    ("results.people.find(p => p.name === 'zed')", None),
    ("results.people.some(p => p.age < 18) && results.people.every(p => p.name)", True),
    ("Object.keys(results.a.b)", ["c"]),
    ("results.list.slice(1)", [1, 2]),
    ("[1, ...results.list]", [1, 3, 1, 2]),
    ("results.a.text.startsWith('it') && 'x'", "x"),
    ("(results.a.n > 1 ? 'many' : 'one').length", 4),
    ("(await results.a).n", 2),
    ("results.a['te' + 'xt']", "it's"),
]


@pytest.mark.parametrize(("source", "value"), VALUES)
def test_it_gives_what_javascript_gives(source, value):
    given = eval(said(source), dict(NAMES))
    assert given == value
    assert type(given) is type(value)


@pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript to compare with")
def test_the_table_above_says_what_javascript_gives():
    names = {"flow_input": RESULTS["flow_input"], "previous_result": RESULTS["a"], **NAMES}
    asked = {"names": names, "sources": [source for source, _ in VALUES]}
    program = """
        const asked = JSON.parse(require('fs').readFileSync(0, 'utf-8'));
        const names = Object.keys(asked.names), given = Object.values(asked.names);
        Promise.all(asked.sources.map(source => (
            new Function(...names, `return (async () => (${source}))()`)(...given)
        ))).then(all => console.log(JSON.stringify(all)));
    """
    ended = subprocess.run(
        ["node", "-e", program],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answers = json.loads(ended.stdout.splitlines()[-1])
    assert dict(zip(asked["sources"], answers, strict=True)) == dict(VALUES)


@pytest.mark.parametrize(
    ("source", "truth"),
    [
        ("results.empty", True),
        ("results.a.zero", False),
        ("results.a.missing || results.empty", True),
        ("!(results.a.b)", False),
        ("results.a.none", False),
        ("flow_input.x && flow_input.name", False),
    ],
)
def test_a_condition_is_true_where_javascript_says_so(source, truth):
    assert bool(eval(PLACE.condition(source)[0].text, dict(NAMES))) is truth


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "a value was expected"),
        ("results.later.x", "no step 'later' comes before it"),
        ("variable('u/ann/key')", "Windmill's `variable`"),
        ("eval('1')", "the name 'eval' is not known"),
        ("__import__('os')", "the name '__import__'"),
        ("results.a.constructor('x')", "`.constructor(…)`"),
        ("/a/.test(results.a.text)", "regular expressions"),
        ("typeof results.a", "`typeof` is not translated"),
        ("new Date()", "`new Date`"),
        ("x => x", "a function as a value"),
        ("results.list.map(results => results.a)", "hides the flow's own"),
        ("results.list.map(x => { return x })", "several statements"),
        ("results.list.sort((a, b) => a - b)", "`.sort` with a function"),
        ("results.list[-1]", "an index below 0"),
        ("results.list === results.empty.map(x => x)", "the same one"),
        ("flow_input.flag == true || 1 == true", "converts types"),
        ("'a' - 1", "on a text"),
        ("results.a = 1", "not understood there"),
        ("const x = 1; return x", "`const` is not translated"),
        ("results.a.b 1", "not understood there"),
        ("'abc", "does not end"),
        ("`${1", "does not end"),
        ("1_000", "not understood"),
        ("010", "octal"),
        ("1e999", "too large"),
        ("'\\ud800'", "half of a character"),
        ("a ?? b || c", "without parentheses"),
        ("(" * 5000, "nested too deeply"),
        ("!" * 5000, "nested too deeply"),
        ("1" + "-1" * 9000, "nested too deeply"),
        ("||".join(["results.a"] * 40), "too long"),
        ("1 " * 30_000, "too long"),
    ],
)
def test_what_can_t_be_said_is_refused_with_the_reason(source, why):
    with pytest.raises(Untranslatable) as refusal:
        PLACE.value(source)
    assert why in str(refusal.value)


def test_differences_that_remain_are_noted():
    assert PLACE.value("results.a.n == 2")[1] == (python.LOOSE,)
    assert PLACE.value("flow_input.x == 2")[1] == ()
    assert PLACE.value("results.a.n % 2")[1] == (python.REMAINDER,)
    assert PLACE.value("`${results.a}`")[1] == (python.TEXTS,)


NAMED = "results flow_input resume a b x new Set null await as const typeof in 1 0.5 é 😀"
SIGNS = ". [ ] ( ) { } ' \" ` ${ + - * / % ! = == === => && || ?? ?. ? : , ; ... $ _ // /*"
WORDS = st.sampled_from([*f"{NAMED} {SIGNS} \\ .map( .length".split(), "\n"])
SOURCES = st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=30).map("".join))


def in_python(translate, source):
    """What it is in Python, or nothing, with a reason."""
    try:
        return translate(source)
    except Untranslatable as refusal:
        return "" if str(refusal) else pytest.fail("a refusal without a reason")


@settings(max_examples=600, deadline=None)
@given(SOURCES, st.booleans())
def test_any_text_is_translated_into_python_or_refused(source, spaced):
    source = " ".join(source) if spaced else source
    for translate in (PLACE.value, PLACE.condition):
        made = in_python(translate, source)
        if made:
            ast.parse(made[0].text, mode="eval")


@settings(max_examples=400, deadline=None)
@given(SOURCES)
def test_any_script_is_translated_into_python_or_refused(source):
    for content in (source, f"export async function main() {{ return {source} }}"):
        made = in_python(lambda text: script(text, "bun"), content)
        if made:
            ast.parse(made.source)
