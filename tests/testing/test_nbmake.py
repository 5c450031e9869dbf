"""What the guide says of nbmake."""

import pytest

pytest.importorskip("nbmake")

LINKS = "import jupyter_flows as flows\nflows.get_resume_urls()"


def with_nbmake(notebook, cell, **said):
    notebook["cells"][cell]["metadata"]["nbmake"] = said
    return notebook


def answered(notebook, name):
    code = ["import jupyter_flows", f"jupyter_flows.answers('{name}.ipynb')"]
    return with_nbmake(notebook, 0, post_cell_execute=code)


def test_nbmake_runs_on_recorded_answers_and_on_its_own_mocks(
    tmp_path, run_pytest, keep, make_notebook
):
    asks = ("1", (LINKS, ["suspend"]), "assert resume == {'n': 1}, resume")
    keep(tmp_path, "ours", answered(make_notebook(*asks), "ours"), "c1: {resume: {n: 1}}")
    keep(tmp_path, "open", answered(make_notebook(*asks), "open"))
    mocked = make_notebook(("1", ["suspend"]), asks[-1])
    keep(tmp_path, "mocked", with_nbmake(mocked, 0, mock={"resume": {"n": 1}}))
    told = run_pytest(tmp_path, "--nbmake", ".")
    assert [told.outcomes(name) for name in ("ours", "mocked", "open")] == [".", ".", "F"]
    assert "c1: {resume: {}}" in told.said("open")
