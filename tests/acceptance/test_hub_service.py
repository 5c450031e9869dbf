"""The hub of docs/examples: links and votes while a user's own server is stopped, and afterwards.

Each story takes the hub of this module, with users of its own; alice's server is stopped in each.
"""

import json
from urllib.parse import urlsplit

import pytest

from ..conftest import notebook  # noqa: TID252 (the tests are no installed package)
from .chromium import needs_chromium, watched
from .conftest import ask, until
from .gates import Gate, opened
from .hub_service import FlowsHub, log_in

pytestmark = [needs_chromium, pytest.mark.timeout(300)]

REPORT = ("print('42 rows')\n'Publish the report?'", [], {"id": "ask", "suspend": {}})


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """On a folder that all servers share."""
    yield from started(FlowsHub(tmp_path_factory.mktemp("hub")))


@pytest.fixture
def hub_on_postgres(tmp_path, postgres_url):
    yield from started(FlowsHub(tmp_path, postgres_url))


def started(hub):
    try:
        yield hub.start()
    finally:
        if hasattr(hub, "process"):
            hub.end()


@pytest.fixture
def new_page(browser):
    """Each call is another reader's browser."""
    contexts = []

    def new_page():
        contexts.append(browser.new_context())
        return watched(contexts[-1].new_page())

    yield new_page
    for context in contexts:
        context.close()


def started_from_file(server):
    """A run of a notebook in the user's folder, which shows in it; it waits at its gate."""
    path = server.folder / "report.ipynb"
    path.write_text(json.dumps(notebook("rows = 42", REPORT, "rows, resume")))
    answer = server.call("POST", "api/runs", {"path": path.name})
    assert answer.status == 201, answer.text
    gate = Gate(server, answer.json["id"])
    assert gate.reached("suspended", "failed")["status"] == "suspended"
    return gate


def saved(gate):
    """Wait until the run's variables are on disk."""
    server = gate.server
    seen = server.run(gate.run)
    assert seen["status"] == "suspended"
    while "CheckpointSaved" not in (kinds := gate.events()):
        assert "CheckpointFailed" not in kinds
    return gate


@pytest.mark.parametrize("on", ["hub", "hub_on_postgres"])
def test_links_open_and_votes_count_while_the_users_server_is_stopped(request, on, new_page):
    """G34, G37, G41, G43, G44, G45"""
    hub = request.getfixturevalue(on)
    alice = hub.server_of("alice")
    anybodys = saved(started_from_file(alice))
    finances = saved(opened(alice, {"user_groups_required": ["finance"]}))
    links, for_finance = anybodys.links("erin@example.org"), finances.links()
    hub.stopped("alice")

    page = new_page()
    page.goto(links["approvalPage"])
    assert links["approvalPage"].startswith(f"{hub.service}/approve?")
    at = f"{urlsplit(hub.service).path}/page/{anybodys.key}"
    assert urlsplit(page.url).path == at
    assert [one["path"] for one in page.context.cookies() if "flows" in one["name"]] == [at]
    assert page.get_by_text("42 rows").is_visible()
    assert page.get_by_text("The server of this run is down.").is_visible()
    page.get_by_label("Message to the notebook").fill("without an account")
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("You have approved this").wait_for()

    carol = new_page()
    refuse_carol(hub, carol, for_finance["approvalPage"])
    bob = new_page()
    bob.goto(for_finance["approvalPage"])
    assert not bob.get_by_text("42 rows").is_visible()
    bob.get_by_role("link", name="Log in").click()
    assert urlsplit(bob.url).path == "/hub/login"
    log_in(bob, "bob")
    bob.get_by_text("You are logged in as bob").wait_for()
    bob.problems.clear()  # the browser says of the first page that it was a 403
    assert urlsplit(bob.url).path == f"{urlsplit(hub.service).path}/page/{finances.key}"
    bob.get_by_label("Message to the notebook").fill("from finance")
    bob.get_by_role("button", name="Approve").click()
    bob.get_by_text("You have approved this").wait_for()
    bob.goto(f"{hub.public}services/flows/")
    assert bob.get_by_text("Logged in as bob").is_visible()
    assert bob.get_by_text("Nothing awaits you.").is_visible()
    assert bob.problems == []

    others = hub.server_of("dave")
    assert others.run(finances.run)["status"] == "running"  # approved, and not dave's to drive
    hub.server_of("alice")
    ended = anybodys.reached("succeeded", "failed", "interrupted")
    assert ended["result"] == [42, {"message": "without an account"}], ended
    ended = finances.reached("succeeded", "failed", "interrupted")
    assert ended["result"] == {"message": "from finance"}, ended
    assert [(v["approver"], v["verified"]) for v in anybodys.votes] == [("erin@example.org", False)]
    assert [(v["approver"], v["verified"]) for v in finances.votes] == [("bob", True)]
    trail = alice.call("GET", f"api/runs/{finances.run}/audit").json["trail"]
    (cast,) = (line for line in trail if line["kind"] == "VoteCast")
    assert cast["who"]["groups"] == ["finance"]
    shown = alice.folder / "report.ipynb"
    until(lambda: b"without an account" in shown.read_bytes())


