"""Links through real HTTP, as somebody without an account: rules G30 to G37."""

import asyncio
import json
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import pytest

from jupyter_flows.core.model import Link, Purpose

FORM = {
    "schema": {
        "properties": {"limit": {"type": "integer", "minimum": 1}, "day": {"type": "string"}},
        "required": ["limit"],
    }
}
NAMES = ("approvalPage", "resume", "cancel")


def token_of(link):
    return parse_qs(urlsplit(link).query)["flow_token"][0]


def with_token(link, token):
    return f"{link.partition('?')[0]}?flow_token={token}"


# ---------------------------------------------------------------- G30, G31


async def test_an_open_gate_gives_three_links(park):
    """G30"""
    links = await (await park()).mint("bob")
    assert set(links) == {"id", *NAMES}
    assert len({links[name] for name in NAMES}) == 3


async def test_links_are_given_while_the_cell_still_runs_and_their_votes_count_at_once(
    kernels, call, anyone, reached, make_notebook
):
    """G4, G30"""
    notebook = make_notebook(("# hold\n'go?'", ["suspend"]), "resume")
    run = (await call("POST", "api/runs", {"notebook": notebook})).json["id"]
    await kernels.begun(run)
    links = (await call("POST", "api/links", {"run": run, "gate": "c0"})).json
    assert (await anyone("POST", links["resume"], {"early": True})).status == 201
    kernels.go(run)
    ended = await reached(run, "succeeded", "failed", "suspended")
    assert (ended.status, ended.result) == ("succeeded", {"early": True})


async def test_a_link_of_one_purpose_opens_no_other_door(park):
    """G31"""
    run = await park()
    links = await run.mint("bob")
    before = await run.seq()
    for name in NAMES:
        for other in NAMES:
            if other != name:
                url = with_token(links[other], token_of(links[name]))
                assert (await run.anyone("POST", url)).status in (404, 405)
                assert (await run.anyone("GET", url)).status == 404
    assert await run.seq() == before


async def test_a_link_of_an_older_key_still_votes(park, house):
    """G31"""
    run = await park()
    links = await run.mint("bob")
    house.keys.rotate(keep=2)
    assert (await run.anyone("POST", links["resume"])).status == 201


async def test_a_link_of_a_key_that_was_dropped_is_unknown(park, house):
    """G31"""
    run = await park()
    links = await run.mint("bob")
    house.keys.rotate(keep=1)
    assert (await run.anyone("POST", links["resume"])).status == 404


# ---------------------------------------------------------------- G32


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-HTTP-Method-Override": "POST", "X-Method-Override": "POST"},
        {"Purpose": "prefetch", "Sec-Purpose": "prefetch"},
        {"Content-Type": "application/json", "Accept": "application/json"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1", "Sec-Fetch-Site": "cross-site"},
    ],
    ids=["plain", "override", "prefetch", "json", "navigation"],
)
async def test_looking_never_votes(park, reader, method, headers):
    """G32"""
    run = await park()
    links = await run.mint("bob")
    before = await run.seq()
    for name in NAMES:
        for extra in ("", "&_method=POST&decision=approve&approved=true"):
            answer = await run.anyone(method, links[name] + extra, headers=headers)
            assert answer.status == 303
        await reader.enter(links[name])
        page = f"{reader.url}?decision=approve"
        cookies = {**reader.headers, **headers}
        assert (await run.anyone(method, page, headers=cookies)).status == 200
    log = await run.engine._store.events(run.id, before)
    assert {type(row.event).__name__ for row in log} <= {"GateShown"}
    gate = await run.gate()
    assert (gate["status"], gate["votes"]) == ("open", [])


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_no_other_method_votes(park, method):
    """G32"""
    run = await park()
    links = await run.mint("bob")
    before = await run.seq()
    for name in NAMES:
        assert (await run.anyone(method, links[name])).status == 405
    assert (await run.anyone("POST", links["approvalPage"])).status == 405
    assert await run.seq() == before


