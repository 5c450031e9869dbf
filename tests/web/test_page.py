"""The approval page, as its readers meet it: forms, mistakes, headers, and what it never shows."""

import json
import re

import pytest

EVIL = "<script>alert(1)</script>"
FORM = {"schema": {"properties": {"limit": {"type": "integer"}}, "required": ["limit"]}}
MODES = ("approvalPage", "resume", "cancel")


async def test_a_reader_enters_looks_and_approves_with_a_message(park, reader):
    """G21, G34"""
    run = await park({"description": "Publish?"}, source="print('the figures'); 1")
    page = await reader.enter((await run.mint("bob"))["approvalPage"])
    assert "Publish?" in page.text
    assert "the figures" in page.text
    pressed = await reader.press("approve", message="go ahead")
    assert pressed.status == 200
    assert "You have approved" in pressed.text
    assert "Location" not in pressed.headers
    ended = await run.settled(run.id)
    assert ended.result == {"message": "go ahead"}
    assert "You have approved" in (await reader.look()).text
    assert "<form" not in reader.shown.text


async def test_a_reader_rejects_with_a_reason(park, reader):
    run = await park()
    await reader.enter((await run.mint("bob"))["approvalPage"])
    assert (await reader.press("reject", reason="not yet")).status == 200
    assert (await run.settled(run.id)).error.reason == "not yet"
    assert "not yet" in (await reader.look()).text


async def test_the_page_of_a_link_has_only_the_buttons_of_its_purpose(park, reader):
    """G32"""
    links = await (await park()).mint("bob")
    buttons = {
        name: re.findall(r'name="decision" value="(\w+)"', (await reader.enter(links[name])).text)
        for name in MODES
    }
    assert buttons == {
        "approvalPage": ["approve", "reject"],
        "resume": ["approve"],
        "cancel": ["reject"],
    }


@pytest.mark.parametrize(("mode", "decision"), [("resume", "reject"), ("cancel", "approve")])
async def test_the_page_of_a_link_takes_no_other_decision(park, reader, mode, decision):
    """G31"""
    run = await park()
    await reader.enter((await run.mint("bob"))[mode])
    assert (await reader.press(decision)).status == 403
    assert (await run.gate())["votes"] == []


@pytest.mark.parametrize(
    ("approver", "said"),
    [
        ("bob", "This link is for bob; your answer is recorded under this name."),
        (None, "This link names nobody; your answer is recorded as anonymous."),
    ],
)
async def test_a_page_says_under_which_name_the_answer_is_recorded(park, reader, approver, said):
    """G41"""
    page = await reader.enter((await (await park()).mint(approver))["approvalPage"])
    assert said in page.words


async def test_a_link_that_names_nobody_is_told_why_it_counts_as_the_owners(park, reader):
    """G42"""
    run = await park({"self_approval_disabled": True})
    page = await reader.enter((await run.mint(None))["approvalPage"])
    assert page.status == 403
    assert "A link that names nobody could be the owner&#39;s own." in page.text


@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_each_button_stands_below_what_it_sends(park, reader, decision):
    page = await reader.enter((await (await park()).mint("bob"))["approvalPage"])
    field = {"approve": "message", "reject": "reason"}[decision]
    controls = re.findall(r'(?:<textarea id|name="decision" value)="(\w+)"', page.text)
    assert controls[controls.index(decision) - 1] == field


async def test_a_page_shows_how_many_have_voted_and_who(park, reader):
    run = await park({"required_events": 2})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    await reader.press("approve")
    await reader.enter((await run.mint("eve"))["approvalPage"])
    assert "1 of 2" in reader.shown.text
    assert re.search(r"bob\s+\(by link\)\s+approved", reader.shown.words)
    await reader.press("approve")
    assert (await run.settled(run.id)).status == "succeeded"


async def test_who_comes_after_the_end_is_told_what_came_of_it(park, reader, clock):
    run = await park({"timeout": "1h"})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    await run.call("POST", f"api/runs/{run.id}/gates/ask/votes", {"approved": True})
    await run.settled(run.id)
    assert "Approved." in (await reader.look()).text
    clock.ahead = 4000
    assert "Approved." in (await reader.look()).text
    assert "<form" not in reader.shown.text


