"""The same notebook here and in nbclient; nbclient's adjacent streams are joined to compare.

nbclient's timeout is for nbclient: when it talks back to widgets it may miss a reply until then.
"""

import json
import re

import nbformat
from nbclient import NotebookClient

from jupyter_flows.core.model import StepId

CASES = [
    ("streams", "import sys\nprint('a', flush=True)\nprint('b', flush=True)"),
    ("both streams", "print('a', flush=True)\nprint('e', file=sys.stderr, flush=True)\nprint('b')"),
    ("a result", "'result'"),
    ("a silenced result", "'result';"),
    ("two displays and a result", "display(1)\ndisplay({'text/html': '<b>2</b>'}, raw=True)\n3"),
    ("metadata of a display", "display({'text/plain': 'x'}, raw=True, metadata={'a': {'b': 1}})"),
    (
        "clear_output",
        "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('kept')",
    ),
    ("clear_output and nothing", "print('gone')\nclear_output()"),
    ("clear_output(wait)", "print('gone')\nclear_output(wait=True)\nprint('kept')"),
    ("clear_output(wait) and nothing", "print('kept')\nclear_output(wait=True)"),
    ("a display to update", "handle = display('old', display_id='here')"),
    ("an update of an earlier cell's display", "handle.update('new')\nprint('updated')"),
    ("a display of the same id", "display('newer', display_id='here')\ndisplay('other')"),
    (
        "an update in the same cell",
        "h = display('1', display_id=True)\nh.update('2')\nh.update('3')",
    ),
    (
        "an update of what was cleared",
        "h = display('1', display_id=True)\nclear_output()\nh.update('2')\nprint('end')",
    ),
    ("an error", "print('before')\n1 / 0"),
    ("a syntax error", "this is no python"),
    ("an exit status", "import sys\nsys.exit(3)"),
    ("an Output widget", "import ipywidgets\no = ipywidgets.Output()\nwith o:\n    print('in o')"),
    ("what the kernel then knows", "print(o.outputs)"),
    (
        "an Output widget, streams joined and a display",
        "with o:\n    for x in 'ab':\n        print(x, flush=True)\n    display(1)\nprint('out')",
    ),
    ("and then", "print(o.outputs)"),
    ("an Output widget cleared", "with o:\n    print('x')\n    clear_output()\n    print('y')"),
    ("and then too", "print(o.outputs)"),
    (
        "an Output widget cleared later",
        "with o:\n    print('x')\n    clear_output(wait=True)\n    print('z')",
    ),
    ("and at last", "print(o.outputs)"),
    ("Output widgets nested", "p = ipywidgets.Output()\nwith o:\n    with p:\n        print('p')"),
    ("both know", "print(o.outputs, p.outputs)"),
    ("an error in an Output widget", "with o:\n    1 / 0"),
    ("a subprocess", "!echo from a shell"),
    ("a magic", "%%capture said\nprint('captured')"),
    ("its text", "said.stdout"),
    ("nothing", "pass"),
    ("an await", "import asyncio\nawait asyncio.sleep(0, 'awaited')"),
]


def joined(outputs):
    told = []
    for output in outputs:
        follows = told and output["output_type"] == told[-1]["output_type"] == "stream"
        if follows and output["name"] == told[-1]["name"]:
            told[-1] = {**told[-1], "text": told[-1]["text"] + output["text"]}
        else:
            told.append(dict(output))
    return told


def without_chance(outputs):
    """Process ids in the names of a traceback's cells are no difference."""
    shown = re.sub(r"ipykernel_\d+[/\\]\d+", "cell", json.dumps(outputs, sort_keys=True))
    return json.loads(shown)


async def by_nbclient(folder):
    cells = [nbformat.v4.new_code_cell(source) for _, source in CASES]
    notebook = nbformat.v4.new_notebook(cells=cells)
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook, kernel_name="python3", allow_errors=True, timeout=10, resources=resources
    )
    return (await client.async_execute()).cells


async def by_us(runs):
    await runs.open()
    told, counts = {}, {}
    for name, source in CASES:
        outcome = await runs.execute(source, step=name)
        assert not outcome.lost
        told |= outcome.amended
        told[StepId(name)] = outcome.outputs
        counts[name] = outcome.execution_count
    return told, counts


async def test_outputs_and_counts_are_those_of_nbclient(runs, tmp_path):
    theirs = await by_nbclient(tmp_path)
    ours, counts = await by_us(runs)
    for (name, _), cell in zip(CASES, theirs, strict=True):
        assert without_chance(ours[name]) == without_chance(joined(cell.outputs)), name
        assert counts[name] == cell.execution_count, name


async def test_widget_states_are_those_of_nbclient(runs):
    source = (
        "import ipywidgets\n"
        "slider = ipywidgets.IntSlider(3)\n"
        "image = ipywidgets.Image(value=b'\\x00\\xff', format='png')\n"
        "box = ipywidgets.VBox([slider, image])\n"
        "slider.value = 4\n"
        "box"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    theirs = (await NotebookClient(notebook, kernel_name="python3").async_execute()).metadata
    await runs.open()
    ours = (await runs.execute(source)).widgets
    assert states_of(ours) == states_of(theirs["widgets"])
    assert (await runs.execute("pass", step="b")).widgets is None


def states_of(widgets):
    """States without the ids that chance has given."""
    (told,) = widgets.values()
    return sorted(
        re.sub(r"IPY_MODEL_\w+", "IPY_MODEL", repr(sorted(model.items())))
        for model in told["state"].values()
    )
