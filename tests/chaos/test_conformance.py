"""What a run's people may rely on, whichever dispatcher drives it: one server on SQLite, and two on
one PostgreSQL. `here` is where a run is started, and so driven; `there` is the other server, if
there is another.
"""

import contextlib
import json
import sqlite3
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from jupyter_flows import composition
from tests.acceptance.conftest import LONG, ask, until
from tests.chaos.fleet import Alone, Shared

ENDED = ("succeeded", "failed", "cancelled", "interrupted")
ASK = ("'go?'", ["suspend"])

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", params=["local", "procrastinate"])
def fleet(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "local":
        fleet = Alone(folder, children_at_once=1)
    else:
        postgres = request.getfixturevalue("postgres")
        fleet = Shared(folder, postgres, 2, children_at_once=1)
        fleet.nodes[1].also = ["--FlowsApp.queues=default", "--FlowsApp.queues=gpu"]
    try:
        yield fleet.start()
    finally:
        fleet.end()


@pytest.fixture
def here(fleet):
    return fleet.nodes[0]


@pytest.fixture
def there(fleet):
    return fleet.nodes[-1]


def ended(fleet, node, run):
    """The run as `node` shows it, when it has ended."""
    fleet.come_to(run, *ENDED)
    return node.run(run)


def waiting(fleet, run, gate):
    """Until this gate of the run is open, by the database."""
    query = "select 1 from gates where run_id = {} and step = {} and status = 'open'"
    until(lambda: fleet.rows(query, run, gate))


def blocked(tmp_path, name="gone"):
    """A cell that says that it runs, and ends when it may; the files for both."""
    begun, may = tmp_path / f"{name} begun", tmp_path / f"{name} may end"
    source = (
        "import pathlib, time\n"
        f"pathlib.Path({str(begun)!r}).touch()\n"
        f"while not pathlib.Path({str(may)!r}).exists():\n    time.sleep(0.02)\n"
        "41"
    )
    return source, begun, may


def page(link):
    """What a reader's browser is shown, which keeps cookies."""
    no_proxy, cookies = urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor()
    with urllib.request.build_opener(no_proxy, cookies).open(link, timeout=LONG) as answer:
        return answer.read().decode()


def noted(path, seconds=0.3):
    """A cell that notes when it began and when it ended."""
    return (
        "import time\n"
        f"with open({str(path)!r}, 'a') as file:\n"
        "    print('begin', file=file, flush=True)\n"
        f"    time.sleep({seconds})\n"
        "    print('end', file=file, flush=True)"
    )


def most_at_once(path):
    at_once = most = 0
    for line in path.read_text().split():
        at_once += 1 if line == "begin" else -1
        most = max(most, at_once)
    return most


# ------------------------------------------------------------ people


@pytest.mark.parametrize("place", ["here", "there"])
def test_votes_of_every_way_count_at_every_server(fleet, here, place, make_notebook):
    voted_at = {"here": fleet.nodes[0], "there": fleet.nodes[-1]}[place]
    by = "resume['by']"
    run = here.started(make_notebook("x = 1", ASK, (by, ["suspend"]), (by, ["suspend"]), by))
    waiting(fleet, run, "c1")
    link = here.minted(run, "c1", "ann")["resume"]
    assert ask("POST", voted_at.here(link), {"by": "link"}).status == 201
    waiting(fleet, run, "c2")
    vote = {"approved": True, "payload": {"by": "rest"}}
    assert voted_at.call("POST", f"api/runs/{run}/gates/c2/votes", vote).status == 201
    waiting(fleet, run, "c3")
    status, said = voted_at.tell("approve", run, "--data", '{"by": "command"}')
    assert status == 0, said
    found = ended(fleet, here, run)
    assert found["status"] == "succeeded", found["error"]
    results = [step["result"] for step in found["steps"]]
    assert results == [None, "go?", "link", "rest", "command"]


def test_an_approval_is_taken_back_and_a_rejection_ends_the_run(fleet, here, there, make_notebook):
    run = here.started(make_notebook(("1", ["suspend"], {"suspend": {"required_events": 2}}), "2"))
    waiting(fleet, run, "c0")
    votes = f"api/runs/{run}/gates/c0/votes"
    assert there.call("POST", votes, {"approved": True}).status == 201
    assert len(here.run(run)["gates"][0]["votes"]) == 1
    assert there.call("DELETE", votes).status == 200
    assert here.run(run)["gates"][0]["votes"] == []
    assert there.call("POST", votes, {"approved": False, "reason": "no"}).status == 201
    found = ended(fleet, here, run)
    assert (found["status"], found["error"]["reason"]) == ("failed", "no")
    assert there.call("POST", votes, {"approved": True}).status == 409


def test_links_open_at_every_server_and_outlive_a_new_key(fleet, here, there, make_notebook):
    gate = ("'go?'", ["suspend"], {"suspend": {"required_events": 3}})
    run = here.started(make_notebook(gate, "2"))
    waiting(fleet, run, "c0")
    minted = [here.minted(run, "c0", name) for name in ("ann", "bob")]
    old = [each["resume"] for each in minted]
    assert "go?" in page(there.here(minted[0]["approvalPage"]))
    status, said = here.tell("link", "rotate")
    assert status == 0, said
    assert ask("POST", there.here(old[0]), {}).status == 201
    new = there.minted(run, "c0", "cyd")["resume"]
    assert ask("POST", here.here(new), {}).status == 201
    assert ask("POST", here.here(old[1]), {}).status == 201
    assert ended(fleet, there, run)["status"] == "succeeded"


def test_every_server_lists_the_gates_of_all(fleet, here, there, make_notebook):
    runs = {node.started(make_notebook(("'inbox?'", ["suspend"]))) for node in (here, there)}
    for run in runs:
        waiting(fleet, run, "c0")
    for node in (here, there):
        listed = {row["run"] for row in node.call("GET", "api/gates?limit=100").json["gates"]}
        assert runs <= listed
        assert node.call("GET", "inbox").status == 200
    for run in runs:
        assert there.call("POST", f"api/runs/{run}/cancel").status == 200


CHECK = """
def check(payload):
    return [] if payload["n"] > base else [("n", "too small")]
base = 10
"""


def test_a_gates_own_check_is_asked_where_the_kernel_is(fleet, here, there, make_notebook):
    gate = ("'n?'", ["suspend"], {"suspend": {"validate": "check"}})
    run = here.started(make_notebook(CHECK, gate, "resume['n'] + base"))
    waiting(fleet, run, "c1")
    votes = f"api/runs/{run}/gates/c1/votes"
    refused = there.call("POST", votes, {"approved": True, "payload": {"n": 3}})
    assert (refused.status, "too small" in refused.text) == (422, True)
    assert there.call("POST", votes, {"approved": True, "payload": {"n": 32}}).status == 201
    assert ended(fleet, there, run)["result"] == 42


def test_what_happens_is_seen_live_at_every_server(fleet, here, there, make_notebook, tmp_path):
    source, begun, may = blocked(tmp_path)
    run = here.started(make_notebook(source, "2"))
    until(begun.exists)
    seen, headers = [], {"Authorization": f"token {there.token}"}
    request = urllib.request.Request(f"{there.address}/api/runs/{run}/events", headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=LONG) as stream:
        for line in stream:
            said = line.decode().strip()
            if said.startswith("event:"):
                seen.append(said.partition(":")[2].strip())
            if "StepStarted" in seen and not may.exists():
                assert "StepSucceeded" not in seen
                may.touch()
            if "RunSucceeded" in seen:
                break
    assert seen.count("StepSucceeded") == 2


def test_cells_get_neither_the_database_nor_the_deployment_key(fleet, here, make_notebook):
    listing = "import os\nsorted(name for name in os.environ if name.startswith('JUPYTER_FLOWS_'))"
    run = here.started(make_notebook(listing))
    assert ended(fleet, here, run)["result"] == ["JUPYTER_FLOWS_DATA_DIR"]


# ------------------------------------------------------------ the clock


def test_a_gate_nobody_answers_times_out(fleet, here, make_notebook):
    run = here.started(make_notebook(("1", ["suspend"], {"suspend": {"timeout": "1s"}}), "2"))
    found = ended(fleet, here, run)
    assert (found["status"], found["gates"][0]["status"]) == ("failed", "timed_out")


def test_a_run_sleeps_and_a_failed_cell_is_tried_again(fleet, here, there, make_notebook, tmp_path):
    failing = (
        "import pathlib\n"
        f"seen = pathlib.Path({str(tmp_path / 'seen')!r})\n"
        "with seen.open('a') as file: file.write('x')\n"
        "assert len(seen.read_text()) == 2, 'not yet'\n"
        "'tried twice'"
    )
    retry = {"retry": {"constant": {"attempts": 2, "seconds": 1}}}
    run = here.started(make_notebook(("x = 1", [], {"sleep": "1s"}), (failing, [], retry), "x"))
    found = ended(fleet, there, run)
    assert found["status"] == "succeeded", found["error"]
    assert [step["attempts"] for step in found["steps"]] == [1, 2, 1]


def test_a_due_time_starts_one_run(fleet, here, there, make_notebook):
    """Though all servers watch it."""
    file = here.home / "root" / "by the clock.ipynb"
    file.write_text(json.dumps(make_notebook("1")))
    asked = {"path": file.name, "cron": "0 0 1 1 *", "name": "one"}
    made = here.call("POST", "api/schedules", asked)
    assert made.status == 201, made.text
    schedule = made.json["id"]
    due = composition.clock() + 2
    move_due(fleet, here, schedule, due)
    query = "select id from runs where idempotency_key like {}"
    (run,) = until(lambda: fleet.rows(query, f"%{schedule}%"))[0]
    assert ended(fleet, there, run)["status"] == "succeeded"
    until(lambda: fleet.rows("select due_at from schedules where id = {}", schedule)[0][0] > due)
    assert len(fleet.rows(query, f"%{schedule}%")) == 1
    assert here.call("DELETE", f"api/schedules/{schedule}").status in (200, 204)


def move_due(fleet, node, schedule, due):
    """As if the year were over then; and all look."""
    change = "update schedules set due_at = {} where id = {}"
    if fleet.is_shared:
        fleet.rows(change, due, schedule)
        fleet.rows("select pg_notify('jupyter_flows', 's:')")
        return
    file = node.home / "flows" / "flows.db"
    with contextlib.closing(sqlite3.connect(file, timeout=LONG)) as store, store:
        store.execute(change.format("?", "?"), (due, schedule))
    another = {"path": "by the clock.ipynb", "cron": "0 0 1 1 *", "name": "two"}
    assert node.call("POST", "api/schedules", another).status == 201


# ------------------------------------------------------------ ends


def test_a_cell_is_cancelled_from_every_server(fleet, here, there, make_notebook, tmp_path):
    source, begun, _ = blocked(tmp_path)
    run = here.started(make_notebook(source, "2"))
    until(begun.exists)
    assert there.call("POST", f"api/runs/{run}/cancel").status == 200
    assert ended(fleet, here, run)["status"] == "cancelled"
    until(lambda: run not in here.kernels())


def test_a_run_that_waits_is_cancelled_from_every_server(fleet, here, there, make_notebook):
    run = here.started(make_notebook("1", ASK, "2"))
    waiting(fleet, run, "c1")
    assert there.call("POST", f"api/runs/{run}/cancel", {"reason": "enough"}).status == 200
    found = ended(fleet, here, run)
    assert (found["status"], found["gates"][0]["status"]) == ("cancelled", "superseded")
    until(lambda: run not in here.kernels())


# ------------------------------------------------------------ places


def test_one_key_is_one_run(fleet, make_notebook):
    asked = {"notebook": make_notebook("1"), "idempotency_key": "only once"}
    nodes = fleet.nodes * 4
    with ThreadPoolExecutor(len(nodes)) as pool:
        answers = list(pool.map(lambda node: node.call("POST", "api/runs", asked), nodes))
    assert {answer.status for answer in answers} <= {200, 201}, [a.text for a in answers]
    assert len({answer.json["id"] for answer in answers}) == 1


def test_a_flows_places_are_those_of_all_servers(fleet, make_notebook, tmp_path):
    notes = tmp_path / "notes"
    notebook = make_notebook(noted(notes))
    notebook["metadata"]["flow"] = {"name": f"narrow {fleet.kind}", "concurrency": 1}
    runs = [node.started(notebook) for node in (fleet.nodes * 2)[:4]]
    assert {ended(fleet, fleet.nodes[0], run)["status"] for run in runs} == {"succeeded"}
    assert most_at_once(notes) == 1


PARENT = """
from wmill import Windmill
import wmill
jobs = [wmill.run_flow_async("child", {}) for _ in range(3)]
for job in jobs:
    Windmill().wait_job(job, timeout=120)
[wmill.get_result(job) for job in jobs]
"""


def test_children_take_turns(fleet, here, make_notebook, tmp_path):
    """One at a time (children_at_once)."""
    notes = tmp_path / "notes"
    for node in fleet.nodes:
        file = node.home / "root" / "flows" / "child.ipynb"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(make_notebook(noted(notes), "7")))
    run = here.started(make_notebook(PARENT))
    found = ended(fleet, here, run)
    assert found["status"] == "succeeded", found["error"]
    assert found["result"] == [7, 7, 7]
    assert most_at_once(notes) == 1


