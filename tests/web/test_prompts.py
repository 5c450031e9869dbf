"""The form in the notebook: real kernels, and a second client of theirs that clicks."""

# ruff: noqa: PLR0917 (fixtures are asked for by name)

import ast
import asyncio
import getpass
import json
import os
import shutil
import signal
from itertools import count

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from msgspec.structs import replace

from jupyter_flows.client import prompt as client
from jupyter_flows.core.errors import AlreadyVoted, ReasonRequired
from jupyter_flows.core.model import Voter
from jupyter_flows.engine.board import WIDGET_VIEW
from jupyter_flows.web import prompt
from jupyter_flows.web.answer import answered
from jupyter_flows.web.posted import Posted

BOTH = "dict(resume='http://r', cancel='http://c')"
BASH = KernelSpecManager().find_kernel_specs().get("bash")
LIMIT = {"limit": {"type": "integer", "maximum": 9}}
NAMES = {"names": {"type": "array", "items": {"type": "string"}}}
GATE = {"resume_form": {"schema": {"properties": LIMIT, "required": ["limit"]}}}
ROWS = {"resume_form": {"schema": {"properties": {**LIMIT, **NAMES}}}}


WALK = (
    "lambda walk, w: [[w.model_id, getattr(w, 'description', ''), str(getattr(w, 'value', '')),"
    " getattr(w, 'disabled', None)]]"
    " + [each for inner in getattr(w, 'children', ()) for each in walk(walk, inner)]"
)
"""All widgets: the id, the label, the value as text, and whether it takes nothing."""


class Front:
    """Another client of the run's kernel, as a front end is one."""

    def __init__(self, kernel_client):
        self.client = kernel_client
        self.session = kernel_client.session.session
        self._numbers = count()

    async def asks(self, expression):
        """What an expression comes to in the kernel."""
        name = f"x{next(self._numbers)}"
        asked = self.client.execute(
            "", silent=True, user_expressions={name: f"__import__('json').dumps({expression})"}
        )
        while True:
            reply = await self.client.get_shell_msg(timeout=30)
            if reply["parent_header"].get("msg_id") == asked:
                found = reply["content"]["user_expressions"][name]
                assert found["status"] == "ok", found
                return json.loads(ast.literal_eval(found["data"]["text/plain"]))

    async def form(self, gate):
        """The ids of the form's widgets, by what stands on them."""
        form = f"__import__('sys').modules[{client.__name__!r}]._FORMS[{gate!r}]"
        walk = f"(lambda walk: walk(walk, {form}.root))({WALK})"
        return [Widget(*each) for each in await self.asks(walk)]

    async def widget(self, gate, label):
        return next(w for w in await self.form(gate) if w.label.startswith(label))

    async def words(self, gate):
        return " ".join(w.value for w in await self.form(gate))

    async def type(self, gate, label, value):
        found = await self.widget(gate, label)
        state = {"method": "update", "state": {"value": value}, "buffer_paths": []}
        self._send(found.id, state)

    async def click(self, gate, label):
        found = await self.widget(gate, label)
        self._send(found.id, {"method": "custom", "content": {"event": "click"}})

    def says(self, data):
        """Code in the notebook that sends a word of its own."""
        code = (
            "import comm\n_c = comm.create_comm(target_name='jupyter_flows', primary=False,"
            f" comm_id='jupyter_flows')\n_c.send({data!r})"
        )
        self.client.execute(code, silent=True)

    def _send(self, comm, data):
        content = {"comm_id": comm, "data": data}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", content))


class Widget:
    def __init__(self, model, label, value, disabled):
        self.id, self.label, self.value, self.disabled = model, label, value, disabled


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(prompt, "PAUSE", 0.0)


