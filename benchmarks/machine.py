"""The facts without which a number says nothing: machine, versions, how commits are made."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    "ipykernel",
    "jupyter_client",
    "jupyter_server",
    "nbclient",
    "jupyterlab",
    "papermill",
    "SQLAlchemy",
)

DURABILITY = (
    "Our figures are with durable commits: SQLite in WAL mode; synchronous=FULL (waits for the"
    " disk) for events that answer a person, NORMAL for the steps of a run."
)


def facts() -> list[str]:
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GB, {platform.system()}"
    return [
        f"{machine}; load before the run {os.getloadavg()[0]:.1f}",
        f"Python {platform.python_version()}, {versions}",
        DURABILITY,
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
