"""`run`, and the commands that a second terminal gives meanwhile."""

import contextlib
import json
import os
import pty
import re
import signal
import time
import urllib.request

import nbformat

GATE = ("x + 1", ["suspend"])


def test_a_run_to_success_says_every_step_in_json(flows):
    run = flows("run", flows.notebook("x = 1", "print(x)", "x + 1"), "--json")
    assert run.status == 0, run.errors
    assert [event["event"] for event in run.events] == [
        "created",
        *(["step_started", "step_succeeded"] * 3),
        "finished",
    ]
    assert run.events[-1] | {"run": ""} == {
        "event": "finished",
        "run": "",
        "status": "succeeded",
        "result": 2,
        "error": None,
    }
    assert run.errors == ""
    assert flows.list() == [(run.events[0]["run"], "succeeded")]


def test_parameters_are_read_as_papermill_reads_them(flows):
    (flows.folder / "some.yml").write_text("a: 1\nday: 2024-01-02\ndeep: {x: [1, 2]}\n")
    notebook = flows.notebook(("a = 0", ["parameters"]), "[a, b, c, d, e, day, deep]")
    given = [("a", "2"), ("b", "1.5"), ("c", "True"), ("d", "None"), ("e", "text")]
    pairs = [part for name, value in given for part in ("-p", name, value)]
    run = flows("run", notebook, *pairs, "-f", "some.yml", "--json")
    assert run.status == 0, run.errors
    result = [2, 1.5, True, None, "text", "2024-01-02", {"x": [1, 2]}]
    assert run.events[-1]["result"] == result


def test_the_executed_notebook_is_written(flows):
    run = flows("run", flows.notebook("print('hi')"), "--output", "out.ipynb")
    assert run.status == 0, run.errors
    written = nbformat.read(flows.folder / "out.ipynb", as_version=4)
    nbformat.validate(written)
    assert written.cells[0].outputs[0].text == "hi\n"


def test_a_failed_cell_is_named_with_its_traceback_and_status_1(flows):
    run = flows("run", flows.notebook("x = 1", "def f():\n    return 1 / 0\nf()", "3"))
    assert run.status == 1
    said = "\n".join(run.lines)
    assert "failed in cell 2, step 's2': ZeroDivisionError: division by zero" in said
    assert "return 1 / 0" in said
    assert "\x1b" not in said
    assert "jupyter flows resume run_" in run.lines[-1]


def test_an_approval_from_a_second_terminal_lets_it_go_on(flows):
    run = flows.start("run", flows.notebook("x = 1", GATE, "resume['n'] + x"), "--json")
    awaited = run.await_event("suspended")
    assert awaited["gate"] == "s2"
    assert set(awaited["links"]) == {"approvalPage", "resume", "cancel"}
    assert flows.list("--status", "suspended") == [(awaited["run"], "suspended")]
    assert flows.show()["gates"][0]["links"] == awaited["links"]

    vote = flows("approve", awaited["run"], "--data", '{"n": 41}')
    assert vote.status == 0, vote.errors
    assert vote.lines == ["gate s2: approved, 1 of 1 approvals. The run goes on."]
    assert run.end() == 0
    assert run.events[-1]["result"] == 42
    cast = next(event for event in run.events if event["event"] == "vote")
    assert cast["verified"] is True


def test_a_link_lets_it_go_on_and_stands_whole_on_a_line(flows):
    run = flows.start("run", flows.notebook("x = 1", GATE, "7"))
    run.await_line(lambda line: line == "To approve:")
    link = run.await_line(lambda line: line.startswith("http"))
    with urllib.request.urlopen(urllib.request.Request(link, data=b"{}", method="POST")) as answer:
        assert answer.status in (200, 201)
    assert run.end() == 0


def test_a_rich_description_is_said_in_words(flows):
    described = """{"description": {"render_all": [
        {"md": "**Publish** these?"}, [{"name": "a", "n": 1}], {"svg": "<svg/>"}]}}"""
    run = flows("run", flows.notebook((described, ["suspend"])), "--detach")
    assert run.status == 3, run.errors
    said = "**Publish** these?\n\nname  n\n----  -\na     1\n\n[a drawing]\n"
    assert said in "\n".join(run.lines) + "\n"