@pytest.fixture
def front(engine, jp_serverapp):
    """`await front(run)` is another client of the run's kernel."""
    made = []

    async def front(run):
        manager = jp_serverapp.kernel_manager.get_kernel(engine.boards.kernel_of(run))
        kernel_client = manager.client()
        kernel_client.start_channels()
        made.append(kernel_client)
        await kernel_client.wait_for_ready(timeout=60)
        return Front(kernel_client)

    yield front
    for each in made:
        each.stop_channels()


@pytest.fixture
def doors(jp_serverapp):
    """What the handlers share."""
    rules = list(jp_serverapp.web_app.default_router.rules)
    for rule in rules:
        rules += getattr(rule.target, "rules", ())
        if "doors" in (rule.target_kwargs or {}):
            return rule.target_kwargs["doors"]
    return None


@pytest.fixture
def asked(call, reached, make_notebook, engine):
    """`await asked(gate)` is a run that waits at such a gate."""

    async def asked(suspend=None, *, source=BOTH, then="resume", **more):
        flow = {"id": "ask", "suspend": {} if suspend is None else suspend}
        notebook = make_notebook((source, [], flow), then, **more)
        started = await call("POST", "api/runs", {"notebook": notebook})
        run = await reached(started.json["id"], "suspended", "failed", "interrupted")
        assert run.status == "suspended", run.error
        return f"{run.id}.ask.1", run.id

    return asked


@pytest.fixture
def until(engine):
    """Wait until something is so; it is looked at whenever a run's board changes, or soon."""

    async def until(is_so):
        async with asyncio.timeout(30):
            while not (found := await is_so()):
                await asyncio.sleep(0.02)
        return found

    return until


async def record_of(engine, run, cell="c0"):
    shown = (await engine.boards.board(run)).cells()[cell]
    return shown.outputs[-1]["data"]


@pytest.fixture
def formed(engine, until):
    """Wait until the gate's record has the form."""

    async def formed(run):
        async def has_view():
            return (await record_of(engine, run)).get(WIDGET_VIEW)

        return await until(has_view)

    return formed


# ---------------------------------------------------------------- clicks


async def test_an_answer_in_the_notebook_is_a_claim_and_the_flow_goes_on(
    asked, formed, front, reached, engine
):
    """G21, G50, G51."""
    gate, run = await asked(GATE)
    view = await formed(run)
    notebook = await front(run)
    assert view["model_id"] in {w.id for w in await notebook.form(gate)}
    await notebook.type(gate, "limit", "3")
    await notebook.click(gate, "Approve")
    ended = await reached(run, "succeeded", "failed")
    assert ended.result == {"limit": 3}
    (vote,) = ended.gates["ask", 1].votes
    assert (vote.voter.name, vote.voter.verified, vote.voter.route) == (
        ended.owner,
        False,
        "kernel",
    )
    data = await record_of(engine, run)
    assert WIDGET_VIEW not in data
    assert f"Approved by {ended.owner} (in the notebook, not verified)" in data["text/plain"]


async def test_what_is_wrong_stands_in_the_form_and_is_no_vote(
    asked, formed, front, reached, until, engine
):
    """G62"""
    gate, run = await asked(GATE)
    await formed(run)
    notebook = await front(run)
    await notebook.type(gate, "limit", "30")
    await notebook.click(gate, "Approve")

    async def said():
        return "must be at most 9" in await notebook.words(gate)

    await until(said)
    assert not (await engine.run(run)).gates["ask", 1].votes
    assert (await notebook.widget(gate, "limit")).value == "30"
    assert (await notebook.widget(gate, "Approve")).disabled is False
    await notebook.type(gate, "limit", "9")
    await notebook.click(gate, "Approve")
    assert (await reached(run, "succeeded", "failed")).result == {"limit": 9}


async def test_rows_are_added_in_the_form(asked, formed, front, reached, until):
    gate, run = await asked(ROWS)
    await formed(run)
    notebook = await front(run)
    await notebook.type(gate, "limit", "1")
    await notebook.click(gate, "Add to names")

    async def has_row():
        return any(w.label.startswith("names 1") for w in await notebook.form(gate))

    await until(has_row)
    await notebook.type(gate, "names 1", "ann")
    await notebook.click(gate, "Approve")
    ended = await reached(run, "succeeded", "failed")
    assert ended.result == {"limit": 1, "names": ["ann"]}


