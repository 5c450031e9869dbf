"""The nouns: runs, steps, gates, votes and links, as frozen values.

Times are POSIX seconds (float, UTC); durations are seconds. Nothing here knows a clock, a loop or
a database, and nothing here changes a status: that is `machine`'s alone.
"""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self, TypeAlias

from msgspec import Struct, field

from jupyter_flows.core.checkpoint import Checkpoint, CheckpointOptions, Choice
from jupyter_flows.core.completions import Completion
from jupyter_flows.core.ids import Digest as Digest  # noqa: PLC0414 (also to be had from here)
from jupyter_flows.core.ids import LinkId as LinkId  # noqa: PLC0414 (also to be had from here)
from jupyter_flows.core.ids import RunId as RunId  # noqa: PLC0414 (also to be had from here)
from jupyter_flows.core.ids import StepId as StepId  # noqa: PLC0414 (also to be had from here)

Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list or dict with str keys."""

NOTHING: Mapping[str, Json] = MappingProxyType({})

QUEUE = r"[A-Za-z0-9._-]{1,48}"
"""The name of a class of runs, which only the servers drive that take this class."""


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUSPENDED = "suspended"
    SLEEPING = "sleeping"
    INTERRUPTED = "interrupted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINISHED = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED})


TIMED = frozenset({RunStatus.RUNNING, RunStatus.SUSPENDED, RunStatus.SLEEPING})
"""The statuses in which a run's times count."""


class StepStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class GateStatus(StrEnum):
    """`EXPECTED` is a gate whose cell still runs: its votes are kept for the opening (G4)."""

    EXPECTED = "expected"
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    SUPERSEDED = "superseded"


class Purpose(StrEnum):
    """What a signed URL opens (G31): the page with both buttons, or one of the two."""

    APPROVE = "approve"
    RESUME = "resume"
    CANCEL = "cancel"


class Failure(Struct, frozen=True):
    """What went wrong: `name` is a class name, `message` a sentence."""

    name: str
    message: str
    reason: str | None = None

    def as_json(self) -> dict[str, Json]:
        shown = {"name": self.name, "message": self.message}
        return shown if self.reason is None else {**shown, "reason": self.reason}


class GroupNeed(Struct, frozen=True):
    """How many approvals a gate needs from one group (G44)."""

    group: str
    required: int = 1


class GateOptions(Struct, frozen=True):
    """What an author may say of a gate.

    `timeout` None is the run's default; `form` is a JSON Schema. `required_events` counts all
    approvals that are needed, those of `groups` included; `sequential` makes the groups, or the
    `approvers`, vote in turn. `validate` names a function of the notebook (G62).
    """

    required_events: int = 1
    timeout: float | None = None
    form: Mapping[str, Json] | None = None
    default_args: Mapping[str, Json] = field(default_factory=dict)
    enums: Mapping[str, Json] = field(default_factory=dict)
    description: Json = None
    hide_cancel: bool = False
    require_reason: bool = False
    continue_on_disapprove_timeout: bool = False
    on_timeout: Mapping[str, Json] | None = None
    pre_approvals: bool = True
    self_approval_disabled: bool = False
    user_auth_required: bool = False
    user_groups_required: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    groups: tuple[GroupNeed, ...] = ()
    sequential: bool = False
    validate: str | None = None


class Retry(Struct, frozen=True):
    """G82: tries after a failed one, the constant kind first. Seconds; `random_factor` is the part
    of each exponential pause, in percent, that chance adds or takes away.
    """

    constant_attempts: int = 0
    constant_seconds: float = 0.0
    exponential_attempts: int = 0
    exponential_seconds: float = 0.0
    multiplier: float = 1.0
    random_factor: float = 0.0
    retry_if: str | None = None


class EarlyStop(Struct, frozen=True):
    """G80: the run ends behind this step if `expr` is true: well, or, with a message, as failed."""

    expr: str
    skip_if_stopped: bool = False
    error_message: str | None = None


class Section(Struct, frozen=True):
    """The cells below a heading cell that has a condition (G83); `id` is that cell's."""

    id: str
    skip_if: str


class Entry(StrEnum):
    """How the function is called that a cell ends with and does not call: by itself, or awaited."""

    CALL = "call"
    AWAIT = "await"