def test_a_class_of_runs_is_driven_by_its_servers(fleet, here, there, make_notebook):
    if not fleet.is_shared:
        pytest.skip("one machine has no classes of servers")
    notebook = make_notebook("import os\nos.getppid()")
    notebook["metadata"]["flow"] = {"queue": "gpu"}
    runs = [here.started(notebook) for _ in range(2)]
    assert {ended(fleet, here, run)["result"] for run in runs} == {there.process.pid}


def test_a_drained_worker_leaves_its_runs_to_others_and_ends(fleet, here, make_notebook, tmp_path):
    if not fleet.is_shared:
        pytest.skip("one machine has no workers")
    first = worker(fleet, "w1").start()
    notes = tmp_path / "notes"
    notebook = make_notebook(f"{noted(notes)}\nx = 40", ASK, "import os\n[x + 2, os.getppid()]")
    notebook["metadata"]["flow"] = {"queue": "heavy"}
    runs = [here.started(notebook) for _ in range(2)]
    for run in runs:
        waiting(fleet, run, "c1")
    assert most_at_once(notes) == 1, "its capacity"
    (server,) = fleet.rows("select id from servers where pid = {}", first.process.pid)[0]
    status, said = here.tell("servers", "--drain", server)
    assert status == 0, said
    assert first.process.wait(LONG) == 0
    assert fleet.rows("select count(*) from runs where server = {}", server)[0][0] == 0
    for run in runs:
        assert here.call("POST", f"api/runs/{run}/gates/c1/votes", {"approved": True}).status == 201
    second = worker(fleet, "w2").start()
    found = [ended(fleet, here, run) for run in runs]
    assert [each["status"] for each in found] == ["succeeded"] * 2, [e["error"] for e in found]
    assert {tuple(each["result"]) for each in found} == {(42, second.process.pid)}


def worker(fleet, name):
    settings = {"checkpoint_min_free": 0, "checkpoint_dir": fleet.folder / "checkpoints"}
    node = fleet.add(name, worker=True, capacity=1, **settings)
    fleet.nodes.remove(node)
    fleet.others.append(node)
    node.also = ["--FlowsApp.queues=heavy"]
    return node
