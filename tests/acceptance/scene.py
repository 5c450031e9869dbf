"""Where attacks take place: a server, a gate that waits, a victim's browser, a foreign site."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .attacker import Attacker
from .chromium import watched
from .conftest import Server
from .gates import Gate, opened


@dataclass(frozen=True)
class Scene:
    server: Server
    gate: Gate
    browser: Any
    victim: Any
    """A context of the browser, with the victim's cookies."""
    attacker: Attacker

    def links(self, approver="bob@example.org"):
        return self.gate.links(approver)

    def opened(self, suspend=None, **kwargs):
        """Another gate, whose votes are this attack's own business."""
        return opened(self.server, suspend, **kwargs)

    def enter(self, link=None):
        """The victim opens a link, by default a fresh one of the gate; the browser's page."""
        page = watched(self.victim.new_page())
        page.goto(link or self.links()["approvalPage"])
        assert page.get_by_role("button", name="Approve").is_visible()
        return page

    def lure(self, html, site="foreign"):
        """The victim opens a page of the attacker's; the browser's page, once all is still."""
        page = watched(self.victim.new_page())
        page.goto(getattr(self.attacker, site) + self.attacker.trap(html))
        page.wait_for_load_state("networkidle")
        return page

    def address(self, path=""):
        """Of the server, as links name it."""
        base = urlsplit(self.links()["resume"])
        return f"{base.scheme}://{base.netloc}{base.path.rpartition('/')[0]}/{path}"

    @contextmanager
    def nothing_happens(self):
        """No vote, and no other event than that the page was shown, or a link made or revoked."""
        before = self.gate.events()
        yield
        new = self.gate.events()[len(before) :]
        assert set(new) <= {"GateShown", "LinkMinted", "LinkRevoked", "CheckpointSaved"}, new
        assert self.gate.votes == []


@dataclass(frozen=True)
class Attack:
    """What is tried, and what must hold; `run` tries it, and fails where it does not hold."""

    name: str
    tried: str
    holds: str
    run: Callable[[Scene], None]
    paths: bool
    """Whether it is about paths: then it is tried with the server at the root as well."""


ATTACKS: dict[str, Attack] = {}
"""The table. docs/security.md lists the same, in the same words."""


def attack(name, tried, holds, *, paths=False):
    """Enters a function in the table."""

    def entered(run):
        assert name not in ATTACKS
        ATTACKS[name] = Attack(name, tried, holds, run, paths)
        return run

    return entered
