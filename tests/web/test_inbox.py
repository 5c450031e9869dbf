"""The inbox: what awaits me, and approving several at once, each as it was on the screen."""

import asyncio
import getpass
import re
from html import unescape
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import pytest

from jupyter_flows.core.commands import AmendOutputs
from jupyter_flows.core.model import StepId
from jupyter_flows.web import inbox as door

OWNER = getpass.getuser()
FORM = {"resume_form": {"schema": {"properties": {"limit": {"type": "integer"}}}}}
SENT = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def flows_config():
    return {"groups": {"finance": ["bob"], "risk": ["eve"]}}


class Inbox:
    """A logged-in user's browser at the inbox."""

    def __init__(self, call):
        self._call = call
        self.shown = None

    async def look(self, query=""):
        self.shown = await self._call("GET", f"inbox?{query}" if query else "inbox")
        return self.shown.text

    @property
    def titles(self):
        found = re.findall(r'<h2 id="card-\d+"><a href="page/[^"]*">(.*?)</a></h2>', self.text)
        return [unescape(title) for title in found]

    @property
    def text(self):
        return self.shown.text

    @property
    def selectable(self):
        return re.findall(r'type="checkbox" id="[^"]*" name="gate" value="([^"]*)"', self.text)

    @property
    def digests(self):
        return dict(re.findall(r'name="digest\.([^"]*)" value="([^"]*)"', self.text))

    @property
    def form(self):
        return re.search(r'name="form" value="([^"]*)"', self.text)[1]

    @property
    def outcomes(self):
        return [
            unescape(re.sub("<[^>]*>", "", each))
            for each in re.findall(r'<li class="state \w+">(.*?)</li>', self.text)
        ]

    @property
    def more(self):
        found = re.search(r'<a href="inbox\?([^"]*)" rel="next">', self.text)
        return unquote_plus(unescape(found[1])) if found else None

    async def send(self, decision, keys, *, headers=None, **changed):
        """Send the form that is on the screen, with these gates selected."""
        fields = {"form": self.form, "decision": decision, "gate": keys}
        digests = {f"digest.{key}": digest for key, digest in self.digests.items()}
        fields = {**fields, **digests, **changed}
        body = urlencode({k: v for k, v in fields.items() if v is not None}, doseq=True)
        return await self._call("POST", "inbox", body, headers={**SENT, **(headers or {})})

    async def press(self, decision, keys, **changed):
        self.shown = await self.send(decision, keys, **changed)
        return self.shown

    async def approve(self, keys):
        assert (await self.press("review", keys)).status == 200
        return await self.press("approve", keys)


@pytest.fixture
def inbox(call):
    return Inbox(call)


@pytest.fixture
def log(engine):
    """The events of a kind in a run's log, once what goes on in the background has ended."""
    others = set(engine._background)

    async def log(run, kind):
        while engine._background - others:
            await asyncio.wait(engine._background - others)
        rows = await engine._store.events(run.id)
        return [row.event for row in rows if type(row.event).__name__ == kind]

    return log


async def key_of(run):
    return (await run.gate())["id"]


# ---------------------------------------------------------------- what is shown


async def test_the_requests_that_await_me_are_shown_with_what_is_asked(park, inbox, call):
    one = await park(
        {"description": "Publish <b>it</b>?", "required_events": 2},
        source="print('42 rows'); 1",
        parameters={"month": 11},
        summary="Check & go",
    )
    await park(summary="Second")
    text = await inbox.look()
    assert inbox.shown.status == 200
    assert inbox.titles == ["Check & go", "Second"]
    assert "2 requests." in text
    said = ("Publish &lt;b&gt;it&lt;/b&gt;?", "42 rows", OWNER, "Parameter month", "0 of 2")
    for words in (*said, " left).", "The run fails then."):
        assert words in text, words
    assert f'href="page/{await key_of(one)}"' in text
    await call("POST", f"api/runs/{one.id}/gates/ask/votes", {"approved": True})
    await inbox.look()
    assert inbox.titles == ["Second"], "what I have voted on awaits me no more"


async def test_an_inbox_without_requests_says_so(inbox, kernels):
    assert "Nothing awaits you." in await inbox.look()
    assert "No request that awaits you has these words." in await inbox.look("q=report")
    assert "<button" in inbox.text
    assert 'value="review"' not in inbox.text


