"""The stories' own tools."""

from .conftest import both


@both
def test_a_notebook_opens_runs_a_cell_and_is_saved(opened):
    seen = opened("print('one', 1 + 1)", "2 + 3")
    seen.command("notebook:run-all-cells")
    seen.shows(0, "one 2")
    seen.shows(1, "5")
    assert seen.texts() == ["one 2\n", "5"]
    seen.write(1, "  # yes")
    assert seen.dirty()
    seen.save()
    assert seen.saved() == ["one 2\n", "5"]
    seen.reload()
    assert seen.texts() == ["one 2\n", "5"]
    assert [line for line in seen.page.problems if "jupyter-flows" in line] == []
