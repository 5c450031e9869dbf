"""The side panel, the status bar, and a cell's button: runs, what waits, and where."""

from .cells import AFTER, asks


def test_the_status_bar_and_the_inbox_say_what_waits_and_lead_there(opened):
    seen = opened("x = 1", asks("Publish?"), AFTER)
    seen.run_as_flow()
    seen.badge(1, "Waiting for approval")
    status = seen.page.locator(".jfp-Status")
    status.get_by_text("wait").wait_for()
    status.click()
    inbox = seen.page.get_by_role("list", name="Gates that wait for you, oldest first")
    here = seen.page.locator(f'[title="{seen.path}"]')
    mine = inbox.get_by_role("listitem").filter(has=here)
    mine.get_by_role("button", name="Go to the cell").click()
    seen.fill(1, "Limit", "7")
    seen.vote(1, "Approve")
    seen.shows(2, "limit 7")
    seen.reached("succeeded", "failed")
    mine.wait_for(state="detached")


def test_the_panel_lists_the_notebooks_runs_and_tells_their_steps(opened):
    seen = opened("print('one')", "print('two')")
    seen.run_as_flow()
    seen.badge(1, "Done")
    seen.command("jupyter-flows:show-runs")
    panel = seen.page.get_by_role("region", name="Flows")
    runs = panel.get_by_role("list", name="Runs, newest first").get_by_role("listitem")
    runs.get_by_text("Succeeded").wait_for()
    assert runs.count() == 1
    runs.get_by_role("button").click()
    panel.get_by_role("button", name="← Runs").wait_for()
    panel.get_by_text("took").first.wait_for()


def test_a_cells_button_makes_it_wait_for_approval_and_not(opened):
    seen = opened("x = 1", "print('then')")
    toggle = seen.toggle(0)
    toggle.click()
    seen.page.wait_for_function(TAGS, arg=["suspend"])
    seen.run_as_flow()
    seen.badge(0, "Waiting for approval")
    assert seen.file()["cells"][0]["metadata"]["tags"] == ["suspend"]
    seen.cancel()
    seen.state("Cancelled")
    seen.toggle(0).click()
    seen.page.wait_for_function(TAGS, arg=[])
    seen.run_as_flow()
    seen.shows(1, "then")


def test_the_keys_that_make_a_gate_are_of_command_mode(opened):
    """In a cell's source they may write a letter."""
    seen = opened("x = 1")
    seen.cell(0).locator(".cm-content").click()
    seen.page.keyboard.press("Alt+g")
    seen.page.wait_for_function(TAGS, arg=[])
    seen.page.keyboard.press("Escape")
    seen.page.keyboard.press("Alt+g")
    seen.page.wait_for_function(TAGS, arg=["suspend"])


def test_the_keyboard_goes_on_where_something_was_pressed(opened):
    seen = opened("print('one')")
    seen.run_as_flow()
    seen.badge(0, "Done")
    seen.command("jupyter-flows:show-runs")
    panel = seen.page.get_by_role("region", name="Flows")
    panel.get_by_role("tab", name="Runs").and_(seen.page.locator(":focus")).wait_for()
    runs = panel.get_by_role("list", name="Runs, newest first")
    runs.get_by_role("button").first.focus()
    seen.page.keyboard.press("Enter")
    panel.locator(".jfp-Body:focus").wait_for()
    panel.get_by_role("button", name="← Runs").focus()
    seen.page.keyboard.press("Enter")
    panel.locator(".jfp-Body:focus").wait_for()
    seen.page.get_by_role("button", name="Hide what this notebook shows of the run").focus()
    seen.page.keyboard.press("Enter")
    seen.page.locator(".jp-Notebook:focus-within").wait_for()


TAGS = """wanted => {
    const cell = jupyterapp.shell.currentWidget.content.widgets[0];
    return JSON.stringify(cell.model.getMetadata('tags') ?? []) === JSON.stringify(wanted);
}"""
