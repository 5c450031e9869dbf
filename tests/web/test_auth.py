"""Who may come in: every door of the table, asked by everybody who might try."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from jupyter_flows.web.routes import ROUTES, Access, handlers

CLOSED = {401, 403}
BOTH = pytest.mark.parametrize(
    "server_config",
    [{"allow_unauthenticated_access": True}, {"allow_unauthenticated_access": False}],
    ids=["open", "shut"],
)
PASSED_XSRF = {"Cookie": "_xsrf=deadbeef", "X-XSRFToken": "deadbeef"}
"""So that a refusal is one for want of a login, and not of the form's token."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def address(route):
    return "/" + re.sub(r"\{\w+\+?\}", "x", route.path)


def is_shut(answer):
    if answer.status == 302:
        return "/login" in answer.headers["Location"]
    return answer.status in CLOSED and "xsrf" not in answer.text.lower()


@BOTH
async def test_exactly_the_doors_for_links_let_somebody_in_who_is_not_logged_in(anyone, house):
    """Each answers as to an unknown link; all others refuse."""
    for route in ROUTES:
        body = {} if route.method == "POST" else None
        answer = await anyone(route.method, address(route), body, PASSED_XSRF)
        if route.access is Access.LINK:
            assert answer.status == 404, route
            assert "not known" in answer.text, route
        else:
            assert is_shut(answer), (route, answer.status, answer.text)


@BOTH
@pytest.mark.parametrize("scheme", ["Bearer", "token"])
async def test_a_wrong_token_opens_no_door(anyone, house, scheme):
    for route in ROUTES:
        if route.access is Access.LINK:
            continue
        headers = {**PASSED_XSRF, "Authorization": f"{scheme} 0123456789abcdef"}
        body = {"run": "x"} if route.method == "POST" else None
        answer = await anyone(route.method, address(route), body, headers)
        assert is_shut(answer), (route, answer.status, answer.text)


@BOTH
async def test_methods_that_the_table_does_not_name_are_no_doors(anyone, house):
    for path in {route.path for route in ROUTES}:
        named = {route.method for route in ROUTES if route.path == path}
        route = next(route for route in ROUTES if route.path == path)
        for method in set(METHODS) - named - ({"HEAD"} if "GET" in named else set()):
            answer = await anyone(method, address(route), headers=PASSED_XSRF)
            assert answer.status in {405, 401, 403, 302}, (method, path, answer.status)


def test_the_table_names_every_method_that_a_handler_has():
    """No door that the table does not know of, and none that is missing."""
    for pattern, door, _ in handlers(None, "/p"):
        paths = {
            r.path for r in ROUTES if r.door is door and re.fullmatch(pattern, f"/p{address(r)}")
        }
        assert paths, pattern
        (path,) = paths
        named = {r.method for r in ROUTES if r.path == path}
        implemented = {
            method
            for method in METHODS
            if getattr(door, method.lower()).__qualname__.split(".")[0] != "RequestHandler"
        }
        if path == "approve":
            implemented -= {"POST"}
        assert implemented - {"HEAD"} == named, path


async def test_a_logged_in_post_without_the_xsrf_token_is_refused(park, anyone, jp_serverapp):
    """A cookie alone is no consent: another site's page could have sent it."""
    run = await park()
    login = f"/user/bob/login?token={jp_serverapp.identity_provider.token}"
    cookie = (await anyone("GET", login)).headers["Set-Cookie"].partition(";")[0]
    logged_in = await anyone("GET", f"/api/runs/{run.id}", headers={"Cookie": cookie})
    assert logged_in.status == 200
    for path in (f"api/runs/{run.id}/gates/ask/votes", "api/links", f"api/runs/{run.id}/cancel"):
        refused = await anyone("POST", f"/{path}", {"approved": True}, {"Cookie": cookie})
        assert refused.status == 403
        assert "xsrf" in refused.text.lower()
    assert (await run.gate())["votes"] == []