async def test_what_i_may_not_read_is_neither_shown_nor_found_nor_told_of(park, inbox, become):
    """G45"""
    options = {"user_groups_required": ["risk"], "description": "the secret figure"}
    run = await park(options, summary="Hush")
    key = await key_of(run)
    become("eve")
    await inbox.look()
    assert (inbox.titles, inbox.selectable) == (["Hush"], [key])
    digest = inbox.digests[key]
    become("bob")
    for query in ("", "q=secret", "q=hush"):
        await inbox.look(query)
        assert inbox.titles == []
        assert "secret figure" not in inbox.text
    become(OWNER)
    await inbox.look()
    assert inbox.titles == [], "its owner may read it, and not vote"
    await park(summary="Mine")
    become("bob")
    await inbox.look()
    unknown = await inbox.send("review", ["run_0.ask.1"])
    answer = await inbox.send("review", [key], **{f"digest.{key}": digest})
    assert answer.status == unknown.status == 409
    assert "Hush" not in answer.text
    inbox.shown = answer
    assert inbox.outcomes == ["The run has no such gate."]
    assert (await inbox.send("approve", [key], **{f"digest.{key}": digest})).status == 409
    assert (await run.gate())["votes"] == []


async def test_a_card_names_the_flow_by_which_the_search_finds_it(
    kernels, inbox, call, reached, make_notebook
):
    flow = {"id": "ask", "suspend": {}, "summary": "March"}
    notebook = make_notebook(("'go?'", [], flow))
    notebook["metadata"]["flow"] = {"name": "Monthly report"}
    started = await call("POST", "api/runs", {"notebook": notebook})
    await reached(started.json["id"], "suspended")
    await inbox.look("q=monthly")
    assert inbox.titles == ["March"]
    assert "· Monthly report" in inbox.text


@pytest.mark.parametrize(
    ("query", "found"),
    [("q=STEP", ["One step", "Two step"]), ("q=go?+two", ["Two step"]), ("q=step+three", [])],
)
async def test_a_search_narrows_the_list_and_stays_in_its_field(park, inbox, query, found):
    await park({"description": "Go?"}, summary="One step")
    await park({"description": "Go?"}, summary="Two step")
    await inbox.look(query.replace("+", " "))
    assert inbox.titles == found
    said = unescape(re.search(r'type="search" value="([^"]*)"', inbox.text)[1])
    assert said == parse_qs(query)["q"][0]


async def test_a_search_that_is_too_long_is_refused_as_a_page(inbox, kernels):
    await inbox.look("q=" + "x" * 201)
    assert inbox.shown.status == 400
    assert inbox.shown.headers["Content-Type"].startswith("text/html")
    assert "at most 200" in inbox.text


async def test_the_list_comes_in_pages(park, inbox, monkeypatch):
    monkeypatch.setattr(door, "CARDS", 2)
    for n in range(5):
        await park(summary=f"Request {n}")
    await inbox.look("q=request")
    seen = inbox.titles
    assert len(seen) == 2
    while inbox.more:
        assert "q=request" in inbox.more
        await inbox.look(inbox.more)
        assert "First page" in inbox.text
        seen += inbox.titles
    assert seen == [f"Request {n}" for n in range(5)]
    await inbox.look("cursor=nonsense")
    assert inbox.shown.status == 400


async def test_one_page_does_not_load_all_runs(park, inbox, engine, monkeypatch):
    monkeypatch.setattr(door, "CARDS", 3)
    for _ in range(8):
        await park()
    loaded, load = [], engine._store.load

    async def counted(run):
        loaded.append(run)
        return await load(run)

    monkeypatch.setattr(engine._store, "load", counted)
    await inbox.look()
    assert len(inbox.titles) == 3
    assert len(set(loaded)) == 3


async def test_the_page_lets_nothing_in_from_elsewhere(park, inbox):
    await park({"description": "<script>alert(1)</script>"}, source="print('<script>')")
    await inbox.look()
    headers = inbox.shown.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "unsafe" not in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "<script" not in inbox.shown.markup


async def test_tokens_are_hidden_on_the_cards(park, inbox):
    """G34"""
    token = "A" * 80 + "." + "B" * 43
    link = f"http://h/resume?flow_token={token}"
    source = f"print({link!r}); 1"
    await park({"description": link}, source=source, parameters={"link": link})
    assert "B" * 10 not in await inbox.look()
    assert inbox.text.count("flow_token=[hidden]") == 3


async def test_what_can_be_approved_from_here_lies_open(park, inbox):
    """G71: it is recorded as shown."""
    long = "print('x' * 5_000)"
    await park(source=long)
    assert "<details open>" in await inbox.look()
    await inbox.approve(inbox.selectable)
    await park(FORM, source=long)
    assert "<details>" in await inbox.look()
    assert "<details open>" not in inbox.text


