"""A page that stays open while things happen: others vote, figures change, the run goes on."""

from .chromium import needs_chromium

pytestmark = needs_chromium

LOOK = 20_000
"""Milliseconds for what the page finds out by looking every few seconds."""


def updating(flag):
    """A gate's cell whose display is updated by a thread, when a file comes to be."""
    return (
        "import pathlib, threading, time\n"
        "from IPython.display import display\n"
        "shown = display({'text/plain': 'total 42'}, raw=True, display_id=True)\n"
        f"flag = pathlib.Path({str(flag)!r})\n"
        "def update():\n"
        "    while not flag.exists():\n"
        "        time.sleep(0.02)\n"
        "    shown.update({'text/plain': 'total 43'}, raw=True)\n"
        "threading.Thread(target=update, daemon=True).start()"
    )


def test_a_page_follows_the_votes_of_others_and_the_run_without_a_reload(
    server, make_notebook, page
):
    ask = ("'Publish?'", [], {"suspend": {"required_events": 2}})
    run = server.started(make_notebook(ask, "41 + 1"))
    server.reached(run, "suspended", "failed")
    page.goto(server.minted(run, "c0", "bob")["approvalPage"])
    page.get_by_label("Message to the notebook").fill("half a sentence")
    page.get_by_text("0 of 2").wait_for()
    server.call("POST", f"api/runs/{run}/gates/c0/votes", {"approved": True})
    page.get_by_text("1 of 2").wait_for(timeout=LOOK)
    assert page.get_by_label("Message to the notebook").input_value() == "half a sentence"
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("You have approved this").wait_for()
    page.get_by_text("The run has ended well.").wait_for(timeout=LOOK)
    assert page.problems == []


def test_times_are_told_in_the_readers_zone_and_in_utc(server, make_notebook, page):
    run = server.started(make_notebook(("1", ["suspend"])))
    server.reached(run, "suspended", "failed")
    link = server.minted(run, "c0", "bob")["approvalPage"]
    context = page.context.browser.new_context(timezone_id="Asia/Kolkata", locale="en-GB")
    there = context.new_page()
    there.goto(link)
    deadline = there.locator("#live-facts time")
    assert "5:30" in deadline.inner_text()
    assert "UTC" in deadline.get_attribute("title")


def test_a_figure_that_changes_under_the_readers_eyes_is_not_signed(
    server, make_notebook, page, tmp_path
):
    """G70: the thread's update is real, and so is the digest that it makes stale."""
    flag = tmp_path / "now"
    run = server.started(make_notebook((updating(flag), ["suspend"]), "resume['message']"))
    shown = server.reached(run, "suspended", "failed")
    assert shown["status"] == "suspended", shown["error"]
    page.goto(server.minted(run, "c0", "bob")["approvalPage"])
    page.get_by_text("total 42").wait_for()
    page.get_by_label("Message to the notebook").fill("fine")
    flag.touch()
    page.get_by_text("What you are asked to approve has changed").wait_for(timeout=LOOK)
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("This has changed since you looked").wait_for()
    assert page.locator("del").inner_text() == "total 42"
    assert page.locator("ins").inner_text() == "total 43"
    assert page.get_by_label("Message to the notebook").input_value() == "fine"
    assert server.run(run)["gates"][0]["votes"] == []
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("You have approved this").wait_for()
    assert server.reached(run, "succeeded", "failed")["result"] == "fine"
    assert [text for text in page.problems if "409" not in text] == []


def test_without_scripts_the_page_is_whole(server, make_notebook, page):
    run = server.started(make_notebook(("print('the figures')", ["suspend"]), "resume['message']"))
    server.reached(run, "suspended", "failed")
    context = page.context.browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(server.minted(run, "c0", "bob")["approvalPage"])
    assert plain.get_by_text("the figures").is_visible()
    assert "UTC" in plain.locator("#live-facts").inner_text()
    plain.get_by_label("Message to the notebook").fill("no script")
    plain.get_by_role("button", name="Approve").click()
    plain.get_by_text("You have approved this").wait_for()
    assert server.reached(run, "succeeded", "failed")["result"] == "no script"
