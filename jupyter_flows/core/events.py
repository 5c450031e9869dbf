"""What has happened to a run: past tense, frozen, one class a row of the log.

A kind's name is its class's name. Fields may be added with a default and never renamed: old rows
must always read.
"""

from collections.abc import Mapping
from typing import TypeAlias, get_args

from msgspec import Struct, field

from jupyter_flows.core.checkpoint import Checkpoint, CheckpointOptions, Choice
from jupyter_flows.core.completions import Completion
from jupyter_flows.core.model import (
    Digest,
    Failure,
    GateOptions,
    Json,
    LinkId,
    RunId,
    StepId,
    StepSpec,
    Voter,
)


class RunCreated(Struct, frozen=True, kw_only=True):
    path: str
    owner: str
    parameters: Mapping[str, Json]
    snapshot: Digest
    steps: tuple[StepSpec, ...]
    kernel_name: str
    default_timeout: float
    kernel_id: str | None = None
    folder: str | None = None
    output: str | None = None
    name: str | None = None
    timeout: float | None = None
    concurrency: int | None = None
    in_place: bool = False
    root: str | None = None
    checkpointing: CheckpointOptions = CheckpointOptions()
    parent_job: str | None = None
    root_job: RunId | None = None
    started_by: RunId | None = None
    at_once: int | None = None
    wake_at: float | None = None
    queue: str | None = None
    completion: Completion | None = None


class RunStarted(Struct, frozen=True, kw_only=True):
    pass


class StepStarted(Struct, frozen=True, kw_only=True):
    step: StepId
    attempt: int


class StepSkipped(Struct, frozen=True, kw_only=True):
    """Its tag or its own condition says so."""

    step: StepId


class SectionEntered(Struct, frozen=True, kw_only=True):
    """What a section's condition came to. Skipped: with all the steps in it (G83)."""

    section: str
    skipped: bool


class StepSucceeded(Struct, frozen=True, kw_only=True):
    step: StepId
    result: Json = None
    notice: str | None = None
    outputs: Digest | None = None
    execution_count: int | None = None


class StepFailed(Struct, frozen=True, kw_only=True):
    """`goes_on`: the run does not fail with it (`continue_on_error`)."""

    step: StepId
    error: Failure
    outputs: Digest | None = None
    execution_count: int | None = None
    goes_on: bool = False


class StepRetried(Struct, frozen=True, kw_only=True):
    """An attempt failed, and the step is to be tried again (G82)."""

    step: StepId
    error: Failure
    outputs: Digest | None = None
    execution_count: int | None = None


class StepPaused(Struct, frozen=True, kw_only=True):
    """Its cell ended at a wait in its midst, by the call of this key: a sleep `until` then, or an
    approval. The step is to run again from the top.
    """

    step: StepId
    key: str
    until: float | None = None
    outputs: Digest | None = None
    execution_count: int | None = None


class InnerStepKept(Struct, frozen=True, kw_only=True):
    """A call in the cell's code has ended, and is not made again when the code runs again."""

    step: StepId
    key: str
    outcome: Digest
    failed: bool = False


class InnerGateExpected(Struct, frozen=True, kw_only=True):
    """The step's code asks, or is going to ask, by the call of this key: its gate has this
    generation. The empty key is for the next call, which then gives the gate its own.
    """

    step: StepId
    key: str
    generation: int


class RunSlept(Struct, frozen=True, kw_only=True):
    """The run does nothing until a time: behind a step (G81), or before a retry of it (G82)."""

    step: StepId
    until: float


class RunWoken(Struct, frozen=True, kw_only=True):
    """The time has come: to go on, or for a run that was to begin later, to begin."""


class RunStopped(Struct, frozen=True, kw_only=True):
    """A condition ended the run early, behind this step: what is left is skipped (G80)."""

    step: StepId


class RunFailing(Struct, frozen=True, kw_only=True):
    """The run fails, and its `failure` steps are to run before it ends (G83)."""

    error: Failure
    step: StepId | None = None


class OutputsAmended(Struct, frozen=True, kw_only=True):
    """Outputs of finished steps changed later: a display updated, a thread that still prints.

    `digest` is what the open gate's digest has become (G70).
    """

    outputs: Mapping[StepId, Digest]
    digest: Digest | None = None


class WidgetsSaved(Struct, frozen=True, kw_only=True):
    """The state of the notebook's widgets, so that the saved notebook can draw them."""

    widgets: Digest


class GateOpened(Struct, frozen=True, kw_only=True):
    gate: StepId
    generation: int
    options: GateOptions
    deadline: float
    prompt: bool
    digest: Digest


class GateShown(Struct, frozen=True, kw_only=True):
    """Somebody was shown the approval page: once for each link (or name) and digest (G71)."""

    gate: StepId
    generation: int
    voter: Voter
    digest: Digest | None = None


class VoteCast(Struct, frozen=True, kw_only=True):
    """`gate` None: a vote by a flow-level link that no gate has counted yet (G36)."""

    gate: StepId | None
    generation: int
    voter: Voter
    approved: bool
    payload: Json = None
    reason: str | None = None
    digest: Digest | None = None


