"""Attacks on the approval page, by what can be done from outside, in a real browser.

The table is `scene.ATTACKS`, filled by the modules `attacks_*`; docs/security.md lists it.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest

from . import attacks_links, attacks_outputs, attacks_sites  # noqa: F401 (they fill the table)
from .attacker import attacking
from .chromium import needs_chromium
from .conftest import Server
from .gates import opened
from .scene import ATTACKS, Scene

DOCS = Path(__file__).parents[2] / "docs" / "security.md"
ROOT, HUB = "/", "/user/bob/"
PATIENT = {"max_tries_per_minute": 100_000}

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """A server with this base URL, and a gate that waits in it to the end."""
    gates = {}

    def attacked(base):
        if base not in gates:
            server = Server(tmp_path_factory.mktemp("attacked"), base=base, **PATIENT)
            gates[base] = opened(server.start(), {"required_events": 2})
        return gates[base]

    yield attacked
    for gate in gates.values():
        gate.server.end()


@pytest.fixture
def set_up(attacked, browser):
    with ExitStack() as stack:

        def set_up(base):
            gate = attacked(base)
            victim = browser.new_context()
            stack.callback(victim.close)
            attacker = stack.enter_context(attacking())
            return Scene(gate.server, gate, browser, victim, attacker)

        yield set_up


HEAD = "| attack | what is tried | what holds |"
PLACES = [(name, HUB) for name in ATTACKS]
PLACES += [(name, ROOT) for name, one in ATTACKS.items() if one.paths]


@pytest.mark.parametrize(("name", "base"), PLACES)
def test_an_attack_comes_to_nothing(set_up, name, base):
    """G32, G34, G35, G37, G45"""
    scene = set_up(base)
    with scene.nothing_happens():
        ATTACKS[name].run(scene)
    assert scene.attacker.hits == []


def test_the_docs_list_every_attack_in_these_words():
    """What docs/security.md says is tried is tried."""
    rows = [f"| {one.name} | {one.tried} | {one.holds} |" for one in ATTACKS.values()]
    listed = [line for line in DOCS.read_text().splitlines() if line.startswith("| ")]
    listed = listed[listed.index(HEAD) + 2 :][: len(rows)]
    assert listed == rows
