"""A notebook that somebody has open in JupyterLab or Notebook: what is seen, and what is done."""

import json
import re
import uuid
from pathlib import Path

from tests.acceptance.chromium import watched
from tests.acceptance.conftest import LONG, until

LOOK = LONG * 1000 / 2
"""Milliseconds that anything may take to be seen; most of it takes no time."""

PANEL = "jupyterapp.shell.currentWidget"
HAS_PANEL = f"window.jupyterapp?.shell?.currentWidget?.context?.isReady && {PANEL}.content?.widgets"
CELLS = f"""{PANEL}.content.widgets.map(cell => ({{
    id: cell.model.id,
    source: cell.model.sharedModel.getSource(),
    count: cell.model.executionCount ?? null,
    outputs: cell.model.outputs?.toJSON() ?? [],
}}))"""


class Opened:
    def __init__(self, front, context, path):
        self.front = front
        self.path = path
        self.place = uuid.uuid4().hex[:8]
        self.page = watched(context.new_page())
        self.page.set_default_timeout(LOOK)

    # ------------------------------------------------------------ coming and going

    def enter(self):
        self.page.goto(self.front.page_of(self.path, self.place))
        self.ready()
        return self

    def reload(self):
        self.page.reload()
        self.ready()

    def ready(self):
        """The notebook is there, with its kernel."""
        self.page.wait_for_function(HAS_PANEL)
        self.page.wait_for_function(f"{PANEL}.sessionContext.session?.kernel?.status === 'idle'")

    def close(self):
        self.page.close()

    # ------------------------------------------------------------ what is seen

    def cell(self, number):
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def shows(self, number, text):
        """Wait until the cell's outputs have this text on screen."""
        self.cell(number).locator(".jp-OutputArea").get_by_text(text).first.wait_for()

    def state(self, text):
        """Wait until the toolbar tells the run's state so."""
        self.page.locator(".jupyter-flows-state").get_by_text(text).wait_for()

    def kept(self, text):
        """Wait until the line at the notebook's top says so of the run's variables; all of it."""
        said = self.page.locator(".jupyter-flows-kept").filter(has_text=text)
        said.wait_for()
        return said.get_attribute("title")

    def badge(self, number, text):
        """Wait until the cell is marked so; what is usual shows a sign alone, and has the words for
        who listens.
        """
        self.cell(number).locator(BADGE).filter(has_text=text).wait_for()

    def votes(self, number):
        """The buttons of the inline form of a gate's cell."""
        return self.cell(number).locator(VOTE)

    def complaints(self):
        """What the browser's console says that is about us."""
        return [line for line in self.page.problems if "jupyter-flows" in line]

    def model(self):
        """The cells as the browser has them: id, source, count, outputs."""
        return self.page.evaluate(CELLS)

    def texts(self):
        return [text_of(cell["outputs"]) for cell in self.model()]

    def dirty(self):
        return self.page.evaluate(f"{PANEL}.context.model.dirty")

    def kernel(self):
        return self.page.evaluate(f"{PANEL}.sessionContext.session.kernel.id")

    def dialogs(self):
        return self.page.locator(".jp-Dialog").all_inner_texts()

    # ------------------------------------------------------------ what is done

    def press(self, name):
        """A button of the notebook's toolbar."""
        self.page.locator(".jp-NotebookPanel-toolbar").get_by_role("button", name=name).click()

    def run_as_flow(self):
        """With nothing changed in the dialog that asks for parameters."""
        self.press("Run as Flow")
        self.answer("Run")

    def answer(self, name):
        """A button of the dialog that is open."""
        self.page.locator(".jp-Dialog").get_by_role("button", name=name, exact=True).click()

    def write(self, number, text):
        """Type this at the end of a cell's source."""
        editor = self.cell(number).locator(".cm-content")
        editor.click()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.type(text)

    def fill(self, number, label, text):
        field = self.cell(number).get_by_label(label)
        field.fill(text)
        field.press("Tab")

    def choose(self, name):
        """One of the choices in the dialog that is open."""
        self.page.locator(".jp-Dialog").get_by_role("radio", name=name).check()

    def vote(self, number, name):
        """A press of a button of the inline form."""
        self.votes(number).filter(has_text=name).click()

    def cancel(self):
        self.press("Cancel Flow")
        self.answer("Cancel the run")

    def rename(self, name):
        """In the file browser, say; the notebook stays open."""
        path = str(Path(self.path).with_name(f"{name}.ipynb"))
        self.page.evaluate(f"path => {PANEL}.context.rename(path)", f"{name}.ipynb")
        self.page.wait_for_function(f"path => {PANEL}.context.path.endsWith(path)", arg=path)
        self.path = path

    def toggle(self, number):
        """The button of a cell's own toolbar that makes it a gate, or none."""
        self.cell(number).locator(".cm-content").click()
        return self.cell(number).get_by_role("button", name=GATE_BUTTON)

    def restart_kernel(self):
        self.page.evaluate(f"{PANEL}.sessionContext.session.kernel.restart()")

    def shut_down_kernel(self):
        """As the menu "Kernel" does; the notebook stays open without one."""
        self.command("kernelmenu:shutdown")
        self.page.wait_for_function(f"!{PANEL}.sessionContext.session?.kernel")

    def execute(self, number):
        """The user's own press of the keys that run a cell."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def ask_kernel(self, code):
        """Run code behind the notebook's back, as any client can; until it is done."""
        run = f"{PANEL}.sessionContext.session.kernel.requestExecute({{code: given}}).done"
        return self.page.evaluate(f"given => {run}.then(reply => reply.content.status)", code)

    def save(self):
        """With the key, as people do; without any question coming up."""
        self.page.keyboard.press("Control+s")
        self.page.wait_for_function(
            f"!{PANEL}.context.model.dirty || document.querySelector('.jp-Dialog')"
        )
        assert self.dialogs() == []

    def command(self, name, **arguments):
        return self.page.evaluate(
            "([name, given]) => jupyterapp.commands.execute(name, given)", [name, arguments]
        )

    # ------------------------------------------------------------ the run, and the file

    def run(self):
        """The newest run of this notebook, as the server tells its owner."""
        listed = self.front.call("GET", f"api/runs?path={self.path}&limit=1").json["runs"]
        return self.front.run(listed[0]["id"]) if listed else None

    def reached(self, *statuses):
        """Wait until its run has one of these; the run."""
        run = until(self.run)
        return self.front.reached(run["id"], *statuses)

    def file(self):
        """The notebook on disk, once it is whole: a server writes it where it stands."""
        return until(self._whole)

    def _whole(self):
        try:
            return json.loads((self.front.root / self.path).read_text())
        except json.JSONDecodeError:
            return None

    def sources(self):
        return ["".join(cell["source"]) for cell in self.file()["cells"]]

    def saved(self):
        """What each cell has put out, as the file has it."""
        return [text_of(cell.get("outputs", [])) for cell in self.file()["cells"]]

    def written(self, texts):
        """Wait until the file has just these outputs; nobody needs to look for that."""
        until(lambda: self.saved() == texts)

    def settled(self, number, text):
        """Wait until the file tells how the gate of this cell was decided, and has no form."""
        until(lambda: text in self.saved()[number])
        outputs = self.file()["cells"][number]["outputs"]
        (record,) = [o for o in outputs if "jupyter_flows" in o.get("metadata", {})]
        assert sorted(record["data"]) == ["text/html", "text/markdown", "text/plain"]
        assert "flow_token" not in json.dumps(record)

    def elsewhere(self, gate, approver="bob@example.org"):
        """Links for somebody else."""
        return self.front.minted(self.run()["id"], gate, approver)


VOTE = ".jupyter-flows-vote"
GATE_BUTTON = re.compile("approval behind this cell")
BADGE = ".jupyter-flows-badge"


def text_of(outputs):
    """All that is to be read in outputs, as plain text."""
    return "".join(
        "".join(output.get("text") or output.get("data", {}).get("text/plain", ""))
        or output.get("evalue", "")
        for output in outputs
    )
