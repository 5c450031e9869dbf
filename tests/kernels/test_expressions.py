"""Expressions of a flow's options, evaluated in a real kernel while no cell runs."""

import asyncio

import pytest

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import RunId
from jupyter_flows.ports import Expression

RUN = RunId("run")


@pytest.fixture
def runs(make_runs, jp_asyncio_loop):
    runs = make_runs()
    jp_asyncio_loop.run_until_complete(runs.open())
    return runs


async def evaluated(runs, expr, **more):
    return await runs.kernels.evaluate(RUN, Expression(expr=expr, **more))


async def test_an_expression_sees_the_notebooks_names_and_its_own(runs):
    await runs.execute("x = 3")
    found = await evaluated(runs, "[x + n for n in more]", names={"more": [1, 2]})
    assert (found.truth, found.value, found.error) == (True, [4, 5], None)
    found = await evaluated(runs, " not x ")
    assert (found.truth, found.value) == (False, False)
    found = await evaluated(runs, "'more' in globals()")
    assert found.value is False
    assert (await runs.execute("'more' in globals()")).result is False


async def test_bindings_of_an_expression_stay_bound_for_the_cells_behind_it(runs):
    """G20, G22"""
    found = await evaluated(runs, "resume['n'] == 1", bindings={"resume": {"n": 1}})
    assert found.truth
    assert (await runs.execute("resume", bindings={"resume": {"n": 1}})).result == {"n": 1}


@pytest.mark.parametrize(
    ("expr", "name", "message"),
    [
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ("nowhere", "NameError", "name 'nowhere' is not defined"),
        ("1 +", "SyntaxError", "invalid syntax"),
        ("(_ for _ in ()).throw(KeyboardInterrupt('x'))", "KeyboardInterrupt", "x"),
        ("__import__('sys').exit(3)", "SystemExit", "3"),
    ],
)
async def test_what_an_expression_raises_is_told_and_the_kernel_lives_on(runs, expr, name, message):
    found = await evaluated(runs, expr)
    assert found.error.name == name
    assert message in found.error.message
    assert (await runs.execute("1 + 1")).result == 2


async def test_a_value_that_is_no_json_has_its_truth_and_no_value(runs):
    found = await evaluated(runs, "object()")
    assert (found.truth, found.value, found.error) == (True, None, None)


async def test_an_expression_that_takes_too_long_is_interrupted(runs):
    found = await evaluated(runs, "__import__('time').sleep(60)", timeout=0.3)
    assert found.error.name == "TimedOut"
    assert (await runs.execute("1 + 1")).result == 2


async def test_a_kernel_that_dies_of_an_expression_is_lost(runs):
    found = await evaluated(runs, "__import__('os')._exit(1)")
    assert found.error.name == "KernelDied"
    assert not runs.kernels.holds(RUN)
    with pytest.raises(KernelUnavailable):
        await evaluated(runs, "1")


async def test_an_expression_is_refused_while_a_cell_runs(runs):
    cell = asyncio.create_task(runs.execute("input_ = None\nimport time; time.sleep(1)"))
    await asyncio.sleep(0)
    with pytest.raises(KernelUnavailable, match="busy"):
        await evaluated(runs, "1")
    await cell


async def test_an_expression_waits_for_another_no_longer_than_it_may_take(runs):
    """As a vote's check behind a form, while the kernel's user runs a cell."""
    first = asyncio.create_task(evaluated(runs, "__import__('time').sleep(60)", timeout=2.0))
    await asyncio.sleep(0)
    with pytest.raises(KernelUnavailable, match="busy"):
        await evaluated(runs, "1", timeout=0.2)
    assert not first.done()
    assert (await first).error.name == "TimedOut"
    assert (await evaluated(runs, "1")).value == 1


async def test_what_an_expression_prints_belongs_to_no_cell(runs):
    before = await runs.execute("print('cell')", step="a")
    await evaluated(runs, "print('expression')")
    after = await runs.execute("print('next')", step="b")
    assert [o["text"] for o in before.outputs] == ["cell\n"]
    assert [o["text"] for o in after.outputs] == ["next\n"]


async def test_a_cell_that_may_fail_leaves_its_error_as_its_result(runs):
    """G83"""
    await runs.execute("1 / 0", step="bad", goes_on=True)
    found = await runs.execute("previous_result, results['bad']", step="next")
    error = {"error": {"name": "ZeroDivisionError", "message": "division by zero"}}
    assert found.result == [error, error]
