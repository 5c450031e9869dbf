"""A gate's form on its page: each family is posted as a browser posts it, to the real server."""

import json
import re
from html.parser import HTMLParser

import pytest

from jupyter_flows.core import forms
from jupyter_flows.core.model import GateOptions

from ..core.forms_families import FAMILIES, form_with  # noqa: TID252 (the tests are no package)

TOKEN = "A" * 80 + "." + "B" * 43


class Drawn(HTMLParser):
    """What a browser would send of a page as it stands, and how its parts hang together."""

    def __init__(self, text):
        super().__init__()
        self.entries, self.ids, self.labelled, self.described, self.linked = [], [], [], [], []
        self.controls, self.buttons = [], []
        self._select = self._area = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.ids += [a["id"]] if "id" in a else []
        self.described += a.get("aria-describedby", "").split()
        self.labelled += [a["for"]] if "for" in a else []
        if tag == "a" and a.get("href", "").startswith("#"):
            self.linked.append(a["href"][1:])
        if tag in ("input", "textarea", "select") and a.get("type") != "hidden":
            self.controls.append(a["id"])
        if tag == "button" and "name" in a:
            self.buttons.append((a["name"], a["value"]))
        if tag == "input" and (a.get("type") not in ("checkbox", "file") or "checked" in a):
            self.entries.append((a["name"], a.get("value", "")))
        if tag == "select":
            self._select = a["name"]
            self.entries.append((a["name"], None))
        if tag == "option" and (self.entries[-1][1] is None or "selected" in a):
            self.entries[-1] = (self._select, a["value"])
        if tag == "textarea":
            self._area = a["name"]
            self.entries.append((self._area, ""))

    def handle_endtag(self, tag):
        if tag == "textarea":
            name, text = self.entries.pop()
            text = text.removeprefix("\n").replace("\n", "\r\n")
            self.entries.append((name, text))
            self._area = None

    def handle_data(self, data):
        if self._area:
            self.entries[-1] = (self._area, self.entries[-1][1] + data)

    @property
    def fields(self):
        said = {}
        for name, value in self.entries:
            if name.startswith("f") and name != "form":
                said.setdefault(name, []).append(value)
        return said


def multipart(fields, files=()):
    """A body as a browser writes it, and its content type."""
    parts = [
        (f'name="{name}"', value.encode()) for name, values in fields.items() for value in values
    ]
    parts += [
        (f'name="{name}"; filename="{file}"\r\nContent-Type: text/plain', data)
        for name, file, data in files
    ]
    body = b"".join(
        b"--xx\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + data + b"\r\n"
        for head, data in parts
    )
    return (body + b"--xx--\r\n").decode(), "multipart/form-data; boundary=xx"


@pytest.fixture
def form(park, reader):
    """`await form(schema)` gives a gate with this one field, and its page in the reader's hand."""

    async def opened(schema, *, required=True, **more):
        suspend = {"resume_form": {"schema": form_with(schema, required=required)}, **more}
        run = await park(suspend)
        await reader.enter((await run.mint("bob"))["approvalPage"])
        return run

    return opened


def entries_of(schema, payload, *, required=True):
    drawn = forms.form_of(GateOptions(form=form_with(schema, required=required)))
    return {name: list(values) for name, values in forms.filled(drawn, payload).items()}


@pytest.mark.parametrize("family", FAMILIES)
async def test_each_family_is_drawn_posted_and_reaches_the_next_cell(form, reader, family):
    """G60, G61: also as the page shows it again after a mistake, and a browser sends that."""
    schema, value, _ = FAMILIES[family]
    run = await form(schema)
    well_formed(reader.shown.text)
    entries = entries_of(schema, {"it": value})
    again = await reader.press("", **entries)
    assert again.status == 422
    well_formed(again.text)
    reader.shown = again
    shown = Drawn(again.text).fields
    pressed = await reader.press("approve", **shown)
    assert pressed.status == 200, pressed.text
    assert (await run.settled(run.id)).result == {"it": value}


def well_formed(text):
    """Labels, descriptions and links lead somewhere; nothing has one id twice."""
    page = Drawn(text)
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.labelled) <= set(page.ids)
    assert set(page.described) <= set(page.ids)
    assert set(page.linked) <= set(page.ids)
    assert set(page.controls) <= set(page.labelled)
    assert "style=" not in text
    assert "onclick" not in text


async def test_a_page_that_is_sent_as_it_came_has_the_defaults(form, reader):
    """G60"""
    schema = {"type": "array", "items": {"type": "string"}}
    run = await form(schema, default_args={"it": ["b"], "more": 2.5}, enums={"it": ["a", "b"]})
    assert (await reader.press("approve", **Drawn(reader.shown.text).fields)).status == 200
    assert (await run.settled(run.id)).result == {"it": ["b"], "more": 2.5}


# ---------------------------------------------------------------- mistakes


