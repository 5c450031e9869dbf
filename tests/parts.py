"""`python -m tests.parts`: all tests, in three parts at once of about the same length: browsers,
servers and kernels wait for one another.
"""
# ruff: noqa: T201

import subprocess
import sys
import time
from pathlib import Path

PARTS = {
    "servers": ("acceptance", "chaos", "fidelity", "jobs", "packaging", "store"),
    "kernels": ("cli", "client", "core", "faults", "kernels", "notebooks", "testing"),
    "rest": (),
}


def paths(part):
    """What pytest is told: where the tests of the part are, or where they are not."""
    if PARTS[part]:
        return [f"tests/{name}" for name in PARTS[part]]
    return [f"--ignore=tests/{name}" for names in PARTS.values() for name in names]


def command(part):
    """Each part remembers its own failures, for `--last-failed`."""
    cache = Path(".pytest_cache") / part
    return [sys.executable, "-m", "pytest", "-o", f"cache_dir={cache}", *paths(part)]


def begun(part):
    """The last one is seen at work."""
    if not PARTS[part]:
        return subprocess.Popen(command(part))
    with log_of(part).open("w") as log:
        return subprocess.Popen(command(part), stdout=log, stderr=subprocess.STDOUT)


def log_of(part):
    return Path(f".{part}-tests.log")


def main():
    start = time.monotonic()
    at_work = {part: begun(part) for part in PARTS}
    ends = {part: process.wait() for part, process in at_work.items()}
    for part, names in PARTS.items():
        if names:
            print(log_of(part).read_text())
    print(f"All parts took {time.monotonic() - start:.0f} s. They ended with {ends}.")
    return int(any(ends.values()))


if __name__ == "__main__":
    sys.exit(main())
