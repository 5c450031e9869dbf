"""Approving in a real browser, by the link that a cell has minted."""

from .chromium import needs_chromium
from .conftest import token_of

SHOWN = (
    "import jupyter_flows as flows\n"
    "print('42 rows will be published')\n"
    "{**flows.get_resume_urls('bob@example.org'), 'description': 'Publish the report?'}"
)

pytestmark = needs_chromium


def parked(server, make_notebook):
    run = server.started(make_notebook("x = 1", (SHOWN, ["suspend"]), "resume['message']"))
    shown = server.reached(run, "suspended", "failed")
    assert shown["status"] == "suspended", shown["error"]
    result = shown["steps"][1]["result"]
    return run, {name: result[name] for name in ("approvalPage", "resume", "cancel")}


def test_an_approver_reads_writes_a_message_and_approves(server, make_notebook, page):
    """G21, G32, G34"""
    run, links = parked(server, make_notebook)
    before = server.run(run)["gates"]
    page.goto(links["approvalPage"])
    assert "flow_token" not in page.url
    assert page.get_by_text("Publish the report?").is_visible()
    assert page.get_by_text("42 rows will be published").is_visible()
    shown = server.run(run)
    assert (shown["status"], shown["gates"]) == ("suspended", before), "looking is no vote"
    page.get_by_label("Message to the notebook").fill("go ahead, <b>Bob</b>")
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("You have approved this").wait_for()
    ended = server.reached(run, "succeeded", "failed")
    assert ended["result"] == "go ahead, <b>Bob</b>"
    page.goto(links["approvalPage"])
    assert page.get_by_text("You have approved this").is_visible()
    assert page.get_by_role("button").count() == 0
    assert page.problems == []
    server.logged_none_of(*(token_of(link) for link in links.values()))


def test_an_approver_rejects_with_a_reason(server, make_notebook, page):
    """G13, G34"""
    run, links = parked(server, make_notebook)
    page.goto(links["cancel"])
    assert page.get_by_role("button", name="Approve").count() == 0
    page.get_by_label("Reason").fill("the figures are wrong")
    page.get_by_role("button", name="Reject").click()
    page.get_by_text("You have rejected this").wait_for()
    ended = server.reached(run, "failed", "succeeded")
    assert ended["error"]["name"] == "SuspendedDisapproved"
    assert ended["error"]["reason"] == "the figures are wrong"
    assert page.problems == []


def test_the_keyboard_alone_is_enough(server, make_notebook, page):
    run, links = parked(server, make_notebook)
    page.goto(links["resume"])
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.id") != "message":
        page.keyboard.press("Tab")
    page.keyboard.type("by keyboard")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("You have approved this").wait_for()
    assert server.reached(run, "succeeded", "failed")["result"] == "by keyboard"