# ---------------------------------------------------------------- approving several


async def test_several_are_approved_in_two_steps_and_each_digest_is_recorded(
    park, inbox, log, become
):
    """G40, G70, G71"""
    runs = [await park({"description": f"Go {n}?"}, summary=f"Request {n}") for n in range(3)]
    become("bob")
    await inbox.look()
    keys = [await key_of(run) for run in runs]
    assert inbox.selectable == keys
    confirm = await inbox.press("review", keys[:2])
    assert confirm.status == 200
    assert "Approve these 2 requests?" in confirm.text
    assert "Approve all 2" in confirm.text
    assert "Request 0" in confirm.text
    assert "Go 0?" in confirm.text
    assert "Request 2" not in confirm.text
    for run in runs:
        assert (await run.gate())["votes"] == [], "the first step votes for nothing"
        assert (await run.gate())["digest"][:19] in confirm.text or run is runs[2]
    done = await inbox.press("approve", keys[:2])
    assert done.status == 200
    assert inbox.outcomes == ["Request 0: Approved.", "Request 1: Approved."]
    assert inbox.titles == ["Request 2"], "the rest of the list"
    for run in runs[:2]:
        ended = await run.settled(run.id)
        assert (ended.status, ended.result) == ("succeeded", {"message": ""})
    for n, run in enumerate(runs):
        digest = (await run.gate())["digest"]
        (shown,) = await log(run, "GateShown")
        assert (shown.voter.name, shown.voter.route, shown.digest) == ("bob", "inbox", digest)
        votes = await log(run, "VoteCast")
        told = [(v.voter.name, v.voter.verified, v.voter.route, v.digest) for v in votes]
        assert told == ([("bob", True, "inbox", digest)] if n < 2 else [])


async def test_an_approval_that_is_not_the_last_says_how_many_are_awaited(park, inbox):
    """G10"""
    run = await park({"required_events": 3}, summary="Three")
    await inbox.look()
    await inbox.approve([await key_of(run)])
    assert inbox.outcomes == ["Three: Approved; 2 more approvals are awaited."]
    assert inbox.titles == []


async def test_what_has_changed_since_is_not_counted_and_is_shown_anew(park, inbox, engine, log):
    """G70"""
    runs = [
        await park(summary="Same"),
        await park(source="print('the old figure'); 1", summary="Moved"),
    ]
    keys = [await key_of(run) for run in runs]
    await inbox.look()
    before = inbox.digests
    assert (await inbox.press("review", keys)).status == 200
    text = b'[{"output_type":"stream","name":"stdout","text":"the new figure"}]'
    new = await engine._store.put(text)
    await engine._teller.tell(runs[1].id, AmendOutputs(outputs={StepId("ask"): new}))
    done = await inbox.press("approve", keys)
    assert done.status == 200, "some were counted"
    assert inbox.outcomes[0] == "Same: Approved."
    assert inbox.outcomes[1].startswith("Moved: What was approved is not what the gate shows now")
    assert inbox.titles == ["Moved"]
    assert "the new figure" in inbox.text
    assert inbox.digests[keys[1]] != before[keys[1]]
    assert (await runs[1].gate())["votes"] == []
    assert (
        await inbox.send("approve", [keys[1]], **{f"digest.{keys[1]}": before[keys[1]]})
    ).status == 409
    shown = [event.digest for event in await log(runs[1], "GateShown")]
    assert shown == [before[keys[1]], inbox.digests[keys[1]]]
    assert (await inbox.approve([keys[1]])).status == 200
    assert inbox.outcomes == ["Moved: Approved."]


@pytest.mark.parametrize("decision", ["review", "approve"])
@pytest.mark.parametrize("digest", [None, "", "sha256:00"])
async def test_nothing_is_approved_unseen(park, inbox, decision, digest):
    """G70: a form without the digest counts for nothing here."""
    run = await park()
    key = await key_of(run)
    await inbox.look()
    refused = await inbox.press(decision, [key], **{f"digest.{key}": digest})
    assert refused.status == 409
    assert "look at it again" in refused.text
    assert inbox.selectable == [key]
    assert (await run.gate())["votes"] == []


