"""What is said of a waiting run's saved variables: in the REST, on the gate's page, and to whom."""

import getpass

import pytest

from jupyter_flows.core import commands as c
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.errors import CheckpointRefused

OWNER = getpass.getuser()
IN_GERMAN = {"Accept-Language": "de"}


@pytest.fixture
def saves():
    return "auto"


@pytest.fixture
def waiting(park, engine):
    """As `park`, when what is saved is saved."""

    async def waiting(*args, **options):
        run = await park(*args, **options)
        await engine.saved(run.id)
        return run

    return waiting


@pytest.fixture
def release(engine, clock):
    """The grace is over, and the kernel of the run is let go."""

    async def release(run):
        clock.ahead += 901
        await engine._waits.releases.release(run.id)

    return release


@pytest.fixture
def interrupt(engine, kernels):
    """Somebody ran a cell on the run's kernel, and then it was approved."""

    async def interrupt(run):
        kernels.visits[run.id] = 1
        await run.call("POST", f"api/runs/{run.id}/gates/ask/votes", {"approved": True})
        return await engine.settled(run.id)

    return interrupt


# ------------------------------------------------------------ the REST


async def test_the_owner_is_shown_what_was_saved(waiting, kernels):
    kernels.unsaved = {"x": "a connection"}
    shown = await (await waiting()).shown()
    assert shown["checkpoint"].pop("saved_at").endswith("Z")
    assert shown["checkpoint"] == {
        "variables": 0,
        "bytes": 1_160_000_000,
        "seconds": 0.5,
        "complete": False,
        "dropped": False,
        "doubt": None,
        "unsaved": [
            {
                "name": "x",
                "type": "generator",
                "path": "x",
                "reason": "it can't be",
                "step": "c0",
                "cell": 1,
            }
        ],
    }
    assert shown["saved"].startswith("0 variables saved (1.16 GB, 0.5 s). 1 cannot be: x ")
    assert (shown["released_at"], shown["choices"]) == (None, [])


async def test_nobody_else_is_shown_it(waiting, become, kernels):
    kernels.unsaved = {"x": "a connection"}
    run = await waiting()
    become("bob")
    shown = await run.shown()
    assert (shown["mine"], shown["checkpoint"], shown["saved"]) == (False, None, None)


async def test_a_released_kernel_is_shown_and_the_run_comes_back(waiting, release, engine):
    run = await waiting(then="x + 1")
    await release(run)
    shown = await run.shown()
    assert shown["released_at"].endswith("Z")
    assert shown["saved"].endswith("The kernel is released; it comes back when the run goes on.")
    await run.call("POST", f"api/runs/{run.id}/gates/ask/votes", {"approved": True})
    ended = await engine.settled(run.id)
    assert (ended.status, ended.result) == ("succeeded", 21)
    assert (await run.shown())["saved"] is None


async def test_where_a_person_must_choose_the_choices_are_shown_and_named(waiting, interrupt):
    run = await waiting()
    await interrupt(run)
    shown = await run.shown()
    assert (shown["status"], shown["choices"]) == ("interrupted", ["kernel", "checkpoint", "rerun"])
    refused = await run.call("POST", f"api/runs/{run.id}/resume", {})
    assert (refused.status, refused.is_problem) == (409, True)
    assert "`kernel`, `checkpoint`, `rerun`" in refused.json["detail"]


@pytest.mark.parametrize("choice", ["kernel", "checkpoint", "rerun"])
async def test_the_run_goes_on_with_what_was_chosen(waiting, interrupt, engine, kernels, choice):
    run = await waiting(then="x + 1")
    await interrupt(run)
    kernels.visits.clear()
    resumed = await run.call("POST", f"api/runs/{run.id}/resume", {"choice": choice})
    assert resumed.status == 200, resumed.text
    ended = await engine.settled(run.id)
    assert (ended.status, ended.result) == ("succeeded", 21)
    events = [row.event for row in await engine._store.events(run.id)]
    chosen = [event.choice for event in events if type(event).__name__ == "RunResumed"]
    assert chosen == [Choice(choice)]


@pytest.mark.parametrize("choice", ["all", "", 3])
async def test_a_choice_that_there_is_not_is_refused_and_the_others_are_named(
    waiting, interrupt, choice
):
    run = await waiting()
    await interrupt(run)
    refused = await run.call("POST", f"api/runs/{run.id}/resume", {"choice": choice})
    assert (refused.status, refused.is_problem) == (400, True)
    if isinstance(choice, str):
        assert refused.json["detail"] == (
            f"choice {choice!r} is unknown; allowed: checkpoint, changed, kernel, rerun"
        )


