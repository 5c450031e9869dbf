"""TypeScript steps of the simple shape, and Python steps, as functions."""

import pytest

from jupyter_flows.openflow.python_step import python_step
from jupyter_flows.openflow.refusal import Untranslatable
from jupyter_flows.openflow.script import script

LINKS = {"resume": "r", "cancel": "c", "approvalPage": "p"}


class Flows:
    def __init__(self):
        self.asked = []

    def get_resume_urls(self, *given):
        self.asked.append(given)
        return LINKS


def result(content, **inputs):
    """What the script's main returns, and what it asked the client for."""
    flows = Flows()
    source = script(content, "bun").source.replace("import jupyter_flows as flows", "")
    names = {"flows": flows}
    exec(source, names)
    return names["main"](**inputs), flows.asked


IMPORTS = [
    ('import * as wmill from "windmill-client"', "wmill."),
    ('import * as w from "npm:windmill-client@^1.158.2";', "w."),
    ('import wmill from "windmill-client@1.2"', "wmill."),
    ('import { getResumeUrls } from "windmill-client"', ""),
    ('import { getResumeUrls as links } from "windmill-client"', "links"),
]


@pytest.mark.parametrize(("line", "client"), IMPORTS)
def test_a_prompt_is_translated_however_it_imports_its_client(line, client):
    name = client if client == "links" else f"{client}getResumeUrls"
    returned, asked = result(
        f"""{line}
        export async function main() {{
          const resumeUrls = await {name}("approver1")
          return {{
            resume: resumeUrls['resume'],
            default_args: {{}}, // optional
            enums: {{}} // optional
          }}
        }}"""
    )
    assert returned == {"resume": "r", "default_args": {}, "enums": {}}
    assert asked == [("approver1",)]


def test_parameters_spreads_and_rich_descriptions():
    returned, asked = result(
        """import * as wmill from "windmill-client@^1.158.2"

        export async function main(approver?: string, limit: number = 3, rest: {a: string}[] = []) {
          const urls = await wmill.getResumeUrls(approver)
          console.log("sent", urls)
          return {
            ...urls,
            enums: { foo: ['choice1', `choice${limit}`] },
            description: {
              render_all: [{ markdown: "# Found" }, { map: { lat: -30, lon: 10.5 } }, "text"],
            },
          }
        }""",
        approver="ann",
    )
    assert asked == [("ann",)]
    assert returned == {
        **LINKS,
        "enums": {"foo": ["choice1", "choice3"]},
        "description": {
            "render_all": [{"markdown": "# Found"}, {"map": {"lat": -30, "lon": 10.5}}, "text"]
        },
    }


def test_names_that_python_has_are_given_another():
    found = script("export function main(from: string, len: number) { return from + len }", "bun")
    assert found.parameters == {"from": "from_", "len": "len_"}
    assert (
        result("function main(from: string, len) { return from + len }", from_="a", len_=2)[0]
        == "a2"
    )


def test_constants_and_a_bare_return():
    assert result("const top = [1]\nfunction main() { const a = top; let b = {a}; return b }")[
        0
    ] == {"a": [1]}
    assert result("function main() { return }")[0] is None
    assert result("function main() {}")[0] is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "no function `main`"),
        ("export function other() {}", "functions beside `main`"),
        ("function main() {}\nfunction main() {}", "more than one function"),
        ('import axios from "axios"\nfunction main() {}', "it imports 'axios'"),
        ('import { getVariable } from "windmill-client"', "'getVariable' of Windmill's client"),
        (
            'import * as w from "windmill-client"\nfunction main() { return w.getVariable("a") }',
            "`.getVariable(…)`",
        ),
        ("function main() { if (true) { return 1 } }", "`if` is not translated"),
        ("function main() { for (const x of []) {} }", "`for` is not translated"),
        ("function main() { const a = 1; a = 2; return a }", "neither a constant nor a return"),
        ("function main() { const a = [2]; a.push(1); return a }", "`.push(…)`"),
        ("function main() { const a = [2]; const b = a.sort(); return a }", "`.sort` changes"),
        ("function main() { return 1; return 2 }", "something stands behind its return"),
        ("function main({a}) { return a }", "a name was expected"),
        ("function main() { return fetch('x') }", "the name 'fetch'"),
        ("function main() { const a = 1; const a = 2 }", "given twice"),
        ("function main(a = 1, b) { return b }", "before one that is not"),
        ("function main() { 1 + 1 }", "neither a constant nor a return"),
    ],
)
def test_more_than_that_is_left_to_the_author(content, why):
    with pytest.raises(Untranslatable) as refusal:
        script(content, "bun")
    assert why in str(refusal.value)


@pytest.mark.parametrize(
    ("source", "first", "notes"),
    [
        (
            "import wmill\ndef main(): return wmill.get_resume_urls()",
            "import jupyter_flows as wmill",
            0,
        ),
        (
            "import wmill as w  # client\ndef main(): w.get_resume_urls()",
            "import jupyter_flows as w  #",
            0,
        ),
        (
            "from wmill import get_resume_urls as g\ndef main(): g()",
            "from jupyter_flows import get_resume_urls as g",
            0,
        ),
        ("import wmill\ndef main(): return wmill.get_variable('a')", "import wmill", 1),
        ("import wmill, os\ndef main(): return wmill.get_resume_urls()", "import wmill, os", 1),
        ("import wmill\nf = wmill\ndef main(): f.x()", "import wmill", 1),
        ("from wmill import *\ndef main(): pass", "from wmill import *", 1),
        ("import wmill.client\ndef main(): pass", "import wmill.client", 1),
    ],
)
def test_windmills_client_is_ours_where_ours_has_all_that_is_used(source, first, notes):
    found = python_step(source)
    assert found.source.startswith(first)
    assert len(found.notes) == notes
    compile(found.source, "step", "exec")


def test_what_is_known_of_a_python_step():
    found = python_step(
        "K = 1\nx, (y, *z) = 1, (2, 3)\nclass C: ...\nasync def main(a, b=1, *, c, d=2, **e): ..."
    )
    assert (found.parameters, found.optional) == (("a", "b", "c", "d"), {"b", "d"})
    assert found.takes_any
    assert found.waits
    assert found.defined == {"K", "x", "y", "z", "C"}


def test_a_first_line_is_no_flow_option():
    assert python_step("#| suspend: false\ndef main(): ...").source.startswith("# Python\n")


@pytest.mark.parametrize("source", ["def f(): ...", "print 'two'", "%%bash\nls", "\0", "(" * 999])
def test_what_is_no_python_step_is_refused(source):
    with pytest.raises(Untranslatable):
        python_step(source)