@pytest.mark.parametrize(
    ("body", "kind", "payload"),
    [
        ('{"limit": 2}', "application/json", {"limit": 2}),
        ('{"limit": 2}', "text/plain", {"limit": 2}),
        (
            "limit=2&day=a&day=b",
            "application/x-www-form-urlencoded",
            {"limit": "2", "day": ["a", "b"]},
        ),
        ("", "application/json", {}),
        ("[1, 2]", "application/json", [1, 2]),
        ('"yes"', "application/json", "yes"),
    ],
)
async def test_a_vote_is_a_post_with_json_a_form_or_nothing(park, body, kind, payload):
    """G32"""
    run = await park()
    links = await run.mint("bob")
    voted = await run.anyone("POST", links["resume"], body, {"Content-Type": kind})
    assert voted.status == 201, voted.text
    assert (await run.settled(run.id)).result == payload


@pytest.mark.parametrize("body", ["{not json", '{"a": NaN}', '"\\ud800"', "[" * 50_000, "\xff"])
async def test_a_body_that_is_no_json_is_bad_input(park, body):
    run = await park()
    links = await run.mint("bob")
    kind = {"Content-Type": "application/json"}
    refused = await run.anyone("POST", links["resume"], body.encode("latin-1"), kind)
    assert refused.status == 400, refused.text
    assert refused.is_problem
    assert (await run.gate())["votes"] == []


# ---------------------------------------------------------------- G33


async def test_links_are_listed_with_their_id_and_never_with_their_token(park):
    """G33"""
    run = await park()
    links = await run.mint("bob")
    listed = await run.call("GET", f"api/links?run={run.id}")
    found = [row for row in listed.json["links"] if row["id"] == links["id"]]
    assert [(row["approver"], row["gate"]) for row in found] == [("bob", "ask")]
    assert token_of(links["resume"]) not in listed.text
    assert "flow_token" not in listed.text


async def test_a_link_is_revoked_by_its_id_and_only_that_one(park):
    """G33, G35"""
    run = await park({"required_events": 2})
    bob, eve = await run.mint("bob"), await run.mint("eve")
    assert (await run.call("DELETE", f"api/links/{bob['id']}")).status == 204
    refused = await run.anyone("POST", bob["resume"])
    assert refused.status == 410
    assert refused.json["type"].endswith("LinkRevoked")
    assert (await run.anyone("GET", bob["approvalPage"])).status == 410
    assert (await run.anyone("POST", eve["resume"])).status == 201
    again = await run.call("DELETE", f"api/links/{bob['id']}")
    assert again.status == 204, "revoking twice is no mistake"


async def test_a_link_goes_with_its_gates_deadline(park, clock):
    """G33, G35"""
    run = await park({"timeout": "1h"})
    links = await run.mint("bob")
    clock.ahead = 3601
    refused = await run.anyone("POST", links["resume"])
    assert refused.status == 410
    assert refused.is_problem
    assert refused.json["type"].endswith("LinkExpired")
    page = await run.anyone("GET", links["approvalPage"])
    assert page.status == 410
    assert page.headers["Content-Type"].startswith("text/html")


# ---------------------------------------------------------------- G34


async def test_entering_puts_the_token_into_a_cookie_for_one_page_and_leads_there(park):
    """G34"""
    run = await park()
    links = await run.mint("bob")
    entered = await run.anyone("GET", links["approvalPage"])
    assert entered.status == 303
    key = (await run.gate())["id"]
    assert entered.headers["Location"].endswith(f"page/{key}")
    assert token_of(links["approvalPage"]) not in entered.headers["Location"]
    assert "token" not in entered.headers["Location"]
    (cookie,) = SimpleCookie(entered.headers["Set-Cookie"]).values()
    assert cookie["path"] == f"/user/bob/jupyter-flows/page/{key}"
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert not cookie["secure"]
    assert not cookie["domain"]
    assert not cookie["expires"]
    assert not cookie["max-age"]


@pytest.mark.parametrize("flows_config", [{"public_url": "https://hub.example.org/user/bob/"}])
async def test_over_tls_the_cookie_is_secure(park):
    """G34"""
    links = await (run := await park()).mint("bob")
    entered = await run.anyone("GET", links["approvalPage"])
    (cookie,) = SimpleCookie(entered.headers["Set-Cookie"]).values()
    assert cookie["secure"] is True


async def test_the_token_stands_in_the_query_and_never_in_the_path(park):
    """G34"""
    links = await (await park()).mint("bob")
    for name in NAMES:
        parts = urlsplit(links[name])
        assert list(parse_qs(parts.query)) == ["flow_token"]
        assert token_of(links[name]) not in parts.path
        assert not parts.fragment


