"""Every state of the approval page for a screen reader, in both themes, on a phone and a desk."""

import pytest

from .chromium import needs_chromium, package, watched
from .gates import EVERY_KIND, opened
from .states import STATES, World

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
THEMES = ("light", "dark")
SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 900}}

HAS_FOCUS = "it => it === document.activeElement"
IS_SEEN = """(() => {
  if (document.activeElement.matches("[type^=date]")) return true; // a part of it shows
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
})()"""

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
        "tags => axe.run(document, {runOnly: tags, iframes: false,"
        " rules: {'color-contrast': {enabled: true}, 'target-size': {enabled: true}}})",
        RULES,
    )
    looked_at = {rule["id"] for how in ("passes", "violations") for rule in told[how]}
    assert "color-contrast" in looked_at
    return [
        f"{rule['id']} ({rule['help']}): {node['html']}: {node['failureSummary']}"
        for rule in told["violations"]
        for node in rule["nodes"]
    ]


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


def test_axe_finds_what_it_is_there_for(world, axe):
    world.opened()
    assert found(world.page, axe) == []
    world.page.evaluate(
        "document.querySelector('label[for=message]').remove();"
        "document.querySelector('h1').style.color = '#bbb'"
    )
    rules = {line.partition(" ")[0] for line in found(world.page, axe)}
    assert {"label", "color-contrast"} <= rules


def test_the_keyboard_alone_fills_the_form_corrects_it_and_votes(shared_server, page):
    """G60, G62: Tab, Enter, Space and letters, and nobody is lost on the way."""
    gate = opened(shared_server, {"resume_form": {"schema": EVERY_KIND}})
    page.goto(gate.links("bob@example.org")["approvalPage"])

    def focus(wanted, stops=60):
        """Go on by Tab until it has the focus, which must be seen at every stop."""
        for _ in range(stops):
            page.keyboard.press("Tab")
            assert page.evaluate(IS_SEEN), page.evaluate("document.activeElement.outerHTML")
            if wanted.evaluate(HAS_FOCUS):
                return
        raise AssertionError(f"{wanted} was never reached")

    focus(page.get_by_label("Tell whom"))
    page.keyboard.type("eve@example.org")
    focus(page.get_by_label("Notify the team"))
    page.keyboard.press("Space")
    focus(page.get_by_role("button", name="Add to Amounts"))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "#" in page.url, "the reader is where the row was added"
    assert page.get_by_label("Tell whom").input_value() == "eve@example.org"
    focus(page.get_by_label("Amounts 1"), stops=3)
    page.keyboard.type("12.5")
    focus(page.get_by_role("button", name="Approve"))
    with page.expect_navigation():
        page.keyboard.press("Enter")

    summary = page.get_by_role("alert")
    assert page.evaluate("location.hash && document.querySelector(':target') !== null")
    assert summary.evaluate("it => it.matches(':target, :target *')"), "the mistakes come first"
    page.keyboard.press("Tab")
    assert summary.evaluate("it => it.contains(document.activeElement)")
    page.keyboard.press("Enter")
    page.keyboard.type("300")
    assert page.get_by_label("Limit").input_value() == "300"
    focus(page.get_by_label("number"))
    page.keyboard.type("4711")
    assert gate.votes == []
    focus(page.get_by_role("button", name="Approve"))
    page.keyboard.press("Enter")
    page.get_by_text("You have approved this").wait_for()
    given = gate.reached("succeeded", "failed")["result"]
    assert given["limit"] == 300
    assert given["amounts"] == [12.5]
    assert given["notify"] is True
