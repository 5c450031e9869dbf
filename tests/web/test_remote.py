"""The clients of the workflow-run API, at a real server."""

import asyncio
import json

import pytest

import jupyter_flows
from jupyter_flows import AsyncClient, Client, ClientError
from jupyter_flows.remote import Kind, Status, calls

FORM = {"resume_form": {"schema": {"properties": {"limit": {"type": "integer"}}}}}
ADDED = "[state['n'], resume['limit']]"


@pytest.fixture
def file(jp_root_dir, make_notebook):
    gate = ("'go?'", ["suspend"], {"id": "review", "suspend": FORM})
    (jp_root_dir / "limits.ipynb").write_text(json.dumps(make_notebook("1", gate, ADDED)))
    return "limits.ipynb"


@pytest.fixture
def url(jp_serverapp, http_server_client):
    return http_server_client.get_url(jp_serverapp.base_url)


@pytest.fixture
def token(jp_serverapp):
    return jp_serverapp.identity_provider.token


class InThreads:
    """The plain client, from threads, as if it was to be awaited."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        method = getattr(self._client, name)
        return lambda *args, **more: asyncio.to_thread(method, *args, **more)

    async def list(self, **asked):
        for run in await asyncio.to_thread(lambda: list(self._client.list(**asked))):
            yield run


async def walk(client, file):
    registered = await client.register("limits", file)
    assert (registered.name, registered.source) == ("limits", "registered")
    run = await client.start("limits", task="Set a limit", state={"n": 1}, key="a")
    assert run.output.status is Status.PAUSED
    action = run.output.pending_action
    assert (action.step, action.type) == ("review", Kind.INPUT)
    assert action.schema["properties"] == {"limit": {"type": "integer"}}
    again = await client.start("limits", task="Set a limit", state={"n": 1}, key="a")
    assert again.run_id == run.run_id
    with pytest.raises(ClientError) as wrong:
        await client.resume(run.run_id, "review", {"limit": "x"})
    assert (wrong.value.status, wrong.value.problem) == (422, "FormInvalid")
    assert [where for where, _ in wrong.value.mistakes] == ["limit"]
    with pytest.raises(ClientError) as other:
        await client.resume(run.run_id, "another", {"limit": 1})
    assert (other.value.status, other.value.problem) == (409, "GateClosed")
    ended = await client.resume(run.run_id, "review", {"limit": 3})
    assert (ended.output.status, ended.output.result) == (Status.COMPLETED, [1, 3])
    assert (await client.get(run.run_id)) == ended
    second = await client.start("limits", task="Another", wait=0)
    gone = await client.cancel(second.run_id)
    assert (gone.output.status, gone.output.error.name) == (Status.FAILED, "RunCancelled")
    listed = [each.run_id async for each in client.list(at_once=1)]
    assert listed == [second.run_id, run.run_id]
    assert [each.run_id async for each in client.list(status="completed")] == [run.run_id]
    await client.unregister("limits")
    assert await client.flows() == ()


async def test_the_awaited_client_does_it_all(url, token, kernels, file):
    async with AsyncClient(url, token) as client:
        await walk(client, file)


async def test_the_plain_client_does_it_all(url, token, kernels, file):
    with Client(f"{url.rstrip('/')}/jupyter-flows/", token) as client:
        await walk(InThreads(client), file)


async def test_what_is_refused_says_so(url, kernels):
    async with AsyncClient(url, "wrong") as client:
        with pytest.raises(ClientError) as stranger:
            await client.get("wfr_1")
    assert stranger.value.status == 403


def test_a_server_that_is_not_there_is_an_error():
    with Client("http://127.0.0.1:9") as client, pytest.raises(ClientError, match="reached"):
        client.flows()


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'{"run_id": 3}'])
def test_an_answer_of_something_else_is_an_error(content):
    with pytest.raises(ClientError, match="no answer of jupyter_flows"):
        calls.get("wfr_1").read(200, content)


@pytest.mark.parametrize("content", [b"", b"<html>", b"[1]", b'{"message": "Forbidden"}'])
def test_a_refusal_by_something_else_is_told_as_far_as_it_goes(content):
    with pytest.raises(ClientError, match=r"Forbidden|answered 403") as caught:
        calls.get("wfr_1").read(403, content)
    assert caught.value.status == 403


def test_names_are_one_part_of_the_address():
    assert calls.get("../x y").path == "v1/workflow-runs/..%2Fx%20y"


def test_the_package_has_the_clients():
    assert jupyter_flows.Client is Client