class StepSpec(Struct, frozen=True):
    """One code cell as the run was started with it; stored as data, never read again from the file.

    `index` counts the cells of the snapshot (all types) from 0. `source_hash` is a SHA-256.
    `sections` are the conditional ones that it stands in, from the outermost. `failure` steps run
    only when the run fails. Expressions are Python, for the run's kernel; durations are seconds.
    With `scripts` its outputs may run scripts on a gate's page, in a box apart. `cell` is its own
    cell's id, where the author has named the step otherwise. `checkpoint` is for the waits behind
    it. `asks` says that its code may wait for an approval in its midst, and `entry` how the
    function `main` is called that it ends with. One that runs `once` never runs again unasked.
    """

    id: StepId
    index: int
    source_hash: Digest
    summary: str = ""
    gate: GateOptions | None = None
    timeout: float | None = None
    evidence: bool = False
    replay: bool = False
    skipped: bool = False
    raises: bool = False
    skip_if: str | None = None
    sections: tuple[Section, ...] = ()
    stop_after_if: EarlyStop | None = None
    sleep: float | None = None
    retry: Retry | None = None
    continue_on_error: bool = False
    failure: bool = False
    scripts: bool = False
    cell: str | None = None
    checkpoint: CheckpointOptions | None = None
    asks: bool = False
    entry: Entry | None = None
    once: bool = False

    @property
    def cell_id(self) -> StepId:
        """What its cell goes by in a notebook."""
        return self.id if self.cell is None else StepId(self.cell)


class Step(Struct, frozen=True):
    """A step's present state. `attempts` counts starts, `tries` those since the step was first
    begun or resumed from, of which `pauses` ended at a wait in its midst; `outputs` names the
    stored outputs.
    """

    spec: StepSpec
    status: StepStatus = StepStatus.PENDING
    attempts: int = 0
    tries: int = 0
    pauses: int = 0
    started_at: float | None = None
    finished_at: float | None = None
    result: Json = None
    notice: str | None = None
    error: Failure | None = None
    outputs: Digest | None = None
    execution_count: int | None = None

    @property
    def id(self) -> StepId:
        return self.spec.id

    @property
    def done(self) -> bool:
        """Whether the run went on behind it: it succeeded, or was allowed to fail."""
        allowed = self.status is StepStatus.FAILED and self.spec.continue_on_error
        return self.status is StepStatus.SUCCEEDED or allowed


def plain_name(name: str | None) -> str:
    """A name as names are compared: without regard to case, width and spaces around it."""
    return unicodedata.normalize("NFKC", name or "").strip().casefold()


class Voter(Struct, frozen=True):
    """Who votes, and by which way. `name` None is an anonymous link.

    `verified` is a logged-in identity; otherwise the name is what the link claims (G41). A
    logged-in user who came by a link has that link's name under `claimed`. `groups` are those of
    a verified user.
    """

    name: str | None
    verified: bool
    route: str
    link: LinkId | None = None
    claimed: str | None = None
    groups: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What makes approvers distinct (G10): the name, or the link where nobody is named."""
        name = plain_name(self.name)
        return f"name:{name}" if name else f"link:{self.link}"

    def same_as(self, other: Self) -> bool:
        """Whether both are one approver (G10): by their key, or by the one link that both used,
        unless both were logged in.
        """
        by_link = self.link is not None and self.link == other.link
        return self.key == other.key or (by_link and not (self.verified and other.verified))

    @property
    def shown(self) -> str:
        return self.name or "anonymous"


class Vote(Struct, frozen=True):
    """One approval or rejection; `digest` is what was on the voter's screen (G70)."""

    voter: Voter
    approved: bool
    at: float
    payload: Json = None
    reason: str | None = None
    digest: Digest | None = None


class Gate(Struct, frozen=True):
    """One opening of a suspend step. `(step, generation)` names it within its run (G6).

    `shown` holds who has seen its page, and with which digest. `key` is that of the call by which a
    cell's code asks in its midst (`core.inner`); it is None for the gate of a `suspend` step, and
    empty for a gate that the next such call takes.
    """

    step: StepId
    generation: int
    options: GateOptions
    status: GateStatus = GateStatus.EXPECTED
    opened_at: float | None = None
    deadline: float | None = None
    closed_at: float | None = None
    votes: tuple[Vote, ...] = ()
    prompt: bool = False
    digest: Digest | None = None
    link: LinkId | None = None
    shown: frozenset[tuple[str, Digest | None]] = frozenset()
    key: str | None = None

    @property
    def approvals(self) -> tuple[Vote, ...]:
        return tuple(vote for vote in self.votes if vote.approved)

    def vote_of(self, voter: Voter) -> Vote | None:
        """This approver's newest vote."""
        return next((vote for vote in reversed(self.votes) if vote.voter.same_as(voter)), None)


def _newest(gate: Gate) -> tuple[bool, bool, int]:
    was_open = gate.key is None or gate.opened_at is not None
    return gate.status is GateStatus.OPEN, was_open, gate.generation


class Link(Struct, frozen=True):
    """A grant to vote, with one signed URL for each purpose. `gate` None is flow-level (G36).

    `expires_at` None is the gate's own deadline (G33).
    """

    id: LinkId
    gate: StepId | None
    generation: int
    approver: str | None
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    consumed_by: StepId | None = None


