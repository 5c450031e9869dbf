"""What the documentation tells of workflow runs is typed as it stands."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.conftest import TOKEN, Server

DOCS = Path(__file__).parents[2] / "docs" / "workflow-runs.md"
CHOICE = {"schema": {"properties": {"team": {"enum": ["sales", "support"]}}}}


def block(language):
    return re.search(rf"^```{language}\n(.*?)^```", DOCS.read_text(), re.MULTILINE | re.DOTALL)[1]


@pytest.fixture
def server(tmp_path, make_notebook):
    suspend = {"resume_form": CHOICE, "description": "Which team?"}
    gate = ("'…'", ["suspend"], {"id": "approval", "suspend": suspend})
    flows = tmp_path / "root" / "flows"
    flows.mkdir(parents=True)
    notebook = make_notebook("state['leadId']", gate, "resume['team']")
    (flows / "lead-router.ipynb").write_text(json.dumps(notebook))
    server = Server(tmp_path).start()
    yield server
    server.end()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_do_what_they_say(server, tmp_path):
    address = server.address.removesuffix("/jupyter-flows")
    told = subprocess.run(
        ["bash", "-e", "-c", block("sh")],
        env={**os.environ, "URL": address, "TOKEN": TOKEN, "NO_PROXY": "127.0.0.1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    first = json.loads((tmp_path / "run.json").read_text())
    action = first["output"]["pendingAction"]
    assert action == json.loads(block("json"))["output"]["pendingAction"]
    decoder, rest, answers = json.JSONDecoder(), told.stdout, []
    while rest:
        answer, end = decoder.raw_decode(rest)
        answers.append(answer)
        rest = rest[end:].lstrip()
    shown, ended, listed, gone = answers
    assert shown == first
    assert (ended["output"]["status"], ended["output"]["result"]) == ("completed", "sales")
    assert listed["data"] == []
    assert gone["status"] == 409, "it has ended by then"
