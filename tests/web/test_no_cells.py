"""A server that runs no cells: it starts nothing, reads no notebook, and answers all else."""

import re

import pytest
from jupyterhub.singleuser.extension import JupyterHubUser

from jupyter_flows.web import doors
from jupyter_flows.web.routes import ROUTES, Access

SAID = "This server runs no cells"
REST = {
    ("GET", "openapi.json"),
    ("GET", "api/runs"),
    ("GET", "api/runs/{run}"),
    ("GET", "api/runs/{run}/events"),
    ("GET", "api/runs/{run}/notebook"),
    ("GET", "api/runs/{run}/audit"),
    ("GET", "api/runs/{run}/receipt"),
    ("GET", "api/audit-key"),
    ("POST", "api/runs/{run}/cancel"),
    ("POST", "api/runs/{run}/resume"),
    ("POST", "api/runs/{run}/gates/{gate}/votes"),
    ("DELETE", "api/runs/{run}/gates/{gate}/votes"),
    ("GET", "api/gates"),
    ("GET", "api/links"),
    ("POST", "api/links"),
    ("DELETE", "api/links/{link}"),
    ("GET", "api/schedules"),
    ("GET", "api/schedules/{schedule}"),
    ("DELETE", "api/schedules/{schedule}"),
    ("POST", "api/schedules/{schedule}/pause"),
    ("POST", "api/schedules/{schedule}/unpause"),
    ("GET", "api/flows"),
    ("GET", "api/flows/{name+}"),
    ("DELETE", "api/flows/{name+}"),
    ("GET", "api/deliveries"),
    ("GET", "api/deliveries/{delivery}"),
    ("POST", "api/deliveries/{delivery}/send"),
    ("GET", "v1/workflow-runs"),
    ("GET", "v1/workflow-runs/{run}"),
    ("DELETE", "v1/workflow-runs/{run}"),
    ("POST", "v1/workflow-runs/{run}/resume"),
    ("GET", "inbox"),
    ("POST", "inbox"),
}
"""What needs neither a kernel nor a user's files, besides the doors of links."""


def path_of(route):
    return re.sub(r"\{\w+\+?\}", "x", route.path)


def test_a_new_door_is_thought_about():
    for_users = [r for r in ROUTES if r.access not in {Access.LINK, Access.PEER}]
    assert {(r.method, r.path) for r in for_users if not r.works} == REST
    pages = [r for r in ROUTES if r.access is Access.LINK and not r.path.startswith("api/")]
    assert not any(r.works for r in pages)


@pytest.mark.parametrize("flows_config", [{"drives": False}])
async def test_what_needs_a_notebook_or_a_kernel_is_refused_with_a_sentence(call, house):
    for route in (each for each in ROUTES if each.works and each.path != "api/documents/ws"):
        body = {} if route.method in {"POST", "PUT"} else None
        answer = await call(route.method, path_of(route), body)
        assert answer.status == 501, route
        if route.method != "HEAD":
            assert SAID in answer.json["detail"], route


@pytest.mark.parametrize("flows_config", [{"drives": False}])
async def test_the_lists_and_pages_are_there_and_no_other_server_turns_to_this_one(call, house):
    for path in ("api/runs", "api/gates", "api/links", "api/schedules", "api/flows", "inbox"):
        assert (await call("GET", path)).status == 200
    assert (await call("GET", "api/runs/run_0")).status == 404
    assert await house.peers.all() == []


async def test_a_hubs_service_is_taken_for_none_of_its_users():
    assert doors._name_of(JupyterHubUser({"name": "alice", "kind": "user"})) == "alice"
    assert doors._name_of(JupyterHubUser({"name": "alice", "kind": "service"})) == "service/alice"