async def test_a_rejection_in_the_notebook_has_its_reason(asked, formed, front, reached, until):
    gate, run = await asked({"require_reason": True})
    await formed(run)
    notebook = await front(run)
    await notebook.click(gate, "Reject")

    async def said():
        return "needs a reason" in await notebook.words(gate)

    await until(said)
    await notebook.type(gate, "Reason", "too early")
    await notebook.click(gate, "Reject")
    ended = await reached(run, "failed")
    assert ended.gates["ask", 1].votes[0].reason == "too early"


async def test_a_browser_that_is_connected_brings_its_answer_itself(
    asked, formed, front, doors, call, reached, engine
):
    """G41: with its login, and so the vote is verified."""
    gate, run = await asked(GATE)
    await formed(run)
    notebook = await front(run)
    doors.clients.enter(notebook.session, Voter(getpass.getuser(), verified=True, route="rest"))
    await notebook.type(gate, "limit", "3")
    await notebook.click(gate, "Approve")
    body = {"approved": True, "entries": {"f/limit": ["30"]}, "inline": True}
    refused = await call("POST", f"api/runs/{run}/gates/{gate}/votes", body)
    assert refused.status == 422
    assert refused.json["errors"] == [{"where": "limit", "message": "must be at most 9; it is 30"}]
    assert not (await engine.run(run)).gates["ask", 1].votes
    body["entries"] = {"f/limit": ["4"]}
    assert (await call("POST", f"api/runs/{run}/gates/{gate}/votes", body)).status == 201
    ended = await reached(run, "succeeded")
    assert ended.result == {"limit": 4}
    (vote,) = ended.gates["ask", 1].votes
    assert (vote.voter.verified, vote.voter.route) == (True, "notebook")


async def test_who_may_not_vote_can_not_have_anothers_words_passed_over(
    asked, formed, front, doors, reached, engine, until
):
    """A session is named by whoever likes. A claim counts not here; its refusal is seen."""
    gate, run = await asked({"user_groups_required": ["board"]})
    await formed(run)
    notebook = await front(run)
    doors.clients.enter(notebook.session, Voter("mallory", verified=True, route="rest"))
    await notebook.click(gate, "Approve")

    async def said():
        return "not counted" in await notebook.words(gate)

    await until(said)


async def test_what_is_wrong_with_a_browsers_answer_is_shown_in_the_form(
    asked, formed, front, call, until
):
    gate, run = await asked(GATE)
    await formed(run)
    notebook = await front(run)
    body = {"approved": True, "entries": {"f/limit": ["x"]}, "inline": True}
    assert (await call("POST", f"api/runs/{run}/gates/{gate}/votes", body)).status == 422

    async def said():
        return "must be a whole number" in await notebook.words(gate)

    await until(said)


async def test_the_form_says_a_refusal_to_its_owner_and_to_nobody_else(
    asked, formed, front, call, until, become, doors
):
    gate, run = await asked({"user_groups_required": ["board"]})
    await formed(run)
    notebook = await front(run)
    body = {"approved": True, "entries": {}, "inline": True}
    owner = getpass.getuser()
    become("mallory")
    assert (await call("POST", f"api/runs/{run}/gates/{gate}/votes", body)).status == 403
    if errands := doors.prompts._forms[run].errands:
        await asyncio.wait(errands)
    assert "not counted" not in await notebook.words(gate)
    become(owner)
    assert (await call("POST", f"api/runs/{run}/gates/{gate}/votes", body)).status == 403

    async def said():
        return "not counted. Only members of" in await notebook.words(gate)

    await until(said)