class PreVoteCounted(Struct, frozen=True, kw_only=True):
    """A vote by a flow-level link was consumed by this gate, and by no other after it (G36)."""

    gate: StepId
    generation: int
    link: LinkId


class VoteDismissed(Struct, frozen=True, kw_only=True):
    """A vote from before the opening doesn't fit the form that the gate opened with."""

    gate: StepId
    generation: int
    voter: Voter
    why: str
    approved: bool = True


class VoteWithdrawn(Struct, frozen=True, kw_only=True):
    """An approver took the approval back before the gate closed (G18)."""

    gate: StepId
    generation: int
    voter: Voter


class GateApproved(Struct, frozen=True, kw_only=True):
    gate: StepId
    generation: int


class GateRejected(Struct, frozen=True, kw_only=True):
    gate: StepId
    generation: int


class GateTimedOut(Struct, frozen=True, kw_only=True):
    gate: StepId
    generation: int


class LinkMinted(Struct, frozen=True, kw_only=True):
    link: LinkId
    gate: StepId | None
    generation: int
    approver: str | None = None
    expires_at: float | None = None


class LinkRevoked(Struct, frozen=True, kw_only=True):
    link: LinkId
    by: str


class RunInterrupted(Struct, frozen=True, kw_only=True):
    """The kernel is gone, and with it the cell that ran, if one did."""

    why: str
    outputs: Mapping[StepId, Digest] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()


class RunResumed(Struct, frozen=True, kw_only=True):
    """With `steps` it goes on with these, from another snapshot: the notebook was edited. Those
    that had run and stand before `step` are the same as before.

    `checkpoint` is restored, though packages have `changed` since where `by` chose so; with `live`
    the run goes on in its kernel as that is now; with neither the earlier cells run again.
    """

    by: str
    step: StepId
    snapshot: Digest | None = None
    steps: tuple[StepSpec, ...] | None = None
    kernel_id: str | None = None
    checkpoint: Digest | None = None
    changed: bool = False
    live: bool = False

    @property
    def choice(self) -> Choice:
        if self.live:
            return Choice.KERNEL
        if self.checkpoint is None:
            return Choice.RERUN
        return Choice.CHANGED if self.changed else Choice.CHECKPOINT


class KernelRebuilt(Struct, frozen=True, kw_only=True):
    """The earlier cells ran again in a fresh kernel: all, or those behind a checkpoint."""


class CheckpointSaved(Struct, frozen=True, kw_only=True):
    """The kernel's variables are on disk."""

    checkpoint: Checkpoint


class CheckpointFailed(Struct, frozen=True, kw_only=True):
    """They could not be saved; the kernel is kept as long as that is possible."""

    why: str


class CheckpointDoubted(Struct, frozen=True, kw_only=True):
    """A trial of loading it failed: the kernel is kept."""

    checkpoint: Digest
    why: str


class KernelReleased(Struct, frozen=True, kw_only=True):
    """The run waits without its kernel, which was let go: all that was in it is saved."""

    checkpoint: Digest


class KernelRestored(Struct, frozen=True, kw_only=True):
    """A kernel holds again what the checkpoint says. `replayed` are the steps that ran again for
    it, `changes` what was different about that kernel, which a person accepted.
    """

    checkpoint: Digest
    replayed: tuple[StepId, ...] = ()
    changes: tuple[str, ...] = ()


class RunSucceeded(Struct, frozen=True, kw_only=True):
    result: Json = None


class RunFailed(Struct, frozen=True, kw_only=True):
    error: Failure


class RunCancelled(Struct, frozen=True, kw_only=True):
    by: str
    reason: str | None = None


class NotebookMoved(Struct, frozen=True, kw_only=True):
    """The notebook in which the run shows is at another path now."""

    path: str


Event: TypeAlias = (
    RunCreated
    | RunStarted
    | StepStarted
    | StepSkipped
    | SectionEntered
    | StepSucceeded
    | StepFailed
    | StepRetried
    | StepPaused
    | InnerStepKept
    | InnerGateExpected
    | RunSlept
    | RunWoken
    | RunStopped
    | RunFailing
    | OutputsAmended
    | WidgetsSaved
    | GateOpened
    | GateShown
    | VoteCast
    | PreVoteCounted
    | VoteDismissed
    | VoteWithdrawn
    | GateApproved
    | GateRejected
    | GateTimedOut
    | LinkMinted
    | LinkRevoked
    | RunInterrupted
    | RunResumed
    | KernelRebuilt
    | CheckpointSaved
    | CheckpointFailed
    | CheckpointDoubted
    | KernelReleased
    | KernelRestored
    | RunSucceeded
    | RunFailed
    | RunCancelled
    | NotebookMoved
)

KINDS: Mapping[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


class Recorded(Struct, frozen=True):
    """An event in its place in the log: `seq` counts from 1 in the run, `at` is POSIX seconds."""

    seq: int
    at: float
    event: Event
