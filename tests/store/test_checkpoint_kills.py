"""Whoever is killed while working on the checkpoints leaves all that was committed."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_death_at_any_step_leaves_every_checkpoint_whole_and_the_work_can_be_done_again(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "tests.store.killed", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    died = json.loads(ran.stdout)
    assert min(died.values()) > 5
    assert died["first_place"] + died["commit_new"] > 80
    assert died["tidy"] > 50