async def test_a_form_that_is_busy_is_told_no_more_than_a_person_could_say(
    asked, formed, front, doors, until, anyone, call
):
    """And what is new of its gate is told nevertheless."""
    gate, run = await asked({"required_events": 2})
    await formed(run)
    body = {"run": run, "gate": "ask", "approver": "bob"}
    minted = (await call("POST", "api/links", body)).json["resume"]
    form = doors.prompts._forms[run]
    async with form.turn:
        for _ in range(100):
            doors.prompts.refused(run, gate, answered(None, Posted({})), AlreadyVoted())
        assert len(form.errands) == prompt.MOST_WAITING
        assert (await anyone("POST", minted, {})).status == 201
    notebook = await front(run)

    async def seen():
        return "Approved by bob" in await notebook.words(gate)

    await until(seen)


async def test_a_vote_has_a_payload_or_entries(park):
    """G61"""
    run = await park(GATE)
    path = f"api/runs/{run.id}/gates/ask/votes"
    both = {"approved": True, "payload": {"limit": 1}, "entries": {"f/limit": ["1"]}}
    assert (await run.call("POST", path, both)).status == 400
    wrong = await run.call("POST", path, {"approved": True, "entries": {"f/limit": ["many"]}})
    assert wrong.status == 422
    assert [each["where"] for each in wrong.json["errors"]] == ["limit"]
    sent = {"approved": True, "entries": {"f/limit": ["7"]}}
    assert (await run.call("POST", path, sent)).status == 201
    assert (await run.settled(run.id)).result == {"limit": 7}


# ---------------------------------------------------------------- following the gate


async def test_an_answer_to_what_was_shown_before_is_not_counted(
    asked, formed, front, call, until, engine, reached
):
    """G70"""
    gate, run = await asked(GATE)
    await formed(run)
    notebook = await front(run)
    entries = {"f/limit": ["3"]}
    answer = {"kind": "answer", "gate": gate, "approved": True, "entries": entries}
    notebook.says({**answer, "digest": "sha256:old"})

    async def said():
        return prompt.CHANGED in await notebook.words(gate)

    await until(said)
    assert not (await engine.run(run)).gates["ask", 1].votes
    await notebook.type(gate, "limit", "3")
    await notebook.click(gate, "Approve")
    assert (await reached(run, "succeeded", "failed")).result == {"limit": 3}


async def test_others_votes_are_seen_and_the_form_is_locked_when_the_gate_closes(
    asked, formed, front, call, anyone, reached, until, engine
):
    """G51"""
    gate, run = await asked({"required_events": 2}, then="import sys; locked = True")
    await formed(run)
    notebook = await front(run)
    minted = []
    for name in ("bob", "eve"):
        body = {"run": run, "gate": "ask", "approver": name}
        minted.append((await call("POST", "api/links", body)).json["resume"])
    view = f"__import__('sys').modules[{client.__name__!r}]._FORMS[{gate!r}].root.model_id"
    root = await notebook.asks(view)
    assert (await anyone("POST", minted[0], {})).status == 201

    async def seen():
        return "Approved by bob (by a link, not verified)" in await notebook.words(gate)

    await until(seen)
    assert (await anyone("POST", minted[1], {})).status == 201
    await reached(run, "succeeded", "failed")
    data = await record_of(engine, run)
    assert WIDGET_VIEW not in data
    assert root


async def test_a_form_is_locked_before_the_next_cell_runs(asked, formed, call, reached):
    """What the next cell sees of it: nothing to press, and who has approved."""
    sees = (
        "import gc, ipywidgets\n"
        "[[w.description for w in ipywidgets.widgets.widget._instances.values()"
        " if isinstance(w, ipywidgets.Button)],"
        " [w.value for w in ipywidgets.widgets.widget._instances.values()"
        " if isinstance(w, ipywidgets.HTML)]]"
    )
    gate, run = await asked(GATE, then=sees)
    await formed(run)
    body = {"approved": True, "payload": {"limit": 2}}
    assert (await call("POST", f"api/runs/{run}/gates/{gate}/votes", body)).status == 201
    ended = await reached(run, "succeeded", "failed")
    buttons, texts = ended.result
    assert buttons == []
    assert len(texts) == 1
    assert f"Approved by {ended.owner} (logged in)" in texts[0]


