"""The example notebooks as flows, by the real command line, answered through their real links."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

WHERE = {"where": "archive"}
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def post(link, payload):
    request = urllib.request.Request(
        link,
        data=json.dumps(payload).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


@pytest.fixture
def run(tmp_path):
    """Run a copy of an example; `answer` gets each "suspended" object. The last object said."""

    def run(name, answer=None):
        notebook = shutil.copy(NOTEBOOKS / name, tmp_path)
        command = [sys.executable, "-m", "jupyter_flows.cli.main", "run", "--json", notebook]
        env = {**os.environ, "JUPYTER_FLOWS_DATA_DIR": str(tmp_path / "flows")}
        said = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as running:
            for line in running.stdout:
                said.append(json.loads(line))
                if said[-1]["event"] == "suspended" and answer:
                    answer(said[-1], said)
            status = running.wait(60)
        return status, said

    return run


def test_hello_goes_on_with_the_message(run):
    status, said = run("hello.ipynb", lambda at, _: post(at["links"]["resume"], {"message": "hi"}))
    assert status == 0
    assert said[-1]["result"] == "Hello, anonymous! You wrote: hi"


def test_the_reviewers_answer_decides_what_data_quality_publishes(run, tmp_path):
    answer = {"drop_incomplete": True, "note": "fine"}
    status, said = run("data_quality.ipynb", lambda at, _: post(at["links"]["resume"], answer))
    assert status == 0
    assert said[-1]["result"]["rows"] == 392
    assert said[-1]["result"]["note"] == "fine"
    published = (tmp_path / "published-cars.csv").read_text()
    assert len(published.splitlines()) == 393


def test_a_rejected_data_set_is_not_published(run, tmp_path):
    reason = {"reason": "too many gaps"}
    status, said = run("data_quality.ipynb", lambda at, _: post(at["links"]["cancel"], reason))
    assert status == 1
    assert said[-1]["error"]["name"] == "SuspendedDisapproved"
    assert "too many gaps" in json.dumps(said[-1]["error"])
    assert not (tmp_path / "published-cars.csv").exists()


def test_two_approvers_must_both_agree(run):
    def answer(_, said):
        links = next(s["result"]["links"] for s in said if s.get("step") == "ask" and "result" in s)
        first = post(links["finance@example.org"]["resume"], {})
        assert first["gate"]["status"] == "open"
        again = post(links["finance@example.org"]["resume"], {})
        assert again["gate"]["status"] == "open"
        assert len(again["gate"]["votes"]) == 1
        assert post(links["risk@example.org"]["resume"], {})["gate"]["status"] == "approved"

    answered = []

    def once(at, said):
        if not answered:
            answered.append(at)
            answer(at, said)

    status, said = run("two_approvers.ipynb", once)
    assert status == 0
    assert said[-1]["result"]["approved_by"] == ["finance@example.org", "risk@example.org"]


def test_a_timeout_goes_on_and_says_why(run):
    status, said = run("timeout.ipynb")
    assert status == 0
    assert said[-1]["result"] == "SuspendedTimedOut"


def test_the_reviewers_answer_decides_which_branch_runs(run):
    """G82, G83: and what failed once was tried again."""
    status, said = run("branches.ipynb", lambda at, _: post(at["links"]["resume"], WHERE))
    assert status == 0
    assert said[-1]["result"] == "anonymous: archived 406 rows"
    told = [line["event"] for line in said]
    assert told.count("step_retried") == 1
    assert told.count("sleeping") == 2
    sections = {line["cell"]: line["skipped"] for line in said if line["event"] == "section"}
    assert sections == {"public": True, "archive": False}


def test_a_cell_that_asks_in_its_midst_pays_what_was_allowed(run):
    status, said = run(
        "asks_in_code.ipynb", lambda at, _: post(at["links"]["resume"], {"limit": 9})
    )
    assert status == 0
    assert said[-1]["result"] == "200 paid"


def test_it_goes_on_when_it_is_rejected(run):
    status, said = run("asks_in_code.ipynb", lambda at, _: post(at["links"]["cancel"], {}))
    assert status == 0
    assert said[-1]["result"] == "200 paid"
