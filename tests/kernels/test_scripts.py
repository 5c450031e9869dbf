"""Python scripts read as notebooks."""

import nbformat
import pytest

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.flow import read_flow
from jupyter_flows.kernels.document import NotebookDocuments
from jupyter_flows.kernels.notebook import read_notebook, script_notebook

CELLS = """# ---
# jupyter:
#   kernelspec:
#     name: python3
#     display_name: Python 3
# ---

# %% tags=["parameters"]
limit = 3

other = 4

# %% [markdown]
# # Look
#
# at this

# %% tags=["suspend"]
#| id: ask
#| summary: Ask
"go?"

# %%
resume
"""


def test_cells_tags_markdown_and_option_lines_are_read():
    found = script_notebook(CELLS)
    kinds = [(cell["cell_type"], cell["metadata"].get("tags", [])) for cell in found["cells"]]
    assert kinds == [
        ("code", ["parameters"]), ("markdown", []), ("code", ["suspend"]), ("code", []),
    ]  # fmt: skip
    assert found["cells"][0]["source"] == "limit = 3\n\nother = 4"
    prepared, kernel = NotebookDocuments().prepare(found, {"limit": 5}, None)
    nbformat.validate(nbformat.from_dict(prepared))
    flow = read_flow(prepared)
    assert kernel == "python3"
    assert [(step.id, step.gate is not None) for step in flow.steps][2:] == [
        ("ask", True),
        (flow.steps[3].id, False),
    ]


def test_a_script_is_read_the_same_each_time():
    first, again = (NotebookDocuments().prepare(script_notebook(CELLS), {}, None) for _ in "ab")
    assert first == again


@pytest.mark.parametrize(
    "text",
    ["x = 1\n\n\ny = 2\n\n# !rm nothing\n# %matplotlib\ny", "", 'x = """\n    # %%\n"""'],
)
def test_a_script_without_cells_is_one_as_it_is(text):
    (cell,) = script_notebook(text)["cells"]
    assert cell["source"] == text


def test_what_is_no_script_says_so(tmp_path):
    wrong = tmp_path / "x.py"
    wrong.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_notebook(wrong)
    other = CELLS.replace("name: python3", "name: bash\n#     language: bash")
    wrong.write_text(other)
    with pytest.raises(BadInput, match="another language"):
        read_notebook(wrong)
    with pytest.raises(BadInput, match="can't be read"):
        read_notebook(tmp_path / "none.py")


def test_windows_lines_and_a_mark_are_no_matter(tmp_path):
    file = tmp_path / "x.py"
    file.write_bytes(b"\xef\xbb\xbf" + CELLS.replace("\n", "\r\n").encode())
    assert read_notebook(file) == script_notebook(CELLS)