async def test_what_is_typed_into_the_form_is_kept_nowhere(
    asked, formed, front, call, reached, engine
):
    gate, run = await asked(GATE, then="import ipywidgets; ipywidgets.IntSlider()")
    await formed(run)
    notebook = await front(run)
    await notebook.type(gate, "limit", "31415926")
    await notebook.form(gate)
    body = {"approved": True, "payload": {"limit": 2}}
    await call("POST", f"api/runs/{run}/gates/{gate}/votes", body)
    await reached(run, "succeeded", "failed")
    saved = (await call("GET", f"api/runs/{run}/notebook")).json
    models = saved["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert "IntSliderModel" in {each["model_name"] for each in models.values()}
    assert "31415926" not in json.dumps(saved)
    assert "ButtonModel" not in {each["model_name"] for each in models.values()}


async def test_outputs_that_change_are_to_be_looked_at_again(asked, formed, front, until):
    """G70"""
    later = f"from IPython.display import display\nhandle = display('one', display_id=True)\n{BOTH}"
    gate, run = await asked(source=later)
    await formed(run)
    notebook = await front(run)
    notebook.client.execute("handle.update('two')", silent=False)

    async def said():
        return prompt.CHANGED in await notebook.words(gate)

    await until(said)


async def test_a_refusal_does_not_hide_that_the_outputs_have_changed(
    asked, formed, front, doors, until
):
    """G70"""
    later = f"from IPython.display import display\nhandle = display('one', display_id=True)\n{BOTH}"
    gate, run = await asked({"require_reason": True}, source=later)
    await formed(run)
    notebook = await front(run)
    form = doors.prompts._forms[run]
    async with form.turn:
        refusal = ReasonRequired("It needs a reason.")
        doors.prompts.refused(run, gate, answered(None, Posted({})), refusal)
        notebook.client.execute("handle.update('two')", silent=False)

        async def has_news():
            return form.has_news

        await until(has_news)

    async def said():
        return f"It needs a reason. {prompt.CHANGED}" in await notebook.words(gate)

    await until(said)


# ---------------------------------------------------------------- where there is none


@pytest.fixture
def bash(jp_environ, jp_env_jupyter_path):
    """The bash kernel, where the tests' own Jupyter looks for kernels."""
    if BASH is None:
        pytest.skip("no bash kernel: python -m bash_kernel.install --sys-prefix")
    shutil.copytree(BASH, jp_env_jupyter_path / "kernels" / "bash")


async def no_form(engine, doors, run):
    """Everything that was begun for the run's form has ended, and there is none."""
    form = doors.prompts._forms.get(run)
    while form is not None and form.errands:
        await asyncio.wait(form.errands)
    assert run not in doors.prompts._forms
    data = await record_of(engine, run)
    assert WIDGET_VIEW not in data
    return data


async def test_a_gate_that_is_not_the_owners_to_answer_has_no_form(asked, engine, doors):
    """G42"""
    _, run = await asked({"self_approval_disabled": True})
    data = await no_form(engine, doors, run)
    assert "but not from" in data["text/plain"]


async def test_a_gate_that_is_no_prompt_has_no_form(asked, engine, doors):
    """G50"""
    _, run = await asked(source="'go?'")
    assert "Awaited from" in (await no_form(engine, doors, run))["text/plain"]


async def test_a_kernel_of_another_language_is_left_alone(
    bash, call, doors, engine, make_notebook, reached
):
    """It has no results either, and so no prompts: here it is made one by hand."""
    notebook = make_notebook(("echo hi", ["suspend"]), "echo ho", kernel="bash", language="bash")
    run = (await call("POST", "api/runs", {"notebook": notebook})).json["id"]
    state = await reached(run, "suspended")
    gate = replace(state.open_gate, prompt=True)
    doors.prompts._opened(replace(state, gates={(gate.step, gate.generation): gate}))
    assert run in doors.prompts._forms
    await no_form(engine, doors, run)


async def test_a_gate_that_is_answered_at_once_costs_its_kernel_no_form(
    asked, call, reached, monkeypatch
):
    monkeypatch.setattr(prompt, "PAUSE", 60.0)
    sees = f"import sys; {client.__name__!r} in sys.modules"
    gate, run = await asked(then=sees)
    await call("POST", f"api/runs/{run}/gates/{gate}/votes", {"approved": True})
    assert (await reached(run, "succeeded", "failed")).result is False


async def test_without_ipywidgets_the_record_stands_alone(asked, engine, doors, call, reached):
    hides = f"import sys\nsys.modules['ipywidgets'] = None\n{BOTH}"
    gate, run = await asked(source=hides)
    await no_form(engine, doors, run)
    await call("POST", f"api/runs/{run}/gates/{gate}/votes", {"approved": True})
    assert (await reached(run, "succeeded", "failed")).status == "succeeded"


async def test_a_kernel_without_our_package_is_sent_the_form_as_text(asked, formed, front, reached):
    hides = (
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'jupyter_flows.client.prompt': raise ImportError(name)\n"
        f"sys.meta_path.insert(0, Hide())\n{BOTH}"
    )
    gate, run = await asked(GATE, source=hides)
    await formed(run)
    notebook = await front(run)
    file = f"__import__('sys').modules[{client.__name__!r}].__file__"
    assert await notebook.asks(file) == "<jupyter_flows.client.prompt>"
    await notebook.type(gate, "limit", "3")
    await notebook.click(gate, "Approve")
    assert (await reached(run, "succeeded", "failed")).result == {"limit": 3}


async def test_a_lost_kernel_takes_its_form_along(asked, formed, engine, jp_serverapp, until):
    _, run = await asked()
    await formed(run)
    kernel = jp_serverapp.kernel_manager.get_kernel(engine.boards.kernel_of(run))
    os.kill(kernel.provisioner.pid, signal.SIGKILL)

    async def gone():
        return WIDGET_VIEW not in await record_of(engine, run)

    await until(gone)


# ---------------------------------------------------------------- words that nobody should say


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "answer", "gate": "run_other.ask.1", "approved": True, "entries": {}},
        {"kind": "answer", "gate": "GATE", "approved": "yes", "entries": {}},
        {"kind": "answer", "gate": "GATE", "approved": True, "entries": {"f": "x"}},
        {"kind": "rows", "gate": "GATE", "what": "add", "name": "f/none", "entries": {}},
        {"kind": "other", "gate": "GATE"},
        {},
        [1],
    ],
)
async def test_a_word_that_has_no_meaning_is_passed_over(
    asked, formed, front, reached, engine, data
):
    gate, run = await asked(GATE)
    await formed(run)
    notebook = await front(run)
    if "gate" in data:
        data = {**data, "gate": data["gate"].replace("GATE", gate)}
    notebook.says(data)
    await notebook.asks("1")
    assert not (await engine.run(run)).gates["ask", 1].votes
    await notebook.type(gate, "limit", "3")
    await notebook.click(gate, "Approve")
    ended = await reached(run, "succeeded", "failed")
    assert ended.result == {"limit": 3}
    assert len(ended.gates["ask", 1].votes) == 1


