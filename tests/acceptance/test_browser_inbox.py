"""The inbox in a real browser: several approved with the keyboard alone, on any screen."""

from .chromium import needs_chromium
from .conftest import TOKEN

PHONE = {"width": 360, "height": 740}

pytestmark = needs_chromium


def parked(server, make_notebook, name, **suspend):
    gate = (f"print('figures of {name}')", [], {"summary": name, "suspend": suspend})
    run = server.started(make_notebook("x = 1", gate, "resume"))
    shown = server.reached(run, "suspended", "failed")
    assert shown["status"] == "suspended", shown["error"]
    return run


def gate_of(server, run):
    (gate,) = server.run(run)["gates"]
    return gate


def tab_to(page, **wanted):
    """Press Tab until the element with these properties has the focus."""
    for _ in range(100):
        page.keyboard.press("Tab")
        if all(page.evaluate(f"document.activeElement.{name}") == v for name, v in wanted.items()):
            return
    raise AssertionError(f"the keyboard does not reach {wanted}")


def select(page, run):
    key = next(
        box.get_attribute("value")
        for box in page.get_by_label("Select to approve").all()
        if box.get_attribute("value").startswith(run)
    )
    tab_to(page, type="checkbox", value=key)
    page.keyboard.press("Space")


def test_two_are_approved_with_the_keyboard_alone(server, make_notebook, page):
    """G32, G70, G71"""
    form = {"schema": {"properties": {"limit": {"type": "integer"}}}}
    first, second, third = (
        parked(server, make_notebook, name, description=f"Publish {name}?")
        for name in ("March", "April", "May")
    )
    asking = parked(server, make_notebook, "June", resume_form=form)
    page.goto(f"{server.address}/inbox?token={TOKEN}")
    assert page.get_by_role("article").count() == 4
    assert page.get_by_text("figures of March").is_visible()
    assert page.get_by_label("Select to approve").count() == 3
    assert page.get_by_text("It asks for an answer.").is_visible()
    select(page, first)
    select(page, second)
    tab_to(page, value="review")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Approve these 2 requests?").wait_for()
    assert "token" not in page.url
    assert all(not gate_of(server, run)["votes"] for run in (first, second))
    tab_to(page, value="approve")
    page.keyboard.press("Enter")
    page.get_by_text("March: Approved.").wait_for()
    assert page.get_by_text("April: Approved.").is_visible()
    for run in (first, second):
        ended = server.reached(run, "succeeded", "failed")
        assert (ended["status"], ended["result"]) == ("succeeded", {"message": ""})
        (vote,) = gate_of(server, run)["votes"]
        assert (vote["verified"], vote["approved"]) == (True, True)
        trail = server.call("GET", f"api/runs/{run}/audit").json["trail"]
        told = {line["kind"]: line for line in trail}
        for kind in ("GateShown", "VoteCast"):
            assert told[kind]["who"]["route"] == "inbox"
            assert told[kind]["digest"] == gate_of(server, run)["digest"]
    assert page.get_by_role("article").count() == 2
    page.get_by_role("link", name="June", exact=True).click()
    page.get_by_label("limit").wait_for()
    assert all(gate_of(server, run)["votes"] == [] for run in (third, asking))
    assert page.problems == []


def test_a_search_finds_one_and_a_phone_has_room_for_it(server, make_notebook, page):
    for name in ("March", "April"):
        parked(server, make_notebook, name, description=f"Publish {name}?" + " word" * 40)
    page.set_viewport_size(PHONE)
    page.goto(f"{server.address}/inbox?token={TOKEN}")
    page.get_by_role("searchbox").fill("publish APRIL")
    page.keyboard.press("Enter")
    page.get_by_text("1 request.").wait_for()
    assert page.get_by_role("article").count() == 1
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE["width"], "nothing has to be scrolled sideways"
    page.get_by_role("link", name="Show all").click()
    page.get_by_text("2 requests.").wait_for()
    assert page.problems == []
