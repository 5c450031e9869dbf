"""Under a real JupyterHub: who has no account there reads and votes by a link, and that is all."""

from urllib.parse import urlsplit

import pytest

from .chromium import needs_chromium
from .conftest import ask, token_of
from .gates import opened
from .hub import USER, Hub

pytestmark = needs_chromium


@pytest.fixture
def hub(tmp_path):
    hub = Hub(tmp_path)
    try:
        yield hub.start()
    finally:
        if hasattr(hub, "process"):
            hub.end()


def test_a_reader_without_an_account_approves_by_a_link_through_the_hub(hub, page):
    """G34, G37, G41, G45"""
    gate = opened(hub)
    links = gate.links("carol@example.org")
    assert links["approvalPage"].startswith(f"{hub.public}user/{USER}/jupyter-flows/approve?")

    page.goto(links["approvalPage"])
    assert urlsplit(page.url).path == f"/user/{USER}/jupyter-flows/page/{gate.key}"
    assert page.get_by_text("42 rows").is_visible()
    cookies = [one for one in page.context.cookies() if one["value"].startswith("approve.")]
    assert [one["path"] for one in cookies] == [f"/user/{USER}/jupyter-flows/page/{gate.key}"]
    page.get_by_label("Message to the notebook").fill("through the hub")
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("You have approved this").wait_for()
    ended = gate.reached("succeeded", "failed")
    assert ended["result"] == {"message": "through the hub"}
    assert [(vote["approver"], vote["verified"]) for vote in gate.votes] == [
        ("carol@example.org", False)
    ]

    cookie = {"Cookie": "; ".join(f"{one['name']}={one['value']}" for one in cookies)}
    for path in ("api/runs", f"api/runs/{gate.run}", "api/links", "inbox"):
        refused = ask("GET", f"{hub.address}/{path}", headers=cookie)
        assert "42 rows" not in refused.text
        assert gate.run not in refused.text
        assert refused.status in {401, 403} or "hub" in refused.text.lower()
    hub.logged_none_of(*(token_of(links[name]) for name in ("approvalPage", "resume", "cancel")))
