"""The form in the notebook, of real widgets: what they hold comes to what the page's form does."""

import ast
import asyncio
import base64
import datetime as dt
import html
import sys
from pathlib import Path

import ipywidgets
import pytest

from jupyter_flows.client import controls, prompt
from jupyter_flows.core import forms
from jupyter_flows.core.model import GateOptions
from jupyter_flows.web.answer import answered
from jupyter_flows.web.posted import Posted
from jupyter_flows.web.prompt import answered_by
from jupyter_flows.web.prompt_tree import form_node, wrong
from jupyter_flows.web.typed import Typed

from ..core.forms_families import FAMILIES, form_with  # noqa: TID252 (the tests are no package)

EVIL = "<img src=x onerror=alert(1)>"


class Said(list):
    """What the form has said to the server."""

    @property
    def last(self):
        return self[-1]


@pytest.fixture
def said():
    return Said()


def tree(node, **more):
    about = {"heading": "Waits for approval", "description": "Why?", "lines": ["One of two."]}
    return {
        "gate": "r.a.1",
        "digest": "sha256:1",
        "about": about,
        "form": node,
        "approve": "Approve",
        "reject": "Reject",
        "reason": "Reason",
        "told": "see the page",
        "most": 2**20,
        **more,
    }


def form_of(schema, said, payload=None, **more):
    """The widgets of a form with this schema, filled in with the payload."""
    options = GateOptions(form=schema)
    fields = None if payload is None else forms.filled(forms.form_of(options), payload)
    return prompt.Form(tree(form_node(options, Typed(fields=fields)), **more), said.append)


def payload_of(schema, form):
    options = GateOptions(form=schema)
    parsed = forms.parse(forms.form_of(options), form.entries())
    assert parsed.mistakes == ()
    return forms.completed(options, parsed.payload)


def every(widget, kind=object):
    found = [widget] if isinstance(widget, kind) else []
    for inner in getattr(widget, "children", ()):
        found += every(inner, kind)
    return found


def control(form, label, kind=ipywidgets.DOMWidget):
    """The one whose label begins so."""
    return next(
        each
        for each in every(form.root, kind)
        if getattr(each, "description", "").startswith(label)
    )


def words(form):
    return html.unescape(" ".join(each.value for each in every(form.root, ipywidgets.HTML)))


# ---------------------------------------------------------------- entries


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("required", [True, False])
def test_what_stands_in_the_widgets_is_the_payload_that_they_were_filled_with(
    said, family, required
):
    schema, payload, _ = FAMILIES[family]
    whole = form_with(schema, required=required)
    form = form_of(whole, said, {"it": payload})
    assert payload_of(whole, form) == {"it": payload}


@pytest.mark.parametrize("family", FAMILIES)
def test_what_nobody_touched_is_what_the_page_would_send(said, family):
    schema, _, _ = FAMILIES[family]
    whole = form_with(schema, required=False)
    options = GateOptions(form=whole)
    field = forms.form_of(options)
    form = form_of(whole, said)
    by_page = forms.parse(field, forms.initial(field))
    assert forms.parse(field, form.entries()) == by_page