async def test_a_cancelled_run_is_said_on_the_page(park, reader):
    run = await park()
    await reader.enter((await run.mint("bob"))["approvalPage"])
    await run.call("POST", f"api/runs/{run.id}/cancel")
    assert "cancelled" in (await reader.look()).text
    assert (await reader.press("approve", form="x")).status in (403, 409)


async def test_a_revoked_link_opens_its_page_no_more(park, reader):
    """G33, G35"""
    run = await park()
    links = await run.mint("bob")
    await reader.enter(links["approvalPage"])
    await run.call("DELETE", f"api/links/{links['id']}")
    assert (await reader.press("approve")).status == 410
    assert (await reader.look()).status == 410
    assert reader.shown.headers["Content-Type"].startswith("text/html")


# ---------------------------------------------------------------- only our own form


async def test_without_the_cookie_there_is_no_page_and_no_vote(park, reader, anyone):
    """G34, G45"""
    run = await park({"description": "a secret plan"})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    reader.cookies = {}
    looked = await anyone("GET", reader.url)
    assert looked.status == 404
    assert "a secret plan" not in looked.text
    assert (await reader.press("approve")).status == 404


async def test_a_cookie_opens_no_other_gates_page(park, reader):
    """G31, G34"""
    one, other = await park(), await park()
    await reader.enter((await one.mint("bob"))["approvalPage"])
    reader.url = reader.url.replace(one.id, other.id)
    assert (await reader.look()).status == 404
    assert (await reader.press("approve", form="")).status == 404


@pytest.mark.parametrize("form", [None, "", "forged", "e30.AAAA"])
async def test_a_post_without_our_forms_token_is_forbidden(park, reader, form):
    run = await park()
    await reader.enter((await run.mint("bob"))["approvalPage"])
    refused = await reader.press("approve", form=form)
    assert refused.status == 403
    assert "did not come from our page" in refused.text
    assert (await run.gate())["votes"] == []


async def test_the_form_token_of_another_link_is_forbidden(park, reader):
    run = await park({"required_events": 2})
    await reader.enter((await run.mint("eve"))["approvalPage"])
    stolen = reader.hidden("form")
    await reader.enter((await run.mint("bob"))["approvalPage"])
    assert (await reader.press("approve", form=stolen)).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.org"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost.evil.example.org"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
async def test_a_post_from_another_site_is_forbidden(park, reader, headers):
    run = await park()
    await reader.enter((await run.mint("bob"))["approvalPage"])
    refused = await reader.press("approve", headers)
    assert refused.status == 403
    assert "did not come from our page" in refused.text
    assert (await run.gate())["votes"] == []


@pytest.mark.parametrize("origin", [None, "null"])
async def test_a_post_from_our_own_page_counts(park, reader, jp_serverapp, origin):
    """A browser writes a null origin where it is told to send no referrer."""
    run = await park()
    await reader.enter((await run.mint("bob"))["approvalPage"])
    own = jp_serverapp.public_url.split("/user")[0]
    headers = {"Origin": origin or own, "Sec-Fetch-Site": "same-origin"}
    assert (await reader.press("approve", headers)).status == 200


async def test_pressing_twice_is_one_vote(park, reader):
    """G35"""
    run = await park({"required_events": 2})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    for _ in range(2):
        assert "More approvals are awaited" in (await reader.press("approve", message="x")).text
    assert len((await run.gate())["votes"]) == 1


