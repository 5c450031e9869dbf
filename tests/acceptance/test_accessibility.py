"""Every state of the approval page, for a screen reader, in both themes, on a phone and on a desk."""

import pytest

from .chromium import needs_chromium, package, watched
from .states import STATES, World

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
THEMES = ("light", "dark")
SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 900}}

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def axe():
    return (package("axe-core") / "axe.min.js").read_text()


@pytest.fixture
def world(browser, shared_server, tmp_path):
    """The page's policy would keep axe out too: it is set aside in this browser."""
    context = browser.new_context(bypass_csp=True)
    yield World(shared_server, tmp_path, watched(context.new_page()))
    context.close()


def found(page, axe):
    """What axe has against the page, a line for each element."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    told = page.evaluate(
        "tags => axe.run({exclude: []}, {runOnly: tags, iframes: false,"
        " rules: {'color-contrast': {enabled: true}, 'target-size': {enabled: true}}})",
        RULES,
    )
    assert "color-contrast" in {rule["id"] for kind in told.values() for rule in _rules(kind)}
    return [
        f"{rule['id']} ({rule['help']}): {node['html']}: {node['failureSummary']}"
        for rule in told["violations"]
        for node in rule["nodes"]
    ]


def _rules(kind):
    return kind if isinstance(kind, list) and kind and isinstance(kind[0], dict) else []


@pytest.mark.parametrize("state", STATES)
def test_no_state_of_the_page_shuts_anybody_out(world, axe, state):
    seen = STATES[state](world)
    text = world.page.get_by_role("main").inner_text()
    assert seen.lower() in text.lower(), text
    for size, viewport in SIZES.items():
        world.page.set_viewport_size(viewport)
        for theme in THEMES:
            world.page.emulate_media(color_scheme=theme)
            violations = found(world.page, axe)
            assert not violations, f"{size}, {theme}:\n" + "\n".join(violations)
        wide = world.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{size}: {wide} pixels too wide"