async def test_the_document_of_the_api_names_the_choices(call):
    document = (await call("GET", "openapi.json")).json
    asked = document["components"]["schemas"]["ResumeRun"]["properties"]["choice"]
    assert ["checkpoint", "changed", "kernel", "rerun"] in [
        one.get("enum") for one in asked["anyOf"]
    ]


# ------------------------------------------------------------ the page


async def page_of(run, reader):
    """For somebody who has a link and no account."""
    return await reader.enter((await run.mint("bob"))["approvalPage"])


async def owners_page(run):
    return await run.call("GET", f"page/{(await run.gate())['id']}")


async def test_the_owners_page_says_all_of_it(waiting, kernels):
    kernels.unsaved = {"x": "a connection"}
    said = (await owners_page(await waiting())).words
    assert "0 variables saved (1.16 GB, 0.5 s)." in said
    assert "1 cannot be: x (generator, cell 1)." in said
    assert "To free it: tag cell 1 `replay`, or del x." in said


async def test_a_failure_to_save_is_said_to_the_owner_alone(waiting, kernels, reader):
    kernels.save_fails = CheckpointRefused("It is too large: x.")
    run = await waiting()
    said = (await owners_page(run)).words
    assert "The variables are not saved: It is too large: x." in said
    assert "saved" not in (await page_of(run, reader)).words


async def test_other_readers_are_told_only_that_all_is_saved(waiting, release, reader):
    run = await waiting()
    said = (await page_of(run, reader)).words
    assert "The run's data are saved." in said
    assert "variable" not in said
    await release(run)
    said = (await reader.look()).words
    assert "The run's data are saved; it waits for you without its kernel." in said


async def test_they_are_told_nothing_when_not_all_is_saved(waiting, kernels, reader):
    kernels.unsaved = {"x": "a connection"}
    page = await page_of(await waiting(), reader)
    assert 'id="saved"' not in page.text
    assert "generator" not in page.text


async def test_a_link_in_the_owners_name_does_not_make_its_holder_the_owner(
    waiting, kernels, reader
):
    kernels.unsaved = {"x": "a connection"}
    run = await waiting()
    page = await reader.enter((await run.mint(OWNER))["approvalPage"])
    assert 'id="saved"' not in page.text


async def test_after_the_decision_the_page_says_no_more_of_it(waiting):
    run = await waiting({"required_events": 1}, then="1 / 0")
    await run.call("POST", f"api/runs/{run.id}/gates/ask/votes", {"approved": True})
    await run.settled(run.id)
    assert 'id="saved"' not in (await owners_page(run)).text


async def test_an_open_page_follows_what_is_saved(waiting, engine, anyone, reader):
    run = await waiting()
    await page_of(run, reader)
    first = await anyone("GET", f"{reader.url}/live", headers=reader.headers)
    assert "The run&#39;s data are saved." in first.text
    made = (await engine.run(run.id)).checkpoints[0].digest
    await engine._teller.tell(run.id, c.DoubtCheckpoint(checkpoint=made, why="x is no int."))
    headers = {**reader.headers, "If-None-Match": first.headers["ETag"]}
    then = await anyone("GET", f"{reader.url}/live", headers=headers)
    assert then.status == 200
    assert 'id="saved"' not in then.text


async def test_the_page_says_it_in_german(waiting, kernels, reader):
    kernels.unsaved = {"x": "a connection"}
    run = await waiting()
    page = await run.call("GET", f"page/{(await run.gate())['id']}", headers=IN_GERMAN)
    assert (
        "0 Variablen gesichert (1,16 GB, 0,5 s). 1 lassen sich nicht sichern: x (generator,"
        " Zelle 1). Für sie bleibt der Kernel am Leben. Um ihn freizugeben: Zelle 1 mit dem Tag"
        " `replay` versehen, oder del x."
    ) in " ".join(page.words.split())


async def test_saving_changes_no_digest_and_receipts_stand(waiting, engine, release):
    run = await waiting()
    digest = (await run.gate())["digest"]
    await release(run)
    assert (await run.gate())["digest"] == digest
    voted = await run.call(
        "POST", f"api/runs/{run.id}/gates/ask/votes", {"approved": True, "digest": digest}
    )
    assert voted.status == 201, voted.text
    await engine.settled(run.id)
    audit = (await run.call("GET", f"api/runs/{run.id}/audit")).json
    assert audit["good"], audit
    assert (await run.call("GET", f"api/runs/{run.id}/receipt")).status == 200