async def test_what_was_approved_must_be_what_was_shown(park, reader):
    """G70"""
    run = await park()
    await reader.enter((await run.mint("bob"))["approvalPage"])
    refused = await reader.press("approve", digest="sha256:00", message="kept")
    assert refused.status == 409
    assert "This has changed since you looked" in refused.words
    assert "kept" in refused.text
    assert (await run.gate())["votes"] == []


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize("typed", ["many", '"3"', "1.5", "[" * 30_000, ""])
async def test_after_a_mistake_the_entries_are_kept(park, reader, typed):
    """G35"""
    run = await park({"resume_form": FORM})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    again = await reader.press("approve", **{"f/limit": typed, "reason": "kept too"})
    assert again.status == 422
    assert again.headers["Content-Type"].startswith("text/html")
    shown = typed.replace('"', "&#34;")
    assert f'value="{shown}"' in again.text
    assert "kept too" in again.text
    assert 'aria-invalid="true"' in again.text
    assert 'role="alert"' in again.text
    assert (await run.gate())["votes"] == []
    reader.shown = again
    assert (await reader.press("approve", **{"f/limit": "3"})).status == 200
    assert (await run.settled(run.id)).result == {"limit": 3}


async def test_a_rejection_without_its_reason_keeps_the_message(park, reader):
    """G15, G35"""
    run = await park({"require_reason": True})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    again = await reader.press("reject", message="kept", reason=" ")
    assert again.status == 422
    assert "kept" in again.text
    assert (await reader.press("reject", reason="no")).status == 200


async def test_a_post_without_a_button_is_a_mistake(park, reader):
    run = await park()
    await reader.enter((await run.mint("bob"))["approvalPage"])
    assert (await reader.press("", message="kept")).status == 422
    assert (await run.gate())["votes"] == []


@pytest.mark.parametrize("flows_config", [{"max_payload_bytes": 1000}])
async def test_a_message_that_is_too_long_is_refused(park, reader):
    """G63"""
    run = await park()
    await reader.enter((await run.mint("bob"))["approvalPage"])
    assert (await reader.press("approve", message="x" * 2000)).status == 413
    assert (await reader.press("approve", message="x" * 200_000)).status == 413


# ---------------------------------------------------------------- headers, escaping


async def test_every_answer_of_a_page_is_strict_private_and_unframed(park, reader, anyone):
    run = await park()
    link = (await run.mint("bob"))["approvalPage"]
    entered = await anyone("GET", link)
    await reader.enter(link)
    unknown = await anyone("GET", link + "x")
    foreign = await reader.press("approve", {"Origin": "https://evil.example.org"})
    for answer in (entered, reader.shown, unknown, foreign):
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        for part in ("form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
            assert part in policy
        assert "unsafe" not in policy
        assert re.search(r"script-src 'sha256-[\w+/]{43}=';", policy)
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Robots-Tag"] == "noindex"


async def test_a_page_has_one_script_of_ours_no_foreign_address_and_no_token(
    park, reader, jp_serverapp
):
    run = await park()
    links = await run.mint("bob")
    text = (await reader.enter(links["approvalPage"])).markup
    assert "<script" not in text
    assert not re.search(r"""(?:src|href|action)=["'](?!data:image|data:,|#)""", text)
    assert links["approvalPage"].partition("flow_token=")[2] not in text
    assert jp_serverapp.identity_provider.token not in text


async def test_nothing_that_an_author_or_voter_wrote_becomes_markup(park, reader):
    run = await park(
        {
            "description": EVIL,
            "required_events": 3,
            "resume_form": {
                "schema": {
                    "title": EVIL,
                    "properties": {
                        "a": {
                            "type": "string",
                            "title": EVIL,
                            "description": EVIL,
                            "maxLength": 999,
                        },
                        EVIL: {"enum": [EVIL], "title": f'"{EVIL}'},
                        "b": {"type": "integer", "placeholder": f'"{EVIL}'},
                    },
                }
            },
            "default_args": {"a": f"</textarea>{EVIL}"},
        },
        parameters={"name": f'"><img src=x onerror=alert(1)>{EVIL}'},
        source=f"print({EVIL!r}); {EVIL!r}",
        summary=f"</title>{EVIL}",
    )
    eve = await run.mint(f"{EVIL}eve")
    await run.anyone("POST", eve["resume"], {"a": EVIL})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    typed = {"f/a": f"</textarea>{EVIL}", "f/b": f'"{EVIL}', "reason": f"</textarea>{EVIL}"}
    again = await reader.press("approve", **typed)
    assert again.status == 422
    for text in (reader.shown.markup, again.markup):
        assert "<script" not in text
        assert "<img src=x" not in text
        assert text.count("&lt;script&gt;") >= 10
        assert text.count("</textarea>") == 2
        assert text.count("</title>") == 1


@pytest.mark.parametrize(
    "described",
    [{"html": EVIL}, {"svg": f"<svg onload=alert(1)>{EVIL}</svg>"}, {"markdown": EVIL}, [EVIL], 3],
    ids=str,
)
async def test_rich_descriptions_are_shown_as_text(park, reader, described):
    run = await park({"description": described})
    text = (await reader.enter((await run.mint("bob"))["approvalPage"])).markup
    assert "<script" not in text
    assert "<svg" not in text


async def test_outputs_that_are_markup_are_shown_as_their_text(park, reader, engine, monkeypatch):
    """What the notebook's HTML, SVG or JavaScript would do here, it must not."""
    rich = dict.fromkeys(("text/html", "image/svg+xml", "application/javascript"), EVIL)
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": {**rich, "text/plain": "a table"}},
        {"output_type": "display_data", "metadata": {}, "data": rich},
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": f'"{EVIL}'}},
        {"output_type": "error", "ename": EVIL, "evalue": EVIL, "traceback": [EVIL]},
    ]

    async def shown(_):
        return outputs

    run = await park()
    monkeypatch.setattr(engine._keeper, "outputs_of", shown)
    text = (await reader.enter((await run.mint("bob"))["approvalPage"])).markup
    assert "<script" not in text
    assert "a table" in text
    assert "no text to show" in text


