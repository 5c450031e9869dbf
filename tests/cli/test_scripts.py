"""`.py` flows on the command line."""

import json

CELLS = """# %% tags=["parameters"]
limit = 1

# %%
#| id: last
print("it is", limit)
limit + 1
"""


def script(flows, text, name="report.py"):
    file = flows.folder / name
    file.write_text(text)
    return file


def test_a_script_runs_by_its_cells_and_is_left_as_it_is(flows):
    file = script(flows, CELLS)
    output = flows.folder / "out.ipynb"
    ended = flows("run", file, "-p", "limit", "4", "--output", output)
    assert ended.status == 0, ended.errors
    printed = json.loads(output.read_text())["cells"][-1]["outputs"][0]["text"]
    assert "".join(printed) == "it is 4\n"
    assert file.read_text() == CELLS


def test_a_script_is_no_place_for_outputs(flows):
    file = script(flows, CELLS)
    refused = flows("run", file, "--output", flows.folder / "out.py")
    assert refused.status == 2
    assert "nothing is ever written" in refused.errors


def test_a_script_is_checked_and_registered(flows):
    file = script(flows, CELLS)
    said = flows("check", file)
    assert said.status == 0
    assert f"{file}: 2 steps, 0 gates, kernel python3" in said.lines
    assert flows("register", "f/team/report", file).lines == [f"f/team/report is {file}"]
    wrong = flows("check", script(flows, "#| suspnd: 1\nx", "wrong.py"))
    assert (wrong.status, "did you mean 'suspend'" in wrong.errors) == (2, True)