# ---------------------------------------------------------------- peers


@BOTH
async def test_the_doors_for_peers_open_for_the_secret_alone(park, house, jp_serverapp):
    run = await park()
    links = await run.mint("bob")
    drive = f"/peers/drive/{run.id}"
    guesses = [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {house.secret[:-1]}",
        f"Bearer {house.secret}x",
        f"token {house.secret}",
        f"Bearer {jp_serverapp.identity_provider.token}",
        f"Bearer {_token(links['resume'])}",
        "Bearer é",
    ]
    for guess in guesses:
        answer = await run.anyone("POST", drive, headers={"Authorization": guess})
        assert answer.status == 403, guess
        assert "data folder" in answer.json["detail"]
    assert (await run.call("POST", drive[1:])).status == 403, "a login is not enough"
    headers = {"Authorization": f"Bearer {house.secret}"}
    assert (await run.anyone("POST", drive, headers=headers)).status == 204


async def test_a_peer_hands_over_a_run(anyone, house, kernels, reached, make_notebook):
    handed = {
        "notebook": make_notebook("x = flow_input['n']", "x + 1"),
        "path": "flow.ipynb",
        "owner": "somebody",
        "parameters": {"n": 41},
    }
    headers = {"Authorization": f"Bearer {house.secret}"}
    answer = await anyone("POST", "/peers/runs", handed, headers)
    assert answer.status == 201
    run = await reached(answer.json["id"], "succeeded", "failed")
    assert (run.result, run.owner) == (42, "somebody")
    wrong = await anyone("POST", "/peers/runs", {**handed, "more": 1}, headers)
    assert wrong.status == 400


async def test_the_peers_secret_opens_no_other_door(anyone, house):
    headers = {**PASSED_XSRF, "Authorization": f"Bearer {house.secret}"}
    for route in ROUTES:
        if route.access in (Access.LOGIN, Access.KERNEL):
            body = {"run": "x"} if route.method == "POST" else None
            assert is_shut(await anyone(route.method, address(route), body, headers)), route


# ---------------------------------------------------------------- a kernel's token


def _token(link):
    return parse_qs(urlsplit(link).query)["flow_token"][0]


def kernel(kernels, run):
    (request,) = [r for r in kernels.requests if r.run == run.id]
    return {"Authorization": f"Bearer {request.env['FLOWS_TOKEN']}"}


@BOTH
async def test_a_kernels_token_mints_links_of_its_own_run_only(park, kernels):
    """G46"""
    run, other = await park(), await park()
    own = kernel(kernels, run)
    minted = await run.anyone("POST", "/api/links", {"run": run.id, "gate": "ask"}, own)
    assert minted.status == 201
    flow = await run.anyone("POST", "/api/links", {"run": run.id, "flow_level": True}, own)
    assert flow.status == 201
    refused = await run.anyone("POST", "/api/links", {"run": other.id, "gate": "ask"}, own)
    assert refused.status == 403
    assert "its own run" in refused.json["detail"]


@BOTH
async def test_a_kernels_token_never_votes_and_opens_no_other_door(park, kernels):
    """G46"""
    run = await park()
    own = kernel(kernels, run)
    token = own["Authorization"].split()[1]
    before = await run.seq()
    for route in ROUTES:
        if route.access is Access.LINK:
            for url in (address(route), f"{address(route)}?flow_token={token}"):
                assert (await run.anyone(route.method, url, headers=own)).status == 404, route
        elif route.access is not Access.KERNEL:
            path = (
                address(route)
                .replace("/runs/x", f"/runs/{run.id}")
                .replace("/x/votes", "/ask/votes")
            )
            body = {"approved": True} if route.method == "POST" else None
            answer = await run.anyone(route.method, path, body, {**own, **PASSED_XSRF})
            assert is_shut(answer), (route, answer.status)
    assert await run.seq() == before


