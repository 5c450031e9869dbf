"""A run waits in the notebook, and is answered there, by its own user or by somebody else."""

import getpass

import pytest

from tests.acceptance.conftest import ask

from .cells import AFTER, asks
from .conftest import both
from .opened import VOTE


@pytest.fixture
def waiting(opened):
    """Open a notebook, run it as a flow, and wait until it waits in its second cell."""

    def wait(*cells):
        seen = opened(*(cells or ("x = 1", asks(), AFTER)))
        seen.run_as_flow()
        seen.badge(1, "Waiting for approval")
        seen.shows(1, "look")
        return seen

    return wait


@both
def test_the_user_approves_in_the_notebook(waiting):
    seen = waiting()
    seen.shows(1, "Publish 406 rows?")
    seen.fill(1, "Limit", "7")
    seen.vote(1, "Approve")
    seen.shows(2, "limit 7")
    seen.badge(1, f"Approved by {getpass.getuser()}")
    seen.shows(1, f"Approved by {getpass.getuser()}")
    assert seen.votes(1).count() == 0
    (gate,) = seen.reached("succeeded", "failed")["gates"]
    (vote,) = gate["votes"]
    assert vote["approver"] == getpass.getuser()
    assert vote["verified"], "the browser sent it with the user's own cookies"
    seen.settled(1, "Approved by")
    assert seen.dialogs() == []
    assert seen.complaints() == []


@both
def test_somebody_else_approves_while_the_user_looks_on(waiting, browser):
    seen = waiting()
    seen.votes(1).first.wait_for()
    context = browser.new_context()
    page = context.new_page()
    page.goto(seen.elsewhere("c1", "bob@example.org")["approvalPage"])
    page.get_by_label("Limit").fill("9")
    page.get_by_role("button", name="Approve").click()
    context.close()
    seen.shows(2, "limit 9")
    seen.badge(1, "Approved by bob@example.org")
    seen.shows(1, "Approved by bob@example.org")
    assert seen.votes(1).count() == 0
    seen.settled(1, "Approved by bob@example.org")


def test_the_user_rejects_with_a_reason(waiting):
    seen = waiting()
    seen.fill(1, "Reason", "the figures are of last week")
    seen.vote(1, "Reject")
    seen.badge(1, f"Rejected by {getpass.getuser()}")
    seen.shows(1, "the figures are of last week")
    run = seen.reached("failed", "succeeded")
    assert run["status"] == "failed"
    assert run["error"]["reason"] == "the figures are of last week"
    assert seen.texts()[2] == ""


def test_a_field_that_is_wrong_says_so_beside_it_and_nothing_is_lost(waiting):
    seen = waiting()
    seen.fill(1, "Limit", "many")
    seen.vote(1, "Approve")
    seen.cell(1).get_by_text("must be a whole number").first.wait_for()
    assert seen.cell(1).get_by_label("Limit").input_value() == "many"
    assert seen.run()["gates"][0]["votes"] == []
    seen.fill(1, "Limit", "8")
    seen.vote(1, "Approve")
    seen.shows(2, "limit 8")
    (gate,) = seen.reached("succeeded", "failed")["gates"]
    assert gate["votes"][0]["verified"]


@both
def test_the_form_is_there_and_works_after_a_reload(waiting):
    seen = waiting()
    seen.votes(1).first.wait_for()
    seen.reload()
    seen.badge(1, "Waiting for approval")
    seen.fill(1, "Limit", "5")
    seen.vote(1, "Approve")
    seen.shows(2, "limit 5")
    seen.badge(1, "Approved by")
    assert seen.complaints() == []


def test_a_notebook_is_renamed_while_its_run_waits(waiting):
    seen = waiting()
    seen.votes(1).first.wait_for()
    seen.rename("renamed")
    seen.fill(1, "Limit", "6")
    seen.vote(1, "Approve")
    seen.shows(2, "limit 6")
    seen.reached("succeeded", "failed")
    seen.settled(1, "Approved by")
    assert not (seen.front.root / seen.path).with_name("flow.ipynb").exists()


def test_who_may_not_approve_sees_no_form_but_who_is_awaited(waiting):
    seen = waiting("x = 1", asks(self_approval_disabled=True), AFTER)
    seen.shows(1, f"but not from {getpass.getuser()}")
    assert seen.votes(1).count() == 0
    assert ask("POST", seen.elsewhere("c1")["resume"], {"limit": 3}).status == 201
    seen.shows(2, "limit 3")


