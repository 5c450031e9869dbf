"""pytest as a user starts it, in a process of its own."""

import importlib.metadata
import json
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

PLUGIN = "jupyter_flows.pytest_plugin"


def _named():
    """Loads the plugin by name where this environment's metadata does not know it yet; where they
    do, naming it would be once too often.
    """
    known = importlib.metadata.entry_points(group="pytest11")
    return [] if any(entry.value == PLUGIN for entry in known) else ["-p", PLUGIN]


class Told:
    """What a session has told. `cells` gives the outcome of each test by file and name."""

    def __init__(self, status, text, report):
        self.status = status
        self.text = text
        self.cells = {}
        for case in ET.parse(report).iter("testcase"):
            outcome = next((child for child in case if child.tag in ("failure", "skipped")), None)
            kind = "passed" if outcome is None else outcome.tag
            said = "" if outcome is None else (outcome.get("message") or "") + (outcome.text or "")
            name = case.get("classname").removesuffix(".ipynb").rpartition(".")[2]
            self.cells.setdefault(name, []).append((kind, said))

    def outcomes(self, name):
        """In order: `.` passed, `F` failed, `s` skipped."""
        letters = {"passed": ".", "failure": "F", "skipped": "s"}
        return "".join(letters[kind] for kind, _ in self.cells[name])

    def said(self, name):
        """Why tests failed or were skipped, together."""
        return "\n".join(text for _, text in self.cells[name])


@pytest.fixture(scope="session")
def run_pytest():
    def run(folder, *options):
        report = folder / "report.xml"
        command = [sys.executable, "-m", "pytest", *_named(), *options, f"--junitxml={report}"]
        done = subprocess.run(
            [*command, "-p", "no:cacheprovider", "--color=no"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        return Told(done.returncode, done.stdout + done.stderr, report)

    return run


@pytest.fixture(scope="session")
def keep():
    """Write a notebook, with its answers if there are some."""

    def keep(folder, name, notebook, answers=None):
        (folder / f"{name}.ipynb").write_text(json.dumps(notebook))
        if answers is not None:
            (folder / f"{name}.answers.yml").write_text(answers)

    return keep
