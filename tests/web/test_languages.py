"""The pages in their reader's language: which one it is, and that nothing is left unsaid in it."""

import getpass
import re
import string
import subprocess
import sys
from gettext import NullTranslations
from io import BytesIO
from urllib.parse import urlencode

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flows.core import errors
from jupyter_flows.core.forms import names
from jupyter_flows.core.forms.words import said
from jupyter_flows.core.sentences import either, sentence
from jupyter_flows.web import doors, messages
from jupyter_flows.web.drawn import pages_in
from jupyter_flows.web.languages import ENGLISH, Translated, language, language_for, translated

LIMIT = names.child(names.ROOT, "limit")
EVIL = "<script>alert(1)</script>{limit}%(item)s"
IN_GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
GERMAN = language("de")
LANGUAGES = sorted(translated())


@pytest.fixture(scope="module")
def texts():
    return messages.gathered()


# ---------------------------------------------------------------- catalogues


def test_german_has_a_catalogue():
    assert "de" in LANGUAGES


@pytest.mark.parametrize(
    "known",
    ["This link is not known.", "must be at least {bound}", "Add to %(list)s"],
)
def test_texts_are_gathered_from_errors_code_and_templates(texts, known):
    assert known in texts


def test_every_error_says_its_theme_in_a_gathered_text(texts):
    waiting = [errors.FlowsError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        said = kind.theme()
        assert said in texts or not said or kind.__module__ != errors.__name__, kind


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_catalogue_has_every_text_and_no_other(texts, code):
    """`make messages` mends what this finds; then the new texts are to be translated."""
    kept = messages.catalogue(code)
    assert {message.id for message in kept if message.id} == {x.id for x in texts if x.id}


@pytest.mark.parametrize("code", LANGUAGES)
def test_bringing_a_catalogue_up_to_date_keeps_its_translations(texts, code):
    fewer = messages.gathered()
    fewer.delete("This link is not known.")
    fewer.add("A text to come.")
    brought = read_po(BytesIO(messages.brought_up(code, fewer)), code)
    assert "This link is not known." not in brought
    assert brought["A text to come."].string == ""
    kept = messages.catalogue(code)
    same = [message.id for message in fewer if message.id and message.id in kept]
    assert [brought[text].string for text in same] == [kept[text].string for text in same]


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_is_translated_with_its_values_and_its_plural(texts, code):
    catalogue = messages.catalogue(code)
    for message in texts:
        if not message.id:
            continue
        found = catalogue.get(message.id)
        forms = found.string if message.pluralizable else (found.string,)
        said = (message.id,) if isinstance(message.id, str) else message.id
        assert not found.fuzzy, message.id
        assert len(forms) == (catalogue.num_plurals if message.pluralizable else 1), message.id
        assert all(forms), message.id
        allowed = [values(form) for form in said]  # of one, a text may leave its number out
        assert all(values(form) in allowed for form in forms), message.id
        assert values(forms[-1]) == allowed[-1], message.id


def values(text):
    """The names of the values in a text, of Python's kind and of the templates'."""
    braces = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    return sorted(braces + re.findall(r"%\((\w+)\)s", text))


def test_a_text_that_is_not_written_out_is_refused(tmp_path):
    file = tmp_path / "code.py"
    file.write_text("sentence('one'); sentence(f'{two}')")
    with file.open("rb") as opened, pytest.raises(ValueError, match="must be a text"):
        list(messages.marked(opened, (), (), options={}))


# ---------------------------------------------------------------- which language


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "en"),
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("de-Latn-CH-1996", "de"),
        ("en-GB,de;q=0.9", "en"),
        ("en;q=0.5, de ; q = 0.8", "de"),
        ("fr,de;q=0.3,en;q=0.2", "de"),
        ("fr,*;q=0.1", "en"),
        ("de;q=0", "en"),
        ("de;q=0.000,*", "en"),
        ("en;q=0.8,de;q=0.8", "en"),
        ("de;q=1.000", "de"),
        ("de;q=2", "en"),
        ("de;q=-1", "en"),
        ("de;q=nan", "en"),
        ("de;q=1e5", "en"),
        ("de;level=1", "en"),
        ("q=1;de", "en"),
        (",,;,de,,", "de"),
        ("deutsch", "en"),
        ("../../etc", "en"),
        ("de/../../x", "en"),
        ("\x00de", "en"),
        ("\uff44\uff45", "en"),
        ("de;q=\u0660.\u0665", "en"),
        ("x" * 100_000 + ",de", "en"),
        ("fr," * 100_000, "en"),
    ],
)
def test_the_language_is_the_one_that_the_reader_likes_best(header, code):
    assert language_for(header).code == code


