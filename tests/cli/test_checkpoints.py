"""What a terminal says of a run's saved variables, how it goes on with them, and tidying up."""

import io
import json
import signal
import sys
from types import SimpleNamespace

import pytest

from jupyter_flows.cli import choosing
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.errors import RunNotResumable

GATE = ("'go?'", ["suspend"])
COUNTED = (
    "from pathlib import Path\nruns = Path('count')\n"
    "runs.write_text(str(int(runs.read_text()) + 1 if runs.exists() else 1))\nx = 41"
)
UNSAVED = "import sqlite3\ncon = sqlite3.connect(':memory:')\nx = 41"


def counted(flows):
    return (flows.folder / "count").read_text()


# ------------------------------------------------------------ run and resume


def test_what_was_saved_is_said_in_one_line_and_the_run_comes_back_with_it(flows):
    run = flows("run", flows.notebook(COUNTED, GATE, "x + 1"), "--detach")
    assert run.status == 3, run.errors
    (saved,) = [line for line in run.lines if "saved (" in line]
    assert saved.endswith(" s).")
    assert "brings it back with its variables" in "\n".join(run.lines)
    assert "To wait for it here, with the variables that are saved: jupyter" in run.lines[-1]

    assert flows("approve", "last").status == 0
    assert "with the variables that are saved" in flows("show", "last").lines[-1]
    again = flows("resume", "last", "--json")
    assert (again.status, again.events[-1]["result"]) == (0, 42), again.errors
    assert "kernel_restored" in [event["event"] for event in again.events]
    assert counted(flows) == "1", "no cell ran twice"


def test_in_json_it_is_an_event(flows):
    run = flows("run", flows.notebook(UNSAVED, GATE, "x"), "--detach", "--json")
    saved = next(event for event in run.events if event["event"] == "checkpoint_saved")
    assert (saved["complete"], saved["bytes"] > 0) == (False, True)
    (unsaved,) = saved["unsaved"]
    assert (unsaved["name"], unsaved["type"], unsaved["cell"]) == ("con", "sqlite3.Connection", 1)
    shown = flows.show()
    assert shown["checkpoint"]["unsaved"] == [unsaved]
    assert "1 cannot be: con" in shown["saved"]


def test_what_cannot_be_saved_is_named_with_what_can_be_done(flows):
    run = flows("run", flows.notebook(UNSAVED, GATE, "x + 1"), "--detach")
    said = "\n".join(run.lines)
    assert "1 cannot be: con (sqlite3.Connection, cell 1)." in said
    assert "To free it: tag cell 1 `replay`, or del con." in said
    assert "and with it what could not be saved (con). After the approval, `jupyter flows" in said
    assert "con: " in "\n".join(flows("show", "last").lines)

    flows("approve", "last")
    again = flows("resume", "last", "--json")
    assert (again.status, again.events[-1]["result"]) == (0, 42), again.errors
    resumed = next(event for event in again.events if event["event"] == "resumed")
    assert resumed["with"] == "rerun"


def test_a_cell_tagged_replay_runs_again_and_the_rest_is_restored(flows):
    replay = ("import sqlite3\ncon = sqlite3.connect(':memory:')", ["replay"])
    use = "con.execute(f'select {x} + 1').fetchone()[0]"
    assert flows("run", flows.notebook(COUNTED, replay, GATE, use), "--detach").status == 3
    flows("approve", "last")
    again = flows("resume", "last", "--json")
    assert (again.status, again.events[-1]["result"]) == (0, 42), again.errors
    restored = next(event for event in again.events if event["event"] == "kernel_restored")
    assert (restored["replayed"], counted(flows)) == (["s2"], "1")


def test_ctrl_c_says_that_the_run_comes_back_with_its_variables(flows):
    run = flows.start("run", flows.notebook(COUNTED, GATE, "x + 1"))
    run.await_line(lambda line: "saved (" in line)
    run.kill(signal.SIGINT)
    assert run.end() == 130
    assert "To wait for it here, with the variables that are saved: jupyter" in run.lines[-1]


def test_a_released_kernel_is_seen_in_the_list_and_comes_back(flows):
    gate = ("#| checkpoint: always\n'go?'", ["suspend"])
    run = flows.start("run", flows.notebook(COUNTED, gate, "x + 1"), "--json")
    run.await_event("kernel_released")
    assert flows("list").lines[0].endswith("  kernel released")
    (listed,) = flows("list", "--json").events
    assert listed["released_at"].endswith("Z")
    assert "The kernel is released" in "\n".join(flows("show", "last").lines)
    assert flows("approve", "last").status == 0
    assert run.end() == 0
    assert (run.events[-1]["result"], counted(flows)) == (42, "1")


# ------------------------------------------------------------ where a person has to choose