async def test_a_kernel_that_chats_fills_neither_the_memory_nor_the_log(
    asked, formed, doors, caplog
):
    gate, run = await asked()
    await formed(run)
    form = doors.prompts._forms[run]
    word = {"kind": "answer", "approved": False, "entries": {}}
    caplog.clear()
    for _ in range(1000):
        doors.prompts._heard(run, {**word, "gate": gate}, "s")
        doors.prompts._heard(run, {**word, "gate": "two\nlines" * 1000}, "s")
        doors.prompts._heard(run, {"kind": "two\nlines" * 1000}, "s")
    assert len(form.votes) == prompt.MOST_WAITING
    (said,) = [r.getMessage() for r in caplog.records if "its kernel" in r.getMessage()]
    assert "\n" not in said
    assert len(said) < 200


async def test_code_that_speaks_for_another_runs_gate_is_not_heard(
    asked, formed, front, engine, reached
):
    gate, run = await asked()
    other_gate, other = await asked()
    await formed(run)
    await formed(other)
    notebook = await front(run)
    answer = {"kind": "answer", "approved": True, "entries": {}}
    notebook.says({**answer, "gate": other_gate})
    notebook.says({**answer, "gate": gate})
    await reached(run, "succeeded", "failed")
    assert not (await engine.run(other)).gates["ask", 1].votes


