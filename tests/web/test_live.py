"""The page while it is open: what its script asks for, and what changed under the reader's eyes."""

import re

import pytest

from jupyter_flows.ports import CellOutcome
from jupyter_flows.web.page import SCRIPT


def _stream(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


@pytest.fixture
def live(anyone, reader):
    """Ask as the reader's page does: `await live(etag)`."""

    async def live(etag="", digest=None):
        headers = {**reader.headers, **({"If-None-Match": etag} if etag else {})}
        query = "" if digest is None else f"?digest={digest}"
        return await anyone("GET", f"{reader.url}/live{query}", headers=headers)

    return live


@pytest.fixture
def amend(engine, kernels):
    """The outputs of the gate's cell have become these: `await amend(run, "text")`."""

    async def amend(run, *texts):
        state = await engine.run(run.id)
        heard = engine.follow(run.id, state.seq)
        kernels.amend(run.id, {"ask": [_stream(text) for text in texts]})
        async for rows in heard:
            if any(type(row.event).__name__ == "OutputsAmended" for row in rows):
                return

    return amend


def test_the_script_is_small_and_sends_nothing_but_questions():
    assert len(SCRIPT.encode()) <= 5 * 1024
    assert "POST" not in SCRIPT
    assert "submit" not in SCRIPT


async def test_what_has_not_changed_is_not_sent_again(park, reader, live):
    run = await park({"required_events": 2})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    first = await live()
    assert first.status == 200
    assert "0 of 2" in first.text
    again = await live(first.headers["ETag"])
    assert (again.status, again.text) == (304, "")
    await run.call("POST", f"api/runs/{run.id}/gates/ask/votes", {"approved": True})
    changed = await live(first.headers["ETag"])
    assert changed.status == 200
    assert "1 of 2" in changed.text


async def test_the_parts_are_those_of_the_page_itself(park, reader, live):
    """The script puts in what differs: at first nothing must."""
    run = await park({"required_events": 2, "timeout": "90d"})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    part = re.compile(r'<(\w+) id="live-(\w+)".*?</\1>', re.DOTALL)
    on_page = {found[2]: found[0] for found in part.finditer(reader.shown.text)}
    asked = {found[2]: found[0] for found in part.finditer((await live()).text)}
    assert set(on_page) == {"state", "facts", "votes"}
    assert asked == on_page


async def test_without_the_links_cookie_nothing_is_said(park, reader, live, anyone):
    """G45"""
    run = await park()
    await reader.enter((await run.mint("bob"))["approvalPage"])
    reader.cookies = {}
    assert (await live()).status == 404


async def test_a_revoked_link_is_told_nothing_more(park, reader, live):
    """G33"""
    run = await park()
    link = await run.mint("bob")
    await reader.enter(link["approvalPage"])
    await run.call("DELETE", f"api/links/{link['id']}")
    assert (await live()).status == 410


async def test_it_says_what_the_closing_led_to(park, reader, live):
    run = await park({"self_approval_disabled": False})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    assert 'data-votes="taken"' in (await live()).text
    await run.call("POST", f"api/runs/{run.id}/gates/ask/votes", {"approved": True})
    await run.settled(run.id)
    told = await live()
    assert 'data-votes="closed"' in told.text
    assert re.search(r"Approved\.</strong>\s+The run has ended well\.", told.text)


async def test_an_open_page_is_told_that_its_figures_changed(park, reader, live, amend):
    """G70"""
    run = await park(source="print('42 rows')")
    await reader.enter((await run.mint("bob"))["approvalPage"])
    seen = reader.hidden("digest")
    assert "has changed" not in (await live(digest=seen)).text
    await amend(run, "43 rows\n")
    assert "has changed since you opened this page" in (await live(digest=seen)).text


async def test_a_stale_answer_is_not_counted_and_shows_line_by_line_what_changed(
    park, reader, amend, engine
):
    """G70"""
    run = await park(source="print('total')\nprint('42 rows')")
    link = await run.mint("bob")
    await reader.enter(link["approvalPage"])
    await amend(run, "total\n43 rows\n")
    refused = await reader.press("approve", message="so be it")
    assert refused.status == 409
    assert "<del>42 rows</del>" in refused.text
    assert "<ins>43 rows</ins>" in refused.text
    assert "<ins>total" not in refused.text
    assert "so be it" in refused.text
    assert (await run.gate())["votes"] == []
    reader.shown = refused
    counted = await reader.press("approve", message="so be it")
    assert counted.status == 200
    assert (await run.settled(run.id)).result == {"message": "so be it"}
    log = [row.event for row in await engine._store.events(run.id)]
    (vote,) = [event for event in log if type(event).__name__ == "VoteCast"]
    shown = [event.digest for event in log if type(event).__name__ == "GateShown"]
    assert vote.digest in shown, "the log says that what was approved had been shown"


@pytest.mark.parametrize("asked", [{"gate": "ask"}, {"gate": None, "flow_level": True}])
async def test_an_answer_on_a_page_from_before_the_gate_is_shown_the_gate_first(  # noqa: PLR0917
    call, kernels, reached, engine, make_notebook, reader, live, asked
):
    """G70: what nobody has seen, nobody has approved."""
    ask = ("# hold\n0", [], {"id": "ask", "suspend": {}})
    notebook = make_notebook(ask, "resume")
    run = (await call("POST", "api/runs", {"notebook": notebook})).json["id"]
    await kernels.begun(run)
    link = (await call("POST", "api/links", {"run": run, "approver": "bob", **asked})).json
    await reader.enter(link["approvalPage"])
    assert "not at this point yet" in reader.shown.words
    outcome = CellOutcome(outputs=[_stream("1000000 EUR")], execution_count=1)
    kernels.go(run, outcome)
    parked = await reached(run, "suspended")
    assert "has changed since you opened this page" in (await live(digest="")).text
    refused = await reader.press("approve", message="so be it")
    assert refused.status == 409
    assert "1000000 EUR" in refused.words
    assert "so be it" in refused.text
    assert (await engine.run(run)).gate("ask").votes == ()
    reader.shown = refused
    assert (await reader.press("approve", message="so be it")).status == 200
    (vote,) = (await engine.run(run)).gate("ask").votes
    assert vote.digest == parked.gate("ask").digest


async def test_an_answer_ahead_of_the_gate_counts_when_it_opens(
    call, kernels, reached, make_notebook, reader
):
    """G4: on no digest, for nothing was shown yet."""
    notebook = make_notebook(("# hold\n0", [], {"id": "ask", "suspend": {}}), "resume")
    run = (await call("POST", "api/runs", {"notebook": notebook})).json["id"]
    await kernels.begun(run)
    link = (await call("POST", "api/links", {"run": run, "gate": "ask", "approver": "bob"})).json
    await reader.enter(link["approvalPage"])
    assert (await reader.press("approve", message="go")).status == 200
    kernels.go(run, CellOutcome(outputs=[], execution_count=1))
    ended = await reached(run, "succeeded", "suspended")
    assert ended.status == "succeeded"
    (vote,) = ended.gate("ask").votes
    assert vote.digest is None
    assert (await reader.press("approve", message="go")).status == 200


async def test_a_figure_that_came_is_shown_beside_what_was_there(park, reader, kernels, engine):
    """G70"""
    run = await park(source="print('no figure yet')")
    await reader.enter((await run.mint("bob"))["approvalPage"])
    figure = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "iVBORw0KGgo="}}
    state = await engine.run(run.id)
    kernels.amend(run.id, {"ask": [figure]})
    async for _ in engine.follow(run.id, state.seq):
        if (await engine.run(run.id)).seq > state.seq:
            break
    refused = await reader.press("approve")
    before, _, now = refused.text.partition("<h4>Now</h4>")
    assert "no figure yet" in before
    assert "data:image/png;base64,iVBORw0KGgo=" in now.partition("</section>")[0]


