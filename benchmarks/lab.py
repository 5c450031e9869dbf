"""Outputs in the open notebook: how soon they are on screen, and how long the page stands still."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.notebooks import notebook
from benchmarks.numbers import flat, median, ms, spread, times
from benchmarks.outside import TOKEN, OutsideServer
from benchmarks.page import ARGUMENTS, CHROMIUM
from benchmarks.table import Row

BUILT = Path(__file__).parents[1] / "jupyter_flows" / "labextension"
SHARING = ("@jupyter/collaboration-extension", "@jupyter/docprovider-extension")
NEWS = "@jupyterlab/apputils-extension:announcements"
PATIENCE = 120_000.0

LINES, LONG_LINES = 50, 10_000
STAMPS = (
    f"import time\nfor _ in range({LINES}):\n"
    "    print(f'T{time.time():.6f}T', flush=True)\n    time.sleep(0.1)"
)
MANY = f"for number in range({LONG_LINES}):\n    print('line', number)"

SOON = 0.05
OVER_PLAIN = 1.5
SHORTEST = 0.05
"""Seconds: browsers tell of no task that is shorter."""

PANEL = "jupyterapp.shell.currentWidget"
READY = (
    f"window.jupyterapp?.shell?.currentWidget?.context?.isReady"
    f" && {PANEL}.sessionContext.session?.kernel?.status === 'idle'"
)
WATCH = """() => {
    window.watching?.disconnect();
    window.tasks?.disconnect();
    const seen = new Set();
    window.late = [];
    window.longest = 0;
    const cell = document.querySelector('.jp-Notebook .jp-CodeCell');
    const read = () => {
        const now = Date.now();
        const text = cell.querySelector('.jp-OutputArea')?.textContent ?? '';
        for (const [, sent] of text.matchAll(/T([0-9.]+)T/g)) {
            if (seen.has(sent)) continue;
            seen.add(sent);
            window.late.push(now / 1000 - Number(sent));
        }
    };
    window.watching = new MutationObserver(read);
    window.watching.observe(cell, { subtree: true, childList: true, characterData: true });
    window.tasks = new PerformanceObserver(list => {
        for (const entry of list.getEntries()) {
            window.longest = Math.max(window.longest, entry.duration / 1000);
        }
    });
    window.tasks.observe({ type: 'longtask' });
}"""
CLEAR = f"{PANEL}.content.widgets[0].model.outputs.clear()"
ALL_STAMPS = f"window.late.length === {LINES}"
LAST_LINE = (
    f"document.querySelector('.jp-OutputArea')?.textContent.includes('line {LONG_LINES - 1}')"
)
STILL = "() => new Promise(still => requestIdleCallback(() => setTimeout(still, 300)))"
"""What a browser tells of a long task, it tells a moment after it."""

PLAIN = "jupyterapp.commands.execute('notebook:run-all-cells')"
OURS = "jupyterapp.commands.execute('jupyter-flows:run', { quick: true })"


def measure(folder: Path, *, quick: bool) -> list[Row]:
    if not CHROMIUM.exists() or not (BUILT / "package.json").exists():
        return []
    rounds = 2 if quick else 7
    with ExitStack() as stack:
        server = stack.enter_context(LabServer(folder))
        pages = stack.enter_context(_pages(server))
        late = _taken_in_turn(pages.opened(STAMPS), _lateness, rounds)
        longest = _taken_in_turn(pages.opened(MANY), _standstill, rounds)
    return [_soon(*late), _still(*longest)]


# ---------------------------------------------------------------- the lab and its browsers


class LabServer(OutsideServer):
    """A server with JupyterLab, without collaboration. A browser that blocks our extension has
    plain JupyterLab.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        data, config = folder.parent / "data", folder.parent / "config" / "labconfig"
        (data / "labextensions").mkdir(parents=True, exist_ok=True)
        (data / "labextensions" / "jupyter-flows").symlink_to(BUILT)
        config.mkdir(parents=True, exist_ok=True)
        without = dict.fromkeys((*SHARING, NEWS), True)
        (config / "page_config.json").write_text(json.dumps({"disabledExtensions": without}))
        self.folder = folder

    def _config(self, folder: Path, flows: dict[str, Any]) -> dict[str, Any]:
        config = super()._config(folder, flows)
        config["ServerApp"]["jpserver_extensions"] |= {"jupyterlab": True}
        return {**config, "LabApp": {"expose_app_in_browser": True}}

    def page_of(self, path: str) -> str:
        name = Path(path).stem
        site = f"http://127.0.0.1:{self.port}"
        return f"{site}/lab/workspaces/{name}/tree/{path}?token={TOKEN}"


