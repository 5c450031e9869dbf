"""Filling in a gate's form in a real browser, without a script on the page."""

import json

from .chromium import needs_chromium
from .gates import EVERY_KIND

pytestmark = needs_chromium

SHOWN = (
    "import json\nimport jupyter_flows as flows\n"
    f"schema = json.loads({json.dumps(EVERY_KIND)!r})\n"
    "{**flows.get_resume_urls('bob@example.org'), 'schema': schema}"
)


def test_an_approver_fills_in_a_form_of_many_kinds(server, make_notebook, page, tmp_path):
    """G60, G61, G62: a mistake and rows on the way, nothing lost."""
    run = server.started(make_notebook("x = 1", (SHOWN, ["suspend"]), "resume"))
    shown = server.reached(run, "suspended", "failed")
    assert shown["status"] == "suspended", shown["error"]
    page.goto(shown["steps"][1]["result"]["approvalPage"])

    page.get_by_label("Limit").fill("many")
    page.get_by_label("Limit").press("Enter")
    assert page.get_by_role("alert").count() == 0, "Enter in a field sends nothing"
    page.get_by_label("Tell whom").fill("eve@example.org")
    page.get_by_label("Not before").fill("2026-11-25T14:05")
    page.get_by_label("Value day").fill("2026-11-26")
    page.get_by_label("Notify the team").check()
    page.get_by_label("Team (optional)").select_option("risk")
    page.get_by_label("mail", exact=True).check()
    page.get_by_label("phone").check()
    page.get_by_label("street").fill("Main St 1")
    page.get_by_role("button", name="Add to Amounts").click()
    page.get_by_label("Amounts 1").fill("12.5")
    page.get_by_role("button", name="Add to Amounts").click()
    page.get_by_role("button", name="Add to Amounts").click()
    page.get_by_label("Amounts 3").fill("7")
    page.get_by_role("button", name="Remove Amounts 2").click()
    assert page.get_by_label("Amounts 2").input_value() == "7"
    way = page.get_by_label("Which of these")
    assert page.get_by_label("number").is_visible()
    way.select_option("By bank")
    assert not page.get_by_label("number").is_visible()
    page.get_by_label("iban").fill("DE1")
    proof = tmp_path / "proof.txt"
    proof.write_text("hello")
    page.get_by_label("Proof").set_input_files(proof)
    page.get_by_label("Note").fill("two\nlines")
    page.get_by_label("Anything else").fill('{"a": [1]}')
    assert server.run(run)["gates"][0]["votes"] == []

    page.get_by_role("button", name="Approve").click()
    alert = page.get_by_role("alert")
    alert.wait_for()
    page.screenshot(path=tmp_path / "mistake.png", full_page=True)
    alert.get_by_role("link", name="Limit: must be a whole number").click()
    assert page.evaluate("location.hash") == "#" + page.get_by_label("Limit").get_attribute("id")
    page.get_by_label("Limit").fill("300")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "on a phone"
    page.screenshot(path=tmp_path / "phone.png", full_page=True)
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("You have approved this").wait_for()
    ended = server.reached(run, "succeeded", "failed")
    assert ended["result"] == {
        "limit": 300,
        "mail": "eve@example.org",
        "when": "2026-11-25T14:05:00Z",
        "day": "2026-11-26",
        "notify": True,
        "team": "risk",
        "channels": ["mail", "phone"],
        "address": {"street": "Main St 1"},
        "amounts": [12.5, 7],
        "way": {"kind": "bank", "iban": "DE1"},
        "proof": "aGVsbG8=",
        "note": "two\nlines",
        "extra": {"a": [1]},
    }
    assert [text for text in page.problems if "422" not in text] == []
