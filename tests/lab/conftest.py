"""JupyterLab and Notebook as a user has them: real servers, a real browser, our extension."""

import json
from pathlib import Path

import pytest

from tests.acceptance.chromium import chromium
from tests.acceptance.conftest import FRONT_ENDS, TOKEN, Server, ask, until
from tests.labextension import need_labextension

pytest.register_assert_rewrite(f"{__package__}.opened")

from .opened import Opened  # noqa: E402 (after its asserts were made to tell)

BUILT = Path(__file__).parents[2] / "jupyter_flows" / "labextension"
SHARING = ("@jupyter/collaboration-extension", "@jupyter/docprovider-extension")
"""The front end's half of jupyter-collaboration."""
NEWS = "@jupyterlab/apputils-extension:announcements"


class FrontEnd(Server):
    """A server with the pages of JupyterLab and of Notebook; `root` is where its files are."""

    def __init__(self, home, *, shared=False, **flows):
        """`shared`: with jupyter-collaboration."""
        super().__init__(home, **flows)
        self.shared = shared
        self.root = self.home / "root"
        self.site = f"http://127.0.0.1:{self.port}"

    def environment(self):
        extensions = self.home / "data" / "labextensions"
        extensions.mkdir(parents=True, exist_ok=True)
        (extensions / "jupyter-flows").symlink_to(BUILT)
        without = {NEWS: True} | ({} if self.shared else dict.fromkeys(SHARING, True))
        config = self.home / "first" / "labconfig"
        config.mkdir(parents=True, exist_ok=True)
        (config / "page_config.json").write_text(json.dumps({"disabledExtensions": without}))
        for name in ("person", "settings"):
            (self.home / name).mkdir(exist_ok=True)
        return super().environment() | {
            "HOME": str(self.home / "person"),
            "JUPYTER_PATH": str(self.home / "data"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.home / "workspaces"),
        }

    def extensions(self):
        with_ydoc = dict.fromkeys(("jupyter_server_ydoc", "jupyter_server_fileid"), self.shared)
        return {"jupyter_flows": True, **dict.fromkeys(FRONT_ENDS, True), **with_ydoc}

    def started_at(self, path):
        """Start a run of the notebook at this path, as a program does."""
        answer = self.call("POST", "api/runs", {"path": path})
        assert answer.status == 201, answer.text
        return answer.json["id"]

    def released(self, run):
        """Wait until the run waits without its kernel."""
        self.reached(run, "suspended", "failed")
        until(lambda: self.run(run)["released_at"])

    def kernels(self):
        """The ids of the kernels that there are."""
        headers = {"Authorization": f"token {TOKEN}"}
        return [
            kernel["id"] for kernel in ask("GET", f"{self.site}/api/kernels", headers=headers).json
        ]

    def page_of(self, path, place):
        """The address of a notebook's page; `place` keeps what is open apart from other stories."""
        raise NotImplementedError


class Lab(FrontEnd):
    program = "jupyterlab"

    def command(self):
        return [*super().command(), "--LabApp.expose_app_in_browser=True"]

    def page_of(self, path, place):
        return f"{self.site}/lab/workspaces/{place}/tree/{path}?token={TOKEN}"


class Notebook(FrontEnd):
    program = "notebook"

    def command(self):
        return [*super().command(), "--JupyterNotebookApp.expose_app_in_browser=True"]

    def page_of(self, path, place):
        return f"{self.site}/notebooks/{path}?token={TOKEN}"


@pytest.fixture(autouse=True)
def jp_asyncio_loop():
    """Servers are processes of their own here; a browser has its loop in this one for a while."""


@pytest.fixture(autouse=True)
def jp_server_cleanup():
    """There is no server in this process."""


def serving(server):
    need_labextension()
    pytest.importorskip(server.program, reason=f"{server.program} is not installed")
    yield server.start()
    server.end()


@pytest.fixture(scope="package")
def lab(tmp_path_factory):
    yield from serving(Lab(tmp_path_factory.mktemp("lab")))


@pytest.fixture(scope="package")
def notebook(tmp_path_factory):
    yield from serving(Notebook(tmp_path_factory.mktemp("notebook")))


@pytest.fixture(scope="package")
def shared_lab(tmp_path_factory):
    pytest.importorskip("jupyter_server_ydoc", reason="jupyter-collaboration is not installed")
    yield from serving(Lab(tmp_path_factory.mktemp("shared"), shared=True))


@pytest.fixture
def front(request):
    """The front end of this story: JupyterLab, or what its parameter names."""
    return request.getfixturevalue(getattr(request, "param", "lab"))


both = pytest.mark.parametrize("front", ["lab", "notebook"], indirect=True)
shared = pytest.mark.parametrize("front", ["shared_lab"], indirect=True)


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def person(browser):
    """A user's browser; it keeps the front ends' own files, which are many, between stories."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def written(front, make_notebook, request):
    """Write a notebook of these cells where the front end has its files; its path there."""

    def write(*cells, name="flow", **kwargs):
        folder = front.root / request.node.name.partition("[")[0][-60:]
        folder.mkdir(exist_ok=True)
        file = folder / f"{name}.ipynb"
        file.write_text(json.dumps(make_notebook(*cells, **kwargs)))
        return str(file.relative_to(front.root))

    return write


@pytest.fixture
def opened(front, person, written):
    """Open a notebook of these cells, or the one at `path`, in the user's browser."""
    pages = []

    def open_one(*cells, path=None, context=None):
        seen = Opened(front, context or person, path or written(*cells))
        pages.append(seen)
        return seen.enter()

    yield open_one
    for seen in pages:
        seen.close()