async def test_who_answers_too_late_keeps_what_they_typed_and_reads_why(park, reader):
    run = await park()
    await reader.enter((await run.mint("bob"))["approvalPage"])
    await run.call(
        "POST", f"api/runs/{run.id}/gates/ask/votes", {"approved": False, "reason": "wrong"}
    )
    await run.settled(run.id)
    late = await reader.press("approve", message="x")
    assert late.status == 409
    assert "Your answer was not counted." in late.words
    assert re.search(r"Rejected\.\s+\S+ gave the reason: “wrong”", late.words)


async def test_a_missing_reason_is_said_at_its_field(park, reader):
    """G15"""
    run = await park({"require_reason": True})
    await reader.enter((await run.mint("bob"))["approvalPage"])
    refused = await reader.press("reject", message="kept")
    assert refused.status == 422
    assert '<a href="#reason">' in refused.text
    assert 'aria-describedby="reason-error"' in refused.text
    assert "kept" in refused.text
    assert (await run.gate())["votes"] == []


async def test_that_the_runs_server_is_down_is_said_and_votes_are_taken(
    park, reader, engine, monkeypatch
):
    """G19: the vote is on disk; who carries on is another matter."""
    run = await park({"required_events": 2})
    monkeypatch.setattr(engine._driver, "_driving", {})

    async def no(_):
        return False

    monkeypatch.setattr(engine._recovery, "is_ours", no)
    monkeypatch.setattr(engine._peers, "alive", no)
    await reader.enter((await run.mint("bob"))["approvalPage"])
    assert "The server of this run is down." in reader.shown.words
    assert "You have approved this" in (await reader.press("approve")).words


@pytest.mark.parametrize("flows_config", [{"max_answers_per_minute": 3}])
async def test_one_link_sends_only_so_many_answers_a_minute_and_others_are_not_held_up(
    park, reader, clock
):
    """G35"""
    form = {"schema": {"properties": {"n": {"type": "integer"}}, "required": ["n"]}}
    run = await park({"resume_form": form, "required_events": 2})
    bob, eve = await run.mint("bob"), await run.mint("eve")
    await reader.enter(bob["approvalPage"])
    for _ in range(3):
        assert (await reader.press("approve", **{"f/n": "x"})).status == 422
    refused = await reader.press("approve", **{"f/n": "7"})
    assert refused.status == 429
    assert 'value="7"' in refused.text
    assert (await run.anyone("POST", bob["resume"], {"n": 7})).status == 429
    assert (await run.anyone("POST", eve["resume"], {"n": 7})).status == 201
    clock.ahead = 61
    assert (await reader.press("approve", **{"f/n": "7"})).status == 200
