"""What real kernels put out, told while they do; and what their code says to us of itself."""

import asyncio

import pytest

from jupyter_flows.core.model import StepId
from jupyter_flows.kernels import words
from jupyter_flows.ports import OpKind

from .test_changes import Mirror
from .test_sessions import RUN, until

STEPS = [StepId(name) for name in ("a", "b", "step")]


@pytest.fixture
def mirror(runs):
    """Of one run's cells; it has nothing but what is told."""
    mirror = Mirror(*STEPS)
    mirror.batches = []

    def hear(run, ops):
        assert run == RUN
        mirror.batches.append(ops)
        mirror.hear(ops)

    runs.kernels.on_ops(hear)
    return mirror


async def same(runs, mirror, *steps):
    shown = runs.kernels.shown(RUN)
    there = mirror.shown()
    for step in steps:
        assert list(there[step].outputs) == list(shown[step].outputs)
        assert there[step].execution_count == shown[step].execution_count


async def test_outputs_and_the_count_are_told_while_the_cell_runs(runs, mirror, tmp_path):
    await runs.open()
    go = tmp_path / "go"
    going = asyncio.create_task(
        runs.execute(
            f"import pathlib, time\nprint('one')\n"
            f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\nprint('two')"
        )
    )
    await until(lambda: mirror.cells["step"].outputs)
    assert mirror.cells["step"].outputs[0]["text"] == "one\n"
    assert mirror.cells["step"].count == 1
    go.touch()
    outcome = await going
    assert mirror.cells["step"].outputs == list(outcome.outputs), "all is told when the cell ends"


async def test_a_flood_is_told_in_few_batches_and_whole(runs, mirror):
    await runs.open()
    outcome = await runs.execute("for i in range(10_000): print(i)")
    assert mirror.cells["step"].outputs == list(outcome.outputs)
    assert len(outcome.outputs[0]["text"].splitlines()) == 10_000
    told = sum(len(op.text) for ops in mirror.batches for op in ops)
    assert told <= len(outcome.outputs[0]["text"]), "nothing is told twice"
    assert len(mirror.batches) < 2_000


async def test_clearing_and_updating_are_told(runs, mirror):
    await runs.open()
    await runs.execute(
        "from IPython.display import clear_output, display\n"
        "print('gone'); clear_output(wait=True); print('new')\n"
        "shown = display('first', display_id=True)",
        step="a",
    )
    await runs.execute("shown.update('second'); print('b')", step="b")
    await same(runs, mirror, "a", "b")
    assert mirror.cells["a"].outputs[1]["data"]["text/plain"] == "'second'"
    kinds = {op.kind for ops in mirror.batches for op in ops}
    assert {OpKind.CUT, OpKind.SET} <= kinds or OpKind.SET in kinds


async def test_what_comes_when_the_cell_is_over_is_told_too(runs, mirror, tmp_path):
    await runs.open()
    flag = tmp_path / "now"
    await runs.execute(
        "import pathlib, threading, time\n"
        "def later():\n"
        f"    while not pathlib.Path({str(flag)!r}).exists(): time.sleep(0.01)\n"
        "    print('late')\n"
        "threading.Thread(target=later, daemon=True).start()",
        step="a",
    )
    flag.touch()
    await until(lambda: mirror.cells["a"].outputs)
    assert mirror.cells["a"].outputs[0]["text"] == "late\n"


async def test_a_cell_that_runs_again_begins_empty_and_one_that_is_rebuilt_is_not_told(
    runs, mirror
):
    await runs.open()
    await runs.execute("print('one')", step="a")
    await runs.execute("print('two')", step="a")
    assert [o["text"] for o in mirror.cells["a"].outputs] == ["two\n"]
    await runs.execute("print('rebuilt')", step="b", rebuilding=True)
    assert mirror.cells["b"].outputs == []
    assert "b" not in runs.kernels.shown(RUN)


SAY = """
from ipykernel.comm import Comm
from IPython import get_ipython
kernel = get_ipython().kernel
def say(data):
    content = {"comm_id": "jupyter_flows", "data": data}
    kernel.session.send(
        kernel.iopub_socket, "comm_msg", content, parent=kernel.get_parent("shell")
    )
"""


async def test_a_word_of_the_kernel_is_told_with_the_session_that_led_to_it(runs):
    said = asyncio.Queue()
    runs.kernels.on_word(lambda *word: said.put_nowait(word))
    await runs.open()
    await runs.execute(SAY + "say({'kind': 'answer'})")
    run, data, session = await asyncio.wait_for(said.get(), 30)
    assert (run, data) == (RUN, {"kind": "answer"})
    assert session == runs.kernels._sessions[RUN]._line._wire.session.session


async def test_a_word_that_is_too_large_or_no_object_is_passed_over(runs, monkeypatch, caplog):
    monkeypatch.setattr(words, "MAX_BYTES", 100)
    said = asyncio.Queue()
    runs.kernels.on_word(lambda *word: said.put_nowait(word))
    await runs.open()
    await runs.execute(SAY + "say({'a': 'x' * 200}); say([1]); say({'b': 1})")
    assert (await asyncio.wait_for(said.get(), 30))[1] == {"b": 1}
    assert said.empty()
    assert "100 bytes" in caplog.text
