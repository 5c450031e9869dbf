"""A real server with the extension, a private data folder, and a base URL as under a hub."""

import asyncio
import json

import pytest
from tornado.httpclient import HTTPClientError


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
def jp_server_config(data_dir, flows_config):
    return {
        "ServerApp": {"jpserver_extensions": {"jupyter_flows": True}},
        "FlowsApp": {"data_dir": str(data_dir), **flows_config},
    }


class Answer:
    def __init__(self, response):
        self.status = response.code
        self.headers = response.headers
        self.text = response.body.decode() if response.body else ""

    @property
    def json(self):
        return json.loads(self.text)


@pytest.fixture
def call(jp_fetch):
    """Ask the API as the logged-in user: `await call("POST", "api/runs", {...})`."""

    async def call(method, path, body=None, **kwargs):
        path, _, query = path.partition("?")
        params = dict(pair.split("=", 1) for pair in query.split("&")) if query else None
        data = None if body is None else json.dumps(body)
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
        if method == "POST" and body is None:
            body = ""
        if isinstance(body, dict | list):
            body, headers = json.dumps(body), {"Content-Type": "application/json", **(headers or {})}
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
def engine(jp_serverapp):
    return jp_serverapp.extension_manager.extension_apps["jupyter_flows"].pop().house.engine


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