@pytest.mark.parametrize(
    ("options", "source"),
    [
        (FORM, "1"),
        ({"validate": "check"}, "check = lambda answer: {}\n1"),
        ({}, "print('x' * 30_000)"),
        ({}, "for n in range(35):\n    display(n)"),
        ({"description": "go?"}, "print('x' * 310_000)"),
        ({"description": {"render_all": [{"table-row": [["y" * 900] * 50] * 10}]}}, "1"),
    ],
    ids=["a form", "a validator", "cut", "more outputs", "too long", "much described"],
)
async def test_what_asks_for_more_than_a_card_can_show_is_approved_on_its_page_only(  # noqa: PLR0917
    park, inbox, log, options, source, engine
):
    """G62, G71"""
    if "display" in source:
        run = await park(options, source="1")
        one = b'{"output_type":"display_data","metadata":{},"data":{"text/plain":"1"}}'
        new = await engine._store.put(b"[" + b",".join([one] * 35) + b"]")
        await engine._teller.tell(run.id, AmendOutputs(outputs={StepId("ask"): new}))
    else:
        run = await park(options, source=source)
    key = await key_of(run)
    await inbox.look()
    assert inbox.selectable == []
    assert inbox.titles
    assert "Open it" in inbox.text
    assert "y" * 900 not in inbox.text
    assert "sha256:" not in inbox.text
    await park()
    await inbox.look()
    digest = (await run.gate())["digest"]
    for decision in ("review", "approve"):
        refused = await inbox.send(decision, [key], **{f"digest.{key}": digest})
        assert refused.status == 409
    assert (await run.gate())["votes"] == []
    assert await log(run, "GateShown") == [], "not all of it was shown"


async def test_a_gate_that_closed_meanwhile_keeps_no_other_from_counting(park, inbox, call):
    runs = [await park(summary="Gone"), await park(summary="There")]
    keys = [await key_of(run) for run in runs]
    await inbox.look()
    await inbox.press("review", keys)
    await call("POST", f"api/runs/{runs[0].id}/cancel")
    done = await inbox.press("approve", keys)
    assert done.status == 200
    gone, there = inbox.outcomes
    assert gone.startswith("Gone: A newer opening of this gate took its place, or its run has")
    assert there == "There: Approved."


async def test_a_form_that_is_sent_again_counts_once(park, inbox, log):
    """G35"""
    run = await park({"required_events": 2}, summary="Again")
    key = await key_of(run)
    await inbox.look()
    confirm = await inbox.press("review", [key])
    for _ in range(2):
        inbox.shown = confirm
        assert (await inbox.press("approve", [key])).status == 200
        assert inbox.outcomes == ["Again: Approved; 1 more approval is awaited."]
    assert len(await log(run, "VoteCast")) == 1


@pytest.mark.parametrize("flows_config", [{"max_answers_per_minute": 2}])
async def test_one_user_sends_only_so_many_answers_a_minute_from_here_too(
    park, inbox, become, flows_config
):
    """G35"""
    key = await key_of(await park({"required_events": 2}))
    await inbox.look()
    stale = {f"digest.{key}": "sha256:00"}
    sent = [(await inbox.send("approve", [key], **stale)).status for _ in range(3)]
    assert sent == [409, 409, 429]
    become("eve")
    await inbox.look()
    assert (await inbox.approve([key])).status == 200, "others are not held up"


async def test_nothing_selected_is_a_mistake_that_is_said(park, inbox):
    await park()
    await inbox.look()
    answer = await inbox.press("review", [])
    assert answer.status == 422
    assert "Nothing was selected" in answer.text
    assert len(inbox.titles) == 1


@pytest.mark.parametrize(
    ("decision", "keys"),
    [("reject", ["x"]), ("", ["x"]), ("approve", [f"g{n}" for n in range(101)])],
)
async def test_a_form_that_is_not_ours_in_what_it_asks_is_refused(park, inbox, decision, keys):
    run = await park()
    await inbox.look()
    assert (await inbox.send(decision, keys)).status == 400
    assert (await run.gate())["votes"] == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"self_approval_disabled": True},
        {"user_auth_required": True},
        {"approvers": ["bob"]},
        {"user_groups_required": ["risk"]},
        {"required_events": [{"group": "finance"}, {"group": "risk"}], "order": "sequential"},
        {"approvers": ["bob", "eve"], "order": "sequential"},
    ],
    ids=str,
)
async def test_the_inbox_and_the_rest_agree_on_who_may_vote(park, inbox, become, options):
    """G40, G42, G43, G44"""
    run = await park(options)
    await park()
    key = await key_of(run)
    for name in (OWNER, "bob", "eve"):
        become(name)
        gate = await run.gate()
        listed = (await run.call("GET", "api/gates?awaiting=me")).json["gates"]
        await inbox.look()
        assert (key in inbox.selectable) is gate["may_vote"] is (key in [x["id"] for x in listed])
        if not gate["may_vote"]:
            sent = {f"digest.{key}": gate["digest"]}
            assert (await inbox.send("approve", [key], **sent)).status == 409
        assert (await run.gate())["votes"] == []
    for name in ("bob", "eve"):
        become(name)
        await inbox.look()
        if key in inbox.selectable:
            assert (await inbox.approve([key])).status == 200
            break
    (vote,) = (await run.gate())["votes"]
    assert (vote["approver"], vote["verified"]) == (name, True)


