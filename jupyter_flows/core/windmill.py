"""Windmill's names for what a run is made of: its jobs, their paths, and a kernel's environment.

A run is a flow's job, and each of its steps is a job of its own, whose parent the run is
(api.md, section 6).
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from jupyter_flows.core.errors import UnknownJob
from jupyter_flows.core.model import Run, RunId, StepId

WORKSPACE = "jupyter"
"""The one workspace that a server has."""

_JOB = re.compile(r"(run_[a-z0-9]{1,64})(?:\.(.{1,256}))?", re.ASCII | re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*", re.ASCII)
_OTHER = re.compile(r"[^A-Za-z0-9_.-]+", re.ASCII)
_MARK = 8
"""Hex digits that tell names apart which look the same when they are written plainly."""


class Job(NamedTuple):
    """`step` None is the run itself, as its flow's job."""

    run: RunId
    step: StepId | None


def job_id(run: RunId, step: StepId | None = None) -> str:
    return run if step is None else f"{run}.{step}"


def job_of(text: str) -> Job:
    """Raises UnknownJob for what no job can be called."""
    found = _JOB.fullmatch(text)
    if found is None:
        raise UnknownJob(f"There is no job {text[:200]!r}.")
    step = found.group(2)
    return Job(RunId(found.group(1)), None if step is None else StepId(step))


def root_of(run: Run) -> RunId:
    """The run that the whole family of runs began with."""
    return run.root_job or run.id


def state_path(run: Run) -> str:
    """Where what is kept between runs of this flow lies, for its owner: `u/OWNER/FLOW/state`. A
    notebook that no file holds is no other's flow: its state is its run's alone.
    """
    return f"{home_of(run.owner)}/{plain(run.flow or root_of(run))}/state"


def home_of(user: str) -> str:
    """What the paths of this user's own things begin with: two parts, whatever the name holds."""
    return f"u/{plain(user.replace('/', chr(0)))}"


def plain(name: str) -> str:
    """The name as a path of plain letters; two names never become one."""
    if _PLAIN.fullmatch(name) and all(each.strip(".") for each in name.split("/")):
        return name
    parts = [_OTHER.sub("_", part).strip(".") or "_" for part in name.strip("/").split("/")]
    return f"{'/'.join(parts)}-{sha256(name.encode()).hexdigest()[:_MARK]}"


def environment(run: Run, base: str, token: str) -> Mapping[str, str]:
    """What the client package `wmill` reads in a kernel, but for what changes with each step.

    `base` is the address of the doors, up to `/jupyter-flows`.
    """
    return {
        "BASE_INTERNAL_URL": base,
        "WM_BASE_URL": base,
        "WM_TOKEN": token,
        "WM_WORKSPACE": WORKSPACE,
        "WM_FLOW_JOB_ID": run.id,
        "WM_ROOT_FLOW_JOB_ID": root_of(run),
        "WM_JOB_PATH": run.flow,
        "WM_FLOW_PATH": run.flow,
        "WM_STATE_PATH": state_path(run),
        "WM_USERNAME": run.owner,
        "WM_PERMISSIONED_AS": f"u/{run.owner}",
    }
