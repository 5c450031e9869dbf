"""Cells that wait in their midst, in real kernels: our own calls, and workflows of Windmill's."""

import asyncio
import json

import pytest

from jupyter_flows.ports import RunFilter

STEPS = """
import jupyter_flows as flows
seen = globals().get("seen", 0) + 1
first = flows.step("first", lambda: {"at": seen})
urls = flows.step("urls", lambda: flows.get_resume_urls())
answer = flows.wait_for_approval(timeout="1h", form={"limit": {"type": "integer"}})
second = flows.step("second", lambda: seen)
[first, second, seen, answer]
"""

WORKFLOW = """
import wmill
from pathlib import Path

LOG = Path({log!r})
def note(what):
    with LOG.open("a") as file:
        print(what, file=file)

@wmill.task
async def double(n: int):
    note(f"double {{n}}")
    return n * 2

@wmill.workflow
async def main(start: int = 1):
    urls = await wmill.step("urls", lambda: note("urls") or wmill.get_approval_urls("manager"))
    doubled = await wmill.parallel([start, start + 1], double)
    await wmill.sleep(1)
    answer = await wmill.wait_for_approval(
        timeout=600, form={{"why": {{"type": "string"}}}}, self_approval={own}, key="manager"
    )
    stamp = await wmill.step("stamp", lambda: note("stamp") or "stamped")
    return [doubled, answer, stamp, await double(20)]
"""


@pytest.fixture
def begun(call, make_notebook):
    """`await begun(source, …)`: the id of a run of these cells."""

    async def begun(*cells, parameters=None):
        notebook = make_notebook(*cells)
        asked = {"notebook": notebook, "parameters": parameters or {}}
        started = await call("POST", "api/runs", asked)
        assert started.status == 201, started.text
        return started.json["id"]

    return begun


@pytest.fixture
def waits(reached):
    async def waits(run, *statuses):
        found = await reached(run, *(statuses or ("suspended",)), "failed", "interrupted")
        assert found.status in (statuses or ("suspended",)), (found.status, found.error)
        return found

    return waits


async def vote(call, run, approved=True, **more):
    gate = next(each for each in run.gates.values() if each.status == "open")
    key = f"{run.id}.{gate.step}.{gate.generation}"
    return await call(
        "POST", f"api/runs/{run.id}/gates/{key}/votes", {"approved": approved, **more}
    )


async def test_a_cell_asks_in_its_midst_and_does_nothing_twice_that_it_keeps(begun, waits, call):
    run = await waits(await begun(STEPS, "'behind'"))
    gate = run.open_gate
    assert (gate.key, gate.options.timeout) == ("approval", 3600.0)
    step = run.steps[gate.step]
    assert (step.status, step.attempts, step.pauses) == ("pending", 1, 1)
    assert (await vote(call, run, payload={"limit": 3})).status in (200, 201)
    run = await waits(run.id, "succeeded")
    first, second, seen, answer = run.steps[gate.step].result
    assert (first, second, seen) == ({"at": 1}, 2, 2)
    assert answer["approved"] is True
    assert answer["value"] == {"limit": 3}
    assert run.result == "behind"


async def test_the_link_that_its_code_gave_out_before_is_for_what_it_asks(
    begun, waits, anyone, engine
):
    run = await waits(await begun(STEPS))
    kept = await engine.inner.ended(run, run.open_gate.step)
    answer = await anyone("POST", kept["urls"]["resume"], {"limit": 4})
    assert answer.status in (200, 201), answer.text
    run = await waits(run.id, "succeeded")
    assert run.result[3]["value"] == {"limit": 4}


