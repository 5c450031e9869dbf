"""What the kernel keeps for a checkpoint: names that tagged cells bound, visitors, who it is."""

import pytest

ASK = (
    "import json, jupyter_flows.client.flows as asked_\n"
    "sorted(map(list, asked_._flow.replayed.items()))"
)


async def replayed(runs):
    return dict((await runs.execute(ASK, step="ask")).result)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("con = object()", ["con"]),
        ("x = 1\nx = 2; del x; y = 3", ["y"]),
        ("import os.path, json as j", ["j", "os"]),
        ("def f(): inner = 1\nclass C: attribute = 2", ["C", "f"]),
        ("for i in range(3): last = i", ["i", "last"]),
        ("[found := n for n in range(3)]; None", ["found"]),
        ("%time x = object()", ["x"]),
        ("globals()['odd'] = object(); None", ["odd"]),
        ("import asyncio\nx = await asyncio.sleep(0, object())", ["asyncio", "x"]),
        ("try:\n    a = 1\n    1 / 0\nexcept ZeroDivisionError as e:\n    b = 2", ["a", "b"]),
        ("41", []),
        ("", []),
    ],
)
async def test_the_names_that_a_cell_tagged_replay_bound_are_known(runs, source, names):
    await runs.open()
    outcome = await runs.execute(source, step="a", replay=True)
    assert outcome.error is None
    found = await replayed(runs)
    assert sorted(found.get("a", [])) == names


async def test_a_name_that_is_bound_to_the_same_object_again_counts(runs):
    await runs.open()
    await runs.execute("import os; shared = os", step="before")
    await runs.execute("shared = os", step="a", replay=True)
    assert await replayed(runs) == {"a": ["shared"]}


async def test_a_name_that_another_cell_has_bound_since_is_none_of_the_tagged_cells(runs):
    await runs.open()
    await runs.execute("con = object(); rows = [1]", step="a", replay=True)
    await runs.execute("rows = [1, 2]", step="b")
    assert await replayed(runs) == {"a": ["con"]}


async def test_what_lost_its_name_is_not_kept_alive(runs):
    await runs.open()
    source = "import weakref\nclass Big: pass\nbig = Big(); alive = weakref.ref(big)"
    await runs.execute(source, step="a", replay=True)
    await runs.execute("big = None", step="b")
    assert (await runs.execute("alive() is None", step="c")).result is True


async def test_cells_without_the_tag_are_not_noted(runs):
    await runs.open()
    await runs.execute("x = object()", step="a")
    assert await replayed(runs) == {}


async def test_a_tagged_cell_that_failed_has_made_nothing(runs):
    await runs.open()
    await runs.execute("x = object()\n1 / 0", step="a", replay=True)
    await runs.execute("y = object()\n1 / 0", step="b", replay=True, raises=True)
    assert await replayed(runs) == {"b": ["y"]}
