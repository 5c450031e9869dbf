"""`python -m tests.parts`: all tests, in three parts at once of about the same length.

Browsers, servers and kernels wait for one another, and with two cores a wait may take longer beside
the other parts than it ever does alone. So what failed then is run once more, alone, if it is
little; both are told, and it must pass.
"""
# ruff: noqa: T201

import json
import subprocess
import sys
import time
from pathlib import Path

PARTS = {
    "servers": ("acceptance", "chaos", "fidelity", "jobs", "packaging", "store"),
    "kernels": ("cli", "client", "core", "faults", "kernels", "notebooks", "testing"),
    "rest": (),
}
LITTLE = 4
"""So many failures of all parts together may come of the others' load."""

CACHE = Path(".pytest_cache")
ENDED = 1
"""Pytest's word for tests that were run to the end, and failed."""


def paths(part):
    """What pytest is told: where the tests of the part are, or where they are not."""
    if PARTS[part]:
        return [f"tests/{name}" for name in PARTS[part]]
    return [f"--ignore=tests/{name}" for names in PARTS.values() for name in names]


def command(part, *more):
    cache = CACHE / part
    return [sys.executable, "-m", "pytest", "-o", f"cache_dir={cache}", *paths(part), *more]


def begun(part):
    """The last one is seen at work."""
    if not PARTS[part]:
        return subprocess.Popen(command(part))
    with log_of(part).open("w") as log:
        return subprocess.Popen(command(part), stdout=log, stderr=subprocess.STDOUT)


def log_of(part):
    return Path(f".{part}-tests.log")


def failures(part):
    found = CACHE / part / "v" / "cache" / "lastfailed"
    return list(json.loads(found.read_text())) if found.exists() else []


def main():
    for part in PARTS:
        (CACHE / part / "v" / "cache" / "lastfailed").unlink(missing_ok=True)
    start = time.monotonic()
    at_work = {part: begun(part) for part in PARTS}
    ends = {part: process.wait() for part, process in at_work.items()}
    for part, names in PARTS.items():
        if names:
            print(log_of(part).read_text())
    failed = {part: failures(part) for part, end in ends.items() if end}
    print(f"All parts took {time.monotonic() - start:.0f} s. They ended with {ends}.")
    if not failed:
        return 0
    names = [name for found in failed.values() for name in found]
    print("Failed beside the other parts:", *names, sep="\n  ")
    if len(names) > LITTLE or not names or set(ends.values()) - {0, ENDED}:
        return 1
    print("Once more, alone:", flush=True)
    return max(subprocess.call(command(part, "--last-failed")) for part in failed)


if __name__ == "__main__":
    sys.exit(main())