async def test_a_rejection_and_a_deadline_are_told_to_the_code(begun, waits, call, clock, engine):
    source = (
        "import jupyter_flows as flows\n"
        "one = flows.wait_for_approval()\n"
        "two = flows.wait_for_approval(timeout=60)\n"
        "[one, two]"
    )
    run = await waits(await begun(source))
    await vote(call, run, approved=False, reason="no")
    run = await waits_for_key(engine, run.id, "approval_2")
    clock.ahead += 120
    await engine.see_to_due()
    run = await waits(run.id, "succeeded")
    one, two = run.result
    assert one["approved"] is two["approved"] is False
    assert one["value"]["error"]["name"] == "SuspendedDisapproved"
    assert one["value"]["error"]["reason"] == "no"
    assert two["value"]["error"]["name"] == "SuspendedTimedOut"
    assert two["approver"] is None


async def waits_for_key(engine, run_id, key):
    async with asyncio.timeout(60):
        async for _ in engine.follow(run_id):
            run = await engine.run(run_id)
            if run.open_gate is not None and run.open_gate.key == key:
                return run
            assert not run.finished, run.error
    return None


async def test_a_sleep_in_its_midst_needs_no_kernel(begun, waits, clock, engine):
    source = "import jupyter_flows as flows\nflows.sleep(3600)\n'awake'"
    run = await waits(await begun(source), "sleeping")
    assert run.wake_at == pytest.approx(clock() + 3600, abs=60)
    clock.ahead += 3601
    await engine.see_to_due()
    assert (await waits(run.id, "succeeded")).result == "awake"


async def test_no_self_approval_is_asked_for_and_kept(begun, waits, call, become):
    source = (
        "import jupyter_flows as flows\nflows.wait_for_approval(self_approval=False)['approver']"
    )
    run = await waits(await begun(source))
    refused = await vote(call, run)
    assert refused.status == 403, refused.text
    assert "SelfApproval" in refused.text
    become("bea")
    assert (await vote(call, run)).status in (200, 201)
    assert (await waits(run.id, "succeeded")).result == "bea"


@pytest.mark.parametrize(
    ("call_", "said"),
    [
        ("flows.step('x', lambda: object())", "is of type object, and can't be kept"),
        ("flows.step('', lambda: 1)", "An inner step's name"),
        ("flows.step('x', lambda: sleeping())", "give step() the `async def` function"),
        ("flows.sleep(-1)", "sleep() takes from 0"),
        ("flows.wait_for_approval(form=3)", "form must be a JSON Schema"),
        ("flows.wait_for_approval(timeout='soon')", "is not a duration"),
        ("flows.wait_for_approval(form={'x': object()})", "takes plain JSON"),
    ],
)
async def test_what_can_not_be_is_said(begun, waits, call_, said):
    source = f"import jupyter_flows as flows\nasync def sleeping(): pass\n{call_}"
    run = await waits(await begun(source), "failed")
    assert said in run.error.message


async def test_a_suspend_cell_does_not_ask_in_its_midst(begun, waits):
    flow = {"id": "ask", "suspend": {}}
    cell = ("import jupyter_flows as flows\nflows.wait_for_approval()", [], flow)
    run = await waits(await begun(cell), "failed")
    assert "has its gate behind it" in run.error.message


async def test_an_async_step_is_awaited_each_time(begun, waits, call):
    source = (
        "import jupyter_flows as flows\n"
        "count = []\n"
        "async def work():\n    count.append(1)\n    return len(count)\n"
        "one = await flows.step('work', work)\n"
        "flows.wait_for_approval()\n"
        "[one, len(count)]"
    )
    run = await waits(await begun(source))
    await vote(call, run)
    assert (await waits(run.id, "succeeded")).result == [1, 0]


async def test_what_fails_is_tried_again_with_what_was_done_before(begun, waits):
    flow = {"id": "shaky", "retry": {"constant": {"attempts": 2, "seconds": 0}}}
    source = (
        "import jupyter_flows as flows\n"
        "import os\n"
        "kept = flows.step('kept', lambda: os.environ['FLOWS_ATTEMPT'])\n"
        "assert os.environ['FLOWS_ATTEMPT'] == '3', 'not yet'\n"
        "kept"
    )
    run = await waits(await begun((source, [], flow)), "succeeded")
    assert run.result == "1"