class Inner(Struct, frozen=True):
    """An inner step: a call in a cell's code whose outcome is kept, so that the code can run again
    from the top. One of: its `result` (stored JSON; `failed` where it is an error), the end of a
    sleep (`until`), or the `generation` of the gate by which it asks.
    """

    result: Digest | None = None
    failed: bool = False
    until: float | None = None
    generation: int | None = None


class Run(Struct, frozen=True):
    """One execution of a notebook as a flow, as the events so far say; `seq` is the last one's.

    `folder` is where its kernel starts, `output` the file that the executed notebook goes to.
    `deadline` is the whole run's, `wake_at` the end of its sleep. `failing` says that only the
    `failure` steps are still to run; `failed_step` is where it began. `skips` holds what the
    conditions of sections came to. `stopped` is the step that ended the run early (G80), `running`
    the one whose status says so. `in_place`: the run shows in the notebook at its path, below the
    `root` of the server that it was begun on, for servers that share a store may have other
    notebooks at the same path (None is not known).

    `checkpoints` are the newest ones that it may still go on with, the newest last, and `unsaved`
    why the last try led to none; `checkpointing` is how the author has it. `released_at` is when
    the kernel was let go while it waits. `restore` is the one that it is being resumed with, though
    packages have `changed` since where a person chose so. `choices` are what a person may choose
    for it now that it is interrupted.

    `parent_job` is the job whose code has started it (`core.windmill`), and `root_job` the run that
    the whole family began with; both are None for a run that began by itself. `started_by` is the
    run whose kernel asked for it: it is cancelled with that one, and takes one of the `at_once`
    places that the runs which that one has started have at work. A queued run with `wake_at` begins
    then. `inner` holds the inner steps of each step, by their keys. `completion` is what its owner
    has asked to be told of it.
    """

    id: RunId
    seq: int
    status: RunStatus
    path: str
    owner: str
    parameters: Mapping[str, Json]
    snapshot: Digest
    kernel_name: str
    kernel_id: str | None
    folder: str | None
    output: str | None
    default_timeout: float
    created_at: float
    steps: Mapping[StepId, Step]
    gates: Mapping[tuple[StepId, int], Gate] = field(default_factory=dict)
    links: Mapping[LinkId, Link] = field(default_factory=dict)
    pre_votes: tuple[Vote, ...] = ()
    started_at: float | None = None
    finished_at: float | None = None
    result: Json = None
    error: Failure | None = None
    name: str | None = None
    rebuild: bool = False
    widgets: Digest | None = None
    timeout: float | None = None
    concurrency: int | None = None
    deadline: float | None = None
    wake_at: float | None = None
    failing: bool = False
    failed_step: StepId | None = None
    skips: Mapping[str, bool] = field(default_factory=dict)
    stopped: StepId | None = None
    running: StepId | None = None
    in_place: bool = False
    root: str | None = None
    checkpointing: CheckpointOptions = CheckpointOptions()
    checkpoints: tuple[Checkpoint, ...] = ()
    unsaved: str | None = None
    released_at: float | None = None
    restore: Digest | None = None
    changed: bool = False
    choices: tuple[Choice, ...] = ()
    parent_job: str | None = None
    root_job: RunId | None = None
    started_by: RunId | None = None
    at_once: int | None = None
    queue: str | None = None
    completion: Completion | None = None
    inner: Mapping[StepId, Mapping[str, Inner]] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        return self.status in FINISHED

    @property
    def running_step(self) -> Step | None:
        return None if self.running is None else self.steps[self.running]

    @property
    def next_step(self) -> Step | None:
        for step in self.steps.values():
            if step.status is StepStatus.PENDING and step.spec.failure is self.failing:
                return step
        return None

    @property
    def open_gate(self) -> Gate | None:
        return next((g for g in self.gates.values() if g.status is GateStatus.OPEN), None)

    def gate(self, step: StepId) -> Gate | None:
        """The newest generation of this step's gate. Of those by which its code asks, the open one,
        else the newest that has been open.
        """
        generations = [g for g in self.gates.values() if g.step == step]
        return max(generations, key=_newest, default=None)

    @property
    def flow(self) -> str:
        """What runs of one flow have in common (for `concurrency`)."""
        return self.name or self.path

    @property
    def due_at(self) -> float | None:
        """When the clock alone has something to do here."""
        if self.status is RunStatus.QUEUED:
            return self.wake_at
        if self.status not in TIMED:
            return None
        gate = self.open_gate
        times = (gate.deadline if gate else None, self.wake_at, self.deadline)
        return min((at for at in times if at is not None), default=None)
