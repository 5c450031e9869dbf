"""What is asked of an engine: its limits at the start, each new run, each new schedule."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_flows.core.checkpoint import CheckpointOptions
from jupyter_flows.core.completions import Addresses, Completion
from jupyter_flows.core.model import Json, Retry, RunId
from jupyter_flows.core.schedules import CatchUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`timeout` is a gate's default in seconds (G12), `payload_bytes` a vote's limit (G63), and
    `validator_seconds` what a gate's own check may take (G62). `checkpointing` is for notebooks
    that say nothing of it; saving may take `checkpoint_seconds`, and what
    is saved of a failed run is kept for `failed_checkpoint_seconds`. Of the runs that one run has
    started `children_at_once` may be at work. `queue` is the class of runs whose flow names none.
    `webhooks` is where owners of runs may have webhooks sent.
    """

    timeout: float = 30 * 86400.0
    payload_bytes: int = 1 << 20
    validator_seconds: float = 5.0
    checkpointing: CheckpointOptions = field(default_factory=CheckpointOptions)
    checkpoint_seconds: float = 600.0
    failed_checkpoint_seconds: float = 7 * 86400.0
    children_at_once: int = 4
    queue: str | None = None
    webhooks: Addresses = field(default_factory=Addresses)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What is asked for: `notebook` is the parsed .ipynb, `folder` and `output` absolute paths.
    `in_place`: the run shows in the notebook at `path`, as the contents API writes it. `lifetime`
    is how many seconds it may take in all; a shorter `timeout` of the notebook's counts.

    A run that another one's kernel asks for is `started_by` that one, and belongs to the family of
    `root_job`; `parent_job` is the job that says to be its parent. It begins at `begins_at` (POSIX
    seconds; None is now), and its steps are tried again by `retry` where they say nothing of it.
    `completion` is what its owner wants to be told of it.
    """

    notebook: Mapping[str, Json]
    path: str
    owner: str
    parameters: Mapping[str, Json]
    kernel_name: str | None = None
    kernel_id: str | None = None
    folder: str | None = None
    output: str | None = None
    idempotency_key: str | None = None
    in_place: bool = False
    lifetime: float | None = None
    parent_job: str | None = None
    root_job: RunId | None = None
    started_by: RunId | None = None
    begins_at: float | None = None
    retry: Retry | None = None
    completion: Completion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSchedule:
    """What is asked for: `path`, `folder` and `output` (a pattern of strftime) are absolute."""

    cron: str
    zone: str
    path: str
    folder: str
    owner: str
    name: str | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)
    kernel_name: str | None = None
    output: str | None = None
    catch_up: CatchUp = CatchUp.SKIP
