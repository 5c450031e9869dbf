"""Kernels of other languages run, suspend and go on; what only Python can do is said."""

import shutil
import sys

import pytest
from jupyter_client.kernelspec import KernelSpecManager

BASH = KernelSpecManager().find_kernel_specs().get("bash")

needs_bash = pytest.mark.skipif(
    BASH is None, reason="no bash kernel: python -m bash_kernel.install --sys-prefix"
)


@pytest.fixture
def bash(jp_environ, jp_env_jupyter_path):
    """The bash kernel, where the tests' own Jupyter looks for kernels."""
    shutil.copytree(BASH, jp_env_jupyter_path / "kernels" / "bash")


MINT = f"""\
links=$({sys.executable} -c "
import json, os, urllib.request
body = json.dumps({{'run': os.environ['FLOWS_RUN_ID'], 'gate': 'c1', 'approver': 'bob'}}).encode()
asked = urllib.request.Request(os.environ['FLOWS_URL'] + '/api/links', body)
asked.add_header('Authorization', 'Bearer ' + os.environ['FLOWS_TOKEN'])
print(json.load(urllib.request.urlopen(asked))['resume'])")
echo "$links"
"""


@needs_bash
async def test_a_bash_notebook_suspends_mints_a_link_itself_and_goes_on(
    bash, call, anyone, make_notebook, reached
):
    notebook = make_notebook(
        "x=5", (MINT, ["suspend"]), "echo x is $x", kernel="bash", language="bash"
    )
    run_id = (await call("POST", "api/runs", {"notebook": notebook})).json["id"]
    run = await reached(run_id, "suspended", "failed")
    assert run.status == "suspended", run.error
    cells = (await call("GET", f"api/runs/{run_id}/notebook")).json["cells"]
    link = "".join(cells[1]["outputs"][0]["text"]).strip()
    assert (await anyone("POST", link)).status == 201

    run = await reached(run_id, "succeeded", "failed")
    assert run.status == "succeeded", run.error
    cells = (await call("GET", f"api/runs/{run_id}/notebook")).json["cells"]
    assert "x is 5" in "".join(cells[2]["outputs"][0]["text"])
    notices = [step.notice for step in run.steps.values() if step.notice]
    assert any("Python" in notice for notice in notices)