@pytest.mark.parametrize("whole", [True, False])
async def test_a_kernels_token_is_good_for_no_other_run(park, kernels, whole):
    """G46: whatever door names a run, or a step of one, it is not another's."""
    run, other = await park(), await park()
    own, before = kernel(kernels, run), await other.seq()
    job = other.id if whole else f"{other.id}.ask"
    asked = {"POST": {"key": "x", "args": {}, "percent": 5}}
    doors = [each for each in ROUTES if each.access is Access.KERNEL and "{job" in each.path]
    assert len(doors) > 15
    for route in doors:
        path = re.sub(r"\{job\+?\}", job, route.path).replace("{workspace}", "jupyter")
        path = re.sub(r"\{\w+\+?\}", "x", path)
        answer = await run.anyone(route.method, f"/{path}", asked.get(route.method), own)
        assert answer.status in (400, 403, 404), (route, answer.status, answer.text)
    for path in ("run/f/x", "run/p/x", "run/h/0123456789abcdef"):
        for said in (f"parent_job={job}", f"root_job={other.id}"):
            url = f"/api/w/jupyter/jobs/{path}?{said}"
            assert (await run.anyone("POST", url, {}, own)).status in (403, 404), url
    assert await other.seq() == before


async def test_a_kernels_token_is_refused_after_the_runs_end(park, kernels):
    """G46"""
    run = await park()
    own = kernel(kernels, run)
    await run.call("POST", f"api/runs/{run.id}/gates/ask/votes", {"approved": True})
    await run.settled(run.id)
    refused = await run.anyone("POST", "/api/links", {"run": run.id, "flow_level": True}, own)
    assert refused.status == 403
    assert "running flow" in refused.json["detail"]


@pytest.mark.parametrize("cut", [slice(0, -1), slice(1, None), slice(0, 0)])
async def test_a_forged_kernels_token_is_refused(park, kernels, cut):
    run = await park()
    token = kernel(kernels, run)["Authorization"].split()[1][cut]
    headers = {"Authorization": f"Bearer {token}"}
    refused = await run.anyone("POST", "/api/links", {"run": run.id, "gate": "ask"}, headers)
    assert refused.status == 403


async def test_a_link_that_a_cell_minted_votes_as_claimed_whoever_sends_it(park, kernels):
    """G41, G46"""
    run = await park()
    asked = {"run": run.id, "gate": "ask", "approver": "bob"}
    links = (await run.anyone("POST", "/api/links", asked, kernel(kernels, run))).json
    voted = await run.anyone("POST", links["resume"] + "&approver=eve")
    (vote,) = voted.json["gate"]["votes"]
    assert (vote["approver"], vote["verified"]) == ("bob", False)


# ---------------------------------------------------------------- others with an account


async def test_only_the_owner_cancels_resumes_mints_and_revokes(  # noqa: PLR0917
    anyone, call, house, kernels, reached, make_notebook
):
    """G17, G33"""
    notebook = make_notebook(("1", ["suspend"]))
    handed = {"notebook": notebook, "path": "f.ipynb", "owner": "somebody else"}
    headers = {"Authorization": f"Bearer {house.secret}"}
    run = (await anyone("POST", "/peers/runs", handed, headers)).json["id"]
    state = await reached(run, "suspended", "failed")
    (link,) = state.links
    for method, path, body in (
        ("POST", f"api/runs/{run}/cancel", None),
        ("POST", f"api/runs/{run}/resume", None),
        ("POST", "api/links", {"run": run, "gate": "c0"}),
        ("DELETE", f"api/links/{link}", None),
    ):
        refused = await call(method, path, body)
        assert refused.status == 403, path
        assert "somebody else" in refused.json["detail"]
    shown = (await call("GET", f"api/runs/{run}")).json
    assert shown["gates"][0]["links"] is None, "the owner's links are the owner's"
    assert (await reached(run, "suspended")).seq == state.seq
