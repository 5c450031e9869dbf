"""Contents managers as servers have them, and notebooks in their folder."""

import json

import pytest
from jupyter_server.services.contents.largefilemanager import (
    AsyncLargeFileManager,
    LargeFileManager,
)
from jupyter_server.utils import ensure_async
from traitlets.config import Config

from jupyter_flows.documents.files import NotebookFiles
from jupyter_flows.ports import Shown


def stream(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


def rich(html):
    return {"output_type": "display_data", "data": {"text/html": html}, "metadata": {}}


def record(html):
    return {**rich(html), "metadata": {"jupyter_flows": {"gate": "r.ask.1"}}}


class Place:
    """A folder with a contents manager, and what we write with."""

    def __init__(self, manager, folder):
        self.manager = manager
        self.folder = folder
        self.files = NotebookFiles(manager)

    def put(self, notebook, path="a.ipynb"):
        """As a program would that is none of the server's."""
        (self.folder / path).write_text(json.dumps(notebook))

    async def get(self, path="a.ipynb", **asked):
        return await ensure_async(self.manager.get(path, type="notebook", **asked))

    async def cells(self, path="a.ipynb"):
        content = (await self.get(path))["content"]
        return {cell.get("id"): cell for cell in content["cells"]}

    async def save(self, content, path="a.ipynb"):
        """As a browser does."""
        model = {"type": "notebook", "format": "json", "content": content}
        return await ensure_async(self.manager.save(model, path))

    async def write(self, path="a.ipynb", **outputs):
        cells = {step: Shown([said], 1) for step, said in outputs.items()}
        return await self.files.write(path, cells)


@pytest.fixture(params=[AsyncLargeFileManager, LargeFileManager], ids=["async", "sync"])
def manager_class(request):
    return request.param


@pytest.fixture
def place(manager_class, tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    notary = {"data_dir": str(tmp_path), "db_file": ":memory:"}
    manager = manager_class(root_dir=str(folder), config=Config(NotebookNotary=notary))
    return Place(manager, folder)