@given(
    st.text() | st.from_regex(r"([a-z*]{0,3}(-[A-Z0-9]{0,9})?(; ?q=[0-9.]{0,6})?,){0,5}de.{0,4}")
)
def test_any_header_gives_a_language_that_is_there(header):
    assert language_for(header).code in {"en", *LANGUAGES}


def test_english_readers_wait_for_no_catalogue_to_be_loaded():
    code = (
        "import sys; from jupyter_flows.web.page import message_page;"
        "from jupyter_flows.web.languages import language_for;"
        "message_page(language_for('en'), 'a', 'b');"
        "sys.exit('babel' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


# ---------------------------------------------------------------- what is said


class Wrong:
    """As jsonschema says it."""

    def __init__(self, validator, value, instance, schema):
        self.validator, self.validator_value = validator, value
        self.instance, self.schema = instance, schema


@pytest.mark.parametrize(
    ("text", "in_german"),
    [
        (sentence("is required"), "muss angegeben werden"),
        (sentence("{who} votes first.", who="eve"), "Zuerst stimmt eve ab."),
        (said(Wrong("minimum", 3, 2, {})), "muss mindestens 3 sein; angegeben ist 2"),
        (said(Wrong("minItems", 1, [], {})), "muss mindestens 1 Eintrag haben"),
        (said(Wrong("minItems", 2.0, [], {})), "muss mindestens 2.0 Einträge haben"),
        (said(Wrong("minItems", 2000, [], {})), "muss mindestens 2.000 Einträge haben"),
        (said(Wrong("minItems", 10**40, [], {})), f"muss mindestens {10**40} Einträge haben"),
        (
            said(Wrong("type", ["string", "integer", "null"], [], {})),
            "muss ein Text oder eine ganze Zahl oder leer (null) sein; angegeben ist []",
        ),
        (said(Wrong("format", "own", 1, {})), "muss vom Format 'own' sein; angegeben ist 1"),
        (sentence("has more than {most:,} values", most=10_000), "hat mehr als 10.000 Werte"),
        (either(["a"]), "a"),
        (either(["a", "b"]), "a oder b"),
    ],
)  # fmt: skip
def test_a_sentence_is_said_with_its_values_its_plural_and_those_within_it(text, in_german):
    assert GERMAN.say(text) == in_german
    assert ENGLISH.say(text) == text


@pytest.mark.parametrize("text", ["Yes", "is required", "", "{", "{0}", "%(item)s"])
def test_an_authors_own_words_stay_as_they_are_even_where_ours_are_the_same(text):
    assert GERMAN.say(text) == ENGLISH.say(text) == text


@given(st.text())
def test_values_are_put_in_as_they_are(value):
    assert GERMAN.say(sentence("{who} votes first.", who=value)) == f"Zuerst stimmt {value} ab."


def test_a_language_that_lacks_a_sentence_says_it_in_english():
    assert GERMAN.say(errors.Sentence("{n} unheard of", "", {"n": 1234})) == "1.234 unheard of"


@pytest.mark.parametrize(
    ("speaker", "moment", "duration", "size", "bytes_"),
    [
        (ENGLISH, "25 Nov 2026, 14:05 UTC", "2 days 3 h", "1.2 MB", "1 byte"),
        (GERMAN, "25. Nov. 2026, 14:05 UTC", "2 Tage 3 Std.", "1,2 MB", "1 Byte"),
    ],
)
def test_moments_durations_and_sizes_are_written_as_is_usual(
    speaker, moment, duration, size, bytes_
):
    assert speaker.moment(1795615500.9) == moment
    assert speaker.duration(2 * 86400 + 3 * 3600 + 59 * 60) == duration
    assert speaker.size(1_234_567) == size
    assert speaker.size(1) == bytes_


@pytest.mark.parametrize("speaker", [ENGLISH, GERMAN], ids=["en", "de"])
def test_what_is_no_moment_and_no_usual_number_is_said_all_the_same(speaker):
    assert speaker.moment(1e20) == "1e+20"
    assert speaker.duration(0).startswith("0 ")
    assert speaker.number(10**30).replace(",", "") == str(10**30)


def test_values_in_a_templates_texts_and_in_sentences_are_escaped():
    template = pages_in(GERMAN).from_string('{{ _("Remove %(item)s", item=it) }} {{ it | say }}')
    shown = template.render(it=sentence("{who} votes first.", who=EVIL))
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{limit}%(item)s votes first. entfernen" in shown
    assert "Zuerst stimmt &lt;script&gt;" in shown


# ---------------------------------------------------------------- pages of a real server


@pytest.fixture
def german(reader):
    """A reader whose browser asks for German."""
    reader.said = dict(IN_GERMAN)
    return reader


FORM = {
    "schema": {
        "properties": {
            "limit": {"type": "integer", "maximum": 9, "description": "In euros"},
            "proof": {"type": "string", "contentEncoding": "base64"},
            "names": {"type": "array", "title": EVIL, "items": {"type": "string"}},
            "agreed": {"type": ["boolean", "null"]},
            "word": {"type": "string", "enum": ["Yes", ""]},
        },
        "required": ["limit"],
    }
}


async def test_a_page_is_in_the_readers_language_and_says_so(park, german):
    run = await park({"resume_form": FORM})
    page = await german.enter((await run.mint("bob"))["approvalPage"])
    assert '<html lang="de">' in page.text
    assert page.headers["Content-Language"] == "de"
    assert page.headers["Vary"] == "Accept-Language"
    assert "In euros. 9 oder weniger." in page.text
    assert "(optional)" in page.text
    assert ">Ja</option>" in page.text


async def test_an_authors_words_on_a_page_are_neither_translated_nor_markup(park, german):
    run = await park({"resume_form": FORM})
    page = await german.enter((await run.mint("bob"))["approvalPage"])
    assert ">Yes</option>" in page.text
    assert ">(leer)</option>" in page.text
    assert "<script>" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{limit}%(item)s: Eintrag hinzufügen" in page.text


async def test_mistakes_are_said_in_the_readers_language_above_and_beside_the_field(park, german):
    """G62"""
    run = await park({"resume_form": FORM})
    await german.enter((await run.mint("bob"))["approvalPage"])
    refused = await german.press("approve", **{LIMIT: "<b>"})
    mistake = "muss eine ganze Zahl sein; angegeben ist &#34;&lt;b&gt;&#34;"
    assert refused.status == 422
    assert f'">limit: {mistake}</a>' in refused.text
    assert f'-error">{mistake}</p>' in refused.text
    refused = await german.press("approve", **{LIMIT: "12"})
    assert "limit: darf höchstens 9 sein; angegeben ist 12" in refused.text
    assert (await german.press("approve", **{LIMIT: "3"})).status == 200
    assert (await run.settled(run.id)).result["limit"] == 3


async def test_the_same_mistakes_are_english_for_everybody_else_and_in_the_api(park, reader):
    """G35"""
    run = await park({"resume_form": FORM})
    page = await reader.enter((await run.mint("bob"))["approvalPage"])
    assert '<html lang="en">' in page.text
    assert page.headers["Content-Language"] == "en"
    assert "limit: must be a whole number" in (await reader.press("approve", **{LIMIT: "x"})).text
    votes = f"api/runs/{run.id}/gates/ask/votes"
    body = {"approved": True, "payload": {"limit": 12}}
    answer = await run.call("POST", votes, body, headers=dict(IN_GERMAN))
    assert answer.json["detail"] == "limit: must be at most 9; it is 12"
    assert answer.json["errors"] == [{"where": "limit", "message": "must be at most 9; it is 12"}]


async def test_a_missing_reason_is_said_in_the_readers_language(park, german):
    """G15"""
    run = await park({"require_reason": True})
    await german.enter((await run.mint("bob"))["approvalPage"])
    refused = await german.press("reject")
    assert refused.status == 422
    assert "Eine Ablehnung braucht hier eine Begründung." in refused.text


async def test_who_is_before_their_turn_is_told_so_in_their_language(park, call, become):
    """G44"""
    run = await park({"approvers": ["bob", "eve"], "order": "sequential"})
    become("eve")
    page = await call("GET", f"page/{(await run.gate())['id']}", headers=dict(IN_GERMAN))
    assert "Zuerst stimmt bob ab." in page.text


async def test_why_the_inbox_counted_nothing_is_said_in_the_readers_language(park, call):
    run = await park(summary="Berlin")
    key = (await run.gate())["id"]
    page = await call("GET", "inbox", headers=dict(IN_GERMAN))
    form = re.search(r'name="form" value="([^"]*)"', page.text)[1]
    sent = {"form": form, "decision": "approve", "gate": key, f"digest.{key}": "sha256:00"}
    headers = {**IN_GERMAN, "Content-Type": "application/x-www-form-urlencoded"}
    refused = await call("POST", "inbox", urlencode(sent), headers=headers)
    assert refused.status == 409
    assert "Berlin: Was Sie freigeben wollten, hat sich inzwischen geändert" in refused.words


async def test_what_became_of_a_gate_is_told_in_the_readers_language(park, german, anyone):
    run = await park({"timeout": "1h"})
    await german.enter((await run.mint("bob"))["approvalPage"])
    await german.press("reject", reason="not yet")
    await run.settled(run.id)
    said = " ".join((await german.look()).words.split())
    assert "Sie haben dies abgelehnt" in said
    assert "Abgelehnt. Begründung von bob: „not yet“" in said
    live = await anyone("GET", f"{german.url}/live", headers=german.headers)
    assert "Sie haben dies abgelehnt" in live.words
    assert live.headers["Vary"] == "Accept-Language"


async def test_a_page_that_refuses_is_in_the_readers_language(park, german, anyone):
    """G35, G45"""
    unknown = await anyone("GET", "/approve?flow_token=x", headers=dict(IN_GERMAN))
    assert (unknown.status, '<html lang="de">' in unknown.text) == (404, True)
    assert "<h1>Dieser Link ist nicht bekannt</h1>" in unknown.text
    assert "Vielleicht ist er unvollständig" in unknown.text
    assert unknown.headers["Vary"] == "Accept-Language"
    run = await park({"user_auth_required": True})
    shut = await german.enter((await run.mint("bob"))["approvalPage"])
    assert shut.status == 403
    assert "Wenn Sie hier ein Konto haben, melden Sie sich an, um fortzufahren" in shut.text


async def test_a_foreign_form_is_refused_in_the_readers_language(park, german):
    run = await park()
    await german.enter((await run.mint("bob"))["approvalPage"])
    refused = await german.press("approve", form="forged")
    assert refused.status == 403
    assert "Diese Stimme kam nicht von unserer Seite." in refused.text


# ---------------------------------------------------------------- nothing is left unmarked


class Brackets(NullTranslations):
    """A language in which one sees what was looked up."""

    def gettext(self, message):
        return f"⟦{message}⟧"

    def ngettext(self, msgid1, msgid2, n):
        return self.gettext(msgid1 if n == 1 else msgid2)


READ_OUT = re.compile(r'(?:aria-label|alt|title|placeholder)="([^"]*)"')
A_MOMENT = re.compile(r"\d+\. \w+\.? \d+, \d\d:\d\d UTC")


def left_over(page):
    """The words of a page that no catalogue was asked for."""
    said = A_MOMENT.sub("", "\n".join([page.words, *READ_OUT.findall(page.markup)]))
    while (fewer := re.sub("⟦[^⟦⟧]*⟧", "", said)) != said:
        said = fewer
    return set(re.findall(r"[A-Za-z]{2,}", said))


FIELDS = (
    {"type": "string", "maxLength": 5},
    {"type": "integer", "minimum": 1},
    {"type": "boolean"},
    {"type": ["boolean", "null"]},
    {"enum": [1, 2, ""]},
    {"const": 1},
    {"type": "string", "format": "date-time"},
    {"type": "string", "contentEncoding": "base64", "default": "AAAA"},
    {"type": "array", "items": {"type": "string"}, "default": ["1"]},
    {"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": True},
    {"type": "object", "properties": {"1": {"type": "number", "maximum": 2}}},
    {"oneOf": [{"type": "object", "properties": {"2": {}}}, {"type": "integer"}]},
    {},
)


async def test_all_that_a_page_says_by_itself_is_looked_up(park, reader, monkeypatch):
    """What its author says is digits here."""
    brackets = Translated("de", Brackets())
    monkeypatch.setattr(doors, "language_for", lambda _: brackets)
    fields = {str(number): field for number, field in enumerate(FIELDS)}
    form = {"schema": {"properties": fields, "required": ["0", "1"]}}
    suspend = {"resume_form": form, "description": "4711", "required_events": 2, "timeout": "1h"}
    run = await park(suspend, source="42", parameters={"_": 1})
    bound = f"{run.id} {getpass.getuser()} {(await run.gate())['digest']} ask bob"
    known = set(re.findall(r"[A-Za-z]{2,}", bound))
    page = await reader.enter((await run.mint("bob"))["approvalPage"])
    assert left_over(page) <= known
    assert left_over(await reader.press("approve")) <= known
    assert left_over(await reader.press("reject", reason="9")) <= known
    await run.settled(run.id)
    assert left_over(await reader.look()) <= known


@pytest.mark.parametrize("header", ["", ";;;", "de;q=9", "\xff" * 50, "a-" * 3000, "*", "%s{0}"])
async def test_rubbish_for_a_language_gives_the_page_in_english(park, reader, header):
    run = await park()
    reader.said = {"Accept-Language": header}
    page = await reader.enter((await run.mint("bob"))["approvalPage"])
    assert (page.status, page.headers["Content-Language"]) == (200, "en")
