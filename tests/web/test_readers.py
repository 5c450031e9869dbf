"""Who sees the approval page, and as whom they vote: by a link, logged in, or both."""

import getpass
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

OWNER = getpass.getuser()
SECRET = {"description": "the secret figure"}


@pytest.fixture
def flows_config():
    return {"groups": {"finance": ["bob"]}}


class LoggedIn:
    """A logged-in user's browser: the page without a link."""

    def __init__(self, call):
        self._call = call
        self.shown = None

    async def look(self, key):
        self.shown = await self._call("GET", f"page/{key}")
        return self.shown

    async def press(self, key, decision, **entries):
        form = re.search(r'name="form" value="([^"]*)"', self.shown.text)[1]
        body = urlencode({"form": form, "decision": decision, **entries})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._call("POST", f"page/{key}", body, headers=headers)


@pytest.fixture
def browser(call):
    return LoggedIn(call)


async def test_a_link_to_a_gate_for_users_leads_to_the_login_and_shows_nothing(
    park, reader, anyone
):
    """G43, G45"""
    run = await park({"user_auth_required": True, **SECRET})
    page = await reader.enter((await run.mint("bob"))["approvalPage"])
    assert page.status == 403
    assert "secret" not in page.text
    (login,) = re.findall(r'<a class="button" href="([^"]*)">Log in</a>', page.text)
    led = await anyone("GET", login.removeprefix("/user/bob/jupyter-flows"))
    assert led.status == 302
    to = urlsplit(led.headers["Location"])
    assert to.path == "/user/bob/login"
    assert parse_qs(to.query)["next"] == [reader.url]


async def test_who_has_logged_in_votes_on_the_page_as_verified(park, browser, become):
    """G41, G43"""
    run = await park({"user_auth_required": True, **SECRET})
    key = (await run.gate())["id"]
    become("bob")
    page = await browser.look(key)
    assert (page.status, "secret" in page.text) == (200, True)
    answer = await browser.press(key, "approve", message="fine")
    assert "Approved." in answer.text
    (vote,) = (await run.gate())["votes"]
    assert (vote["approver"], vote["verified"]) == ("bob", True)
    assert (await run.settled(run.id)).result == {"message": "fine"}


async def test_a_logged_in_vote_must_come_from_our_own_page(park, browser, call, become):
    run = await park({"user_auth_required": True})
    key = (await run.gate())["id"]
    become("bob")
    await browser.look(key)
    form = re.search(r'name="form" value="([^"]*)"', browser.shown.text)[1]
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for sent, more in (
        ({"decision": "approve"}, {}),
        ({"decision": "approve", "form": form + "x"}, {}),
        ({"decision": "approve", "form": form}, {"Sec-Fetch-Site": "cross-site"}),
        ({"decision": "approve", "form": form}, {"Origin": "https://elsewhere.example"}),
    ):
        refused = await call("POST", f"page/{key}", urlencode(sent), headers={**headers, **more})
        assert refused.status == 403, sent
    become("eve")
    sent = urlencode({"decision": "approve", "form": form})
    assert (await call("POST", f"page/{key}", sent, headers=headers)).status == 403
    assert (await run.gate())["votes"] == []


async def test_without_a_link_or_a_login_only_a_gate_for_users_tells_of_a_login(park, anyone):
    """G34, G43"""
    plain, users = await park(), await park({"user_auth_required": True})
    unknown = await anyone("GET", f"/page/{(await plain.gate())['id']}")
    assert unknown.status == 404
    assert (await anyone("GET", "/page/run_0.ask.1")).text == unknown.text
    led = await anyone("GET", f"/page/{(await users.gate())['id']}")
    assert led.status == 302
    assert "/user/bob/login?next=" in led.headers["Location"]


async def test_a_logged_in_user_who_may_not_vote_sees_nothing_but_why(park, browser, become):
    """G45"""
    run = await park({"user_groups_required": ["finance"], **SECRET})
    key = (await run.gate())["id"]
    become("eve")
    page = await browser.look(key)
    assert page.status == 403
    assert "Only members of &#39;finance&#39;" in page.text
    assert "secret" not in page.text
    become("bob")
    assert "secret" in (await browser.look(key)).text


async def test_the_owner_sees_a_gate_that_is_not_theirs_to_close_without_buttons(
    park, browser, become
):
    """G42, G45"""
    run = await park({"self_approval_disabled": True, **SECRET})
    page = await browser.look((await run.gate())["id"])
    assert (page.status, "secret" in page.text) == (200, True)
    assert "owner can&#39;t vote" in page.text
    assert 'value="approve"' not in page.text
    become("bob")
    assert 'value="approve"' in (await browser.look((await run.gate())["id"])).text


async def test_both_names_are_kept_where_a_link_and_a_login_come_together(
    park, call, anyone, become
):
    """G41"""
    run = await park({"user_auth_required": True})
    links = await run.mint("carol")
    entered = await anyone("GET", links["approvalPage"])
    cookie = entered.headers["Set-Cookie"].partition(";")[0]
    become("bob")
    key = (await run.gate())["id"]
    page = await call("GET", f"page/{key}", headers={"Cookie": cookie})
    form = re.search(r'name="form" value="([^"]*)"', page.text)[1]
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
    sent = urlencode({"decision": "approve", "form": form})
    assert (await call("POST", f"page/{key}", sent, headers=headers)).status == 200
    (vote,) = (await run.gate())["votes"]
    assert (vote["approver"], vote["verified"], vote["claimed"]) == ("bob", True, "carol")


async def test_an_approval_is_withdrawn_on_the_page(park, reader):
    """G18"""
    run = await park({"required_events": 2})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    reader.shown = await reader.press("approve")
    assert "Withdraw your approval" in reader.shown.text
    reader.shown = await reader.press("withdraw")
    assert (await run.gate())["votes"] == []
    assert "Your approval is withdrawn." in reader.shown.text
    assert "Your approval is withdrawn." not in (await reader.look()).text
    assert 'value="approve"' in reader.shown.text
    await reader.press("approve")
    assert len((await run.gate())["votes"]) == 1


async def test_who_is_before_their_turn_reads_and_waits(park, reader, browser, become):
    """G44"""
    run = await park({"approvers": ["bob", "eve"], "order": "sequential", **SECRET})
    key = (await run.gate())["id"]
    become("eve")
    page = await browser.look(key)
    assert "bob votes first" in page.text
    assert 'value="approve"' not in page.text
    assert "bob, eve (in this order)" in page.text


@pytest.mark.parametrize("gone", ["revoked", "not ours"])
async def test_a_link_that_opens_nothing_does_not_shut_out_who_may_come_without(
    park, reader, call, gone
):
    """G33, G45: what the link was good for is over; what a login is good for is not."""
    run = await park()
    link = await run.mint("bob")
    await reader.enter(link["approvalPage"])
    sent = reader.headers if gone == "revoked" else {"Cookie": "jupyter_flows_link=approve.x"}
    await call("DELETE", f"api/links/{link['id']}")
    page = f"page/{(await run.gate())['id']}"
    told = await call("GET", page, headers=dict(sent))
    assert told.status in (410, 404)
    cleared = told.headers["Set-Cookie"]
    assert 'jupyter_flows_link="";' in cleared
    assert f"Path=/user/bob/jupyter-flows/{page}" in cleared
    assert (await call("GET", page)).status == 200
    assert "Set-Cookie" not in (await reader.look()).headers, "without a login it is told again"
