"""Who may vote and read, over REST: the same policy that the core's table shows (G40)."""

import getpass

import pytest

OWNER = getpass.getuser()


@pytest.fixture
def flows_config():
    return {"groups": {"finance": ["bob", "Carol"], "risk": ["eve"]}}


async def voted(run, approved=True, **more):
    gate = f"api/runs/{run.id}/gates/ask/votes"
    return await run.call("POST", gate, {"approved": approved, **more})


async def test_the_owner_may_be_kept_from_voting_by_every_route(park, become):
    """G42"""
    run = await park({"self_approval_disabled": True})
    assert not (await run.gate())["may_vote"]
    refused = await voted(run)
    assert (refused.status, refused.json["type"].rpartition(":")[2]) == (403, "SelfApproval")
    for approver in (None, OWNER, f" {OWNER.upper()} "):
        links = await run.mint(approver)
        assert (await run.anyone("POST", links["resume"])).status == 403
        assert (await run.anyone("POST", links["cancel"])).status == 403
    become("bob")
    assert (await run.gate())["may_vote"]
    assert (await voted(run)).status == 201


async def test_a_link_for_somebody_else_counts_where_the_owner_may_not_vote(park):
    """G42"""
    run = await park({"self_approval_disabled": True})
    links = await run.mint("bob@example.org")
    assert (await run.anyone("POST", links["resume"])).status == 201


async def test_a_gate_for_logged_in_users_takes_no_link(park, become):
    """G43"""
    run = await park({"user_auth_required": True})
    links = await run.mint("bob")
    refused = await run.anyone("POST", links["resume"])
    assert (refused.status, refused.json["type"].rpartition(":")[2]) == (403, "LoginNeeded")
    become("bob")
    answer = await voted(run)
    assert answer.status == 201
    (vote,) = answer.json["gate"]["votes"]
    assert (vote["approver"], vote["verified"]) == ("bob", True)


async def test_only_members_of_a_named_group_vote(park, become):
    """G44"""
    run = await park({"user_groups_required": ["finance"]})
    become("eve")
    refused = await voted(run)
    assert refused.status == 403
    assert "Only members of 'finance'" in refused.json["detail"]
    become("carol")
    assert (await voted(run)).status == 201


@pytest.mark.parametrize("inline", [False, True])
async def test_who_may_not_vote_learns_nothing_of_the_form(park, become, inline):
    """G45: the policy is asked before what was typed is read."""
    schema = {"properties": {"salary": {"type": "integer"}}}
    run = await park({"user_groups_required": ["finance"], "resume_form": {"schema": schema}})
    become("eve")
    for name in ("f/salary", "f/other"):
        refused = await voted(run, entries={name: ["x"]}, inline=inline)
        assert (refused.status, refused.json["type"].rpartition(":")[2]) == (403, "NotAnApprover")
        assert "salary" not in refused.text
    become("bob")
    assert (await voted(run, entries={"f/salary": ["x"]}, inline=inline)).status == 422


async def test_each_group_gives_its_own_approvals_and_in_turn_if_it_says_so(park, become):
    """G44"""
    required = [{"group": "finance", "required": 2}, {"group": "risk"}]
    run = await park({"required_events": required, "order": "sequential"})
    become("eve")
    assert (await voted(run)).json["detail"] == "The members of 'finance' vote first."
    for name in ("bob", "carol"):
        become(name)
        assert (await voted(run)).status == 201
    become("eve")
    gate = await run.gate()
    assert gate["required_events"] == 3
    assert gate["groups"] == [
        {"group": "finance", "required": 2, "missing": 0},
        {"group": "risk", "required": 1, "missing": 1},
    ]
    assert (await voted(run)).status == 201
    assert (await run.settled(run.id)).status == "succeeded"


async def test_named_approvers_vote_and_the_links_are_the_servers_to_send(park, become, kernels):
    """G44, G46"""
    run = await park({"approvers": ["bob"]})
    links = await run.mint("bob")
    page = f"/page/{(await run.gate())['id']}"
    assert all(links[kind].endswith(page) for kind in ("approvalPage", "resume", "cancel"))
    (request,) = kernels.requests
    token = {"Authorization": f"Bearer {request.env['FLOWS_TOKEN']}"}
    asked = {"run": run.id, "gate": "ask", "approver": "bob"}
    minted = await run.anyone("POST", "/api/links", asked, token)
    assert "flow_token" not in minted.text
    become("eve")
    assert (await voted(run)).status == 403
    become("bob")
    assert (await voted(run)).status == 201


