"""The process that writes the log is killed at a random moment: what it said is there is there."""

import pytest

from jupyter_flows.core.audit import verify
from jupyter_flows.core.errors import UnknownRun
from jupyter_flows.core.model import RunId
from tests.faults.conftest import trials
from tests.faults.telling import VOTES, opened

LONGEST = 0.5
"""Seconds that such a process may have."""


async def log_of(store, run):
    """Its verdict and its events; None where there is no such run."""
    try:
        return verify(run, await store.chain(run))
    except UnknownRun:
        return None


async def wrong_with(store, said, before):
    """What the store says otherwise than the process did."""
    told, meant = dict(before), dict(before)
    for line in said:
        (told if "told" in line else meant)[line["run"]] = line.get("told") or line["means"]
    for name, last in meant.items():
        verdict = await log_of(store, RunId(name))
        there = verdict.rows if verdict else 0
        if there not in {told.get(name, 0), last}:
            yield f"{name} has {there} events; {told.get(name)} were told, {last} meant"
        if verdict is not None:
            for each in [*verdict.findings, *wrong_in(verdict.run), *await lost_of(store, verdict)]:
                yield f"{name}: {each}"


async def lost_of(store, verdict):
    """Outputs that the log names, and that are not there."""
    named = [getattr(row.event, "outputs", None) for row in verdict.events]
    found = []
    for digest in filter(None, named):
        try:
            await store.get(digest)
        except KeyError:
            found.append(f"the outputs {digest} are lost")
    return found


def wrong_in(run):
    for gate in run.gates.values():
        if gate.status == "approved" and len(gate.votes) != VOTES:
            yield f"the gate {gate.step} passed with {len(gate.votes)} votes"


@pytest.mark.timeout(900)
async def test_what_was_told_before_a_kill_is_there_and_the_run_goes_on(
    quick_path, forks, tally, chance
):
    count, current, events = tally("server killed while it tells the log"), 0, 0
    await opened(quick_path).close()
    for _ in range(trials(20)):
        store = opened(quick_path)
        verdict = await log_of(store, RunId(f"run_{current}"))
        before = {f"run_{current}": verdict.rows} if verdict else {}
        await store.close()
        after = chance.uniform(0, LONGEST)
        done = forks.ask("tell", folder=str(quick_path), run=current, kill_after=after)
        store = opened(quick_path)
        wrong = [each async for each in wrong_with(store, done["said"], before)]
        events += sum("told" in line for line in done["said"])
        current = max([int(line["run"][4:]) for line in done["said"]], default=current)
        await store.close()
        count.add("killed" if done["killed"] else "ended before", *wrong)
    count.outcomes["transactions acknowledged"] = events
    count.check(trials(20))
    assert events > trials(20)