async def test_every_mistake_stands_at_its_field_and_all_at_once(park, reader):
    """G35, G62"""
    schema = {
        "properties": {
            "limit": {"type": "integer", "title": "Limit", "minimum": 1},
            "day": {"type": "string", "format": "date"},
            "who": FAMILIES["nested object"][0],
            "list": FAMILIES["list"][0],
        },
        "required": ["limit", "day", "who"],
    }
    run = await park({"resume_form": {"schema": schema}})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    typed = {
        "f/limit": "abc",
        "f/day": "tomorrow",
        "f/who/zip": "x<y",
        "f/list#": ["3"],
        "f/list/3": "12,5",
    }
    again = await reader.press("approve", **typed)
    assert again.status == 422
    well_formed(again.text)
    summary = again.text[again.text.index('id="mistakes"') :].partition("</ul>")[0]
    found = re.findall(r'<a href="#([\w-]+)">([^<]*)</a>', summary)
    assert [text.partition(":")[0] for _, text in found] == [
        "Limit",
        "day",
        "zip",
        "street",
        "list 1",
    ]
    for place, text in found:
        at = again.text.index(f'id="{place}"')
        tag = again.text[again.text.rindex("<", 0, at) : again.text.index(">", at)]
        assert 'aria-invalid="true"' in tag
        error = again.text[again.text.index(f'id="{place}-error">') :].partition("</p>")[0]
        assert text.partition(": ")[2] in error
    for kept in ('value="abc"', 'value="tomorrow"', 'value="x&lt;y"', 'value="12,5"'):
        assert kept in again.text
    assert (await run.gate())["votes"] == []


async def test_a_clock_that_cannot_show_an_entry_is_a_plain_field(form, reader):
    """A browser would drop the text from its own input for dates."""
    await form({"type": "string", "format": "date-time"})
    assert 'type="datetime-local"' in reader.shown.text
    again = await reader.press("approve", **{"f/it": "next week"})
    assert 'value="next week" type="text"' in again.text
    assert (await reader.press("approve", **{"f/it": "2026-11-25T14:05"})).status == 200


async def test_a_mistake_in_a_variant_stands_in_that_variant(form, reader):
    run = await form(FAMILIES["oneOf"][0])
    again = await reader.press("approve", **{"f/it@": "1", "f/it@1/iban": "", "f/it@0/number": "4"})
    assert again.status == 422
    page = Drawn(again.text)
    assert page.fields["f/it@"] == ["1"]
    assert page.fields["f/it@0/number"] == ["4"], "what stands in the other variant is kept too"
    name = re.search(rf'id="{page.linked[0]}"[^>]* name="([^"]*)"', again.text)[1]
    assert name == "f/it@1/iban"
    reader.shown = again
    assert (await reader.press("approve", **{**page.fields, "f/it@1/iban": "DE1"})).status == 200
    assert (await run.settled(run.id)).result == {"it": {"kind": "bank", "iban": "DE1"}}


async def test_the_reject_button_asks_for_no_form(form, reader):
    run = await form({"type": "integer"})
    pressed = await reader.press("reject", **{"f/it": "abc", "reason": "no"})
    assert pressed.status == 200
    assert (await run.settled(run.id)).error.reason == "no"


async def test_what_the_authors_function_refuses_stands_at_its_field(park, reader):
    """G62"""
    schema = {"properties": {"who": {"properties": {"day": {"type": "string"}}}}}
    source = "check = lambda answer: {'who.day': 'is a holiday'}\n1"
    run = await park({"resume_form": {"schema": schema}, "validate": "check"}, source=source)
    await reader.enter((await run.mint("bob"))["approvalPage"])
    again = await reader.press("approve", **{"f/who/day": "2026-12-25"})
    assert again.status == 422
    assert "day: is a holiday" in again.text
    assert 'value="2026-12-25"' in again.text
    well_formed(again.text)
    assert (await run.gate())["votes"] == []


# ---------------------------------------------------------------- rows


async def test_rows_are_added_and_removed_without_a_vote(form, reader):
    run = await form(FAMILIES["list"][0])

    async def edit(**said):
        fields = {**Drawn(reader.shown.text).fields, **said}
        reader.shown = await reader.press("", **fields)
        assert reader.shown.status == 200
        well_formed(reader.shown.text)

    await edit(_add="f/it")
    await edit(_add="f/it", **{"f/it/0": "1", "reason": "kept"})
    assert "kept" in reader.shown.text
    await edit(_add="f/it", **{"f/it/1": "abc"})
    assert 'value="abc"' in reader.shown.text
    await edit(_remove="f/it/1", **{"f/it/2": "3"})
    page = Drawn(reader.shown.text)
    assert page.fields["f/it#"] == ["0", "2"]
    assert ("_remove", "f/it/2") in page.buttons
    assert 'role="alert"' not in reader.shown.text
    assert (await run.gate())["votes"] == []
    assert (await reader.press("approve", **page.fields)).status == 200
    assert (await run.settled(run.id)).result == {"it": [1, 3]}


async def test_an_edit_needs_our_own_form_too(form, reader):
    await form(FAMILIES["list"][0])
    assert (await reader.press("", form="forged", _add="f/it")).status == 403


async def test_no_more_rows_can_be_added_than_there_may_be(form, reader):
    await form({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1})
    page = Drawn(reader.shown.text)
    assert page.fields["f/it#"] == ["0"]
    assert "_add" not in dict(page.buttons)