# ---------------------------------------------------------------- Windmill's


def approval_script(**more):
    return (
        "import wmill\n\ndef main():\n    urls = wmill.get_resume_urls()\n"
        f"    return {{'resume': urls['resume'], **{more!r}}}\n"
    )


async def test_an_approval_script_stands_as_it_is(begun, waits, call):
    """A `main` that nobody calls; what it returns is the gate's."""
    form = {"schema": {"properties": {"foo": {"type": "string"}}}}
    flow = {"id": "ask", "suspend": {"resume_form": form}}
    script = approval_script(
        default_args={"foo": "b"}, enums={"foo": ["a", "b"]}, description={"markdown": "# Sure?"}
    )
    run = await waits(await begun((script, [], flow), "resume"))
    options = run.open_gate.options
    assert (options.default_args, options.enums) == ({"foo": "b"}, {"foo": ["a", "b"]})
    assert options.description == {"markdown": "# Sure?"}
    assert run.open_gate.prompt
    assert (await vote(call, run, payload={"foo": "a"})).status in (200, 201)
    assert (await waits(run.id, "succeeded")).result == {"foo": "a"}


async def test_main_is_given_the_flows_parameters(begun, waits):
    script = "def main(who: str, times: int = 2):\n    return {'description': who * times}\n"
    flow = {"id": "ask", "suspend": {}}
    parameters = ("who = ''\nother = 1", ["parameters"], {"id": "given"})
    run = await waits(await begun(parameters, (script, [], flow), parameters={"who": "ab"}))
    assert run.open_gate.options.description == "abab"
    run = await waits(await begun((script, [], flow)), "failed")
    assert "main() needs `who`" in run.error.message


async def test_a_workflow_as_code_is_driven_to_its_end(  # noqa: PLR0917 (fixtures)
    begun, waits, call, become, tmp_path, engine, clock
):
    log = tmp_path / "log"
    run = await waits(await begun(WORKFLOW.format(log=str(log), own="False")), "sleeping")
    clock.ahead += 2
    await engine.see_to_due()
    run = await waits(run.id)
    assert run.open_gate.key == "manager"
    assert sorted(log.read_text().split("\n")) == ["", "double 1", "double 2", "urls"]
    assert run.open_gate.options.self_approval_disabled
    assert (await vote(call, run)).status == 403
    become("bea")
    assert (await vote(call, run, payload={"why": "so"})).status in (200, 201)
    run = await waits(run.id, "succeeded")
    doubled, answer, stamp, last = run.result
    assert (doubled, stamp, last) == ([2, 4], "stamped", 40)
    assert answer == {"approved": True, "approver": "bea", "value": {"why": "so"}}
    assert sorted(log.read_text().split()) == sorted(
        ["urls", "double", "1", "double", "2", "stamp", "double", "20"]
    )


async def test_a_workflow_that_is_killed_runs_no_finished_step_again(begun, waits, call, tmp_path):
    log, gone = tmp_path / "log", tmp_path / "gone"
    source = (
        "import wmill, os, signal\nfrom pathlib import Path\n"
        f"LOG, GONE = Path({str(log)!r}), Path({str(gone)!r})\n"
        "def note(what):\n    LOG.open('a').write(what + '\\n')\n    return what\n"
        "def die():\n    if not GONE.exists():\n        GONE.touch()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n    return note('late')\n"
        "@wmill.workflow\nasync def main():\n"
        "    one = await wmill.step('one', lambda: note('one'))\n"
        "    two = await wmill.step('two', lambda: note('two'))\n"
        "    late = await wmill.step('late', die)\n"
        "    return [one, two, late]\n"
    )
    run = await waits(await begun(source), "failed")
    assert log.read_text().split() == ["one", "two"]
    assert (await call("POST", f"api/runs/{run.id}/resume", {})).status == 200
    run = await waits(run.id, "succeeded")
    assert run.result == ["one", "two", "late"]
    assert log.read_text().split() == ["one", "two", "late"]