@pytest.fixture
def changed(flows):
    """A run that is interrupted, for a module that it uses is another one now."""
    module = flows.folder / "helping.py"
    module.write_text("def more(x):\n    return x + 1\n")
    notebook = flows.notebook("from helping import more\n" + COUNTED, GATE, "more(x)")
    assert flows("run", notebook, "--detach").status == 3
    module.write_text("def more(x):\n    return x + 2\n")
    flows("approve", "last")
    run = flows("resume", "last")
    assert run.status == 1, run.lines
    return run


def test_the_choices_are_named_where_nobody_can_be_asked(flows, changed):
    said = "\n".join(changed.lines)
    assert "helping.py has changed" in said
    assert "--with changed|rerun" in changed.lines[-1]
    assert "choose    --with changed" in "\n".join(flows("show", "last").lines)
    again = flows("resume", "last")
    assert again.status == 1
    assert "helping.py has changed" in again.errors
    assert "--with changed|rerun" in again.errors
    unknown = flows("resume", "last", "--with", "all")
    assert (unknown.status, "'checkpoint', 'changed', 'kernel', 'rerun'" in unknown.errors) == (
        2,
        True,
    )
    none = flows("resume", "last", "--with", "kernel")
    assert (none.status, "choose `checkpoint` or `rerun`" in none.errors) == (1, True)


@pytest.mark.parametrize(("choice", "runs"), [("changed", "1"), ("rerun", "2")])
def test_the_run_goes_on_with_what_was_chosen(flows, changed, choice, runs):
    again = flows("resume", "last", "--with", choice, "--json")
    assert (again.status, again.events[-1]["result"]) == (0, 43), again.errors
    assert counted(flows) == runs
    assert f'"with": "{choice}"' in "\n".join(again.lines)


def test_for_a_run_that_waits_there_is_nothing_to_choose(flows):
    flows("run", flows.notebook("x = 1", GATE), "--detach")
    refused = flows("resume", "last", "--with", "rerun")
    assert (refused.status, "there is nothing to choose" in refused.errors) == (1, True)


INTERRUPTED = SimpleNamespace(
    id="run_1",
    choices=(Choice.KERNEL, Choice.RERUN),
    error=SimpleNamespace(message="Somebody ran 2 cells."),
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_asks_and_says_what_each_choice_does(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal("all\nkernel\n"))
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert choosing.chosen(INTERRUPTED, None, may_ask=True) is Choice.KERNEL
    asked = sys.stderr.getvalue()
    assert "Somebody ran 2 cells." in asked
    assert "rerun       in a fresh kernel, after running the earlier cells again" in asked
    assert capsys.readouterr().out == ""


def test_what_was_said_beforehand_is_not_asked():
    assert choosing.chosen(INTERRUPTED, "rerun", may_ask=True) is Choice.RERUN


def test_a_program_is_not_asked():
    with pytest.raises(RunNotResumable, match=r"--with kernel\|rerun"):
        choosing.chosen(INTERRUPTED, None, may_ask=False)


# ------------------------------------------------------------ checkpoints


def test_what_is_saved_is_listed_and_read_to_the_last_byte(flows):
    assert flows("checkpoints", "list").lines[-1].startswith("0 checkpoints, 0 B on disk, in ")
    flows("run", flows.notebook("x = b'x' * 100_000", GATE, "x"), "--detach")
    listed = flows("checkpoints", "list")
    assert listed.status == 0, listed.errors
    assert " suspended  " in listed.lines[0]
    assert "behind step s2  " in listed.lines[1]
    assert listed.lines[-1].startswith("1 checkpoint, ")
    found = json.loads(flows("checkpoints", "list", "--json").lines[0])
    (run,) = found["runs"]
    assert (found["checkpoints"], run["status"]) == (1, "suspended")
    assert found["bytes"] >= run["bytes"] >= 100_000
    assert run["checkpoints"][0]["covers"] == ["s1", "s2"]

    good = flows("checkpoints", "verify", "last")
    assert (good.status, good.lines[0].endswith(" good")) == (0, True)
    blob = max(
        (path for path in (flows.data / "checkpoints" / "blobs").rglob("*") if path.is_file()),
        key=lambda path: path.stat().st_size,
    )
    blob.write_bytes(b"y" + blob.read_bytes()[1:])
    damaged = flows("checkpoints", "verify", "last")
    assert damaged.status == 1
    assert " damaged: " in damaged.lines[0]


def test_of_a_run_that_has_ended_nothing_is_left(flows):
    assert flows("run", flows.notebook("x = 1", GATE), "--detach").status == 3
    flows("cancel", "last")
    assert flows("checkpoints", "collect").lines[0].endswith(" removed, 0 B.")
    nothing = flows("checkpoints", "verify", "last")
    assert (nothing.status, "it is cancelled" in nothing.lines[0]) == (0, True)
    assert flows.show()["checkpoint"] is None
