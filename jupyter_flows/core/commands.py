"""What can be asked of a run: imperative, frozen; `machine.decide` answers with events."""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct, field

from jupyter_flows.core.checkpoint import Checkpoint, Choice
from jupyter_flows.core.model import (
    Digest,
    Failure,
    Json,
    LinkId,
    Purpose,
    StepId,
    StepSpec,
    Voter,
)


class Start(Struct, frozen=True, kw_only=True):
    """A driver has the run: queued becomes running."""


class Advance(Struct, frozen=True, kw_only=True):
    """Start the next step, if nothing is awaited."""


class Pause(Struct, frozen=True, kw_only=True):
    """A cell ended at a wait in its midst: a sleep of `seconds`, or, with `ask` (what the call said
    of it), an approval. Its code runs again from the top when the wait is over.
    """

    key: str
    seconds: float | None = None
    ask: Mapping[str, Json] | None = None


class FinishStep(Struct, frozen=True, kw_only=True):
    """A cell has ended. `link` is the id for the link that its gate, if it opens, is given.

    `error` None is success. `amended` holds outputs of earlier steps that this cell changed.
    `stop` is what `stop_after_if` came to, `retry` what `retry_if` did; `chance`, from 0 to 1,
    spreads the pauses between tries. With `pause` it is to go on later.
    """

    step: StepId
    link: LinkId
    result: Json = None
    notice: str | None = None
    error: Failure | None = None
    outputs: Digest | None = None
    execution_count: int | None = None
    amended: Mapping[StepId, Digest] = field(default_factory=dict)
    widgets: Digest | None = None
    stop: bool = False
    retry: bool = True
    chance: float = 0.5
    pause: Pause | None = None


class KeepInner(Struct, frozen=True, kw_only=True):
    """An inner step of the cell that runs has ended; what is kept already stays."""

    step: StepId
    key: str
    result: Digest
    failed: bool = False


class DecideSkip(Struct, frozen=True, kw_only=True):
    """What a condition came to in the kernel: the step's own, or that of a section around it."""

    step: StepId
    skip: bool
    section: str | None = None


class FailStep(Struct, frozen=True, kw_only=True):
    """A step can't begin: its condition raised."""

    step: StepId
    error: Failure


class CastVote(Struct, frozen=True, kw_only=True):
    """`gate` None is a vote by a flow-level link; otherwise gate and generation are named (G6).

    `purpose` is that of the signed URL which was used, None where none was. `digest` is that of
    what was on the voter's screen: empty for a page from before the gate, None for no page at all.
    `checked` is the opening whose own validator has accepted the payload (G62).
    """

    gate: StepId | None
    generation: int
    voter: Voter
    approved: bool
    payload: Json = None
    reason: str | None = None
    digest: Digest | None = None
    purpose: Purpose | None = None
    checked: tuple[StepId, int] | None = None


class WithdrawVote(Struct, frozen=True, kw_only=True):
    """An approver takes the approval back (G18)."""

    gate: StepId
    generation: int
    voter: Voter


class CheckDeadline(Struct, frozen=True, kw_only=True):
    """The clock has passed a due time."""


class MintLink(Struct, frozen=True, kw_only=True):
    """`gate` None asks for a flow-level link; `expires_at` is required for it. `key` is that of the
    call by which the step's code is going to ask; None there is for the next one.
    """

    link: LinkId
    gate: StepId | None
    approver: str | None = None
    expires_at: float | None = None
    key: str | None = None


class RevokeLink(Struct, frozen=True, kw_only=True):
    link: LinkId
    by: str


class LoseKernel(Struct, frozen=True, kw_only=True):
    """The kernel is gone, or is not to be trusted. `outputs` is what is known of the cell that was
    running; `choices` are what a person may choose then, where that is not for the run to find out.
    """

    why: str
    outputs: Mapping[StepId, Digest] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()


class ShowGate(Struct, frozen=True, kw_only=True):
    """The page of this gate was shown to `voter`, with what this digest stands for (G71)."""

    gate: StepId
    generation: int
    voter: Voter
    digest: Digest | None = None


class Edited(Struct, frozen=True, kw_only=True):
    """The notebook as its author has changed it since the run began."""

    snapshot: Digest
    steps: tuple[StepSpec, ...]


class Resume(Struct, frozen=True, kw_only=True):
    """The owner goes on after a crash or a failure, from the step that did not finish; with
    `edited`, from there on with the notebook as it is now; with `kernel_id`, on that kernel.
    `choice` None takes the newest checkpoint, and without one has the earlier cells run again.
    """

    by: str
    edited: Edited | None = None
    kernel_id: str | None = None
    choice: Choice | None = None


class SaveCheckpoint(Struct, frozen=True, kw_only=True):
    """The kernel's variables are on disk, as this says."""

    checkpoint: Checkpoint


class MissCheckpoint(Struct, frozen=True, kw_only=True):
    """The kernel's variables could not be saved."""

    why: str


class DoubtCheckpoint(Struct, frozen=True, kw_only=True):
    """A trial of loading it failed."""

    checkpoint: Digest
    why: str


class ReleaseKernel(Struct, frozen=True, kw_only=True):
    """Let the kernel of a run that waits go, for this checkpoint holds all that is in it."""

    checkpoint: Digest


class FinishRestore(Struct, frozen=True, kw_only=True):
    """A kernel holds the checkpoint's variables."""

    checkpoint: Digest
    replayed: tuple[StepId, ...] = ()
    changes: tuple[str, ...] = ()


class FinishRebuild(Struct, frozen=True, kw_only=True):
    """The earlier cells ran again."""


class AmendOutputs(Struct, frozen=True, kw_only=True):
    """Outputs of finished steps changed while no cell ran."""

    outputs: Mapping[StepId, Digest]


class FailRun(Struct, frozen=True, kw_only=True):
    """The run cannot go on, whatever its cells do (no such kernel, say)."""

    error: Failure


class Cancel(Struct, frozen=True, kw_only=True):
    """The owner ends the run (G17)."""

    by: str
    reason: str | None = None


class MoveNotebook(Struct, frozen=True, kw_only=True):
    """The notebook was renamed, or moved, to this path (as the contents API writes it)."""

    path: str


Command: TypeAlias = (
    Start
    | Advance
    | FinishStep
    | KeepInner
    | DecideSkip
    | FailStep
    | CastVote
    | WithdrawVote
    | CheckDeadline
    | MintLink
    | RevokeLink
    | ShowGate
    | LoseKernel
    | Resume
    | SaveCheckpoint
    | MissCheckpoint
    | DoubtCheckpoint
    | ReleaseKernel
    | FinishRestore
    | FinishRebuild
    | AmendOutputs
    | FailRun
    | Cancel
    | MoveNotebook
)