async def test_who_may_neither_vote_nor_own_reads_no_form_and_no_description(park, become):
    """G45"""
    form = {"schema": {"properties": {"secret": {"type": "string"}}}}
    said = {"description": "the secret figure", "resume_form": form, "default_args": {"secret": 1}}
    run = await park({"user_groups_required": ["finance"], **said})
    for name, reads in ((OWNER, True), ("bob", True), ("eve", False)):
        become(name)
        gate = await run.gate()
        assert gate["readable"] is reads, name
        assert (gate["description"] is not None) is reads
        assert ("secret" in str(gate)) is reads
        inbox = (await run.call("GET", "api/gates?awaiting=me")).json["gates"]
        assert bool(inbox) is (name == "bob")


async def test_an_approval_is_withdrawn_by_the_one_who_gave_it(park, become):
    """G18"""
    run = await park({"required_events": 2})
    gate = f"api/runs/{run.id}/gates/ask/votes"
    become("bob")
    assert (await run.call("DELETE", gate)).status == 409
    await voted(run)
    become("eve")
    assert (await run.call("DELETE", gate)).status == 409
    become("bob")
    answer = await run.call("DELETE", gate)
    assert (answer.status, answer.json["gate"]["votes"]) == (200, [])
    assert (await voted(run)).status == 201


async def test_an_answer_that_the_authors_function_refuses_names_the_field(park):
    """G62"""
    source = "from jupyter_flows.client.flows import mistakes\ncheck = lambda a: {'n': 'no'}\n1"
    run = await park({"validate": "check"}, source=source)
    links = await run.mint("bob")
    refused = await run.anyone("POST", links["resume"], {"n": 1})
    assert refused.status == 422
    assert refused.json["errors"] == [{"where": "n", "message": "no"}]
    assert (await run.gate())["votes"] == []
    assert (await run.anyone("POST", links["cancel"])).status == 201


async def test_who_may_not_read_a_gate_reads_it_by_no_other_door(park, become):
    """G45"""
    source = "{'description': 'the secret figure'}"
    run = await park({"user_groups_required": ["finance"]}, source=source)
    doors = ("notebook", "events", "receipt", "audit")
    become("eve")
    assert "secret" not in (await run.call("GET", f"api/runs/{run.id}")).text
    for door in doors:
        assert (await run.call("GET", f"api/runs/{run.id}/{door}")).status == 403, door
    assert (await run.call("GET", "api/gates")).json["gates"] == []
    assert (await run.call("GET", f"api/links?run={run.id}")).status == 403
    assert (await run.call("GET", "api/links")).json["links"] == []
    become("bob")
    assert "secret" in (await run.call("GET", f"api/runs/{run.id}")).text
    assert (await run.call("GET", f"api/runs/{run.id}/notebook")).status == 200
    assert len((await run.call("GET", "api/gates")).json["gates"]) == 1


async def test_no_run_passes_for_a_schedules(call, make_notebook, kernels):
    asked = {"notebook": make_notebook("1"), "idempotency_key": "schedule:sch_1:1700000000"}
    assert (await call("POST", "api/runs", asked)).status == 400


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/x-www-form-urlencoded", '{"n": 5}', 201),
        ("Application/X-WWW-Form-Urlencoded", "n=5", 201),
        ("multipart/form-data; boundary=x", "--x\r\nnothing\r\n--x--\r\n", 400),
    ],
)
async def test_no_answer_is_lost_by_its_content_type(park, kind, body, status):
    """G35: what was not read is never taken for an approval without an answer."""
    run = await park({"resume_form": {"schema": {"properties": {"n": {"type": "integer"}}}}})
    links = await run.mint("bob")
    answer = await run.anyone("POST", links["resume"], body, {"Content-Type": kind})
    assert answer.status == status, answer.text
    if status == 201:
        assert (await run.settled(run.id)).result == {"n": 5}