def test_what_is_typed_is_said(said):
    schema = {
        "properties": {
            "text": {"type": "string"},
            "area": {"type": "string", "format": "textarea"},
            "secret": {"type": "string", "format": "password"},
            "day": {"type": "string", "format": "date"},
            "hour": {"type": "string", "format": "time"},
            "moment": {"type": "string", "format": "date-time"},
            "count": {"type": "integer"},
            "sure": {"type": "boolean"},
            "one": {"enum": ["a", "b"]},
            "some": {"type": "array", "items": {"enum": ["x", "y", "z"]}},
        }
    }
    form = form_of(schema, said)
    control(form, "text", ipywidgets.Text).value = "words"
    control(form, "area", ipywidgets.Textarea).value = "two\nlines"
    control(form, "secret", ipywidgets.Password).value = "s"
    control(form, "day", ipywidgets.DatePicker).value = dt.date(2026, 11, 25)
    control(form, "hour", ipywidgets.TimePicker).value = dt.time(14, 5)
    moment = dt.datetime.fromisoformat("2026-11-25T14:05")
    control(form, "moment", ipywidgets.NaiveDatetimePicker).value = moment
    control(form, "count", ipywidgets.Text).value = "3"
    control(form, "sure", ipywidgets.Checkbox).value = True
    control(form, "one", ipywidgets.Dropdown).value = "1"
    control(form, "z", ipywidgets.Checkbox).value = True
    assert payload_of(schema, form) == {
        "text": "words",
        "area": "two\nlines",
        "secret": "s",
        "day": "2026-11-25",
        "hour": "14:05:00Z",
        "moment": "2026-11-25T14:05:00Z",
        "count": 3,
        "sure": True,
        "one": "b",
        "some": ["z"],
    }


@pytest.mark.parametrize("value", ["2026-11-25T14:05:07.123456+02:00", "soon"])
def test_a_moment_that_no_picker_shows_is_a_field_for_text(said, value):
    schema = {"properties": {"at": {"type": "string", "format": "date-time"}}}
    form = form_of(schema, said, {"at": value})
    assert control(form, "at", ipywidgets.Text).value == value


@pytest.mark.parametrize(
    ("schema", "content"),
    [
        ({"format": "data-url"}, "data:text/plain;name=a%20b.txt;base64,aGVsbG8="),
        ({"contentEncoding": "base64"}, "aGVsbG8="),
    ],
)
@pytest.mark.parametrize("of_version_7", [False, True])
def test_a_file_comes_as_the_page_sends_it(said, schema, content, of_version_7):
    whole = {"properties": {"file": {"type": "string", **schema}}}
    form = form_of(whole, said)
    about = {"name": "a b.txt", "type": "text/plain", "size": 5}
    new = {
        **about,
        "content": memoryview(b"hello"),
        "last_modified": dt.datetime.fromtimestamp(0, dt.UTC),
    }
    old = {"a b.txt": {"metadata": about, "content": b"hello"}}
    upload = every(form.root, ipywidgets.FileUpload)[0]
    if of_version_7:
        encoding = "base64" if "contentEncoding" in schema else "data-url"
        assert controls._uploaded(old, encoding) == content
    else:
        upload.value = (new,)
        assert payload_of(whole, form) == {"file": content}


def test_a_file_that_was_given_is_kept_until_it_is_left_out(said):
    schema = {"properties": {"file": {"type": "string", "contentEncoding": "base64"}}}
    given = base64.b64encode(b"x" * 3000).decode()
    form = form_of(schema, said, {"file": given})
    assert "A file of about 3.0 kB is kept" in words(form)
    assert payload_of(schema, form) == {"file": given}
    control(form, "Leave the file out").value = True
    assert payload_of(schema, form) == {}


def test_only_the_chosen_variants_fields_are_seen_and_counted(said):
    schema = form_with(FAMILIES["oneOf"][0])
    form = form_of(schema, said)
    choice = control(form, "Which of these")
    choice.value = "1"
    control(form, "iban").value = "DE1"
    assert payload_of(schema, form) == {"it": {"kind": "bank", "iban": "DE1"}}
    hidden = [each for each in every(form.root) if each.layout.display == "none"]
    assert len(hidden) == 1
    assert control_in(hidden[0], "number")


def control_in(widget, label):
    return [each for each in every(widget) if getattr(each, "description", "").startswith(label)]


def test_a_gate_without_a_form_has_a_field_for_a_message(said):
    form = prompt.Form(tree(form_node(GateOptions(), Typed())), said.append)
    control(form, "Message").value = "all well"
    form.approve.click()
    assert said.last["entries"] == {"message": ["all well"]}


