"""Notebooks that show their run, with real kernels: what they show is what the run has."""

import asyncio
import json

import pytest

from jupyter_flows.core.model import RunId

from .browsing import approve

MESSY = """
from IPython.display import clear_output, display
for i in range(10_000): print(i)
clear_output(wait=True)
print('behind the flood')
shown = display('first', display_id=True)
"""
LATE = """
import pathlib, threading, time
def later():
    while not pathlib.Path('now').exists(): time.sleep(0.01)
    print('late')
    shown.update('second')
threading.Thread(target=later, daemon=True).start()
'go?'
"""
GATED = (LATE, [], {"id": "ask", "suspend": {}})


@pytest.fixture
def settled(engine):
    async def settled(run):
        await engine.settled(RunId(run))

    return settled


async def stored(call, run):
    """The outputs of the run's notebook, cell by cell."""
    notebook = (await call("GET", f"api/runs/{run}/notebook")).json
    return [cell["outputs"] for cell in notebook["cells"]]


async def test_a_notebook_shows_what_its_run_puts_out_while_and_after_it_does(
    browse,
    start,
    call,
    jp_root_dir,
):
    browser = await browse()
    run = await start(
        ("0", [], {"id": "none"}), (MESSY, [], {"id": "messy"}), GATED, "print('end')"
    )
    await browser.reached("suspended")
    await browser.until(lambda b: b.cells and b.records("c2"))
    assert [o.get("text") for o in browser.shown["c1"].outputs] == ["behind the flood\n", None]
    (jp_root_dir / "now").touch()
    await browser.until(lambda b: "late" in b.text("c2"))
    await browser.until(lambda b: b.shown["c1"].outputs[-1]["data"]["text/plain"] == "'second'")
    await approve(call, run["id"])
    await browser.reached("succeeded")
    kept = await stored(call, run["id"])
    assert [list(c.outputs) for c in browser.shown.values()] == kept
    assert [c.execution_count for c in browser.shown.values()] == [1, 2, 3, 4]
    anew = await browse()
    await anew.until(lambda b: b.cells)
    assert anew.shown == browser.shown


@pytest.fixture
def foreign(jp_fetch):
    """A kernel that somebody else has started."""

    async def start_one():
        return json.loads((await jp_fetch("api", "kernels", method="POST", body="{}")).body)["id"]

    return start_one


def cells(checkpoint):
    gate = ("print('ask')", [], {"id": "ask", "suspend": {}, "checkpoint": checkpoint})
    return ("x = 20; print('first')", [], {"id": "x"}), gate, "x + 1"


async def test_a_foreign_kernel_restarted_at_a_gate_gets_the_saved_variables_back(
    browse, start, call, jp_fetch, foreign
):
    kernel_id = await foreign()
    run = await start(*cells("auto"), kernel_id=kernel_id)
    browser = await browse()
    await browser.until(lambda b: b.run and b.run["saved"])
    assert browser.run["status"] == "suspended"
    assert browser.run["checkpoint"]["complete"] is True
    assert browser.run["released_at"] is None
    await jp_fetch("api", "kernels", kernel_id, "restart", method="POST", body="{}")
    await browser.until(lambda b: b.run["kernel_id"] is None)
    assert browser.run["saved"], "while it waits it is told what it can go on with"
    await approve(call, run["id"])
    await browser.until(lambda b: b.run["kernel_id"] == kernel_id)
    await browser.reached("succeeded", "interrupted", "failed")
    assert browser.run["status"] == "succeeded", browser.run["error"]
    assert browser.run["saved"] is None
    assert browser.text("c0") == "first\n"
    kept = await stored(call, run["id"])
    assert [list(c.outputs) for c in browser.shown.values()] == kept


