"""What a cell sees of its flow, in a real kernel."""

import pytest

from jupyter_flows.client import flows
from jupyter_flows.core.model import StepId
from jupyter_flows.kernels import prelude
from jupyter_flows.kernels.session import Limits


def test_client_and_server_speak_the_same_protocol():
    assert flows.PROTOCOL == prelude.PROTOCOL


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("{'a': [1, 2.5, None, True, 'ü🎉']}", {"a": [1, 2.5, None, True, "ü🎉"]}),
        ("41;", 41),
        ("(1, 2)", [1, 2]),
        ("{1: 'a'}", {"1": "a"}),
        ("x = 1", None),
        ("None", None),
        ("", None),
        ("import numpy\nnumpy.int64(7)", 7),
        ("{'mean': numpy.float64(1.5), 'ok': numpy.bool_(True)}", {"mean": 1.5, "ok": True}),
        ("2 ** 70", 2**70),
        ("if True:\n    5", None),
        ("import asyncio\nawait asyncio.sleep(0, 'awaited')", "awaited"),
    ],
)
async def test_the_last_expression_is_the_result(runs, source, result):
    await runs.open()
    await runs.execute("import numpy", step="before")
    outcome = await runs.execute(source)
    assert (outcome.result, outcome.notice, outcome.error) == (result, None, None)


@pytest.mark.parametrize(
    ("source", "notice"),
    [
        ("object()", "of type object and no JSON value"),
        ("float('nan')", "no JSON value"),
        ("'\\ud800'", "no JSON value"),
        ("a = []; a.append(a); a", "no JSON value"),
        ("{(1, 2): 3}", "no JSON value"),
        ("import pandas\npandas.DataFrame({'a': range(1000)}).index", "of type RangeIndex"),
        ("'x' * 2000", "larger than 1,000 bytes"),
        ("[['x' * 100] * 5] * 5", "larger than 1,000 bytes"),
        ("type('Odd', (), {'__getattr__': lambda *a: 1 / 0})()", "of type Odd"),
    ],
)
async def test_what_is_no_result_gives_a_notice_and_no_failure(make_runs, source, notice):
    runs = make_runs(limits=Limits(max_result_bytes=1000))
    await runs.open()
    outcome = await runs.execute(source)
    assert outcome.error is None
    assert outcome.result is None
    assert notice in outcome.notice
    assert await runs.printed("print(results, previous_result)", step="b") == (
        "{'step': None} None\n"
    )


async def test_a_table_or_a_figure_is_no_result_and_no_word_is_made_of_it(runs):
    await runs.open()
    for source in (
        "import pandas\npandas.DataFrame({'a': [1]})",
        "from IPython.display import HTML\nHTML('x')",
    ):
        outcome = await runs.execute(source)
        assert (outcome.result, outcome.notice, outcome.error) == (None, None, None)
        assert await runs.printed("print(previous_result)", step="b") == "None\n"


async def test_the_result_adds_nothing_to_the_outputs(runs):
    await runs.open()
    shown = await runs.execute("'shown'")
    assert [o["output_type"] for o in shown.outputs] == ["execute_result"]
    assert (await runs.execute("'hidden';", step="b")).outputs == []
    assert await runs.printed("print(_, Out)", step="c") == "shown {1: 'shown'}\n"


async def test_results_and_the_previous_one_are_at_hand(runs):
    await runs.open()
    assert await runs.printed("print(results, previous_result)", step="a") == "{} None\n"
    await runs.execute("[1]", step="b")
    assert await runs.printed("print(results['b'], previous_result)", step="c") == "[1] [1]\n"
    assert await runs.printed("print(results, previous_result)", step="d") == (
        "{'a': None, 'b': [1], 'c': None} None\n"
    )


async def test_a_result_is_a_copy_of_what_the_cell_holds(runs):
    await runs.open()
    await runs.execute("mine = [1]; mine", step="a")
    await runs.execute("mine.append(2)", step="b")
    assert (await runs.execute("results['a']", step="c")).result == [1]


async def test_a_failed_cell_leaves_no_result_and_one_that_may_fail_leaves_null(runs):
    await runs.open()
    await runs.execute("1", step="a")
    await runs.execute("2\nraise ValueError", step="b")
    assert (await runs.execute("[results, previous_result]", step="c")).result == [{"a": 1}, 1]
    await runs.execute("3\nraise ValueError", step="d", raises=True)
    assert (await runs.execute("previous_result", step="e")).result is None


async def test_names_that_the_user_has_taken_are_the_users(runs):
    await runs.open()
    await runs.execute("results = 'mine'; previous_result = 'mine too'", step="a")
    said = await runs.execute("[results, previous_result]", step="b")
    assert said.result == ["mine", "mine too"]
    source = "import jupyter_flows as flows; flows.results['b'][0]"
    assert (await runs.execute(source, step="c")).result == "mine"