class Pages:
    """Two browsers: one gets our extension, the other does not."""

    def __init__(self, server: LabServer, ours: Any, plain: Any) -> None:
        self._server = server
        self._contexts = {"ours": ours, "plain": plain}
        self._made = 0

    def opened(self, source: str) -> dict[str, tuple[Any, str]]:
        """The same cell, open in both; the page of each, and what runs the cell there."""
        how = {"ours": OURS, "plain": PLAIN}
        return {name: (self._open(name, source), how[name]) for name in self._contexts}

    def _open(self, name: str, source: str) -> Any:
        self._made += 1
        path = f"{name}-{self._made}.ipynb"
        (self._server.folder / path).write_text(json.dumps(notebook([source])))
        page = self._contexts[name].new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(self._server.page_of(path))
        page.wait_for_function(READY)
        return page


@contextmanager
def _pages(server: LabServer) -> Iterator[Pages]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (only where it is used)

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        plain = browser.new_context()
        plain.route("**/extensions/jupyter-flows/**", lambda route: route.abort())
        yield Pages(server, browser.new_context(), plain)
        browser.close()


# ---------------------------------------------------------------- what is measured


def _taken_in_turn(
    pages: dict[str, tuple[Any, str]], taken: Callable[[Any, str], list[float]], rounds: int
) -> tuple[list[list[float]], list[list[float]]]:
    """What is taken of ours and of plain, in a changing order, behind one round for nothing."""
    found: dict[str, list[list[float]]] = {name: [] for name in pages}
    for number in range(rounds + 1):
        order = list(pages)
        random.Random(number).shuffle(order)
        for name in order:
            page, run = pages[name]
            page.evaluate(CLEAR)
            page.evaluate(WATCH)
            found[name].append(taken(page, run))
    return found["ours"][1:], found["plain"][1:]


def _lateness(page: Any, run: str) -> list[float]:
    """Seconds from the kernel's print to the text in the page, for each line."""
    page.evaluate(run)
    page.wait_for_function(ALL_STAMPS)
    page.evaluate(STILL)
    return list(page.evaluate("window.late"))


def _standstill(page: Any, run: str) -> list[float]:
    """Seconds of the longest task until all lines are there."""
    page.evaluate(run)
    page.wait_for_function(LAST_LINE)
    page.evaluate(STILL)
    return [max(SHORTEST, page.evaluate("window.longest"))]


def _soon(ours: list[list[float]], plain: list[list[float]]) -> Row:
    return Row(
        what=f"a printed line is on screen, {LINES} lines at 100 ms",
        ours=spread(flat(ours)),
        peers={"plain JupyterLab": spread(flat(plain))},
        ratio=times(median(flat(ours)) / median(flat(plain))),
        value=median(flat(ours)),
        target=SOON,
        says=f"p50 at most {ms(SOON)}",
    )


def _still(ours: list[list[float]], plain: list[list[float]]) -> Row:
    ratio = median(flat(ours)) / median(flat(plain))
    return Row(
        what=f"the page's longest task, {LONG_LINES:,} lines printed",
        ours=ms(median(flat(ours))),
        peers={"plain JupyterLab": ms(median(flat(plain)))},
        ratio=times(ratio),
        value=ratio,
        target=OVER_PLAIN,
        says=f"at most {OVER_PLAIN:g} of plain JupyterLab",
    )
