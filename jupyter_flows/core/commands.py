"""What can be asked of a run: imperative, frozen; `machine.decide` answers with events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from jupyter_flows.core.model import Digest, Failure, Json, LinkId, Purpose, StepId, Voter


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A driver has the run: queued becomes running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Start the next step, if nothing is awaited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishStep:
    """A cell has ended. `link` is the id for the link that its gate, if it opens, is given.

    `error` None is success. `amended` holds outputs of earlier steps that this cell changed.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CastVote:
    """`gate` None is a vote by a flow-level link; otherwise gate and generation are named (G6).

    `purpose` is that of the signed URL which was used, None where none was.
    """

    gate: StepId | None
    generation: int
    voter: Voter
    approved: bool
    payload: Json = None
    reason: str | None = None
    digest: Digest | None = None
    purpose: Purpose | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDeadline:
    """The clock has passed a due time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MintLink:
    """`gate` None asks for a flow-level link; `expires_at` is required for it."""

    link: LinkId
    gate: StepId | None
    approver: str | None = None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeLink:
    link: LinkId
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseKernel:
    """The kernel is gone. `outputs` is what is known of the cell that was running."""

    why: str
    outputs: Mapping[StepId, Digest] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """The owner goes on after a crash or a failure, from the step that did not finish."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishRebuild:
    """The earlier cells ran again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendOutputs:
    """Outputs of finished steps changed while no cell ran."""

    outputs: Mapping[StepId, Digest]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailRun:
    """The run cannot go on, whatever its cells do (no such kernel, say)."""

    error: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """The owner ends the run (G17)."""

    by: str
    reason: str | None = None


Command: TypeAlias = (
    Start
    | Advance
    | FinishStep
    | CastVote
    | CheckDeadline
    | MintLink
    | RevokeLink
    | LoseKernel
    | Resume
    | FinishRebuild
    | AmendOutputs
    | FailRun
    | Cancel
)
