"""A real server with the extension, a private data folder, and a base URL as under a hub."""

import asyncio
import html
import json
import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_flows import composition
from jupyter_flows.engine.conditions import Conditions
from jupyter_flows.web import doors, page

from ..engine.fakes import FakeKernels  # noqa: TID252 (the tests are no installed package)
from .browsing import browse, start
from .windmill_client import base_url, windmill, windmill_of

__all__ = ["base_url", "browse", "start", "windmill", "windmill_of"]


@pytest.fixture
def jp_base_url():
    return "/user/bob/"


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / "flows"


@pytest.fixture
def flows_config():
    """Traits of FlowsApp; override it."""
    return {}


@pytest.fixture
def saves():
    """When the variables of waiting runs are saved; override it. What that adds to a run's log, at
    some moment after its gate has opened, is the business of a few tests only.
    """
    return "never"


@pytest.fixture
def server_config():
    """Traits of ServerApp; override it."""
    return {}


class MovedClock:
    """The true time, and what a test adds to it."""

    def __init__(self):
        self.ahead = 0.0
        self.true = composition.clock

    def __call__(self):
        return self.true() + self.ahead


@pytest.fixture
def clock(monkeypatch):
    clock = MovedClock()
    monkeypatch.setitem(composition.compose.__kwdefaults__, "clock", clock)
    return clock


@pytest.fixture
def jp_server_config(data_dir, flows_config, server_config, clock, saves):
    return {
        "ServerApp": {"jpserver_extensions": {"jupyter_flows": True}, **server_config},
        "FlowsApp": {"data_dir": str(data_dir), "checkpoint": saves, **flows_config},
    }


class Answer:
    def __init__(self, response):
        self.status = response.code
        self.headers = response.headers
        self.text = response.body.decode() if response.body else ""

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def markup(self):
        """The page without our one script and style."""
        text = self.text.replace(f"<style>{page.STYLE}</style>", "")
        return re.sub(r"<script[^>]*>" + re.escape(page.SCRIPT) + "</script>", "", text)

    @property
    def words(self):
        """What the page says, without its tags."""
        return html.unescape(re.sub("<[^>]+>", "", self.markup))

    @property
    def is_problem(self):
        return self.headers["Content-Type"] == "application/problem+json"


@pytest.fixture
def call(jp_fetch):
    """Ask the API as the logged-in user: `await call("POST", "api/runs", {...})`."""

    async def call(method, path, body=None, **kwargs):
        path, _, query = path.partition("?")
        params = dict(pair.split("=", 1) for pair in query.split("&")) if query else None
        data = body if body is None or isinstance(body, str) else json.dumps(body)
        if method == "POST" and data is None:
            data = ""
        try:
            response = await jp_fetch(
                "jupyter-flows", *path.split("/"), method=method, body=data, params=params, **kwargs
            )
        except HTTPClientError as error:
            response = error.response
        return Answer(response)

    return call


@pytest.fixture
def anyone(http_server_client, jp_base_url):
    """Ask as somebody without an account; redirects are not followed."""

    async def anyone(method, url, body=None, headers=None):
        path = url if url.startswith("/") else "/" + url.split("/", 3)[3]
        if not path.startswith(jp_base_url):
            path = f"{jp_base_url}jupyter-flows{path}"
        if method in ("POST", "PUT", "PATCH") and body is None:
            body = ""
        if isinstance(body, dict | list):
            body, headers = (
                json.dumps(body),
                {"Content-Type": "application/json", **(headers or {})},
            )
        try:
            response = await http_server_client.fetch(
                path,
                method=method,
                body=body,
                headers=headers or {},
                follow_redirects=False,
                request_timeout=60,
            )
        except HTTPClientError as error:
            response = error.response
        return Answer(response)

    return anyone


@pytest.fixture
def house(jp_serverapp):
    return jp_serverapp.extension_manager.extension_apps["jupyter_flows"].pop().house


@pytest.fixture
def engine(house):
    return house.engine