def test_on_a_narrow_terminal_links_stay_whole(flows):
    master, slave = pty.openpty()
    run = flows.start("run", flows.notebook("x = 1", GATE, "7"), "--detach", stdout=slave)
    os.close(slave)
    said = b""
    with contextlib.suppress(OSError):  # the terminal's other end was closed
        while read := os.read(master, 1 << 16):
            said += read
    os.close(master)
    assert run.process.wait(60) == 3
    links = re.findall(rb"http://\S+/resume\?flow_token=(\S+)\r\n", said)
    assert len(links) == 1
    assert len(links[0]) > 100
    assert b"2/3" in said


FAR = """
import pathlib, time, jupyter_flows as flows
flows.progress(42, "loading")
while not pathlib.Path("seen").exists(): time.sleep(0.05)
"""


def test_on_a_terminal_and_in_show_a_running_step_says_how_far_it_is(flows):
    master, slave = pty.openpty()
    run = flows.start("run", flows.notebook(FAR, "7"), stdout=slave)
    os.close(slave)
    said = b""
    while b"42 %" not in said:
        said += os.read(master, 1 << 16)
    lines = flows("show", "last").lines
    assert [line for line in lines if line.endswith("running   s1 42 % (loading)")], lines
    shown = json.loads("\n".join(flows("show", "last", "--json").lines))
    told = [step["progress"] for step in shown["steps"]]
    assert told == [{"percent": 42, "message": "loading"}, None]
    (flows.folder / "seen").touch()
    with contextlib.suppress(OSError):  # the terminal's other end was closed
        while os.read(master, 1 << 16):
            pass
    os.close(master)
    assert run.process.wait(60) == 0
    assert not [line for line in flows("show", "last").lines if "%" in line]


def test_a_rejection_fails_it_with_the_reason(flows):
    run = flows.start("run", flows.notebook("x = 1", GATE, "7"), "--json")
    awaited = run.await_event("suspended")
    assert flows("reject", "last", "--reason", "too dear", "--json").status == 0
    assert run.end() == 1
    assert run.events[-1]["error"]["reason"] == "too dear"
    late = flows("approve", awaited["run"])
    assert (late.status, "is closed: it was rejected" in late.errors) == (1, True)


def test_a_cancel_ends_it_with_status_4_even_in_a_cell(flows):
    slow = flows.notebook("import time\nprint('here', flush=True)\ntime.sleep(300)")
    run = flows.start("run", slow, "--json")
    run_id = run.await_event("step_started")["run"]
    assert flows("cancel", run_id, "--reason", "no more").lines == [f"{run_id} cancelled"]
    assert run.end() == 4
    assert run.events[-1]["status"] == "cancelled"
    again = flows("resume", run_id)
    assert (again.status, "has ended" in again.errors) == (1, True)


def test_detached_it_ends_with_status_3_at_the_first_gate(flows):
    run = flows("run", flows.notebook("x = 1", GATE, "x"), "--detach", "--json")
    assert run.status == 3
    told = ["suspended", "checkpoint_saved", "notice", "finished"]
    assert [event["event"] for event in run.events[-4:]] == told
    assert run.events[-1]["status"] == "suspended"
    shown = flows.show()
    assert (shown["status"], shown["gates"][0]["links"]) == ("suspended", None)


def test_after_sigterm_a_suspended_run_stays_suspended_and_its_links_answer_again(flows):
    run = flows.start("run", flows.notebook("x = 1", GATE, "x + 41"), "--json")
    awaited = run.await_event("suspended")
    began = time.monotonic()
    run.kill(signal.SIGTERM)
    assert run.end() == 143
    assert time.monotonic() - began < 5
    assert run.events[-1]["status"] == "suspended"
    assert flows.list() == [(awaited["run"], "suspended")]

    again = flows.start("resume", "last", "--json")
    assert again.await_event("suspended")["links"] == awaited["links"]
    assert flows("approve", "last").status == 0
    assert again.end() == 0
    assert again.events[-1]["result"] == 42


def test_an_approval_without_a_server_counts_and_resume_goes_on(flows):
    flows("run", flows.notebook("x = 1", GATE, "x + 41"), "--detach")
    vote = flows("approve", "last")
    assert "go on with: jupyter flows resume run_" in vote.lines[0]
    assert flows.list()[0][1] == "interrupted"
    again = flows("resume", "last", "--json")
    assert again.status == 0, again.errors
    assert again.events[-1]["result"] == 42


def test_ctrl_c_in_a_cell_interrupts_the_run_within_5_seconds(flows):
    run = flows.start("run", flows.notebook("1", "import time\ntime.sleep(300)"), "--json")
    run.await_event("step_succeeded")
    run.await_event("step_started")
    began = time.monotonic()
    run.kill(signal.SIGINT)
    assert run.end() == 130
    assert time.monotonic() - began < 5
    assert run.events[-1]["status"] == "interrupted"
    assert flows.list()[0][1] == "interrupted"


