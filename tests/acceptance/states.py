"""The states that a reader can find the approval page in: for each, how to get a browser there.

A state is a function of a world (a server, a folder, the browser's page). It returns when the page
shows the state, and gives a text that must be seen in it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .conftest import TOKEN, Server, ask
from .gates import EVERY_KIND, expected, opened

FORM = {"resume_form": {"schema": EVERY_KIND}}


@dataclass(frozen=True)
class World:
    server: Server
    folder: Path
    page: Any

    def opened(self, suspend=None, approver="bob@example.org", which="approvalPage", **kwargs):
        gate = opened(self.server, suspend, **kwargs)
        self.page.goto(gate.links(approver)[which])
        return gate

    def press(self, button):
        """Press it, and wait for what the server says to that."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button, exact=True).click()

    def log_in(self):
        """As the server's owner, as from the address that the server prints at its start."""
        self.page.goto(f"http://127.0.0.1:{self.server.port}/api/status?token={TOKEN}")
        self.page.goto(f"http://localhost:{self.server.port}/api/status?token={TOKEN}")

    def reload(self):
        self.page.goto(self.page.url.partition("#")[0])


def is_open(world):
    world.opened()
    return "42 rows"


def has_a_form(world):
    world.opened(FORM)
    world.page.get_by_role("button", name="Add to Amounts").click()
    return "Release the payment run"


def has_mistakes(world):
    gate = world.opened(FORM)
    world.press("Approve")
    assert gate.votes == []
    return "This could not be counted"


def needs_a_reason(world):
    world.opened({"require_reason": True})
    world.press("Reject")
    return "reason"


def waits_for_others(world):
    world.opened({"required_events": 2})
    world.press("Approve")
    return "You have approved this"


def was_voted_by_me(world):
    """By the same link, some time ago."""
    world.opened({"required_events": 2})
    world.press("Approve")
    world.reload()
    return "Withdraw your approval"


def was_approved(world):
    gate = world.opened()
    world.press("Approve")
    gate.reached("succeeded")
    world.reload()
    return "You have approved this"


def was_approved_by_another(world):
    gate = world.opened()
    gate.votes_by_link()
    gate.reached("succeeded")
    world.reload()
    return "Approved"


def was_rejected(world):
    gate = world.opened()
    gate.votes_by_link("cancel", {"reason": "the figures are wrong"})
    gate.reached("failed")
    world.reload()
    return "the figures are wrong"


def has_timed_out(world):
    gate = world.opened({"timeout": 2})
    gate.reached("failed")
    world.reload()
    return "deadline"


def was_cancelled(world):
    gate = world.opened()
    gate.server.call("POST", f"api/runs/{gate.run}/cancel")
    gate.reached("cancelled")
    world.reload()
    return "cancelled"


def was_superseded(world):
    gate, links = expected(world.server, world.folder, ending="1 / 0")
    world.page.goto(links["approvalPage"])
    (world.folder / "go").touch()
    gate.reached("failed")
    world.page.goto(links["approvalPage"])
    return "newer"


def comes_early(world):
    _, links = expected(world.server, world.folder)
    world.page.goto(links["approvalPage"])
    return "not at this point yet"


def is_stale(world):
    """The digest on the reader's screen is no longer the gate's."""
    gate = world.opened()
    world.page.evaluate(
        "document.querySelector('[name=digest]').value = 'sha256:' + '0'.repeat(64)"
    )
    world.press("Approve")
    assert gate.votes == []
    return "changed since"


def link_has_expired(world):
    gate = opened(world.server, {"timeout": 2})
    link = gate.links("bob@example.org")["approvalPage"]
    gate.reached("failed")
    world.page.goto(link)
    return "Ask whoever sent it for a new one"


def link_was_revoked(world):
    gate = opened(world.server)
    links = gate.links("bob@example.org")
    assert gate.server.call("DELETE", f"api/links/{links['id']}").status == 204
    world.page.goto(links["approvalPage"])
    return "Ask whoever sent it for a new one"


def link_is_unknown(world):
    world.page.goto(f"{world.server.address}/approve?flow_token=no-such-token")
    return "It may be incomplete"


def login_is_needed(world):
    world.opened({"user_auth_required": True})
    return "Log in"


def may_not_vote(world):
    """The run's owner may read, and is none of the approvers."""
    gate = opened(world.server, {"approvers": ["carol"]})
    world.log_in()
    world.page.goto(f"http://127.0.0.1:{world.server.port}/jupyter-flows/page/{gate.key}")
    assert world.page.get_by_role("button", name="Approve").count() == 0
    return "You can't vote here now"


def is_not_allowed(world):
    """By a link that names nobody, where the owner may not vote."""
    world.opened({"self_approval_disabled": True}, approver=None)
    assert world.page.get_by_text("42 rows").count() == 0
    return "Log in"


def confirms_an_approval(world):
    world.opened(which="resume")
    assert world.page.get_by_role("button", name="Reject").count() == 0
    return "42 rows"


def confirms_a_rejection(world):
    world.opened(which="cancel")
    assert world.page.get_by_role("button", name="Approve").count() == 0
    return "42 rows"


def has_the_inbox(world):
    opened(world.server)
    world.log_in()
    if world.server.call("GET", "inbox").status == 404:
        pytest.skip("this server has no inbox")
    world.page.goto(f"http://127.0.0.1:{world.server.port}/jupyter-flows/inbox")
    return "Publish the report?"


def has_tried_too_often(world):
    """The last of all: for a minute, every wrong link of this machine is answered so."""
    while ask("GET", f"{world.server.address}/approve?flow_token=guess").status != 429:
        pass
    world.page.goto(f"{world.server.address}/approve?flow_token=guess")
    return "Too many"


STATES: Mapping[str, Callable[[World], str]] = {
    "open": is_open,
    "open, with a form of every kind": has_a_form,
    "with mistakes": has_mistakes,
    "without the reason that is asked for": needs_a_reason,
    "waiting for more approvals": waits_for_others,
    "already voted": was_voted_by_me,
    "approved": was_approved,
    "approved by another": was_approved_by_another,
    "rejected": was_rejected,
    "timed out": has_timed_out,
    "cancelled": was_cancelled,
    "superseded": was_superseded,
    "before the gate": comes_early,
    "stale": is_stale,
    "expired link": link_has_expired,
    "revoked link": link_was_revoked,
    "unknown link": link_is_unknown,
    "login needed": login_is_needed,
    "may read, and not vote": may_not_vote,
    "not allowed": is_not_allowed,
    "a link that approves": confirms_an_approval,
    "a link that rejects": confirms_a_rejection,
    "the inbox": has_the_inbox,
    "too many tries": has_tried_too_often,
}