@pytest.fixture
def reached(engine):
    """Wait until the run has one of the statuses; the run."""

    async def reached(run_id, *statuses):
        async def wait():
            async for _ in engine.follow(run_id):
                run = await engine.run(run_id)
                if run.status in statuses:
                    return run
            return None

        return await asyncio.wait_for(wait(), 60)

    return reached


@pytest.fixture
def kernels(engine):
    """Cells are executed without a kernel: what is shown here is the doors' part."""
    fake = FakeKernels()
    ready, waits = engine._driver._ready, engine._waits
    for part in (
        engine, engine._driver, engine._cut_off, ready, ready._restoring, waits.saving,
        waits.releases,
    ):  # fmt: skip
        part._kernels = fake
    engine._driver._conditions = Conditions(fake)
    fake.on_amended(engine._amended)
    engine.boards.hear(fake)
    return fake


@pytest.fixture
def become(monkeypatch):
    """Be logged in as somebody else: `become("bob")`."""

    def become(name):
        monkeypatch.setattr(doors.getpass, "getuser", lambda: name)

    return become


@dataclass
class Parked:
    """A run that waits at the gate of its step `ask`, and the doors to it."""

    id: str
    call: object
    anyone: object
    engine: object
    settled: object
    minted: dict = field(default_factory=dict)

    async def mint(self, approver=None, **asked):
        asked = {"run": self.id, "gate": "ask", "approver": approver, **asked}
        answer = await self.call("POST", "api/links", asked)
        assert answer.status == 201, answer.text
        return answer.json

    async def shown(self):
        return (await self.call("GET", f"api/runs/{self.id}")).json

    async def gate(self, step="ask"):
        return next(gate for gate in (await self.shown())["gates"] if gate["step"] == step)

    async def seq(self):
        return (await self.engine.run(self.id)).seq


@pytest.fixture
def park(  # noqa: PLR0917 (fixtures are asked for by name)
    kernels, call, anyone, engine, reached, make_notebook
):
    """`await park({"required_events": 2})` gives a run that waits at such a gate."""

    async def park(suspend=None, *, parameters=None, source="'go?'", then="resume", **options):
        flow = {"id": "ask", "suspend": suspend or {}, **options}
        notebook = make_notebook("x = 20", (source, [], flow), then)
        asked = {"notebook": notebook, "parameters": parameters or {}}
        started = await call("POST", "api/runs", asked)
        assert started.status == 201, started.text
        run = await reached(started.json["id"], "suspended", "failed", "interrupted")
        assert run.status == "suspended", run.error
        await engine.settled(run.id)
        return Parked(run.id, call, anyone, engine, engine.settled)

    return park


class Reader:
    """Somebody with a link and a browser: cookies are kept, forms are filled in."""

    def __init__(self, anyone):
        self._anyone = anyone
        self.cookies = {}
        self.url = None
        self.shown = None
        self.said = {}  # headers of their browser

    @property
    def headers(self):
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        return {"Cookie": cookies, **self.said} if cookies else self.said

    async def enter(self, link):
        entered = await self._anyone("GET", link)
        assert entered.status == 303, entered.text
        self.cookies = SimpleCookie(entered.headers["Set-Cookie"])
        self.url = urljoin("/" + link.split("/", 3)[3], entered.headers["Location"])
        return await self.look()

    async def look(self):
        self.shown = await self._anyone("GET", self.url, headers=self.headers)
        return self.shown

    def hidden(self, name):
        found = re.search(rf'name="{name}" value="([^"]*)"', self.shown.text)
        return found[1] if found else None

    async def press(self, decision, headers=None, **entries):
        fields = {name: self.hidden(name) for name in ("form", "digest")}
        fields = {**fields, "decision": decision, **entries}
        said = {name: value for name, value in fields.items() if value is not None}
        return await self.post(
            urlencode(said, doseq=True), "application/x-www-form-urlencoded", headers
        )

    async def post(self, body, kind, headers=None):
        headers = {**self.headers, "Content-Type": kind, **(headers or {})}
        return await self._anyone("POST", self.url, body, headers)


@pytest.fixture
def reader(anyone):
    return Reader(anyone)
