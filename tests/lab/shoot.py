"""Takes the pictures of docs/images that show JupyterLab and Notebook: `python -m tests.lab.shoot`,
run by hand. Their pages are real.
"""

import io
import json
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from ..acceptance.chromium import chromium  # noqa: TID252 (the tests are no installed package)
from ..conftest import notebook  # noqa: TID252
from .cells import AFTER, asks
from .conftest import Lab, Notebook
from .opened import Opened

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"


def notebook_in(front):
    """The example, where the front end has its files."""
    source = ROOT / "notebooks" / "data_quality.ipynb"
    front.root.mkdir(exist_ok=True)
    shutil.copy(source, front.root / source.name)
    return source.name


def gate_of(path):
    """The place of the first gate's cell in the notebook."""
    cells = json.loads(path.read_text())["cells"]
    return next(n for n, cell in enumerate(cells) if "suspend" in str(cell["metadata"]))


def keep(page, name, clip=None):
    picture = Image.open(io.BytesIO(page.screenshot(clip=clip)))
    picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(
        IMAGES / f"{name}.png", optimize=True
    )
    print(IMAGES / f"{name}.png")  # noqa: T201


def lab_pictures(front, context):
    path = notebook_in(front)
    gate = gate_of(front.root / path)
    seen = Opened(front, context, path).enter()
    seen.page.keyboard.press("Control+b")  # without the file browser
    seen.press("Run as Flow")
    seen.page.locator(".jp-Dialog").wait_for()
    keep(seen.page, "lab-run")
    seen.answer("Run")
    seen.badge(gate, "Waiting for approval")
    seen.votes(gate).first.wait_for()
    seen.votes(gate).first.scroll_into_view_if_needed()
    keep(seen.page, "lab-prompt")
    seen.command("jupyter-flows:show-runs", run=seen.run()["id"])
    seen.page.locator(".jfp-Timeline, .jfp-Card").first.wait_for()
    keep(seen.page, "lab-panel")
    seen.page.keyboard.press("Escape")
    return seen, gate


def approved(seen, gate):
    seen.vote(gate, "Approve")
    seen.badge(gate, "Approved by")
    seen.reached("succeeded", "failed")
    seen.cell(gate).get_by_text("Approved by").first.scroll_into_view_if_needed()
    keep(seen.page, "lab-approved")


def saved_picture(front, context):
    """A run that waits, with a variable that can't be saved."""
    source = "import pandas, sqlite3\nsales = pandas.DataFrame({'month': ['Oct', 'Nov']})\n"
    cells = notebook(f"{source}con = sqlite3.connect(':memory:')\nsales", asks(), AFTER)
    (front.root / "report.ipynb").write_text(json.dumps(cells))
    seen = Opened(front, context, "report.ipynb").enter()
    seen.run_as_flow()
    seen.badge(1, "Waiting for approval")
    seen.kept("1 not")
    seen.command("jupyter-flows:show-runs", run=seen.run()["id"])
    seen.page.get_by_role("region", name="Saved variables").wait_for()
    keep(seen.page, "lab-saved")


def notebook_picture(front, context):
    path = notebook_in(front)
    gate = gate_of(front.root / path)
    seen = Opened(front, context, path).enter()
    seen.run_as_flow()
    seen.votes(gate).first.wait_for()
    seen.votes(gate).first.scroll_into_view_if_needed()
    keep(seen.page, "notebook-prompt")


def main():
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        context = browser.new_context(
            viewport={"width": 1200, "height": 860}, locale="en-GB", timezone_id="Europe/Berlin"
        )
        for kind, shoot in (
            (Lab, lab_pictures),
            (Notebook, notebook_picture),
            (Lab, saved_picture),
        ):
            home = Path(folder) / shoot.__name__
            home.mkdir()
            front = kind(home)
            front.root.mkdir(parents=True, exist_ok=True)
            front.start()
            try:
                taken = shoot(front, context)
                if taken is not None:
                    approved(*taken)
            finally:
                front.end()


if __name__ == "__main__":
    main()