async def test_a_foreign_kernel_shut_down_at_a_gate_is_replaced_by_a_new_one(  # noqa: PLR0917 (fixtures are asked for by name)
    browse, start, call, jp_fetch, foreign, reached
):
    kernel_id = await foreign()
    run = await start(*cells("auto"), kernel_id=kernel_id)
    browser = await browse()
    await browser.until(lambda b: b.run and b.run["saved"])
    await jp_fetch("api", "kernels", kernel_id, method="DELETE")
    await browser.until(lambda b: b.run["kernel_id"] is None)
    await approve(call, run["id"])
    await browser.reached("succeeded", "interrupted", "failed")
    assert browser.run["status"] == "succeeded", browser.run["error"]
    assert (await reached(run["id"], "succeeded")).result == 21


async def test_a_foreign_kernel_restarted_at_a_gate_is_lost_and_the_run_resumes_in_it(  # noqa: PLR0917 (fixtures are asked for by name)
    browse, start, call, reached, settled, jp_fetch, foreign
):
    """Where nothing was to be saved."""
    kernel_id = await foreign()
    run = await start(*cells("never"), kernel_id=kernel_id)
    browser = await browse()
    await browser.reached("suspended")
    assert browser.run["kernel_id"] == kernel_id
    await jp_fetch("api", "kernels", kernel_id, "restart", method="POST", body="{}")
    await browser.until(lambda b: b.run["kernel_id"] is None)
    assert browser.run["status"] == "suspended"
    await approve(call, run["id"])
    await browser.reached("interrupted")
    assert browser.run["resumable"] is True
    assert browser.run["choices"] == ["rerun"]
    await settled(run["id"])
    assert (await call("POST", f"api/runs/{run['id']}/resume", {})).status == 200
    await browser.reached("succeeded")
    assert (await reached(run["id"], "succeeded")).result == 21
    assert browser.text("c0") == "first\n", "the first outputs stand"
    kept = await stored(call, run["id"])
    assert [list(c.outputs) for c in browser.shown.values()] == kept
    listed = json.loads((await jp_fetch("api", "kernels")).body)
    assert kernel_id in [one["id"] for one in listed]


@pytest.mark.parametrize("connected", [True, False])
async def test_a_kernel_that_a_browser_has_open_when_the_run_ends_is_left_to_it(  # noqa: PLR0917
    browse,
    start,
    call,
    settled,
    jp_fetch,
    jp_ws_fetch,
    connected,
):
    run = await start(("'go?'", [], {"id": "ask", "suspend": {}}), "kept = 1")
    browser = await browse()
    await browser.reached("suspended")
    kernel_id = browser.run["kernel_id"]
    if connected:
        channels = await jp_ws_fetch("api", "kernels", kernel_id, "channels")
    await approve(call, run["id"])
    await browser.reached("succeeded")
    await settled(run["id"])
    listed = json.loads((await jp_fetch("api", "kernels")).body)
    assert [one["id"] for one in listed] == ([kernel_id] if connected else [])
    if connected:
        assert listed[0]["execution_state"] == "idle"
        channels.close()


async def test_what_a_running_cell_puts_out_is_seen_before_it_ends(
    browse,
    start,
    jp_root_dir,
):
    await start(
        "import pathlib, time\nprint('begun')\n"
        "while not pathlib.Path('now').exists(): time.sleep(0.01)\nprint('over')",
    )
    browser = await browse()
    await browser.until(lambda b: b.cells and "begun" in b.text(next(iter(b.cells))))
    (step,) = browser.cells
    assert browser.cells[step].count == 1
    assert browser.run["status"] == "running"
    (jp_root_dir / "now").touch()
    await browser.reached("succeeded")
    assert browser.text(step) == "begun\nover\n"


async def test_many_browsers_see_the_same(browse, start):
    browsers = [await browse() for _ in range(5)]
    await start("for i in range(2000): print(i, flush=True)")
    await asyncio.gather(*(browser.reached("succeeded") for browser in browsers))
    texts = {browser.text(next(iter(browser.cells))) for browser in browsers}
    assert texts == {"".join(f"{i}\n" for i in range(2000))}