def refuse_carol(hub, page, link):
    """She has an account, and is in no group."""
    page.goto(link)
    page.get_by_role("link", name="Log in").click()
    log_in(page, "carol")
    page.get_by_text("Only members of 'finance' can vote here.").wait_for()
    assert not page.get_by_text("42 rows").is_visible()
    assert page.get_by_role("button").count() == 0


def test_the_service_opens_no_door_but_those_of_flows(hub, new_page):
    """A hub's user must not become the service's account: no files, kernels, terminals, no end."""
    alice = hub.server_of("alice")
    token = alice.token
    base = hub.service.removesuffix("/jupyter-flows")
    headers = {"Authorization": f"token {token}"}
    for method, path in (
        ("GET", "api/contents"),
        ("PUT", "api/contents/x.ipynb"),
        ("GET", "api/kernels"),
        ("POST", "api/kernels"),
        ("POST", "api/sessions"),
        ("POST", "api/terminals"),
        ("GET", "files/flows/keys"),
        ("GET", "view/flows/keys"),
        ("POST", "api/shutdown"),
        ("GET", "api/config/x"),
        ("GET", "api/kernelspecs"),
        ("GET", "api/me"),
        ("GET", "nbconvert/html/x.ipynb"),
        ("GET", "metrics"),
        ("GET", "api"),
    ):
        assert ask(method, f"{base}/{path}", {}, headers).status == 404, path
    refused = hub.asked("POST", "api/runs", token, {"notebook": notebook("1")})
    assert (refused.status, "runs no cells" in refused.text) == (501, True)
    assert hub.asked("GET", "api/runs", token).status == 200
    assert hub.asked("GET", "api/runs").status == 403
    assert hub.asked("GET", "api/runs", "of-nobody").status == 403


def test_a_link_is_never_made_of_what_a_request_says(hub):
    """G37"""
    alice = hub.server_of("alice")
    gate = opened(alice)
    lies = {
        "Authorization": f"token {alice.token}",
        "Host": "evil.test",
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Proto": "https",
    }
    for at in (hub.service, alice.address):
        answer = ask("POST", f"{at}/api/links", {"run": gate.run, "gate": "ask"}, lies)
        assert answer.status == 201, answer.text
        assert answer.json["approvalPage"].startswith(f"{hub.service}/approve?")


def test_a_page_of_the_same_hub_votes_for_nobody_by_their_cookie(hub, new_page):
    """Users' servers are of the service's origin: what they send has the cookie, not the token."""
    alice = hub.server_of("alice")
    gate = opened(alice)
    page = new_page()
    page.goto(f"{hub.service}/inbox")
    log_in(page, "bob")
    page.get_by_role("heading", name="Requests that await you").wait_for()
    page.goto(f"{hub.public}hub/home")
    vote = f"{hub.service}/api/runs/{gate.run}/gates/ask/votes"
    sent = """async ([to, type]) => (await fetch(to, {
        method: "POST", body: '{"approved": true}', headers: {"Content-Type": type},
    })).status"""
    for kind in ("application/json", "text/plain"):
        assert page.evaluate(sent, [vote, kind]) == 403
    assert page.evaluate("async to => (await fetch(to)).status", f"{hub.service}/api/runs") == 403
    assert gate.votes == []


def test_a_users_own_server_has_the_services_links_and_its_own_pages(hub, new_page):
    """Who owns a run looks at it, and withdraws, from the server that runs it."""
    alice = hub.server_of("alice")
    gate = opened(alice)
    page = new_page()
    page.goto(f"{alice.address}/inbox")
    log_in(page, "alice")
    page.get_by_role("heading", name="Requests that await you").wait_for(timeout=60_000)
    page.goto(f"{alice.address}/page/{gate.key}")
    assert page.get_by_text("42 rows").is_visible()
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("You have approved this").wait_for()
    assert gate.reached("succeeded", "failed")["status"] == "succeeded"
    assert [(vote["approver"], vote["verified"]) for vote in gate.votes] == [("alice", True)]
