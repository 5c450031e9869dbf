"""Front ends without our extension: the form works, by the kernel alone."""

import pytest

from tests.acceptance.conftest import until

from .cells import AFTER, asks
from .opened import Opened


@pytest.fixture
def without(front, browser):
    """A lab whose browser never gets our extension."""
    context = browser.new_context()
    context.route("**/extensions/jupyter-flows/**", lambda route: route.abort())

    def open_one(path):
        return Opened(front, context, path).enter()

    yield open_one
    context.close()


def test_without_our_extension_the_form_counts_as_a_claimed_vote(front, written, without):
    path = written("x = 1", asks(), AFTER)
    run = front.started_at(path)
    front.reached(run, "suspended", "failed")
    seen = without(path)
    assert seen.page.locator(".jupyter-flows-controls").count() == 0
    seen.fill(1, "Limit", "3")
    seen.vote(1, "Approve")
    seen.cell(1).get_by_text("Approved by").first.wait_for()
    ended = front.reached(run, "succeeded", "failed")
    (vote,) = ended["gates"][0]["votes"]
    assert not vote["verified"]
    until(lambda: seen.saved()[2] == "limit 3\n")


def test_without_our_extension_a_gate_for_known_users_takes_no_answer_of_the_kernel(
    front, written, without
):
    path = written("x = 1", asks(user_auth_required=True), AFTER)
    run = front.started_at(path)
    front.reached(run, "suspended", "failed")
    seen = without(path)
    seen.fill(1, "Limit", "3")
    seen.vote(1, "Approve")
    seen.cell(1).get_by_role("alert").wait_for()
    assert front.run(run)["gates"][0]["votes"] == []


def test_a_client_of_the_kernels_protocol_sees_where_to_answer(front, written):
    """VS Code, say: it hears what the kernel displays, and has a link to open."""
    path = written("x = 1", asks(), AFTER)
    run = front.started_at(path)
    shown = front.reached(run, "suspended", "failed")
    link = shown["gates"][0]["links"]["approvalPage"]
    text = front.call("GET", f"api/runs/{run}/notebook").text
    assert "approval page" in text
    assert link not in text
