"""Whom the tests ask for kernels that die: the process in `forking`, and what is said to it."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Forks:
    """What is asked here is done in a fork, which is killed after `kill_after` seconds of its work,
    if that is given.
    """

    def __init__(self, folder):
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forking"],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "IPYTHONDIR": str(folder / "ipython"),
                "OPENBLAS_NUM_THREADS": "1",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, do, *, kill_after=None, **asked):
        """`{"killed", "seconds", "told"}`; `told` is None of one that was killed before its end."""
        request = {"do": do, "kill_after": kill_after, **asked}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "trouble" not in answer, answer["trouble"]
        return answer

    def save(self, folder, seed, *, kill_after=None, **options):
        """A save of the state that has this seed; `told` is `{"kernel", "fingerprint"}`."""
        return self.ask("save", folder=str(folder), seed=seed, kill_after=kill_after, **options)

    def load(self, folder, kernel, *, kill_after=None):
        """`told` is `{"fingerprint"}` of what was loaded, or `{"error"}`."""
        return self.ask("load", folder=str(folder), kernel=kernel, kill_after=kill_after)

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
