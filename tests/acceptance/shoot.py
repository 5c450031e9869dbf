"""Takes the pictures of docs/images anew: `python -m tests.acceptance.shoot`, run by hand.

Their pages are real: runs of a real server, in a real Chromium.
"""

import io
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ..conftest import notebook  # noqa: TID252 (the tests are no installed package)
from .chromium import chromium
from .conftest import TOKEN, Server

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
TALL = 3000
"""Pixels: a frame that is off the screen stays blank in a picture."""

ORDERS = """\
#| summary: Orders so far
import pathlib, threading, time
import pandas as pd
orders = pd.DataFrame({"city": ["Berlin", "Lyon", "Porto"], "orders": [120, 80, 64]})
shown = display(orders, display_id=True)
def correct():
    while not pathlib.Path(GO).exists():
        time.sleep(0.05)
    orders.loc[1, "orders"] = 95
    shown.update(orders)
threading.Thread(target=correct, daemon=True).start()"""
REPORT = """\
import pandas as pd
display(pd.DataFrame({"region": ["north", "south"], "rows": [%d, %d]}))
{"description": "Publish the report of %s?"}"""


@dataclass(frozen=True)
class Studio:
    server: Server
    folder: Path
    browser: Any

    def page(self, width, **kwargs):
        view = {"width": width, "height": TALL}
        zone = {"timezone_id": "Europe/Berlin", "locale": "en-GB"}
        return self.browser.new_context(viewport=view, **zone, **kwargs).new_page()

    def started(self, name, *cells):
        """A run of a notebook in the server's folder; it waits at its gate."""
        path = self.folder / f"{name}.ipynb"
        if cells:
            content = notebook(*cells)
            content["metadata"]["flow"] = {"name": name.capitalize()}
            path.write_text(json.dumps(content))
        else:
            shutil.copy(ROOT / "notebooks" / path.name, path)
        run = self.server.call("POST", "api/runs", {"path": path.name}).json["id"]
        self.server.reached(run, "suspended")
        return run

    def link(self, run, step="ask"):
        return self.server.minted(run, step, "ann@example.org")["approvalPage"]


def developed(page, name):
    """The whole page, in few colours and as high as its contents."""
    page.wait_for_load_state("networkidle")
    main = page.locator("main").bounding_box()
    clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": main["height"]}
    picture = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
    picture.quantize(128, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)


def shoot_approvals(studio):
    run = studio.started("data_quality")
    looks = (
        ("approval-page", 860, {}),
        ("approval-page-phone", 390, {}),
        ("approval-page-dark", 860, {"color_scheme": "dark"}),
    )
    for name, width, how in looks:
        page = studio.page(width, **how)
        page.goto(studio.link(run, "review"))
        developed(page, name)


def shoot_inbox(studio):
    for month, rows in (("March", (200, 206)), ("April", (198, 211))):
        asks = {"id": "ask", "summary": f"{month}", "suspend": {"timeout": "3d"}}
        studio.started("reports", (REPORT % (*rows, month), [], asks))
    page = studio.page(860)
    page.goto(f"{studio.server.address}/inbox?token={TOKEN}")
    page.get_by_role("checkbox").first.check()
    developed(page, "inbox")


def shoot_changed(studio):
    go = studio.folder / "go"
    asks = {"id": "ask", "summary": "Send the orders?", "suspend": {"timeout": "1d"}}
    source = f"GO = {str(go)!r}"
    cells = (source, (ORDERS, ["evidence"], {}), ("{'description': 'Send them?'}", [], asks))
    run = studio.started("orders", *cells)
    page = studio.page(700)
    page.goto(studio.link(run))
    go.touch()
    page.get_by_text("has changed since you opened this page").wait_for()
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("your answer was not counted").wait_for()
    developed(page, "approval-page-changed")


def main():
    os.environ["LOGNAME"] = "carla"
    with tempfile.TemporaryDirectory() as home, chromium() as browser:
        server = Server(home)
        try:
            studio = Studio(server.start(), Path(home, "root"), browser)
            for shoot in (shoot_approvals, shoot_inbox, shoot_changed):
                shoot(studio)
        finally:
            server.end()


if __name__ == "__main__":
    main()