# ---------------------------------------------------------------- only our own form


@pytest.mark.parametrize("decision", ["review", "approve"])
@pytest.mark.parametrize(
    ("headers", "changed"),
    [
        ({}, {"form": None}),
        ({}, {"form": "x"}),
        ({"Origin": "https://evil.example.org"}, {}),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, {}),
        ({"Sec-Fetch-Site": "cross-site"}, {}),
        ({"Sec-Fetch-Site": "same-site"}, {}),
    ],
    ids=str,
)
async def test_a_form_from_elsewhere_is_forbidden(park, inbox, decision, headers, changed):
    run = await park()
    await inbox.look()
    refused = await inbox.send(decision, [await key_of(run)], headers=headers, **changed)
    assert refused.status == 403
    assert "did not come from our page" in refused.text
    assert (await run.gate())["votes"] == []


async def test_a_form_of_another_user_or_of_a_page_is_forbidden(park, inbox, call, become):
    run = await park({"user_auth_required": True})
    key = await key_of(run)
    become("eve")
    page = (await call("GET", f"page/{key}")).text
    of_the_page = re.search(r'name="form" value="([^"]*)"', page)[1]
    await inbox.look()
    of_eve = inbox.form
    become("bob")
    await inbox.look()
    assert of_eve != inbox.form
    for form in (of_eve, of_the_page):
        assert (await inbox.send("approve", [key], form=form)).status == 403
    assert (await run.gate())["votes"] == []


async def test_a_cookie_alone_votes_for_nothing(park, anyone, jp_serverapp):
    run = await park()
    login = f"/user/bob/login?token={jp_serverapp.identity_provider.token}"
    cookie = (await anyone("GET", login)).headers["Set-Cookie"].partition(";")[0]
    assert (await anyone("GET", "/inbox", headers={"Cookie": cookie})).status == 200
    body = urlencode({"decision": "approve", "gate": await key_of(run)})
    refused = await anyone("POST", "/inbox", body, {"Cookie": cookie, **SENT})
    assert refused.status == 403
    assert (await run.gate())["votes"] == []


async def test_who_is_not_logged_in_is_led_to_the_login_and_votes_for_nothing(park, anyone):
    run = await park({"description": "the secret figure"})
    for method in ("GET", "HEAD"):
        led = await anyone(method, "/inbox?q=a")
        assert led.status == 302
        to = urlsplit(led.headers["Location"])
        assert to.path == "/user/bob/login"
        assert parse_qs(to.query)["next"] == ["/user/bob/jupyter-flows/inbox?q=a"]
    refused = await anyone("POST", "/inbox", urlencode({"decision": "approve"}), SENT)
    assert refused.status == 403
    assert "secret" not in refused.text
    assert (await run.gate())["votes"] == []


@pytest.mark.parametrize("server_config", [{"allow_unauthenticated_access": True}])
async def test_a_login_that_has_ended_is_said_as_a_page(park, anyone):
    await park()
    refused = await anyone("POST", "/inbox", "", SENT)
    assert refused.status == 403
    assert refused.headers["Content-Type"].startswith("text/html")
    (login,) = re.findall(r'<a class="button" href="([^"]*)">Log in</a>', refused.text)
    led = await anyone("GET", login.removeprefix("/user/bob/jupyter-flows"))
    assert led.status == 302
    assert urlsplit(led.headers["Location"]).path == "/user/bob/login"


async def test_a_head_shows_nothing_and_records_nothing(park, call, log):
    run = await park()
    answer = await call("HEAD", "inbox")
    assert (answer.status, answer.text) == (200, "")
    assert await log(run, "GateShown") == []


async def test_a_large_form_is_refused_before_it_is_read(park, inbox):
    await park()
    await inbox.look()
    assert (await inbox.send("review", [], more="x" * 2_000_000)).status == 413
