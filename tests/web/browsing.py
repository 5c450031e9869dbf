"""A browser that has a notebook open: it knows what the socket tells, and nothing else."""

import asyncio
import json

import msgspec
import pytest

from jupyter_flows.core.model import StepId
from jupyter_flows.engine.board_cell import BoardCell
from jupyter_flows.ports import OpKind, OutputOp


class Browser:
    """Keeps what the socket tells, and what it comes to."""

    def __init__(self, socket):
        self.socket = socket
        self.told = []
        self.run = None
        self.path = None
        self.seq = None
        self.sources = None
        self.cells = None

    async def next(self):
        """The next message, taken in."""
        said = json.loads(await asyncio.wait_for(self.socket.read_message(), 30))
        self.told.append(said)
        getattr(self, f"_{said['type']}")(said)
        return said

    async def until(self, is_so):
        while not is_so(self):
            await self.next()
        return self

    async def reached(self, *statuses):
        return await self.until(lambda b: b.run and b.run["status"] in statuses)

    def _run(self, said):
        self.run = said["run"]

    def _sources(self, said):
        self.sources = said["cells"]

    def _outputs(self, said):
        self.seq = said["seq"]
        self.cells = {}
        for step, shown in said["cells"].items():
            self.cells[step] = cell = BoardCell(StepId(step))
            for index, output in enumerate(shown["outputs"]):
                list(cell.apply(OutputOp(step, OpKind.ADD, index, output)))
            list(cell.apply(OutputOp(step, OpKind.COUNT, count=shown["execution_count"])))

    def _ops(self, said):
        assert said["seq"] == self.seq + 1, "none is missing, none comes twice"
        self.seq = said["seq"]
        for op in said["ops"]:
            done = msgspec.convert(op, OutputOp)
            assert list(self.cells[done.cell].apply(done)), done

    def _saved(self, said):
        pass

    def _moved(self, said):
        self.path = said["path"]

    @property
    def shown(self):
        return {step: cell.shown() for step, cell in self.cells.items()}

    def text(self, step):
        return "".join(o.get("text", "") for o in self.shown[step].outputs)

    def records(self, step):
        return [o for o in self.shown[step].outputs if "jupyter_flows" in o.get("metadata", {})]

    def close(self):
        self.socket.close()


@pytest.fixture
def browse(jp_ws_fetch):
    """`await browse("flow.ipynb", run=…, since=…)`"""
    open_ones = []

    async def browse(path="flow.ipynb", *, known=None, hello=None, **query):
        params = {"path": path, **query}
        if known is not None:
            params = {**params, "run": known.run["id"], "since": str(known.seq)}
        socket = await jp_ws_fetch("jupyter-flows", "api", "documents", "ws", params=params)
        browser = Browser(socket)
        if known is not None:
            browser.run, browser.seq, browser.cells = known.run, known.seq, known.cells
        if hello is not None:
            await socket.write_message(json.dumps({"type": "hello", "kernel_client": hello}))
        open_ones.append(browser)
        return browser

    yield browse
    for browser in open_ones:
        browser.close()


@pytest.fixture
def start(call, make_notebook, jp_root_dir):
    """A run in place of the notebook with these cells."""

    async def start(*cells, path="flow.ipynb", **asked):
        (jp_root_dir / path).write_text(json.dumps(make_notebook(*cells)))
        answer = await call("POST", "api/runs", {"path": path, **asked})
        assert answer.status == 201, answer.text
        return answer.json

    return start


async def approve(call, run, gate="ask"):
    answer = await call("POST", f"api/runs/{run}/gates/{gate}/votes", {"approved": True})
    assert answer.status in (200, 201), answer.text
