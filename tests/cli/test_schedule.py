"""`schedule`, with and without a server (G84)."""

import json
import signal
import time
from datetime import datetime
from pathlib import Path

import pytest


def until(holds):
    """Asks again and again, for at most 100 s: a minute may have just begun."""
    end = time.monotonic() + 100
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


@pytest.fixture
def notebook(flows):
    return flows.notebook(("n = 1", ["parameters"]), "n + 1", name="daily")


def added(flows, *arguments):
    ended = flows("schedule", "add", *arguments, "--json")
    assert ended.status == 0, ended.errors
    return json.loads(ended.lines[0])


def test_a_schedule_is_added_listed_paused_and_removed_without_a_server(flows, notebook):
    schedule = added(
        flows,
        *(notebook, "30 2 * * *", "--zone", "Europe/Berlin", "--name", "nightly"),
        *("-p", "n", "41", "--catch-up", "once", "--output", "%Y.ipynb", "--kernel", "python3"),
    )
    assert (schedule["path"], schedule["parameters"]) == (str(notebook), {"n": 41})
    assert (schedule["catch_up"], schedule["zone"]) == ("once", "Europe/Berlin")
    assert Path(schedule["output"]) == flows.folder / "%Y.ipynb"
    listed = flows("schedule", "list")
    assert listed.lines[0].split() == ["ID", "NOTEBOOK", "CRON", "NEXT", "LAST", "RUN"]
    assert "nightly: daily.ipynb" in listed.lines[1]
    assert "(Europe/Berlin)" in listed.lines[1]
    assert "jupyter flows serve" in listed.errors
    assert flows("schedule", "list", "--json").events == [schedule]
    assert flows("schedule", "pause", "nightly").status == 0
    paused = flows("schedule", "list")
    assert "paused" in paused.lines[1]
    assert paused.errors == ""
    on = flows("schedule", "unpause", schedule["id"][4:12])
    assert "next: " in on.lines[0]
    assert "jupyter flows serve" in on.errors
    assert flows("schedule", "list", "--json").events[0]["due_at"] == schedule["due_at"]
    assert flows("schedule", "remove", schedule["id"]).status == 0
    assert flows("schedule", "list").lines == ["No schedules."]


def test_the_next_times_are_printed_in_the_schedules_zone(flows, notebook):
    schedule = added(flows, notebook, "15 2 * * *", "--zone", "Australia/Lord_Howe")
    ended = flows("schedule", "next", schedule["id"], "--count", "3")
    assert [line.split(" ", 1)[1][:5] for line in ended.lines] == ["02:15"] * 3
    assert all(line.endswith("(Australia/Lord_Howe)") for line in ended.lines)
    utc = [datetime.fromisoformat(each).timestamp() for each in schedule["next_times"]]
    assert utc == sorted(utc)


def test_every_mistake_is_said_at_once_and_nothing_is_kept(flows, notebook):
    ended = flows("schedule", "add", notebook, "60 2 * * 8", "--zone", "Berlin")
    assert ended.status == 2
    said = ended.errors.splitlines()
    assert [line.split(":")[0] for line in said] == ["cron, minute", "cron, day of week", "zone"]
    assert "did you mean 'Europe/Berlin'" in said[2]
    wrong = flows("schedule", "add", flows.notebook("#| suspnd: 1"), "* * * * *")
    assert (wrong.status, "did you mean 'suspend'" in wrong.errors) == (2, True)
    assert flows("schedule", "add", "missing.ipynb", "* * * * *").status == 2
    assert flows("schedule", "list").lines == ["No schedules."]


def test_a_schedule_that_is_meant_must_be_one(flows, notebook):
    for _ in range(2):
        added(flows, notebook, "0 7 * * *", "--name", "twice")
    several = flows("schedule", "pause", "twice")
    assert (several.status, "Several" in several.errors) == (2, True)
    assert flows("schedule", "remove", "sch_").status == 2
    unknown = flows("schedule", "next", "none")
    assert (unknown.status, "no schedule 'none'" in unknown.errors) == (2, True)


@pytest.mark.timeout(300)
def test_a_server_starts_what_is_due_and_the_list_shows_it(flows, notebook):
    """With the true clock: at the next full minute."""
    server = flows.start("serve", "--allow-root")
    until(lambda: list((flows.data / "servers").glob("*.json")))
    good = flows("schedule", "add", notebook, "* * * * *", "-p", "n", "41", "--name", "good")
    assert (good.status, good.errors) == (0, "")
    broken = flows.notebook("1", name="broken")
    bad = added(flows, broken, "* * * * *", "--name", "bad")
    broken.write_text("{")

    def both():
        shown = {each["name"]: each for each in flows("schedule", "list", "--json").events}
        return shown if shown["good"]["last_run"] and shown["bad"]["last_error"] else None

    shown = until(both)
    assert shown["bad"]["id"] == bad["id"]
    assert "not JSON" in shown["bad"]["last_error"]
    run = shown["good"]["last_run"]
    until(lambda: flows.show(run)["status"] in ("succeeded", "failed"))
    assert flows.show(run)["result"] == 42
    listed = next(row for row in flows("list", "--json").events if row["id"] == run)
    assert listed["schedule"] == shown["good"]["id"]
    table = "\n".join(flows("schedule", "list").lines)
    assert shown["good"]["id"] in table
    assert "succeeded" in table
    assert "is not a notebook: it is not JSON." in table
    server.kill(signal.SIGTERM)
    server.end()