# ---------------------------------------------------------------- G35


async def test_a_vote_that_counts_is_answered_with_the_state_of_gate_and_run(park):
    """G35"""
    run = await park({"required_events": 2})
    first = await run.anyone("POST", (await run.mint("bob"))["resume"], {"n": 1})
    assert first.status == 201
    assert first.headers["Content-Type"] == "application/json"
    assert first.json["gate"]["status"] == "open"
    assert [v["approver"] for v in first.json["gate"]["votes"]] == ["bob"]
    assert first.json["gate"]["votes"][0]["verified"] is False, "G41: a link claims"
    assert first.json["run"] == {"id": run.id, "status": "suspended"}
    second = await run.anyone("POST", (await run.mint("eve"))["resume"])
    assert second.json["gate"]["status"] == "approved"
    assert second.json["run"]["status"] == "running"
    assert "links" not in second.json["gate"] or second.json["gate"]["links"] is None


async def test_a_rejection_by_link_carries_its_reason(park):
    """G11, G13, G35"""
    run = await park()
    voted = await run.anyone("POST", (await run.mint("bob"))["cancel"], {"reason": "too early"})
    assert voted.status == 201
    assert voted.json["gate"]["status"] == "rejected"
    ended = await run.settled(run.id)
    assert (ended.error.name, ended.error.reason) == ("SuspendedDisapproved", "too early")


@pytest.mark.parametrize("required", [1, 2])
async def test_the_same_vote_again_is_fine_and_makes_no_second_event(park, required):
    """G35"""
    run = await park({"required_events": required})
    links = await run.mint("bob")
    assert (await run.anyone("POST", links["resume"], {"n": 1})).status == 201
    await run.settled(run.id)
    before = await run.seq()
    again = await run.anyone("POST", links["resume"], {"n": 1})
    assert again.status == 200
    assert len(again.json["gate"]["votes"]) == 1
    assert await run.seq() == before


async def test_the_same_vote_at_the_same_time_makes_one_event(park):
    """G35"""
    run = await park({"required_events": 2})
    links = await run.mint("bob")
    done = await asyncio.gather(*(run.anyone("POST", links["resume"]) for _ in range(6)))
    assert sorted(answer.status for answer in done) == [200] * 5 + [201]


async def test_another_vote_by_the_same_approver_after_the_closing_is_refused(park):
    """G35"""
    run = await park()
    links = await run.mint("bob")
    assert (await run.anyone("POST", links["resume"])).status == 201
    refused = await run.anyone("POST", links["cancel"], {"reason": "oh no"})
    assert refused.status == 409
    assert refused.is_problem
    assert (await run.settled(run.id)).status == "succeeded"


async def test_a_vote_on_a_closed_gate_is_refused(park):
    """G35"""
    run = await park()
    bob, eve = await run.mint("bob"), await run.mint("eve")
    await run.anyone("POST", bob["resume"])
    for link in (eve["resume"], eve["cancel"]):
        refused = await run.anyone("POST", link)
        assert refused.status == 409
        assert refused.is_problem


async def test_a_vote_on_a_gate_whose_run_was_cancelled_is_refused(park):
    """G6, G35"""
    run = await park()
    links = await run.mint("bob")
    await run.call("POST", f"api/runs/{run.id}/cancel")
    refused = await run.anyone("POST", links["resume"])
    assert refused.status == 409
    assert refused.json["type"].endswith("GateSuperseded")


async def test_a_link_of_an_older_opening_leaves_the_newer_one_alone(park, reached):
    """G6, G35"""
    run = await park()
    links = await run.mint("bob")
    await run.anyone("POST", (await run.mint("eve"))["cancel"])
    await reached(run.id, "failed")
    await run.settled(run.id)
    assert (await run.call("POST", f"api/runs/{run.id}/resume")).status == 200
    await reached(run.id, "suspended")
    for name in ("resume", "cancel"):
        assert (await run.anyone("POST", links[name])).status == 409
    newest = (await run.shown())["gates"][-1]
    assert (newest["generation"], newest["status"], newest["votes"]) == (2, "open", [])


