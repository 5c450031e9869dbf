"""A notebook runs as a flow, and shows it where it is open; whoever looks away misses nothing."""

from .cells import fails_once, waits_for
from .conftest import both


@both
def test_run_as_flow_shows_outputs_and_states_and_leaves_them_in_the_file(opened):
    seen = opened("x = 20\nprint('one')", "print('two', x)\nx + 22")
    seen.run_as_flow()
    seen.badge(0, "Done")
    seen.shows(0, "one")
    seen.shows(1, "two 20")
    seen.shows(1, "42")
    run = seen.reached("succeeded", "failed")
    assert run["status"] == "succeeded", run["error"]
    assert [step["status"] for step in run["steps"]] == ["succeeded"] * 2
    seen.state("Succeeded")
    assert seen.texts() == ["one\n", "two 20\n42"]
    assert [cell["count"] for cell in seen.model()] == [1, 2]
    seen.written(["one\n", "two 20\n42"])
    assert seen.dialogs() == []
    assert seen.complaints() == []


def test_the_run_takes_the_notebooks_own_kernel(opened):
    seen = opened("y = 1", "print('here', y)")
    seen.run_as_flow()
    seen.shows(1, "here 1")
    seen.reached("succeeded", "failed")
    seen.command("notebook:run-cell")
    kernels = seen.front.kernels()
    assert seen.kernel() in kernels


@both
def test_outputs_come_on_screen_while_a_cell_still_runs(opened, tmp_path):
    flag = tmp_path / "go"
    seen = opened(waits_for(flag), "print('end')")
    seen.run_as_flow()
    seen.shows(0, "begun")
    seen.badge(0, "Running")
    seen.badge(1, "Queued")
    flag.touch()
    seen.shows(0, "went on")
    seen.shows(1, "end")
    assert seen.texts() == ["begun\nwent on\n", "end\n"]


@both
def test_a_running_cell_says_how_far_it_is(opened, tmp_path):
    flag = tmp_path / "go"
    far = "import jupyter_flows as flows\nflows.progress(42, 'loading')\n"
    seen = opened(far + waits_for(flag), "print('end')")
    seen.run_as_flow()
    seen.shows(0, "begun")
    seen.badge(0, "Running, 42 %: loading")
    flag.touch()
    seen.badge(0, "Done")
    seen.shows(1, "end")


def test_who_closes_the_browser_in_the_middle_finds_all_that_was_put_out(opened, person, tmp_path):
    flag = tmp_path / "go"
    seen = opened("print('first')", waits_for(flag), "print('last')")
    seen.run_as_flow()
    seen.shows(1, "begun")
    seen.close()
    flag.touch()
    run = seen.reached("succeeded", "failed")
    assert run["status"] == "succeeded", run["error"]
    complete = ["first\n", "begun\nwent on\n", "last\n"]
    seen.written(complete)
    again = opened(path=seen.path)
    again.shows(2, "last")
    again.badge(2, "Done")
    assert again.texts() == complete
    assert again.dialogs() == []


def test_two_tabs_show_the_same(opened, browser):
    """Each has the notebook open by itself; the server tells both."""
    seen = opened("print('one')", "print('two')")
    seen.save()
    context = browser.new_context()
    other = opened(path=seen.path, context=context)
    seen.run_as_flow()
    for tab in (seen, other):
        tab.shows(1, "two")
        tab.badge(1, "Done")
        tab.state("Succeeded")
        assert tab.texts() == ["one\n", "two\n"]
    other.save()
    context.close()


def test_what_was_typed_is_saved_first_and_what_is_typed_meanwhile_is_kept(opened, tmp_path):
    flag = tmp_path / "go"
    seen = opened(waits_for(flag), "print('two')")
    seen.write(1, "; print('typed before')")
    assert seen.dirty()
    seen.run_as_flow()
    seen.shows(0, "begun")
    assert "typed before" in seen.sources()[1]
    seen.write(1, "; print('typed meanwhile')")
    flag.touch()
    seen.shows(1, "typed before")
    seen.badge(1, "Edited since the run started")
    seen.reached("succeeded", "failed")
    assert "typed meanwhile" in seen.model()[1]["source"]
    seen.save()
    assert "typed meanwhile" in seen.sources()[1]
    assert seen.saved() == ["begun\nwent on\n", "two\ntyped before\n"]