async def test_a_step_that_failed_is_caught_alike_in_every_round(begun, waits, call):
    source = (
        "import wmill\n"
        "@wmill.workflow\nasync def main():\n"
        "    try:\n        await wmill.step('bad', lambda: 1 / 0)\n"
        "    except wmill.TaskError as error:\n        found = error.result['error']['name']\n"
        "    await wmill.wait_for_approval()\n"
        "    return found\n"
    )
    run = await waits(await begun(source))
    await vote(call, run)
    assert (await waits(run.id, "succeeded")).result == "ZeroDivisionError"


async def test_only_the_runs_own_kernel_keeps_and_reads_what_it_did(begun, waits, call, engine):
    run = await waits(await begun(STEPS))
    job = f"{run.id}.{run.open_gate.step}"
    for method, path, body in (
        ("GET", f"api/w/jupyter/jobs/wac/checkpoint/{job}", None),
        ("POST", f"api/w/jupyter/jobs/wac/inline_checkpoint/{job}", {"key": "x", "result": 1}),
    ):
        answer = await call(method, path, body)
        assert answer.status == 403, answer.text
        assert "own kernel" in json.loads(answer.text)["detail"]


async def test_a_task_of_another_flow_is_a_run_of_its_own_and_is_started_once(  # noqa: PLR0917
    begun, waits, call, jp_root_dir, make_notebook, engine
):
    """Killed while it waits for that, it goes on with the same run."""
    (jp_root_dir / "flows").mkdir()
    child = make_notebook(("n = 0", ["parameters"]), "n + 1")
    (jp_root_dir / "flows" / "add.ipynb").write_text(json.dumps(child))
    gone = jp_root_dir / "gone"
    source = (
        "import wmill, os, signal, threading\nfrom pathlib import Path\n"
        f"GONE = Path({str(gone)!r})\n"
        "add = wmill.task_flow('f/add')\n"
        "@wmill.workflow\nasync def main():\n"
        "    one = await add(n=1)\n"
        "    await wmill.step('die', die)\n"
        "    return [one, await add(n=one)]\n"
        "def die():\n    if not GONE.exists():\n        GONE.touch()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = await waits(await begun(source), "failed")
    assert (await call("POST", f"api/runs/{run.id}/resume", {})).status == 200
    run = await waits(run.id, "succeeded")
    assert run.result == [2, 3]
    children = [
        each
        for row in (await engine.runs(RunFilter(), None, 50)).rows
        if (each := await engine.run(row.id)).root_job == run.id
    ]
    assert sorted(each.result for each in children) == [2, 3]
    assert {each.parent_job for each in children} == {f"{run.id}.c0"}


async def test_an_approval_script_is_a_py_flow_too(waits, call, jp_root_dir):
    script = "#| suspend: {timeout: 1h}\n" + approval_script(description="Go?")
    (jp_root_dir / "approve.py").write_text(script)
    started = await call("POST", "api/runs", {"path": "approve.py"})
    assert started.status == 201, started.text
    run = await waits(started.json["id"])
    assert (run.open_gate.options.description, run.open_gate.prompt) == ("Go?", True)
    assert (await vote(call, run)).status in (200, 201)
    assert (await waits(run.id, "succeeded")).result["description"] == "Go?"


async def test_a_py_flow_ends_with_the_main_that_it_does_not_call(waits, call, jp_root_dir):
    (jp_root_dir / "sum.py").write_text("def main(a: int, b: int = 2):\n    return a + b\n")
    asked = {"path": "sum.py", "parameters": {"a": 40}}
    started = await call("POST", "api/runs", asked)
    assert started.status == 201, started.text
    assert (await waits(started.json["id"], "succeeded")).result == 42
