"""With jupyter-collaboration: the server writes into the document that all share."""

import getpass

from .cells import AFTER, asks, waits_for
from .conftest import shared


@shared
def test_a_run_is_seen_reloaded_and_approved_in_a_shared_notebook(opened, browser):
    seen = opened("print('one')", asks(), AFTER)
    context = browser.new_context()
    other = opened(path=seen.path, context=context)
    seen.run_as_flow()
    for tab in (seen, other):
        tab.shows(0, "one")
        tab.badge(1, "Waiting for approval")
    seen.reload()
    seen.badge(1, "Waiting for approval")
    seen.fill(1, "Limit", "7")
    seen.vote(1, "Approve")
    for tab in (seen, other):
        tab.shows(2, "limit 7")
        tab.badge(1, f"Approved by {getpass.getuser()}")
        assert tab.texts()[::2] == ["one\n", "limit 7\n"]
        assert tab.votes(1).count() == 0
    seen.settled(1, "Approved by")
    assert [cell["outputs"] for cell in seen.model()] == [cell["outputs"] for cell in other.model()]
    assert seen.dialogs() == []
    context.close()


@shared
def test_a_shared_notebook_that_nobody_looks_at_is_written_to_its_end(opened, tmp_path):
    flag = tmp_path / "go"
    seen = opened(waits_for(flag), "print('last')")
    seen.run_as_flow()
    seen.shows(0, "begun")
    seen.close()
    flag.touch()
    assert seen.reached("succeeded", "failed")["status"] == "succeeded"
    seen.written(["begun\nwent on\n", "last\n"])
    again = opened(path=seen.path)
    again.shows(1, "last")
    assert again.texts() == ["begun\nwent on\n", "last\n"]