def test_a_run_is_cancelled_from_the_toolbar(opened, tmp_path):
    seen = opened(waits_for(tmp_path / "never"), "print('two')")
    seen.run_as_flow()
    seen.shows(0, "begun")
    seen.cancel()
    assert seen.reached("cancelled", "failed", "succeeded")["status"] == "cancelled"
    seen.state("Cancelled")
    assert seen.texts()[1] == ""


def test_a_failed_run_goes_on_from_the_cell_that_failed(opened, tmp_path):
    seen = opened("print('one')", fails_once(tmp_path / "tried"), "print('end')")
    seen.run_as_flow()
    seen.badge(1, "Failed")
    seen.shows(1, "not yet")
    seen.press("Resume Flow")
    seen.shows(1, "this time")
    seen.shows(2, "end")
    run = seen.reached("succeeded", "interrupted", "cancelled")
    assert [step["attempts"] for step in run["steps"]] == [1, 2, 1]
    assert seen.texts() == ["one\n", "this time\n", "end\n"]
    seen.written(["one\n", "this time\n", "end\n"])


def test_a_failed_run_goes_on_with_the_cell_as_it_was_mended(opened):
    seen = opened("print('one')", "x = 1 /", "print('end')")
    seen.run_as_flow()
    seen.badge(1, "Failed")
    seen.write(1, " 1; print('mended')")
    seen.press("Resume Flow")
    seen.answer("With the notebook as it is now")
    seen.shows(1, "mended")
    seen.shows(2, "end")
    assert seen.reached("succeeded", "interrupted", "cancelled")["status"] == "succeeded"
    assert seen.cell(1).get_by_text("Edited since").count() == 0
    seen.written(["one\n", "mended\n", "end\n"])


def test_parameters_are_asked_for_before_the_run_starts(opened):
    parameters = ("limit = 3\nregion = 'north'", ["parameters"])
    seen = opened(parameters, "print(limit + 1, region)")
    seen.press("Run as Flow")
    seen.page.locator(".jp-Dialog").get_by_label("limit").fill("41")
    seen.answer("Run")
    seen.shows(1, "42 north")
    assert seen.reached("succeeded", "failed")["parameters"] == {"limit": 41}


def test_a_run_that_was_started_elsewhere_is_seen_by_who_opens_the_notebook_later(
    front, written, opened
):
    path = written("print('one')", "print('two')")
    run = front.started_at(path)
    assert front.reached(run, "succeeded", "failed")["status"] == "succeeded"
    seen = opened(path=path)
    seen.shows(1, "two")
    seen.badge(1, "Done")
    assert seen.texts() == ["one\n", "two\n"]
    seen.save()


def test_a_notebook_is_renamed_while_its_run_works(opened, tmp_path):
    flag = tmp_path / "go"
    seen = opened(waits_for(flag), "print('two')")
    seen.run_as_flow()
    seen.shows(0, "begun")
    seen.rename("renamed")
    flag.touch()
    seen.shows(1, "two")
    seen.written(["begun\nwent on\n", "two\n"])
    seen.save()


def test_a_cell_that_is_deleted_and_comes_back_shows_what_the_run_shows(opened, tmp_path):
    flag = tmp_path / "go"
    seen = opened(waits_for(flag), "print('two')")
    seen.run_as_flow()
    seen.shows(0, "begun")
    seen.cell(0).locator(".cm-content").click()
    seen.page.keyboard.press("Escape")
    seen.command("notebook:delete-cell")
    seen.cell(1).wait_for(state="detached")
    seen.command("notebook:undo-cell-action")
    seen.cell(1).wait_for()
    seen.shows(0, "begun")
    flag.touch()
    seen.shows(0, "went on")
    seen.shows(1, "two")
    seen.reached("succeeded", "failed")
    assert seen.texts() == ["begun\nwent on\n", "two\n"]


def test_what_the_user_runs_or_clears_after_the_run_stays_when_the_kernel_is_restarted(opened):
    seen = opened("print('one')", "print('two')")
    seen.run_as_flow()
    seen.shows(1, "two")
    seen.reached("succeeded", "failed")
    seen.cell(0).locator(".cm-content").click()
    seen.page.keyboard.press("Control+End")
    seen.page.keyboard.type("; print('mine')")
    seen.page.keyboard.press("Control+Enter")
    seen.shows(0, "mine")
    seen.page.evaluate(CLEAR, 1)
    seen.restart_kernel()
    seen.rename("renamed")  # a new line to the server
    seen.ready()
    seen.page.evaluate(FRAMES)
    assert seen.texts() == ["one\nmine\n", ""]


CLEAR = """number => {
    jupyterapp.shell.currentWidget.content.widgets[number].model.clearExecution();
}"""
FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