# ---------------------------------------------------------------- files


async def test_a_file_is_uploaded_kept_after_a_mistake_and_reaches_the_next_cell(park, reader):
    """G61, G63"""
    schema = {
        "properties": {
            "file": {"type": "string", "contentEncoding": "base64"},
            "n": {"type": "integer"},
        },
        "required": ["file", "n"],
    }
    run = await park({"resume_form": {"schema": schema}})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    assert 'enctype="multipart/form-data"' in reader.shown.text
    own = {name: [reader.hidden(name)] for name in ("form", "digest")}
    body, kind = multipart(
        {**own, "decision": ["approve"], "f/n": ["abc"]}, [("f/file", "a.txt", b"hello")]
    )
    again = await reader.post(body, kind)
    assert again.status == 422
    assert "is kept" in again.text
    fields = Drawn(again.text).fields
    body, kind = multipart(
        {**own, "decision": ["approve"], **fields, "f/n": ["3"]}, [("f/file", "", b"")]
    )
    assert (await reader.post(body, kind)).status == 200
    assert (await run.settled(run.id)).result == {"file": "aGVsbG8=", "n": 3}


@pytest.mark.parametrize("flows_config", [{"max_payload_bytes": 1000}])
async def test_a_file_that_is_too_large_is_said_on_the_page(form, reader):
    """G63"""
    run = await form({"type": "string", "contentEncoding": "base64"})
    own = {name: [reader.hidden(name)] for name in ("form", "digest")}
    body, kind = multipart({**own, "decision": ["approve"]}, [("f/it", "a", b"x" * 5000)])
    refused = await reader.post(body, kind)
    assert refused.status == 413
    assert "at most 1000" in refused.text
    assert (await run.gate())["votes"] == []


@pytest.mark.parametrize("body", ["--xx", "", "--xx\r\n\r\n--xx--\r\n"])
async def test_a_body_that_is_no_form_is_refused(form, reader, body):
    await form({"type": "string"})
    refused = await reader.post(body, "multipart/form-data; boundary=xx")
    assert refused.status in (400, 403)


# ---------------------------------------------------------------- secrets, programs


async def test_tokens_in_a_form_are_hidden_and_come_back_whole(form, reader):
    """What is shown hidden is sent hidden: it is the default that counts then."""
    link = f"http://h/approve?flow_token={TOKEN}"
    run = await form(
        {"type": "string", "title": link, "description": link},
        default_args={"it": link, "more": {"deep": [link]}},
        enums={"other": [f"{link}A", link, "x"]},
    )
    assert "B" * 20 not in reader.shown.text
    assert reader.shown.text.count("[hidden]") >= 4
    fields = {**Drawn(reader.shown.text).fields, "f/other": "1"}
    assert (await reader.press("approve", **fields)).status == 200
    assert (await run.settled(run.id)).result == {
        "it": link,
        "more": {"deep": [link]},
        "other": link,
    }


async def test_a_program_may_post_fields_by_their_own_names(park):
    """G32, G61: by the same parser."""
    schema = {
        "properties": {
            "limit": {"type": "integer"},
            "go": {"type": "boolean"},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
            "file": {"type": "string", "contentEncoding": "base64"},
        }
    }
    run = await park({"resume_form": {"schema": schema}, "required_events": 2})
    url = (await run.mint("bob"))["resume"]
    urlencoded = {"Content-Type": "application/x-www-form-urlencoded"}
    refused = await run.anyone("POST", url, "limit=x&tags=a", urlencoded)
    assert [mistake["where"] for mistake in refused.json["errors"]] == ["limit"]
    assert (await run.anyone("POST", url, "limit=3&go=yes&tags=b&tags=a", urlencoded)).status == 201
    body, kind = multipart({"limit": ["4"]}, [("file", "a.txt", b"hello")])
    url = (await run.mint("eve"))["resume"]
    assert (await run.anyone("POST", url, body, {"Content-Type": kind})).status == 201
    ended = await run.settled(run.id)
    assert [vote.payload for vote in ended.gates["ask", 1].votes] == [
        {"limit": 3, "go": True, "tags": ["b", "a"]},
        {"limit": 4, "file": "aGVsbG8="},
    ]


async def test_rest_page_and_link_refuse_in_the_same_words(park, reader, call):
    """G40, G62"""
    run = await park({"resume_form": {"schema": form_with({"type": "integer", "minimum": 5})}})
    links = await run.mint("bob")
    await reader.enter(links["approvalPage"])
    says = "must be at least 5; it is 3"
    assert says in (await reader.press("approve", **{"f/it": "3"})).text
    by_link = await run.anyone("POST", links["resume"], {"it": 3})
    by_rest = await call(
        "POST", f"api/runs/{run.id}/gates/ask/votes", {"approved": True, "payload": {"it": 3}}
    )
    wanted = [{"where": "it", "message": says}]
    assert by_link.json["errors"] == by_rest.json["errors"] == wanted
    assert json.loads(by_rest.text)["status"] == 422