async def test_bindings_are_names_in_the_cell(runs):
    await runs.open()
    bound = {"flow_input": {"n": 1}, "resume": {"ok": True}, "resumes": [1], "approvers": ["bo"]}
    source = "[flow_input, resume, resumes, approvers]"
    outcome = await runs.execute(source, bindings=bound)
    assert outcome.result == [{"n": 1}, {"ok": True}, [1], ["bo"]]
    assert (await runs.execute(source, step="b", bindings=bound)).result == outcome.result
    changed = {**bound, "resume": 2}
    assert (await runs.execute("resume", step="c", bindings=changed)).result == 2


async def test_earlier_gates_are_asked_for_by_step_and_are_no_name(runs):
    await runs.open()
    bound = {"flow_input": {"n": 1}, "gates": {"ask": {"status": "approved"}}}
    source = "import jupyter_flows as flows\n[flows.gate('ask'), 'gates' in globals()]"
    assert (await runs.execute(source, bindings=bound)).result == [{"status": "approved"}, False]
    source = "[flows.flow_input, flows.run_id]"
    assert (await runs.execute(source, step="b")).result == [{"n": 1}, "run"]
    unknown = await runs.execute("flows.gate('other')", step="c")
    assert unknown.error.name == "FlowsClientError"


async def test_nothing_but_the_documented_names_is_bound(runs):
    await runs.open()
    outcome = await runs.execute(
        "sorted(n for n in globals() if not n.startswith('_'))", bindings={"flow_input": {}}
    )
    own = {"In", "Out", "exit", "quit", "get_ipython", "open"}
    assert set(outcome.result) - own == {"flow_input", "results", "previous_result"}


async def test_environment_names_run_step_and_attempt(runs):
    await runs.open()
    source = "import os; [os.environ['FLOWS_' + n] for n in ('RUN_ID', 'STEP_ID', 'ATTEMPT')]"
    assert (await runs.execute(source, attempt=3)).result == ["run", "step", "3"]


async def test_the_step_is_right_in_a_thread_and_in_a_task_of_an_earlier_cell(runs):
    await runs.open()
    source = (
        "import asyncio, threading\n"
        "from jupyter_flows.client import flows\n"
        "async def later():\n"
        "    await asyncio.sleep(0.05)\n"
        "    return flows._step()\n"
        "task = asyncio.get_running_loop().create_task(later())"
    )
    await runs.execute(source, step="a")
    source = (
        "told = []\n"
        "thread = threading.Thread(target=lambda: told.append(flows._step()))\n"
        "thread.start(); thread.join()\n"
        "[told[0], flows._step(), await task]"
    )
    assert (await runs.execute(source, step="b")).result == ["b", "b", "a"]


async def test_a_cell_that_runs_code_through_ipython_keeps_its_own_result(runs):
    await runs.open()
    source = "get_ipython().run_cell('1 / 0', silent=False)\nget_ipython().run_cell('5');\n'own'"
    assert (await runs.execute(source)).result == "own"
    assert (await runs.execute("%%time\n7", step="b")).error is None


async def test_resetting_the_namespace_does_not_lose_the_flow(runs):
    await runs.open()
    await runs.execute("%reset -f")
    assert (await runs.execute("6", step="b")).result == 6
    await runs.execute("del previous_result", step="c")
    assert (await runs.execute("8", step="d")).result == 8
    assert (await runs.execute("previous_result", step="e")).result == 8


async def test_the_client_works_from_its_source_text_where_the_package_is_missing(runs):
    hide = "import sys\nsys.modules['jupyter_flows'] = None\n"
    kernel_id = await runs.manager.start_kernel(kernel_name="python3")
    await runs.open("first", kernel_id=kernel_id)
    forget = (
        "for name in [n for n in sys.modules if n.startswith('jupyter_flows')]:\n"
        "    del sys.modules[name]\n"
    )
    await runs.execute("import sys\n" + forget + hide, run="first")
    await runs.kernels.close("first")
    await runs.open(kernel_id=kernel_id)
    source = "import jupyter_flows as flows, jupyter_flows.client.flows\nflows.__file__"
    assert (await runs.execute(source)).result == "<jupyter_flows.client.flows>"
    source = "%load_ext jupyter_flows\nflows.get_resume_urls()"
    failed = await runs.execute(source, step="b")
    assert failed.error.name == "FlowsClientError"
    assert "can't be reached" in failed.error.message
    results = (await runs.execute("results", step="c")).result
    assert results == {StepId("step"): "<jupyter_flows.client.flows>"}
    nowhere = "import os\nos.environ['FLOWS_URL'] = flows.NOWHERE\n"
    kept = (
        nowhere
        + "flows.progress(42)\nflows.state['n'] = 1\n[dict(flows.state), dict(flows.user_state)]"
    )
    assert (await runs.execute(kept, step="d")).result == [{"n": 1}, {}]


async def test_a_client_of_another_protocol_is_passed_over(runs):
    kernel_id = await runs.manager.start_kernel(kernel_name="python3")
    await runs.open("first", kernel_id=kernel_id)
    await runs.execute("import jupyter_flows.client.flows as f; f.PROTOCOL = 0", run="first")
    await runs.kernels.close("first")
    await runs.open(kernel_id=kernel_id)
    assert (await runs.execute("import jupyter_flows as f; f.PROTOCOL")).result == flows.PROTOCOL
