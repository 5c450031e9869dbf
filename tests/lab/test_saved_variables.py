"""The variables of a run that waits: what is seen of them, and that they come back."""

from unittest.mock import ANY

import pytest

from tests.acceptance.conftest import ask, until

from .cells import asks
from .conftest import both

SAVED = "saved"
TELLS = "print(x, 'limit', resume['limit'])"
CONNECTS = "import sqlite3\ncon = sqlite3.connect(':memory:')\nx = 1"


@pytest.fixture
def kept(opened):
    """Open a notebook, run it as a flow, and wait until it waits with its variables saved."""

    def wait(*cells):
        seen = opened(*(cells or ("x = 1", asks(), TELLS)))
        seen.run_as_flow()
        seen.badge(1, "Waiting for approval")
        seen.kept(SAVED)
        return seen

    return wait


@pytest.fixture
def headless(front, written, opened):
    """A run that a program has started: its kernel is its own. Its notebook is opened then."""

    def wait(*cells):
        path = written(*(cells or ("x = 1", asks(), TELLS)))
        run = front.started_at(path)
        front.reached(run, "suspended", "failed")
        seen = opened(path=path)
        seen.badge(1, "Waiting for approval")
        return seen

    return wait


def approve(seen, limit):
    """By somebody else, with a link, and without a browser."""
    assert ask("POST", seen.elsewhere("c1")["resume"], {"limit": limit}).status == 201


def panel_of(seen):
    """The details of the notebook's run, in the side panel."""
    seen.command("jupyter-flows:show-runs", run=seen.run()["id"])
    return seen.page.get_by_role("region", name="Flows")


def succeeds(seen):
    run = seen.reached("succeeded", "failed", "interrupted")
    assert run["status"] == "succeeded", run["error"]
    return run


def test_what_is_saved_of_a_run_that_waits_is_said_at_the_notebooks_top_and_in_the_panel(kept):
    seen = kept("x = 1\ny = [2]", asks(), TELLS)
    said = seen.kept("variables saved")
    assert "variables saved (" in said
    told = seen.page.locator(".jupyter-flows-state").get_attribute("title")
    assert said in told
    details = panel_of(seen).get_by_role("region", name="Saved variables")
    details.get_by_text(said).wait_for()
    seen.fill(1, "Limit", "7")
    seen.vote(1, "Approve")
    seen.shows(2, "1 limit 7")
    succeeds(seen)
    assert not seen.page.locator(".jupyter-flows-kept").is_visible()
    assert seen.complaints() == []


def test_what_can_not_be_saved_is_named_with_its_cell_and_what_to_do(kept):
    seen = kept(CONNECTS, asks(), TELLS)
    said = seen.kept("1 not")
    assert "con (" in said
    assert "tag cell 1 `replay`, or del con" in said
    unsaved = panel_of(seen).get_by_role("list", name="Variables that are not saved")
    item = unsaved.get_by_role("listitem")
    item.get_by_text("con is not saved").wait_for()
    item.get_by_text("sqlite3.Connection").first.wait_for()
    item.get_by_role("button", name="cell 1").click()
    seen.page.wait_for_function(ACTIVE, arg=0)


@both
def test_a_kernel_that_is_restarted_while_the_run_waits_gets_the_variables_back(kept):
    seen = kept()
    seen.votes(1).first.wait_for()
    seen.restart_kernel()
    seen.votes(1).first.wait_for(state="detached")
    assert "comes back with the saved variables" in seen.kept("no kernel")
    seen.badge(1, "Waiting for approval")
    approve(seen, 4)
    seen.shows(2, "1 limit 4")
    seen.badge(1, "Approved by bob@example.org")
    seen.badge(2, "Done")
    seen.state("Succeeded")
    run = succeeds(seen)
    assert [step["attempts"] for step in run["steps"]] == [1, 1, 1]
    seen.settled(1, "Approved")
    seen.written(["", ANY, "1 limit 4\n"])
    assert seen.ask_kernel("assert x == 1") == "ok", "it is the notebook's own kernel"
    assert seen.dialogs() == []
    assert seen.complaints() == []


def test_a_kernel_that_is_shut_down_while_the_run_waits_is_replaced_by_a_new_one(kept):
    """The notebook's own: nothing can be run in it, and the run goes on in one of its kind."""
    seen = kept()
    seen.shut_down_kernel()
    seen.kept("no kernel")
    approve(seen, 5)
    seen.shows(2, "1 limit 5")
    succeeds(seen)
    seen.settled(1, "Approved")
    seen.written(["", ANY, "1 limit 5\n"])


def test_without_the_unsaved_variables_a_restarted_kernel_interrupts_the_run(kept):
    """It says which are lost, and does not go on to a NameError."""
    seen = kept(CONNECTS, asks(), TELLS)
    seen.restart_kernel()
    said = seen.kept("no kernel")
    assert "comes back" not in said
    approve(seen, 4)
    seen.state("Interrupted")
    run = seen.reached("interrupted")
    assert "con" in run["error"]["message"]
    seen.press("Resume Flow")
    seen.shows(2, "1 limit 4")
    succeeds(seen)