# ---------------------------------------------------------------- buttons


def test_the_buttons_say_the_answer_once(said):
    form = form_of({"properties": {"n": {"type": "integer"}}}, said)
    control(form, "n").value = "3"
    form.approve.click()
    form.approve.click()
    assert said == [
        {
            "kind": "answer",
            "gate": "r.a.1",
            "approved": True,
            "digest": "sha256:1",
            "reason": "",
            "entries": {"f/n": ["3"]},
        }
    ]
    assert form.approve.disabled
    assert form.reject.disabled
    form.update({})
    form.reason.value = "too early"
    form.reject.click()
    assert (said.last["approved"], said.last["reason"]) == (False, "too early")


def test_the_buttons_are_known_by_their_class_and_named_by_their_text(said):
    form = form_of({"properties": {}}, said)
    for button, text, own in (
        (form.approve, "Approve", prompt.APPROVE),
        (form.reject, "Reject", prompt.REJECT),
    ):
        named = set(button._dom_classes)
        assert named & {prompt.VOTE, prompt.APPROVE, prompt.REJECT} == {prompt.VOTE, own}
        assert button.description == text


def test_without_a_cancel_link_there_is_no_reject_button(said):
    form = form_of({"properties": {}}, said, reject=None)
    assert form.reject is None
    assert "Reject" not in {each.description for each in every(form.root, ipywidgets.Button)}
    form.approve.click()
    assert said.last["reason"] == ""


def test_what_is_too_large_is_not_sent(said):
    form = form_of({"properties": {"t": {"type": "string"}}}, said, most=100)
    control(form, "t").value = "x" * 200
    form.approve.click()
    assert said == []
    assert "at most 100 bytes" in words(form)
    assert not form.approve.disabled


async def test_the_buttons_come_back_if_nobody_answers(said, monkeypatch):
    monkeypatch.setattr(prompt, "PATIENCE", 0.0)
    form = form_of({"properties": {}}, said)
    form.approve.click()
    assert form.approve.disabled
    while form.approve.disabled:
        await asyncio.sleep(0)
    assert prompt.UNHEARD in words(form)


def test_rows_are_added_and_removed_by_the_server(said):
    schema = {"properties": {"n": {"type": "array", "items": {"type": "integer"}}}}
    options = GateOptions(form=schema)
    form = form_of(schema, said, {"n": [4]})
    control(form, "Add to n", ipywidgets.Button).click()
    asked = said.last
    assert (asked["kind"], asked["what"], asked["name"]) == ("rows", "add", "f/n")
    answer = answered(options, Posted({**asked["entries"], "_add": [asked["name"]]}))
    form.update({"drawn": form_node(options, answer.typed)})
    control(form, "n 2", ipywidgets.Text).value = "5"
    assert payload_of(schema, form) == {"n": [4, 5]}
    control(form, "Remove n 1", ipywidgets.Button).click()
    assert (said.last["what"], said.last["name"]) == ("remove", "f/n/0")
    answer = answered(options, Posted({**said.last["entries"], "_remove": [said.last["name"]]}))
    form.update({"drawn": form_node(options, answer.typed)})
    assert payload_of(schema, form) == {"n": [5]}


# ---------------------------------------------------------------- what the server says


def test_mistakes_stand_beside_their_fields_and_what_was_typed_stays(said):
    schema = {"properties": {"n": {"type": "integer"}, "m": {"type": "string"}}, "required": ["n"]}
    options = GateOptions(form=schema)
    form = form_of(schema, said)
    control(form, "n *").value = "many"
    control(form, "m").value = "kept"
    form.approve.click()
    gate_answer = answered(options, Posted(said.last["entries"]))
    form.update(wrong(options, gate_answer.wrong(gate_answer.parsed.mistakes)))
    assert "must be a whole number" in form.field._inner[0]._wrong.value
    assert form.field._inner[1]._wrong.value == ""
    assert "n: must be a whole number" in form.notice.value
    assert control(form, "n *").value == "many"
    assert control(form, "m").value == "kept"
    assert not form.approve.disabled
    form.update({"mistakes": {}, "notice": ""})
    assert "whole number" not in words(form)