async def test_forged_truncated_and_unknown_links_are_answered_alike(park, engine):
    """G35"""
    run = await park()
    link = (await run.mint("bob"))["resume"]
    token = token_of(link)
    state = await engine.run(run.id)
    stranger = Link("0" * 40, "ask", 1, "bob", 0.0)
    unknown = [
        "",
        "x",
        token[:-1],
        token[:-4] + "AAAA",
        token[1:],
        token + "A",
        token.replace(".", ""),
        "A" * 5000,
        "%C3%A9",
        engine.tokens.of_link(state.id, stranger, Purpose.RESUME),
        engine.tokens.of_link("run_00000000000000000000", stranger, Purpose.RESUME),
        engine.tokens.of_link(state.id, Link("0" * 40, "ask", 9, "bob", 0.0), Purpose.RESUME),
        engine.tokens.of_link(
            state.id, Link(next(iter(state.links)), "c0", 1, None, 0.0), Purpose.RESUME
        ),
    ]
    answers = [await run.anyone("POST", with_token(link, forged)) for forged in unknown]
    answers.append(await run.anyone("POST", link.partition("?")[0]))
    assert {answer.status for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].is_problem
    pages = [await run.anyone("GET", with_token(link, forged)) for forged in unknown]
    assert {page.status for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    assert not any("Set-Cookie" in page.headers for page in pages)


async def test_a_payload_that_the_form_refuses_names_the_fields_and_is_no_vote(park):
    """G35, G62"""
    run = await park({"resume_form": FORM})
    links = await run.mint("bob")
    refused = await run.anyone("POST", links["resume"], {"limit": 0, "day": 3})
    assert refused.status == 422
    assert refused.is_problem
    assert {mistake["where"] for mistake in refused.json["errors"]} == {"limit", "day"}
    missing = await run.anyone("POST", links["resume"])
    assert missing.status == 422
    assert "limit" in json.dumps(missing.json["errors"])
    assert (await run.gate())["votes"] == []
    assert (await run.anyone("POST", links["resume"], {"limit": 3})).status == 201


async def test_a_rejection_without_the_reason_that_is_asked_for_is_refused(park):
    """G15, G35"""
    run = await park({"require_reason": True})
    links = await run.mint("bob")
    for body in ("", {"reason": "  "}, {"reason": 3}):
        assert (await run.anyone("POST", links["cancel"], body)).status == 422
    assert (await run.anyone("POST", links["cancel"], {"reason": "no"})).status == 201


async def test_a_gate_that_takes_no_rejection_forbids_it(park, reader):
    """G16"""
    run = await park({"hide_cancel": True})
    links = await run.mint("bob")
    assert (await run.anyone("POST", links["cancel"])).status == 403
    assert 'value="reject"' not in (await reader.enter(links["approvalPage"])).text
    assert 'value="reject"' not in (await reader.enter(links["cancel"])).text


@pytest.mark.parametrize("flows_config", [{"max_payload_bytes": 1000}])
@pytest.mark.parametrize("size", [1001, 1000 + 64 * 1024 + 1, 400_000])
async def test_a_body_that_is_too_large_is_refused(park, size):
    """G35, G63"""
    run = await park()
    links = await run.mint("bob")
    refused = await run.anyone("POST", links["resume"], json.dumps("x" * size))
    assert refused.status == 413
    assert refused.is_problem
    assert (await run.gate())["votes"] == []
    assert (await run.anyone("POST", links["resume"], json.dumps("x" * 900))).status == 201


@pytest.mark.parametrize("flows_config", [{"max_tries_per_minute": 3}])
async def test_after_too_many_tries_a_guesser_must_wait_and_genuine_links_need_not(park, clock):
    """G35"""
    run = await park()
    links = await run.mint("bob")
    for _ in range(3):
        assert (await run.anyone("POST", with_token(links["resume"], "guess"))).status == 404
    refused = await run.anyone("POST", with_token(links["resume"], "guess"))
    assert refused.status == 429
    assert refused.is_problem
    assert refused.headers["Retry-After"] == "60"
    assert (await run.anyone("GET", links["approvalPage"])).status == 303
    assert (await run.anyone("POST", links["resume"])).status == 201
    clock.ahead += 61
    assert (await run.anyone("POST", with_token(links["resume"], "guess"))).status == 404


async def test_a_stale_digest_is_refused(park):
    """G70"""
    run = await park()
    links = await run.mint("bob")
    refused = await run.anyone("POST", links["resume"] + "&digest=sha256:00")
    assert refused.status == 409
    digest = (await run.gate())["digest"]
    assert (await run.anyone("POST", f"{links['resume']}&digest={digest}")).status == 201


# ---------------------------------------------------------------- G36


async def test_a_flow_level_link_is_consumed_by_one_gate(
    call, anyone, kernels, reached, make_notebook
):
    """G36"""
    gates = [("1", ["suspend"]), ("2", ["suspend"])]
    notebook = make_notebook("# hold\n0", *gates, "resume")
    run = (await call("POST", "api/runs", {"notebook": notebook})).json["id"]
    await kernels.begun(run)
    links = (await call("POST", "api/links", {"run": run, "flow_level": True})).json
    early = await anyone("POST", links["resume"], {"n": 1})
    assert early.status == 201
    assert early.json["gate"] is None
    kernels.go(run)
    parked = await reached(run, "suspended", "failed")
    assert parked.gate("c1").status == "approved"
    assert parked.gate("c2").status == "open"
    assert parked.gate("c2").votes == ()
    assert (await anyone("POST", links["resume"], {"n": 1})).status == 200
    again = await anyone("POST", links["resume"], {"n": 2})
    assert again.status == 409
    assert again.json["type"].endswith("LinkConsumed")


async def test_a_gate_may_refuse_flow_level_votes(park):
    """G36"""
    run = await park({"pre_approvals": False})
    links = await run.mint(gate=None, flow_level=True)
    voted = await run.anyone("POST", links["resume"])
    assert voted.status == 201
    assert voted.json["gate"] is None
    assert (await run.gate())["votes"] == []


# ---------------------------------------------------------------- G37


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1:1"])
async def test_the_host_header_does_not_become_the_base_of_links(park, jp_serverapp, host):
    """G37"""
    run = await park()
    headers = {"Host": host, "X-Forwarded-Host": "evil.example.org", "Forwarded": "host=evil"}
    shown = (await run.call("GET", f"api/runs/{run.id}", headers=headers)).text
    minted = await run.call("POST", "api/links", {"run": run.id, "gate": "ask"}, headers=headers)
    for text in (shown, minted.text):
        assert host not in text
        assert "evil" not in text
    base = jp_serverapp.public_url.partition("?")[0]
    assert minted.json["resume"].startswith(f"{base}jupyter-flows/resume?")


@pytest.mark.parametrize("flows_config", [{"public_url": "https://hub.example.org/user/bob/"}])
async def test_the_base_of_links_is_the_configured_address(park):
    """G37"""
    links = await (run := await park()).mint("bob")
    assert links["resume"].startswith("https://hub.example.org/user/bob/jupyter-flows/resume?")
    assert (await run.shown())["links_base"] == "https://hub.example.org/user/bob/jupyter-flows"
    assert (await run.anyone("POST", links["resume"])).status == 201


async def test_links_lead_to_the_doors_whatever_page_the_server_shows_first(
    park, jp_serverapp, jp_base_url
):
    """G37: JupyterLab has the server begin at /lab, which is none of its other doors' paths."""
    jp_serverapp.default_url = f"{jp_base_url}lab"
    run = await park()
    assert (await run.shown())["links_base"].endswith(f"{jp_base_url}jupyter-flows")


async def test_the_servers_own_token_is_in_no_link(park, jp_serverapp):
    """G37: the server appends its own token to its public address."""
    links = await (await park()).mint("bob")
    assert jp_serverapp.identity_provider.token not in json.dumps(links)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "no-such-word"])
async def test_a_page_that_submits_itself_does_not_vote(park, site):
    """G32: a browser says where a request comes from, and whether a person caused it."""
    run = await park()
    link = (await run.mint("bob"))["resume"]
    sent = {"Sec-Fetch-Site": site, "Content-Type": "application/x-www-form-urlencoded"}
    for mode in ("navigate", "no-cors", "cors"):
        refused = await run.anyone("POST", link, "", {**sent, "Sec-Fetch-Mode": mode})
        assert refused.status == 403
    assert (await run.gate())["votes"] == []
    pressed = {**sent, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"}
    assert (await run.anyone("POST", link, "", pressed)).status == 201