@pytest.mark.parametrize(
    ("choice", "x"),
    [
        ("With the kernel as it is now", 99),
        ("With the variables as they were saved", 1),
        ("Run the earlier cells again", 1),
    ],
)
def test_who_runs_cells_while_the_run_waits_is_asked_with_which_variables_it_goes_on(
    kept, choice, x
):
    seen = kept("x = 1", asks(), TELLS, "x = 99")
    seen.execute(3)
    seen.page.wait_for_function(COUNTED, arg=3)
    approve(seen, 6)
    seen.state("Interrupted")
    assert seen.reached("interrupted")["choices"] == ["kernel", "checkpoint", "rerun"]
    seen.press("Resume Flow")
    dialog = seen.page.locator(".jp-Dialog")
    dialog.get_by_text("somebody ran 1 cell").wait_for()
    assert dialog.get_by_role("radio").count() == 3
    seen.choose(choice)
    seen.answer("Resume")
    seen.shows(2, f"{x} limit 6")
    seen.badge(1, "Approved by bob@example.org")
    succeeds(seen)


def test_both_questions_before_a_run_goes_on_are_asked_in_one_dialog(kept):
    seen = kept("x = 1", asks(), TELLS, "x = 99")
    seen.execute(3)
    seen.page.wait_for_function(COUNTED, arg=3)
    approve(seen, 6)
    seen.state("Interrupted")
    seen.write(2, "; print('mended')")
    seen.press("Resume Flow")
    seen.choose("With the variables as they were saved")
    seen.answer("With the notebook as it is now")
    seen.shows(2, "1 limit 6")
    seen.shows(2, "mended")
    succeeds(seen)
    assert seen.dialogs() == []


def test_saved_variables_are_not_loaded_beside_a_changed_module_unless_somebody_says_so(
    front, written, opened
):
    path = written("import helpers\nx = helpers.Figure()", asks(), "print(x.said())")
    module = (front.root / path).with_name("helpers.py")
    module.write_text("class Figure:\n    def said(self):\n        return 'as it was'\n")
    seen = opened(path=path)
    seen.run_as_flow()
    seen.kept(SAVED)
    module.write_text("class Figure:\n    def said(self):\n        return 'as it is'\n")
    seen.restart_kernel()
    seen.kept("no kernel")
    approve(seen, 6)
    seen.state("Interrupted")
    seen.press("Resume Flow")
    dialog = seen.page.locator(".jp-Dialog")
    dialog.get_by_text("helpers.py has changed").wait_for()
    assert dialog.get_by_role("radio", checked=True).count() == 0, "nobody chose by a mere Enter"
    seen.answer("Resume")
    dialog.get_by_text("Choose one of these").wait_for()
    seen.choose("With the saved variables, although packages have changed since")
    seen.answer("Resume")
    seen.shows(2, "as it is")
    succeeds(seen)


def test_a_choice_that_is_refused_is_told_in_words(kept):
    seen = kept("x = 1", asks(), TELLS, "x = 99")
    seen.execute(3)
    seen.page.wait_for_function(COUNTED, arg=3)
    approve(seen, 6)
    seen.state("Interrupted")
    seen.press("Resume Flow")
    seen.choose("Run the earlier cells again")
    assert seen.front.call("POST", f"api/runs/{seen.run()['id']}/cancel", {}).status == 200
    seen.answer("Resume")
    seen.page.locator(".jp-Dialog").get_by_text("this one is cancelled").wait_for()


def test_a_runs_own_kernel_that_the_user_shuts_down_comes_back_with_its_variables(headless):
    seen = headless()
    lost = seen.kernel()
    seen.kept(SAVED)
    seen.shut_down_kernel()
    seen.kept("no kernel")
    assert lost not in seen.front.kernels()
    approve(seen, 8)
    seen.shows(2, "1 limit 8")
    seen.badge(2, "Done")
    run = succeeds(seen)
    assert [step["attempts"] for step in run["steps"]] == [1, 1, 1]
    seen.settled(1, "Approved by bob@example.org")
    seen.written(["", ANY, "1 limit 8\n"])
    assert seen.dialogs() == []


def test_who_approves_on_the_page_after_the_kernel_was_shut_down_sees_the_run_go_on(
    headless, browser
):
    seen = headless()
    seen.kept(SAVED)
    seen.shut_down_kernel()
    seen.kept("no kernel")
    context = browser.new_context()
    page = context.new_page()
    page.goto(seen.elsewhere("c1")["approvalPage"])
    page.get_by_label("Limit").fill("9")
    page.get_by_role("button", name="Approve").click()
    seen.shows(2, "1 limit 9")
    context.close()
    succeeds(seen)
    seen.settled(1, "Approved")
    seen.written(["", ANY, "1 limit 9\n"])


def test_a_notebook_shows_a_run_whose_kernel_was_released_and_what_it_puts_out_later(
    front, written, opened
):
    path = written("x = 1", asks(checkpoint="always"), TELLS)
    before = front.kernels()
    run = front.started_at(path)
    front.released(run)
    until(lambda: set(front.kernels()) <= set(before))
    seen = opened(path=path)
    assert "The kernel is released" in seen.kept("kernel released")
    seen.badge(1, "Waiting for approval")
    approve(seen, 3)
    seen.shows(2, "1 limit 3")
    seen.badge(2, "Done")
    succeeds(seen)
    seen.settled(1, "Approved")
    seen.written(["", ANY, "1 limit 3\n"])


ACTIVE = "number => jupyterapp.shell.currentWidget.content.activeCellIndex === number"
COUNTED = """number => {
    const { model } = jupyterapp.shell.currentWidget.content.widgets[number];
    return model.executionCount !== null && model.executionState !== 'running';
}"""