# ---------------------------------------------------------------- other clients


async def test_a_kernel_that_is_slow_to_make_the_form_is_no_fault_of_the_servers(
    asked, call, reached, until, monkeypatch, caplog, tmp_path
):
    """As where its first form has it import much."""
    monkeypatch.setattr(prompt, "LOCK_SECONDS", 0.1)
    entered, flag = tmp_path / "entered", tmp_path / "made"
    slow = (
        "import os, sys, time\n"
        "class Slow:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'jupyter_flows.client.prompt':\n"
        f"            open({str(entered)!r}, 'w').close()\n"
        f"            while not os.path.exists({str(flag)!r}): time.sleep(0.02)\n"
        f"sys.meta_path.insert(0, Slow())\n{BOTH}"
    )
    gate, run = await asked(source=slow)

    async def begun():
        return entered.exists()

    await until(begun)
    await call("POST", f"api/runs/{run}/gates/{gate}/votes", {"approved": True})

    async def goes_on():
        return "it goes on before its form" in caplog.text

    await until(goes_on)
    flag.touch()
    assert (await reached(run, "succeeded", "failed")).status == "succeeded"
    assert "without what was to be done before" not in caplog.text


async def test_a_finished_run_has_no_form_though_nobody_drives_it(
    asked, formed, engine, doors, until, call
):
    _, run = await asked()
    await formed(run)
    engine._driver.looks.clear()
    assert (await call("POST", f"api/runs/{run}/cancel", {})).status == 200

    async def forgotten():
        return run not in doors.prompts._forms

    await until(forgotten)


async def test_a_client_that_shows_what_others_ask_has_the_form_and_the_link(
    asked, engine, jp_serverapp, call, reached, until, make_notebook
):
    """As `jupyter console --existing` with its setting for others' output."""
    flow = {"id": "ask", "suspend": {}}
    notebook = make_notebook(("'first'", [], {"id": "first", "suspend": {}}), (BOTH, [], flow))
    run = (await call("POST", "api/runs", {"notebook": notebook})).json["id"]
    await reached(run, "suspended")
    manager = jp_serverapp.kernel_manager.get_kernel(engine.boards.kernel_of(run))
    console = manager.client()
    console.start_channels()
    try:
        await console.wait_for_ready(timeout=60)
        await call("POST", f"api/runs/{run}/gates/first/votes", {"approved": True})
        while True:
            message = await console.get_iopub_msg(timeout=30)
            if message["msg_type"] == "display_data":
                break
    finally:
        console.stop_channels()
    data = message["content"]["data"]
    assert WIDGET_VIEW in data
    gate = (await call("GET", f"api/runs/{run}")).json["gates"][1]
    assert gate["links"]["approvalPage"] in data["text/plain"]
    shown = (await engine.boards.board(run)).cells()["c1"]
    assert len(shown.outputs) == 1, "the record in the place of its result; no form beside it"
