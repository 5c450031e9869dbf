"""Servers that are killed, alone or with all that runs on their host: votes that were answered
count, gates pass once, and every run says what it is and goes on with the right values.
"""

import asyncio
import threading
import urllib.error
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from jupyter_flows.core import events as e
from jupyter_flows.core.model import RunId
from tests.acceptance.conftest import LONG, Server, ask, until
from tests.faults.conftest import trials
from tests.faults.houses import STATE, SUM, result
from tests.faults.telling import opened
from tests.faults.test_kills_of_the_store import log_of

RUNS = 2
SECONDS = {"votes": 0.3, "restoring": 3.0}
"""How long after the first vote was sent the server may live."""
VOTERS = ("bob", "eve")
GATE = ("'go?'", ["suspend"], {"suspend": {"required_events": len(VOTERS)}})


@pytest.fixture(autouse=True)
def jp_asyncio_loop():
    """Servers are processes of their own here."""


@pytest.fixture(autouse=True)
def jp_server_cleanup():
    """There is no server in this process."""


class Host(Server):
    """A server, and all that it has started."""

    def lose(self):
        """The power goes: every process of it, at once."""
        processes = [*psutil.Process(self.process.pid).children(recursive=True)]
        self.kill()
        for process in processes:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(processes, LONG)

    def saved(self, run):
        """The run, when its variables are saved."""
        return until(lambda: (found := self.run(run))["checkpoint"] and found)

    def log(self, run):
        """The events of the run, verified; the server is gone."""

        async def read():
            store = opened(self.home / "flows")
            try:
                return await log_of(store, RunId(run))
            finally:
                await store.close()

        return asyncio.run(read())


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """One for all stories, each of which has runs of its own."""
    host = Host(tmp_path_factory.mktemp("host"), checkpoint_min_free=0)
    yield host.start()
    host.end()


# ------------------------------------------------------------ votes


def posted(link):
    """The answer's status; None if there was none."""
    try:
        return ask("POST", link, {"ok": True}).status
    except (OSError, urllib.error.URLError):
        return None


def votes_around_a_kill(host, links, after):
    """What was answered to each voter, while the server is killed so many seconds later."""
    began = threading.Event()

    def vote(voter):
        began.set()
        return posted(links[voter])

    with ThreadPoolExecutor(len(links)) as pool:
        answers = pool.map(vote, links)
        began.wait()
        killer = threading.Timer(after, host.process.kill)
        killer.start()
        found = dict(zip(links, answers, strict=True))
        killer.join()
    host.kill()
    return found


def counted(host, run):
    return {vote["approver"] for gate in host.run(run)["gates"] for vote in gate["votes"]}


def wrong_with(verdict, n):
    """The run is over: what its log should not say."""
    kinds = Counter(type(row.event) for row in verdict.events)
    run = verdict.run
    if verdict.findings:
        yield f"the log is broken: {verdict.findings}"
    if (kinds[e.GateApproved], kinds[e.VoteCast]) != (1, len(VOTERS)):
        yield f"the gate passed {kinds[e.GateApproved]} times with {kinds[e.VoteCast]} votes"
    if (run.status, run.result) != ("succeeded", result(n)):
        yield f"it ended as {run.status} with {run.result}: {run.error}"


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("what", ["votes", "restoring"])
def test_votes_that_were_answered_count_and_each_gate_passes_once(
    host, make_notebook, tally, chance, what
):
    count = tally(f"server killed around {what}")
    for _ in range(trials(1)):
        numbers = range(RUNS)
        runs = {host.started(make_notebook(STATE.format(n=n), GATE, SUM)): n for n in numbers}
        for run in runs:
            host.saved(run)
        links = {
            (run, name): host.minted(run, "c1", name)["resume"] for run in runs for name in VOTERS
        }
        answers = votes_around_a_kill(host, links, chance.uniform(0, SECONDS[what]))
        host.start()
        before = {run: counted(host, run) for run in runs}
        wrong = {run: [] for run in runs}
        for (run, name), status in answers.items():
            if status == 201 and name not in before[run]:
                wrong[run].append(f"the vote of {name} was answered, and is lost")
        passed = {run: after_the_kill(host, run, links, before[run]) for run in runs}
        host.kill()
        for run, n in runs.items():
            wrong[run] += wrong_with(host.log(run), n)
            answered = sum(answers[run, name] == 201 for name in VOTERS)
            count.add(f"with {answered} votes answered, {passed[run]}", *wrong[run])
        host.start()
    count.check(trials(1) * RUNS)


def after_the_kill(host, run, links, before):
    """The rest votes; how the run came to its end."""
    for name in VOTERS:
        if name not in before:
            assert posted(links[run, name]) == 201
    ended = host.reached(run, "succeeded", "failed", "interrupted")
    if ended["status"] != "interrupted":
        return "restored"
    assert "checkpoint" in ended["choices"], ended
    resumed = host.call("POST", f"api/runs/{run}/resume", {"choice": "checkpoint"})
    assert resumed.status == 200, resumed.text
    host.reached(run, "succeeded", "failed", "interrupted")
    return "resumed with the checkpoint"


# ------------------------------------------------------------ the whole host


def blocks_once(flag, then):
    return (
        "import pathlib, threading\n"
        f"flag = pathlib.Path({str(flag)!r})\n"
        "if not flag.exists():\n"
        "    flag.touch()\n"
        "    threading.Event().wait()\n"
        f"{then}"
    )


def noting(path):
    return f"print('ran', file=open({str(path)!r}, 'a'))"


@pytest.mark.timeout(300)
def test_what_each_run_is_after_its_host_was_rebooted(host, make_notebook, tally, tmp_path):
    count = tally("host rebooted")
    state, ran = STATE.format(n=7), tmp_path / "ran"
    slow = f"import time\ntime.sleep(9)\n{state}\n{noting(ran)}"
    between = host.started(make_notebook(slow, blocks_once(tmp_path / "between", SUM)))
    suspended = host.started(make_notebook(state, ("'go?'", ["suspend"]), SUM))
    asleep = host.started(make_notebook((state, [], {"sleep": "1h"}), SUM))
    within = host.started(make_notebook(state, blocks_once(tmp_path / "within", SUM)))
    for run in (suspended, asleep, between):
        host.saved(run)
    until((tmp_path / "within").exists)
    until((tmp_path / "between").exists)
    host.lose()
    host.start()
    for run, choices in ((within, ["rerun"]), (between, ["checkpoint", "rerun"])):
        found = host.reached(run, "interrupted", "succeeded", "failed")
        assert found["status"] == "interrupted"
        assert "died" in found["error"]["message"]
        assert found["choices"] == choices
    assert host.run(asleep)["status"] == "sleeping"
    found = host.run(suspended)
    assert found["status"] == "suspended"
    links = found["gates"][0]["links"]
    assert posted(links["resume"]) == 201
    assert host.call("POST", f"api/runs/{within}/resume", {"choice": "rerun"}).status == 200
    assert host.call("POST", f"api/runs/{between}/resume", {"choice": "checkpoint"}).status == 200
    for run, what in ((suspended, "suspended"), (within, "in a cell"), (between, "behind a cell")):
        ended = host.reached(run, "succeeded", "failed", "interrupted")
        right = (ended["status"], ended["result"]) == ("succeeded", result(7))
        count.add(what, "" if right else f"{what}: {ended['status']} {ended['error']}")
    assert ran.read_text() == "ran\n", "what the checkpoint holds does not run again"
    count.check(3)