def test_after_kill_9_in_a_cell_resume_goes_on_from_that_step(flows):
    flag = flows.folder / "flag"
    count = "from pathlib import Path\np = Path('count')\n"
    earlier = count + "p.write_text(str(int(p.read_text()) + 1 if p.exists() else 1))\nx = 40"
    slow = f"import time\nfrom pathlib import Path\nif not Path({str(flag)!r}).exists():\n"
    notebook = flows.notebook(earlier, slow + "    time.sleep(300)", "x + 2")
    run = flows.start("run", notebook, "--json")
    run.await_event("step_succeeded")
    run_id = run.await_event("step_started")["run"]
    run.kill(signal.SIGKILL)
    run.end()

    assert flows.list() == [(run_id, "interrupted")]
    assert flows.list("--status", "interrupted") == [(run_id, "interrupted")]
    assert flows.list("--status", "running") == []
    assert flows.show()["status"] == "interrupted"
    assert "Its server died while it ran." in "\n".join(flows("show", "last").lines)
    flag.touch()
    again = flows("resume", run_id[:9], "--json")
    assert again.status == 0, again.errors
    assert [event["event"] for event in again.events[:3]] == [
        "interrupted",
        "resumed",
        "step_started",
    ]
    assert again.events[1]["step"] == "s2"
    assert again.events[-1]["result"] == 42
    assert (flows.folder / "count").read_text() == "2"


def test_a_failed_run_is_resumed_from_the_step_that_failed(flows):
    flag = flows.folder / "flag"
    test = f"from pathlib import Path\nassert Path({str(flag)!r}).exists()"
    assert flows("run", flows.notebook("x = 41", test, "x + 1")).status == 1
    flag.touch()
    again = flows("resume", "last", "--json")
    assert (again.status, again.events[-1]["result"]) == (0, 42)


def test_a_failed_run_goes_on_with_the_notebook_in_which_its_cell_was_mended(flows):
    assert flows("run", flows.notebook("x = 41", "1 / 0", "x + 1")).status == 1
    mended = flows.notebook("x = 41", "pass", "x + 2")
    again = flows("resume", "last", "--edited", mended, "--json")
    assert (again.status, again.events[-1]["result"]) == (0, 43)
    assert flows("run", flows.notebook("x = 41", "1 / 0")).status == 1
    refused = flows("resume", "last", "--edited", flows.notebook("x = 40", "pass"))
    assert refused.status != 0
    assert "has run already" in refused.errors


def test_bad_input_is_said_in_one_message_and_status_2(flows):
    notebook = flows.notebook("1")
    (flows.folder / "text.ipynb").write_text("no")
    cases = {
        ("run", "none.ipynb"): "does not exist",
        ("run", "text.ipynb"): "not JSON",
        ("run", notebook, "-p", "a", "nan"): "JSON can't say",
        ("run", notebook, "-f", "none.yml"): "can't be read",
        ("run", notebook, "--output", "none/out.ipynb"): "no folder",
        ("run", notebook, "--nonsense"): "No such option",
        ("show", "last"): "no runs",
        ("show", "abc"): "no run 'abc'",
        ("approve", "last", "--data", "{"): "not JSON",
    }
    for arguments, said in cases.items():
        ended = flows(*arguments)
        assert (ended.status, said in ended.errors) == (2, True), (arguments, ended.errors)
        assert "Traceback" not in ended.errors


def test_an_unknown_kernel_fails_the_run_and_names_those_there_are(flows):
    run = flows("run", flows.notebook("1"), "--kernel", "nonesuch", "--json")
    assert run.status == 1
    assert "nonesuch" in run.events[-1]["error"]["message"]
    assert "python3" in run.events[-1]["error"]["message"]


def test_logs_and_the_notebook_so_far(flows):
    flows("run", flows.notebook("print('one')", "1 / 0"))
    logs = "\n".join(flows("logs", "last").lines)
    assert "one" in logs
    assert "ZeroDivisionError" in logs
    assert flows("show", "last", "--notebook", "so-far.ipynb").status == 0
    written = json.loads((flows.folder / "so-far.ipynb").read_text())
    assert re.match(r"run_", written["metadata"]["jupyter_flows"]["run"])
    nbformat.validate(nbformat.from_dict(written))
