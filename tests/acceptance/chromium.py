"""A real Chromium: how it is started, and what a test asks of a page."""

from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
PACKAGES = Path(__file__).parents[1] / "browser" / "node_modules"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-proxy-server",
    "--host-resolver-rules=MAP *.test 127.0.0.1",
)
"""Every name under .test is this machine: other sites, without a network."""

needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"the browser stories need {CHROMIUM}, which is not installed"
)


def package(name):
    """The folder of an npm package of tests/browser."""
    folder = PACKAGES / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not installed: make tests/browser/node_modules/.ready")
    return folder


@contextmanager
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        yield browser
        browser.close()


def watched(page):
    """With `problems`: what its console says, and the errors of its scripts."""
    page.problems = []
    page.on("console", lambda line: page.problems.append(line.text))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    return page
