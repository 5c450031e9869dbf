"""The documentation's diagrams are the machine's tables."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_flows.core import diagram

ROOT = Path(__file__).parents[2]


def test_the_diagrams_in_the_documentation_are_up_to_date():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert diagram.inserted(text) == text, (
        "run: python -m jupyter_flows.core.diagram --write docs/architecture.md"
    )


def test_the_diagrams_show_runs_steps_and_gates():
    shown = diagram.diagrams()
    assert shown.count("stateDiagram-v2") == 3
    assert "    suspended --> running: GateApproved\n" in shown
    assert "    pending --> running: StepStarted\n" in shown
    assert "    open --> rejected: GateRejected\n" in shown
    assert "    rejected --> [*]\n" in shown
    assert "    failed --> [*]" not in shown


def test_the_prose_around_the_markers_stays(tmp_path):
    file = tmp_path / "page.md"
    file.write_text(f"above\n{diagram.BEGIN}\nold\n{diagram.END}\nbelow\n", "utf-8")
    diagram.main(["--write", str(file)])
    written = file.read_text("utf-8")
    assert written.startswith(f"above\n{diagram.BEGIN}\nA run:")
    assert written.endswith(f"```\n{diagram.END}\nbelow\n")
    diagram.main(["--write", str(file)])
    assert file.read_text("utf-8") == written


def test_a_text_without_markers_is_refused():
    with pytest.raises(ValueError, match="states:begin"):
        diagram.inserted("nothing here")


def test_the_command_prints_the_diagrams():
    ran = subprocess.run(
        [sys.executable, "-m", "jupyter_flows.core.diagram"],
        cwd=ROOT,
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == diagram.diagrams() + "\n"


def test_the_command_says_how_it_is_used():
    with pytest.raises(SystemExit, match="usage"):
        diagram.main(["--help"])