def test_news_leave_what_was_typed_and_what_is_wrong(said):
    form = form_of({"properties": {"n": {"type": "integer"}}}, said)
    form.update({"mistakes": {"f/n": ["is odd"]}, "notice": "Wrong."})
    control(form, "n").value = "3"
    about = {"heading": "Waits", "description": "", "lines": ["Approved by ann"]}
    form.update({"about": about, "digest": "sha256:2"})
    assert "Approved by ann" in words(form)
    assert "is odd" in words(form)
    assert control(form, "n").value == "3"
    form.approve.click()
    assert said.last["digest"] == "sha256:2"


def test_a_locked_form_says_why_and_has_nothing_left(said):
    form = form_of({"properties": {"secret": {"type": "string", "format": "password"}}}, said)
    inner = every(form.root)[1:]
    form.lock(f"Approved by ann {EVIL}")
    assert [type(each) for each in form.root.children] == [ipywidgets.HTML]
    assert html.escape(EVIL) in form.root.children[0].value
    assert all(each.comm is None for each in inner)
    assert form.root.comm is not None


def test_nothing_of_an_authors_text_is_html(said):
    schema = {
        "title": EVIL,
        "properties": {
            EVIL: {"type": "string", "title": EVIL, "description": EVIL},
            "c": {"enum": [EVIL, "b"]},
            "k": {"const": EVIL},
            "o": {"type": "object", "title": EVIL, "properties": {"x": {"type": "integer"}}},
            "l": {"type": "array", "title": EVIL, "items": {"type": "string"}},
        },
    }
    about = {"heading": EVIL, "description": EVIL, "lines": [EVIL]}
    form = form_of(schema, said, about=about)
    form.update({"mistakes": {"f/c": [EVIL]}, "summary": [EVIL], "notice": EVIL})
    for each in every(form.root, ipywidgets.HTML):
        assert "<img" not in each.value
    for each in every(form.root):
        assert not getattr(each, "description_allow_html", False)


# ---------------------------------------------------------------- in the kernel


def test_a_form_is_made_updated_and_locked_by_its_gates_name(monkeypatch):
    shown = []
    monkeypatch.setattr(prompt, "_display", shown.append)
    view = prompt.make(tree(form_node(GateOptions(), Typed())))["view"]
    assert shown == [{**view, "text/plain": "see the page"}]
    assert prompt.update("r.a.1", {"notice": "Look."})
    assert not prompt.update("r.b.1", {})
    assert prompt.lock("r.a.1", "Approved.")
    assert not prompt.lock("r.a.1", "Approved.")
    assert not prompt.update("r.a.1", {})


def test_without_ipywidgets_there_is_no_form(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert prompt.make(tree({})) == {"view": None}


@pytest.mark.parametrize("module", [prompt, controls], ids=lambda module: module.__name__)
def test_the_files_are_ones_that_older_pythons_read_and_import_nothing_else_of_ours(module):
    text = Path(module.__file__).read_text("utf-8")
    parsed = ast.parse(text, feature_version=(3, 8))
    imports = [n for n in ast.walk(parsed) if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {getattr(n, "module", None) or n.names[0].name for n in imports}
    outside = {name for name in names if name != controls.__name__}
    assert {name.split(".")[0] for name in outside} <= {*sys.stdlib_module_names}


def test_what_was_typed_is_read_as_the_page_reads_it():
    gate = type("Gate", (), {"options": GateOptions()})()
    answer = answered_by(gate, {"message": ["hello"], "_add": ["f/x"]}, "why")
    assert answer.payload() == {"message": "hello"}
    assert not answer.is_edit
    assert answer.typed.reason == "why"