def test_a_kernel_that_is_restarted_while_the_run_waits_interrupts_it_and_resume_works(waiting):
    """The gate is kept, and can be answered; only what the cells had made is gone, where it was not
    to be saved.
    """
    cells = ("x = 1", ["replay"]), asks(checkpoint="never"), "print(x, 'limit', resume['limit'])"
    seen = waiting(*cells)
    seen.votes(1).first.wait_for()
    seen.restart_kernel()
    seen.votes(1).first.wait_for(state="detached")
    seen.shows(1, "Waits for approval")
    assert ask("POST", seen.elsewhere("c1")["resume"], {"limit": 4}).status == 201
    seen.badge(1, "Approved by bob@example.org")
    seen.reached("interrupted")
    seen.state("Interrupted")
    seen.press("Resume Flow")
    seen.shows(2, "1 limit 4")
    assert seen.reached("succeeded", "failed")["status"] == "succeeded"


def test_a_run_that_was_started_elsewhere_shows_a_form_that_works_in_the_lab(
    front, written, opened
):
    """The run's kernel is the session's of its notebook, and the lab takes it."""
    path = written("x = 1", asks(), AFTER)
    run = front.started_at(path)
    assert front.reached(run, "suspended", "failed")["status"] == "suspended"
    seen = opened(path=path)
    seen.badge(1, "Waiting for approval")
    assert seen.kernel() in front.kernels()
    seen.fill(1, "Limit", "12")
    seen.vote(1, "Approve")
    seen.shows(2, "limit 12")
    (gate,) = front.reached(run, "succeeded", "failed")["gates"]
    assert gate["votes"][0]["verified"]


def test_a_gate_that_names_who_may_approve_is_asked_for_outside_of_the_notebook(waiting):
    me = getpass.getuser()
    seen = waiting("x = 1", asks(approvers=[me]), AFTER)
    seen.fill(1, "Limit", "7")
    seen.vote(1, "Approve")
    dialog = seen.page.locator(".jp-Dialog")
    dialog.get_by_text(f"recorded as the answer of {me}").wait_for()
    dialog.get_by_text("limit: 7").wait_for()
    assert dialog.get_by_role("button", name="Back").evaluate("b => b === document.activeElement")
    assert seen.run()["gates"][0]["votes"] == []
    seen.answer("Approve")
    seen.shows(2, "limit 7")
    (gate,) = seen.reached("succeeded", "failed")["gates"]
    assert gate["votes"][0]["verified"]


def test_the_user_approves_in_a_view_of_the_output_beside_the_notebook(waiting):
    seen = waiting()
    seen.votes(1).first.wait_for()
    seen.cell(1).locator(".cm-content").click()
    seen.command("notebook:create-output-view")
    view = seen.page.locator(".jp-LinkedOutputView")
    limit = view.get_by_label("Limit")
    limit.fill("11")
    limit.press("Tab")
    view.locator(VOTE).filter(has_text="Approve").click()
    seen.shows(2, "limit 11")
    (gate,) = seen.front.reached(seen.run()["id"], "succeeded", "failed")["gates"]
    assert gate["votes"][0]["verified"]


HEARD = """new Promise(heard => {
    const { sessionContext } = jupyterapp.shell.currentWidget;
    const listen = (_, message) => {
        if (message.content.comm_id !== 'jupyter_flows') return;
        sessionContext.iopubMessage.disconnect(listen);
        heard();
    };
    sessionContext.iopubMessage.connect(listen);
    sessionContext.session.kernel.requestExecute({ code: given });
})"""


def test_notebook_code_can_not_vote_as_the_user(waiting):
    """What the kernel says, in answer to a request of this very browser, counts as the user's own
    answer only after a click of a hand; and as nobody else's.
    """
    seen = waiting()
    seen.votes(1).first.wait_for()
    sent = []
    seen.page.on("request", lambda one: "/votes?" in one.url and sent.append(one.url))
    gate = seen.run()["gates"][0]
    said = {
        "kind": "answer",
        "gate": gate["id"],
        "approved": True,
        "entries": {"f/limit": ["1"]},
        "reason": "",
        "digest": gate["digest"],
    }
    code = (
        "import comm\n"
        "named = dict(target_name='jupyter_flows', primary=False, comm_id='jupyter_flows')\n"
        f"comm.create_comm(**named).send({said!r})"
    )
    seen.page.evaluate(f"given => {HEARD}", code)
    seen.cell(1).locator(VOTE).first.evaluate("button => button.click()")  # a script's click
    seen.ask_kernel("1")
    seen.page.get_by_text("no press of its button is known here").first.wait_for()
    assert sent == []
    assert seen.run()["gates"][0]["votes"] == []
    seen.fill(1, "Limit", "2")
    seen.vote(1, "Approve")
    seen.state("Interrupted")  # for somebody ran code in its kernel
    seen.press("Resume Flow")
    seen.choose("With the kernel as it is now")
    seen.answer("Resume")
    seen.shows(2, "limit 2")
    assert len(sent) == 1