async def test_more_outputs_than_a_page_can_hold_are_cut_and_that_is_said(park, reader):
    run = await park(source=f"print('x' * {50_000}); 1")
    text = (await reader.enter((await run.mint("bob"))["approvalPage"])).text
    assert "cut short here" in text
    assert len(text) < 60_000


async def test_links_that_a_cell_printed_are_not_shown_to_other_approvers(park, reader):
    source = "print('mail http://127.0.0.1/resume?flow_token=abc.def'); 1"
    run = await park({"description": "see http://x/?flow_token=abc.def"}, source=source)
    text = (await reader.enter((await run.mint("bob"))["approvalPage"])).text
    assert "abc.def" not in text
    assert text.count("flow_token=[hidden]") == 2


async def test_tokens_in_a_title_or_an_authors_objection_are_hidden(park, reader, call):
    """G34"""
    token = "A" * 80 + "." + "B" * 43
    source = f"check = lambda answer: 'see http://h/?flow_token={token}'\n1"
    run = await park({"validate": "check"}, source=source, summary=f"flow_token={token}")
    page = await reader.enter((await run.mint("bob"))["approvalPage"])
    inbox = await call("GET", "inbox")
    refused = await reader.press("approve")
    for said in (page.text, inbox.text, refused.text):
        assert "flow_token=[hidden]" in said
        assert token not in said


async def test_json_answers_are_never_sniffed_as_pages(park):
    run = await park({"description": EVIL})
    shown = await run.call("GET", f"api/runs/{run.id}")
    assert shown.headers["Content-Type"] == "application/json"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert json.loads(shown.text)["gates"][0]["description"] == EVIL


async def test_the_page_shows_what_the_gates_cell_and_evidence_cells_put_out(  # noqa: PLR0917
    kernels, call, reached, engine, make_notebook, reader
):
    """G72."""
    notebook = make_notebook(
        "print('plain')",
        ("print('proof')", ["evidence"]),
        ("print('figures')\n1", [], {"id": "ask", "suspend": {}}),
        ("print('later')", ["evidence"]),
    )
    run = (await call("POST", "api/runs", {"notebook": notebook})).json["id"]
    await reached(run, "suspended")
    await engine.settled(run)
    asked = {"run": run, "gate": "ask", "approver": "bob"}
    links = (await call("POST", "api/links", asked)).json
    page = (await reader.enter(links["approvalPage"])).text
    assert [
        word
        for word in ("plain", "proof", "figures", "later")
        if f'<pre tabindex="0">{word}' in page
    ] == [
        "proof",
        "figures",
    ]
